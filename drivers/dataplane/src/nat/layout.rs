//! Where a packet's transport part begins, behind IPv6's extension headers, and whether its header is here at all.

use crate::packet::ip::{Header, TCP, UDP, Version};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const ICMP: u8 = 1;
pub const ICMP_V6: u8 = 58;

const DCCP: u8 = 33;
const UDP_LITE: u8 = 136;
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;
/// Extension headers that are looked behind.
const EXTENSIONS: usize = 8;
/// Bytes of an ICMP header before what an error quotes.
const ERROR_HEADER: usize = 8;

/// One of a packet's two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Source,
    Destination,
}

/// The parts of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub version: Version,
    /// Transport protocol; of a chain of extension headers that does not end, the last one's number.
    pub protocol: u8,
    /// Where the transport part begins; at most `end`.
    pub transport: usize,
    /// Bytes of the packet that are there, without padding.
    pub end: usize,
    /// Identification, if it is a piece of a packet.
    pub fragment: Option<u32>,
    /// The transport part begins with its header: it is no later piece.
    pub leads: bool,
}

impl Layout {
    /// `None` when it is no whole IP packet.
    pub fn read(packet: &[u8]) -> Option<Layout> {
        let header = Header::parse(packet)?;
        Some(Layout::of(packet, header.version, (header.length, header.total)))
    }

    /// The beginning of a packet that an ICMP error quotes.
    pub fn quoted(bytes: &[u8]) -> Option<Layout> {
        match bytes.first()? >> 4 {
            4 => {
                let length = usize::from(bytes[0] & 15) * 4;
                (length >= 20 && length <= bytes.len())
                    .then(|| Layout::of(bytes, Version::V4, (length, bytes.len())))
            }
            6 => (bytes.len() >= 40).then(|| Layout::of(bytes, Version::V6, (40, bytes.len()))),
            _ => None,
        }
    }

    fn of(packet: &[u8], version: Version, (length, end): (usize, usize)) -> Layout {
        match version {
            Version::V4 => {
                let bits = word(packet, 6);
                let fragment = (bits & 0x3fff != 0).then(|| u32::from(word(packet, 4)));
                let leads = bits & 0x1fff == 0;
                Layout { version, protocol: packet[9], transport: length, end, fragment, leads }
            }
            Version::V6 => behind_extensions(packet, end),
        }
    }

    /// Address of an end. `packet` is the one that was read.
    pub fn address(&self, packet: &[u8], end: End) -> IpAddr {
        let at = self.address_at(end);
        match self.version {
            Version::V4 => {
                let mut bytes = [0u8; 4];
                bytes.copy_from_slice(&packet[at..at + 4]);
                Ipv4Addr::from(bytes).into()
            }
            Version::V6 => {
                let mut bytes = [0u8; 16];
                bytes.copy_from_slice(&packet[at..at + 16]);
                Ipv6Addr::from(bytes).into()
            }
        }
    }

    /// Where the address of an end begins.
    pub fn address_at(&self, end: End) -> usize {
        match (self.version, end) {
            (Version::V4, End::Source) => 12,
            (Version::V4, End::Destination) => 16,
            (Version::V6, End::Source) => 8,
            (Version::V6, End::Destination) => 24,
        }
    }

    /// Where the port of an end lies, of ICMP the id of a query whichever end it is.
    pub fn port_at(&self, end: End) -> Option<usize> {
        let offset = match (self.protocol, end) {
            (TCP | UDP, End::Source) => 0,
            (TCP | UDP, End::Destination) => 2,
            (ICMP | ICMP_V6, _) if self.is_icmp() => 4,
            _ => return None,
        };
        let at = self.transport + offset;
        (self.leads && at + 2 <= self.end).then_some(at)
    }

    /// Where the transport's checksum lies, and whether addresses count in it.
    pub fn checksum_at(&self) -> Option<(usize, bool)> {
        let (offset, counts) = match self.protocol {
            TCP => (16, true),
            UDP | UDP_LITE | DCCP => (6, true),
            _ if self.is_icmp() => (2, self.version == Version::V6),
            _ => return None,
        };
        let at = self.transport + offset;
        (self.leads && at + 2 <= self.end).then_some((at, counts))
    }

    /// Whether 0 in the checksum field means that there is none.
    pub fn may_lack_checksum(&self) -> bool {
        matches!(self.protocol, UDP | UDP_LITE)
    }

    /// The ICMP of its IP version.
    pub fn is_icmp(&self) -> bool {
        self.protocol == if self.version == Version::V4 { ICMP } else { ICMP_V6 }
    }

    /// Type of an ICMP message.
    pub fn icmp_type(&self, packet: &[u8]) -> Option<u8> {
        (self.is_icmp() && self.leads && self.transport < self.end).then(|| packet[self.transport])
    }

    /// Where an ICMP error begins to quote the packet that it is about; `None` for everything else.
    pub fn quote_at(&self, packet: &[u8]) -> Option<usize> {
        let is_error = match self.version {
            Version::V4 => matches!(self.icmp_type(packet)?, 3 | 4 | 11 | 12),
            Version::V6 => matches!(self.icmp_type(packet)?, 1..=4),
        };
        let at = self.transport + ERROR_HEADER;
        (is_error && at <= self.end).then_some(at)
    }

    /// Flags of a TCP segment, 0 of everything else.
    pub fn tcp_flags(&self, packet: &[u8]) -> u8 {
        let at = self.transport + 13;
        if self.protocol == TCP && self.leads && at < self.end { packet[at] } else { 0 }
    }
}

fn behind_extensions(packet: &[u8], end: usize) -> Layout {
    let mut layout =
        Layout { version: Version::V6, protocol: packet[6], transport: 40, end, fragment: None, leads: true };
    for _ in 0..EXTENSIONS {
        let at = layout.transport;
        let whole = at + 8 <= end;
        match layout.protocol {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS if whole => {
                let length = (usize::from(packet[at + 1]) + 1) * 8;
                if at + length > end {
                    break;
                }
                layout.protocol = packet[at];
                layout.transport = at + length;
            }
            FRAGMENT if whole => {
                let id = [packet[at + 4], packet[at + 5], packet[at + 6], packet[at + 7]];
                layout.fragment = Some(u32::from_be_bytes(id));
                layout.leads = word(packet, at + 2) & 0xfff8 == 0;
                layout.protocol = packet[at];
                layout.transport = at + 8;
                if !layout.leads {
                    break;
                }
            }
            _ => break,
        }
    }
    layout
}

fn word(packet: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([packet[at], packet[at + 1]])
}
