//! Plain WireGuard against two other implementations, driven without their sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::*;

/// Another implementation, as far as these tests need it.
trait Stranger {
    fn public_key(&self) -> Key;
    /// Sends an IP packet, or message 1 when there is no session yet.
    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>>;
    /// Takes a datagram: what it sends back, and the IP packets that came out.
    fn receive(&mut self, datagram: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>);
}

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

/// Handshakes a second before the other implementation thinks it is under load.
const CALM: u64 = 1_000;
const THEIRS: Key = [0x77; 32];

fn boring(ours: Key) -> Box<dyn Stranger> {
    Box::new(Boring::new(ours, None, CALM))
}

fn gota(ours: Key) -> Box<dyn Stranger> {
    Box::new(Gota::new(ours, None, CALM))
}

struct Boring(boringtun::noise::Tunn);

impl Boring {
    fn new(ours: Key, psk: Option<Key>, limit: u64) -> Boring {
        use boringtun::noise::rate_limiter::RateLimiter;
        use boringtun::x25519::{PublicKey, StaticSecret};
        let own = StaticSecret::from(THEIRS);
        let limiter = Arc::new(RateLimiter::new(&PublicKey::from(&own), limit));
        Boring(boringtun::noise::Tunn::new(own, ours.into(), psk, None, 9, Some(limiter)))
    }
}

impl Stranger for Boring {
    fn public_key(&self) -> Key {
        crate::crypto::public_key(&THEIRS)
    }

    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let mut buffer = [0; 2_000];
        match self.0.encapsulate(packet, &mut buffer) {
            boringtun::noise::TunnResult::WriteToNetwork(datagram) => vec![datagram.to_vec()],
            _ => Vec::new(),
        }
    }

    fn receive(&mut self, datagram: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        use boringtun::noise::TunnResult;
        let (mut answers, mut packets) = (Vec::new(), Vec::new());
        let mut input = datagram;
        loop {
            let mut buffer = [0; 2_000];
            match self.0.decapsulate(Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), input, &mut buffer) {
                // To be called again, for what waits in its queue.
                TunnResult::WriteToNetwork(answer) => answers.push(answer.to_vec()),
                TunnResult::WriteToTunnelV4(packet, _) => {
                    packets.push(packet.to_vec());
                    return (answers, packets);
                }
                _ => return (answers, packets),
            }
            input = &[];
        }
    }
}

struct Gota {
    tunnel: gotatun::noise::Tunn,
    limiter: Arc<gotatun::noise::rate_limiter::RateLimiter>,
}

impl Gota {
    fn new(ours: Key, psk: Option<Key>, limit: u64) -> Gota {
        use gotatun::noise::index_table::IndexTable;
        use gotatun::noise::rate_limiter::RateLimiter;
        use gotatun::x25519::{PublicKey, StaticSecret};
        let own = StaticSecret::from(THEIRS);
        let limiter = Arc::new(RateLimiter::new(&PublicKey::from(&own), limit));
        let table = IndexTable::from_os_rng();
        let tunnel = gotatun::noise::Tunn::new(own, ours.into(), psk, None, table, Arc::clone(&limiter));
        Gota { tunnel, limiter }
    }
}

impl Stranger for Gota {
    fn public_key(&self) -> Key {
        crate::crypto::public_key(&THEIRS)
    }

    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let packet = gotatun::packet::Packet::copy_from(packet);
        self.tunnel.handle_outgoing_packet(packet, None).map(wire).into_iter().collect()
    }

    fn receive(&mut self, datagram: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        use gotatun::noise::TunnResult;
        let (mut answers, mut packets) = (Vec::new(), Vec::new());
        let source = SocketAddr::from(([127, 0, 0, 1], 7743));
        let packet = gotatun::packet::Packet::copy_from(datagram);
        let result = match self.limiter.verify_packet(source, packet) {
            Ok(kind) => self.tunnel.handle_incoming_packet(kind),
            Err(result) => result,
        };
        match result {
            TunnResult::WriteToNetwork(answer) => answers.push(wire(answer)),
            // An empty one is a keepalive.
            TunnResult::WriteToTunnel(packet) if !packet.is_empty() => {
                // Its device cuts the padding off.
                let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
                packets.push(packet[..length].to_vec());
            }
            _ => {}
        }
        (answers, packets)
    }
}

fn wire(kind: gotatun::packet::WgKind) -> Vec<u8> {
    gotatun::packet::Packet::from(kind).to_vec()
}
