//! TCP links: everything that goes over UDP goes over them.

use super::packets::super_packet;
use super::world::{Node, TunKind, datagram, receive, send, until, used_by};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::Event;
use crate::os::Arrivals;
use crate::packet::vnet;
use crate::plane::link::{Link, Reading};
use crate::plane::links::Carry;
use crate::plane::stream::Stream;
use crate::plane::{Confined, ListenOptions, PathOptions};
use crate::session::PeerKind;
use crate::stun;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::num::NonZeroU32;

/// Listens, and says where.
fn listen(node: &Node) -> Endpoint {
    let number = node
        .plane
        .listen_links(
            "node",
            Transport::Tcp,
            &ListenOptions { port: 0, address: Some([127, 0, 0, 1].into()), ..ListenOptions::default() },
        )
        .expect("listens");
    Endpoint { carrier: Carrier::Link(Transport::Tcp), ..Endpoint::direct(([127, 0, 0, 1], number).into()) }
}

fn wait_tcp(node: &Node) -> (Endpoint, bool) {
    node.wait(|event| match event {
        Event::Link { remote, up, .. } => Some((*remote, *up)),
        _ => None,
    })
}

/// Node 1's link to node 2; where each meets the other.
fn connect(one: &Node, two: &Node) -> (Endpoint, Endpoint) {
    let (near, far) = (listen(one), listen(two));
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_tcp(one), (far, true));
    (near, far)
}

/// [W21]
#[test]
fn a_session_its_probes_and_its_packets_pass_over_a_tcp_link() {
    let (one, two) = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Offload));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let (near, far) = connect(&one, &two);
    one.plane.handshake("net", &two.key, &[far], false).expect("begun");
    assert_eq!(one.wait_session().0, far);
    assert_eq!(two.wait_session().0, near);
    for (node, other, endpoint) in [(&one, &two, far), (&two, &one, near)] {
        let paths = [PathOptions { endpoint, probe_millis: 50 }];
        node.plane.set_paths("net", &other.key, &paths, &used_by(endpoint)).expect("set");
        node.wait(|event| match event {
            Event::Proved { endpoint: proved, .. } if *proved == endpoint => Some(()),
            _ => None,
        });
    }
    for (from, to) in [(&one, &two), (&two, &one)] {
        let (vnet, packet) = if std::ptr::eq(from, &one) {
            super_packet(59_000, 1_348)
        } else {
            (vnet::Vnet::default(), datagram(2, 1, &[5; 900]))
        };
        send(from, &[&vnet.bytes()[..], &packet].concat());
        assert!(receive(to)[vnet::LENGTH..] == packet, "the packet changed on the way");
    }
}

/// [C12]
#[test]
fn a_relay_passes_on_between_a_tcp_link_and_udp() {
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

#[test]
fn connecting_goes_on_until_somebody_listens_or_the_time_is_over() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let (near, far) = (listen(&one), listen(&two));
    two.plane.unbind("node").expect("unbound");
    one.plane.connect_link("node", far, 1).expect("begun");
    assert_eq!(wait_tcp(&one), (far, false));
    one.plane.connect_link("node", far, 20).expect("begun");
    let listener = TcpListener::bind(far.address).expect("bound");
    assert_eq!(listener.accept().expect("a connection").1, near.address, "not from the port that listens");
    assert_eq!(wait_tcp(&one), (far, true));
}

#[test]
fn links_close_with_their_socket_and_calls_name_what_is_missing() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let code = |result: Result<(), crate::plane::CallError>| result.expect_err("refused").code;
    assert_eq!(
        code(one.plane.connect_link(
            "node",
            Endpoint { carrier: Carrier::Link(Transport::Tcp), ..two.endpoint },
            1
        )),
        "ENOENT"
    );
    assert_eq!(
        code(one.plane.listen_links("none", Transport::Tcp, &ListenOptions::default()).map(drop)),
        "ENOENT"
    );
    let far = listen(&one);
    assert_eq!(
        code(one.plane.listen_links("node", Transport::Tcp, &ListenOptions::default()).map(drop)),
        "EINVAL"
    );
    let mut stranger = TcpStream::connect(far.address).expect("connected");
    one.plane.unbind("node").expect("unbound");
    assert!(matches!(stranger.read(&mut [0; 10]), Ok(0) | Err(_)), "still open");
    TcpListener::bind(far.address).expect("nobody listens there any more");
}

/// [C08]
#[test]
fn the_end_of_a_link_is_told_to_whoever_opened_it() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let (_, far) = connect(&one, &two);
    one.plane.close_link("node", far).expect("closed");
    assert_eq!(wait_tcp(&one), (far, false));
    one.plane.close_link("node", far).expect("nothing to close");
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_tcp(&one), (far, true));
    two.plane.unbind("node").expect("unbound");
    assert_eq!(wait_tcp(&one), (far, false));
}

/// [P16]
#[test]
fn a_peer_confined_to_a_transport_is_neither_sent_to_nor_answered_by_another() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    let (near, far) = connect(&one, &two);
    // The session stands over plain UDP when the word comes.
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    one.wait_session();
    two.wait_session();
    one.plane.confine_peer("net", &two.key, Some(Confined::Link(Transport::Tcp))).expect("confined");
    let plain = [PathOptions { endpoint: one.endpoint, probe_millis: 50 }];
    two.plane.set_paths("net", &one.key, &plain, &used_by(one.endpoint)).expect("set");
    until("what comes by plain UDP is dropped", || one.refused("carrier") >= 5);
    let measured = two.wait(|event| match event {
        Event::Measured { paths } => paths.first().map(|path| path.measure.last_echo),
        _ => None,
    });
    assert_eq!(measured, None, "a probe over plain UDP was echoed");
    // What waits for a way leaves by the link as soon as one stands.
    send(&one, &datagram(1, 2, b"by the link"));
    let links = [PathOptions { endpoint: far, probe_millis: 50 }];
    one.plane.set_paths("net", &two.key, &links, &used_by(far)).expect("set");
    assert_eq!(receive(&two), datagram(1, 2, b"by the link"));
    two.plane.handshake("net", &one.key, &[one.endpoint, near], true).expect("begun");
    assert_eq!(two.wait_session().0, near, "message 1 over plain UDP was answered");
    one.plane.confine_peer("net", &two.key, None).expect("free again");
    two.plane.handshake("net", &one.key, &[one.endpoint], true).expect("begun");
    assert_eq!(two.wait_session().0, one.endpoint);
}

#[test]
fn strangers_get_no_answer_and_are_closed() {
    let node = Node::new(1, TunKind::None);
    let far = listen(&node);
    let connect = || {
        let stream = TcpStream::connect(far.address).expect("connected");
        stream.set_read_timeout(Some(super::world::PATIENCE)).expect("set");
        stream
    };
    // What is no stream of datagrams is closed at once.
    let mut empty = connect();
    empty.write_all(&[0, 0]).expect("sent");
    assert_eq!(empty.read(&mut [0; 10]).expect("closed"), 0);
    // Datagrams of nobody are counted and not answered; where nothing authentic follows, the link is closed.
    let mut noise = connect();
    for length in [1u16, 40, 148, 60_000] {
        noise.write_all(&length.to_be_bytes()).expect("sent");
        noise.write_all(&vec![4; usize::from(length)]).expect("sent");
    }
    until("they are counted", || node.refused("index") + node.refused("malformed") >= 4);
    // Of too many the oldest goes.
    let crowd: Vec<TcpStream> = (0..70).map(|_| connect()).collect();
    for mut oldest in [noise].into_iter().chain(crowd.into_iter().take(5)) {
        assert_eq!(oldest.read(&mut [0; 10]).expect("closed without a word"), 0);
    }
    let mut last = connect();
    let request = stun::request(&[7; 12]);
    last.write_all(&(request.len() as u16).to_be_bytes()).expect("sent");
    last.write_all(&request).expect("sent");
    let mut answer = [0; 34];
    last.read_exact(&mut answer).expect("an answer");
    assert_eq!(last.read(&mut [0; 10]).expect("closed after ten seconds"), 0);
}

/// [C10]
#[test]
fn a_stun_server_tells_where_a_tcp_link_is_seen() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let (near, far) = connect(&one, &two);
    one.plane.stun("node", far).expect("asked");
    let (server, address) = one.wait(|event| match event {
        Event::Mapped { server, address, .. } => Some((*server, *address)),
        _ => None,
    });
    assert_eq!((server, address), (far, Some(near.address)));
}

#[test]
fn a_link_that_is_full_drops_whole_datagrams_and_nothing_of_those_it_took() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("bound");
    let near = TcpStream::connect(listener.local_addr().expect("bound")).expect("connected");
    let (far, _) = listener.accept().expect("accepted");
    near.set_nonblocking(true).expect("set");
    far.set_nonblocking(true).expect("set");
    let link = |stream, of: &TcpStream| {
        Link::new(Stream::Tcp(mio::net::TcpStream::from_std(stream)), of.peer_addr().expect("connected"))
    };
    let (near, far) =
        (link(near.try_clone().expect("cloned"), &near), link(far.try_clone().expect("cloned"), &far));
    let datagram = [9u8; 1_400];
    let mut taken = 0;
    while near.send(&mut std::iter::once(&datagram[..])) {
        taken += 1;
        assert!(taken < 100_000, "it never filled");
    }
    let (mut arrivals, mut rest, mut read) = (Arrivals::new(), Vec::new(), 0);
    until("all that was taken arrived", || {
        near.flush() && {
            while far.read(&mut rest, &mut arrivals) == Reading::Some {
                for arrival in &arrivals.list {
                    let datagrams = arrivals.slab[arrival.range.clone()].chunks(arrival.stride);
                    read += datagrams.filter(|chunk| *chunk == datagram).count();
                }
            }
            read >= taken
        }
    });
    assert_eq!((read, rest.len()), (taken, 0));
}
