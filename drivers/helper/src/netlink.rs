//! The kernel's route socket (RFC 3549, include/uapi/linux/netlink.h): one exchange at a time.

use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket};

/// Body of a message: a fixed structure and attributes behind it.
#[derive(Debug, Clone, Default)]
pub struct Body(Vec<u8>);

impl Body {
    /// Begins with the message's own structure, a multiple of four bytes.
    pub fn new(structure: &[u8]) -> Body {
        Body(structure.to_vec())
    }

    /// With one more attribute (`struct rtattr`).
    pub fn with(mut self, kind: u16, value: &[u8]) -> Body {
        let length = u16::try_from(ATTRIBUTE_HEADER + value.len()).unwrap_or(u16::MAX);
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// With one more attribute of 32 bits.
    pub fn with_number(self, kind: u16, value: u32) -> Body {
        self.with(kind, &value.to_ne_bytes())
    }

    /// With attributes inside one.
    pub fn with_nested(self, kind: u16, inner: &Body) -> Body {
        self.with(kind | NESTED, &inner.0)
    }
}

impl AsRef<[u8]> for Body {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Sends one request and collects the bodies that answer it.
pub fn exchange(kind: u16, flags: u16, body: &Body) -> Result<Vec<Vec<u8>>, Errno> {
    let protocol = SockProtocol::NetlinkRoute;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, protocol)?;
    let mut request = Vec::with_capacity(HEADER + body.0.len());
    let length = u32::try_from(HEADER + body.0.len()).map_err(|_| Errno::EMSGSIZE)?;
    request.extend_from_slice(&length.to_ne_bytes());
    request.extend_from_slice(&kind.to_ne_bytes());
    request.extend_from_slice(&(REQUEST | ACKNOWLEDGE | flags).to_ne_bytes());
    request.extend_from_slice(&SEQUENCE.to_ne_bytes());
    request.extend_from_slice(&0u32.to_ne_bytes());
    request.extend_from_slice(&body.0);
    send(socket.as_raw_fd(), &request, MsgFlags::empty())?;
    let mut bodies = Vec::new();
    let mut buffer = vec![0; RECEIVED];
    loop {
        let length = recv(socket.as_raw_fd(), &mut buffer, MsgFlags::empty())?;
        for message in messages(&buffer[..length]) {
            if message.sequence != SEQUENCE {
                continue;
            }
            match message.kind {
                DONE => return Ok(bodies),
                ERROR => {
                    let number = number_at(message.body, 0).ok_or(Errno::EBADMSG)?.cast_signed();
                    return if number == 0 {
                        Ok(bodies)
                    } else {
                        Err(Errno::from_raw(number.saturating_neg()))
                    };
                }
                _ => bodies.push(message.body.to_vec()),
            }
        }
    }
}

/// All of a kind.
pub fn dump(kind: u16) -> Result<Vec<Vec<u8>>, Errno> {
    exchange(kind, DUMP, &Body::new(&[0; 4]))
}

/// The last attribute of this kind behind a fixed structure.
pub fn attribute(body: &[u8], structure: usize, kind: u16) -> Option<&[u8]> {
    let mut rest = body.get(structure..)?;
    let mut found = None;
    while rest.len() >= ATTRIBUTE_HEADER {
        let length = usize::from(short_at(rest, 0)?);
        if length < ATTRIBUTE_HEADER || length > rest.len() {
            return found;
        }
        if short_at(rest, 2)? & KIND == kind {
            found = Some(&rest[ATTRIBUTE_HEADER..length]);
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    found
}

/// An attribute of 32 bits.
pub fn number(body: &[u8], structure: usize, kind: u16) -> Option<u32> {
    let value = attribute(body, structure, kind)?;
    Some(u32::from_ne_bytes(value.try_into().ok()?))
}

/// 32 bits at a place.
pub fn number_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

struct Message<'a> {
    kind: u16,
    sequence: u32,
    body: &'a [u8],
}

/// The messages of a datagram, as far as their lengths fit.
fn messages(mut rest: &[u8]) -> Vec<Message<'_>> {
    let mut found = Vec::new();
    while let (Some(length), Some(kind), Some(sequence)) =
        (number_at(rest, 0), short_at(rest, 4), number_at(rest, 8))
    {
        let length = length as usize;
        if length < HEADER || length > rest.len() {
            break;
        }
        found.push(Message { kind, sequence, body: &rest[HEADER..length] });
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    found
}

fn short_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// `NLM_F_CREATE | NLM_F_EXCL`.
pub const CREATE: u16 = 0x400 | 0x200;
const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const DUMP: u16 = 0x300;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const NESTED: u16 = 0x8000;
const KIND: u16 = 0x3fff;
const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;
const SEQUENCE: u32 = 1;
const RECEIVED: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_the_kernel_says_is_read_without_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), structure in 0usize..32, kind: u16,
        ) {
            let _ = messages(&bytes).len();
            let _ = attribute(&bytes, structure, kind);
        }
    }

    #[test]
    fn an_attribute_is_found_as_it_was_written() {
        let body = Body::new(&[0; 4]).with(3, b"eth0\0").with_number(4, 1400);
        assert_eq!(attribute(&body.0, 4, 3), Some(&b"eth0\0"[..]));
        assert_eq!(number(&body.0, 4, 4), Some(1400));
        assert_eq!(number(&body.0, 4, 5), None);
    }
}
