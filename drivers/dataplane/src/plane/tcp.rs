//! Links in streams of bytes, for hosts whose UDP goes nowhere: one thread listens, connects, reads, and writes what had
//! to wait. TCP is its own; what TLS and WebSockets carry comes through pairs whose other ends the caller holds.
//!
//! Connections are opened from the port that listens, so that two ends behind NATs that connect to one another at once
//! meet (simultaneous open, RFC 9293 §3.5; RFC 5128 §3.4).

use super::core::{Core, millis};
use super::link::{Link, Reading};
use super::links::Carry;
use super::port::Port;
use super::receive::Receiver;
use super::stream::{FarEnd, Stream};
use super::tcp_socket as socket;
use super::worker::{Orders, Worker};
use crate::endpoint::Transport;
use crate::events::Event;
use crate::os::{Arrivals, prefer_latency};
use crate::session::Millis;
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Registry, Token};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::mpsc::{Receiver as Answers, SyncSender, sync_channel};
use std::time::Duration;

/// A connection without an authentic datagram is closed after this, and the oldest such when there are too many.
const ANONYMOUS: Millis = 10_000;
const MOST_ANONYMOUS: usize = 64;
/// One that carried some, after this long without any.
const IDLE: Millis = 600_000;
/// Between two tries to connect, and how long one may take: a SYN is repeated after one second.
const RETRY: Millis = 200;
const TRY: Millis = 4_000;
/// How long the thread sleeps while there is something to look after.
const STEP: Duration = Duration::from_millis(100);
/// Reads of one connection before the others get their turn.
const READS: usize = 8;
/// What is carried in streams of bytes.
const STREAMS: [Transport; 3] = [Transport::Tcp, Transport::Tls, Transport::Wss];

/// All links of this process that are streams of bytes.
#[derive(Default)]
pub struct Tcp {
    worker: Worker<Orders<Command>>,
}

enum Command {
    Listen(Arc<Port>, Vec<TcpListener>),
    Connect(Attempt),
    /// A pair's near end, with what it leads to.
    Adopt(Arc<Port>, Stream, SocketAddr),
    /// Closes everything of the port, then answers.
    Close(Arc<Port>, SyncSender<()>),
    Stop,
}

/// Connecting until it works or the time is over.
struct Attempt {
    port: Arc<Port>,
    remote: SocketAddr,
    local: SocketAddr,
    until: Millis,
    next: Millis,
    trying: Option<(Token, Millis)>,
}

/// Listens beside the UDP sockets of `main`; 0 takes a free port. Returns the port.
pub fn listen(core: &Arc<Core>, main: &Port, number: u16, address: Option<IpAddr>) -> io::Result<u16> {
    let listeners = socket::listen(number, address)?;
    let number = listeners.first().map_or(Ok(number), |first| first.local_addr().map(|at| at.port()))?;
    let locals = listeners.iter().map(TcpListener::local_addr).collect::<io::Result<Vec<_>>>()?;
    let port = Arc::new(Port::of_links(main, Transport::Tcp, number, locals));
    core.tcp.command(core, Command::Listen(port.clone(), listeners))?;
    main.set_beside(Transport::Tcp, Some(port));
    Ok(number)
}

/// Connects from the port that listens beside `main`, again and again; ends in one `link` event. False: none listens for
/// that family.
pub fn connect(core: &Arc<Core>, main: &Port, remote: SocketAddr, seconds: u32) -> io::Result<bool> {
    let Some(port) = main.beside(Transport::Tcp) else { return Ok(false) };
    let Some(local) = port.local(&remote) else { return Ok(false) };
    let now = millis();
    let until = now + Millis::from(seconds) * 1_000;
    let attempt = Attempt { port, remote, local, until, next: now, trying: None };
    core.tcp.command(core, Command::Connect(attempt))?;
    Ok(true)
}

/// A link of `tls` or `wss` to `remote` whose bytes the caller carries: returns its end of the stream. One caller at a time.
pub fn open_stream(
    core: &Arc<Core>,
    main: &Port,
    transport: Transport,
    remote: SocketAddr,
) -> io::Result<FarEnd> {
    let (near, far) = Stream::pair()?;
    let port = main.beside(transport).unwrap_or_else(|| {
        let port = Arc::new(Port::of_links(main, transport, 0, Vec::new()));
        main.set_beside(transport, Some(port.clone()));
        port
    });
    core.tcp.command(core, Command::Adopt(port, near, remote))?;
    Ok(far)
}

impl Tcp {
    /// The socket beside which they are closes: so do its links.
    pub fn leave(&self, main: &Port) {
        for transport in STREAMS {
            self.leave_transport(main, transport);
        }
    }

    fn leave_transport(&self, main: &Port, transport: Transport) {
        let Some(port) = main.beside(transport) else { return };
        main.set_beside(transport, None);
        let (answer, closed) = sync_channel(1);
        // A thread that failed, or was never begun, has dropped the other end, and everything with it.
        if self.worker.reach(|orders| orders.give(Command::Close(port, answer)).is_ok()) == Some(true) {
            let _ = closed.recv();
        }
    }

    /// Ends everything.
    pub fn stop(&self) {
        // The thread looks at its commands again within its step where it has anything open.
        self.worker.stop(|orders| drop(orders.give(Command::Stop)));
    }

    fn command(&self, core: &Arc<Core>, command: Command) -> io::Result<()> {
        let begin =
            || Orders::start("dp-tcp", core, |core, poll, commands| Service::new(core, poll).run(commands));
        self.worker.begin(begin, |orders| orders.map_or(Ok(()), |orders| orders.give(command)))?
    }
}

/// What the thread holds.
struct Service<'a> {
    core: &'a Core,
    poll: Poll,
    last: usize,
    listeners: HashMap<Token, (Arc<Port>, TcpListener)>,
    connecting: HashMap<Token, TcpStream>,
    attempts: Vec<Attempt>,
    links: HashMap<Token, Held>,
    /// Links that may have more to read.
    unread: Vec<Token>,
}

struct Held {
    port: Arc<Port>,
    link: Arc<Link>,
    /// Opened from here: its end is told.
    is_own: bool,
    /// The beginning of a datagram that is not whole yet.
    rest: Vec<u8>,
}

impl Held {
    fn close(&self) {
        let link: Arc<dyn Carry> = self.link.clone();
        self.port.links.remove(&link);
    }
}

impl<'a> Service<'a> {
    fn new(core: &'a Core, poll: Poll) -> Service<'a> {
        Service {
            core,
            poll,
            last: 0,
            listeners: HashMap::new(),
            connecting: HashMap::new(),
            attempts: Vec::new(),
            links: HashMap::new(),
            unread: Vec::new(),
        }
    }

    fn run(mut self, commands: &Answers<Command>) -> io::Result<()> {
        prefer_latency();
        let mut events = Events::with_capacity(256);
        let mut arrivals = Arrivals::new();
        let mut receiver = Receiver::new(self.core);
        loop {
            let quiet = self.attempts.is_empty() && self.links.is_empty();
            let wait = if self.unread.is_empty() { (!quiet).then_some(STEP) } else { Some(Duration::ZERO) };
            match self.poll.poll(&mut events, wait) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            for command in commands.try_iter() {
                match command {
                    Command::Listen(port, listeners) => self.listen(&port, listeners)?,
                    Command::Connect(attempt) => self.attempts.push(attempt),
                    Command::Adopt(port, stream, remote) => self.adopt(&port, stream, remote, false),
                    Command::Close(port, answer) => {
                        self.close(&port);
                        // The caller waits for it.
                        let _ = answer.send(());
                    }
                    Command::Stop => {
                        self.links.values().for_each(Held::close);
                        return Ok(());
                    }
                }
            }
            let mut unread = std::mem::take(&mut self.unread);
            for event in &events {
                let token = event.token();
                if self.listeners.contains_key(&token) {
                    self.accept(token);
                } else if self.connecting.contains_key(&token) {
                    self.finish(token);
                }
                let Some(held) = self.links.get(&token) else { continue };
                if event.is_writable() && !held.link.flush() {
                    self.end(token);
                } else if !unread.contains(&token) {
                    unread.push(token);
                }
            }
            for token in unread {
                self.read(token, &mut receiver, &mut arrivals);
            }
            self.look_after(millis());
        }
    }

    fn listen(&mut self, port: &Arc<Port>, listeners: Vec<TcpListener>) -> io::Result<()> {
        for mut listener in listeners {
            let token = self.register(&mut listener, Interest::READABLE)?;
            self.listeners.insert(token, (port.clone(), listener));
        }
        Ok(())
    }

    fn accept(&mut self, token: Token) {
        let Some((port, listener)) = self.listeners.get(&token) else { return };
        let port = port.clone();
        let mut accepted = Vec::new();
        loop {
            match listener.accept() {
                Ok(pair) => accepted.push(pair),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // One connection that failed on its way in, or no descriptor is left; the next event tries again.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(_) => break,
            }
        }
        for (stream, remote) in accepted {
            self.adopt_tcp(&port, stream, remote, false);
        }
    }

    fn adopt_tcp(&mut self, port: &Arc<Port>, stream: TcpStream, remote: SocketAddr, is_own: bool) {
        socket::tune(&stream);
        self.adopt(port, Stream::Tcp(stream), socket::canonical(remote), is_own);
    }

    /// A connection stands. It is nobody's until an authentic datagram came over it.
    fn adopt(&mut self, port: &Arc<Port>, mut stream: Stream, remote: SocketAddr, is_own: bool) {
        let anonymous = self.links.iter().filter(|(_, held)| held.link.heard().is_none());
        let anonymous: Vec<(Token, Millis)> =
            anonymous.map(|(token, held)| (*token, held.link.began)).collect();
        if anonymous.len() >= MOST_ANONYMOUS
            && let Some((oldest, _)) = anonymous.into_iter().min_by_key(|(_, began)| *began)
        {
            self.end(oldest);
        }
        if let Ok(token) = self.register(&mut stream, Interest::READABLE | Interest::WRITABLE) {
            let link = Arc::new(Link::new(stream, remote));
            port.links.insert(link.clone());
            self.links.insert(token, Held { port: port.clone(), link, is_own, rest: Vec::new() });
            self.unread.push(token);
        }
    }

    fn read(&mut self, token: Token, receiver: &mut Receiver<'_>, arrivals: &mut Arrivals) {
        let Some(held) = self.links.get_mut(&token) else { return };
        for _ in 0..READS {
            match held.link.read(&mut held.rest, arrivals) {
                Reading::Some => receiver.take(&held.port, arrivals),
                Reading::Empty => return,
                Reading::Over => return self.end(token),
            }
        }
        self.unread.push(token);
    }

    /// A connection that was begun stands or failed.
    fn finish(&mut self, token: Token) {
        let Some(stream) = self.connecting.get(&token) else { return };
        let failed = !matches!(stream.take_error(), Ok(None));
        if !failed && stream.peer_addr().is_err() {
            return;
        }
        let Some(mut stream) = self.connecting.remove(&token) else { return };
        // It is registered anew as a link, or closes here.
        let _ = self.poll.registry().deregister(&mut stream);
        let attempt =
            self.attempts.iter_mut().find(|it| it.trying.is_some_and(|(trying, _)| trying == token));
        let Some(attempt) = attempt else { return };
        attempt.trying = None;
        attempt.next = millis() + RETRY;
        if !failed {
            let (port, remote) = (attempt.port.clone(), attempt.remote);
            self.adopt_tcp(&port, stream, remote, true);
        }
    }

    fn look_after(&mut self, now: Millis) {
        let over: Vec<Token> = self
            .links
            .iter()
            .filter(|(_, Held { link, .. })| match link.heard() {
                Some(heard) => now > heard + IDLE,
                None => now > link.began + ANONYMOUS,
            })
            .map(|(token, _)| *token)
            .collect();
        over.into_iter().for_each(|token| self.end(token));
        for mut attempt in std::mem::take(&mut self.attempts) {
            let up = attempt.port.links.find(attempt.remote).is_some();
            if up || now >= attempt.until {
                self.give_up(&attempt);
                self.tell(&attempt.port, attempt.remote, (!up).then_some("timeout"));
                continue;
            }
            if attempt.trying.is_some_and(|(_, since)| now > since + TRY) {
                self.give_up(&attempt);
                attempt.trying = None;
            }
            if attempt.trying.is_none() && now >= attempt.next {
                attempt.next = now + RETRY;
                // What is refused at once (the network is gone, the port is in use for it) is tried again like the rest.
                if let Ok(mut stream) = socket::connect(attempt.local, attempt.remote)
                    && let Ok(token) = self.register(&mut stream, Interest::READABLE | Interest::WRITABLE)
                {
                    self.connecting.insert(token, stream);
                    attempt.trying = Some((token, now));
                }
            }
            self.attempts.push(attempt);
        }
    }

    /// That a link stands, or why it does not.
    fn tell(&self, port: &Port, remote: SocketAddr, reason: Option<&'static str>) {
        let (socket, remote) = (port.name.clone(), port.endpoint(remote));
        self.core.tell(Event::Link { socket, remote, up: reason.is_none(), reason });
    }

    fn give_up(&mut self, attempt: &Attempt) {
        if let Some((token, _)) = attempt.trying {
            self.connecting.remove(&token);
        }
    }

    fn end(&mut self, token: Token) {
        if let Some(held) = self.links.remove(&token) {
            held.close();
            // One that another took the place of goes on under its name.
            if held.is_own && held.port.links.find(held.link.remote).is_none() {
                self.tell(&held.port, held.link.remote, Some("closed"));
            }
        }
    }

    fn close(&mut self, port: &Arc<Port>) {
        self.listeners.retain(|_, (of, _)| !Arc::ptr_eq(of, port));
        let (over, stay) = std::mem::take(&mut self.attempts)
            .into_iter()
            .partition::<Vec<_>, _>(|attempt| Arc::ptr_eq(&attempt.port, port));
        self.attempts = stay;
        over.iter().for_each(|attempt| self.give_up(attempt));
        self.links.retain(|_, held| {
            let stays = !Arc::ptr_eq(&held.port, port);
            if !stays {
                held.close();
            }
            stays
        });
    }

    fn register(&mut self, source: &mut impl Source, interest: Interest) -> io::Result<Token> {
        self.last += 1;
        let token = Token(self.last);
        let registry: &Registry = self.poll.registry();
        registry.register(source, token, interest)?;
        Ok(token)
    }
}
