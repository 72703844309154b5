//! Links whose bytes the caller carries: here from one end's stream to the other's, as TLS would.

use super::world::{Node, PATIENCE, TunKind, datagram, receive, send, until};
use crate::endpoint::{Endpoint, Transport};
use crate::plane::CallError;
use crate::session::PeerKind;
use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

/// What node 1 and node 2 call one another.
fn places(transport: Transport) -> (Endpoint, Endpoint) {
    let place = |port| format!("{}/127.0.0.1:{port}", transport.name()).parse().expect("an endpoint");
    (place(1_001), place(1_002))
}

fn open(node: &Node, remote: Endpoint) -> UnixStream {
    let stream = UnixStream::from(node.plane.open_stream("node", remote).expect("opened"));
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

/// Carries bytes both ways until one end is over; then both are.
fn carry(one: &UnixStream, two: &UnixStream) {
    for (from, to) in [(one, two), (two, one)] {
        let (mut from, mut to) = (from.try_clone().expect("cloned"), to.try_clone().expect("cloned"));
        std::thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            for end in [&from, &to] {
                let _ = end.shutdown(Shutdown::Both);
            }
        });
    }
}

/// [P07] [P08]
#[test]
fn a_session_and_its_packets_pass_through_streams_that_the_caller_carries() {
    for transport in [Transport::Tls, Transport::Wss] {
        let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
        one.know(&two, 2, PeerKind::Node);
        two.know(&one, 1, PeerKind::Node);
        let (near, far) = places(transport);
        carry(&open(&one, far), &open(&two, near));
        one.plane.handshake("net", &two.key, &[far], false).expect("begun");
        assert_eq!(one.wait_session().0, far);
        assert_eq!(two.wait_session().0, near);
        for (from, to, packet) in
            [(&one, &two, datagram(1, 2, &[3; 1_300])), (&two, &one, datagram(2, 1, b"x"))]
        {
            send(from, &packet);
            assert_eq!(receive(to), packet);
        }
    }
}

#[test]
fn a_stream_is_closed_when_nothing_authentic_comes_by_it() {
    let node = Node::new(1, TunKind::None);
    let (_, far) = places(Transport::Tls);
    // What is no stream of datagrams ends at once, what carries datagrams of nobody after a while.
    let mut garbage = open(&node, far);
    garbage.write_all(&[0, 0]).expect("sent");
    assert_eq!(garbage.read(&mut [0; 10]).expect("closed"), 0);
    let mut noise = open(&node, far);
    noise.write_all(&[0, 5, 4, 0, 0, 0, 0]).expect("sent");
    until("it is counted", || node.refused("malformed") + node.refused("index") > 0);
    assert_eq!(noise.read(&mut [0; 10]).expect("closed without a word"), 0);
}

#[test]
fn a_stream_to_the_same_place_replaces_the_one_before_and_all_close_with_their_socket() {
    let node = Node::new(1, TunKind::None);
    let (near, far) = places(Transport::Wss);
    let (mut first, mut second, mut other) = (open(&node, far), open(&node, far), open(&node, near));
    assert_eq!(first.read(&mut [0; 10]).expect("closed"), 0);
    node.plane.unbind("node").expect("unbound");
    for stream in [&mut second, &mut other] {
        assert_eq!(stream.read(&mut [0; 10]).expect("closed"), 0);
    }
}

#[test]
fn what_leads_nowhere_is_refused_by_name() {
    let node = Node::new(1, TunKind::None);
    let code = |socket, remote: &str| {
        let called: Result<_, CallError> =
            node.plane.open_stream(socket, remote.parse().expect("an endpoint"));
        called.expect_err("refused").code
    };
    assert_eq!(code("none", "tls/127.0.0.1:1"), "ENOENT");
    for remote in ["127.0.0.1:1", "tcp/127.0.0.1:1", "quic/127.0.0.1:1", "tls/127.0.0.1:1#7"] {
        assert_eq!(code("node", remote), "EINVAL");
    }
}
