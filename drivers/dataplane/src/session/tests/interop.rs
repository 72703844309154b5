//! Plain WireGuard against two other implementations, driven without their sockets.

use super::stranger::{Boring, CALM, Gota, Stranger, boring, gota};
use super::*;

/// [P05] Handshake and data with boringtun, in both roles, with and without preshared key.
#[test]
fn boringtun_is_a_stock_peer() {
    for psk in [None, Some([0x5a; 32])] {
        meets(|ours| Box::new(Boring::new(ours, psk, CALM)), psk);
    }
}

/// [P05] Handshake and data with gotatun, in both roles, with and without preshared key.
#[test]
fn gotatun_is_a_stock_peer() {
    for psk in [None, Some([0x5a; 32])] {
        meets(|ours| Box::new(Gota::new(ours, psk, CALM)), psk);
    }
}

/// Both under load: theirs sends a cookie and lets our second message 1 pass.
#[test]
fn strangers_under_load_take_our_cookies() {
    takes_our_cookie(|ours| Box::new(Boring::new(ours, None, 0)));
    takes_our_cookie(|ours| Box::new(Gota::new(ours, None, 0)));
}

/// Ours under load: they take our cookie.
#[test]
fn strangers_take_our_cookies_under_load() {
    gives_a_cookie(|ours| Box::new(Boring::new(ours, None, CALM)));
    gives_a_cookie(|ours| Box::new(Gota::new(ours, None, CALM)));
}

/// A Starmesh message 1 is nothing that another implementation would complete, whatever it does with reserved bytes.
#[test]
fn strangers_cannot_complete_a_starmesh_handshake() {
    for make in [boring as fn(Key) -> Box<dyn Stranger>, gota] {
        let local = local(1, RealmKind::Network, all());
        local.set_epochs(&[Epoch { id: 1, key: [0; 32] }]);
        let mut stranger = make(*local.public_key());
        let mut end = End::new(local, peer(stranger.public_key(), PeerKind::Node), 3);
        assert!(end.start(0));
        let (answers, packets) = stranger.receive(&end.wire.remove(0));
        assert!(packets.is_empty());
        for answer in answers {
            assert!(end.receive(&answer, 0).is_err());
        }
        assert!(end.current.is_none());
        // Nor does its own message 1 get an answer here.
        for message in stranger.send(&packet(1)) {
            assert_eq!(end.receive(&message, 0), Err(Refused::Suite));
        }
        end.drop_sessions(0);
    }
}

fn meets(make: impl Fn(Key) -> Box<dyn Stranger>, psk: Option<Key>) {
    // We begin.
    let (mut end, mut stranger) = pair(&make, psk);
    assert!(end.start(1_000));
    exchange(&mut end, stranger.as_mut(), Vec::new(), 1_000);
    assert_eq!(end.events, [Event::Established { suite: Suite::WireGuard, initiator: true, rekey: false }]);
    carries(&mut end, stranger.as_mut());
    end.drop_sessions(1_000);

    // They begin.
    let (mut end, mut stranger) = pair(&make, psk);
    let first = stranger.send(&packet(1));
    exchange(&mut end, stranger.as_mut(), first, 1_000);
    assert_eq!(end.events, [Event::Established { suite: Suite::WireGuard, initiator: false, rekey: false }]);
    carries(&mut end, stranger.as_mut());

    // We renew on top of theirs.
    assert!(end.force(2_000));
    exchange(&mut end, stranger.as_mut(), Vec::new(), 2_000);
    assert_eq!(end.events.len(), 2);
    carries(&mut end, stranger.as_mut());
    end.drop_sessions(2_000);
}

fn takes_our_cookie(make: impl Fn(Key) -> Box<dyn Stranger>) {
    let (mut end, mut stranger) = pair(&make, None);
    assert!(end.start(1_000));
    let (answers, _) = stranger.receive(&end.wire.remove(0));
    assert_eq!(answers[0][0], 3, "a cookie reply");
    end.receive(&answers[0], 1_010).expect("the cookie");
    end.tick(7_000);
    exchange(&mut end, stranger.as_mut(), Vec::new(), 7_000);
    assert_eq!(end.events.len(), 1);
    carries(&mut end, stranger.as_mut());
    end.drop_sessions(7_000);
}

fn gives_a_cookie(make: impl Fn(Key) -> Box<dyn Stranger>) {
    let (mut end, mut stranger) = pair(&make, None);
    end.under_load = true;
    assert!(end.start(1_000));
    // Their message 2 is met with a cookie reply, which they must be able to read.
    let (answers, _) = stranger.receive(&end.wire.remove(0));
    end.receive(&answers[0], 1_000).expect("admitted to a cookie");
    let reply = end.wire.remove(0);
    assert_eq!(reply[0], 3);
    stranger.receive(&reply);
    // The next message 2 carries the cookie.
    end.tick(7_000);
    exchange(&mut end, stranger.as_mut(), Vec::new(), 7_000);
    assert_eq!(end.events.len(), 1);
    carries(&mut end, stranger.as_mut());
    end.drop_sessions(7_000);
}

fn pair(make: &impl Fn(Key) -> Box<dyn Stranger>, psk: Option<Key>) -> (End, Box<dyn Stranger>) {
    let local = local(1, RealmKind::Network, all());
    let stranger = make(*local.public_key());
    let options = PeerOptions { preshared_key: psk, ..peer(stranger.public_key(), PeerKind::Stock) };
    (End::new(local, options, 3), stranger)
}

/// Passes datagrams to and fro until both are quiet; IP packets that come out at the stranger are put into `heard`.
fn exchange(
    end: &mut End,
    stranger: &mut dyn Stranger,
    mut to_us: Vec<Vec<u8>>,
    now: Millis,
) -> Vec<Vec<u8>> {
    let mut heard = Vec::new();
    while !to_us.is_empty() || !end.wire.is_empty() {
        for datagram in to_us.drain(..) {
            end.receive(&datagram, now).expect("an honest stranger");
        }
        for datagram in std::mem::take(&mut end.wire) {
            let (answers, packets) = stranger.receive(&datagram);
            to_us.extend(answers);
            heard.extend(packets);
        }
    }
    heard
}

fn carries(end: &mut End, stranger: &mut dyn Stranger) {
    end.heard.clear();
    for n in 1..50 {
        let packet = packet(n);
        let now = 7_000;
        end.send(&packet, now).expect("a session");
        assert_eq!(exchange(end, stranger, Vec::new(), now), std::slice::from_ref(&packet));
        let datagrams = stranger.send(&packet);
        exchange(end, stranger, datagrams, now);
        let heard = end.heard.pop().expect("a packet");
        // Padding is the receiver's to cut, by the length in the IP header.
        assert_eq!(heard[..packet.len()], packet);
        assert!(heard[packet.len()..].iter().all(|byte| *byte == 0));
    }
}

/// An IPv4 packet of odd length.
fn packet(n: u8) -> Vec<u8> {
    let length = 20 + usize::from(n) * 7;
    let mut packet = vec![n; length];
    packet[..20].copy_from_slice(&[
        0x45,
        0,
        0,
        length as u8,
        0,
        0,
        0,
        0,
        64,
        17,
        0,
        0,
        10,
        0,
        0,
        1,
        10,
        0,
        0,
        2,
    ]);
    packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    packet
}
