//! Packets in two sealed parts, for paths that are too narrow for them: 0x12, 32-bit id little endian, 0 or 1, then the
//! bytes. Being inside the session, every part is authentic; what is held of it is bounded all the same.

#![forbid(unsafe_code)]

use super::Millis;
use std::collections::VecDeque;

/// First inner byte of a part.
pub const PART: u8 = 0x12;
/// Bytes before those of the packet.
pub const HEADER: usize = 6;
/// First parts (or second ones that came first) held at a time.
const HELD: usize = 64;
/// The other part is not waited for any longer.
const PATIENCE: Millis = 1_000;
/// Largest packet that is put together.
const LARGEST: usize = 2_048;

/// One part as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Names the packet.
    pub id: u32,
    /// The end of it, not the beginning.
    pub second: bool,
    /// That half of the packet.
    pub bytes: &'a [u8],
}

/// Reads a part; `None` when it is malformed.
pub fn read(payload: &[u8]) -> Option<Part<'_>> {
    let (&[PART, a, b, c, d, which @ (0 | 1)], bytes) = payload.split_first_chunk::<HEADER>()? else {
        return None;
    };
    let whole = !bytes.is_empty() && bytes.len() <= LARGEST;
    whole.then_some(Part { id: u32::from_le_bytes([a, b, c, d]), second: which == 1, bytes })
}

/// Writes a part into `out`, which has exactly [`HEADER`] bytes more than `bytes`.
pub fn write(out: &mut [u8], id: u32, second: bool, bytes: &[u8]) {
    let (head, body) = out.split_at_mut(HEADER);
    head[0] = PART;
    head[1..5].copy_from_slice(&id.to_le_bytes());
    head[5] = u8::from(second);
    body.copy_from_slice(bytes);
}

/// Parts of one peer that wait for their other half.
#[derive(Default)]
pub struct Halves {
    held: VecDeque<Half>,
}

struct Half {
    id: u32,
    second: bool,
    bytes: Vec<u8>,
    since: Millis,
}

impl Halves {
    /// Takes a part; the whole packet when it was the one that lacked.
    pub fn take(&mut self, part: Part<'_>, now: Millis) -> Option<Vec<u8>> {
        while self.held.front().is_some_and(|half| now > half.since + PATIENCE) {
            self.held.pop_front();
        }
        if let Some(at) = self.held.iter().position(|half| half.id == part.id) {
            let half = self.held.remove(at)?;
            let fits = half.second != part.second && half.bytes.len() + part.bytes.len() <= LARGEST;
            let (first, second) =
                if part.second { (&half.bytes[..], part.bytes) } else { (part.bytes, &half.bytes[..]) };
            return fits.then(|| [first, second].concat());
        }
        if self.held.len() == HELD {
            self.held.pop_front();
        }
        self.held.push_back(Half {
            id: part.id,
            second: part.second,
            bytes: part.bytes.to_vec(),
            since: now,
        });
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_taken(payloads in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(PART), Just(0u8), any::<u8>()], 0..40), 0..200), step in 0u64..300) {
            let mut halves = Halves::default();
            for (at, payload) in payloads.iter().enumerate() {
                if let Some(part) = read(payload) {
                    let whole = halves.take(part, at as u64 * step);
                    prop_assert!(whole.is_none_or(|whole| whole.len() <= LARGEST));
                }
                prop_assert!(halves.held.len() <= HELD);
            }
        }

        #[test]
        fn parts_in_any_order_make_the_packets(sizes in proptest::collection::vec(2usize..1_400, 1..32), turn in any::<u64>()) {
            let packets: Vec<Vec<u8>> = sizes.iter().enumerate().map(|(at, size)| vec![at as u8; *size]).collect();
            let mut sent = Vec::new();
            for (id, packet) in packets.iter().enumerate() {
                let (first, second) = packet.split_at(packet.len() / 2);
                for (which, bytes) in [(false, first), (true, second)] {
                    let mut out = vec![0; HEADER + bytes.len()];
                    write(&mut out, id as u32, which, bytes);
                    sent.push(out);
                }
            }
            let many = sent.len();
            for at in 0..many {
                sent.swap(at, (turn as usize).wrapping_mul(at + 1) % many);
            }
            let mut halves = Halves::default();
            let mut got: Vec<Vec<u8>> = sent.iter().filter_map(|part| halves.take(read(part)?, 5)).collect();
            got.sort_by_key(|packet| packet[0]);
            prop_assert_eq!(got, packets);
        }
    }

    #[test]
    fn a_half_is_not_held_for_ever() {
        let mut halves = Halves::default();
        let part = |second| Part { id: 7, second, bytes: &[1, 2] };
        assert_eq!(halves.take(part(false), 0), None);
        assert_eq!(halves.take(part(true), PATIENCE + 1), None);
        assert_eq!(halves.take(part(false), PATIENCE + 2), Some(vec![1, 2, 1, 2]));
    }
}
