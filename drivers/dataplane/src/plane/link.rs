//! One link in a stream of bytes, TCP's or the caller's: what waits to be sent on it, and what of it was received so far.

use super::core::millis;
use super::framing::{self, LENGTH, NotFrames};
use super::links::Carry;
use super::stream::Stream;
use crate::os::Arrivals;
use crate::session::Millis;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Bytes that wait for the kernel, and how long the oldest may; what does not fit is dropped, as on any full line.
const LIMIT: usize = 256 << 10;
const PATIENCE: Millis = 30;
/// Bytes read at once, behind what was left of the last read.
const CHUNK: usize = 256 << 10;

/// An open connection.
pub struct Link {
    pub remote: SocketAddr,
    /// When it was opened.
    pub began: Millis,
    stream: Stream,
    outgoing: Mutex<Outgoing>,
    /// When an authentic datagram came last; 0 before the first.
    heard: AtomicU64,
}

#[derive(Default)]
struct Outgoing {
    bytes: Vec<u8>,
    /// How many of them the kernel has.
    sent: usize,
    /// Where in `bytes` what was added at a moment ends; oldest first.
    added: VecDeque<(usize, Millis)>,
    broken: bool,
}

/// What a reading brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Perhaps there is more.
    Some,
    /// Nothing more for now.
    Empty,
    /// The connection is over, or carries nothing of ours.
    Over,
}

impl Link {
    pub fn new(stream: Stream, remote: SocketAddr) -> Link {
        Link { remote, began: millis(), stream, outgoing: Mutex::default(), heard: AtomicU64::new(0) }
    }

    /// Sends what waits; false when the connection is over.
    pub fn flush(&self) -> bool {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        outgoing.write(&self.stream);
        !outgoing.broken
    }

    /// Reads what is there. `rest`: the beginning of a datagram that is not whole yet.
    pub fn read(&self, rest: &mut Vec<u8>, arrivals: &mut Arrivals) -> Reading {
        arrivals.list.clear();
        let held = rest.len();
        arrivals.slab[..held].copy_from_slice(rest);
        match (&self.stream).read(&mut arrivals.slab[held..held + CHUNK]) {
            Ok(0) => Reading::Over,
            Ok(length) => {
                let filled = held + length;
                match framing::unframe(&mut arrivals.slab, filled, self.remote, &mut arrivals.list) {
                    Ok(left) => {
                        rest.clear();
                        rest.extend_from_slice(&arrivals.slab[left]);
                        Reading::Some
                    }
                    Err(NotFrames) => {
                        arrivals.list.clear();
                        Reading::Over
                    }
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => Reading::Empty,
                io::ErrorKind::Interrupted => Reading::Some,
                _ => Reading::Over,
            },
        }
    }

    /// When an authentic datagram came last.
    pub fn heard(&self) -> Option<Millis> {
        Some(self.heard.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }
}

impl Carry for Link {
    fn remote(&self) -> SocketAddr {
        self.remote
    }

    fn send(&self, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        let mut outgoing = self.outgoing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = millis();
        if outgoing.is_late(now) {
            outgoing.write(&self.stream);
        }
        if outgoing.broken || outgoing.is_late(now) {
            return false;
        }
        let mut complete = true;
        for datagram in datagrams {
            let fits = outgoing.bytes.len() - outgoing.sent + LENGTH + datagram.len() <= LIMIT;
            complete &= fits && framing::frame(&mut outgoing.bytes, datagram);
        }
        let end = outgoing.bytes.len();
        outgoing.added.push_back((end, now));
        outgoing.write(&self.stream);
        complete
    }

    fn note_authentic(&self, now: Millis) {
        if self.heard.load(Ordering::Relaxed) != now {
            self.heard.store(now, Ordering::Relaxed);
        }
    }

    fn close(&self) {
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner).broken = true;
        self.stream.shut();
    }
}

impl Outgoing {
    /// Whether something waits for too long.
    fn is_late(&self, now: Millis) -> bool {
        self.added.front().is_some_and(|(_, at)| now > at + PATIENCE)
    }

    fn write(&mut self, mut stream: &Stream) {
        while !self.broken && self.sent < self.bytes.len() {
            match stream.write(&self.bytes[self.sent..]) {
                Ok(0) => self.broken = true,
                Ok(length) => self.sent += length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.broken = error.kind() != io::ErrorKind::WouldBlock;
                    break;
                }
            }
        }
        while self.added.front().is_some_and(|(end, _)| *end <= self.sent) {
            self.added.pop_front();
        }
        if self.sent == self.bytes.len() {
            self.sent = 0;
            self.bytes.clear();
        } else if self.sent >= LIMIT {
            self.bytes.drain(..self.sent);
            for (end, _) in &mut self.added {
                *end -= self.sent;
            }
            self.sent = 0;
        }
    }
}
