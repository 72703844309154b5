//! What packet threads read of a peer's paths: which carry its flows, and what is counted on each.

use super::outbox::Outgoing;
use crate::endpoint::Endpoint;
use crate::packet::flow;
use crate::packet::ip::Header;
use crate::session::{LANES, Millis};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Paths that flows may be spread over; each has a lane of the counter besides the one of everything else.
pub const MOST: usize = LANES as usize - 1;

/// What passes over one path, counted by the threads that see it and read by the prober.
pub struct Way {
    pub endpoint: Endpoint,
    /// Sealed datagrams.
    pub sent: AtomicU64,
    /// Bytes of them, without the headers of UDP or a link below.
    pub sent_bytes: AtomicU64,
    /// Authentic datagrams.
    pub received: AtomicU64,
    /// When the last of them came, on the clock of [`Millis`]; 0 before the first.
    pub heard: AtomicU64,
}

impl Way {
    pub fn new(endpoint: Endpoint) -> Arc<Way> {
        Arc::new(Way {
            endpoint,
            sent: AtomicU64::new(0),
            sent_bytes: AtomicU64::new(0),
            received: AtomicU64::new(0),
            heard: AtomicU64::new(0),
        })
    }

    pub fn hear(&self, datagrams: u64, now: Millis) {
        self.received.fetch_add(datagrams, Ordering::Relaxed);
        self.heard.store(now, Ordering::Relaxed);
    }
}

/// How a peer's packets leave now.
pub struct Spread {
    /// Never empty.
    active: Vec<Arc<Outgoing>>,
    /// Every path that is known, whether packets leave by it or not.
    known: Vec<Arc<Way>>,
}

impl Spread {
    /// `None` without an active path.
    pub fn new(active: Vec<Arc<Outgoing>>, known: Vec<Arc<Way>>) -> Option<Spread> {
        (!active.is_empty()).then_some(Spread { active, known })
    }

    /// What carries everything that is no flow.
    pub fn first(&self) -> &Arc<Outgoing> {
        &self.active[0]
    }

    /// The path that carries a packet's flow. When paths come and go, the flows of the others stay where they are
    /// (highest random weight).
    #[inline]
    pub fn of(&self, header: &Header, packet: &[u8]) -> &Arc<Outgoing> {
        let [first, rest @ ..] = &self.active[..] else { unreachable!("never empty") };
        if rest.is_empty() {
            return first;
        }
        let flow = flow::hash(header, packet);
        rest.iter()
            .fold((first, weight(flow, first)), |(best, most), other| {
                let weight = weight(flow, other);
                if weight > most { (other, weight) } else { (best, most) }
            })
            .0
    }

    /// The path at an endpoint.
    pub fn way(&self, endpoint: &Endpoint) -> Option<&Arc<Way>> {
        self.known.iter().find(|way| way.endpoint == *endpoint)
    }

    /// Largest inner packet that passes whole wherever a flow may go.
    pub fn mtu(&self) -> usize {
        self.active.iter().map(|outgoing| usize::from(outgoing.mtu)).min().unwrap_or(0)
    }
}

/// Lane of a flow's counter on the active path number `at`; lane 1 is everything else's.
pub fn lane(at: usize) -> u8 {
    if at == 0 { 0 } else { 1 + at as u8 }
}

fn weight(flow: u64, outgoing: &Outgoing) -> u64 {
    mix(flow ^ outgoing.salt)
}

/// A number that is the same for one endpoint always and looks random.
pub fn salt(endpoint: &Endpoint) -> u64 {
    endpoint.identity().iter().fold(0x9e37_79b9_7f4a_7c15, |hash, byte| mix(hash ^ u64::from(*byte)))
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}
