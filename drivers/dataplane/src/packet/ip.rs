//! What the data plane reads of an IP packet: addresses, transport, lengths. Refuses, never panics.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V4,
    V6,
}

/// The network header of one packet, checked against its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub version: Version,
    /// Bytes before the transport header: IPv4 with options, IPv6 without extension headers.
    pub length: usize,
    /// Bytes of the whole packet as the header states them; what follows is padding.
    pub total: usize,
    /// Transport protocol (IPv6: the next header, which may be an extension).
    pub protocol: u8,
    /// Part of a fragmented packet: transport fields must not be trusted.
    pub fragment: bool,
}

impl Header {
    /// Reads the header; `None` when the packet is no whole IP packet.
    pub fn parse(packet: &[u8]) -> Option<Header> {
        match packet.first()? >> 4 {
            4 => {
                if packet.len() < 20 {
                    return None;
                }
                let length = usize::from(packet[0] & 15) * 4;
                let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
                if length < 20 || total < length || total > packet.len() {
                    return None;
                }
                let fragment = u16::from_be_bytes([packet[6], packet[7]]) & 0x3fff != 0;
                Some(Header { version: Version::V4, length, total, protocol: packet[9], fragment })
            }
            6 => {
                if packet.len() < 40 {
                    return None;
                }
                let total = 40 + usize::from(u16::from_be_bytes([packet[4], packet[5]]));
                if total > packet.len() {
                    return None;
                }
                Some(Header { version: Version::V6, length: 40, total, protocol: packet[6], fragment: false })
            }
            _ => None,
        }
    }

    /// Sender's address. `packet` is the one that was parsed.
    pub fn source(&self, packet: &[u8]) -> IpAddr {
        match self.version {
            Version::V4 => v4(packet, 12),
            Version::V6 => v6(packet, 8),
        }
    }

    /// Receiver's address. `packet` is the one that was parsed.
    pub fn destination(&self, packet: &[u8]) -> IpAddr {
        match self.version {
            Version::V4 => v4(packet, 16),
            Version::V6 => v6(packet, 24),
        }
    }

    /// Offset of the checksum field in the transport header, for TCP and UDP that are not fragments.
    pub fn checksum_offset(&self) -> Option<usize> {
        match self.protocol {
            TCP if !self.fragment && self.total >= self.length + 20 => Some(16),
            UDP if !self.fragment && self.total >= self.length + 8 => Some(6),
            _ => None,
        }
    }
}

fn v4(packet: &[u8], at: usize) -> IpAddr {
    let mut bytes = [0u8; 4];
    bytes.copy_from_slice(&packet[at..at + 4]);
    IpAddr::V4(Ipv4Addr::from(bytes))
}

fn v6(packet: &[u8], at: usize) -> IpAddr {
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&packet[at..at + 16]);
    IpAddr::V6(Ipv6Addr::from(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn random_bytes_are_refused_or_in_bounds(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some(header) = Header::parse(&bytes) {
                prop_assert!(header.total <= bytes.len() && header.length <= header.total);
                header.source(&bytes);
                header.destination(&bytes);
                if let Some(offset) = header.checksum_offset() {
                    prop_assert!(header.length + offset + 2 <= header.total);
                }
            }
        }
    }

    #[test]
    fn a_first_fragment_has_no_transport_checksum() {
        let mut packet = vec![0u8; 60];
        packet[0] = 0x45;
        packet[3] = 60;
        packet[6] = 0x20;
        packet[9] = UDP;
        let header = Header::parse(&packet).expect("an IPv4 packet");
        assert!(header.fragment);
        assert_eq!(header.checksum_offset(), None);
    }
}
