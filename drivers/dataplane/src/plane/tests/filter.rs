//! What the filter lets in, who may send from where, and what senders are told, from TUN to TUN.

use super::world::{Node, TunKind, datagram, joined, peer, receive, send, until};
use crate::filter::{Protocol, Rule};
use crate::packet::checksum;
use crate::packet::ip::{Header, TCP};
use crate::session::PeerKind;

/// Port to which `datagram` sends, and from which it comes.
const TO: u16 = 0x1451;
const FROM: u16 = 0x3039;

fn udp_to(port: u16) -> Rule {
    let protocol = Protocol::Number(17);
    Rule { from: vec![], to: vec![], protocol, ports: vec![(port, port)], allow: true }
}

fn joined_plain() -> (Node, Node) {
    joined(TunKind::Plain, PeerKind::Node)
}

/// The answer to `packet`: the same with ends exchanged.
fn answer(packet: &[u8]) -> Vec<u8> {
    let mut answer = packet.to_vec();
    answer[12..16].copy_from_slice(&packet[16..20]);
    answer[16..20].copy_from_slice(&packet[12..16]);
    answer[20..22].copy_from_slice(&packet[22..24]);
    answer[22..24].copy_from_slice(&packet[20..22]);
    answer
}

/// A SYN of 10.1.0.1 to port 22 of 10.1.0.2, without checksum.
fn syn() -> Vec<u8> {
    let mut packet = datagram(1, 2, &[0; 12]);
    packet[9] = TCP;
    checksum::write_ipv4(&mut packet, 20);
    packet[20..24].copy_from_slice(&[0x30, 0x39, 0, 22]);
    packet[24..40].copy_from_slice(&[0, 0, 0, 9, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0]);
    packet
}

/// [W04] [Z25]
#[test]
fn what_no_rule_lets_in_is_refused_and_its_sender_is_told() {
    let (one, two) = joined_plain();
    two.plane.set_filter("net", Some((&[udp_to(TO + 1)], false))).expect("set");
    let refused = datagram(1, 2, b"refused");
    send(&one, &refused);
    let error = receive(&one);
    assert_eq!((error[9], &error[20..22]), (1, &[3, 13][..]));
    assert_eq!(error[12..16], [10, 1, 0, 2]);
    assert!(error[28..].starts_with(&refused));
    send(&one, &syn());
    let reset = receive(&one);
    assert_eq!((reset[9], reset[33]), (TCP, 0x14));
    assert_eq!(reset[20..24], [0, 22, 0x30, 0x39]);
    assert_eq!(reset[28..32], [0, 0, 0, 10]);
    until("both are counted", || two.refused("filtered") == 2);
    two.plane.set_filter("net", Some((&[udp_to(TO)], false))).expect("set");
    let allowed = datagram(1, 2, b"let in");
    send(&one, &allowed);
    assert_eq!(receive(&two), allowed);
    two.plane.set_filter("net", None).expect("set");
    send(&one, &syn());
    assert_eq!(receive(&two)[..20], syn()[..20]);
}

/// [W04] [Z25]
#[test]
fn answers_come_in_and_end_with_what_let_them() {
    let (one, two) = joined_plain();
    one.plane.set_filter("net", Some((&[], false))).expect("set");
    let asked = datagram(1, 2, b"a question");
    send(&two, &answer(&asked));
    until("it is refused", || one.refused("filtered") == 1);
    receive(&two);
    send(&one, &asked);
    assert_eq!(receive(&two), asked);
    send(&two, &answer(&asked));
    assert_eq!(receive(&one), answer(&asked));
    // What came by the rules ends with them, though this machine answers.
    let to_here = answer(&datagram(1, 2, b"from there"));
    one.plane.set_filter("net", Some((&[udp_to(FROM)], false))).expect("set");
    let mut other = to_here.clone();
    other[20..22].copy_from_slice(&[9, 9]);
    other[26..28].copy_from_slice(&[0, 0]);
    send(&two, &other);
    assert_eq!(receive(&one), other);
    one.plane.set_filter("net", Some((&[], false))).expect("set");
    send(&two, &other);
    until("it is refused", || one.refused("filtered") == 2);
    send(&two, &answer(&asked));
    assert_eq!(receive(&one), answer(&asked), "begun here");
}

/// [Z25]
#[test]
fn a_peer_may_have_sources_that_another_is_asked_for() {
    let (one, two) = joined_plain();
    let three = Node::new(3, TunKind::None);
    let options = |key, number: u8, prefix: &str| {
        let mut options = peer(key, number, PeerKind::Node);
        options.allowed.push(prefix.parse().expect("a prefix"));
        options
    };
    two.plane.set_peer("net", options(three.key, 3, "10.9.0.0/16")).expect("set");
    let from = |third: u8, fourth: u8| {
        let mut packet = datagram(1, 2, b"from behind");
        packet[12..16].copy_from_slice(&[10, 9, third, fourth]);
        checksum::write_ipv4(&mut packet, 20);
        packet[26..28].copy_from_slice(&[0, 0]);
        packet
    };
    send(&one, &from(0, 1));
    until("it is refused", || two.refused("source") == 1);
    let mut more = peer(one.key, 1, PeerKind::Node);
    more.sources = vec!["10.9.0.0/16".parse().expect("a prefix"), "0.0.0.0/0".parse().expect("a prefix")];
    two.plane.set_peer("net", more).expect("set");
    send(&one, &from(0, 1));
    assert_eq!(receive(&two), from(0, 1));
    // A longer prefix of another is that one's alone: 10.1.0.3 is a member.
    let mut stolen = datagram(3, 2, b"stolen");
    stolen[26..28].copy_from_slice(&[0, 0]);
    send(&one, &stolen);
    until("it is refused", || two.refused("source") == 2);
    two.plane.set_peer("net", options(three.key, 3, "10.9.7.0/24")).expect("set");
    send(&one, &from(7, 1));
    until("it is refused", || two.refused("source") == 3);
    two.plane.set_peer("net", peer(one.key, 1, PeerKind::Node)).expect("set");
    send(&one, &from(0, 1));
    until("they are taken from it", || two.refused("source") == 4);
}

/// [E24]
#[test]
fn who_sends_to_nobody_is_told_at_once() {
    let (one, _two) = joined_plain();
    let packet = datagram(1, 77, b"is anybody there?");
    send(&one, &packet);
    let error = receive(&one);
    let header = Header::parse(&error).expect("an IP packet");
    assert_eq!((header.protocol, &error[20..22]), (1, &[3, 0][..]));
    assert_eq!(error[12..20], [10, 1, 0, 77, 10, 1, 0, 1]);
    assert!(error[28..].starts_with(&packet));
}

/// [E24]
#[test]
fn who_sends_to_a_peer_out_of_reach_is_told_at_once_until_it_is_heard() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let waiting = datagram(1, 2, b"it waits, and is given up");
    send(&one, &waiting);
    one.wait(|event| matches!(event, crate::events::Event::Wanted { .. }).then_some(()));
    one.plane.set_unreachable("net", &[two.key, [0; 32]]).expect("set");
    let later = datagram(1, 2, b"it does not wait");
    for packet in [&waiting, &later] {
        if packet == &later {
            send(&one, &later);
        }
        let error = receive(&one);
        assert_eq!((error[9], &error[20..22]), (1, &[3, 1][..]));
        assert!(error[28..].starts_with(packet));
    }
    until("both are counted", || one.refused("down") == 2);
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    one.wait_session();
    two.wait_session();
    send(&one, &later);
    assert_eq!(receive(&two), later);
    one.plane.set_unreachable("net", &[two.key]).expect("set");
    send(&one, &later);
    assert_eq!(receive(&one)[20..22], [3, 1]);
    one.plane.set_unreachable("net", &[]).expect("set");
    send(&one, &later);
    assert_eq!(receive(&two), later);
}
