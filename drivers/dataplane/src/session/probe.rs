//! Probes and their echoes: first byte 0x10 or 0x11, 64-bit id, two 64-bit counts, all little endian, then zeros up to the
//! size that is tried. A probe's counts are zero. An echo says how many datagrams its sender sent over this path, itself
//! included, and how many it received by it; all ones when it does not count there.

#![forbid(unsafe_code)]

/// First inner byte of a probe.
pub const PROBE: u8 = 0x10;
/// First inner byte of an echo.
pub const ECHO: u8 = 0x11;
/// Shortest probe: first byte, id, counts.
pub const MIN: usize = 25;

/// A probe or echo that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// To be echoed on the path it came by.
    Ask(u64),
    /// The answer to ours.
    Echo(u64, Option<Counts>),
}

/// Datagrams of the echo's sender over one path, since it knows that path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The echo itself included.
    pub sent: u64,
    /// The probe included.
    pub received: u64,
}

/// Writes a probe that fills `payload`; false when it is shorter than [`MIN`].
pub fn write_probe(payload: &mut [u8], id: u64) -> bool {
    if payload.len() < MIN {
        return false;
    }
    payload.fill(0);
    payload[0] = PROBE;
    payload[1..9].copy_from_slice(&id.to_le_bytes());
    true
}

/// Turns a probe into its echo, in place and of the same size; false when it is none.
pub fn into_echo(payload: &mut [u8], counts: Option<Counts>) -> bool {
    let is_probe = matches!(read(payload), Some(Probe::Ask(_)));
    if is_probe {
        let counts = counts.unwrap_or(Counts { sent: u64::MAX, received: u64::MAX });
        payload[0] = ECHO;
        payload[9..17].copy_from_slice(&counts.sent.to_le_bytes());
        payload[17..MIN].copy_from_slice(&counts.received.to_le_bytes());
    }
    is_probe
}

/// Reads either; `None` when it is malformed.
pub fn read(payload: &[u8]) -> Option<Probe> {
    let (head, _) = payload.split_first_chunk::<MIN>()?;
    let number = |at: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&head[at..at + 8]);
        u64::from_le_bytes(bytes)
    };
    match head[0] {
        PROBE => Some(Probe::Ask(number(1))),
        ECHO => {
            let counts = Counts { sent: number(9), received: number(17) };
            let counted = counts.sent != u64::MAX && counts.received != u64::MAX;
            Some(Probe::Echo(number(1), counted.then_some(counts)))
        }
        _ => None,
    }
}
