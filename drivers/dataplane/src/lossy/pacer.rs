//! When the next record may go out, so that the line's queue stays short.

use super::Micros;

/// What may go out at once after a pause, as time at the present rate.
const BURST: f64 = 1_000.0;
/// The same while there is no pause but the caller comes late.
const LATE: f64 = 4_000.0;
/// The caller comes back when that much may go out.
const STEP: f64 = 500.0;

pub struct Pacer {
    next: f64,
    /// How long the last record takes at the rate.
    gap: f64,
    paused: bool,
}

impl Pacer {
    pub fn new(now: Micros) -> Pacer {
        Pacer { next: now as f64, gap: 0.0, paused: true }
    }

    pub fn allows(&self, now: Micros) -> bool {
        self.next <= now as f64
    }

    /// When to come back if it does not allow now.
    pub fn deadline(&self) -> Micros {
        let step = if self.gap < STEP { STEP } else { 0.0 };
        (self.next + step).ceil() as Micros
    }

    /// There is nothing to send.
    pub fn pause(&mut self) {
        self.paused = true;
    }

    /// A record goes out. `rate`: bytes a microsecond.
    pub fn send(&mut self, bytes: usize, rate: f64, now: Micros) {
        let behind = if self.paused { BURST } else { LATE };
        self.paused = false;
        self.gap = bytes as f64 / rate;
        self.next = self.next.max(now as f64 - behind) + self.gap;
    }
}
