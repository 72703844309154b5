//! How a request or an answer lies in a stream of bytes: a head of eight bytes, then the body. The descriptors that go with it
//! go with its first byte, and the head says how many there are.
//!
//! | byte | |
//! |---|---|
//! | 0 | version of frames, 1 |
//! | 1 | how many descriptors go with it, at most 4 |
//! | 2, 3 | zero |
//! | 4 to 7 | bytes of the body, big-endian, at least 1 and at most 131,072 |

/// Bytes of a head.
pub const HEAD: usize = 8;

/// Bytes of the longest body.
pub const LONGEST: usize = 128 * 1024;

/// Descriptors that may go with a frame.
pub const MOST_DESCRIPTORS: usize = 4;

/// What stands before a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Bytes of the body.
    pub length: usize,
    /// Descriptors that go with it.
    pub descriptors: usize,
}

impl Head {
    /// As it is sent; none for what no frame can hold.
    pub fn encode(self) -> Option<[u8; HEAD]> {
        let is_possible = (1..=LONGEST).contains(&self.length) && self.descriptors <= MOST_DESCRIPTORS;
        let [a, b, c, d] = u32::try_from(self.length).ok().filter(|_| is_possible)?.to_be_bytes();
        Some([VERSION, u8::try_from(self.descriptors).ok()?, 0, 0, a, b, c, d])
    }

    /// As it was sent; none where it is no head of this version.
    pub fn parse(bytes: [u8; HEAD]) -> Option<Head> {
        let [VERSION, descriptors, 0, 0, a, b, c, d] = bytes else { return None };
        let head = Head {
            length: usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?,
            descriptors: descriptors.into(),
        };
        head.encode().map(|_| head)
    }
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_head_reads_as_it_is_written(length in 1..=LONGEST, descriptors in 0..=MOST_DESCRIPTORS) {
            let head = Head { length, descriptors };
            prop_assert_eq!(head.encode().and_then(Head::parse), Some(head));
        }

        #[test]
        fn whatever_is_read_as_a_head_can_be_written(bytes: [u8; HEAD], version in 0u8..3) {
            for bytes in [bytes, [version, bytes[1] % 6, 0, 0, 0, bytes[5] % 4, bytes[6], bytes[7]]] {
                if let Some(head) = Head::parse(bytes) {
                    prop_assert_eq!(head.encode(), Some(bytes));
                }
            }
        }
    }

    #[test]
    fn what_is_too_much_or_of_another_version_is_none() {
        let of = |length, descriptors| Head { length, descriptors }.encode();
        assert!(of(0, 0).is_none() && of(LONGEST + 1, 0).is_none() && of(1, MOST_DESCRIPTORS + 1).is_none());
        assert!(Head::parse([2, 0, 0, 0, 0, 0, 0, 1]).is_none());
        assert!(Head::parse([1, 0, 0, 1, 0, 0, 0, 1]).is_none());
        assert!(Head::parse([1, 0, 0, 0, 0, 2, 0, 1]).is_none());
    }
}
