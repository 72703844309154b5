//! Streams that one thread let pass within the millisecond: their next packets are neither read as a whole nor looked up.

use super::subject::{FIN, RST, SYN};
use crate::packet::ip::{TCP, UDP};
use crate::session::Millis;

/// Streams that are remembered; two that fall to one place push each other out.
const PLACES: usize = 16;

/// What one thread let pass last, in one direction.
#[derive(Default)]
pub struct Glance {
    places: [Option<Seen>; PLACES],
}

#[derive(Clone, Copy)]
struct Seen {
    stream: Stream,
    generation: u64,
    now: Millis,
}

/// Where a packet goes that neither begins nor ends anything: whole, TCP or UDP, with nothing between network and transport.
#[derive(Clone, Copy)]
pub struct Stream {
    /// Both; all but the first are 0 of IPv4.
    addresses: (u64, u64, u64, u64),
    /// Ports, protocol, and whether it is IPv6.
    rest: u64,
}

impl PartialEq for Stream {
    /// Word by word, as they were read: written together and read as one they would have to wait for the cache.
    #[inline]
    fn eq(&self, other: &Stream) -> bool {
        let (a, b, c, d) = self.addresses;
        let (e, f, g, h) = other.addresses;
        (a ^ e) | (b ^ f) | (c ^ g) | (d ^ h) | (self.rest ^ other.rest) == 0
    }
}

impl Glance {
    /// Whether rules of this generation let the stream pass in this millisecond.
    #[inline]
    pub fn knows(&self, stream: &Stream, generation: u64, now: Millis) -> bool {
        let seen = &self.places[stream.place()];
        seen.as_ref()
            .is_some_and(|seen| (seen.now, seen.generation) == (now, generation) && seen.stream == *stream)
    }

    /// It passes unasked for the rest of the millisecond.
    pub fn note(&mut self, stream: Stream, generation: u64, now: Millis) {
        self.places[stream.place()] = Some(Seen { stream, generation, now });
    }
}

impl Stream {
    /// `None`: the packet is something else, or malformed.
    #[inline]
    pub fn read(packet: &[u8]) -> Option<Stream> {
        match packet.first()? {
            0x45 => {
                let head = packet.first_chunk::<20>()?;
                let whole = head[6] & 0x3f == 0 && head[7] == 0;
                let transport = packet.get(20..usize::from(u16::from_be_bytes([head[2], head[3]])))?;
                let rest = rest(head[9], transport)?;
                whole.then_some(Stream { addresses: (word(head, 12), 0, 0, 0), rest })
            }
            0x60..=0x6f => {
                let head = packet.first_chunk::<40>()?;
                let transport = packet.get(40..40 + usize::from(u16::from_be_bytes([head[4], head[5]])))?;
                let rest = rest(head[6], transport)? | 1;
                let addresses = (word(head, 8), word(head, 16), word(head, 24), word(head, 32));
                Some(Stream { addresses, rest })
            }
            _ => None,
        }
    }

    #[inline]
    fn place(&self) -> usize {
        let (a, b, c, d) = self.addresses;
        let folded = self.rest ^ a ^ b ^ c ^ d;
        (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
    }
}

#[inline]
fn rest(protocol: u8, transport: &[u8]) -> Option<u64> {
    let ports = u32::from_be_bytes(*transport.first_chunk()?);
    let goes_on = match protocol {
        TCP => transport.get(13)? & (SYN | FIN | RST) == 0,
        UDP => true,
        _ => false,
    };
    goes_on.then_some(u64::from(ports) << 16 | u64::from(protocol) << 8)
}

#[inline]
fn word(head: &[u8], at: usize) -> u64 {
    head[at..].first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
