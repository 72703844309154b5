//! What the filter reads of a packet: its two ends, what it carries, which fragment it is. Refuses, never panics.

use crate::packet::ip::{Header, TCP, UDP};

/// ICMP and ICMPv6.
pub const ICMP: u8 = 1;
pub const ICMP_V6: u8 = 58;

const DCCP: u8 = 33;
const SCTP: u8 = 132;
const UDP_LITE: u8 = 136;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const ACK: u8 = 0x10;

/// IPv6 headers before the transport header, at most so many: nobody sends more in earnest.
const EXTENSIONS: usize = 8;

/// Between whom a packet goes. Addresses are left-aligned, as those of a prefix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ends {
    /// Whether it is an IPv6 packet.
    pub v6: bool,
    /// Of the transport: 6, 17, …
    pub protocol: u8,
    /// Sender.
    pub source: u128,
    /// Receiver.
    pub destination: u128,
    /// Sender's port; of an echo request its id; 0 where there is none.
    pub source_port: u16,
    /// Receiver's port; of an echo reply its id; 0 where there is none.
    pub destination_port: u16,
}

/// A packet as the filter sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub ends: Ends,
    pub nature: Nature,
    /// Where it belongs if it was cut and is not the last to be asked for.
    pub fragment: Option<Fragment>,
}

/// What a packet is to its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nature {
    /// Part of a flow, with nothing special about it.
    Plain,
    /// TCP, with its flags.
    Tcp(u8),
    /// About a packet of the flow between these ends, which went the other way.
    Error(Ends),
    /// Belongs to no flow: ICMP that is neither error nor echo.
    Single,
    /// A fragment without transport header.
    Later,
}

/// What all fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragment {
    v6: bool,
    source: u128,
    destination: u128,
    protocol: u8,
    id: u32,
}

impl Subject {
    /// Reads a whole packet; `None` when it is malformed, or cut so that what it carries cannot be seen.
    pub fn read(packet: &[u8]) -> Option<Subject> {
        let header = Header::parse(packet)?;
        let layers = Layers::read(&packet[..header.total])?;
        let rest = &packet[layers.transport.min(header.total)..header.total];
        let fragment = layers.fragment;
        let ends = layers.ends;
        if layers.offset > 0 {
            // The second eight bytes of TCP hold its flags (RFC 3128).
            let covers = ends.protocol == TCP && layers.offset == 1;
            return (!covers).then_some(Subject { ends, nature: Nature::Later, fragment });
        }
        let (ends, nature) = match ends.protocol {
            TCP => (with_ports(ends, rest)?, Nature::Tcp(*rest.get(13)?)),
            protocol if is_icmp(ends.v6, protocol) => read_icmp(ends, rest)?,
            protocol if has_ports(protocol) => (with_ports(ends, rest)?, Nature::Plain),
            _ => (ends, Nature::Plain),
        };
        Some(Subject { ends, nature, fragment })
    }

    /// The beginning of a connection.
    pub fn is_opening(&self) -> bool {
        matches!(self.nature, Nature::Tcp(flags) if flags & (SYN | ACK | RST) == SYN)
    }

    pub fn has_flag(&self, flag: u8) -> bool {
        matches!(self.nature, Nature::Tcp(flags) if flags & flag != 0)
    }
}

pub fn is_icmp(v6: bool, protocol: u8) -> bool {
    protocol == if v6 { ICMP_V6 } else { ICMP }
}

/// Whether the transport begins with two ports.
pub fn has_ports(protocol: u8) -> bool {
    matches!(protocol, TCP | UDP | DCCP | SCTP | UDP_LITE)
}

/// Addresses, transport and fragment, without looking into the transport.
struct Layers {
    ends: Ends,
    /// Where the transport header begins; may lie behind the end of what there is.
    transport: usize,
    fragment: Option<Fragment>,
    /// Of a fragment, in units of eight bytes.
    offset: u16,
}

impl Layers {
    /// `bytes` may end early, as in an error's quotation.
    fn read(bytes: &[u8]) -> Option<Layers> {
        match bytes.first()? >> 4 {
            4 => Layers::read_v4(bytes),
            6 => Layers::read_v6(bytes),
            _ => None,
        }
    }

    fn read_v4(bytes: &[u8]) -> Option<Layers> {
        let head = bytes.get(..20)?;
        let transport = usize::from(head[0] & 15) * 4;
        let address = |at: usize| {
            u128::from(u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])) << 96
        };
        let ends = Ends {
            v6: false,
            protocol: head[9],
            source: address(12),
            destination: address(16),
            ..Ends::default()
        };
        let word = u16::from_be_bytes([head[6], head[7]]);
        let id = u32::from(u16::from_be_bytes([head[4], head[5]]));
        let fragment = (word & 0x3fff != 0).then(|| Fragment::new(&ends, ends.protocol, id));
        (transport >= 20).then_some(Layers { ends, transport, fragment, offset: word & 0x1fff })
    }

    fn read_v6(bytes: &[u8]) -> Option<Layers> {
        let head = bytes.get(..40)?;
        let address = |at: usize| u128::from_be_bytes(head[at..at + 16].try_into().unwrap_or_default());
        let ends = Ends { v6: true, source: address(8), destination: address(24), ..Ends::default() };
        let (mut next, mut at) = (head[6], 40);
        let (mut fragment, mut offset) = (None, 0);
        for _ in 0..EXTENSIONS {
            let length = match next {
                0 | 43 | 60 => (usize::from(*bytes.get(at + 1)?) + 1) * 8,
                51 => (usize::from(*bytes.get(at + 1)?) + 2) * 4,
                44 => {
                    let part = bytes.get(at..at + 8)?;
                    let word = u16::from_be_bytes([part[2], part[3]]);
                    let id = u32::from_be_bytes([part[4], part[5], part[6], part[7]]);
                    offset = word >> 3;
                    // Its transport may be called otherwise in each (RFC 8200 §4.5), so 44 stands for it.
                    fragment = (word & 1 != 0 || offset != 0).then(|| Fragment::new(&ends, 44, id));
                    8
                }
                protocol => {
                    return Some(Layers { ends: Ends { protocol, ..ends }, transport: at, fragment, offset });
                }
            };
            next = *bytes.get(at)?;
            at += length;
            if offset > 0 {
                return Some(Layers {
                    ends: Ends { protocol: next, ..ends },
                    transport: at,
                    fragment,
                    offset,
                });
            }
        }
        None
    }
}

impl Fragment {
    fn new(ends: &Ends, protocol: u8, id: u32) -> Fragment {
        Fragment { v6: ends.v6, source: ends.source, destination: ends.destination, protocol, id }
    }
}

fn with_ports(ends: Ends, transport: &[u8]) -> Option<Ends> {
    let [a, b, c, d] = *transport.first_chunk::<4>()?;
    let (source_port, destination_port) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    Some(Ends { source_port, destination_port, ..ends })
}

fn read_icmp(ends: Ends, message: &[u8]) -> Option<(Ends, Nature)> {
    let head = message.first_chunk::<8>()?;
    if let Some(echo) = with_echo(ends, head) {
        return Some((echo, Nature::Plain));
    }
    // Unreachable, too big, time exceeded, bad parameter; not redirect, which nobody here may ask for.
    let is_error = if ends.v6 { matches!(head[0], 1..=4) } else { matches!(head[0], 3 | 11 | 12) };
    let quoted = is_error.then(|| quoted(&message[8..])).flatten();
    Some((ends, quoted.map_or(Nature::Single, Nature::Error)))
}

/// An echo's id stands at the end that asked, so that who answers cannot ask in the same flow.
fn with_echo(ends: Ends, head: &[u8; 8]) -> Option<Ends> {
    let id = u16::from_be_bytes([head[4], head[5]]);
    match (ends.v6, head[0]) {
        (false, 8) | (true, 128) => Some(Ends { source_port: id, ..ends }),
        (false, 0) | (true, 129) => Some(Ends { destination_port: id, ..ends }),
        _ => None,
    }
}

/// The ends of the packet that an error is about, as far as it is quoted.
fn quoted(bytes: &[u8]) -> Option<Ends> {
    let layers = Layers::read(bytes)?;
    let rest = bytes.get(layers.transport..)?;
    let ends = layers.ends;
    match ends.protocol {
        _ if layers.offset > 0 => None,
        protocol if is_icmp(ends.v6, protocol) => with_echo(ends, rest.first_chunk::<8>()?),
        protocol if has_ports(protocol) => with_ports(ends, rest),
        _ => Some(ends),
    }
}
