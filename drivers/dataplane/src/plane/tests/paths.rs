//! Several paths to one peer: shared by flows, left when they die.

use super::world::{Node, TunKind, datagram, joined, until, used_by};
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::packet::ip::Header;
use crate::plane::spread::Spread;
use crate::plane::{PathOptions, Use};
use crate::session::PeerKind;
use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Another socket of a node.
fn door(node: &Node, name: &str) -> Endpoint {
    let port = node.plane.bind(name, 0, Some(Ipv4Addr::LOCALHOST.into())).expect("bound");
    Endpoint::direct((Ipv4Addr::LOCALHOST, port).into())
}

fn probed(endpoints: &[Endpoint]) -> Vec<PathOptions> {
    endpoints.iter().map(|endpoint| PathOptions { endpoint: *endpoint, probe_millis: 50 }).collect()
}

fn wait_proved(node: &Node, endpoint: Endpoint) {
    node.wait(|event| matches!(event, Event::Proved { endpoint: of, .. } if *of == endpoint).then_some(()));
}

fn wait_lost(node: &Node, endpoint: Endpoint) {
    node.wait(|event| matches!(event, Event::Lost { endpoint: of, .. } if *of == endpoint).then_some(()));
}

fn spread(node: &Node, to: &Node) -> Arc<Spread> {
    let peer = node.plane.peer("net", &to.key).expect("a peer");
    peer.outgoing.load_full().expect("a session")
}

/// Where each of 400 flows goes.
fn routes(spread: &Spread) -> HashMap<u16, Endpoint> {
    let flows = (1..=400u16).map(|port| {
        let mut packet = datagram(1, 2, b"of a flow");
        packet[20..22].copy_from_slice(&port.to_be_bytes());
        let header = Header::parse(&packet).expect("an IP packet");
        (port, spread.of(&header, &packet).route.endpoint)
    });
    flows.collect()
}

/// [W09] [W10]
#[test]
fn flows_are_shared_among_active_paths_and_only_those_of_a_dead_one_move() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    let doors = [door(&two, "second"), door(&two, "third"), two.endpoint];
    let used = Use { active: doors.to_vec(), standby: vec![] };
    one.plane.set_paths("net", &two.key, &probed(&doors), &used).expect("set");
    doors.iter().for_each(|door| wait_proved(&one, *door));
    let before = routes(&spread(&one, &two));
    for door in doors {
        let share = before.values().filter(|endpoint| **endpoint == door).count();
        assert!((80..190).contains(&share), "{share} of 400");
    }
    two.plane.unbind("second").expect("closed");
    wait_lost(&one, doors[0]);
    until("the dead path carries nothing", || {
        !routes(&spread(&one, &two)).values().any(|to| *to == doors[0])
    });
    for (flow, endpoint) in routes(&spread(&one, &two)) {
        if before[&flow] != doors[0] {
            assert_eq!(endpoint, before[&flow], "flow {flow} was moved");
        }
    }
    let packet = datagram(1, 2, b"whatever flow this is");
    one.tun.as_ref().expect("a TUN").send(&packet).expect("sent");
    let mut room = [0u8; 2_000];
    let length = two.tun.as_ref().expect("a TUN").recv(&mut room).expect("a packet");
    assert_eq!(room[..length], packet);
}

/// [W10] [C08]
#[test]
fn a_standby_path_takes_over_without_a_word_from_the_caller() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    let warm = door(&two, "warm");
    let used = Use { active: vec![two.endpoint], standby: vec![warm] };
    one.plane.set_paths("net", &two.key, &probed(&[two.endpoint, warm]), &used).expect("set");
    wait_proved(&one, two.endpoint);
    wait_proved(&one, warm);
    assert_eq!(spread(&one, &two).first().route.endpoint, two.endpoint);
    two.plane.unbind("node").expect("closed");
    wait_lost(&one, two.endpoint);
    until("the other carries", || spread(&one, &two).first().route.endpoint == warm);
    let packet = datagram(1, 2, b"by the other way");
    one.tun.as_ref().expect("a TUN").send(&packet).expect("sent");
    let mut room = [0u8; 2_000];
    let length = two.tun.as_ref().expect("a TUN").recv(&mut room).expect("a packet");
    assert_eq!(room[..length], packet);
    // What the caller decided before it heard of the loss changes nothing.
    one.plane.set_paths("net", &two.key, &probed(&[two.endpoint, warm]), &used).expect("set");
    assert_eq!(spread(&one, &two).first().route.endpoint, warm);
    // Where nothing else is left, its word counts.
    one.plane.set_paths("net", &two.key, &probed(&[two.endpoint]), &used_by(two.endpoint)).expect("set");
    assert_eq!(spread(&one, &two).first().route.endpoint, two.endpoint);
}
