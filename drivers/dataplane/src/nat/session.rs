//! What one host behind the shared address and one beyond say to each other, and how long it is remembered.

use super::layout::End;
use super::ports::Kind;
use crate::session::Millis;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

/// Each end has closed its half, somebody broke it off, the far end answered.
const NEAR_CLOSED: u8 = 1;
const FAR_CLOSED: u8 = 2;
const BROKEN: u8 = 4;
const ANSWERED: u8 = 8;

/// RFC 5382 REQ-5: established, and opening or closing.
const TCP_ESTABLISHED: Millis = 7_440_000;
const TCP_TRANSITORY: Millis = 240_000;
/// RFC 4787 REQ-5.
const UDP: Millis = 300_000;
/// RFC 5508 REQ-2.
const QUERY: Millis = 60_000;
/// How exactly the last packet's time is kept.
const GRAIN: Millis = 1_000;

/// One 5-tuple and the port under which the network sees it.
pub struct Session {
    pub kind: Kind,
    pub inside: SocketAddr,
    /// Port of the shared address.
    pub port: u16,
    pub remote: SocketAddr,
    seen: AtomicU64,
    state: AtomicU8,
}

impl Session {
    pub fn new(kind: Kind, (inside, remote): (SocketAddr, SocketAddr), port: u16, now: Millis) -> Session {
        Session { kind, inside, port, remote, seen: AtomicU64::new(now), state: AtomicU8::new(0) }
    }

    /// A packet passes; `near` is the end that is inside.
    pub fn note(&self, near: End, tcp_flags: u8, now: Millis) {
        if now >= self.seen.load(Ordering::Relaxed) + GRAIN {
            self.seen.store(now, Ordering::Relaxed);
        }
        if self.kind != Kind::Tcp {
            return;
        }
        let was = self.state.load(Ordering::Relaxed);
        let mut state = was;
        if near == End::Source && tcp_flags & SYN != 0 && self.is_over() {
            state = 0;
        }
        if near == End::Destination && tcp_flags & RST == 0 {
            state |= ANSWERED;
        }
        if tcp_flags & FIN != 0 {
            state |= if near == End::Source { NEAR_CLOSED } else { FAR_CLOSED };
        }
        if tcp_flags & RST != 0 {
            state |= BROKEN;
        }
        if state != was {
            self.state.store(state, Ordering::Relaxed);
        }
    }

    /// When it ends unless a packet passes.
    pub fn deadline(&self) -> Millis {
        let patience = match self.kind {
            Kind::Udp => UDP,
            Kind::Query => QUERY,
            Kind::Tcp if self.is_over() || self.state.load(Ordering::Relaxed) & ANSWERED == 0 => {
                TCP_TRANSITORY
            }
            Kind::Tcp => TCP_ESTABLISHED,
        };
        self.seen.load(Ordering::Relaxed) + patience + GRAIN
    }

    /// As packets from inside have it.
    pub fn leaving(&self) -> Key {
        Key::leaving(self.kind, self.inside, self.remote)
    }

    /// As packets from beyond have it.
    pub fn entering(&self) -> Key {
        Key::entering(self.kind, self.port, self.remote)
    }

    fn is_over(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state & BROKEN != 0 || state & (NEAR_CLOSED | FAR_CLOSED) == NEAR_CLOSED | FAR_CLOSED
    }
}

/// What a packet says of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    near: u128,
    far: u128,
    ports: u64,
}

impl Key {
    pub fn leaving(kind: Kind, inside: SocketAddr, remote: SocketAddr) -> Key {
        Key {
            near: bits(inside.ip()),
            far: bits(remote.ip()),
            ports: ports(kind, inside.port(), remote.port()),
        }
    }

    pub fn entering(kind: Kind, port: u16, remote: SocketAddr) -> Key {
        Key { near: 0, far: bits(remote.ip()), ports: ports(kind, port, remote.port()) }
    }

    /// Spreads sessions over shards; even enough for that, whoever chooses the ports.
    pub fn shard(&self, count: usize) -> usize {
        let mixed = (self.ports ^ self.near as u64 ^ self.far as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> 32) as usize % count
    }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().into(),
        IpAddr::V6(address) => address.into(),
    }
}

fn ports(kind: Kind, near: u16, far: u16) -> u64 {
    (kind as u64) << 32 | u64::from(near) << 16 | u64::from(far)
}
