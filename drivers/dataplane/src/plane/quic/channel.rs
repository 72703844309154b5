//! One connection. Whoever has something for it drives it under its lock: a sender that finds the lock taken leaves its
//! datagrams to whoever holds it.

use super::hub::Hub;
use super::queue::Queue;
use super::schedule::{Micros, Work, micros};
use crate::os::SEGMENTS;
use crate::plane::port::Port;
use crate::session::Millis;
use arc_swap::ArcSwap;
use bytes::Bytes;
use quinn_proto::{Connection, ConnectionError, ConnectionEvent, ConnectionHandle, Event, VarInt};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

/// Batches that leave before others get the lock.
const BATCHES: usize = 8;
/// How often one who held the lock goes on with what others left.
const ROUNDS: usize = 2;
/// What the connection holds of the queue, at the rate it has: the rest waits where it may be dropped.
const AHEAD: Duration = Duration::from_millis(4);
/// At least and at most so many bytes of it.
const LEAST: u64 = 3_000;
const MOST: u64 = 64 << 10;

/// Shared by threads that send, the one that receives, and the one that looks after all.
pub struct Channel {
    /// When it was begun.
    pub began: Millis,
    hub: Arc<Hub>,
    handle: ConnectionHandle,
    held: Mutex<Held>,
    /// Somebody found the lock taken and left something to do.
    again: AtomicBool,
    queue: Mutex<Queue>,
    /// Largest datagram that passes; 0 until the connection stands.
    largest: AtomicUsize,
    stands: AtomicBool,
    /// The address by which its link is known.
    name: ArcSwap<SocketAddr>,
    /// When something came over it last.
    heard: AtomicU64,
    /// When the schedule looks at it next.
    due: AtomicU64,
}

struct Held {
    connection: Connection,
    buffer: Vec<u8>,
    standing: Standing,
    /// The thread does not know yet.
    is_news: bool,
}

/// What the thread has to know of a connection.
#[derive(Clone, Debug)]
pub struct Standing {
    pub connected: bool,
    /// Where the other end is now.
    pub remote: SocketAddr,
    /// Whether it was elsewhere when that was asked last.
    pub moved: bool,
    /// Why it is over.
    pub lost: Option<Loss>,
}

/// Why a connection is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The other end closed it, or does not know it any more.
    Closed,
    /// Nothing came for too long.
    Silence,
    /// The two do not fit one another.
    Refused,
}

impl Channel {
    pub fn new(hub: Arc<Hub>, handle: ConnectionHandle, connection: Connection, now: Millis) -> Channel {
        let remote = connection.remote_address();
        Channel {
            began: now,
            hub,
            handle,
            held: Mutex::new(Held {
                connection,
                buffer: Vec::new(),
                standing: Standing { connected: false, remote, moved: false, lost: None },
                is_news: false,
            }),
            again: AtomicBool::new(false),
            queue: Mutex::default(),
            largest: AtomicUsize::new(0),
            stands: AtomicBool::new(false),
            name: ArcSwap::from_pointee(remote),
            heard: AtomicU64::new(now),
            due: AtomicU64::new(Micros::MAX),
        }
    }

    pub fn hub(&self) -> &Arc<Hub> {
        &self.hub
    }

    /// The links that it is part of.
    pub fn port(&self) -> &Arc<Port> {
        &self.hub.port
    }

    /// The address by which its link is known.
    pub fn name(&self) -> SocketAddr {
        **self.name.load()
    }

    pub fn set_name(&self, name: SocketAddr) {
        self.name.store(Arc::new(name));
    }

    /// Whether it is part of a link: what comes for it is taken by whoever receives it.
    pub fn stands(&self) -> bool {
        self.stands.load(Ordering::Acquire)
    }

    pub fn set_stands(&self) {
        self.stands.store(true, Ordering::Release);
    }

    /// When something came over it last.
    pub fn heard(&self) -> Millis {
        self.heard.load(Ordering::Relaxed)
    }

    /// Largest datagram that passes; 0 until the connection stands.
    pub fn largest(&self) -> usize {
        self.largest.load(Ordering::Relaxed)
    }

    /// How it stands; the thread knows then.
    pub fn standing(self: &Arc<Self>) -> Standing {
        self.with(|_, held| {
            held.is_news = false;
            let standing = held.standing.clone();
            held.standing.moved = false;
            standing
        })
    }

    /// Queues datagrams and sends what may leave; false when one was dropped.
    pub fn send(self: &Arc<Self>, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        let complete = self.queue().push(datagrams, self.largest(), Instant::now());
        self.nudge();
        complete
    }

    /// Takes what came for it; answers wait for `advance`.
    pub fn receive(
        self: &Arc<Self>,
        events: impl Iterator<Item = ConnectionEvent>,
        mut take: impl FnMut(&[u8]),
    ) {
        self.with(|channel, held| {
            events.for_each(|event| held.connection.handle_event(event));
            while let Some(datagram) = held.connection.datagrams().recv() {
                take(&datagram);
            }
            channel.observe(held);
        });
        self.heard.store(crate::plane::core::millis(), Ordering::Relaxed);
    }

    /// Sends what may leave now.
    pub fn advance(self: &Arc<Self>) {
        self.with(|channel, held| channel.transmit(held));
    }

    /// Its time may have come.
    pub fn handle_timeout(self: &Arc<Self>) {
        self.due.store(Micros::MAX, Ordering::Relaxed);
        self.with(|channel, held| {
            let now = Instant::now();
            if held.connection.poll_timeout().is_some_and(|at| at <= now) {
                held.connection.handle_timeout(now);
            }
            channel.transmit(held);
        });
    }

    /// Ends it; the other end hears so.
    pub fn close(self: &Arc<Self>) {
        self.largest.store(0, Ordering::Relaxed);
        self.with(|channel, held| {
            if !held.connection.is_closed() {
                held.connection.close(Instant::now(), VarInt::from_u32(NO_ERROR), Bytes::new());
            }
            channel.transmit(held);
            if held.standing.lost.is_none() {
                held.standing.lost = Some(Loss::Closed);
                channel.tell(held);
            }
        });
    }

    /// Drives the connection unless somebody else does: then they go on.
    fn nudge(self: &Arc<Self>) {
        self.again.store(true, Ordering::SeqCst);
        self.nudge_left();
    }

    /// Does what others left to do while the lock was held; where they leave more and more, the thread does.
    fn nudge_left(self: &Arc<Self>) {
        for _ in 0..ROUNDS {
            if !self.again.load(Ordering::SeqCst) {
                return;
            }
            let mut held = match self.held.try_lock() {
                Ok(held) => held,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => return,
            };
            self.again.store(false, Ordering::SeqCst);
            self.transmit(&mut held);
        }
        if self.again.load(Ordering::SeqCst) {
            self.look_at(micros());
        }
    }

    fn with<R>(self: &Arc<Self>, act: impl FnOnce(&Arc<Self>, &mut Held) -> R) -> R {
        let mut held: MutexGuard<'_, Held> = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let result = act(self, &mut held);
        drop(held);
        self.nudge_left();
        result
    }

    fn transmit(self: &Arc<Self>, held: &mut Held) {
        let now = Instant::now();
        let mut left = BATCHES;
        while left > 0 {
            self.fill(held, now);
            held.buffer.clear();
            let Some(transmit) = held.connection.poll_transmit(now, SEGMENTS, &mut held.buffer) else {
                break;
            };
            self.hub.send(&held.buffer, &transmit);
            left -= 1;
        }
        self.observe(held);
        let at = match held.connection.poll_timeout() {
            _ if left == 0 => micros(),
            Some(at) => micros() + at.saturating_duration_since(now).as_micros() as Micros,
            None => return,
        };
        self.look_at(at);
    }

    /// Has the thread drive it at that time, unless it does so sooner.
    fn look_at(self: &Arc<Self>, at: Micros) {
        if at < self.due.fetch_min(at, Ordering::Relaxed) {
            self.hub.schedule.at(at, self);
        }
    }

    /// Moves datagrams from the queue into the connection, as many as leave soon.
    fn fill(&self, held: &mut Held, now: Instant) {
        if !held.standing.connected {
            return;
        }
        let mut queue = self.queue();
        if queue.is_empty() {
            return;
        }
        let connection = &mut held.connection;
        let window = connection.congestion_state().window();
        let round_trip = connection.rtt().as_micros().max(1) as u64;
        let ahead = window.saturating_mul(AHEAD.as_micros() as u64) / round_trip;
        let limit = ahead.clamp(LEAST, MOST) as usize;
        let mut datagrams = connection.datagrams();
        while super::tuning::HELD - datagrams.send_buffer_space() < limit {
            let Some(datagram) = queue.pop(now) else { break };
            // One that became too large on the way is lost: the path's own probes find what passes.
            let _lost = datagrams.send(datagram, false);
        }
    }

    /// Takes what the connection tells.
    fn observe(self: &Arc<Self>, held: &mut Held) {
        let connection = &mut held.connection;
        let standing = &mut held.standing;
        let mut is_news = false;
        loop {
            while let Some(event) = connection.poll_endpoint_events() {
                if let Some(answer) = self.hub.exchange(self.handle, event) {
                    connection.handle_event(answer);
                }
            }
            let Some(event) = connection.poll() else { break };
            match event {
                Event::Connected => standing.connected = true,
                Event::ConnectionLost { reason } => {
                    standing.lost = Some(Loss::of(&reason));
                    self.largest.store(0, Ordering::Relaxed);
                }
                // Nobody of ours opens streams.
                Event::Stream(_) => {
                    connection.close(Instant::now(), VarInt::from_u32(NO_STREAMS), Bytes::new());
                    standing.lost = Some(Loss::Refused);
                }
                Event::HandshakeDataReady | Event::DatagramReceived | Event::DatagramsUnblocked => continue,
            }
            is_news = true;
        }
        if standing.remote != connection.remote_address() {
            standing.remote = connection.remote_address();
            standing.moved = true;
            is_news = true;
        }
        if standing.connected && standing.lost.is_none() {
            let largest = connection.datagrams().max_size().unwrap_or(0);
            is_news |= self.largest.swap(largest, Ordering::Relaxed) != largest;
        }
        if is_news {
            self.tell(held);
        }
    }

    /// Has the thread look at it.
    fn tell(self: &Arc<Self>, held: &mut Held) {
        if !held.is_news {
            held.is_news = true;
            self.hub.schedule.hand(Work::Look(self.clone()));
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loss {
    fn of(error: &ConnectionError) -> Loss {
        match error {
            ConnectionError::TimedOut => Loss::Silence,
            ConnectionError::Reset
            | ConnectionError::ApplicationClosed(_)
            | ConnectionError::LocallyClosed => Loss::Closed,
            ConnectionError::ConnectionClosed(_)
            | ConnectionError::TransportError(_)
            | ConnectionError::VersionMismatch
            | ConnectionError::CidsExhausted => Loss::Refused,
        }
    }
}

/// Codes of HTTP/3 (RFC 9114 §8.1) with which connections are closed.
const NO_ERROR: u32 = 0x100;
const NO_STREAMS: u32 = 0x103;
