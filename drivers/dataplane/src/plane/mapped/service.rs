//! The thread of mapped ports: accepts, carries, forgets.

use super::datagrams::Datagrams;
use super::stream::{Stream, Turn};
use super::{Command, Listening};
use crate::plane::core::millis;
use crate::session::Millis;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use socket2::SockRef;
use std::collections::{HashMap, HashSet};
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// Connections at one time, of all ports.
const MOST: usize = 1_024;
/// Between two looks for who was silent.
const SWEEP: Millis = 10_000;
/// Largest datagram.
const ROOM: usize = 65_536;

/// What the thread holds. A connection has two tokens, the even one names it.
pub struct Service {
    poll: Poll,
    last: usize,
    ports: HashMap<u32, Port>,
    listeners: HashMap<Token, u32>,
    streams: HashMap<Token, (u32, Stream)>,
    /// Whose turn ended before they were done.
    again: HashSet<Token>,
    next_sweep: Millis,
}

enum Port {
    Tcp { listener: TcpListener, target: SocketAddr },
    Udp { datagrams: Datagrams },
}

impl Service {
    /// `poll` has its waker at token 0.
    pub fn new(poll: Poll) -> Service {
        Service {
            poll,
            last: 0,
            ports: HashMap::new(),
            listeners: HashMap::new(),
            streams: HashMap::new(),
            again: HashSet::new(),
            next_sweep: 0,
        }
    }

    /// Serves until told to stop.
    pub fn run(mut self, commands: &Receiver<Command>) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        let mut room = vec![0u8; ROOM];
        loop {
            let wait = if self.again.is_empty() { Duration::from_millis(SWEEP) } else { Duration::ZERO };
            match self.poll.poll(&mut events, Some(wait)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for command in commands.try_iter() {
                match command {
                    Command::Map(id, listening, target) => self.map(id, listening, target)?,
                    Command::Unmap(id, answer) => {
                        self.unmap(id);
                        // The caller waits for it.
                        let _ = answer.send(());
                    }
                    Command::Stop => return Ok(()),
                }
            }
            let mut tokens = std::mem::take(&mut self.again);
            tokens.extend(events.iter().map(|event| event.token()));
            for token in tokens {
                self.serve(token, &mut room);
            }
            let now = millis();
            if now >= self.next_sweep {
                self.next_sweep = now + SWEEP;
                self.ports.values_mut().for_each(|port| {
                    if let Port::Udp { datagrams } = port {
                        datagrams.sweep(now);
                    }
                });
            }
        }
    }

    fn map(&mut self, id: u32, listening: Listening, target: SocketAddr) -> io::Result<()> {
        let token = self.next();
        let port = match listening {
            Listening::Tcp(listener) => {
                let mut listener = TcpListener::from_std(listener);
                self.poll.registry().register(&mut listener, token, Interest::READABLE)?;
                Port::Tcp { listener, target }
            }
            Listening::Udp(socket) => {
                let mut datagrams = Datagrams::new(mio::net::UdpSocket::from_std(socket), target);
                self.poll.registry().register(datagrams.socket(), token, Interest::READABLE)?;
                Port::Udp { datagrams }
            }
        };
        self.listeners.insert(token, id);
        self.ports.insert(id, port);
        // What came before it was registered tells nobody.
        self.again.insert(token);
        Ok(())
    }

    fn unmap(&mut self, id: u32) {
        self.ports.remove(&id);
        self.listeners.retain(|_, of| *of != id);
        self.streams.retain(|_, (of, stream)| {
            if *of == id {
                stream.reset();
            }
            *of != id
        });
    }

    fn serve(&mut self, token: Token, room: &mut [u8]) {
        if let Some(id) = self.listeners.get(&token).copied() {
            let accepted = match self.ports.get_mut(&id) {
                Some(Port::Tcp { listener, target }) => (accept(listener), *target),
                Some(Port::Udp { datagrams }) => {
                    let (registry, last) = (self.poll.registry(), &mut self.last);
                    if datagrams.ask(room, (registry, &mut || name(last)), millis()) {
                        self.again.insert(token);
                    }
                    return;
                }
                None => return,
            };
            let (streams, target) = accepted;
            for near in streams {
                self.open(id, near, target);
            }
            return;
        }
        let whole = Token(token.0 & !1);
        if let Some((_, stream)) = self.streams.get_mut(&whole) {
            match stream.run() {
                Turn::Waits => {}
                Turn::Again => {
                    self.again.insert(whole);
                }
                Turn::Over | Turn::Broken => {
                    self.streams.remove(&whole);
                }
            }
            return;
        }
        let now = millis();
        let answered = self.ports.values_mut().find_map(|port| match port {
            Port::Udp { datagrams } => datagrams.answer(token, room, now),
            Port::Tcp { .. } => None,
        });
        if answered == Some(true) {
            self.again.insert(token);
        }
    }

    fn open(&mut self, id: u32, near: TcpStream, target: SocketAddr) {
        // Closed at once, with a reset, it is no connection that waits for bytes that never come.
        let _ = SockRef::from(&near).set_linger(Some(Duration::ZERO));
        if self.streams.len() >= MOST {
            return;
        }
        let Ok(mut stream) = Stream::open(near, target) else { return };
        let token = self.next();
        let registry = self.poll.registry();
        let both = Interest::READABLE | Interest::WRITABLE;
        let registered = stream.ends().into_iter().zip([token, Token(token.0 + 1)]);
        for (end, token) in registered {
            if registry.register(end, token, both).is_err() {
                return;
            }
        }
        stream.keep();
        self.streams.insert(token, (id, stream));
    }

    fn next(&mut self) -> Token {
        name(&mut self.last)
    }
}

/// Names that are even; 0 is the waker's.
fn name(last: &mut usize) -> Token {
    *last += 2;
    Token(*last)
}

fn accept(listener: &TcpListener) -> Vec<TcpStream> {
    let mut accepted = Vec::new();
    loop {
        match listener.accept() {
            Ok((stream, _)) => accepted.push(stream),
            // One that failed on its way in.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            // None is left, or no descriptor; the next event tries again.
            Err(_) => return accepted,
        }
    }
}
