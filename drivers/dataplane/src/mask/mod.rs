//! The mask: datagrams of a plain flow look like random bytes of random sizes to whoever does not hold its key.
//!
//! It hides, it does not protect: what it covers is sealed or checked by itself, and who holds a network's mask key may
//! recognise its datagrams and nothing more. Two forms, told apart by trying:
//!
//! - **Headers.** A data message keeps its size, so that batches stay whole. Its 16 bytes of header are XORed with
//!   AES-128(header key, sample), as QUIC protects headers (RFC 9001, section 5.4); the sample is the last 16 bytes, the
//!   message's tag. Behind a relay frame's 8 bytes 24 are covered, the last 8 with the block of the sample whose first
//!   bit is turned over.
//! - **Whole.** Handshake messages, cookies, STUN and small data (keepalives, probes, control): a random nonce of 16
//!   bytes, then 4 zero bytes, the length (2 bytes, big endian), the datagram and random padding, all XORed with AES-128 in
//!   counter mode under the whole key: block n is the nonce with n added to its last 4 bytes, big endian.
//!
//! A mask key has 32 bytes: the header key and the whole key.

#![forbid(unsafe_code)]

use crate::session::{HEADER, Key, TAG};
use aws_lc_rs::cipher::{AES_128, EncryptingKey, UnboundCipherKey};
use std::ops::{Range, RangeInclusive};
use zeroize::Zeroizing;

/// Bytes that the whole form puts before the datagram.
pub const PRELUDE: usize = NONCE + HEAD;
/// Most padding behind it, that of a first message; an answer to a stranger is never larger than what it answers.
pub const PADDING: usize = 160;
/// Data messages up to this length are covered whole where they travel alone.
pub const SMALL: usize = 256;

const NONCE: usize = 16;
/// Zero bytes, length.
const HEAD: usize = 6;
const BLOCK: usize = 16;
/// Samples that are enciphered together.
const BATCH: usize = 64;
const RELAY: usize = crate::endpoint::RELAY_HEADER;

/// The keys of one mask, ready for use.
pub struct Mask {
    key: Zeroizing<Key>,
    headers: EncryptingKey,
    whole: EncryptingKey,
}

/// What a datagram turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Not covered by this mask: it is as it came.
    Foreign,
    /// Uncovered in place.
    Headers,
    /// Uncovered; here lies the datagram, within the one that came.
    Whole(Range<usize>),
}

impl Mask {
    /// Of a mask key.
    pub fn new(key: &Key) -> Mask {
        let (headers, whole) = key.split_at(BLOCK);
        Mask { key: Zeroizing::new(*key), headers: cipher(headers), whole: cipher(whole) }
    }

    /// Whether both are of one key.
    pub fn is(&self, other: &Mask) -> bool {
        *self.key == *other.key
    }

    /// Covers the headers of equal data messages, or of relay frames with such: `buffer` is cut into chunks of `stride`, the
    /// last may be shorter; none is shorter than its headers and a tag.
    pub fn cover(&self, buffer: &mut [u8], stride: usize) {
        for batch in buffer.chunks_mut(stride * BATCH) {
            let mut samples = [[0u8; BLOCK]; BATCH];
            let count = sample(batch, stride, &mut samples);
            encipher(&self.headers, &mut samples[..count]);
            for (datagram, block) in batch.chunks_mut(stride).zip(&samples) {
                if datagram[0] == FRAME {
                    let more = self.second(datagram);
                    xor(&mut datagram[HEADER..HEADER + RELAY], &more);
                }
                xor(&mut datagram[..HEADER], block);
            }
        }
    }

    /// Uncovers whatever it recognises among datagrams of one source, cut as for [`Mask::cover`]; `forms` has one entry for each and
    /// those that are not [`Form::Foreign`] yet are left alone. Ranges count from the beginning of each datagram.
    pub fn uncover(&self, buffer: &mut [u8], stride: usize, forms: &mut [Form]) {
        for (batch, forms) in buffer.chunks_mut(stride * BATCH).zip(forms.chunks_mut(BATCH)) {
            let mut samples = [[0u8; BLOCK]; BATCH];
            let count = sample(batch, stride, &mut samples);
            encipher(&self.headers, &mut samples[..count]);
            for ((datagram, block), form) in batch.chunks_mut(stride).zip(&samples).zip(forms) {
                if *form == Form::Foreign {
                    *form = self.uncover_one(datagram, block);
                }
            }
        }
    }

    /// Whether it covers this datagram, which stays as it is.
    pub fn recognises(&self, datagram: &[u8]) -> bool {
        let mut samples = [[0u8; BLOCK]];
        sample(datagram, datagram.len().max(1), &mut samples);
        encipher(&self.headers, &mut samples);
        self.headers(datagram, &samples[0]).is_some() || self.whole(datagram).is_some()
    }

    /// Covers `room[..length]` whole, with so much padding of the range; `room` has [`PRELUDE`] bytes and the most of it
    /// besides. Returns how long it is now. `random` fills with random bytes.
    pub fn wrap(
        &self,
        room: &mut [u8],
        length: usize,
        padding: RangeInclusive<usize>,
        random: &mut dyn FnMut(&mut [u8]),
    ) -> usize {
        let (least, most) = (*padding.start(), (*padding.end()).min(PADDING));
        let mut drawn = [0u8; NONCE + 2 + PADDING];
        random(&mut drawn);
        let (nonce, rest) = drawn.split_at(NONCE);
        let (choice, filler) = rest.split_at(2);
        let padding = least + usize::from(u16::from_be_bytes([choice[0], choice[1]])) % (most - least + 1);
        room.copy_within(..length, PRELUDE);
        room[..NONCE].copy_from_slice(nonce);
        room[NONCE..NONCE + 4].fill(0);
        room[NONCE + 4..PRELUDE].copy_from_slice(&(length as u16).to_be_bytes());
        // Random already, and no less so under the keystream.
        room[PRELUDE + length..PRELUDE + length + padding].copy_from_slice(&filler[..padding]);
        let (nonce, covered) = room[..PRELUDE + length].split_at_mut(NONCE);
        self.keystream(nonce, covered);
        PRELUDE + length + padding
    }

    fn uncover_one(&self, datagram: &mut [u8], block: &[u8; BLOCK]) -> Form {
        if let Some(framed) = self.headers(datagram, block) {
            if framed {
                let more = self.second(datagram);
                xor(&mut datagram[HEADER..HEADER + RELAY], &more);
            }
            xor(&mut datagram[..HEADER], block);
            return Form::Headers;
        }
        let Some(length) = self.whole(datagram) else { return Form::Foreign };
        let (nonce, covered) = datagram[..PRELUDE + length].split_at_mut(NONCE);
        self.keystream(nonce, covered);
        Form::Whole(PRELUDE..PRELUDE + length)
    }

    /// Whether `block` uncovers a data message, and whether one in a relay frame.
    fn headers(&self, datagram: &[u8], block: &[u8; BLOCK]) -> Option<bool> {
        if datagram.len() < HEADER + TAG {
            return None;
        }
        let mut head = [0u8; HEADER];
        head.copy_from_slice(&datagram[..HEADER]);
        xor(&mut head, block);
        match head {
            [DATA, 0 | 1, 0, 0, ..] => Some(false),
            [FRAME, 0, 0, 0, _, _, _, _, DATA, 0 | 1, 0, 0, ..] if datagram.len() >= RELAY + HEADER + TAG => {
                Some(true)
            }
            _ => None,
        }
    }

    /// The length of the datagram that is covered whole in this one.
    fn whole(&self, datagram: &[u8]) -> Option<usize> {
        let (nonce, covered) = datagram.split_at_checked(NONCE)?;
        let mut block = [[0u8; BLOCK]];
        block[0].copy_from_slice(nonce);
        encipher(&self.whole, &mut block);
        let mut head = [0u8; HEAD];
        head.copy_from_slice(covered.get(..HEAD)?);
        xor(&mut head, &block[0]);
        let [0, 0, 0, 0, high, low] = head else { return None };
        let length = usize::from(u16::from_be_bytes([high, low]));
        (length > 0 && HEAD + length <= covered.len()).then_some(length)
    }

    /// What covers the last bytes of a relay frame's headers.
    fn second(&self, datagram: &[u8]) -> [u8; BLOCK] {
        let mut block = [[0u8; BLOCK]];
        block[0].copy_from_slice(&datagram[datagram.len() - BLOCK..]);
        block[0][0] ^= 0x80;
        encipher(&self.headers, &mut block);
        block[0]
    }

    fn keystream(&self, nonce: &[u8], bytes: &mut [u8]) {
        let mut counter = [0u8; BLOCK];
        counter.copy_from_slice(nonce);
        let last = u32::from_be_bytes([nonce[12], nonce[13], nonce[14], nonce[15]]);
        for (at, covered) in bytes.chunks_mut(BLOCK * BATCH).enumerate() {
            let mut blocks = [[0u8; BLOCK]; BATCH];
            let count = covered.len().div_ceil(BLOCK);
            for (number, block) in blocks[..count].iter_mut().enumerate() {
                counter[12..].copy_from_slice(&last.wrapping_add((at * BATCH + number) as u32).to_be_bytes());
                *block = counter;
            }
            encipher(&self.whole, &mut blocks[..count]);
            for (bytes, block) in covered.chunks_mut(BLOCK).zip(&blocks) {
                xor(bytes, block);
            }
        }
    }
}

/// First bytes of what has a header to cover.
const DATA: u8 = 4;
const FRAME: u8 = 5;

/// Copies the last bytes of each datagram; of one that is too short to have a header, none. How many there are.
fn sample(batch: &[u8], stride: usize, samples: &mut [[u8; BLOCK]]) -> usize {
    let mut count = 0;
    for (datagram, sample) in batch.chunks(stride).zip(samples) {
        if let Some(tag) = datagram.last_chunk() {
            *sample = *tag;
        }
        count += 1;
    }
    count
}

fn cipher(key: &[u8]) -> EncryptingKey {
    let key = UnboundCipherKey::new(&AES_128, key).and_then(EncryptingKey::ecb);
    key.unwrap_or_else(|_| unreachable!("a key of 16 bytes"))
}

/// Each block by itself: they are samples and counters, of which no two are equal but by chance.
fn encipher(key: &EncryptingKey, blocks: &mut [[u8; BLOCK]]) {
    let done = key.encrypt(blocks.as_flattened_mut());
    assert!(done.is_ok(), "whole blocks are enciphered");
}

fn xor(bytes: &mut [u8], mask: &[u8]) {
    for (byte, mask) in bytes.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
#[path = "mask_test.rs"]
mod tests;
