//! CoDel (RFC 8289): whether the packet that leaves a queue is dropped, by how long packets stay in it.

use super::Micros;

/// Time in the queue that is fine, at least, and the same as part of a round trip.
const TARGET: Micros = 5_000;
const PART: Micros = 8;
/// How long it may be exceeded before something is dropped, at least, and in round trips.
const INTERVAL: Micros = 100_000;
const TRIPS: Micros = 2;

/// How long packets may stay on a line with this round trip.
#[derive(Clone, Copy)]
pub struct Stay {
    target: Micros,
    interval: Micros,
}

impl Stay {
    pub fn on(rtt: Micros) -> Stay {
        Stay { target: TARGET.max(rtt / PART), interval: INTERVAL.max(rtt * TRIPS) }
    }
}

#[derive(Default)]
pub struct Codel {
    /// When it drops if the stay has not become short by then.
    patience: Option<Micros>,
    /// When it drops next while it drops, and how often it has dropped in this time.
    next: Option<Micros>,
    drops: u32,
    /// The same when it last began to drop.
    before: u32,
}

impl Codel {
    /// A packet leaves that stayed for so long; whether it is dropped. `few`: hardly anything waits behind it.
    pub fn drops(&mut self, stayed: Micros, few: bool, (may, now): (Stay, Micros)) -> bool {
        if stayed < may.target || few {
            self.patience = None;
            self.next = None;
            return false;
        }
        let patience = *self.patience.get_or_insert(now + may.interval);
        match self.next {
            Some(next) if now >= next => {
                self.drops += 1;
                self.next = Some(next + self.step(may));
                true
            }
            Some(_) => false,
            None if now >= patience => {
                let again = self.drops.saturating_sub(self.before);
                // It has hardly stopped: nearly as often as before.
                self.drops = if again > 1 && now < patience + 8 * may.interval { again } else { 1 };
                self.before = self.drops;
                self.next = Some(now + self.step(may));
                true
            }
            None => false,
        }
    }

    fn step(&self, may: Stay) -> Micros {
        (may.interval as f64 / f64::from(self.drops).sqrt()) as Micros
    }
}
