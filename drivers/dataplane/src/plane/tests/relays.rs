//! Sealed datagrams through a relay that cannot read them.

use super::packets::super_packet;
use super::world::{Nat, Node, TunKind, datagram, receive, send, until};
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
        let (near, far) = router.plane.open_channel("net", (&one.key, &two.key), None).expect("opened");
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
    let again =
        world.router.plane.open_channel("net", (&world.one.key, &world.two.key), None).expect("opened");
    let channel = |endpoint: Endpoint| endpoint.channel.map_or(0, NonZeroU32::get);
    assert_eq!(again, (channel(world.near), channel(world.far)));
    let reverse =
        world.router.plane.open_channel("net", (&world.two.key, &world.one.key), None).expect("opened");
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
fn a_channel_needs_two_ends_with_sessions_that_know_channels() {
    let world = Triangle::new();
    world.router.plane.drop_sessions("net", Some(&world.two.key)).expect("dropped");
    let refused = world.router.plane.open_channel("net", (&world.two.key, &world.one.key), None);
    assert_eq!(refused.expect_err("refused").code, "ENOENT");
    let refused = world.router.plane.open_channel("net", (&world.one.key, &world.one.key), None);
    assert_eq!(refused.expect_err("refused").code, "EINVAL");
    let (node, stock) = super::world::joined(TunKind::None, PeerKind::Stock);
    node.know(&world.one, 9, PeerKind::Node);
    let refused = node.plane.open_channel("net", (&stock.key, &world.one.key), None);
    assert_eq!(refused.expect_err("refused").code, "EINVAL");
}

/// Members 1 and 2 on either end of a chain of members that relay, each with a session to its neighbours.
struct Chain {
    one: Node,
    two: Node,
    /// From 1 to 2.
    relays: Vec<Node>,
}

impl Chain {
    fn new(length: u8, tun: TunKind) -> Chain {
        let (one, two) = (Node::new(1, tun), Node::new(2, tun));
        let relays: Vec<Node> = (0..length).map(|at| Node::new(10 + at, TunKind::None)).collect();
        let all: Vec<(&Node, u8)> = std::iter::once((&one, 1))
            .chain(relays.iter().zip(10..))
            .chain(std::iter::once((&two, 2)))
            .collect();
        for pair in all.windows(2) {
            meet(pair[0], pair[1]);
        }
        one.know(&two, 2, PeerKind::Node);
        two.know(&one, 1, PeerKind::Node);
        Chain { one, two, relays }
    }

    /// Opens the channels from the far end back; how 1 reaches 2, and 2 reaches 1.
    fn open(&self) -> (Endpoint, Endpoint) {
        let (mut onward, mut last) = (None, None);
        for at in (0..self.relays.len()).rev() {
            let from = if at == 0 { &self.one } else { &self.relays[at - 1] };
            let to = self.relays.get(at + 1).unwrap_or(&self.two);
            let channels =
                self.relays[at].plane.open_channel("net", (&from.key, &to.key), onward).expect("opened");
            if let Some(label) = onward {
                assert_eq!(channels.1, label.get());
            }
            last = last.or(NonZeroU32::new(channels.1));
            onward = NonZeroU32::new(channels.0);
        }
        let through = |relay: &Node, channel| Endpoint { channel, ..relay.endpoint };
        (through(&self.relays[0], onward), through(&self.relays[self.relays.len() - 1], last))
    }

    fn relayed(&self) -> Vec<u64> {
        self.relays.iter().map(|relay| relay.plane.counters().expect("alive").relayed_datagrams).collect()
    }
}

fn meet((one, number): (&Node, u8), (other, other_number): (&Node, u8)) {
    one.know(other, other_number, PeerKind::Node);
    other.know(one, number, PeerKind::Node);
    one.plane.handshake("net", &other.key, &[other.endpoint], false).expect("begun");
    one.wait_session();
    other.wait_session();
}

/// [C12] [C13] [E18]
#[test]
fn packets_pass_one_two_and_three_members_that_relay_both_ways() {
    for length in 1..=3 {
        let chain = Chain::new(length, TunKind::Plain);
        let (near, far) = chain.open();
        chain.one.plane.handshake("net", &chain.two.key, &[near], false).expect("begun");
        assert_eq!(chain.one.wait_session().0, near);
        assert_eq!(chain.two.wait_session().0, far);
        let (there, back) = (datagram(1, 2, b"there"), datagram(2, 1, b"and back"));
        send(&chain.one, &there);
        assert_eq!(receive(&chain.two), there);
        send(&chain.two, &back);
        assert_eq!(receive(&chain.one), back);
        until("each of them counted what passed", || chain.relayed().iter().all(|datagrams| *datagrams >= 5));
        assert_eq!(chain.open(), (near, far), "a chain that exists is returned again");
    }
}

#[test]
fn a_super_packet_passes_two_members_in_one_batch() {
    let chain = Chain::new(2, TunKind::Offload);
    let (near, _) = chain.open();
    chain.one.plane.handshake("net", &chain.two.key, &[near], false).expect("begun");
    chain.one.wait_session();
    chain.two.wait_session();
    let (vnet, packet) = super_packet(59_000, 1_348);
    send(&chain.one, &[&vnet.bytes()[..], &packet].concat());
    assert!(receive(&chain.two)[vnet::LENGTH..] == packet, "the packet changed on the way");
}

#[test]
fn a_label_that_is_in_use_is_refused() {
    let chain = Chain::new(2, TunKind::None);
    let [first, second] = &chain.relays[..] else { panic!("two relays") };
    let (near, _) = chain.open();
    let refused = second.plane.open_channel("net", (&first.key, &chain.two.key), near.channel);
    refused.expect("another relay's label is free here");
    let refused = first.plane.open_channel("net", (&second.key, &chain.one.key), near.channel);
    assert_eq!(refused.expect_err("refused").code, "EEXIST");
}

/// [C12]
#[test]
fn beyond_its_quota_a_members_frames_are_dropped_and_counted() {
    let chain = Chain::new(1, TunKind::Plain);
    let (near, _) = chain.open();
    chain.one.plane.handshake("net", &chain.two.key, &[near], false).expect("begun");
    chain.one.wait_session();
    chain.two.wait_session();
    let relay = &chain.relays[0];
    // A burst of 256 kB passes at any rate.
    relay.plane.set_relay_quota(1_000);
    let packet = datagram(1, 2, &[7; 1_200]);
    until("frames are dropped", || {
        send(&chain.one, &packet);
        relay.refused("relay-quota") >= 50
    });
    let passed = relay.plane.counters().expect("alive").relayed_bytes;
    assert!((200_000..300_000).contains(&passed), "{passed} bytes passed");
    relay.plane.set_relay_quota(0);
    let last = datagram(1, 2, b"the last");
    // The far end's TUN is full of what passed; nothing is dropped on the way any more.
    until("it passes again", || {
        send(&chain.one, &last);
        receive(&chain.two) == last
    });
}

/// [C12] [P31]
#[test]
fn a_peer_that_proves_to_be_elsewhere_keeps_its_channels() {
    let (one, two, relay) =
        (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain), Node::new(10, TunKind::None));
    let nat = Nat::before(relay.endpoint.address);
    one.know(&relay, 10, PeerKind::Node);
    relay.know(&one, 1, PeerKind::Node);
    one.plane.handshake("net", &relay.key, &[nat.endpoint], false).expect("begun");
    one.wait_session();
    let first = relay.wait_session().0;
    meet((&two, 2), (&relay, 10));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let channels = relay.plane.open_channel("net", (&one.key, &two.key), None).expect("opened");
    let near = Endpoint { channel: NonZeroU32::new(channels.0), ..nat.endpoint };
    one.plane.handshake("net", &two.key, &[near], false).expect("begun");
    one.wait_session();
    two.wait_session();
    nat.move_on();
    // Not yet: the relay knows nobody there.
    let packet = datagram(1, 2, b"from elsewhere");
    send(&one, &packet);
    until("it goes no further", || relay.refused("mac") + relay.refused("index") >= 1);
    // Whatever comes from there in the session with the relay makes it ask, and the answer is the proof.
    one.plane.ping("net", &relay.key, 1, None).expect("sent");
    let elsewhere = relay.wait(|event| match event {
        Event::Heard { endpoint, .. } => Some(*endpoint),
        _ => None,
    });
    assert_ne!(elsewhere, first);
    let end = relay.plane.peer("net", &one.key).expect("known");
    until("it proved to be there", || end.is_at(&elsewhere));
    send(&one, &packet);
    assert_eq!(receive(&two), packet);
    let answer = datagram(2, 1, b"an answer");
    send(&two, &answer);
    assert_eq!(receive(&one), answer);
}

#[test]
fn channels_that_no_frame_passed_for_ten_minutes_are_closed() {
    let chain = Chain::new(1, TunKind::None);
    let (near, _) = chain.open();
    let relays = &chain.relays[0].plane.core.relays;
    let now = crate::plane::core::millis();
    assert!(relays.close_idle(now + 590_000));
    assert_eq!(chain.open().0, near);
    assert!(!relays.close_idle(now + 700_000));
    assert_ne!(chain.open().0, near);
}

/// [C10] [Z11]
#[test]
fn a_stun_server_tells_where_a_socket_is_seen() {
    let (one, router) = (Node::new(1, TunKind::None), Node::router(3));
    one.plane.stun("node", router.endpoint).expect("asked");
    let (server, address) = one.wait(|event| match event {
        Event::Mapped { server, address, .. } => Some((*server, *address)),
        _ => None,
    });
    assert_eq!((server, address), (router.endpoint, Some(one.endpoint.address)));
}
