//! Packets to translate, and whether their checksums are right.

use crate::nat::layout::{ICMP, ICMP_V6, Layout};
use crate::packet::checksum;
use crate::packet::ip::{Header, TCP, UDP, Version};
use crate::packet::vnet::{NEEDS_CHECKSUM, Vnet};
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

pub const QUERY: u8 = 0;

/// A packet from one end to the other: TCP, UDP, or `QUERY` for an echo request whose id is the sender's port.
pub fn packet(protocol: u8, from: SocketAddr, to: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let v4 = from.is_ipv4();
    let icmp = if v4 { ICMP } else { ICMP_V6 };
    let mut transport = match protocol {
        TCP => {
            let mut header = vec![0u8; 20];
            header[12] = 0x50;
            header[13] = 0x10;
            header
        }
        _ => vec![0u8; 8],
    };
    if protocol == QUERY {
        transport[0] = if v4 { 8 } else { 128 };
        transport[4..6].copy_from_slice(&from.port().to_be_bytes());
    } else {
        transport[..2].copy_from_slice(&from.port().to_be_bytes());
        transport[2..4].copy_from_slice(&to.port().to_be_bytes());
    }
    transport.extend(payload);
    if protocol == UDP {
        let length = transport.len() as u16;
        transport[4..6].copy_from_slice(&length.to_be_bytes());
    }
    let mut packet =
        network((from.ip(), to.ip()), if protocol == QUERY { icmp } else { protocol }, &transport);
    finish(&mut packet);
    packet
}

/// The network header before a transport part.
pub fn network((from, to): (IpAddr, IpAddr), protocol: u8, transport: &[u8]) -> Vec<u8> {
    let mut packet = match (from, to) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let mut head = vec![0u8; 20];
            head[0] = 0x45;
            head[2..4].copy_from_slice(&(20 + transport.len() as u16).to_be_bytes());
            head[8] = 64;
            head[9] = protocol;
            head[12..16].copy_from_slice(&from.octets());
            head[16..20].copy_from_slice(&to.octets());
            checksum::write_ipv4(&mut head, 20);
            head
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let mut head = vec![0u8; 40];
            head[0] = 0x60;
            head[4..6].copy_from_slice(&(transport.len() as u16).to_be_bytes());
            head[6] = protocol;
            head[7] = 64;
            head[8..24].copy_from_slice(&from.octets());
            head[24..40].copy_from_slice(&to.octets());
            head
        }
        _ => panic!("two families"),
    };
    packet.extend(transport);
    packet
}

/// Puts the right transport checksum there.
pub fn finish(packet: &mut [u8]) {
    let (layout, header) = read(packet);
    let (at, counts) = layout.checksum_at().expect("a checksum");
    let seed = if counts { pseudo(&layout, &header, packet) } else { 0 };
    packet[at..at + 2].copy_from_slice(&seed.to_be_bytes());
    checksum::complete(packet, layout.transport, at - layout.transport);
}

/// Finishes a checksum that `unfinish` left, from what its field holds now.
pub fn complete(packet: &mut [u8]) {
    let (layout, _) = read(packet);
    let (at, _) = layout.checksum_at().expect("a checksum");
    checksum::complete(packet, layout.transport, at - layout.transport);
}

/// Leaves the transport checksum to whoever takes the packet; what the kernel says of it.
pub fn unfinish(packet: &mut [u8]) -> Vnet {
    let (layout, header) = read(packet);
    let (at, _) = layout.checksum_at().expect("a checksum");
    let seed = pseudo(&layout, &header, packet);
    packet[at..at + 2].copy_from_slice(&seed.to_be_bytes());
    Vnet {
        flags: NEEDS_CHECKSUM,
        checksum_start: layout.transport as u16,
        checksum_offset: (at - layout.transport) as u16,
        ..Vnet::default()
    }
}

/// Whether the checksums of a whole packet, and of what an error quotes as far as it is there, are right.
pub fn is_right(packet: &[u8]) -> bool {
    let (layout, header) = read(packet);
    if layout.version == Version::V4 && checksum::sum(&packet[..layout.transport], 0) != 0xffff {
        return false;
    }
    if let Some(at) = layout.quote_at(packet)
        && packet[at] >> 4 == 4
        && checksum::sum(&packet[at..at + 20], 0) != 0xffff
    {
        return false;
    }
    let Some((at, counts)) = layout.checksum_at() else { return true };
    if packet[at..at + 2] == [0, 0] && layout.may_lack_checksum() {
        return true;
    }
    let seed = if counts { pseudo(&layout, &header, packet) } else { 0 };
    checksum::sum(&packet[layout.transport..layout.end], seed) == 0xffff
}

/// The error "port unreachable" of a host about a packet that it got, quoting so many bytes behind the network header.
pub fn unreachable(from: IpAddr, about: &[u8], quoted: usize) -> Vec<u8> {
    let (layout, header) = read(about);
    let to = header.source(about);
    let v4 = layout.version == Version::V4;
    let mut transport = vec![if v4 { 3 } else { 1 }, if v4 { 3 } else { 4 }, 0, 0, 0, 0, 0, 0];
    transport.extend(&about[..layout.end.min(layout.transport + quoted)]);
    let mut packet = network((from, to), if v4 { ICMP } else { ICMP_V6 }, &transport);
    finish(&mut packet);
    packet
}

/// The words of a packet, with one of the two that stand for nothing in a checksum (RFC 1071) instead of the other.
pub fn one_zero(packet: &[u8]) -> Vec<Vec<u8>> {
    let word = |bytes: &[u8]| if bytes == [0xff, 0xff] { vec![0, 0] } else { bytes.to_vec() };
    packet.chunks(2).map(word).collect()
}

/// Ends of a packet, ports 0 where there are none.
pub fn ends(packet: &[u8]) -> (SocketAddr, SocketAddr) {
    let (layout, header) = read(packet);
    let port = |offset: usize| match layout.protocol {
        TCP | UDP => {
            u16::from_be_bytes([packet[layout.transport + offset], packet[layout.transport + offset + 1]])
        }
        _ => 0,
    };
    ((header.source(packet), port(0)).into(), (header.destination(packet), port(2)).into())
}

fn pseudo(layout: &Layout, header: &Header, packet: &[u8]) -> u16 {
    let header = Header { protocol: layout.protocol, ..*header };
    checksum::pseudo(&header, packet, layout.end - layout.transport)
}

fn read(packet: &[u8]) -> (Layout, Header) {
    (Layout::read(packet).expect("a packet"), Header::parse(packet).expect("a packet"))
}

/// Bytes that pass for the beginning of an IP packet more often than chance would have it.
pub fn wild() -> impl Strategy<Value = Vec<u8>> {
    let protocol = prop_oneof![
        Just(0u8),
        Just(1),
        Just(6),
        Just(17),
        Just(43),
        Just(44),
        Just(58),
        Just(60),
        any::<u8>()
    ];
    let address =
        prop_oneof![Just([10, 7, 0, 9]), Just([192, 168, 5, 9]), Just([10, 98, 0, 1]), any::<[u8; 4]>()];
    (
        proptest::collection::vec(any::<u8>(), 0..140),
        any::<bool>(),
        protocol,
        address.clone(),
        address,
        any::<bool>(),
    )
        .prop_map(|(mut bytes, v6, protocol, from, to, whole)| {
            let length = bytes.len();
            if v6 && length >= 40 {
                bytes[0] = 0x60;
                bytes[4..6].copy_from_slice(&(length as u16 - 40).to_be_bytes());
                bytes[6] = protocol;
            } else if !v6 && length >= 20 {
                bytes[0] = 0x45;
                bytes[2..4].copy_from_slice(&(length as u16).to_be_bytes());
                bytes[9] = protocol;
                bytes[12..16].copy_from_slice(&from);
                bytes[16..20].copy_from_slice(&to);
                if whole {
                    bytes[6..8].fill(0);
                }
            }
            bytes
        })
}
