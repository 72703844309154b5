//! Packets for many: to all peers that a session stands with, and no further.

use super::world::{Node, TunKind, datagram, peer, receive, send, until};
use crate::packet::checksum;
use crate::packet::ip::{Header, UDP};
use crate::plane::BroadcastOptions;
use crate::session::PeerKind;
use std::net::Ipv6Addr;
use std::time::Instant;

const MDNS: ([u8; 4], u16) = ([224, 0, 0, 251], 5353);
const GAME: ([u8; 4], u16) = ([255; 4], 6112);

/// Number 1 in the middle, with sessions to 2 and 3, which know nothing of each other; number 4 is a peer without session.
fn star() -> (Node, Node, Node, Node) {
    let [one, two, three, four] = [1, 2, 3, 4].map(|number| Node::new(number, TunKind::Plain));
    for (number, node) in [(2, &two), (3, &three), (4, &four)] {
        one.know(node, number, PeerKind::Node);
        node.know(&one, 1, PeerKind::Node);
        node.plane.set_broadcast("net", Some(chosen(100))).expect("set");
        if number == 4 {
            continue;
        }
        one.plane.handshake("net", &node.key, &[node.endpoint], false).expect("begun");
        one.wait_session();
        node.wait_session();
    }
    (one, two, three, four)
}

fn chosen(per_second: u32) -> BroadcastOptions {
    let subnets = vec!["10.1.0.0/24".parse().expect("a prefix")];
    BroadcastOptions { ports: vec![5353, 6112], subnets, per_second }
}

fn to_many(from: u8, (address, port): ([u8; 4], u16), payload: &[u8]) -> Vec<u8> {
    let mut packet = datagram(from, 0, payload);
    packet[16..20].copy_from_slice(&address);
    packet[22..24].copy_from_slice(&port.to_be_bytes());
    checksum::write_ipv4(&mut packet, 20);
    let header = Header::parse(&packet).expect("an IP packet");
    let seed = checksum::pseudo(&header, &packet, packet.len() - 20);
    packet[26..28].copy_from_slice(&seed.to_be_bytes());
    checksum::complete(&mut packet, 20, 6);
    packet
}

/// [C26] [Z35]
#[test]
fn what_is_for_many_reaches_every_peer_with_a_session_once() {
    let (one, two, three, _four) = star();
    one.plane.set_broadcast("net", Some(chosen(100))).expect("set");
    for to in [MDNS, GAME] {
        let packet = to_many(1, to, b"who is there?");
        send(&one, &packet);
        assert_eq!((receive(&two), receive(&three)), (packet.clone(), packet));
    }
    assert!(one.told().is_empty(), "nobody was called for it: {:?}", one.told());
    let counted = one.plane.counters().expect("alive");
    assert!(counted.peers.iter().all(|peer| peer.tx_packets == 0), "it keeps no way in use");
}

/// [C26]
#[test]
fn the_networks_last_address_becomes_the_broadcast_that_every_system_takes() {
    let (one, two, _three, _four) = star();
    one.plane.set_broadcast("net", Some(chosen(100))).expect("set");
    send(&one, &to_many(1, ([10, 1, 0, 255], 6112), b"a game"));
    assert_eq!(receive(&two), to_many(1, GAME, b"a game"));
}

/// [C26]
#[test]
fn ipv6_has_groups_alone() {
    let (one, two, _three, _four) = star();
    one.plane.set_broadcast("net", Some(chosen(100))).expect("set");
    let mut own = peer(two.key, 2, PeerKind::Node);
    own.allowed.push("fd00::2/128".parse().expect("a prefix"));
    one.plane.set_peer("net", own).expect("set");
    let mut back = peer(one.key, 1, PeerKind::Node);
    back.allowed.push("fd00::1/128".parse().expect("a prefix"));
    two.plane.set_peer("net", back).expect("set");
    let mut packet = vec![0u8; 60];
    packet[..8].copy_from_slice(&[0x60, 0, 0, 0, 0, 20, UDP, 255]);
    packet[8..24].copy_from_slice(&Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).octets());
    packet[24..40].copy_from_slice(&Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb).octets());
    packet[42..46].copy_from_slice(&[0x14, 0xe9, 0, 20]);
    send(&one, &packet);
    assert_eq!(receive(&two), packet);
}

/// [C26]
#[test]
fn only_chosen_ports_pass_and_only_so_often() {
    let (one, two, _three, _four) = star();
    one.plane.set_broadcast("net", Some(chosen(2))).expect("set");
    let began = Instant::now();
    send(&one, &to_many(1, ([224, 0, 0, 251], 5354), b"not chosen"));
    (0..20).for_each(|_| send(&one, &to_many(1, MDNS, b"again")));
    send(&one, &datagram(1, 2, b"last"));
    let passed = std::iter::repeat_with(|| receive(&two))
        .take_while(|packet| *packet != datagram(1, 2, b"last"))
        .inspect(|packet| assert_eq!(*packet, to_many(1, MDNS, b"again")))
        .count() as u64;
    let most = 2 + 2 * (began.elapsed().as_secs() + 1);
    assert!((2..=most).contains(&passed), "{passed} of 20 passed, {most} may");
    one.has_refused("broadcast", 1 + 20 - passed);
}

/// [C26]
#[test]
fn who_chose_none_sends_none_and_takes_none() {
    let (one, two, _three, _four) = star();
    send(&one, &to_many(1, MDNS, b"nobody chose this"));
    until("it is refused", || one.refused("broadcast") == 1);
    one.plane.set_broadcast("net", Some(chosen(100))).expect("set");
    two.plane.set_broadcast("net", None).expect("set");
    send(&one, &to_many(1, MDNS, b"not here"));
    send(&one, &datagram(1, 2, b"for you alone"));
    assert_eq!(receive(&two), datagram(1, 2, b"for you alone"));
    two.has_refused("broadcast", 1);
}

/// [C26]
#[test]
fn what_came_from_a_peer_goes_no_further() {
    let (one, two, three, _four) = star();
    one.plane.set_broadcast("net", Some(chosen(100))).expect("set");
    let packet = to_many(2, MDNS, b"from the edge");
    send(&two, &packet);
    assert_eq!(receive(&one), packet);
    send(&one, &datagram(1, 3, b"next"));
    assert_eq!(receive(&three), datagram(1, 3, b"next"));
}
