//! CoDel (RFC 8289): whether the packet that leaves a queue is dropped, by how long packets stay in it.

use super::Micros;

/// Time in the queue that is fine, and how long it may be exceeded before something is dropped.
const TARGET: Micros = 5_000;
const INTERVAL: Micros = 100_000;

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
    /// A packet leaves that stayed for `stay`; whether it is dropped. `few`: hardly anything waits behind it.
    pub fn drops(&mut self, stay: Micros, few: bool, now: Micros) -> bool {
        if stay < TARGET || few {
            self.patience = None;
            self.next = None;
            return false;
        }
        let patience = *self.patience.get_or_insert(now + INTERVAL);
        match self.next {
            Some(next) if now >= next => {
                self.drops += 1;
                self.next = Some(next + self.step());
                true
            }
            Some(_) => false,
            None if now >= patience => {
                let again = self.drops.saturating_sub(self.before);
                // It has hardly stopped: nearly as often as before.
                self.drops = if again > 1 && now < patience + 8 * INTERVAL { again } else { 1 };
                self.before = self.drops;
                self.next = Some(now + self.step());
                true
            }
            None => false,
        }
    }

    fn step(&self) -> Micros {
        (INTERVAL as f64 / f64::from(self.drops).sqrt()) as Micros
    }
}
