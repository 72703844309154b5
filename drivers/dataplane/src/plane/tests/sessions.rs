//! Handshakes, control, probes and pings between data planes.

use super::world::{Node, TunKind, epoch, joined, peer, realm, until, used_by};
use crate::crypto::{hardware_aes, public_key};
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::plane::PathOptions;
use crate::session::{PeerKind, RealmKind};

fn best_suite() -> u8 {
    if hardware_aes() { 1 } else { 2 }
}

/// [P05] [C32]
#[test]
fn both_ends_are_told_of_a_session() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    assert_eq!(one.wait_session(), (two.endpoint, best_suite(), true));
    assert_eq!(two.wait_session(), (one.endpoint, best_suite(), false));
    let counters = one.plane.counters().expect("alive");
    assert_eq!(counters.peers[0].suite, Some(best_suite()));
    assert!(counters.peers[0].last_handshake_millis.is_some());
}

#[test]
fn the_first_of_several_endpoints_that_answers_makes_the_session() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let deaf = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
    let deaf = Endpoint::direct(deaf.local_addr().expect("an address"));
    one.plane.handshake("net", &two.key, &[deaf], false).expect("begun");
    // Added while it runs, and tried at once.
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("added");
    assert_eq!(one.wait_session().0, two.endpoint);
}

#[test]
fn without_a_common_epoch_there_is_no_session() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    two.plane.set_epochs("net", &[epoch(6)]).expect("set");
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    // The first repeat has been refused, too, or answered in vain.
    let count =
        |node: &Node| node.plane.counters().expect("alive").refused.iter().map(|it| it.1).sum::<u64>();
    until("both tries were refused", || count(&one) + count(&two) >= 2);
    assert!(one.told().iter().chain(&two.told()).all(|event| !matches!(event, Event::Session { .. })));
}

#[test]
fn an_unknown_key_is_told_once_and_not_answered() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    let (key, from) = two.wait(|event| match event {
        Event::UnknownKey { peer, endpoint, .. } => Some((*peer, *endpoint)),
        _ => None,
    });
    assert_eq!((key, from), (one.key, one.endpoint));
    until("it is counted", || two.refused("unknown-key") >= 1);
}

#[test]
fn requests_are_answered_through_the_session() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let body = "{\"text\":\"".to_string() + &"x".repeat(5_000) + "\"}";
    let id = one.plane.request("net", &two.key, 3, &body).expect("sent");
    let (asked, kind, text) = two.wait(|event| match event {
        Event::Request { id, kind, body, .. } => Some((*id, *kind, body.clone())),
        _ => None,
    });
    assert_eq!((kind, text), (3, body));
    two.plane.respond("net", &one.key, asked, "{\"ok\":true}").expect("sent");
    let answer = one.wait(|event| match event {
        Event::Response { id: of, body, .. } if *of == id => Some(body.clone()),
        _ => None,
    });
    assert_eq!(answer.as_deref(), Some("{\"ok\":true}"));
}

#[test]
fn a_removed_peer_ends_its_requests_and_its_session() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let id = one.plane.request("net", &two.key, 3, "{}").expect("sent");
    one.plane.remove_peer("net", &two.key).expect("removed");
    let answer = one.wait(|event| match event {
        Event::Response { id: of, body, .. } if *of == id => Some(body.clone()),
        _ => None,
    });
    assert_eq!(answer, None);
    let gone = one.plane.handshake("net", &two.key, &[two.endpoint], false);
    assert_eq!(gone.expect_err("refused").code, "ENOENT");
    // What the other end still sends finds nothing here.
    let before = one.refused("index");
    two.plane.ping("net", &one.key, 1, None).expect("sent");
    two.wait(|event| matches!(event, Event::Pong { rtt_millis: None, .. }).then_some(()));
    until("it is refused", || one.refused("index") > before);
}

/// [E22]
#[test]
fn paths_are_proved_measured_and_lost() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let paths = [PathOptions { endpoint: two.endpoint, probe_millis: 100 }];
    one.plane.set_paths("net", &two.key, &paths, &used_by(two.endpoint)).expect("set");
    let rtt = one.wait(|event| match event {
        Event::Proved { endpoint, rtt_millis, .. } if *endpoint == two.endpoint => Some(*rtt_millis),
        _ => None,
    });
    assert!(rtt > 0.0, "{rtt}");
    let measure = one.wait(|event| match event {
        Event::Measured { paths } => Some(paths[0].measure.clone()),
        _ => None,
    });
    assert_eq!(measure.endpoint, two.endpoint);
    two.plane.stop();
    one.wait(|event| matches!(event, Event::Lost { .. }).then_some(()));
}

#[test]
fn a_ping_ends_in_a_pong_with_its_round_trip() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let id = one.plane.ping("net", &two.key, 1, None).expect("sent");
    let (sequence, rtt, endpoint) = one.wait(|event| match event {
        Event::Pong { id: of, sequence, rtt_millis, endpoint } if *of == id => {
            Some((*sequence, *rtt_millis, *endpoint))
        }
        _ => None,
    });
    assert_eq!((sequence, endpoint), (0, Some(two.endpoint)));
    assert!(rtt.is_some_and(|rtt| rtt > 0.0));
}

#[test]
fn a_router_and_a_network_of_one_process_have_a_session_over_one_socket() {
    let node = Node::new(1, TunKind::None);
    node.plane.open_realm(realm("router", 2, RealmKind::Router)).expect("opened");
    let router_key = public_key(&[2; 32]);
    node.plane.set_peer("net", peer(router_key, 2, PeerKind::Router)).expect("set");
    node.plane.set_peer("router", peer(node.key, 1, PeerKind::Node)).expect("set");
    node.plane.handshake("net", &router_key, &[node.endpoint], false).expect("begun");
    let mut ends = [node.wait_session(), node.wait_session()];
    ends.sort_by_key(|end| end.2);
    assert_eq!(ends, [(node.endpoint, best_suite(), false), (node.endpoint, best_suite(), true)]);
    let id = node.plane.request("net", &router_key, 1, "{}").expect("sent");
    let asked = node.wait(|event| match event {
        Event::Request { realm, id, .. } if &**realm == "router" => Some(*id),
        _ => None,
    });
    node.plane.respond("router", &node.key, asked, "{}").expect("sent");
    node.wait(|event| {
        matches!(event, Event::Response { id: of, body: Some(_), .. } if *of == id).then_some(())
    });
}

#[test]
fn a_message_carried_by_other_means_makes_a_session() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let message = one.plane.handshake_message("net", &two.key).expect("made");
    two.plane.receive("net", one.endpoint, &message).expect("taken");
    assert_eq!(one.wait_session().0, two.endpoint);
    assert_eq!(two.wait_session().0, one.endpoint);
}

/// [P31] [C09]
#[test]
fn a_peer_heard_from_elsewhere_is_told_and_followed_once_it_answers_there() {
    let (one, two) = joined(TunKind::None, PeerKind::Node);
    let port = two.plane.bind("other", 0, Some([127, 0, 0, 1].into())).expect("bound");
    let elsewhere = Endpoint::direct(([127, 0, 0, 1], port).into());
    // Message 1 leaves by the realm's socket; only a repeat of the realm on another shows a new address.
    two.plane.close_realm("net").expect("closed");
    let options =
        crate::plane::RealmOptions { socket: "other".to_string(), ..realm("net", 2, RealmKind::Network) };
    two.plane.open_realm(options).expect("opened");
    two.plane.set_epochs("net", &[epoch(5)]).expect("set");
    two.know(&one, 1, PeerKind::Node);
    two.plane.handshake("net", &one.key, &[one.endpoint], false).expect("begun");
    assert_eq!(one.wait_session().0, elsewhere);
    let id = one.plane.ping("net", &two.key, 1, None).expect("sent");
    let endpoint = one.wait(|event| match event {
        Event::Pong { id: of, endpoint, .. } if *of == id => Some(*endpoint),
        _ => None,
    });
    assert_eq!(endpoint, Some(elsewhere));
}
