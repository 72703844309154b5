//! Datagrams in a stream of bytes: each behind its length, two bytes, big endian, never 0.

use crate::os::{Arrival, LARGEST, SEGMENTS};
use std::net::SocketAddr;
use std::ops::Range;

/// Bytes in front of each datagram.
pub const LENGTH: usize = 2;

/// The stream holds no datagrams of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFrames;

/// Appends one datagram of 1 to 65,535 bytes; false when it has another length.
pub fn frame(out: &mut Vec<u8>, datagram: &[u8]) -> bool {
    let Some(length) = u16::try_from(datagram.len()).ok().filter(|length| *length > 0) else { return false };
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(datagram);
    true
}

/// Moves the whole datagrams of `slab[..filled]` together, without their lengths, and lists them as batches of `source`'s.
/// Returns where the bytes lie that are no whole datagram yet.
pub fn unframe(
    slab: &mut [u8],
    filled: usize,
    source: SocketAddr,
    list: &mut Vec<Arrival>,
) -> Result<Range<usize>, NotFrames> {
    let (mut read, mut written) = (0, 0);
    // Whether the last batch may grow: all its datagrams are equal so far.
    let mut open = false;
    while let Some(head) = slab[read..filled].first_chunk::<LENGTH>() {
        let length = usize::from(u16::from_be_bytes(*head));
        let start = read + LENGTH;
        if length == 0 {
            return Err(NotFrames);
        }
        if filled - start < length {
            break;
        }
        slab.copy_within(start..start + length, written);
        match list.last_mut() {
            Some(last)
                if open
                    && length <= last.stride
                    && last.range.len() < SEGMENTS * last.stride
                    && last.range.len() + length <= LARGEST =>
            {
                last.range.end += length;
                open = length == last.stride;
            }
            _ => {
                let range = written..written + length;
                list.push(Arrival { range, stride: length, source, stamp_nanos: 0 });
                open = true;
            }
        }
        read = start + length;
        written += length;
    }
    Ok(read..filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn source() -> SocketAddr {
        ([10, 0, 0, 1], 7743).into()
    }

    proptest! {
        #[test]
        fn datagrams_survive_any_cutting_of_the_stream(
            datagrams in proptest::collection::vec(prop_oneof![Just(vec![7u8; 1_400]), proptest::collection::vec(any::<u8>(), 1..2_000)], 0..150),
            cuts in proptest::collection::vec(1usize..70_000, 1..40),
        ) {
            let mut stream = Vec::new();
            for datagram in &datagrams {
                prop_assert!(frame(&mut stream, datagram));
            }
            let (mut taken, mut rest, mut left) = (Vec::new(), Vec::new(), &stream[..]);
            for cut in cuts.iter().cycle() {
                if left.is_empty() {
                    break;
                }
                let (chunk, more) = left.split_at(left.len().min(*cut));
                left = more;
                let mut slab = [&rest[..], chunk].concat();
                let (filled, mut list) = (slab.len(), Vec::new());
                let over = unframe(&mut slab, filled, source(), &mut list).expect("frames");
                for arrival in &list {
                    prop_assert!(arrival.range.len().div_ceil(arrival.stride) <= SEGMENTS);
                    prop_assert!(arrival.range.len() <= LARGEST.max(arrival.stride));
                    taken.extend(slab[arrival.range.clone()].chunks(arrival.stride).map(<[u8]>::to_vec));
                }
                rest = slab[over].to_vec();
            }
            prop_assert!(rest.is_empty());
            prop_assert_eq!(taken, datagrams);
        }

        #[test]
        fn any_stream_is_refused_or_taken(mut slab in proptest::collection::vec(any::<u8>(), 0..3_000)) {
            let (filled, mut list) = (slab.len(), Vec::new());
            if let Ok(rest) = unframe(&mut slab, filled, source(), &mut list) {
                prop_assert_eq!(rest.end, filled);
            }
            prop_assert!(list.iter().all(|arrival| arrival.range.end <= filled && arrival.stride > 0));
        }
    }

    #[test]
    fn datagrams_without_or_of_too_many_bytes_are_refused() {
        let mut out = Vec::new();
        assert!(!frame(&mut out, &[]) && !frame(&mut out, &[0; 65_536]) && out.is_empty());
        assert_eq!(unframe(&mut [0, 0, 1], 3, source(), &mut Vec::new()), Err(NotFrames));
    }
}
