//! A node that passes packets on between its peers.

use super::packets::super_packet;
use super::stranger::{self, Stranger};
use super::world::{Node, TunKind, datagram, peer, receive, send, until};
use crate::events::Event;
use crate::filter::{Protocol, Rule};
use crate::packet::checksum;
use crate::packet::ip::Header;
use crate::plane::PeerOptions;
use crate::session::{Key, PeerKind};
use crate::table::Prefix;

/// Number 1 is a member, 2 a stock client, 3 the node between them; sessions stand.
fn served(forward: bool) -> (Node, Node, Node) {
    let nodes = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Plain), Node::new(3, TunKind::Plain));
    let (member, client, gateway) = &nodes;
    member.plane.set_peer("net", of(gateway.key, &[2, 3], PeerKind::Node)).expect("set");
    let everybody = vec![prefix("10.1.0.0/24")];
    let profile = PeerOptions { allowed: everybody, ..peer(gateway.key, 3, PeerKind::Stock) };
    client.plane.set_peer("net", profile).expect("set");
    gateway.know(member, 1, PeerKind::Node);
    gateway
        .plane
        .set_peer("net", PeerOptions { forward, ..peer(client.key, 2, PeerKind::Stock) })
        .expect("set");
    for end in [member, client] {
        end.plane.handshake("net", &gateway.key, &[gateway.endpoint], false).expect("begun");
        end.wait_session();
        gateway.wait_session();
    }
    nodes
}

fn of(key: Key, numbers: &[u8], kind: PeerKind) -> PeerOptions {
    let allowed = numbers.iter().map(|number| prefix(&format!("10.1.0.{number}/32")));
    PeerOptions { allowed: allowed.collect(), ..peer(key, 0, kind) }
}

fn prefix(text: &str) -> Prefix {
    text.parse().expect("a prefix")
}

/// As it arrives after one hop.
fn hopped(mut packet: Vec<u8>) -> Vec<u8> {
    packet[8] -= 1;
    checksum::write_ipv4(&mut packet, 20);
    packet
}

/// What a TUN with offloads gives for it.
fn offered(packet: &[u8]) -> Vec<u8> {
    [&[0; 10][..], packet].concat()
}

/// [Z27] [P22]
#[test]
fn a_stock_client_and_a_member_reach_each_other_through_the_node_that_serves_it() {
    let (member, client, gateway) = served(true);
    send(&client, &datagram(2, 1, b"hello"));
    assert_eq!(receive(&member)[10..], hopped(datagram(2, 1, b"hello")));
    send(&member, &offered(&datagram(1, 2, b"hello yourself")));
    assert_eq!(receive(&client), hopped(datagram(1, 2, b"hello yourself")));
    // What is for the node between them stays there, and it saw nothing else.
    send(&client, &datagram(2, 3, b"for you"));
    assert_eq!(receive(&gateway), datagram(2, 3, b"for you"));
    until("what it passed on is counted", || {
        let counters = gateway.plane.counters().expect("alive");
        counters.peers.iter().map(|peer| peer.tx_packets).eq([1, 1])
    });
}

/// [Z27]
#[test]
fn nothing_is_passed_on_unless_that_was_said_of_one_end() {
    let (_member, client, gateway) = served(false);
    send(&client, &datagram(2, 1, b"hello"));
    assert_eq!(receive(&gateway), datagram(2, 1, b"hello"), "it is the machine's to judge");
}

#[test]
fn a_sender_that_is_not_who_it_says_is_not_passed_on() {
    let (member, client, gateway) = served(true);
    send(&client, &datagram(9, 1, b"forged"));
    send(&client, &datagram(2, 1, b"own"));
    assert_eq!(receive(&member)[10..], hopped(datagram(2, 1, b"own")));
    gateway.has_refused("source", 1);
}

/// [Z34]
#[test]
fn a_stream_is_passed_on_with_finished_checksums() {
    let (member, client, _gateway) = served(true);
    let (vnet, packet) = super_packet(30_000, 1_348);
    send(&member, &[&vnet.bytes()[..], &packet].concat());
    let mut payload = Vec::new();
    while payload.len() < 30_000 {
        let segment = receive(&client);
        let header = Header::parse(&segment).expect("an IP packet");
        let seed = checksum::pseudo(&header, &segment, segment.len() - 20);
        assert_eq!(checksum::sum(&segment[20..], seed), 0xffff);
        payload.extend_from_slice(&segment[40..]);
    }
    assert!(payload == packet[40..], "the payload changed on the way");
}

/// [Z27]
#[test]
fn a_packet_without_a_hop_left_is_answered_by_the_node_between() {
    let (_member, client, gateway) = served(true);
    gateway.plane.set_own("net", &[prefix("10.1.0.3/32"), prefix("fd00::3/128")]).expect("set");
    let mut packet = datagram(2, 1, b"where am I");
    packet[8] = 1;
    checksum::write_ipv4(&mut packet, 20);
    send(&client, &packet);
    let error = receive(&client);
    assert_eq!(error[12..22], [10, 1, 0, 3, 10, 1, 0, 2, 11, 0]);
    assert_eq!(error[28..], packet);
    gateway.has_refused("hops", 1);
}

/// [Z27]
#[test]
fn what_is_the_machines_own_stays_though_a_peer_is_asked_for_everything() {
    let (member, client, gateway) = served(true);
    let all = PeerOptions { allowed: vec![prefix("0.0.0.0/0")], ..peer(member.key, 1, PeerKind::Node) };
    gateway.plane.set_peer("net", all).expect("set");
    gateway.plane.set_own("net", &[prefix("10.1.0.3/32"), prefix("10.1.0.128/25")]).expect("set");
    for (to, payload) in [(3, &b"for you"[..]), (200, b"behind you")] {
        send(&client, &datagram(2, to, payload));
        assert_eq!(receive(&gateway), datagram(2, to, payload));
    }
    send(&client, &datagram(2, 77, b"elsewhere"));
    assert_eq!(receive(&member)[10..], hopped(datagram(2, 77, b"elsewhere")));
}

/// [Z27]
#[test]
fn a_packet_for_a_peer_without_session_waits_for_the_one_it_asks_for() {
    let (_member, client, gateway) = served(true);
    let other = Node::new(4, TunKind::Plain);
    gateway.know(&other, 4, PeerKind::Node);
    other.plane.set_peer("net", of(gateway.key, &[2, 3], PeerKind::Node)).expect("set");
    send(&client, &datagram(2, 4, b"wake up"));
    let wanted =
        gateway.wait(|event| if let Event::Wanted { peer, .. } = event { Some(*peer) } else { None });
    assert_eq!(wanted, other.key);
    gateway.plane.handshake("net", &other.key, &[other.endpoint], false).expect("begun");
    assert_eq!(receive(&other), hopped(datagram(2, 4, b"wake up")));
}

/// [Z27]
#[test]
fn a_removed_client_is_passed_nothing_any_more() {
    let (member, client, gateway) = served(true);
    gateway.plane.remove_peer("net", &client.key).expect("removed");
    send(&client, &datagram(2, 1, b"still there?"));
    until("it is refused", || gateway.refused("index") == 1);
    send(&member, &offered(&datagram(1, 2, b"and you?")));
    assert_eq!(receive(&gateway), datagram(1, 2, b"and you?"), "nobody else passes packets on");
}

/// [Z27]
#[test]
fn a_client_of_another_implementation_is_served_alike() {
    served_alike(stranger::boring);
}

/// [Z27]
#[test]
fn so_is_one_of_a_third() {
    served_alike(stranger::gota);
}

fn served_alike(make: fn(Key) -> Stranger) {
    let (member, gateway) = (Node::new(1, TunKind::Plain), Node::new(3, TunKind::Plain));
    let mut client = make(gateway.key);
    member.plane.set_peer("net", of(gateway.key, &[2, 3], PeerKind::Node)).expect("set");
    gateway.know(&member, 1, PeerKind::Node);
    let options = PeerOptions { forward: true, ..peer(client.key(), 2, PeerKind::Stock) };
    gateway.plane.set_peer("net", options).expect("set");
    member.plane.handshake("net", &gateway.key, &[gateway.endpoint], false).expect("begun");
    gateway.wait_session();
    // Its first packet begins the session; some keep it until then, some do not.
    client.send(&datagram(2, 1, b"begin"), gateway.endpoint.address);
    client.converse(gateway.endpoint.address, || gateway.told().iter().any(is_session));
    client.send(&datagram(2, 1, b"hello"), gateway.endpoint.address);
    let mut arrived = receive(&member);
    if arrived == hopped(datagram(2, 1, b"begin")) {
        arrived = receive(&member);
    }
    assert_eq!(arrived, hopped(datagram(2, 1, b"hello")));
    send(&member, &datagram(1, 2, b"hello yourself"));
    client.converse(gateway.endpoint.address, || false);
    assert_eq!(client.heard, [hopped(datagram(1, 2, b"hello yourself"))]);
}

fn is_session(event: &Event) -> bool {
    matches!(event, Event::Session { .. })
}

/// [Z27] [Z02]
#[test]
fn the_filter_of_the_node_between_judges_for_its_clients_and_lets_answers_back() {
    let (member, client, gateway) = served(true);
    let allowed = Rule {
        from: vec![prefix("10.1.0.2/32")],
        to: vec![],
        protocol: Protocol::Number(17),
        ports: vec![(5201, 5201)],
        allow: true,
    };
    gateway.plane.set_filter("net", Some((&[allowed], false))).expect("set");
    // The member may not begin; the client may, and then is answered.
    send(&member, &offered(&datagram(1, 2, b"unasked")));
    assert_eq!(receive(&member)[10..][20..22], [3, 13], "prohibited, it is told");
    until("it is counted", || gateway.refused("filtered") == 1);
    send(&client, &datagram(2, 1, b"a question"));
    assert_eq!(receive(&member)[10..][28..], *b"a question");
    let mut answer = datagram(1, 2, b"an answer");
    answer[20..24].copy_from_slice(&[0x14, 0x51, 0x30, 0x39]);
    send(&member, &offered(&answer));
    assert_eq!(receive(&client), hopped(answer));
}
