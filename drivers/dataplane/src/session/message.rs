//! The four messages on the wire: what a datagram claims to be, and where its fields lie.

use super::{COOKIE_REPLY, HEADER, INITIATION, RESPONSE, TAG};

/// A datagram by its first bytes and length; nothing in it is authentic yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// Message 1.
    Initiation {
        /// Index by which the sender wants to be answered.
        sender: u32,
        /// Byte 1: offered suites; 0 from a stock peer.
        suites: u8,
        /// Byte 2: epoch id; 0 for a router session or a stock peer.
        epoch: u8,
    },
    /// Message 2.
    Response {
        /// The responder's index.
        sender: u32,
        /// Our index.
        receiver: u32,
        /// Byte 1: chosen suite.
        suite: u8,
        /// Byte 2: epoch id.
        epoch: u8,
    },
    /// Cookie reply.
    Cookie {
        /// Our index.
        receiver: u32,
    },
    /// Data, 32 bytes or more.
    Data {
        /// Our index.
        receiver: u32,
        /// Lane and sequence.
        counter: u64,
        /// Byte 1.
        flags: u8,
    },
}

/// Names a datagram, or `None` when it cannot be one of ours. Never panics.
pub fn classify(datagram: &[u8]) -> Option<Message> {
    let &[kind, first, second, third, ..] = datagram else { return None };
    match (kind, datagram.len()) {
        (kind::INITIATION, INITIATION) => {
            Some(Message::Initiation { sender: u32_at(datagram, 4), suites: first, epoch: second })
        }
        (kind::RESPONSE, RESPONSE) => Some(Message::Response {
            sender: u32_at(datagram, 4),
            receiver: u32_at(datagram, 8),
            suite: first,
            epoch: second,
        }),
        (kind::COOKIE, COOKIE_REPLY) if [first, second, third] == [0; 3] => {
            Some(Message::Cookie { receiver: u32_at(datagram, 4) })
        }
        (kind::DATA, length) if length >= HEADER + TAG && [second, third] == [0; 2] => {
            Some(Message::Data { receiver: u32_at(datagram, 4), counter: u64_at(datagram, 8), flags: first })
        }
        _ => None,
    }
}

/// First byte of each message.
pub(super) mod kind {
    pub(crate) const INITIATION: u8 = 1;
    pub(crate) const RESPONSE: u8 = 2;
    pub(crate) const COOKIE: u8 = 3;
    pub(crate) const DATA: u8 = 4;
}

/// Offsets of the Noise messages and of what follows them.
pub(super) mod field {
    use std::ops::Range;

    pub(crate) const INITIATION_NOISE: Range<usize> = 8..116;
    pub(crate) const RESPONSE_NOISE: Range<usize> = 12..60;
    pub(crate) const COOKIE_NONCE: Range<usize> = 8..32;
    pub(crate) const COOKIE_SEALED: Range<usize> = 32..64;
}

/// Little endian; the caller has checked the length.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut field = [0; 4];
    field.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(field)
}

/// Little endian; the caller has checked the length.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut field = [0; 8];
    field.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(field)
}
