//! QUIC links: everything that goes over UDP goes over them.

use super::packets::super_packet;
use super::world::{Nat, Node, PATIENCE, TunKind, datagram, receive, send, until, used_by};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::Event;
use crate::packet::vnet;
use crate::plane::quic::client_of_anybody;
use crate::plane::{CallError, ConnectOptions, ListenOptions, PathOptions};
use crate::session::{Key, PeerKind};
use quinn_proto::{Endpoint as QuicEndpoint, EndpointConfig};
use std::collections::HashSet;
use std::net::UdpSocket;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

const CERTIFICATE: &str = include_str!("identity/certificate.pem");
const KEY: &str = include_str!("identity/key.pem");
/// SHA-256 of the public key of that certificate.
const PIN: Key = [
    0xec, 0x17, 0x64, 0x89, 0x86, 0x14, 0x6e, 0x71, 0x4f, 0xaa, 0xb6, 0x8d, 0xc1, 0xb0, 0x26, 0x44, 0xa1,
    0x42, 0x39, 0xa4, 0x37, 0xa7, 0x70, 0xb5, 0x2b, 0x8f, 0x0c, 0x79, 0x9e, 0x05, 0xe8, 0x48,
];

fn options() -> ListenOptions {
    ListenOptions {
        certificate: Some(CERTIFICATE.to_string()),
        key: Some(KEY.to_string()),
        ..ListenOptions::default()
    }
}

fn over_quic(endpoint: Endpoint) -> Endpoint {
    Endpoint { carrier: Carrier::Link(Transport::Quic), ..endpoint }
}

/// Takes connections, and says where.
fn listen(node: &Node) -> Endpoint {
    let number = node.plane.listen_links("node", Transport::Quic, &options()).expect("listens");
    assert_eq!(number, node.endpoint.address.port());
    over_quic(node.endpoint)
}

fn wait_link(node: &Node) -> (Endpoint, bool, Option<&'static str>) {
    node.wait(|event| match event {
        Event::Link { remote, up, reason, .. } => Some((*remote, *up, *reason)),
        _ => None,
    })
}

/// Node 1's link to node 2; where each meets the other.
fn connect(one: &Node, two: &Node) -> (Endpoint, Endpoint) {
    let far = listen(two);
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(one), (far, true, None));
    (over_quic(one.endpoint), far)
}

/// Two that know each other, with a session over a link; where each meets the other.
fn joined(tun: TunKind) -> (Node, Node, Endpoint, Endpoint) {
    let (one, two) = (Node::new(1, tun), Node::new(2, tun));
    let (near, far) = connect(&one, &two);
    meet(&one, &two, far);
    (one, two, near, far)
}

fn meet(one: &Node, two: &Node, far: Endpoint) {
    one.know(two, 2, PeerKind::Node);
    two.know(one, 1, PeerKind::Node);
    one.plane.handshake("net", &two.key, &[far], false).expect("begun");
    assert_eq!(one.wait_session().0, far);
    two.wait_session();
}

fn prove(node: &Node, other: &Node, endpoint: Endpoint) {
    let paths = [PathOptions { endpoint, probe_millis: 50 }];
    node.plane.set_paths("net", &other.key, &paths, &used_by(endpoint)).expect("set");
    node.wait(|event| match event {
        Event::Proved { endpoint: proved, .. } if *proved == endpoint => Some(()),
        _ => None,
    });
}

/// [W13] [W15]
#[test]
fn a_session_its_probes_and_its_packets_pass_over_a_quic_link() {
    let (one, two, near, far) = joined(TunKind::Offload);
    for (node, other, endpoint) in [(&one, &two, far), (&two, &one, near)] {
        prove(node, other, endpoint);
    }
    let large = super_packet(59_000, 1_348);
    send(&one, &[&large.0.bytes()[..], &large.1].concat());
    assert!(receive(&two)[vnet::LENGTH..] == large.1, "the packet changed on the way");
    let small = datagram(2, 1, &[5; 900]);
    send(&two, &[&vnet::Vnet::default().bytes()[..], &small].concat());
    assert!(receive(&one)[vnet::LENGTH..] == small, "the packet changed on the way");
    assert_eq!((one.refused("quic"), two.refused("quic")), (0, 0), "what is ours was refused");
}

/// [W13]
#[test]
fn packets_of_all_sizes_pass_once_and_undamaged() {
    let (one, two, near, far) = joined(TunKind::Plain);
    prove(&one, &two, far);
    prove(&two, &one, near);
    for (from, to, numbers) in [(&one, &two, (1, 2)), (&two, &one, (2, 1))] {
        for size in (0..1_372).step_by(7) {
            let packet = datagram(numbers.0, numbers.1, &vec![size as u8; size]);
            send(from, &packet);
            assert!(receive(to) == packet, "{size} bytes changed on the way");
        }
    }
}

/// [C12] [W13]
#[test]
fn a_relay_passes_on_between_a_quic_link_and_udp() {
    let (one, two, relay) =
        (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain), Node::new(10, TunKind::None));
    let (_, far) = connect(&one, &relay);
    for (node, number, endpoint) in [(&one, 1, far), (&two, 2, relay.endpoint)] {
        node.know(&relay, 10, PeerKind::Node);
        relay.know(node, number, PeerKind::Node);
        node.plane.handshake("net", &relay.key, &[endpoint], false).expect("begun");
        node.wait_session();
        relay.wait_session();
    }
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let channels = relay.plane.open_channel("net", (&one.key, &two.key), None).expect("opened");
    let near = Endpoint { channel: NonZeroU32::new(channels.0), ..far };
    one.plane.handshake("net", &two.key, &[near], false).expect("begun");
    assert_eq!(one.wait_session().0, near);
    let (there, back) = (datagram(1, 2, b"there"), datagram(2, 1, b"and back"));
    send(&one, &there);
    assert_eq!(receive(&two), there);
    send(&two, &back);
    assert_eq!(receive(&one), back);
}

/// [W15] [P11]
#[test]
fn another_key_than_the_pinned_one_is_refused_and_told_once() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let far = listen(&two);
    let with = |pin| ConnectOptions { pin: Some(pin), server_name: Some("example.org".into()), ..20.into() };
    one.plane.connect_link("node", far, with([7; 32])).expect("begun");
    assert_eq!(wait_link(&one), (far, false, Some("certificate")));
    one.plane.connect_link("node", far, with(PIN)).expect("begun");
    assert_eq!(wait_link(&one), (far, true, None));
    assert!(one.told().iter().all(|event| !matches!(event, Event::Link { .. })));
}

/// [C09] [W13]
#[test]
fn connecting_goes_on_until_somebody_takes_it_or_the_time_is_over() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let far = over_quic(two.endpoint);
    one.plane.connect_link("node", far, 1).expect("begun");
    assert_eq!(wait_link(&one), (far, false, Some("timeout")));
    one.plane.connect_link("node", far, 20).expect("begun");
    until("it was tried", || two.refused("quic") >= 2);
    listen(&two);
    assert_eq!(wait_link(&one), (far, true, None));
}

/// [C09] [C08] [W13]
#[test]
fn a_link_is_opened_again_after_the_other_end_restarted() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let address = Some([127, 0, 0, 1].into());
    let number = two.plane.bind("other", 0, address).expect("bound");
    let listen = || two.plane.listen_links("other", Transport::Quic, &options()).expect("listens");
    listen();
    let far = over_quic(Endpoint::direct(([127, 0, 0, 1], number).into()));
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true, None));
    for _ in 0..2 {
        two.plane.unbind("other").expect("unbound");
        assert_eq!(wait_link(&one), (far, false, Some("closed")));
        two.plane.bind("other", number, address).expect("bound");
        listen();
        assert_eq!(wait_link(&one), (far, true, None));
    }
    // Until it is not wanted any more.
    one.plane.close_link("node", far).expect("closed");
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true, None));
}

/// [W12] [W13]
#[test]
fn a_link_stays_when_its_end_moves_and_is_known_by_the_new_address() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    listen(&two);
    let nat = Nat::before(two.endpoint.address);
    let far = over_quic(nat.endpoint);
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true, None));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    one.plane.handshake("net", &two.key, &[far], false).expect("begun");
    one.wait_session();
    let (old, ..) = two.wait_session();
    two.plane
        .set_paths("net", &one.key, &[PathOptions { endpoint: old, probe_millis: 0 }], &used_by(old))
        .expect("set");
    for round in 0..3u8 {
        nat.move_on();
        send(&one, &datagram(1, 2, &[round]));
        assert_eq!(receive(&two), datagram(1, 2, &[round]));
        // What is sent to where it was reaches it where it is.
        until("the link follows", || {
            send(&two, &datagram(2, 1, &[round]));
            let tun = one.tun.as_ref().expect("a TUN");
            tun.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
            tun.recv(&mut [0; 100]).is_ok()
        });
        let heard = two.wait(|event| match event {
            Event::Heard { endpoint, .. } => Some(*endpoint),
            _ => None,
        });
        assert_eq!(heard.carrier, Carrier::Link(Transport::Quic));
        assert_ne!(heard, old);
    }
    assert!(one.told().iter().all(|event| !matches!(event, Event::Link { .. })), "it was lost");
}

/// [C10]
#[test]
fn a_stun_server_tells_where_a_quic_link_is_seen() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let (near, far) = connect(&one, &two);
    one.plane.stun("node", far).expect("asked");
    let (server, address) = one.wait(|event| match event {
        Event::Mapped { server, address, .. } => Some((*server, *address)),
        _ => None,
    });
    assert_eq!((server, address), (far, Some(near.address)));
}

/// [W13]
#[test]
fn links_that_carry_nothing_of_ours_are_closed_and_the_oldest_of_too_many() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let (_, far) = connect(&one, &two);
    let begun = Instant::now();
    assert_eq!(wait_link(&one), (far, false, Some("closed")));
    assert!(begun.elapsed() > Duration::from_secs(8));
}

#[test]
fn calls_name_what_is_wrong() {
    let one = Node::new(1, TunKind::None);
    let code = |result: Result<u16, CallError>| result.expect_err("refused").code;
    let take = |options: &ListenOptions| one.plane.listen_links("node", Transport::Quic, options);
    assert_eq!(code(take(&ListenOptions { key: None, ..options() })), "EINVAL");
    assert_eq!(code(take(&ListenOptions { port: 1, ..options() })), "EINVAL");
    assert_eq!(code(take(&ListenOptions { certificate: Some(KEY.to_string()), ..options() })), "EINVAL");
    assert_eq!(code(take(&ListenOptions { key: Some(CERTIFICATE.to_string()), ..options() })), "EINVAL");
    assert_eq!(code(take(&ListenOptions { key: Some("no PEM".to_string()), ..options() })), "EINVAL");
    assert!(take(&ListenOptions::default()).is_ok() && take(&options()).is_ok());
    let open = |remote: &str, options: ConnectOptions| {
        let remote = remote.parse().expect("an endpoint");
        one.plane.connect_link("node", remote, options).map(|()| 0)
    };
    assert_eq!(code(open("quic/[::1]:7", 1.into())), "ENOENT");
    assert_eq!(code(open("quic/127.0.0.1:7", ConnectOptions { channels: 0, ..1.into() })), "EINVAL");
    assert_eq!(code(open("quic/127.0.0.1:7", ConnectOptions { channels: 17, ..1.into() })), "EINVAL");
    assert_eq!(code(one.plane.close_link("none", over_quic(one.endpoint)).map(|()| 0)), "ENOENT");
    assert_eq!(code(one.plane.close_link("node", one.endpoint).map(|()| 0)), "EINVAL");
}

/// [C02]
#[test]
fn noise_gets_no_answer() {
    let two = Node::new(2, TunKind::None);
    listen(&two);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    stranger.set_read_timeout(Some(PATIENCE)).expect("set");
    let mut sent = 0;
    for first in 0x40..=0xffu8 {
        if first & 0x40 == 0 {
            continue;
        }
        for length in [1, 5, 20, 60, 1_199] {
            let mut noise = vec![first; length];
            for (at, byte) in noise.iter_mut().enumerate().skip(1) {
                *byte = (at * 31 + usize::from(first)) as u8;
            }
            stranger.send_to(&noise, two.endpoint.address).expect("sent");
            sent += 1;
        }
    }
    until("all of it is counted", || two.refused("quic") == sent);
    stranger.set_nonblocking(true).expect("set");
    assert!(stranger.recv(&mut [0; 2_000]).is_err(), "an answer to noise");
}

/// Connections of a node's port, whatever their state.
fn connections(node: &Node) -> usize {
    let port = node.plane.core.realms.load()[0].port.clone();
    port.quic().map_or(0, |hub| hub.count())
}

/// [W13]
#[test]
fn several_connections_make_one_link_and_all_flows_pass() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    let far = listen(&two);
    one.plane.connect_link("node", far, ConnectOptions { channels: 3, ..20.into() }).expect("begun");
    assert_eq!(wait_link(&one), (far, true, None));
    until("all stand", || (connections(&one), connections(&two)) == (3, 3));
    meet(&one, &two, far);
    prove(&one, &two, far);
    let mut missing: HashSet<Vec<u8>> = HashSet::new();
    for flow in 0..40u8 {
        let mut packet = datagram(1, 2, &[flow; 50]);
        // Another port is another flow; without a sum it is not looked at.
        packet[21] = flow;
        packet[26..28].fill(0);
        send(&one, &packet);
        missing.insert(packet);
    }
    while !missing.is_empty() {
        assert!(missing.remove(&receive(&two)), "a packet came twice or changed");
    }
    one.plane.close_link("node", far).expect("closed");
    until("all are gone", || (connections(&one), connections(&two)) == (0, 0));
}

/// [C02] [W13]
#[test]
fn a_flood_of_beginnings_is_asked_for_proof_and_keeps_nobody_out() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let far = listen(&two);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    stranger.set_nonblocking(true).expect("set");
    let mut endpoint = QuicEndpoint::new(Arc::new(EndpointConfig::default()), None, true, None);
    let (mut sent, mut answered, mut proofs, mut begun) = (0, 0, 0, HashSet::new());
    let mut hear = || {
        let mut room = [0u8; 2_000];
        while let Ok(length) = stranger.recv(&mut room) {
            answered += length;
            proofs += usize::from(room[0] & 0xf0 == 0xf0);
            let id = 6 + usize::from(room[5]);
            begun.insert(room[id + 1..id + 1 + usize::from(room[id])].to_vec());
        }
        proofs
    };
    for _ in 0..600 {
        let now = Instant::now();
        let config = client_of_anybody(&far.address);
        let (_, mut connection) = endpoint.connect(now, config, far.address, "a.example").expect("begun");
        let mut buffer = Vec::new();
        while connection.poll_transmit(now, 1, &mut buffer).is_some() {
            stranger.send_to(&buffer, far.address).expect("sent");
            sent += buffer.len();
            buffer.clear();
        }
        hear();
    }
    until("many were asked for proof", || hear() > 100);
    assert!(answered <= 3 * sent, "{answered} bytes for {sent}");
    assert!(begun.len() - proofs <= 20 && connections(&two) <= 20, "too many were begun");
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true, None));
}
