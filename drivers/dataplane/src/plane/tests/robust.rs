//! What must not hurt: noise, floods, restarts, panics.

use super::world::{Node, TunKind, datagram, joined, realm, until};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::{Event, Events};
use crate::plane::core::Core;
use crate::plane::{ListenOptions, Plane, PunchOptions, thread};
use crate::session::{PeerKind, RealmKind};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use std::net::UdpSocket;
use std::sync::Arc;

#[test]
fn random_bytes_to_the_port_kill_nothing_and_get_no_answer() {
    let (one, two) = joined(TunKind::Plain, PeerKind::Node);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    let mut runner = TestRunner::deterministic();
    let shapes = (0u8..=70, proptest::collection::vec(any::<u8>(), 0..400), any::<bool>());
    for _ in 0..3_000 {
        let (first, mut bytes, zeros) = shapes.new_tree(&mut runner).expect("a value").current();
        if let Some(byte) = bytes.first_mut() {
            *byte = first;
        }
        if zeros && bytes.len() > 4 {
            bytes[1..4].fill(0);
        }
        stranger.send_to(&bytes, two.endpoint.address).expect("sent");
    }
    let packet = datagram(1, 2, b"still alive");
    one.tun.as_ref().expect("a TUN").send(&packet).expect("sent");
    let mut room = [0u8; 2_000];
    let length = two.tun.as_ref().expect("a TUN").recv(&mut room).expect("a packet");
    assert_eq!(room[..length], packet);
    stranger.set_nonblocking(true).expect("set");
    assert!(stranger.recv(&mut room).is_err(), "an answer to noise");
    until("the noise is counted", || two.plane.counters().expect("alive").refused.len() > 3);
}

#[test]
fn a_flood_of_first_messages_is_asked_for_cookies() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    stranger.set_read_timeout(Some(super::world::PATIENCE)).expect("set");
    let message = one.plane.handshake_message("net", &two.key).expect("made");
    let mut room = [0u8; 200];
    for _ in 0..600 {
        stranger.send_to(&message, two.endpoint.address).expect("sent");
    }
    while stranger.recv(&mut room).expect("a cookie reply at last") != 64 {}
    assert_eq!(room[0], 3);
    // Who can be answered gets through: the cookie is taken and the next message 1 carries it.
    one.plane.handshake("net", &two.key, &[two.endpoint], true).expect("begun");
    one.wait_session();
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("a list").count()
}

fn threads() -> usize {
    let name = |entry: std::io::Result<std::fs::DirEntry>| {
        std::fs::read_to_string(entry.ok()?.path().join("comm")).ok()
    };
    let ours = |name: &String| name.starts_with("dp-");
    std::fs::read_dir("/proc/self/task").expect("a list").filter_map(name).filter(ours).count()
}

/// Runs alone in a process of its own, so that other tests' descriptors do not count.
#[test]
fn starting_and_stopping_leaves_nothing_behind() {
    const ALONE: &str = "STARMESH_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let own = std::env::current_exe().expect("a path");
        let name = "plane::tests::robust::starting_and_stopping_leaves_nothing_behind";
        let status =
            std::process::Command::new(own).args(["--exact", name]).env(ALONE, "1").output().expect("run");
        assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
        return;
    }
    let round = || {
        let (one, two) = joined(TunKind::Offload, PeerKind::Node);
        let search = |other: &Node| PunchOptions {
            targets: vec![other.endpoint],
            sockets: 4,
            per_second: 1_000,
            seconds: 60,
        };
        one.plane.punch("net", &two.key, &search(&two)).expect("begun");
        two.plane.punch("net", &one.key, &search(&one)).expect("begun");
        one.wait(|event| matches!(event, Event::Heard { .. }).then_some(()));
        let address = Some([127, 0, 0, 1].into());
        let number = two
            .plane
            .listen_links("node", Transport::Tcp, &ListenOptions { address, ..ListenOptions::default() })
            .expect("listens");
        one.plane
            .listen_links("node", Transport::Tcp, &ListenOptions { address, ..ListenOptions::default() })
            .expect("listens");
        one.plane
            .connect_link(
                "node",
                Endpoint {
                    carrier: Carrier::Link(Transport::Tcp),
                    ..Endpoint::direct(([127, 0, 0, 1], number).into())
                },
                20,
            )
            .expect("begun");
        one.wait(|event| matches!(event, Event::Link { up: true, .. }).then_some(()));
        two.plane.listen_links("node", Transport::Quic, &ListenOptions::default()).expect("listens");
        let remote = Endpoint { carrier: Carrier::Link(Transport::Quic), ..two.endpoint };
        one.plane.connect_link("node", remote, 20).expect("begun");
        one.wait(|event| matches!(event, Event::Link { up: true, .. }).then_some(()));
        one.plane.stop();
        one.plane.stop();
        let code = |error: crate::plane::CallError| error.code;
        assert_eq!(one.plane.counters().map(|_| ()).map_err(code), Err("ESTOPPED"));
        two.plane.close_realm("net").expect("closed");
        two.plane.unbind("node").expect("unbound");
    };
    round();
    // The system lists a thread for a moment after it was waited for.
    until("the threads are gone", || threads() == 0);
    let before = descriptors();
    (0..30).for_each(|_| round());
    until("nothing is left", || (descriptors(), threads()) == (before, 0));
}

#[test]
fn the_same_port_can_be_bound_again_at_once() {
    let node = Node::new(1, TunKind::None);
    for _ in 0..50 {
        let port = node.plane.bind("again", 0, None).expect("bound");
        let taken = node.plane.bind("taken", port, None).expect_err("refused");
        assert_eq!(taken.code, "EADDRINUSE");
        node.plane.unbind("again").expect("unbound");
        assert_eq!(node.plane.bind("again", port, None).expect("bound"), port);
        node.plane.unbind("again").expect("unbound");
    }
}

#[test]
fn a_panic_becomes_an_event() {
    let events = Arc::new(Events::new(|| ()));
    let core = Arc::new(Core::new(events.clone()));
    let run = |_: &Core| panic!("on purpose");
    let thread = thread::start("dp-test", &core, Some("net".into()), || false, run).expect("started");
    thread.join().expect("the thread itself ends well");
    let failed = Event::Failed { realm: Some("net".into()), message: "bug: on purpose".to_string() };
    assert_eq!(events.take(), [failed]);
}

#[test]
fn a_tun_that_is_gone_fails_its_realm_only() {
    let mut node = Node::new(1, TunKind::Plain);
    let (realm_name, _) = {
        // A stream of no packets at all: its other end closes.
        let (near, far) = std::os::unix::net::UnixStream::pair().expect("a pair");
        let tun = crate::plane::TunOptions {
            fd: std::os::fd::AsRawFd::as_raw_fd(&far).into(),
            mtu: 1_400,
            offload: false,
        };
        let options = crate::plane::RealmOptions { tun: Some(tun), ..realm("gone", 9, RealmKind::Network) };
        node.plane.open_realm(options).expect("opened");
        drop(near);
        node.wait(|event| match event {
            Event::Failed { realm, message } => Some((realm.clone(), message.clone())),
            _ => None,
        })
    };
    assert_eq!(realm_name.as_deref(), Some("gone"));
    node.plane.close_realm("gone").expect("closed");
    assert!(node.tun.take().is_some());
}

#[test]
fn calls_name_what_is_missing() {
    let plane = Plane::start(Arc::new(Events::new(|| ()))).expect("started");
    let code = |result: Result<(), crate::plane::CallError>| result.expect_err("refused").code;
    assert_eq!(code(plane.unbind("none")), "ENOENT");
    assert_eq!(code(plane.close_realm("none")), "ENOENT");
    assert_eq!(code(plane.open_realm(realm("net", 1, RealmKind::Network))), "ENOENT");
    plane.bind("node", 0, None).expect("bound");
    let bad = crate::plane::TunOptions { fd: 9_999, mtu: 1_400, offload: false };
    let options = crate::plane::RealmOptions { tun: Some(bad), ..realm("net", 1, RealmKind::Network) };
    assert_eq!(code(plane.open_realm(options)), "EBADF");
    let options = crate::plane::RealmOptions { suites: Some(vec![3]), ..realm("net", 1, RealmKind::Network) };
    assert_eq!(code(plane.open_realm(options)), "EINVAL");
    assert_eq!(code(plane.remove_peer("net", &[1; 32])), "ENOENT");
}
