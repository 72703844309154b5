//! UDP from many to one target: everybody who asks gets a socket of its own towards it, by which the answers find back.

use crate::session::Millis;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

/// Who is answered at one time; beyond, whoever was silent longest is forgotten.
const MOST: usize = 1_024;
/// After so long without a datagram either way (RFC 4787 REQ-5).
const PATIENCE: Millis = 300_000;
/// Datagrams of one socket before others get their turn.
const DATAGRAMS: usize = 64;

/// A port whose datagrams go on to a target.
pub struct Datagrams {
    socket: UdpSocket,
    target: SocketAddr,
    by_client: HashMap<SocketAddr, Token>,
    clients: HashMap<Token, Client>,
}

struct Client {
    address: SocketAddr,
    socket: UdpSocket,
    last: Millis,
}

impl Datagrams {
    pub fn new(socket: UdpSocket, target: SocketAddr) -> Datagrams {
        Datagrams { socket, target, by_client: HashMap::new(), clients: HashMap::new() }
    }

    /// The socket that everybody asks.
    pub fn socket(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Carries what came from outside. True: there may be more. `next` names new sockets.
    pub fn ask(
        &mut self,
        room: &mut [u8],
        (registry, next): (&Registry, &mut dyn FnMut() -> Token),
        now: Millis,
    ) -> bool {
        for _ in 0..DATAGRAMS {
            // Errors are those of earlier answers that did not arrive.
            let (length, from) = match self.socket.recv_from(room) {
                Ok(came) => came,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => continue,
            };
            let token = match self.by_client.get(&from) {
                Some(token) => *token,
                None => match self.open(from, registry, next, now) {
                    Ok(token) => token,
                    // It is lost, as on a line that is full.
                    Err(_) => continue,
                },
            };
            if let Some(client) = self.clients.get_mut(&token) {
                client.last = now;
                // As above.
                let _ = client.socket.send(&room[..length]);
            }
        }
        true
    }

    /// Carries answers back. True: there may be more; `None`: it is no socket of this port.
    pub fn answer(&mut self, token: Token, room: &mut [u8], now: Millis) -> Option<bool> {
        let client = self.clients.get_mut(&token)?;
        for _ in 0..DATAGRAMS {
            match client.socket.recv(room) {
                Ok(length) => {
                    client.last = now;
                    // A full socket loses it, as a line would.
                    let _ = self.socket.send_to(&room[..length], client.address);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Some(false),
                // Nobody listens there now.
                Err(_) => {}
            }
        }
        Some(true)
    }

    /// Forgets who was silent.
    pub fn sweep(&mut self, now: Millis) {
        self.clients.retain(|_, client| now < client.last + PATIENCE);
        let clients = &self.clients;
        self.by_client.retain(|_, token| clients.contains_key(token));
    }

    fn open(
        &mut self,
        address: SocketAddr,
        registry: &Registry,
        next: &mut dyn FnMut() -> Token,
        now: Millis,
    ) -> io::Result<Token> {
        if self.clients.len() >= MOST
            && let Some((oldest, client)) = self.clients.iter().min_by_key(|(_, client)| client.last)
        {
            let (oldest, address) = (*oldest, client.address);
            self.clients.remove(&oldest);
            self.by_client.remove(&address);
        }
        let any: SocketAddr = match self.target {
            SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
            SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
        };
        let mut socket = UdpSocket::bind(any)?;
        socket.connect(self.target)?;
        let token = next();
        registry.register(&mut socket, token, Interest::READABLE)?;
        self.clients.insert(token, Client { address, socket, last: now });
        self.by_client.insert(address, token);
        Ok(token)
    }
}
