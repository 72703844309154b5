//! Other implementations of WireGuard, each behind a socket of its own, as clients.

use super::world::PATIENCE;
use crate::crypto::public_key;
use crate::session::Key;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

const OWN: Key = [0x77; 32];
/// Handshakes a second before they think they are under load.
const CALM: u64 = 1_000;

/// A client with a session key, and what it heard.
pub struct Stranger {
    tunnel: Box<dyn Tunnel>,
    socket: UdpSocket,
    /// IP packets that came.
    pub heard: Vec<Vec<u8>>,
}

/// Another implementation, as far as a client needs it.
trait Tunnel {
    /// Datagrams that a packet becomes: it, or message 1, behind which it waits.
    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>>;
    /// What a datagram is answered with, and the IP packets in it.
    fn receive(&mut self, datagram: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>);
}

impl Stranger {
    pub fn key(&self) -> Key {
        public_key(&OWN)
    }

    pub fn send(&mut self, packet: &[u8], to: SocketAddr) {
        for datagram in self.tunnel.send(packet) {
            self.socket.send_to(&datagram, to).expect("sent");
        }
    }

    /// Takes and answers datagrams until an IP packet came or `over`.
    pub fn converse(&mut self, with: SocketAddr, over: impl Fn() -> bool) {
        let before = self.heard.len();
        let mut room = [0u8; 2_000];
        let limit = Instant::now() + PATIENCE;
        while self.heard.len() == before && !over() {
            assert!(Instant::now() < limit, "nothing came");
            // It looks up now and then, for what it is told of by nobody.
            let Ok(length) = self.socket.recv(&mut room) else { continue };
            let (answers, packets) = self.tunnel.receive(&room[..length]);
            for answer in answers {
                self.socket.send_to(&answer, with).expect("sent");
            }
            self.heard.extend(packets);
        }
    }
}

pub fn boring(server: Key) -> Stranger {
    use boringtun::noise::Tunn;
    use boringtun::noise::rate_limiter::RateLimiter;
    use boringtun::x25519::{PublicKey, StaticSecret};
    let own = StaticSecret::from(OWN);
    let limiter = Arc::new(RateLimiter::new(&PublicKey::from(&own), CALM));
    stranger(Box::new(Boring(Tunn::new(own, server.into(), None, None, 9, Some(limiter)))))
}

pub fn gota(server: Key) -> Stranger {
    use gotatun::noise::Tunn;
    use gotatun::noise::index_table::IndexTable;
    use gotatun::noise::rate_limiter::RateLimiter;
    use gotatun::x25519::{PublicKey, StaticSecret};
    let own = StaticSecret::from(OWN);
    let limiter = Arc::new(RateLimiter::new(&PublicKey::from(&own), CALM));
    let table = IndexTable::from_os_rng();
    let tunnel = Tunn::new(own, server.into(), None, None, table, Arc::clone(&limiter));
    stranger(Box::new(Gota { tunnel, limiter }))
}

fn stranger(tunnel: Box<dyn Tunnel>) -> Stranger {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
    Stranger { tunnel, socket, heard: Vec::new() }
}

struct Boring(boringtun::noise::Tunn);

impl Tunnel for Boring {
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

impl Tunnel for Gota {
    fn send(&mut self, packet: &[u8]) -> Vec<Vec<u8>> {
        let packet = gotatun::packet::Packet::copy_from(packet);
        self.tunnel.handle_outgoing_packet(packet, None).map(wire).into_iter().collect()
    }

    fn receive(&mut self, datagram: &[u8]) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        use gotatun::noise::TunnResult;
        let (mut answers, mut packets) = (Vec::new(), Vec::new());
        let source = SocketAddr::from((Ipv4Addr::LOCALHOST, 7743));
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
