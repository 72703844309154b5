//! Probes and their echoes: first byte 0x10 or 0x11, 64-bit id little endian, zeros up to the size that is tried.

#![forbid(unsafe_code)]

/// First inner byte of a probe.
pub const PROBE: u8 = 0x10;
/// First inner byte of an echo.
pub const ECHO: u8 = 0x11;
/// Shortest probe: first byte and id.
pub const MIN: usize = 9;

/// A probe or echo that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// To be echoed on the path it came by.
    Ask(u64),
    /// The answer to ours.
    Echo(u64),
}

/// Writes a probe that fills `payload`; false when it is shorter than [`MIN`].
pub fn write_probe(payload: &mut [u8], id: u64) -> bool {
    let Some((head, padding)) = payload.split_first_chunk_mut::<MIN>() else { return false };
    head[0] = PROBE;
    head[1..].copy_from_slice(&id.to_le_bytes());
    padding.fill(0);
    true
}

/// Turns a probe into its echo, in place and of the same size; false when it is none.
pub fn into_echo(payload: &mut [u8]) -> bool {
    let is_probe = matches!(read(payload), Some(Probe::Ask(_)));
    if is_probe {
        payload[0] = ECHO;
    }
    is_probe
}

/// Reads either; `None` when it is malformed.
pub fn read(payload: &[u8]) -> Option<Probe> {
    let (&[first, ref id @ ..], _) = payload.split_first_chunk::<MIN>()?;
    let id = u64::from_le_bytes(*id);
    match first {
        PROBE => Some(Probe::Ask(id)),
        ECHO => Some(Probe::Echo(id)),
        _ => None,
    }
}
