//! Protected records, one in a datagram: sealed and opened in place.

use crate::crypto::hkdf;
use crate::session::Window;
use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::ops::Range;

/// Bytes in front of what is protected.
pub const HEADER: usize = 13;
/// How many a record has more than it carries.
pub(super) const OVERHEAD: usize = HEADER + TAG;

/// What a record carries, by its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// The sender ends the link.
    Alert = 21,
    Data = 23,
}

/// Whether a datagram looks like a record of ours rather than one of the handshake.
pub fn is_protected(datagram: &[u8]) -> bool {
    matches!(datagram, [21 | 23, 0xfe, 0xfd, 0, 1, ..])
}

/// Both directions of one link.
pub struct Keys {
    sealing: Direction,
    opening: Direction,
    sequence: u64,
    window: Window,
}

impl Keys {
    /// From what the handshake exported. `is_client`: which end this is.
    pub fn of(exported: &[u8], is_client: bool) -> Keys {
        let [client, server] = ["client", "server"].map(|end| Direction::of(exported, end));
        let (sealing, opening) = if is_client { (client, server) } else { (server, client) };
        Keys { sealing, opening, sequence: FIRST, window: Window::new() }
    }

    /// Seals what stands behind room for a header at the end of `out`, from `start` on. False: these keys are used up.
    pub fn seal(&mut self, content: Content, out: &mut Vec<u8>, start: usize) -> bool {
        if self.sequence >= LAST {
            return false;
        }
        let number = EPOCH | self.sequence;
        self.sequence += 1;
        let length = out.len() - start - HEADER;
        let (header, aad) = heads(content, number, length);
        let (head, body) = out[start..].split_at_mut(HEADER);
        head.copy_from_slice(&header);
        let nonce = self.sealing.nonce(number);
        match self.sealing.key.seal_in_place_separate_tag(nonce, Aad::from(aad), body) {
            Ok(tag) => {
                out.extend_from_slice(tag.as_ref());
                true
            }
            Err(_) => false,
        }
    }

    /// Opens a record in place: what it carries, and where. `None` for anything that is none of this link's, or came
    /// before.
    pub fn open(&mut self, record: &mut [u8]) -> Option<(Content, Range<usize>)> {
        if !is_protected(record) || record.len() < OVERHEAD {
            return None;
        }
        let content = if record[0] == Content::Data as u8 { Content::Data } else { Content::Alert };
        let mut number = [0; 8];
        number.copy_from_slice(&record[3..11]);
        let number = u64::from_be_bytes(number);
        let length = record.len() - OVERHEAD;
        let (header, aad) = heads(content, number, length);
        let (head, body) = record.split_at_mut(HEADER);
        if *head != header {
            return None;
        }
        self.opening.key.open_in_place(self.opening.nonce(number), Aad::from(aad), body).ok()?;
        self.window.accept(number & !EPOCH).then_some((content, HEADER..HEADER + length))
    }
}

struct Direction {
    key: LessSafeKey,
    salt: [u8; 12],
}

impl Direction {
    fn of(exported: &[u8], end: &str) -> Direction {
        let bytes = hkdf::expand::<28>(&hkdf::extract(b"starmesh dtls 1", exported), &[end.as_bytes()]);
        let (key, rest) = bytes.split_at(16);
        let mut salt = [0; 12];
        salt.copy_from_slice(rest);
        let key = UnboundKey::new(&AES_128_GCM, key).expect("16 bytes are a key of AES-128");
        Direction { key: LessSafeKey::new(key), salt }
    }

    fn nonce(&self, number: u64) -> Nonce {
        let mut nonce = self.salt;
        for (byte, with) in nonce[4..].iter_mut().zip(number.to_be_bytes()) {
            *byte ^= with;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// The header of a record, and what is authenticated beside it (RFC 5246 §6.2.3.3). `length`: of what it carries.
fn heads(content: Content, number: u64, length: usize) -> ([u8; HEADER], [u8; HEADER]) {
    let mut header = [0; HEADER];
    header[..3].copy_from_slice(&[content as u8, 0xfe, 0xfd]);
    header[3..11].copy_from_slice(&number.to_be_bytes());
    header[11..].copy_from_slice(&((length + TAG) as u16).to_be_bytes());
    let mut aad = [0; HEADER];
    aad[..8].copy_from_slice(&number.to_be_bytes());
    aad[8..11].copy_from_slice(&header[..3]);
    aad[11..].copy_from_slice(&(length as u16).to_be_bytes());
    (header, aad)
}

const TAG: usize = 16;
/// The one epoch there is, above the 48 bits of the number.
const EPOCH: u64 = 1 << 48;
/// Behind the handshake's own records of this epoch, for whoever looks at the numbers.
const FIRST: u64 = 1;
/// What one key may seal at most (RFC 8446 §5.5 has 2^24.5 records for it). What is in the records is sealed already, with
/// keys that are renewed: this only ends what should long have been replaced.
const LAST: u64 = 1 << 36;
