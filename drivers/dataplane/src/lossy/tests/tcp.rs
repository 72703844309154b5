//! TCP with CUBIC (RFC 9438) and selective acknowledgements, small: what it needs to feel a line as the real one does.

use crate::lossy::Micros;
use std::collections::{BTreeMap, BTreeSet};

const BETA: f64 = 0.7;
const SCALE: f64 = 0.4;
/// Packets that arrive behind a missing one before that is lost.
const DUPLICATES: u32 = 3;
/// Packets that fit in the receiver's buffer.
const WINDOW: f64 = 4_000.0;
const TIMEOUT_LEAST: Micros = 200_000;

/// The end that sends without end.
pub struct Sender {
    next: u32,
    flying: BTreeMap<u32, Flying>,
    again: BTreeSet<u32>,
    window: f64,
    threshold: f64,
    /// The window at the last loss, and when that was.
    most: f64,
    epoch: Option<Micros>,
    recover: u32,
    rtt: Micros,
    heard: Micros,
}

#[derive(Clone, Copy)]
struct Flying {
    at: Micros,
    order: u64,
    again: bool,
}

/// The end that receives.
#[derive(Default)]
pub struct Receiver {
    next: u32,
    beyond: BTreeSet<u32>,
}

impl Sender {
    pub fn new() -> Sender {
        Sender {
            next: 1,
            flying: BTreeMap::new(),
            again: BTreeSet::new(),
            window: 10.0,
            threshold: f64::MAX,
            most: 0.0,
            epoch: None,
            recover: 0,
            rtt: 0,
            heard: 0,
        }
    }

    /// The packet that it sends now, if any.
    pub fn send(&mut self, now: Micros) -> Option<u32> {
        if self.flying.len() as f64 >= self.window.min(WINDOW) {
            return None;
        }
        let (number, again) = match self.again.pop_first() {
            Some(number) => (number, true),
            None => {
                self.next += 1;
                (self.next - 1, false)
            }
        };
        if self.flying.is_empty() {
            self.heard = now;
        }
        let order = now;
        self.flying.insert(number, Flying { at: now, order, again });
        Some(number)
    }

    pub fn deadline(&self) -> Option<Micros> {
        (!self.flying.is_empty()).then(|| self.heard + (2 * self.rtt).max(TIMEOUT_LEAST))
    }

    pub fn handle_deadline(&mut self, now: Micros) {
        if self.deadline().is_some_and(|deadline| deadline <= now) {
            self.threshold = (self.window * BETA).max(2.0);
            self.most = self.window;
            self.window = 1.0;
            self.epoch = None;
            self.again.extend(std::mem::take(&mut self.flying).keys());
            self.recover = self.next;
            self.heard = now;
        }
    }

    /// All below `next` came, and `echo` did.
    pub fn acknowledge(&mut self, next: u32, echo: u32, now: Micros) {
        self.heard = now;
        let echoed = self.flying.get(&echo).copied();
        if let Some(flying) = echoed
            && !flying.again
        {
            let rtt = now - flying.at;
            self.rtt = if self.rtt == 0 { rtt } else { (7 * self.rtt + rtt) / 8 };
        }
        let before = self.flying.len() + self.again.len();
        self.flying.remove(&echo);
        self.again.remove(&echo);
        self.flying.retain(|number, _| *number >= next);
        self.again.retain(|number| *number >= next);
        let came = before - self.flying.len() - self.again.len();
        if let Some(echoed) = echoed {
            let lost: Vec<u32> = self
                .flying
                .range(..echo.saturating_sub(DUPLICATES))
                .filter(|(_, flying)| {
                    flying.order < echoed.order && (!flying.again || flying.at + self.rtt < echoed.at)
                })
                .map(|(number, _)| *number)
                .collect();
            for number in lost {
                self.flying.remove(&number);
                self.again.insert(number);
                if number >= self.recover {
                    self.recover = self.next;
                    self.most = self.window;
                    self.window = (self.window * BETA).max(2.0);
                    self.threshold = self.window;
                    self.epoch = None;
                }
            }
        }
        self.grow(came as f64, now);
    }

    fn grow(&mut self, came: f64, now: Micros) {
        if self.window < self.threshold {
            self.window += came;
            return;
        }
        let since = (now - *self.epoch.get_or_insert(now)) as f64 / 1e6;
        let delay = (self.most * (1.0 - BETA) / SCALE).cbrt();
        let rtt = self.rtt as f64 / 1e6;
        let cubic = SCALE * (since + rtt - delay).powi(3) + self.most.max(self.window.min(self.most));
        let reno = self.most * BETA + 3.0 * (1.0 - BETA) / (1.0 + BETA) * since / rtt.max(1e-3);
        let target = cubic.max(reno).min(self.window * 1.5);
        if target > self.window {
            self.window += (target - self.window) / self.window * came;
        }
    }
}

impl Receiver {
    /// A packet came; up to which one all are there now.
    pub fn take(&mut self, number: u32) -> u32 {
        if self.next == 0 {
            self.next = 1;
        }
        if number >= self.next {
            self.beyond.insert(number);
        }
        while self.beyond.remove(&self.next) {
            self.next += 1;
        }
        self.next
    }

    /// Packets that came in order.
    pub fn whole(&self) -> u32 {
        self.next.saturating_sub(1)
    }
}
