//! IP packets from TUN to TUN.

use super::world::{Node, TunKind, datagram, joined, peer, until};
use crate::events::Event;
use crate::packet::checksum;
use crate::packet::ip::Header;
use crate::packet::vnet::{self, Vnet};
use crate::session::PeerKind;
use std::os::unix::net::UnixDatagram;

fn tun(node: &Node) -> &UnixDatagram {
    node.tun.as_ref().expect("a TUN")
}

fn read(node: &Node) -> Vec<u8> {
    let mut room = vec![0u8; 70_000];
    let length = tun(node).recv(&mut room).expect("a packet");
    room.truncate(length);
    room
}

/// [C01] [P17]
#[test]
fn packets_cross_both_ways() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    let (there, back) = (datagram(1, 2, b"there"), datagram(2, 1, b"and back"));
    tun(&one).send(&there).expect("sent");
    assert_eq!(read(&two), there);
    tun(&two).send(&back).expect("sent");
    assert_eq!(read(&one), back);
    until("both are counted", || {
        let counters = one.plane.counters().expect("alive");
        let [peer] = &counters.peers[..] else { panic!("one peer") };
        (peer.tx_packets, peer.tx_bytes, peer.rx_packets, peer.rx_bytes)
            == (1, there.len() as u64, 1, back.len() as u64)
    });
}

/// [Z27]
#[test]
fn packets_cross_as_wireguard_publishes_it() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Stock);
    let packet = datagram(1, 2, b"padding is taken off");
    tun(&one).send(&packet).expect("sent");
    assert_eq!(read(&two), packet);
    assert_eq!(one.plane.counters().expect("alive").peers[0].suite, Some(0));
}

#[test]
fn packets_wait_for_the_session_that_they_ask_for() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let packets: Vec<Vec<u8>> = (0..70u8).map(|number| datagram(1, 2, &[number; 20])).collect();
    packets.iter().for_each(|packet| assert_eq!(tun(&one).send(packet).expect("sent"), packet.len()));
    let wanted = one.wait(|event| if let Event::Wanted { peer, .. } = event { Some(*peer) } else { None });
    assert_eq!(wanted, two.key);
    until("the oldest are dropped", || one.refused("waiting") >= 6);
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    // The oldest beyond 64 are gone.
    for packet in &packets[6..] {
        assert_eq!(&read(&two), packet);
    }
    assert!(one.told().iter().all(|event| !matches!(event, Event::Wanted { .. })));
}

/// [Z25]
#[test]
fn a_source_that_is_not_the_peers_is_refused() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    tun(&one).send(&datagram(3, 2, b"not mine")).expect("sent");
    tun(&one).send(&datagram(1, 2, b"mine")).expect("sent");
    assert_eq!(read(&two), datagram(1, 2, b"mine"));
    until("it is counted", || two.refused("source") == 1);
    tun(&one).send(&datagram(1, 77, b"to nobody")).expect("sent");
    tun(&one).send(&[1, 2, 3]).expect("sent");
    tun(&one).send(&datagram(1, 2, b"last")).expect("sent");
    assert_eq!(read(&two), datagram(1, 2, b"last"));
    until("both are counted", || (one.refused("no-peer"), one.refused("packet")) == (1, 1));
}

#[test]
fn a_prefix_moves_to_the_peer_that_was_given_it_last() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    let third = Node::new(3, TunKind::None);
    one.plane.set_peer("net", peer(third.key, 2, PeerKind::Node)).expect("set");
    tun(&one).send(&datagram(1, 2, b"for the third")).expect("sent");
    let wanted = one.wait(|event| if let Event::Wanted { peer, .. } = event { Some(*peer) } else { None });
    assert_eq!(wanted, third.key);
    one.know(&two, 2, PeerKind::Node);
    tun(&one).send(&datagram(1, 2, b"for the second")).expect("sent");
    // `third` owns nothing any more: what is left of it takes nothing from the second.
    one.plane.remove_peer("net", &third.key).expect("removed");
    tun(&one).send(&datagram(1, 2, b"again")).expect("sent");
}

/// A TCP super-packet of `payload` bytes as a TUN with offloads gives it.
pub fn super_packet(payload: usize, segment: u16) -> (Vnet, Vec<u8>) {
    let total = 40 + payload;
    let mut packet = vec![0u8; total];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
    packet[8..10].copy_from_slice(&[64, 6]);
    packet[12..20].copy_from_slice(&[10, 1, 0, 1, 10, 1, 0, 2]);
    checksum::write_ipv4(&mut packet, 20);
    packet[20..24].copy_from_slice(&[0x30, 0x39, 0x14, 0x51]);
    packet[32..34].copy_from_slice(&[0x50, 0x18]);
    for (at, byte) in packet[40..].iter_mut().enumerate() {
        *byte = (at % 253) as u8;
    }
    let header = Header::parse(&packet).expect("an IP packet");
    let seed = checksum::pseudo(&header, &packet, total - 20);
    packet[36..38].copy_from_slice(&seed.to_be_bytes());
    let gso = if payload > usize::from(segment) { vnet::GSO_TCP4 } else { vnet::GSO_NONE };
    let vnet = Vnet {
        flags: vnet::NEEDS_CHECKSUM,
        gso,
        headers: 40,
        segment,
        checksum_start: 20,
        checksum_offset: 16,
    };
    (vnet, packet)
}

/// [C19]
#[test]
fn a_new_connection_agrees_on_segments_that_fit() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    let mut packet = datagram(1, 2, &[0; 16]);
    packet[9] = crate::packet::ip::TCP;
    checksum::write_ipv4(&mut packet, 20);
    // Sequence, then six words of header: SYN, and an MSS that only a larger interface could carry.
    packet[24..44].fill(0);
    packet[32..34].copy_from_slice(&[0x60, 0x02]);
    packet[40..44].copy_from_slice(&[2, 4, 0x23, 0x28]);
    let header = Header::parse(&packet).expect("an IP packet");
    let seed = checksum::pseudo(&header, &packet, 24);
    packet[36..38].copy_from_slice(&seed.to_be_bytes());
    checksum::complete(&mut packet, 20, 16);
    tun(&one).send(&packet).expect("sent");
    let arrived = read(&two);
    assert_eq!(arrived[40..44], [2, 4, 0x05, 0x50], "1400 bytes less 40");
    assert_eq!(checksum::sum(&arrived[20..], checksum::pseudo(&header, &arrived, 24)), 0xffff);
}

/// [Z34]
#[test]
fn a_super_packet_arrives_as_one() {
    let (one, two) = joined(TunKind::Offload, PeerKind::Node);
    let (vnet, packet) = super_packet(60_000, 1_348);
    tun(&one).send(&[&vnet.bytes()[..], &packet].concat()).expect("sent");
    let arrived = read(&two);
    let (head, joined) = arrived.split_at(vnet::LENGTH);
    assert_eq!(Vnet::parse(head.try_into().expect("ten bytes")), vnet);
    assert!(joined == packet, "the packet changed on the way");
    until("all its segments are counted", || two.plane.counters().expect("alive").peers[0].rx_packets == 45);
}

#[test]
fn a_super_packet_too_large_for_one_send_arrives_whole() {
    let (one, two) = joined(TunKind::Offload, PeerKind::Node);
    let (vnet, packet) = super_packet(65_000, 1_348);
    tun(&one).send(&[&vnet.bytes()[..], &packet].concat()).expect("sent");
    let mut payload = Vec::new();
    while payload.len() < 65_000 {
        payload.extend_from_slice(&read(&two)[vnet::LENGTH + 40..]);
    }
    assert!(payload == packet[40..], "the payload changed on the way");
}

#[test]
fn a_stock_peer_and_a_plain_tun_get_finished_checksums() {
    for kind in [PeerKind::Node, PeerKind::Stock] {
        let (one, two) = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Plain));
        one.know(&two, 2, kind);
        two.know(&one, 1, kind);
        one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
        one.wait_session();
        let (vnet, packet) = super_packet(3_000, 1_348);
        tun(&one).send(&[&vnet.bytes()[..], &packet].concat()).expect("sent");
        for length in [1_388, 1_388, 344] {
            let segment = read(&two);
            let header = Header::parse(&segment).expect("an IP packet");
            assert_eq!(segment.len(), length);
            let seed = checksum::pseudo(&header, &segment, length - 20);
            assert_eq!(checksum::sum(&segment[20..], seed), 0xffff);
        }
    }
}
