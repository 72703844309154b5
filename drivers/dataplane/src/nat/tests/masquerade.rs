//! Hosts that share one address.

use super::packets::{QUERY, complete, ends, finish, is_right, network, packet, unfinish, unreachable};
use crate::nat::layout::ICMP;
use crate::nat::{MasqueradeOptions, Nat, NatOptions, Outbound};
use crate::packet::fragment;
use crate::packet::ip::{Header, TCP, UDP};
use crate::packet::vnet::Vnet;
use proptest::prelude::*;
use std::net::SocketAddr;

const NOW: u64 = 1_000_000;
const MINUTE: u64 = 60_000;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

pub fn nat(full_cone: bool) -> Nat {
    Nat::new(NatOptions { maps: Vec::new(), masquerade: Some(options(full_cone)) }, None, 7).expect("made")
}

fn options(full_cone: bool) -> MasqueradeOptions {
    MasqueradeOptions {
        from: vec!["192.168.5.0/24".parse().expect("a prefix"), "fd05::/64".parse().expect("a prefix")],
        address4: Some([10, 98, 0, 1].into()),
        address6: Some("fd98::1".parse().expect("an address")),
        full_cone,
    }
}

/// `192.168.5.9:5000`, or `fd05::9` with that port.
fn host(v6: bool, number: u8, port: u16) -> SocketAddr {
    let text = if v6 { format!("[fd05::{number:x}]:{port}") } else { format!("192.168.5.{number}:{port}") };
    text.parse().expect("an address")
}

fn remote(v6: bool, number: u8, port: u16) -> SocketAddr {
    let text = if v6 { format!("[fd98::{number:x}]:{port}") } else { format!("10.98.0.{number}:{port}") };
    text.parse().expect("an address")
}

/// Sends a packet of a host; the end by which the network sees it.
fn leave(nat: &Nat, protocol: u8, (from, to): (SocketAddr, SocketAddr), now: u64) -> Option<SocketAddr> {
    leave_flagged(nat, (protocol, 0x10), (from, to), now)
}

fn leave_flagged(
    nat: &Nat,
    (protocol, flags): (u8, u8),
    (from, to): (SocketAddr, SocketAddr),
    now: u64,
) -> Option<SocketAddr> {
    let mut sent = packet(protocol, from, to, b"there");
    flag(&mut sent, protocol, flags);
    let outbound = nat.outbound(&Vnet::default(), &mut sent, now);
    assert!(is_right(&sent));
    (outbound == Outbound::Pass).then(|| ends(&sent).0)
}

/// Where a packet from beyond ends up.
fn enter(nat: &Nat, protocol: u8, ends: (SocketAddr, SocketAddr), now: u64) -> SocketAddr {
    enter_flagged(nat, (protocol, 0x10), ends, now)
}

fn enter_flagged(
    nat: &Nat,
    (protocol, flags): (u8, u8),
    (from, to): (SocketAddr, SocketAddr),
    now: u64,
) -> SocketAddr {
    let mut came = packet(protocol, from, to, b"back");
    flag(&mut came, protocol, flags);
    assert!(nat.inbound(&mut came, false, now));
    assert!(is_right(&came));
    ends(&came).1
}

fn flag(packet: &mut [u8], protocol: u8, flags: u8) {
    if protocol == TCP {
        let at = if packet[0] >> 4 == 4 { 20 } else { 40 };
        packet[at + 13] = flags;
        finish(packet);
    }
}

proptest! {
    /// [Z14] [P32] What a host sends leaves under the node's address, what answers it or says that it did not arrive comes to
    /// the host, whole and right.
    #[test]
    fn a_host_and_one_beyond_speak_under_the_nodes_address(
        v6 in any::<bool>(),
        protocol in prop_oneof![Just(TCP), Just(UDP), Just(QUERY)],
        number in 1u8..255,
        (port, other_port) in (any::<u16>(), any::<u16>()),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        partial in any::<bool>(),
        // No half of a checksum is quoted: nobody could put that right.
        quoted in (4usize..200).prop_map(|words| words * 2),
    ) {
        let nat = nat(false);
        let (inside, beyond) = (host(v6, number, port), remote(v6, 2, other_port));
        let mut sent = packet(protocol, inside, beyond, &payload);
        let original = sent.clone();
        let partial = partial && protocol != QUERY;
        let vnet = if partial { unfinish(&mut sent) } else { Vnet::default() };
        prop_assert_eq!(nat.outbound(&vnet, &mut sent, NOW), Outbound::Pass);
        let outside = ends(&sent).0;
        prop_assert_eq!(outside.ip(), remote(v6, 1, 0).ip());
        if partial {
            complete(&mut sent);
        }
        prop_assert!(is_right(&sent));
        if port >= 1_024 && protocol != QUERY {
            prop_assert_eq!(outside.port(), port, "a free port stays");
        }

        let mut error = unreachable(beyond.ip(), &sent, quoted);
        prop_assert!(nat.inbound(&mut error, false, NOW));
        prop_assert_eq!(error, unreachable(beyond.ip(), &original, quoted));

        if protocol != QUERY {
            let mut answer = packet(protocol, beyond, outside, &payload);
            prop_assert!(nat.inbound(&mut answer, false, NOW));
            prop_assert_eq!(&answer, &packet(protocol, beyond, inside, &payload));
            let mut error = unreachable(inside.ip(), &answer, quoted);
            prop_assert_eq!(nat.outbound(&Vnet::default(), &mut error, NOW), Outbound::Pass);
            prop_assert_eq!(error, unreachable(outside.ip(), &packet(protocol, beyond, outside, &payload), quoted));
        }
    }
}

/// [Z14] RFC 4787 REQ-1, REQ-3: one port wherever it goes, and no two hosts have the same.
#[test]
fn a_port_leads_to_one_host_whomever_it_speaks_to() {
    let nat = nat(false);
    let first = leave(&nat, UDP, (host(false, 9, 5_000), remote(false, 2, 53)), NOW);
    assert_eq!(first, Some(remote(false, 1, 5_000)));
    assert_eq!(leave(&nat, UDP, (host(false, 9, 5_000), remote(false, 3, 99)), NOW), first);
    let second = leave(&nat, UDP, (host(false, 8, 5_000), remote(false, 2, 53)), NOW).expect("it leaves");
    assert_ne!(Some(second), first);
    assert_eq!(second.port() % 2, 0, "parity stays");
    assert_eq!(
        leave(&nat, TCP, (host(false, 8, 5_000), remote(false, 2, 53)), NOW),
        first,
        "TCP's own ports"
    );
    let low = leave(&nat, UDP, (host(false, 8, 53), remote(false, 2, 53)), NOW).expect("it leaves");
    assert!(low.port() >= 1_024 && low.port() % 2 == 1, "the machine's own services keep {low}");
}

/// [Z14] Endpoint-dependent filtering, unless everybody may come in.
#[test]
fn who_was_not_spoken_to_does_not_come_in() {
    for full_cone in [false, true] {
        let nat = nat(full_cone);
        let inside = host(false, 9, 5_000);
        let outside = leave(&nat, UDP, (inside, remote(false, 2, 53)), NOW).expect("it leaves");
        assert_eq!(enter(&nat, UDP, (remote(false, 2, 53), outside), NOW), inside);
        for stranger in [remote(false, 2, 54), remote(false, 3, 53)] {
            let expected = if full_cone { inside } else { outside };
            assert_eq!(enter(&nat, UDP, (stranger, outside), NOW), expected);
        }
        // What the host answers a stranger goes out by the same port.
        assert_eq!(leave(&nat, UDP, (inside, remote(false, 3, 53)), NOW), Some(outside));
        assert_eq!(enter(&nat, UDP, (remote(false, 3, 53), outside), NOW), inside);
    }
}

/// [Z14] The machine's own traffic is left alone, and its ports are not lent.
#[test]
fn the_machines_own_ports_are_its_own() {
    for full_cone in [false, true] {
        let nat = nat(full_cone);
        let own = remote(false, 1, 5_000);
        assert_eq!(leave(&nat, UDP, (own, remote(false, 2, 53)), NOW), Some(own));
        let outside =
            leave(&nat, UDP, (host(false, 9, 5_000), remote(false, 2, 53)), NOW).expect("it leaves");
        assert_ne!(outside.port(), 5_000);
        assert_eq!(enter(&nat, UDP, (remote(false, 2, 53), own), NOW), own);
        assert_eq!(enter(&nat, UDP, (remote(false, 3, 53), own), NOW), own);
        // A service that nobody spoke to yet.
        let service = remote(false, 1, 8_080);
        assert_eq!(enter(&nat, TCP, (remote(false, 3, 53), service), NOW), service);
    }
}

/// The host had the port first, then the machine takes it: both are answered, even by the same place.
#[test]
fn a_port_that_two_use_is_told_apart() {
    let nat = nat(false);
    let (inside, own) = (host(false, 9, 40_000), remote(false, 1, 40_000));
    let (one, two) = (remote(false, 2, 443), remote(false, 3, 443));
    assert_eq!(leave(&nat, TCP, (inside, one), NOW), Some(own));
    assert_eq!(leave(&nat, TCP, (own, two), NOW), Some(own));
    assert_eq!(enter(&nat, TCP, (two, own), NOW), own);
    let moved = leave(&nat, TCP, (own, one), NOW).expect("it leaves");
    assert_ne!(moved, own);
    assert_eq!(enter(&nat, TCP, (one, moved), NOW), own);
    assert_eq!(enter(&nat, TCP, (one, own), NOW), inside);
}

/// RFC 4787 REQ-5, RFC 5382 REQ-5, RFC 5508 REQ-2.
#[test]
fn a_session_lasts_as_long_as_the_rfcs_ask_and_no_longer() {
    let there = (host(false, 9, 5_000), remote(false, 2, 53));
    let lasts = |protocol: u8, talk: &dyn Fn(&Nat, SocketAddr), minutes: u64| {
        for (after, known) in [(minutes * MINUTE - 1, true), (minutes * MINUTE + 2_000, false)] {
            let nat = nat(false);
            let outside = leave_flagged(&nat, (protocol, SYN), there, NOW).expect("it leaves");
            talk(&nat, outside);
            let end = enter(&nat, protocol, (there.1, outside), NOW + after);
            assert_eq!(end == there.0, known, "protocol {protocol} after {after} ms");
        }
    };
    lasts(UDP, &|_, _| {}, 5);
    // A handshake that nobody answers.
    lasts(TCP, &|_, _| {}, 4);
    let answer = |flags: u8| {
        move |nat: &Nat, outside| {
            enter_flagged(nat, (TCP, flags), (there.1, outside), NOW);
        }
    };
    lasts(TCP, &answer(0x12), 124);
    lasts(TCP, &answer(RST), 4);
    let close = |nat: &Nat, outside| {
        enter_flagged(nat, (TCP, 0x12), (there.1, outside), NOW);
        leave_flagged(nat, (TCP, FIN), there, NOW);
        enter_flagged(nat, (TCP, FIN), (there.1, outside), NOW);
    };
    lasts(TCP, &close, 4);
    // The same ports again: a connection of its own.
    let again = |nat: &Nat, outside| {
        close(nat, outside);
        leave_flagged(nat, (TCP, SYN), there, NOW);
        enter_flagged(nat, (TCP, 0x12), (there.1, outside), NOW);
    };
    lasts(TCP, &again, 124);
}

/// An echo's answer finds its host; a question to the machine with the same id does not.
#[test]
fn pings_are_told_apart_by_their_ids() {
    let nat = nat(true);
    for number in [9, 8] {
        let (inside, beyond) = (host(false, number, 77), remote(false, 2, 0));
        let mut asked = packet(QUERY, inside, beyond, b"ping");
        assert_eq!(nat.outbound(&Vnet::default(), &mut asked, NOW), Outbound::Pass);
        let id = u16::from_be_bytes([asked[24], asked[25]]);
        let mut answer = packet(QUERY, (beyond.ip(), id).into(), remote(false, 1, 0), b"ping");
        let question = answer.clone();
        answer[20] = 0;
        finish(&mut answer);
        assert!(nat.inbound(&mut answer, false, NOW) && is_right(&answer));
        assert_eq!((ends(&answer).1.ip(), &answer[24..26]), (inside.ip(), &[0, 77][..]));
        let mut came = question.clone();
        assert!(nat.inbound(&mut came, false, NOW));
        assert_eq!(came, question, "the machine answers it");
    }
}

/// [Z14] RFC 4787 REQ-9.
#[test]
fn hosts_behind_the_address_reach_each_other_by_it() {
    let nat = nat(true);
    let server = leave(&nat, UDP, (host(false, 8, 5_000), remote(false, 2, 53)), NOW).expect("it leaves");
    let mut sent = packet(UDP, host(false, 9, 6_000), server, b"hairpin");
    assert_eq!(nat.outbound(&Vnet::default(), &mut sent, NOW), Outbound::Turn);
    assert_eq!(sent, packet(UDP, remote(false, 1, 6_000), host(false, 8, 5_000), b"hairpin"));
    let mut back = packet(UDP, host(false, 8, 5_000), remote(false, 1, 6_000), b"and back");
    assert_eq!(nat.outbound(&Vnet::default(), &mut back, NOW), Outbound::Turn);
    assert_eq!(back, packet(UDP, server, host(false, 9, 6_000), b"and back"));
}

/// Pieces follow their first; without it they do not leave.
#[test]
fn pieces_follow_their_first() {
    let nat = nat(false);
    let (inside, beyond) = (host(false, 9, 5_000), remote(false, 2, 53));
    let payload = [7u8; 2_000];
    let translate = |sent: &[u8], through: &dyn Fn(&mut Vec<u8>)| {
        let mut whole: Vec<u8> = Vec::new();
        for mut piece in fragment::cut(sent, &Header::parse(sent).expect("a packet"), 500) {
            through(&mut piece);
            whole.extend(&piece[if whole.is_empty() { 0 } else { 20 }..]);
        }
        whole[20..].to_vec()
    };
    let sent = packet(UDP, inside, beyond, &payload);
    let left = translate(&sent, &|piece| {
        assert_eq!(nat.outbound(&Vnet::default(), piece, NOW), Outbound::Pass);
        assert_eq!(Header::parse(piece).expect("a packet").source(piece), remote(false, 1, 0).ip());
    });
    assert_eq!(left, packet(UDP, remote(false, 1, 5_000), beyond, &payload)[20..]);
    let answer = packet(UDP, beyond, remote(false, 1, 5_000), &payload);
    let came = translate(&answer, &|piece| {
        assert!(nat.inbound(piece, false, NOW));
        assert_eq!(Header::parse(piece).expect("a packet").destination(piece), inside.ip());
    });
    assert_eq!(came, packet(UDP, beyond, inside, &payload)[20..]);

    let other = packet(UDP, host(false, 8, 5_000), beyond, &payload);
    let pieces = fragment::cut(&other, &Header::parse(&other).expect("a packet"), 500);
    let mut later = pieces[1].clone();
    assert_eq!(nat.outbound(&Vnet::default(), &mut later, NOW), Outbound::Refuse);
}

#[test]
fn what_cannot_share_an_address_does_not_leave() {
    let refused = |nat: &Nat, packet: &mut Vec<u8>| {
        assert_eq!(nat.outbound(&Vnet::default(), packet, NOW), Outbound::Refuse);
    };
    let mut tunnel = packet(UDP, host(false, 9, 1), remote(false, 2, 1), b"");
    tunnel[9] = 47;
    refused(&nat(false), &mut tunnel);
    refused(
        &nat(false),
        &mut unreachable(
            host(false, 9, 1).ip(),
            &packet(UDP, remote(false, 2, 1), host(false, 9, 1), b""),
            8,
        ),
    );
    let only4 = MasqueradeOptions { address6: None, ..options(false) };
    let only4 = Nat::new(NatOptions { maps: Vec::new(), masquerade: Some(only4) }, None, 1).expect("made");
    refused(&only4, &mut packet(UDP, host(true, 9, 1), remote(true, 2, 1), b""));
}

/// A change of something else keeps what is remembered.
#[test]
fn sessions_outlive_a_change_of_the_maps() {
    let nat = nat(false);
    let (inside, beyond) = (host(false, 9, 5_000), remote(false, 2, 53));
    let outside = leave(&nat, UDP, (inside, beyond), NOW).expect("it leaves");
    let map = crate::nat::Map {
        inside: "10.1.0.0/24".parse().expect("ok"),
        outside: "10.2.0.0/24".parse().expect("ok"),
    };
    let same = NatOptions { maps: vec![map], masquerade: Some(options(false)) };
    let changed = Nat::new(same, Some(&nat), 1).expect("made");
    assert_eq!(enter(&changed, UDP, (beyond, outside), NOW), inside);
    let other = NatOptions { maps: Vec::new(), masquerade: Some(options(true)) };
    let other = Nat::new(other, Some(&nat), 1).expect("made");
    assert_eq!(enter(&other, UDP, (beyond, outside), NOW), outside);
}

/// The table is bounded: a host that speaks to everybody costs others nothing that lasts.
#[test]
fn too_many_sessions_end_those_that_would_end_soonest() {
    let nat = nat(false);
    let lasting = (host(false, 8, 22), remote(false, 2, 22));
    let outside = leave_flagged(&nat, (TCP, SYN), lasting, NOW).expect("it leaves");
    enter_flagged(&nat, (TCP, 0x12), (lasting.1, outside), NOW);
    for count in 0..150_000u32 {
        let [_, third, high, low] = count.to_be_bytes();
        let beyond = SocketAddr::new([10, 99, third, high].into(), 1_000 + u16::from(low));
        let from = host(false, 9, 1_024 + (count % 60_000) as u16);
        assert!(leave(&nat, UDP, (from, beyond), NOW + u64::from(count)).is_some(), "session {count}");
    }
    assert_eq!(enter(&nat, TCP, (lasting.1, outside), NOW + 150_000), lasting.0);
}

/// [Z14] What answers nothing needs no session, and gets none.
#[test]
fn resets_and_answers_that_nobody_waits_for_do_not_leave() {
    let nat = nat(false);
    let between = (host(false, 9, 5_000), remote(false, 2, 80));
    assert_eq!(leave_flagged(&nat, (TCP, RST), between, NOW), None);
    let mut reply = packet(QUERY, between.0, between.1, b"back");
    reply[20] = 0;
    finish(&mut reply);
    assert_eq!(nat.outbound(&Vnet::default(), &mut reply, NOW), Outbound::Refuse);
}

/// [Z14]
#[test]
fn a_host_that_shares_an_address_is_not_reached_by_its_own() {
    let mut came = packet(UDP, remote(false, 2, 53), host(false, 9, 5_000), b"");
    assert!(!nat(true).inbound(&mut came, false, NOW));
}

/// [Z14] A ping is answered by who was asked, whoever else may reach the host's ports.
#[test]
fn a_strangers_answer_to_a_ping_does_not_reach_the_host() {
    let nat = nat(true);
    leave(&nat, QUERY, (host(false, 9, 5_000), remote(false, 2, 0)), NOW).expect("it leaves");
    for (number, reached) in [(3, remote(false, 1, 0)), (2, host(false, 9, 0))] {
        let mut reply = packet(QUERY, remote(false, number, 5_000), remote(false, 1, 0), b"back");
        reply[20] = 0;
        finish(&mut reply);
        assert!(nat.inbound(&mut reply, false, NOW));
        assert_eq!(ends(&reply).1, reached);
    }
}

/// [Z14]
#[test]
fn an_error_about_what_another_address_sent_is_left_as_it_is() {
    let nat = nat(false);
    leave(&nat, UDP, (host(false, 9, 5_000), remote(false, 2, 53)), NOW).expect("it leaves");
    let about = packet(UDP, remote(false, 3, 5_000), remote(false, 2, 53), b"there");
    let transport = [&[3, 3, 0, 0, 0, 0, 0, 0], &about[..]].concat();
    let mut error = network((remote(false, 2, 0).ip(), remote(false, 1, 0).ip()), ICMP, &transport);
    finish(&mut error);
    let sent = error.clone();
    assert!(nat.inbound(&mut error, false, NOW));
    assert_eq!(error, sent);
}

/// [Z14]
#[test]
fn pieces_that_come_too_late_do_not_leave() {
    let nat = nat(false);
    let sent = packet(UDP, host(false, 9, 5_000), remote(false, 2, 53), &[7; 900]);
    let pieces = fragment::cut(&sent, &Header::parse(&sent).expect("a packet"), 400);
    let mut pieces = pieces.into_iter();
    let mut next = |now| nat.outbound(&Vnet::default(), &mut pieces.next().expect("a piece"), now);
    assert_eq!(next(NOW), Outbound::Pass);
    assert_eq!(next(NOW + 29_999), Outbound::Pass);
    assert_eq!(next(NOW + 30_000), Outbound::Refuse);
}
