//! A ClientHello as far as it is read before its sender has proved where it is, and the answer that asks for that proof.

use super::cookie::Cookie;
use super::record::HEADER;

/// A ClientHello that fills its datagram. What it offers is the handshake's to judge.
#[derive(Clone, Copy)]
pub struct Hello<'a> {
    datagram: &'a [u8],
    /// Where the cookie's length stands.
    cookie_at: usize,
}

impl<'a> Hello<'a> {
    /// `None` for anything but one whole, unfragmented ClientHello that is no shorter than the answer to it.
    pub fn parse(datagram: &'a [u8]) -> Option<Hello<'a>> {
        let head = datagram.first_chunk::<BODY>()?;
        let is_plain = head[0] == HANDSHAKE && head[1] == 0xfe && head[3..5] == [0, 0];
        let is_whole = usize::from(u16::from_be_bytes([head[11], head[12]])) == datagram.len() - HEADER;
        let length = u32::from_be_bytes([0, head[14], head[15], head[16]]);
        let is_hello = head[13] == CLIENT_HELLO && head[19..22] == [0; 3] && head[14..17] == head[22..25];
        let fits = length as usize == datagram.len() - BODY;
        if !is_plain || !is_whole || !is_hello || !fits || datagram.len() < VERIFY {
            return None;
        }
        let session = BODY + 2 + RANDOM;
        let cookie_at = session + 1 + usize::from(*datagram.get(session)?);
        let length = usize::from(*datagram.get(cookie_at)?);
        datagram.get(cookie_at + 1..cookie_at + 1 + length)?;
        Some(Hello { datagram, cookie_at })
    }

    /// The whole datagram.
    pub fn datagram(&self) -> &'a [u8] {
        self.datagram
    }

    /// What its sender drew for this handshake.
    pub fn random(&self) -> [u8; RANDOM] {
        let mut random = [0; RANDOM];
        random.copy_from_slice(&self.datagram[BODY + 2..BODY + 2 + RANDOM]);
        random
    }

    /// The cookie it brings; empty in a first one.
    pub fn cookie(&self) -> &'a [u8] {
        let start = self.cookie_at + 1;
        &self.datagram[start..start + usize::from(self.datagram[self.cookie_at])]
    }

    /// The HelloVerifyRequest that asks for a cookie: never longer than the ClientHello.
    pub fn ask(&self, cookie: &Cookie) -> [u8; VERIFY] {
        let mut answer = [0; VERIFY];
        let body = VERIFY - BODY;
        answer[..3].copy_from_slice(&[HANDSHAKE, 0xfe, 0xfd]);
        // The record's number is that of the ClientHello, so that nothing has to be counted.
        answer[3..11].copy_from_slice(&self.datagram[3..11]);
        answer[11..13].copy_from_slice(&((VERIFY - HEADER) as u16).to_be_bytes());
        answer[13] = HELLO_VERIFY_REQUEST;
        answer[16] = body as u8;
        answer[24] = body as u8;
        answer[25..28].copy_from_slice(&[0xfe, 0xff, cookie.len() as u8]);
        answer[28..].copy_from_slice(cookie);
        answer
    }

    /// The ClientHello that the sender of this one began with, as far as a server can tell: without cookie.
    pub fn first(&self) -> Vec<u8> {
        let cookie = self.cookie().len();
        let mut first = self.datagram[..self.cookie_at].to_vec();
        first.push(0);
        first.extend_from_slice(&self.datagram[self.cookie_at + 1 + cookie..]);
        let length = (first.len() - HEADER) as u16;
        first[3..11].fill(0);
        first[11..13].copy_from_slice(&length.to_be_bytes());
        let body = &((first.len() - BODY) as u32).to_be_bytes()[1..];
        first[14..17].copy_from_slice(body);
        first[17..19].fill(0);
        first[22..25].copy_from_slice(body);
        first
    }
}

const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const HELLO_VERIFY_REQUEST: u8 = 3;
/// Where the body of a message begins: behind the record's header and its own.
const BODY: usize = HEADER + 12;
const RANDOM: usize = 32;
/// Bytes of a HelloVerifyRequest.
const VERIFY: usize = BODY + 3 + size_of::<Cookie>();
