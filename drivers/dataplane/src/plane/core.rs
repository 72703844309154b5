//! What all threads share: realms, receiver indices, relays, timers, counters, events, the clock.

use super::budget::Budget;
use super::extras::Extras;
use super::kcp::Kcp;
use super::mapped::MappedPorts;
use super::masks::Masks;
use super::outbox::Route;
use super::port::Port;
use super::punch::Punches;
use super::quic::Quic;
use super::realm::Realm;
use super::relay::Relays;
use super::stun::StunClient;
use super::tcp::Tcp;
use super::timers::Timers;
use crate::endpoint::{Carrier, Endpoint};
use crate::events::{Event, Events};
use crate::index::Index;
use crate::os::boot_nanos;
use crate::refusals::{Cause, Refusals};
use crate::session::{Millis, Now};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Lane of everything else (flows on further paths have their own): control, probes, keepalives, packets that waited.
pub const SLOW_LANE: u8 = 1;

/// One instance's shared state. Its parts lock for themselves; no lock is held while another thread is waited for.
pub struct Core {
    pub realms: ArcSwap<Vec<Arc<Realm>>>,
    pub index: Index,
    pub relays: Relays,
    pub timers: Timers,
    pub refusals: Refusals,
    pub events: Arc<Events>,
    pub stun: StunClient,
    pub extras: Extras,
    pub punches: Punches,
    pub tcp: Tcp,
    pub kcp: Kcp,
    pub mapped: MappedPorts,
    pub masks: Masks,
    pub quic: Quic,
    /// Message 1s that may still be taken before cookies are asked for, and those with a valid cookie.
    pub handshakes: Bucket,
    pub proven_handshakes: Bucket,
    /// Answers longer than their request: STUN's.
    pub short_stun: Bucket,
    /// Bytes of probes.
    pub budget: Budget,
    /// Errors about packets that cannot go on.
    pub errors: Bucket,
    pub stopped: AtomicBool,
    next_id: AtomicU32,
}

impl Core {
    pub fn new(events: Arc<Events>) -> Core {
        Core {
            realms: ArcSwap::default(),
            index: Index::new(),
            relays: Relays::default(),
            timers: Timers::default(),
            refusals: Refusals::default(),
            events,
            stun: StunClient::default(),
            extras: Extras::default(),
            punches: Punches::default(),
            tcp: Tcp::default(),
            kcp: Kcp::default(),
            mapped: MappedPorts::default(),
            masks: Masks::default(),
            quic: Quic::default(),
            handshakes: Bucket::new(256),
            proven_handshakes: Bucket::new(2_048),
            short_stun: Bucket::new(64),
            budget: Budget::default(),
            errors: Bucket::new(64),
            stopped: AtomicBool::new(false),
            next_id: AtomicU32::new(0),
        }
    }

    /// Tells the caller; a caller that takes no events loses the newest.
    pub fn tell(&self, event: Event) {
        if !self.events.push(event) {
            self.refusals.count(Cause::Events);
        }
    }

    /// The way to an endpoint for who has `main`: itself, an extra socket, or the links beside it.
    pub fn route(&self, main: &Arc<Port>, endpoint: Endpoint) -> Route {
        let port = match endpoint.carrier {
            Carrier::Extra(number) => self.extras.find(number),
            Carrier::Link(transport) => main.beside(transport),
            Carrier::Main => Some(main.clone()),
        };
        Route::bare(port.unwrap_or_else(|| Arc::new(Port::closed(main.name.clone()))), endpoint)
    }

    /// A number for a ping, unique in this instance.
    pub fn next_id(&self) -> u32 {
        self.next_id.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    pub fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
}

/// The moment on both clocks.
pub fn now() -> Now {
    Now { millis: millis(), unix_millis: unix_nanos() / 1_000_000 }
}

pub fn millis() -> Millis {
    boot_nanos() / 1_000_000
}

/// Nanoseconds since 1970; 0 before.
pub fn unix_nanos() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// Random bytes of the system's generator.
pub fn fill_random(bytes: &mut [u8]) {
    // Without randomness nothing here is safe; the thread's guard turns this into an error.
    assert!(getrandom::fill(bytes).is_ok(), "the system's random generator failed");
}

pub fn random_u32() -> u32 {
    let mut bytes = [0u8; 4];
    fill_random(&mut bytes);
    u32::from_ne_bytes(bytes)
}

/// Allows a number of things a second, and as many at once.
pub struct Bucket {
    rate: u64,
    /// Millisecond up to which the allowance is used: a leaky bucket in one word (GCRA), in thousandths.
    used: AtomicU64,
}

impl Bucket {
    pub fn new(per_second: u64) -> Bucket {
        Bucket { rate: per_second, used: AtomicU64::new(0) }
    }

    /// Takes one if there is one.
    pub fn take(&self, now: Millis) -> bool {
        let now = now * 1_000;
        let step = 1_000_000 / self.rate;
        let taken = self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let next = used.max(now) + step;
            (next <= now + 1_000_000).then_some(next)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_allows_its_rate_and_refills() {
        let bucket = Bucket::new(4);
        let taken = |now: Millis| (0..10).filter(|_| bucket.take(now)).count();
        assert_eq!(taken(5_000), 4);
        assert_eq!(taken(5_000), 0);
        assert_eq!(taken(5_500), 2);
        assert_eq!(taken(60_000), 4);
    }
}
