//! Records on their way: which came, which are lost, how long they took, and how fast they arrive.

use super::Micros;
use super::record::{Ack, expand};
use std::collections::VecDeque;

/// Records that are remembered; no more are sent while the oldest of so many is on its way.
const MOST: usize = 16_384;
/// How long a lost one is remembered, because it may come yet.
const LINGER: Micros = 250_000;
/// A record is lost when one sent that much later came: between these, and a sixteenth of the round trip at first.
const DISORDER_LEAST: Micros = 1_000;
const DISORDER_MOST: Micros = 100_000;
/// Beyond the round trip and its deviation, an acknowledgement may take that long.
const TAIL: Micros = 5_000;
/// The round trip before it is known.
const UNKNOWN: Micros = 200_000;

pub struct Flight {
    sent: VecDeque<Sent>,
    /// Number of the first in `sent`; and all before this one are settled.
    base: u64,
    unsettled: u64,
    /// Bytes on their way, and all that arrived.
    bytes: u64,
    delivered: u64,
    delivered_at: Micros,
    first_at: Micros,
    /// Until more than that has arrived, it was the sender that had nothing to send.
    limited_until: Option<u64>,
    /// When the latest that came was sent.
    latest: Micros,
    disorder: Micros,
    /// Smoothed round trip and its deviation (RFC 6298); 0 before the first.
    rtt: Micros,
    deviation: Micros,
}

/// What a record carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    Unit(u64),
    /// A parity of that block.
    Parity(u64),
    /// The mix with that name.
    Mix(u64),
}

#[derive(Clone, Copy)]
struct Sent {
    load: Load,
    size: u16,
    state: State,
    limited: bool,
    calm: bool,
    at: Micros,
    /// `Flight::{delivered, delivered_at, first_at}` when it was sent.
    delivered: u64,
    delivered_at: Micros,
    first_at: Micros,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Flying,
    Arrived,
    Lost,
}

/// What became of a record.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    pub load: Load,
    pub arrived: bool,
    /// It was taken for lost, and arrived after all.
    pub late: bool,
    /// It was sent at less than the rate of the line.
    pub calm: bool,
}

/// What an acknowledgement shows about the line.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    pub rtt: Option<Micros>,
    /// Bytes a microsecond that arrived, and whether more was there to be sent.
    pub rate: f64,
    pub limited: bool,
    /// Bytes that had arrived when the acknowledged record was sent, and now.
    pub before: u64,
    pub delivered: u64,
    /// Bytes still on their way.
    pub flying: u64,
}

impl Flight {
    pub fn new(seed: u64) -> Flight {
        let base = (1 << 32) | (seed & 0xffff_ffff);
        Flight {
            sent: VecDeque::new(),
            base,
            unsettled: base,
            bytes: 0,
            delivered: 0,
            delivered_at: 0,
            first_at: 0,
            limited_until: Some(0),
            latest: 0,
            disorder: DISORDER_LEAST,
            rtt: 0,
            deviation: 0,
        }
    }

    /// The number that the next record has.
    pub fn next(&self) -> u64 {
        self.base + self.sent.len() as u64
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The smoothed round trip.
    pub fn rtt(&self) -> Option<Micros> {
        Some(self.rtt).filter(|rtt| *rtt > 0)
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.sent.len()
    }

    /// Whether too many records are remembered to send another one.
    pub fn is_full(&self) -> bool {
        self.sent.len() >= MOST
    }

    /// A record is sent. `calm`: at less than the rate of the line.
    pub fn send(&mut self, load: Load, size: usize, calm: bool, now: Micros) {
        if self.bytes == 0 {
            self.first_at = now;
            self.delivered_at = now;
        }
        self.bytes += size as u64;
        self.sent.push_back(Sent {
            load,
            size: size as u16,
            state: State::Flying,
            limited: self.is_limited(),
            calm,
            at: now,
            delivered: self.delivered,
            delivered_at: self.delivered_at,
            first_at: self.first_at,
        });
    }

    /// More could be sent than there is.
    pub fn note_limited(&mut self) {
        self.limited_until = Some(self.delivered + self.bytes);
    }

    pub fn is_limited(&self) -> bool {
        self.limited_until.is_some()
    }

    /// Takes an acknowledgement; adds what it settles. `None`: it tells nothing new.
    pub fn acknowledge(&mut self, ack: &Ack, now: Micros, settled: &mut Vec<Settled>) -> Option<Sample> {
        let largest = expand(ack.largest, self.next());
        if largest >= self.next() || largest < self.base {
            return None;
        }
        let mut newest = self.arrive(largest, settled).map(|sent| (largest, sent));
        'words: for (index, word) in ack.before.iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                let distance = 1 + index as u64 * 64 + u64::from(word.trailing_zeros());
                word &= word - 1;
                if largest - self.base < distance {
                    break 'words;
                }
                if let Some(sent) = self.arrive(largest - distance, settled) {
                    newest.get_or_insert((largest - distance, sent));
                }
            }
        }
        let (number, sent) = newest?;
        self.latest = self.latest.max(sent.at);
        self.limited_until = self.limited_until.filter(|until| self.delivered <= *until);
        let rtt = (number == largest).then(|| now.saturating_sub(sent.at + ack.delay).max(1));
        if let Some(rtt) = rtt {
            self.smooth(rtt);
        }
        self.first_at = sent.at;
        self.delivered_at = now;
        let interval = (now - sent.delivered_at).max(sent.at.saturating_sub(sent.first_at)).max(1);
        let latest = self.latest.saturating_sub(self.disorder);
        self.lose(latest, settled);
        self.forget(now);
        Some(Sample {
            rtt,
            rate: (self.delivered - sent.delivered) as f64 / interval as f64,
            limited: sent.limited,
            before: sent.delivered,
            delivered: self.delivered,
            flying: self.bytes,
        })
    }

    /// When records are taken for lost if nothing comes.
    pub fn deadline(&self) -> Option<Micros> {
        self.sent.get((self.unsettled - self.base) as usize).map(|sent| sent.at + self.timeout())
    }

    /// Takes for lost what has had no answer for too long.
    pub fn expire(&mut self, now: Micros, settled: &mut Vec<Settled>) {
        if let Some(latest) = now.checked_sub(self.timeout()) {
            self.lose(latest, settled);
        }
        self.forget(now);
    }

    fn timeout(&self) -> Micros {
        match self.rtt {
            0 => UNKNOWN,
            rtt => rtt + (4 * self.deviation).max(TAIL) + self.disorder,
        }
    }

    /// The record came; as it was sent, if that is news of one on its way.
    fn arrive(&mut self, number: u64, settled: &mut Vec<Settled>) -> Option<Sent> {
        let sent = &mut self.sent[(number - self.base) as usize];
        let late = match sent.state {
            State::Arrived => return None,
            State::Flying => false,
            State::Lost => true,
        };
        sent.state = State::Arrived;
        self.delivered += u64::from(sent.size);
        settled.push(Settled { load: sent.load, arrived: true, late, calm: sent.calm });
        if late {
            let most = (self.rtt / 2).clamp(DISORDER_LEAST, DISORDER_MOST);
            self.disorder = (self.disorder + self.disorder / 2).min(most);
            return None;
        }
        self.bytes -= u64::from(sent.size);
        Some(*sent)
    }

    /// What was sent until then and is still on its way is lost.
    fn lose(&mut self, until: Micros, settled: &mut Vec<Settled>) {
        while let Some(sent) = self.sent.get_mut((self.unsettled - self.base) as usize) {
            if sent.state == State::Flying {
                if sent.at > until {
                    break;
                }
                sent.state = State::Lost;
                self.bytes -= u64::from(sent.size);
                settled.push(Settled { load: sent.load, arrived: false, late: false, calm: sent.calm });
            }
            self.unsettled += 1;
        }
    }

    fn forget(&mut self, now: Micros) {
        while let Some(sent) = self.sent.front() {
            let keep = match sent.state {
                State::Flying => true,
                State::Arrived => false,
                State::Lost => sent.at + LINGER + self.rtt > now && self.sent.len() < MOST / 2,
            };
            if keep {
                break;
            }
            self.sent.pop_front();
            self.base += 1;
            self.unsettled = self.unsettled.max(self.base);
        }
    }

    fn smooth(&mut self, rtt: Micros) {
        if self.rtt == 0 {
            self.rtt = rtt;
            self.deviation = rtt / 2;
            self.disorder = (rtt / 16).clamp(DISORDER_LEAST, DISORDER_MOST);
            return;
        }
        self.deviation = (3 * self.deviation + self.rtt.abs_diff(rtt)) / 4;
        self.rtt = (7 * self.rtt + rtt).div_ceil(8);
    }
}
