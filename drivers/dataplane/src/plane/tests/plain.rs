//! Sockets by which links alone come and go.

use super::world::{Node, PATIENCE, TunKind, datagram, receive, send, until, used_by};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::Event;
use crate::plane::{ListenOptions, PathOptions};
use crate::session::PeerKind;
use crate::stun;
use std::net::UdpSocket;

/// [P16 C08]
#[test]
fn where_plain_udp_is_switched_off_it_neither_leaves_nor_is_answered_and_links_go_on() {
    let (one, two) = (Node::new(1, TunKind::Plain), Node::new(2, TunKind::Plain));
    for node in [&one, &two] {
        node.plane.listen_links("node", Transport::Kcp, &ListenOptions::default()).expect("listens");
    }
    one.know(&two, 2, PeerKind::Node);
    two.know(&one, 1, PeerKind::Node);
    one.plane.speak_plain("node", false).expect("off");
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("bound");
    stranger.set_read_timeout(Some(PATIENCE)).expect("set");
    let target = one.endpoint.address;
    for first in 0..=255u8 {
        // Also what looks like a relay's frame, a masked datagram, STUN, a ClientHello cut short.
        stranger.send_to(&[&[first, 0, 0, 0][..], &[7; 144]].concat(), target).expect("sent");
    }
    stranger.send_to(&stun::request(&[7; 12]), target).expect("sent");
    two.plane.handshake("net", &one.key, &[one.endpoint], false).expect("begun");
    until("all of it was refused", || one.refused("carrier") >= 86);
    // Nothing leaves, and whoever asked hears nothing.
    one.plane.handshake("net", &two.key, &[two.endpoint], true).expect("begun");
    one.plane.stun("node", two.endpoint).expect("asked");
    until("what would leave is refused", || one.refused("send") >= 2);
    // The link is called over the same socket, and carries everything.
    let link = |endpoint: Endpoint| Endpoint { carrier: Carrier::Link(Transport::Kcp), ..endpoint };
    let far = link(two.endpoint);
    one.plane.connect_link("node", far, 20).expect("begun");
    one.wait(|event| matches!(event, Event::Link { up: true, .. }).then_some(()));
    one.plane.handshake("net", &two.key, &[far], true).expect("begun");
    assert_eq!((one.wait_session().0, two.wait_session().0), (far, link(one.endpoint)));
    let paths = [PathOptions { endpoint: far, probe_millis: 50 }];
    one.plane.set_paths("net", &two.key, &paths, &used_by(far)).expect("set");
    send(&one, &datagram(1, 2, b"by the link"));
    assert_eq!(receive(&two), datagram(1, 2, b"by the link"));
    assert_eq!(two.refused("mac") + two.refused("index") + two.refused("stun"), 0);
    // What a stranger hears first is the answer to what it asks when plain UDP is back.
    one.plane.speak_plain("node", true).expect("on");
    stranger.send_to(&stun::request(&[8; 12]), target).expect("sent");
    let mut room = [0; 256];
    let length = stranger.recv(&mut room).expect("an answer");
    assert!(matches!(stun::parse(&room[..length]), Some(stun::Stun::Response([8, ..], _))));
}
