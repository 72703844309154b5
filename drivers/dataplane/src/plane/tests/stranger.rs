//! Other implementations of WireGuard, each behind a socket of its own, as clients.

use super::world::PATIENCE;
use crate::session::Key;
use crate::session::tests::stranger;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// A client with a session key, and what it heard.
pub struct Stranger {
    tunnel: Box<dyn stranger::Stranger>,
    socket: UdpSocket,
    /// IP packets that came.
    pub heard: Vec<Vec<u8>>,
}

impl Stranger {
    pub fn key(&self) -> Key {
        self.tunnel.public_key()
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
    behind_socket(stranger::boring(server))
}

pub fn gota(server: Key) -> Stranger {
    behind_socket(stranger::gota(server))
}

fn behind_socket(tunnel: Box<dyn stranger::Stranger>) -> Stranger {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
    Stranger { tunnel, socket, heard: Vec::new() }
}
