//! Connections.

use super::super::subject::{ACK, FIN, RST, SYN};
use super::packets::Packet;
use super::{World, to_ports};
use crate::packet::ip::TCP;

/// This machine and a peer.
const HERE: (u8, u16) = (0, 50_000);
const THERE: (u8, u16) = (1, 80);

fn out(flags: u8) -> Packet {
    Packet::tcp(HERE, THERE, flags)
}

fn back(flags: u8) -> Packet {
    Packet::tcp(THERE, HERE, flags)
}

/// Opened from here, as far as both ends are concerned.
fn connected() -> World {
    let mut world = World::new(&[]);
    world.send(&out(SYN));
    assert!(world.receive(&back(SYN | ACK)));
    world.send(&out(ACK));
    world
}

/// [E24] [Z25]
#[test]
fn a_peer_answers_and_does_not_begin() {
    let mut world = World::new(&[]);
    assert!(!world.receive(&back(SYN)));
    assert!(!world.receive(&back(SYN | ACK)));
    assert!(!world.receive(&back(ACK)));
    let mut world = connected();
    assert!(world.receive(&back(ACK)));
    assert!(!world.receive(&Packet::tcp((1, 81), HERE, ACK)), "another port");
    assert!(!world.receive(&Packet::tcp((2, 80), HERE, ACK)), "another host");
    world.wait(7_439);
    assert!(world.receive(&back(ACK)), "two silent hours are no end");
    world.wait(7_441);
    assert!(!world.receive(&back(ACK)));
}

/// [Z25]
#[test]
fn an_attempt_that_is_not_answered_is_forgotten() {
    let mut world = World::new(&[]);
    world.send(&out(SYN));
    world.wait(241);
    assert!(!world.receive(&back(SYN | ACK)));
}

/// [Z25]
#[test]
fn after_both_have_said_their_last_strays_are_refused_in_time() {
    let mut world = connected();
    world.send(&out(FIN | ACK));
    world.wait(3_000);
    assert!(world.receive(&back(ACK)), "the other half lives on");
    assert!(world.receive(&back(FIN | ACK)));
    world.send(&out(ACK));
    world.wait(200);
    assert!(world.receive(&back(FIN | ACK)), "said again, since our answer was lost");
    world.wait(241);
    assert!(!world.receive(&back(ACK)));
}

/// [Z25]
#[test]
fn when_the_peer_has_said_its_last_this_machine_may_go_on() {
    let mut world = connected();
    assert!(world.receive(&back(FIN | ACK)));
    world.wait(3_000);
    assert!(world.receive(&back(ACK)));
}

/// [Z25]
#[test]
fn after_a_reset_strays_are_refused_soon() {
    for here in [true, false] {
        let mut world = connected();
        if here {
            world.send(&out(RST))
        } else {
            assert!(world.receive(&back(RST)))
        }
        world.wait(5);
        assert!(world.receive(&back(ACK)));
        world.wait(11);
        assert!(!world.receive(&back(ACK)));
    }
}

#[test]
fn ports_may_be_used_again_at_once_by_who_may_begin() {
    let mut world = connected();
    world.send(&out(FIN | ACK));
    assert!(world.receive(&back(FIN | ACK)));
    assert!(!world.receive(&back(SYN)), "the peer may not");
    world.send(&out(SYN));
    assert!(world.receive(&back(SYN | ACK)));
    world.wait(1_000);
    assert!(world.receive(&back(ACK)), "it is a new connection, not the end of the old");
}

/// [Z25]
#[test]
fn an_open_connection_is_no_way_in_for_another() {
    let mut world = connected();
    assert!(!world.receive(&back(SYN)));
    assert!(world.receive(&back(ACK)), "and it is not hurt by the try");
}

#[test]
fn both_may_open_at_once() {
    let mut world = World::new(&[]);
    world.send(&out(SYN));
    assert!(world.receive(&back(SYN)));
    world.wait(1_000);
    assert!(world.receive(&back(ACK)));
}

/// [W04]
#[test]
fn new_rules_end_what_they_refuse_and_nothing_else() {
    let mut world = World::new(&[to_ports(TCP, 22, 23)]);
    let server = |port: u16, flags: u8| Packet::tcp((0, port), (1, 40_000), flags);
    let client = |port: u16, flags: u8| Packet::tcp((1, 40_000), (0, port), flags);
    world.send(&out(SYN));
    assert!(world.receive(&back(SYN | ACK)));
    for port in [22, 23] {
        assert!(world.receive(&client(port, SYN)));
        world.send(&server(port, SYN | ACK));
        assert!(world.receive(&client(port, ACK)));
    }
    world.replace(&[to_ports(TCP, 23, 23)]);
    assert!(!world.receive(&client(22, ACK)));
    // What this machine goes on sending does not open it again; a reset from there ends it here.
    world.send(&server(22, ACK));
    assert!(!world.receive(&client(22, ACK)));
    assert!(world.receive(&client(22, RST)));
    assert!(!world.receive(&client(22, ACK)));
    assert!(world.receive(&client(23, ACK)), "still let in");
    assert!(world.receive(&back(ACK)), "begun here");
    world.replace(&[to_ports(TCP, 22, 23)]);
    assert!(world.receive(&client(22, SYN)), "let in again");
}

/// [W04]
#[test]
fn a_service_that_goes_on_sending_lets_nobody_in() {
    // The connection is older than the filter.
    let mut world = World::new(&[]);
    world.send(&Packet::tcp((0, 22), (1, 40_000), ACK));
    assert!(!world.receive(&Packet::tcp((1, 40_000), (0, 22), ACK)));
    // Nor does one between two such ports, of which nobody can tell who began it.
    world.send(&Packet::tcp((0, 50_001), (1, 50_002), ACK));
    assert!(!world.receive(&Packet::tcp((1, 50_002), (0, 50_001), ACK)));
    // One that was begun here is, too, and goes on.
    world.send(&out(ACK));
    assert!(world.receive(&back(ACK)));
}

#[test]
fn a_connection_older_than_the_filter_goes_on_where_the_rules_let_it_in() {
    let mut world = World::new(&[to_ports(TCP, 22, 22)]);
    assert!(world.receive(&Packet::tcp((1, 40_000), (0, 22), ACK)));
}

/// [Z25]
#[test]
fn peers_that_open_many_push_out_nothing_that_was_begun_here() {
    let mut world = World::new(&[to_ports(TCP, 22, 22)]);
    world.send(&out(SYN));
    assert!(world.receive(&back(SYN | ACK)));
    let other = (0, 50_001);
    world.send(&Packet::tcp(other, THERE, SYN));
    for number in 0..250_000u32 {
        let [_, host, high, low] = number.to_be_bytes();
        let client = (2 + host, u16::from_be_bytes([high, low]));
        assert!(world.receive(&Packet::tcp(client, (0, 22), SYN)));
        world.send(&Packet::tcp((0, 22), client, SYN | ACK));
    }
    assert!(world.receive(&back(ACK)));
    assert!(world.receive(&Packet::tcp(THERE, other, SYN | ACK)), "not even what was only just begun here");
}

/// [Z25]
#[test]
fn attempts_from_here_that_nobody_answers_push_out_nothing_that_was_answered() {
    let mut world = connected();
    for number in 0..100_000u32 {
        let [_, host, high, low] = number.to_be_bytes();
        world.send(&Packet::tcp((0, 40_000), (2 + host, u16::from_be_bytes([high, low])), SYN));
    }
    assert!(world.receive(&back(ACK)));
}

/// [W04]
#[test]
fn a_reset_begins_nothing() {
    let mut world = World::new(&[to_ports(TCP, 22, 22)]);
    let reset = Packet::tcp((1, 40_000), (0, 22), RST);
    assert!(world.receive(&reset));
    world.replace(&[]);
    assert!(!world.receive(&reset));
}
