//! Sealed datagrams through a relay that cannot read them.

use super::packets::super_packet;
use super::world::{Node, TunKind, datagram, until};
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::packet::vnet;
use crate::session::PeerKind;
use std::num::NonZeroU32;

/// Nodes 1 and 2 with a session to router 3, and with channels through it to each other.
struct Triangle {
    one: Node,
    two: Node,
    router: Node,
    /// How each end reaches the other.
    near: Endpoint,
    far: Endpoint,
}

impl Triangle {
    fn new() -> Triangle {
        Triangle::with(TunKind::Plain)
    }

    fn with(tun: TunKind) -> Triangle {
        let (one, two, router) = (Node::new(1, tun), Node::new(2, tun), Node::router(3));
        for (node, number) in [(&one, 1), (&two, 2)] {
            node.know(&router, 3, PeerKind::Router);
            router.know(node, number, PeerKind::Node);
            node.plane.handshake("net", &router.key, &[router.endpoint], false).expect("begun");
            node.wait_session();
            router.wait_session();
        }
        one.know(&two, 2, PeerKind::Node);
        two.know(&one, 1, PeerKind::Node);
        let (near, far) = router.plane.open_channel("net", &one.key, &two.key).expect("opened");
        assert_ne!(near, far);
        let through = |channel| Endpoint { channel: NonZeroU32::new(channel), ..router.endpoint };
        Triangle { near: through(near), far: through(far), one, two, router }
    }
}

/// [C12] [E18] [Z20]
#[test]
fn a_session_and_its_packets_pass_through_a_relay() {
    let world = Triangle::new();
    world.one.plane.handshake("net", &world.two.key, &[world.near], false).expect("begun");
    assert_eq!(world.one.wait_session().0, world.near);
    assert_eq!(world.two.wait_session().0, world.far);
    let packet = datagram(1, 2, b"sealed all the way");
    let tun = |node: &Node| node.tun.as_ref().expect("a TUN").try_clone().expect("cloned");
    tun(&world.one).send(&packet).expect("sent");
    let mut room = [0u8; 2_000];
    let length = tun(&world.two).recv(&mut room).expect("a packet");
    assert_eq!(room[..length], packet);
    let counters = || world.router.plane.counters().expect("alive");
    until("message 1, message 2, the proof and the packet are counted", || counters().relayed_datagrams >= 4);
    assert!(counters().peers.iter().all(|peer| peer.rx_packets == 0));
}

#[test]
fn a_super_packet_passes_a_relay_in_one_batch() {
    let world = Triangle::with(TunKind::Offload);
    world.one.plane.handshake("net", &world.two.key, &[world.near], false).expect("begun");
    world.one.wait_session();
    world.two.wait_session();
    let (vnet, packet) = super_packet(59_000, 1_348);
    world.one.tun.as_ref().expect("a TUN").send(&[&vnet.bytes()[..], &packet].concat()).expect("sent");
    let mut room = vec![0u8; 70_000];
    let length = world.two.tun.as_ref().expect("a TUN").recv(&mut room).expect("a packet");
    assert!(room[vnet::LENGTH..length] == packet, "the packet changed on the way");
    let counters = || world.router.plane.counters().expect("alive");
    until("its frames are counted", || counters().relayed_bytes > 59_000 + 44 * (40 + 32 + 8));
}

#[test]
fn a_channel_that_exists_is_returned_again() {
    let world = Triangle::new();
    let again = world.router.plane.open_channel("net", &world.one.key, &world.two.key).expect("opened");
    let channel = |endpoint: Endpoint| endpoint.channel.map_or(0, NonZeroU32::get);
    assert_eq!(again, (channel(world.near), channel(world.far)));
    let reverse = world.router.plane.open_channel("net", &world.two.key, &world.one.key).expect("opened");
    assert_ne!(reverse.0, again.0);
}

#[test]
fn frames_of_others_closed_channels_and_unknown_labels_go_nowhere() {
    let world = Triangle::new();
    let stranger = std::net::UdpSocket::bind("127.0.0.1:0").expect("bound");
    let frame = [&world.near.prefix()[..], &[4, 0, 0, 0], &[0; 40]].concat();
    stranger.send_to(&frame, world.router.endpoint.address).expect("sent");
    let short = [&world.near.prefix()[..], &[4]].concat();
    stranger.send_to(&short, world.router.endpoint.address).expect("sent");
    until("both are counted", || world.router.refused("relay") >= 1 && world.router.refused("index") >= 1);
    assert_eq!(world.router.plane.counters().expect("alive").relayed_datagrams, 0);
    world.router.plane.close_channels("net", &world.two.key).expect("closed");
    let message = world.one.plane.handshake_message("net", &world.two.key).expect("made");
    assert_eq!(message.len(), 148);
    world.one.plane.handshake("net", &world.two.key, &[world.near], false).expect("added");
    until("the router refuses it", || world.router.refused("mac") >= 1);
    assert_eq!(world.router.plane.counters().expect("alive").relayed_datagrams, 0);
}

#[test]
fn a_channel_needs_sessions_at_both_ends_and_a_routers_realm() {
    let world = Triangle::new();
    world.router.plane.drop_sessions("net", Some(&world.two.key)).expect("dropped");
    let refused = world.router.plane.open_channel("net", &world.two.key, &world.one.key);
    assert_eq!(refused.expect_err("refused").code, "ENOENT");
    let refused = world.one.plane.open_channel("net", &world.two.key, &world.router.key);
    assert_eq!(refused.expect_err("refused").code, "EINVAL");
}

/// [C10] [Z11]
#[test]
fn a_stun_server_tells_where_a_socket_is_seen() {
    let (one, router) = (Node::new(1, TunKind::None), Node::router(3));
    one.plane.stun("node", router.endpoint.address).expect("asked");
    let (server, address) = one.wait(|event| match event {
        Event::Mapped { server, address, .. } => Some((*server, *address)),
        _ => None,
    });
    assert_eq!((server, address), (router.endpoint, Some(one.endpoint.address)));
}
