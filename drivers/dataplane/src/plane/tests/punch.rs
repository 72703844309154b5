//! Extra sockets: opened, hit, kept, used, closed.

use super::packets::super_packet;
use super::world::{Node, TunKind, datagram, joined, receive, send, until, used_by};
use crate::endpoint::{Carrier, Endpoint};
use crate::events::Event;
use crate::packet::vnet;
use crate::plane::core::millis;
use crate::plane::{PathOptions, PunchOptions};
use crate::session::PeerKind;
use std::num::NonZeroU32;

fn options(targets: Vec<Endpoint>, sockets: usize) -> PunchOptions {
    PunchOptions { targets, sockets, per_second: 1_000, seconds: 60 }
}

/// The first extra socket that was hit, and where the other end met it.
fn hit(one: &Node, two: &Node) -> (Endpoint, Endpoint) {
    one.plane.punch("net", &two.key, &options(vec![two.endpoint], 8)).expect("begun");
    let extra = one.wait(|event| match event {
        Event::Heard { endpoint, .. } => Some(*endpoint),
        _ => None,
    });
    let Carrier::Extra(number) = extra.carrier else { panic!("{extra} is by no extra socket") };
    assert_eq!(extra.address, two.endpoint.address);
    let port = one.plane.core.extras.find(number).expect("kept").number;
    let met = two.wait(|event| match event {
        Event::Heard { endpoint, .. } if endpoint.address.port() == port => Some(*endpoint),
        _ => None,
    });
    (extra, met)
}

fn number(endpoint: &Endpoint) -> NonZeroU32 {
    match endpoint.carrier {
        Carrier::Extra(number) => number,
        Carrier::Main | Carrier::Link(_) => panic!("{endpoint} is by no extra socket"),
    }
}

/// [W21] [C11]
#[test]
fn an_extra_socket_that_was_hit_carries_everything_and_the_others_close() {
    let (one, two) = joined(TunKind::Offload, PeerKind::Node);
    let (extra, met) = hit(&one, &two);
    for (node, other, endpoint) in [(&one, &two, extra), (&two, &one, met)] {
        let paths = [PathOptions { endpoint, probe_millis: 50 }];
        node.plane.set_paths("net", &other.key, &paths, &used_by(endpoint)).expect("set");
        node.wait(|event| match event {
            Event::Proved { endpoint: proved, .. } if *proved == endpoint => Some(()),
            _ => None,
        });
    }
    for (from, to, numbers) in [(&one, &two, (1, 2)), (&two, &one, (2, 1))] {
        let (vnet, packet) = super_packet(59_000, 1_348);
        let packet = if numbers == (1, 2) { packet } else { datagram(2, 1, &[3; 900]) };
        let head = if numbers == (1, 2) { vnet.bytes() } else { [0; vnet::LENGTH] };
        send(from, &[&head[..], &packet].concat());
        assert!(receive(to)[vnet::LENGTH..] == packet, "the packet changed on the way");
    }
    let open = || one.plane.core.extras.count();
    until("the search ends and leaves what was hit", || one.plane.core.punches.is_quiet());
    assert!(open() <= 8 && one.plane.core.extras.find(number(&extra)).is_some());
}

#[test]
fn a_socket_that_no_path_uses_closes_after_a_minute() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let (extra, _) = hit(&one, &two);
    let (core, stands) = (&one.plane.core, || one.plane.core.extras.find(number(&extra)).is_some());
    let paths = [PathOptions { endpoint: extra, probe_millis: 0 }];
    one.plane.set_paths("net", &two.key, &paths, &used_by(extra)).expect("set");
    one.plane.punch("net", &two.key, &options(vec![], 0)).expect("ended");
    until("it has a thread of its own", || core.punches.keeps(number(&extra)));
    core.punches.advance(core, millis() + 600_000);
    assert!(stands(), "a path uses it");
    one.plane.set_paths("net", &two.key, &[], &crate::plane::Use::default()).expect("set");
    core.punches.advance(core, millis() + 55_000);
    assert!(stands(), "not yet");
    core.punches.advance(core, millis() + 65_000);
    assert!(!stands());
    // Another one of the search may have been hit as well, a moment later.
    core.punches.advance(core, millis() + 130_000);
    until("none is left", || core.extras.count() == 0);
    // What is still sent there goes nowhere, and is counted.
    let before = one.refused("send");
    one.plane.ping("net", &two.key, 1, Some(extra)).expect("sent");
    until("it is refused", || one.refused("send") > before);
}

#[test]
fn a_search_ends_with_its_time_its_peer_its_socket_and_when_told() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let nowhere = Endpoint::direct(([127, 0, 0, 9], 9).into());
    let open = || one.plane.core.extras.count();
    let begin = || {
        one.plane.punch("net", &two.key, &options(vec![nowhere], 16)).expect("begun");
        assert_eq!(open(), 16);
    };
    begin();
    begin();
    one.plane.punch("net", &two.key, &options(vec![], 0)).expect("ended");
    assert_eq!(open(), 0);
    begin();
    one.plane.core.punches.advance(&one.plane.core, millis() + 61_000);
    assert_eq!(open(), 0);
    begin();
    one.plane.remove_peer("net", &two.key).expect("removed");
    assert_eq!(open(), 0);
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    one.plane.punch("net", &two.key, &options(vec![nowhere], 16)).expect("begun");
    one.plane.unbind("node").expect("unbound");
    assert_eq!(one.plane.core.extras.count(), 0);
}

#[test]
fn a_search_needs_a_session_and_keeps_to_its_limits() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    let code = |options: &PunchOptions| one.plane.punch("net", &two.key, options).expect_err("refused").code;
    assert_eq!(code(&options(vec![two.endpoint], 8)), "ENOENT");
    assert_eq!(code(&options(vec![two.endpoint], 513)), "EINVAL");
    assert_eq!(code(&options(vec![two.endpoint; 4_097], 0)), "EINVAL");
}

#[test]
fn probes_leave_no_faster_than_was_asked() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let quiet = std::net::UdpSocket::bind("127.0.0.8:0").expect("bound");
    quiet.set_nonblocking(true).expect("set");
    let target = Endpoint::direct(quiet.local_addr().expect("bound"));
    let began = millis();
    let asked = PunchOptions { targets: vec![target; 1_000], sockets: 0, per_second: 200, seconds: 60 };
    one.plane.punch("net", &two.key, &asked).expect("begun");
    let mut seen = 0;
    let mut room = [0u8; 200];
    until("more came than at once, and half a second is over", || {
        while let Ok(length) = quiet.recv(&mut room) {
            assert!(length < 64, "{length} bytes are no small probe");
            seen += 1;
        }
        seen > 64 && millis() > began + 500
    });
    let passed = millis() - began;
    assert!(seen <= 64 + passed / 5 + 1, "{seen} probes in {passed} ms");
}
