//! Sessions whose datagrams nobody on the way recognises.

use super::packets::super_packet;
use super::world::{Nat, Node, TunKind, datagram, peer, receive, send, until};
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::packet::vnet;
use crate::plane::PeerOptions;
use crate::plane::receive::relay_label;
use crate::session::{Key, PeerKind, classify};
use crate::stun;
use std::collections::HashSet;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

const MASK: Key = [21; 32];
const OLDER: Key = [20; 32];
const ROUTERS: Key = [22; 32];

fn mask(node: &Node, keys: &[(u8, Key)], on: bool) {
    node.plane.set_mask("net", keys, on).expect("set");
}

/// A wire with an ear, before one end; who is at the other is known once it spoke.
struct Tap {
    endpoint: Endpoint,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
    closed: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Tap {
    fn before(target: SocketAddr) -> Tap {
        let socket = || {
            let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
            socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
            socket
        };
        let (near, far) = (Arc::new(socket()), Arc::new(socket()));
        let endpoint = Endpoint::direct(near.local_addr().expect("bound"));
        let (heard, closed) = (Arc::<Mutex<Vec<Vec<u8>>>>::default(), Arc::new(AtomicBool::new(false)));
        let host = Arc::new(Mutex::new(None));
        let carry =
            |from: Arc<UdpSocket>, to: Arc<UdpSocket>, host: Arc<Mutex<Option<SocketAddr>>>, out: bool| {
                let (heard, closed) = (heard.clone(), closed.clone());
                std::thread::spawn(move || {
                    let mut room = [0u8; 70_000];
                    while !closed.load(Ordering::Relaxed) {
                        let Ok((length, source)) = from.recv_from(&mut room) else { continue };
                        heard.lock().expect("no poison").push(room[..length].to_vec());
                        if out {
                            *host.lock().expect("no poison") = Some(source);
                            to.send_to(&room[..length], target).expect("sent");
                        } else if let Some(host) = *host.lock().expect("no poison") {
                            to.send_to(&room[..length], host).expect("sent");
                        }
                    }
                })
            };
        let threads =
            vec![carry(near.clone(), far.clone(), host.clone(), true), carry(far, near, host, false)];
        Tap { endpoint, heard, closed, threads }
    }

    fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().expect("no poison").clone()
    }

    /// Datagrams that show what they are.
    fn recognised(&self) -> usize {
        let is_known = |datagram: &&Vec<u8>| {
            classify(datagram).is_some() || relay_label(datagram).is_some() || stun::parse(datagram).is_some()
        };
        self.heard().iter().filter(is_known).count()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("ends well");
        }
    }
}

/// Nodes 1 and 2 that know each other, the second behind a tap.
fn pair(tun: TunKind) -> (Node, Node, Tap) {
    let (one, two) = (Node::new(1, tun), Node::new(2, tun));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let tap = Tap::before(two.endpoint.address);
    (one, two, tap)
}

fn meet((one, two, tap): &(Node, Node, Tap)) {
    one.plane.handshake("net", &two.key, &[tap.endpoint], true).expect("begun");
    one.wait_session();
    two.wait_session();
}

fn ping(from: &Node, to: &Node) {
    let id = from.plane.ping("net", &to.key, 1, None).expect("sent");
    let came = from.wait(|event| match event {
        Event::Pong { id: of, rtt_millis, .. } if *of == id => Some(rtt_millis.is_some()),
        _ => None,
    });
    assert!(came, "the ping was not answered");
}

fn cross(from: (&Node, u8), to: (&Node, u8)) {
    let packet = datagram(from.1, to.1, b"nobody on the way knows what this is");
    send(from.0, &packet);
    assert_eq!(receive(to.0), packet);
}

/// [C02]
#[test]
fn a_masked_session_shows_nothing_of_what_it_is() {
    let world = pair(TunKind::Plain);
    let (one, two, tap) = &world;
    [one, two].into_iter().for_each(|node| mask(node, &[(5, MASK)], true));
    meet(&world);
    cross((one, 1), (two, 2));
    cross((two, 2), (one, 1));
    ping(one, two);
    ping(two, one);
    one.plane.bind("fresh", 0, Some([127, 0, 0, 1].into())).expect("bound");
    for socket in ["node", "fresh"] {
        one.plane.stun(socket, tap.endpoint).expect("asked");
        one.wait(|event| matches!(event, Event::Mapped { address: Some(_), .. }).then_some(()));
    }
    let heard = tap.heard();
    assert!(heard.len() >= 10, "{}", heard.len());
    assert_eq!(tap.recognised(), 0);
    // Pings and their echoes all have one size inside.
    let sizes: HashSet<usize> = heard.iter().map(Vec::len).collect();
    assert!(sizes.len() > heard.len() / 2, "{sizes:?}");
    assert_eq!(one.refused("mask-rate") + two.refused("mask-rate"), 0);
}

/// [C02] The test above can fail: without the mask everything is recognised.
#[test]
fn a_bare_session_shows_what_it_is() {
    let world = pair(TunKind::Plain);
    meet(&world);
    cross((&world.0, 1), (&world.1, 2));
    assert_eq!(world.2.recognised(), world.2.heard().len());
}

/// [C02]
#[test]
fn a_masked_super_packet_arrives_in_one_batch() {
    let (one, two, _tap) = pair(TunKind::Offload);
    [&one, &two].into_iter().for_each(|node| mask(node, &[(5, MASK)], true));
    one.plane.handshake("net", &two.key, &[two.endpoint], true).expect("begun");
    one.wait_session();
    two.wait_session();
    let (vnet, packet) = super_packet(59_000, 1_348);
    send(&one, &[&vnet.bytes()[..], &packet].concat());
    assert!(receive(&two)[vnet::LENGTH..] == packet, "the packet changed on the way");
}

/// [C02]
#[test]
fn who_holds_another_key_is_not_answered_and_is_counted() {
    let world = pair(TunKind::None);
    let (one, two, tap) = &world;
    mask(one, &[(5, OLDER)], true);
    mask(two, &[(5, MASK)], true);
    one.plane.handshake("net", &two.key, &[tap.endpoint], true).expect("begun");
    let refused = || two.plane.counters().expect("alive").refused.iter().map(|it| it.1).sum::<u64>();
    until("message 1 and a repeat are refused", || refused() >= 2);
    assert!(one.told().iter().chain(&two.told()).all(|event| !matches!(event, Event::Session { .. })));
}

/// [C02] Who does not mask is not refused, and who began decides for both.
#[test]
fn one_that_masks_and_one_that_does_not_meet_both_ways() {
    let world = pair(TunKind::Plain);
    let (one, two, tap) = &world;
    mask(one, &[(5, MASK)], true);
    mask(two, &[(5, MASK)], false);
    meet(&world);
    cross((one, 1), (two, 2));
    cross((two, 2), (one, 1));
    assert_eq!(tap.recognised(), 0);
    mask(one, &[(5, MASK)], false);
    meet(&world);
    cross((one, 1), (two, 2));
    cross((two, 2), (one, 1));
    ping(one, two);
    let bare = tap.recognised();
    assert!(bare >= 4, "{bare}");
    mask(two, &[(5, MASK)], true);
    cross((one, 1), (two, 2));
    ping(one, two);
    assert!(tap.recognised() > bare, "what begins bare stays so at the other end");
}

/// [C02] [C15]
#[test]
fn masks_change_with_the_epoch_and_an_older_one_still_meets() {
    let world = pair(TunKind::Plain);
    let (one, two, tap) = &world;
    [one, two].into_iter().for_each(|node| mask(node, &[(5, OLDER)], true));
    meet(&world);
    // The session is of epoch 5: the new mask is for the next.
    mask(one, &[(6, MASK), (5, OLDER)], true);
    cross((one, 1), (two, 2));
    // Without a session the second tries are under the older mask.
    one.plane.drop_sessions("net", None).expect("dropped");
    meet(&world);
    mask(two, &[(6, MASK), (5, OLDER)], true);
    cross((two, 2), (one, 1));
    one.plane.drop_sessions("net", None).expect("dropped");
    meet(&world);
    mask(one, &[(6, MASK)], true);
    mask(two, &[(6, MASK)], true);
    cross((one, 1), (two, 2));
    assert_eq!(tap.recognised(), 0);
}

/// [C02] [P31]
#[test]
fn a_masked_session_follows_its_peer_to_another_address() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    [&one, &two].into_iter().for_each(|node| mask(node, &[(5, MASK)], true));
    let nat = Nat::before(two.endpoint.address);
    one.plane.handshake("net", &two.key, &[nat.endpoint], false).expect("begun");
    one.wait_session();
    two.wait_session();
    nat.move_on();
    cross((&one, 1), (&two, 2));
    two.wait(|event| matches!(event, Event::Heard { .. }).then_some(()));
    until("packets come back by the new address", || {
        let packet = datagram(2, 1, b"there you are");
        send(&two, &packet);
        let tun = one.tun.as_ref().expect("a TUN");
        tun.set_read_timeout(Some(Duration::from_millis(50))).expect("set");
        let mut room = [0u8; 2_000];
        tun.recv(&mut room).is_ok_and(|length| room[..length] == packet)
    });
}

/// Nodes 1 and 2 with masked sessions to router 3, each by its own way to it, and with one through it.
fn relayed(tun: TunKind, way: impl Fn(&Node) -> Endpoint) -> (Node, Node, Node) {
    let (one, two, router) = (Node::new(1, tun), Node::new(2, tun), Node::router(3));
    mask(&router, &[(0, ROUTERS)], false);
    let ways = [way(&router), way(&router)];
    for ((node, number), way) in [(&one, 1), (&two, 2)].into_iter().zip(ways) {
        mask(node, &[(5, MASK)], true);
        let options = PeerOptions { mask: Some(ROUTERS), ..peer(router.key, 3, PeerKind::Router) };
        node.plane.set_peer("net", options).expect("set");
        router.know(node, number, PeerKind::Node);
        node.plane.handshake("net", &router.key, &[way], false).expect("begun");
        node.wait_session();
        router.wait_session();
    }
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let (near, _) = router.plane.open_channel("net", (&one.key, &two.key), None).expect("opened");
    let near = Endpoint { channel: NonZeroU32::new(near), ..ways[0] };
    one.plane.handshake("net", &two.key, &[near], false).expect("begun");
    one.wait_session();
    two.wait_session();
    (one, two, router)
}

/// [C02] [C12]
#[test]
fn a_relay_passes_on_masked_frames_and_masks_them() {
    let taps = Mutex::new(Vec::new());
    let (one, two, _router) = relayed(TunKind::Plain, |router| {
        let tap = Tap::before(router.endpoint.address);
        let endpoint = tap.endpoint;
        taps.lock().expect("no poison").push(tap);
        endpoint
    });
    cross((&one, 1), (&two, 2));
    let large = datagram(2, 1, &[7; 1_300]);
    send(&two, &large);
    assert_eq!(receive(&one), large);
    ping(&one, &two);
    ping(&two, &one);
    for tap in taps.lock().expect("no poison").iter() {
        assert!(tap.heard().len() >= 10);
        assert_eq!(tap.recognised(), 0);
    }
}

/// [C02]
#[test]
fn a_router_answers_masked_as_soon_as_it_is_asked_so() {
    let (one, router) = (Node::new(1, TunKind::None), Node::router(3));
    mask(&router, &[(0, ROUTERS)], false);
    router.know(&one, 1, PeerKind::Node);
    let tap = Tap::before(router.endpoint.address);
    one.know(&router, 3, PeerKind::Router);
    one.plane.handshake("net", &router.key, &[tap.endpoint], false).expect("begun");
    one.wait_session();
    router.wait_session();
    ping(&one, &router);
    assert!(tap.recognised() >= 4);
    let options = PeerOptions { mask: Some(ROUTERS), ..peer(router.key, 3, PeerKind::Router) };
    one.plane.set_peer("net", options).expect("set");
    // Behind this one nothing is on its way that left before.
    ping(&one, &router);
    let bare = tap.recognised();
    ping(&one, &router);
    // What the router begins itself within the session that began bare.
    ping(&router, &one);
    router.plane.request("net", &one.key, 3, "{}").expect("sent");
    one.wait(|event| matches!(event, Event::Request { .. }).then_some(()));
    assert_eq!(tap.recognised(), bare);
}

/// [C02] [C12]
#[test]
fn a_masked_super_packet_passes_a_relay_in_one_batch() {
    let (one, two, router) = relayed(TunKind::Offload, |router| router.endpoint);
    let (vnet, packet) = super_packet(59_000, 1_348);
    send(&one, &[&vnet.bytes()[..], &packet].concat());
    assert!(receive(&two)[vnet::LENGTH..] == packet, "the packet changed on the way");
    let counters = || router.plane.counters().expect("alive");
    until("its frames are counted", || counters().relayed_bytes > 59_000 + 44 * (40 + 32 + 8));
}

/// [C02]
#[test]
fn strangers_are_tried_so_often_and_no_more() {
    let node = Node::new(1, TunKind::None);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let flood = || {
        let mut noise = [0u8; 200];
        getrandom::fill(&mut noise).expect("random");
        noise[0] = 0x80;
        stranger.send_to(&noise, node.endpoint.address).expect("sent");
    };
    flood();
    until("it is nothing of ours", || node.refused("unknown") == 1);
    assert_eq!(node.refused("mask-rate"), 0);
    mask(&node, &[(5, MASK)], true);
    until("too many were tried", || {
        flood();
        node.refused("mask-rate") > 0
    });
    stranger.set_read_timeout(Some(Duration::from_millis(1))).expect("set");
    assert!(stranger.recv(&mut [0; 10]).is_err(), "a stranger was answered");
}
