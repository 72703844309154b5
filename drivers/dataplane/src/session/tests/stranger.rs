//! Two other implementations of WireGuard, driven without their sockets.

use crate::crypto::public_key;
use crate::session::Key;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// Another implementation, as far as tests need it.
pub trait Stranger {
    /// Session key by which it is known.
    fn public_key(&self) -> Key;
    /// Sends an IP packet, or message 1 when there is no session yet.
    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>>;
    /// Takes a datagram: what it sends back, and the IP packets that came out.
    fn receive(&mut self, datagram: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>);
}

/// Handshakes a second before they think they are under load.
pub const CALM: u64 = 1_000;
const OWN: Key = [0x77; 32];

/// boringtun without preshared key, never under load.
pub fn boring(ours: Key) -> Box<dyn Stranger> {
    Box::new(Boring::new(ours, None, CALM))
}

/// gotatun without preshared key, never under load.
pub fn gota(ours: Key) -> Box<dyn Stranger> {
    Box::new(Gota::new(ours, None, CALM))
}

/// boringtun.
pub struct Boring(boringtun::noise::Tunn);

impl Boring {
    /// Thinks that it is under load from `limit` handshakes a second on.
    pub fn new(ours: Key, psk: Option<Key>, limit: u64) -> Boring {
        use boringtun::noise::rate_limiter::RateLimiter;
        use boringtun::x25519::{PublicKey, StaticSecret};
        let own = StaticSecret::from(OWN);
        let limiter = Arc::new(RateLimiter::new(&PublicKey::from(&own), limit));
        Boring(boringtun::noise::Tunn::new(own, ours.into(), psk, None, 9, Some(limiter)))
    }
}

impl Stranger for Boring {
    fn public_key(&self) -> Key {
        public_key(&OWN)
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

/// gotatun.
pub struct Gota {
    tunnel: gotatun::noise::Tunn,
    limiter: Arc<gotatun::noise::rate_limiter::RateLimiter>,
}

impl Gota {
    /// Thinks that it is under load from `limit` handshakes a second on.
    pub fn new(ours: Key, psk: Option<Key>, limit: u64) -> Gota {
        use gotatun::noise::index_table::IndexTable;
        use gotatun::noise::rate_limiter::RateLimiter;
        use gotatun::x25519::{PublicKey, StaticSecret};
        let own = StaticSecret::from(OWN);
        let limiter = Arc::new(RateLimiter::new(&PublicKey::from(&own), limit));
        let table = IndexTable::from_os_rng();
        let tunnel = gotatun::noise::Tunn::new(own, ours.into(), psk, None, table, Arc::clone(&limiter));
        Gota { tunnel, limiter }
    }
}

impl Stranger for Gota {
    fn public_key(&self) -> Key {
        public_key(&OWN)
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
