//! `kcp` links: everything that goes over UDP goes over them, whatever a line does to it.

use super::packets::super_packet;
use super::world::{Node, PATIENCE, TunKind, datagram, receive, send, until, used_by};
use crate::dtls::{Handshake, Hello, Progress, Stack};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::Event;
use crate::packet::vnet;
use crate::plane::kcp_engine::Profile;
use crate::plane::{ConnectOptions, ListenOptions, PathOptions};
use crate::session::PeerKind;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::net::{SocketAddr, UdpSocket};
use std::num::NonZeroU32;
use std::time::Instant;

/// Listens, and says where.
fn listen(node: &Node) -> Endpoint {
    let number = node.plane.listen_links("node", Transport::Kcp, &ListenOptions::default());
    let number = number.expect("listens");
    Endpoint { carrier: Carrier::Link(Transport::Kcp), ..Endpoint::direct(([127, 0, 0, 1], number).into()) }
}

fn wait_link(node: &Node) -> (Endpoint, bool) {
    node.wait(|event| match event {
        Event::Link { remote, up, .. } => Some((*remote, *up)),
        _ => None,
    })
}

/// Node 1's link to node 2; where each meets the other.
fn connect(one: &Node, two: &Node, profile: Profile) -> (Endpoint, Endpoint) {
    let (near, far) = (listen(one), listen(two));
    one.plane.connect_link("node", far, ConnectOptions { profile, ..20.into() }).expect("begun");
    assert_eq!(wait_link(one), (far, true));
    (near, far)
}

/// A session over `far`, and that endpoint proved by probes from both ends.
fn join(one: &Node, two: &Node, (near, far): (Endpoint, Endpoint)) {
    one.know(two, 2, PeerKind::Node);
    two.know(one, 1, PeerKind::Node);
    one.plane.handshake("net", &two.key, &[far], false).expect("begun");
    assert_eq!(one.wait_session().0, far);
    assert_eq!(two.wait_session().0, near);
    for (node, other, endpoint) in [(one, two, far), (two, one, near)] {
        let paths = [PathOptions { endpoint, probe_millis: 50 }];
        node.plane.set_paths("net", &other.key, &paths, &used_by(endpoint)).expect("set");
        node.wait(|event| match event {
            Event::Proved { endpoint: proved, .. } if *proved == endpoint => Some(()),
            _ => None,
        });
    }
}

/// A super-packet there, however it is joined on arrival, and a packet back.
fn exchange(one: &Node, two: &Node) {
    let (vnet, packet) = super_packet(20_000, 1_300);
    send(one, &[&vnet.bytes()[..], &packet].concat());
    let mut arrived = Vec::new();
    while arrived.len() < packet.len() - HEADERS {
        arrived.extend_from_slice(&receive(two)[vnet::LENGTH + HEADERS..]);
    }
    assert!(arrived == packet[HEADERS..], "the stream changed on the way");
    let back = datagram(2, 1, &[5; 900]);
    send(two, &[&vnet::Vnet::default().bytes()[..], &back].concat());
    assert!(receive(one)[vnet::LENGTH..] == back, "the packet changed on the way");
}

/// Of IPv4 and TCP without options.
const HEADERS: usize = 40;

/// [P06] [P13]
#[test]
fn a_session_its_probes_and_its_packets_pass_over_a_kcp_link_of_every_profile() {
    for profile in Profile::ALL {
        let (one, two) = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Offload));
        let ends = connect(&one, &two, profile);
        join(&one, &two, ends);
        exchange(&one, &two);
    }
}

/// [P06] [P13]
#[test]
fn a_link_that_was_given_more_than_it_carries_goes_on() {
    for profile in [Profile::Balanced, Profile::Plain] {
        let (one, two) = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Offload));
        let ends = connect(&one, &two, profile);
        join(&one, &two, ends);
        let last = [&vnet::Vnet::default().bytes()[..], &datagram(1, 2, b"the last")].concat();
        let tun = two.tun.as_ref().expect("a TUN").try_clone().expect("cloned");
        let end = last[vnet::LENGTH..].to_vec();
        let reader = std::thread::spawn(move || {
            let mut room = vec![0; 70_000];
            let mut bytes = 0;
            loop {
                let length = tun.recv(&mut room).expect("it goes on");
                if room[vnet::LENGTH..length] == end {
                    return bytes;
                }
                bytes += length;
            }
        });
        let (vnet, packet) = super_packet(59_000, 1_300);
        let packet = [&vnet.bytes()[..], &packet].concat();
        (0..3_000).for_each(|_| send(&one, &packet));
        until("what comes after all of it arrives", || {
            send(&one, &last);
            reader.is_finished()
        });
        assert!(reader.join().expect("read") > 1_000_000, "most of it was lost");
    }
}

/// [P06]
#[test]
fn a_relay_passes_on_between_a_kcp_link_and_udp() {
    let (one, two, relay) =
        (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain), Node::new(10, TunKind::None));
    let (_, far) = connect(&one, &relay, Profile::Balanced);
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

/// [P06]
#[test]
fn two_that_call_one_another_at_once_meet_in_one_link() {
    let (one, two) = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Offload));
    let (near, far) = (listen(&one), listen(&two));
    one.plane.connect_link("node", far, 20).expect("begun");
    two.plane.connect_link("node", near, 20).expect("begun");
    assert_eq!((wait_link(&one), wait_link(&two)), ((far, true), (near, true)));
    join(&one, &two, (near, far));
    exchange(&one, &two);
}

/// [P16]
#[test]
fn the_end_of_a_link_is_told_to_whoever_opened_it() {
    let (one, two) = (Node::new(1, TunKind::Offload), Node::new(2, TunKind::Offload));
    let (near, far) = connect(&one, &two, Profile::Balanced);
    one.plane.close_link("node", far).expect("closed");
    assert_eq!(wait_link(&one), (far, false));
    until("the other end has let go of it", || two.plane.core.kcp.inboxes.load().is_empty());
    // Here the other end closes it.
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true));
    two.plane.close_link("node", near).expect("closed");
    assert_eq!(wait_link(&one), (far, false));
    until("nothing is left", || one.plane.core.kcp.inboxes.load().is_empty());
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true));
    join(&one, &two, (near, far));
    exchange(&one, &two);
}

/// [P06]
#[test]
fn one_that_began_anew_is_let_in_again_at_once() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let far = listen(&two);
    for _ in 0..3 {
        listen(&one);
        one.plane.connect_link("node", far, 20).expect("begun");
        assert_eq!(wait_link(&one), (far, true));
        // Its links end with their sockets; the other end is told, and would do without.
        let number = one.endpoint.address.port();
        one.plane.close_realm("net").expect("closed");
        one.plane.unbind("node").expect("unbound");
        one.plane.bind("node", number, Some([127, 0, 0, 1].into())).expect("bound again");
        one.plane
            .open_realm(super::world::realm("net", 1, crate::session::RealmKind::Network))
            .expect("opened");
    }
}

#[test]
fn calling_goes_on_until_the_time_is_over_and_calls_name_what_is_missing() {
    let (one, two) = (Node::new(1, TunKind::None), Node::new(2, TunKind::None));
    let far = Endpoint { carrier: Carrier::Link(Transport::Kcp), ..two.endpoint };
    let code = |result: Result<(), crate::plane::CallError>| result.expect_err("refused").code;
    assert_eq!(code(one.plane.connect_link("node", far, 1)), "ENOENT");
    let listen_at = |port| {
        one.plane.listen_links("node", Transport::Kcp, &ListenOptions { port, ..ListenOptions::default() })
    };
    assert_eq!(code(listen_at(1).map(drop)), "EINVAL");
    listen(&one);
    // Nobody takes them there: the datagrams are counted.
    one.plane.connect_link("node", far, 1).expect("begun");
    assert_eq!(wait_link(&one), (far, false));
    until("it was called", || two.refused("dtls") > 0);
    // Somebody does while it is tried.
    one.plane.connect_link("node", far, 20).expect("begun");
    until("it is tried again", || two.refused("dtls") > 3);
    listen(&two);
    assert_eq!(wait_link(&one), (far, true));
}

/// [C08]
#[test]
fn the_certificate_that_was_given_last_is_shown() {
    let node = Node::new(1, TunKind::None);
    let far = listen(&node);
    let own = shown_by(far);
    assert_eq!(shown_by(far), own, "one is made once");
    let given = ListenOptions {
        certificate: Some(include_str!("identity/certificate.pem").to_string()),
        key: Some(include_str!("identity/key.pem").to_string()),
        ..ListenOptions::default()
    };
    node.plane.listen_links("node", Transport::Kcp, &given).expect("listens");
    let der =
        CertificateDer::from_pem_slice(include_bytes!("identity/certificate.pem")).expect("a certificate");
    assert_eq!(shown_by(far), der.to_vec());
    let half = ListenOptions { key: None, ..given };
    let refused = node.plane.listen_links("node", Transport::Kcp, &half).expect_err("refused");
    assert_eq!(refused.code, "EINVAL");
    listen(&node);
    assert_eq!(shown_by(far), own);
}

/// What any client of DTLS sees there.
fn shown_by(Endpoint { address, .. }: Endpoint) -> Vec<u8> {
    let config = dimpl::Config::builder().build().expect("set up");
    let certificate = dimpl::certificate::generate_self_signed_certificate().expect("made");
    let mut dtls = dimpl::Dtls::new_12(config.into(), certificate, Instant::now());
    dtls.set_active(true);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    dtls.handle_timeout(Instant::now()).expect("begun");
    let mut room = vec![0; 16_384];
    loop {
        loop {
            match dtls.poll_output(&mut room) {
                dimpl::Output::Packet(datagram) => drop(socket.send_to(datagram, address).expect("sent")),
                dimpl::Output::PeerCert(certificate) => return certificate.to_vec(),
                dimpl::Output::Timeout(_) => break,
                _ => {}
            }
        }
        let mut datagram = [0; 4_096];
        let length = socket.recv(&mut datagram).expect("an answer");
        dtls.handle_packet(&datagram[..length]).expect("taken");
    }
}

/// A client of a node's, by hand.
struct Stranger {
    socket: UdpSocket,
    stack: Stack,
    target: SocketAddr,
}

impl Stranger {
    fn new(target: Endpoint) -> Stranger {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        socket.set_read_timeout(Some(PATIENCE)).expect("set");
        Stranger { socket, stack: Stack::new(&[3; 32]).expect("set up"), target: target.address }
    }

    fn send(&self, datagram: &[u8]) {
        self.socket.send_to(datagram, self.target).expect("sent");
    }

    fn receive(&self) -> Vec<u8> {
        let mut room = vec![0; 4_096];
        let length = self.socket.recv(&mut room).expect("an answer");
        room.truncate(length);
        room
    }

    /// Its two ClientHellos; the second has a cookie.
    fn hellos(&self) -> (Handshake, Vec<u8>, Vec<u8>) {
        let mut sent = Vec::new();
        let mut call =
            Handshake::call(&self.stack, Instant::now(), &mut |out| sent.push(out.to_vec())).expect("called");
        self.send(&sent[0]);
        let answer = self.receive();
        assert!(answer.len() <= sent[0].len());
        call.take(&answer, &mut |out| sent.push(out.to_vec()));
        (call, sent.remove(0), sent.remove(0))
    }
}

/// [P06]
#[test]
fn strangers_get_answers_no_longer_than_their_questions_and_are_forgotten() {
    let node = Node::new(1, TunKind::None);
    let far = listen(&node);
    let stranger = Stranger::new(far);
    // What is no ClientHello is counted and not answered; whoever asks without a good cookie is asked for one, always.
    let (_, first, second) = stranger.hellos();
    let mut forged = second.clone();
    forged[70] ^= 1;
    assert_ne!(
        Hello::parse(&forged).expect("a ClientHello").cookie(),
        Hello::parse(&second).expect("one").cookie()
    );
    for junk in [&[20u8; 40][..], &[23, 254, 253, 0, 1, 9, 9], &first[..60], &[22, 254, 253], &[63; 1_200]] {
        stranger.send(junk);
    }
    until("they are counted", || node.refused("dtls") == 5);
    for asks in [&first, &forged] {
        stranger.send(asks);
        assert!(stranger.receive().len() <= asks.len());
    }
    // A ClientHello of another address, replayed.
    let other = Stranger::new(far);
    other.send(&second);
    assert!(other.receive().len() <= second.len(), "it is asked for a cookie of its own");
    // Handshakes that stop halfway: the oldest of too many go, and one that goes on is let in.
    let crowd: Vec<Stranger> = (0..70).map(|_| Stranger::new(far)).collect();
    for one in &crowd {
        let (_, _, second) = one.hellos();
        one.send(&second);
        assert!(!one.receive().is_empty());
    }
    assert!(node.plane.core.kcp.inboxes.load().len() <= 64);
    let one = Node::new(2, TunKind::None);
    listen(&one);
    one.plane.connect_link("node", far, 20).expect("begun");
    assert_eq!(wait_link(&one), (far, true));
    until("all that stayed strangers are gone", || node.plane.core.kcp.inboxes.load().is_empty());
}

/// [P06]
#[test]
fn a_link_without_a_session_is_told_that_it_ends() {
    let node = Node::new(1, TunKind::None);
    let stranger = Stranger::new(listen(&node));
    let (mut call, _, second) = stranger.hellos();
    stranger.send(&second);
    let mut keys = loop {
        let datagram = stranger.receive();
        let mut out = Vec::new();
        let progress = call.take(&datagram, &mut |datagram| out.push(datagram.to_vec()));
        out.iter().for_each(|datagram| stranger.send(datagram));
        if let Progress::Done(keys) = progress {
            break keys;
        }
    };
    let mut greeting = vec![0; crate::dtls::HEADER];
    greeting.extend_from_slice(&[1, 1, 1]);
    assert!(keys.seal(crate::dtls::Content::Data, &mut greeting, 0));
    stranger.send(&greeting);
    let mut seen = Vec::new();
    while seen.last() != Some(&crate::dtls::Content::Alert) {
        let mut record = stranger.receive();
        seen.extend(keys.open(&mut record).map(|(content, _)| content));
    }
    assert_eq!(seen[0], crate::dtls::Content::Data, "greeted first");
}
