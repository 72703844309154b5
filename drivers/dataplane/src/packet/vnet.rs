//! The header in front of every packet of a TUN with offloads (`struct virtio_net_hdr`, ten bytes, host byte order).

/// Bytes of the header.
pub const LENGTH: usize = 10;

/// The checksum field holds the pseudo-header sum only; the rest is still to be added.
pub const NEEDS_CHECKSUM: u8 = 1;

pub const GSO_NONE: u8 = 0;
pub const GSO_TCP4: u8 = 1;
pub const GSO_TCP6: u8 = 4;
pub const GSO_UDP: u8 = 5;
/// Set beside a TCP type when the stream uses ECN.
pub const GSO_ECN: u8 = 0x80;

/// What the kernel says of a packet, and what we say of one to the kernel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vnet {
    pub flags: u8,
    pub gso: u8,
    /// Bytes of all headers of a super-packet.
    pub headers: u16,
    /// Payload bytes of each segment of a super-packet.
    pub segment: u16,
    /// Where the transport part begins.
    pub checksum_start: u16,
    /// Where in the transport part its checksum field lies.
    pub checksum_offset: u16,
}

impl Vnet {
    pub fn parse(bytes: &[u8; LENGTH]) -> Vnet {
        let word = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        Vnet {
            flags: bytes[0],
            gso: bytes[1],
            headers: word(2),
            segment: word(4),
            checksum_start: word(6),
            checksum_offset: word(8),
        }
    }

    pub fn bytes(&self) -> [u8; LENGTH] {
        let mut bytes = [self.flags, self.gso, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes[2..4].copy_from_slice(&self.headers.to_ne_bytes());
        bytes[4..6].copy_from_slice(&self.segment.to_ne_bytes());
        bytes[6..8].copy_from_slice(&self.checksum_start.to_ne_bytes());
        bytes[8..10].copy_from_slice(&self.checksum_offset.to_ne_bytes());
        bytes
    }
}
