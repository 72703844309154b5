//! Records as they lie on the wire. Numbers are big endian; the upper half of the first byte is the version, 1.
//!
//! ```text
//! unit    0x11, covered|bundle|hold (1, 1, 6 bits), previous (2), record (4), unit (4), payload
//! parity  0x12, index, units, parities, record (4), first unit (4), shard
//! ack     0x13, 0, delay (2), largest record (4), bitmap of those before it
//! mix     0x14, seed, units, 0, record (4), first unit (4), shard
//! ```
//!
//! A *unit* is a datagram, or a bundle of small ones of one flow, each with its length in two bytes before it. `previous`:
//! how many numbers before it the last unit of its flow has, for which it waits up to `hold` × 8 ms; 0 when it waits for
//! none. What parity restores is the *shard* of a unit: previous (2), bundle bit and length (2), payload, zeros. A *mix* is
//! parity of units in a row, too: the sum of their shards, each times its weight (`field`).

/// Bytes in front of every unit and shard.
pub const HEADER: usize = 12;
/// Bytes in front of a unit's payload in its shard.
pub const PREFIX: usize = 4;
/// Units and parities that a block has at most.
pub const UNITS: usize = 128;
pub const PARITIES: usize = 64;
/// Units that a mix has at most.
pub const MIXED: usize = 128;
/// Records before the largest that an acknowledgement tells about at most.
pub const SPAN: usize = 1_024;
/// Milliseconds in one step of `hold`, and its greatest value.
const HOLD: u64 = 8;
const HOLD_MOST: u64 = 63;
/// Microseconds in one step of `delay`.
const DELAY: u64 = 8;

const UNIT: u8 = 0x11;
const PARITY: u8 = 0x12;
const ACK: u8 = 0x13;
const MIX: u8 = 0x14;
const COVERED: u8 = 0x80;
const BUNDLE: u8 = 0x40;
/// The same bit in a shard's length.
const BUNDLE_SHARD: u8 = 0x80;

/// No record of ours; nothing of it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

/// What a record is.
#[derive(Debug)]
pub enum Record<'a> {
    Unit(Unit, &'a [u8]),
    Parity(Parity, &'a [u8]),
    Mix(Mix, &'a [u8]),
    Ack(Ack),
}

/// What stands in front of a unit's payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit {
    /// Counts everything that is sent and acknowledged, also what is sent again.
    pub record: u32,
    pub unit: u32,
    pub previous: u16,
    /// How long it waits for the previous one, in microseconds.
    pub hold: u64,
    /// It is part of a block.
    pub covered: bool,
    pub bundle: bool,
}

/// What stands in front of a parity shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parity {
    pub record: u32,
    /// The first unit of the block.
    pub first: u32,
    /// How many units it has, which parity this is, and of how many.
    pub units: u8,
    pub index: u8,
    pub parities: u8,
}

/// What stands in front of the shard of a mix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    pub record: u32,
    /// The first unit of it, and how many in a row it has.
    pub first: u32,
    pub units: u8,
    /// Says which weights they have.
    pub seed: u8,
}

/// Which records came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    pub largest: u32,
    /// How long ago that one came, in microseconds.
    pub delay: u64,
    /// Bit i: the one i + 1 before it came as well.
    pub before: [u64; SPAN / 64],
}

impl Unit {
    /// Writes the record of the unit that has this shard.
    pub fn write(&self, shard: &[u8], out: &mut Vec<u8>) {
        let hold = self.hold.div_ceil(HOLD * 1_000).min(HOLD_MOST) as u8;
        let bits = if self.covered { COVERED } else { 0 } | if self.bundle { BUNDLE } else { 0 };
        out.clear();
        out.extend_from_slice(&[UNIT, bits | hold]);
        out.extend_from_slice(&self.previous.to_be_bytes());
        out.extend_from_slice(&self.record.to_be_bytes());
        out.extend_from_slice(&self.unit.to_be_bytes());
        out.extend_from_slice(&shard[PREFIX..]);
    }
}

impl Parity {
    pub fn write(&self, shard: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&[PARITY, self.index, self.units, self.parities]);
        out.extend_from_slice(&self.record.to_be_bytes());
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(shard);
    }
}

impl Mix {
    pub fn write(&self, shard: &[u8], out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&[MIX, self.seed, self.units, 0]);
        out.extend_from_slice(&self.record.to_be_bytes());
        out.extend_from_slice(&self.first.to_be_bytes());
        out.extend_from_slice(shard);
    }
}

impl Ack {
    /// Writes it with the newest `span` of the records before the largest.
    pub fn write(&self, span: usize, out: &mut Vec<u8>) {
        out.clear();
        let delay = (self.delay / DELAY).min(u64::from(u16::MAX)) as u16;
        out.extend_from_slice(&[ACK, 0]);
        out.extend_from_slice(&delay.to_be_bytes());
        out.extend_from_slice(&self.largest.to_be_bytes());
        let bytes = self.before.iter().flat_map(|word| word.to_le_bytes());
        out.extend(bytes.take(span.min(SPAN).div_ceil(8)));
    }
}

/// Reads a record, or refuses it whole.
pub fn parse(record: &[u8]) -> Result<Record<'_>, Malformed> {
    match record {
        [UNIT, bits, a, b, rest @ ..] => {
            let ((record, unit), payload) = numbers(rest)?;
            let hold = u64::from(bits & HOLD_MOST as u8) * HOLD * 1_000;
            let bundle = bits & BUNDLE != 0;
            let previous = u16::from_be_bytes([*a, *b]);
            if !is_whole(payload, bundle) {
                return Err(Malformed);
            }
            let unit = Unit { record, unit, previous, hold, covered: bits & COVERED != 0, bundle };
            Ok(Record::Unit(unit, payload))
        }
        [PARITY, index, units, parities, rest @ ..] => {
            let ((record, first), shard) = numbers(rest)?;
            let counts = (1..=UNITS).contains(&usize::from(*units))
                && (1..=PARITIES).contains(&usize::from(*parities))
                && index < parities;
            if !counts || shard.len() <= PREFIX || shard.len() % 2 == 1 {
                return Err(Malformed);
            }
            let parity = Parity { record, first, units: *units, index: *index, parities: *parities };
            Ok(Record::Parity(parity, shard))
        }
        [MIX, seed, units, 0, rest @ ..] => {
            let ((record, first), shard) = numbers(rest)?;
            if !(1..=MIXED).contains(&usize::from(*units)) || shard.len() <= PREFIX {
                return Err(Malformed);
            }
            Ok(Record::Mix(Mix { record, first, units: *units, seed: *seed }, shard))
        }
        [ACK, 0, a, b, c, d, e, f, bitmap @ ..] if bitmap.len() <= SPAN / 8 => {
            let mut before = [0; SPAN / 64];
            for (word, bytes) in before.iter_mut().zip(bitmap.chunks(8)) {
                let mut whole = [0; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                *word = u64::from_le_bytes(whole);
            }
            let delay = u64::from(u16::from_be_bytes([*a, *b])) * DELAY;
            Ok(Record::Ack(Ack { largest: u32::from_be_bytes([*c, *d, *e, *f]), delay, before }))
        }
        _ => Err(Malformed),
    }
}

fn numbers(bytes: &[u8]) -> Result<((u32, u32), &[u8]), Malformed> {
    match bytes {
        [a, b, c, d, e, f, g, h, rest @ ..] => {
            Ok(((u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h])), rest))
        }
        _ => Err(Malformed),
    }
}

/// Begins a shard; datagrams are added by the caller.
pub fn begin_shard(shard: &mut Vec<u8>) {
    shard.clear();
    shard.extend_from_slice(&[0; PREFIX]);
}

/// Completes the shard of a unit whose payload is all there.
pub fn finish_shard(shard: &mut [u8], previous: u16, bundle: bool) {
    let length = (shard.len() - PREFIX) as u16;
    shard[..2].copy_from_slice(&previous.to_be_bytes());
    shard[2..PREFIX].copy_from_slice(&length.to_be_bytes());
    if bundle {
        shard[2] |= BUNDLE_SHARD;
    }
}

/// `previous` of a shard, and whether it is a bundle.
pub fn shard_prefix(shard: &[u8]) -> (u16, bool) {
    (u16::from_be_bytes([shard[0], shard[1]]), shard[2] & BUNDLE_SHARD != 0)
}

/// How many bytes of a restored shard are prefix and payload; `None` when it makes no sense.
pub fn shard_length(shard: &[u8]) -> Option<usize> {
    let length = PREFIX + usize::from(u16::from_be_bytes([shard[2] & !BUNDLE_SHARD, shard[3]]));
    let payload = shard.get(PREFIX..length)?;
    is_whole(payload, shard_prefix(shard).1).then_some(length)
}

/// The datagrams of a payload that is whole.
pub fn datagrams(payload: &[u8], bundle: bool) -> impl Iterator<Item = &[u8]> {
    let mut rest = payload;
    std::iter::from_fn(move || {
        if !bundle {
            return Some(std::mem::take(&mut rest)).filter(|datagram| !datagram.is_empty());
        }
        let (length, behind) = rest.split_at_checked(2)?;
        let length = usize::from(u16::from_be_bytes([length[0], length[1]]));
        let (datagram, behind) = behind.split_at_checked(length)?;
        rest = behind;
        Some(datagram)
    })
}

/// Whether the payload ends where its last datagram ends, and none is empty.
fn is_whole(payload: &[u8], bundle: bool) -> bool {
    if !bundle {
        return !payload.is_empty();
    }
    let mut rest = payload;
    while let [high, low, behind @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        match behind.get(length..) {
            Some(behind) if length > 0 => rest = behind,
            _ => return false,
        }
    }
    rest.is_empty() && !payload.is_empty()
}

/// The number with these lower bits that is nearest to `near`.
pub fn expand(low: u32, near: u64) -> u64 {
    near.wrapping_add_signed(i64::from(low.wrapping_sub(near as u32) as i32))
}
