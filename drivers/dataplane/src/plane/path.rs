//! One path as its probes show it: proved or not, round trip, loss.

use crate::endpoint::Endpoint;
use crate::session::Millis;
use std::collections::VecDeque;

/// Probes over which loss is counted.
const HISTORY: usize = 20;
/// Round trips among which the smallest is looked for.
const RECENT: usize = 10;
/// Without a measurement a probe counts as unanswered after this.
pub const FIRST_TIMEOUT: Millis = 1_000;
/// Scheduling on a busy machine takes this long at times.
const SHORTEST_TIMEOUT: Millis = 100;

/// Measurements of one path; times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub endpoint: Endpoint,
    pub rtt_millis: Option<f64>,
    pub min_rtt_millis: Option<f64>,
    /// 0–1.
    pub loss: f64,
    pub jitter_millis: Option<f64>,
    /// 0–1: of ours on the way there, and of the peer's on the way here.
    pub loss_out: Option<f64>,
    pub loss_in: Option<f64>,
    /// Largest inner IP packet that passes whole; `None` while it is searched.
    pub mtu: Option<u16>,
    /// On the clock of [`Millis`].
    pub last_echo: Option<Millis>,
}

/// A path that is probed.
pub struct Path {
    pub endpoint: Endpoint,
    pub interval: Millis,
    pub next: Millis,
    pub proved: bool,
    pub smoothed: Option<f64>,
    variation: f64,
    recent: VecDeque<f64>,
    /// Newest last: whether the echo came. Probes under way are not in it.
    history: VecDeque<(u64, bool)>,
    pub unanswered: u32,
    /// When the first of the unanswered probes left.
    pub silent_since: Millis,
    last_echo: Option<Millis>,
    /// Probed since the last summary.
    pub probed: bool,
}

impl Path {
    pub fn new(endpoint: Endpoint, interval: Millis, now: Millis) -> Path {
        Path {
            endpoint,
            interval,
            next: now,
            proved: false,
            smoothed: None,
            variation: 0.0,
            recent: VecDeque::new(),
            history: VecDeque::new(),
            unanswered: 0,
            silent_since: 0,
            last_echo: None,
            probed: false,
        }
    }

    /// Probes at another interval from now on.
    pub fn pace(&mut self, interval: Millis, now: Millis) {
        if self.interval != interval {
            self.interval = interval;
            self.next = self.next.min(now + interval);
        }
    }

    /// How long an echo may take (RFC 6298's estimate, with bounds fit for one path).
    pub fn timeout(&self) -> Millis {
        match self.smoothed {
            Some(smoothed) => {
                ((smoothed + 4.0 * self.variation) as Millis).clamp(SHORTEST_TIMEOUT, FIRST_TIMEOUT)
            }
            None => FIRST_TIMEOUT,
        }
    }

    pub fn echo(&mut self, id: u64, rtt_millis: f64, now: Millis) {
        self.last_echo = Some(now);
        self.unanswered = 0;
        match self.history.iter_mut().find(|(known, _)| *known == id) {
            Some(late) => late.1 = true,
            None => self.remember(id, true),
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(rtt_millis);
        match self.smoothed {
            Some(smoothed) => {
                self.variation += ((smoothed - rtt_millis).abs() - self.variation) / 4.0;
                self.smoothed = Some(smoothed + (rtt_millis - smoothed) / 8.0);
            }
            None => {
                self.variation = rtt_millis / 2.0;
                self.smoothed = Some(rtt_millis);
            }
        }
    }

    pub fn miss(&mut self, id: u64, since: Millis) {
        self.unanswered += 1;
        self.silent_since = since;
        self.remember(id, false);
    }

    fn remember(&mut self, id: u64, answered: bool) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((id, answered));
    }

    pub fn measure(&self) -> Measure {
        let lost = self.history.iter().filter(|(_, answered)| !answered).count();
        Measure {
            endpoint: self.endpoint,
            rtt_millis: self.smoothed,
            min_rtt_millis: self.recent.iter().copied().reduce(f64::min),
            loss: if self.history.is_empty() { 0.0 } else { lost as f64 / self.history.len() as f64 },
            jitter_millis: None,
            loss_out: None,
            loss_in: None,
            mtu: None,
            last_echo: self.last_echo,
        }
    }
}
