//! Errors, fragments, extension headers, and bytes that are no packets.

use super::super::subject::{ACK, SYN, Subject};
use super::packets::Packet;
use super::{Filter, Glance};
use super::{World, to_ports};
use crate::packet::ip::{TCP, UDP};
use proptest::prelude::*;

/// [E24]
#[test]
fn errors_about_what_was_sent_are_let_in() {
    for v6 in [false, true] {
        let whole = |packet: Packet| Packet { v6, ..packet };
        let mut world = World::new(&[]);
        let sent = whole(Packet::udp((0, 4_000), (1, 53)));
        let quoted = if v6 { 48 } else { 28 };
        let unreachable = if v6 { 1 } else { 3 };
        let error = Packet::error(7, &sent, unreachable, quoted);
        assert!(!world.receive(&error), "nothing was sent");
        world.send(&sent);
        assert!(world.receive(&error), "from whomever on the way");
        assert!(world.receive(&Packet::error(7, &sent, if v6 { 3 } else { 11 }, quoted)));
        assert!(
            !world.receive(&Packet::error(7, &sent, if v6 { 137 } else { 5 }, quoted)),
            "a redirect is no error"
        );
        assert!(!world.receive(&Packet::error(7, &sent, unreachable, quoted - 8)), "ports must be quoted");
        let other = whole(Packet::udp((0, 4_001), (1, 53)));
        assert!(!world.receive(&Packet::error(7, &other, unreachable, quoted)));
        let mut elsewhere = error.clone();
        elsewhere.to = 9;
        assert!(!world.receive(&elsewhere), "it goes to who sent the packet");
        let echo = Packet::echo(0, 1, 77, false, v6);
        world.send(&echo);
        assert!(world.receive(&Packet::error(7, &echo, unreachable, quoted)));
        assert!(world.receive(&Packet::echo(1, 0, 77, true, v6)));
        assert!(!world.receive(&Packet::echo(1, 0, 77, false, v6)), "who answers may not ask");
        assert!(!world.receive(&Packet::echo(1, 0, 78, true, v6)));
    }
}

/// [W04]
#[test]
fn errors_about_what_new_rules_ended_are_refused() {
    let mut world = World::new(&[to_ports(UDP, 53, 53)]);
    let (question, answer) = (Packet::udp((1, 4_000), (0, 53)), Packet::udp((0, 53), (1, 4_000)));
    assert!(world.receive(&question));
    world.send(&answer);
    let error = Packet::error(1, &answer, 3, 28);
    assert!(world.receive(&error));
    world.replace(&[]);
    assert!(!world.receive(&error));
}

/// [Z25]
#[test]
fn later_fragments_follow_the_first() {
    for v6 in [false, true] {
        let mut world = World::new(&[to_ports(UDP, 53, 53)]);
        let piece = |port: u16, offset: u16, more: bool, id: u16| {
            let whole = Packet { v6, ..Packet::udp((1, 4_000), (0, port)) };
            let body = if offset == 0 { whole.body.clone() } else { vec![7; 16] };
            Packet { fragment: Some((offset, more, id)), body, ..whole }
        };
        assert!(!world.receive(&piece(53, 2, false, 1)), "before the first");
        assert!(world.receive(&piece(53, 0, true, 1)));
        assert!(world.receive(&piece(53, 2, true, 1)));
        assert!(world.receive(&piece(53, 4, false, 1)));
        assert!(!world.receive(&piece(53, 2, false, 2)), "of another packet");
        assert!(!world.receive(&piece(54, 0, true, 3)));
        assert!(!world.receive(&piece(54, 2, false, 3)));
        world.wait(31);
        assert!(!world.receive(&piece(53, 4, false, 1)), "too late");
    }
}

/// [Z25]
#[test]
fn a_fragment_that_hides_ports_or_flags_is_refused() {
    let mut world = World::new(&[to_ports(TCP, 22, 22)]);
    let syn = Packet::tcp((1, 4_000), (0, 22), SYN);
    let short = Packet { body: syn.body[..8].to_vec(), fragment: Some((0, true, 1)), ..syn.clone() };
    assert!(!world.receive(&short));
    let first = Packet { fragment: Some((0, true, 2)), ..syn.clone() };
    assert!(world.receive(&first));
    let over = Packet { fragment: Some((1, false, 2)), ..syn };
    assert!(!world.receive(&over), "it would replace the flags");
}

#[test]
fn ports_are_found_behind_the_headers_of_ipv6() {
    let mut world = World::new(&[to_ports(TCP, 22, 22)]);
    for extensions in 0..=8 {
        let packet = |port: u16| Packet { extensions, ..Packet::tcp((1, 4_000), (0, port), SYN | ACK).v6() };
        assert_eq!(world.receive(&packet(22)), extensions < 8, "{extensions}");
        assert!(!world.receive(&packet(23)));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_refused_or_taken(mut bytes in proptest::collection::vec(any::<u8>(), 0..160), v6 in any::<bool>(), shaped in any::<bool>(), next in 0u8..64) {
        if shaped && bytes.len() >= 40 {
            let total = bytes.len() as u16;
            if v6 {
                (bytes[0], bytes[6]) = (0x60, next);
                bytes[4..6].copy_from_slice(&(total - 40).to_be_bytes());
            } else {
                (bytes[0], bytes[9]) = (0x40 | bytes[0] & 15, next);
                bytes[2..4].copy_from_slice(&total.to_be_bytes());
            }
        }
        let filter = Filter::new(&[to_ports(TCP, 0, 9_000)], true, None);
        let mut glance = Glance::default();
        filter.outbound(&bytes, 1, &mut glance);
        let allowed = filter.inbound(&bytes, 1, &mut glance);
        prop_assert!(!allowed || Subject::read(&bytes).is_some());
    }
}
