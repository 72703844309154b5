//! Records as they lie on the wire. Numbers are big endian.

/// Bytes in front of every unit.
pub const HEADER: usize = 12;
/// Bytes that a parity record has in front of what it restores, besides the header.
pub const PREFIX: usize = 4;
/// Version 1 in the upper half, the kind in the lower.
const DATA: u8 = 0x11;

/// No record of ours; nothing of it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What stands in front of a unit.
pub struct Header {
    /// Counts everything that is sent, also what is sent again.
    pub record: u32,
    /// Which unit it carries.
    pub unit: u32,
}

impl Header {
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[DATA, 0, 0, 0]);
        out.extend_from_slice(&self.record.to_be_bytes());
        out.extend_from_slice(&self.unit.to_be_bytes());
    }

    pub fn parse(record: &[u8]) -> Result<(Header, &[u8]), Malformed> {
        match record {
            [DATA, 0, 0, 0, a, b, c, d, e, f, g, h, payload @ ..] => {
                let header = Header {
                    record: u32::from_be_bytes([*a, *b, *c, *d]),
                    unit: u32::from_be_bytes([*e, *f, *g, *h]),
                };
                Ok((header, payload))
            }
            _ => Err(Malformed),
        }
    }
}
