//! Mixes of the last units, for as long as they are too few for blocks: every few units one more, so that each unit that
//! gets lost is told within a round trip, before it could be sent again.

use super::profile::Measures;
use super::{FlowKind, Micros};
use std::collections::{BTreeSet, VecDeque};

/// How far back a mix reaches, as part of a round trip, at least and at most.
const REACH: (Micros, Micros) = (7, 8);
const REACH_LEAST: Micros = 8_000;
const REACH_MOST: Micros = 60_000;
/// How long after a unit its mix goes out, as part of a round trip, at least and at most: what is lost is often lost in a row.
const APART: Micros = 8;
const APART_LEAST: Micros = 1_000;
const APART_MOST: Micros = 5_000;
/// The round trip and the loss before they are known.
const RTT: Micros = 50_000;
const LOSS: f64 = 0.1;
/// Units that a mix has at most. When as many follow one another within the first time, blocks are better, because coding
/// them is less work; until it takes them the second one.
const UNITS: usize = 64;
const DENSE: Micros = 15_000;
const SPARSE: Micros = 30_000;
/// Mixes that are remembered.
const MOST: usize = 64;
/// The mean of the units within reach moves that much with each, and is of no use after such a silence.
const WEIGHT: f64 = 1.0 / 16.0;
const SILENCE: Micros = 250_000;
/// Mixes for each unit, at most; and the share of units that may be late, so that it is less than one in a hundred.
const MOST_SHARE: f64 = 1.25;
const LATE: f64 = 0.008;

pub struct Mixes {
    measures: Measures,
    rtt: Micros,
    loss: f64,
    /// When the last units were sent, and the number of the next one.
    recent: VecDeque<Micros>,
    next: u64,
    /// Those before the first and from the second on are not mixed.
    first: u64,
    end: u64,
    dense: bool,
    /// Share of the last units whose order matters.
    ordered: f64,
    /// Mean of the units within reach.
    crowd: f64,
    /// Mixes that may be sent by now, when the next one is, and that this is not put off any more.
    credit: f64,
    due: Option<Micros>,
    firm: bool,
    seed: u8,
    /// Those that are to be sent, on their way or came, in order.
    sent: VecDeque<Sent>,
    named: u64,
    /// Units that were lost and are not known to be restored.
    missing: BTreeSet<u64>,
}

/// Units in a row that are to be mixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub name: u64,
    pub first: u64,
    pub units: u8,
    pub seed: u8,
}

/// What is known of a unit that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Restored(u64),
    /// No mix is left for it.
    Lost(u64),
}

struct Sent {
    name: u64,
    first: u64,
    last: u64,
    came: bool,
}

impl Mixes {
    pub fn new(measures: Measures) -> Mixes {
        Mixes {
            measures,
            rtt: RTT,
            loss: LOSS,
            recent: VecDeque::new(),
            next: 0,
            first: 0,
            end: 0,
            dense: false,
            ordered: 0.0,
            crowd: 0.0,
            credit: 0.0,
            due: None,
            firm: false,
            seed: 0,
            sent: VecDeque::new(),
            named: 0,
            missing: BTreeSet::new(),
        }
    }

    /// The smoothed round trip, and the share of records that are lost.
    pub fn set_line(&mut self, rtt: Micros, loss: f64) {
        self.rtt = rtt;
        self.loss = loss;
    }

    /// A unit goes out that is to be restored if it gets lost; whether by mixes. `block`: one is open.
    pub fn cover(&mut self, unit: u64, kind: FlowKind, block: bool, now: Micros) -> bool {
        if unit != self.next {
            self.recent.clear();
            self.first = unit;
        }
        if self.recent.back().is_none_or(|last| *last + SILENCE < now) {
            self.crowd = 0.0;
        }
        if self.recent.len() == UNITS {
            self.recent.pop_front();
        }
        self.next = unit + 1;
        self.recent.push_back(now);
        let (part, whole) = REACH;
        let reach = (self.rtt * part / whole).clamp(REACH_LEAST, REACH_MOST);
        let within = self.recent.len() - self.recent.partition_point(|at| *at + reach <= now);
        self.first = self.first.max(self.next - within as u64);
        let full = self.recent.front().filter(|_| self.recent.len() == UNITS);
        let dense = if self.dense { SPARSE } else { DENSE };
        self.dense = full.is_some_and(|first| now < *first + dense);
        self.ordered += (f64::from(u8::from(kind == FlowKind::Tcp)) - self.ordered) * WEIGHT;
        if self.dense || block {
            self.end_mixing(now);
            return false;
        }
        if self.end != unit {
            self.first = unit;
        }
        self.end = self.next;
        let crowd = within as f64;
        self.crowd += (crowd - self.crowd) * WEIGHT;
        self.credit += self.share(crowd.max(self.crowd));
        if !self.firm && self.credit >= 0.5 {
            self.due = Some(now + (self.rtt / APART).clamp(APART_LEAST, APART_MOST));
            self.firm = self.credit >= 1.0;
        }
        true
    }

    /// The first unit that a mix may still have.
    pub fn start(&self) -> u64 {
        self.first
    }

    /// When the next mix is to be made.
    pub fn deadline(&self) -> Option<Micros> {
        self.due
    }

    /// The next mix that is to be made by now.
    pub fn plan(&mut self, now: Micros) -> Option<Plan> {
        self.due.filter(|due| *due <= now)?;
        if self.credit < 0.5 || self.end <= self.first {
            self.due = None;
            self.firm = false;
            return None;
        }
        self.credit -= 1.0;
        self.seed = self.seed.wrapping_add(1);
        self.named += 1;
        let first = self.first;
        Some(Plan { name: self.named, first, units: (self.end - first) as u8, seed: self.seed })
    }

    /// A mix is on its way.
    pub fn note(&mut self, plan: &Plan) {
        if self.sent.len() == MOST {
            self.sent.pop_front();
        }
        let last = plan.first + u64::from(plan.units) - 1;
        self.sent.push_back(Sent { name: plan.name, first: plan.first, last, came: false });
    }

    /// What became of a mix.
    pub fn settle(&mut self, name: u64, came: bool) {
        let Some(at) = self.sent.iter().position(|sent| sent.name == name) else { return };
        if came {
            self.sent[at].came = true;
        } else {
            self.sent.remove(at);
        }
    }

    /// A mixed unit is lost.
    pub fn miss(&mut self, unit: u64) {
        self.missing.insert(unit);
    }

    /// It came after all.
    pub fn find(&mut self, unit: u64) {
        self.missing.remove(&unit);
    }

    /// The next missing unit of which there is nothing left to wait for. The other end solves as many units as it has mixes
    /// with them, so each missing one takes the first mix that it is in.
    pub fn judge(&mut self) -> Option<Fate> {
        let mut at = 0;
        for unit in &self.missing {
            let unit = *unit;
            while self.sent.get(at).is_some_and(|sent| sent.last < unit) {
                at += 1;
            }
            let fate = match self.sent.get(at).filter(|sent| sent.first <= unit) {
                None => Fate::Lost(unit),
                Some(sent) if sent.came => {
                    self.sent.remove(at);
                    Fate::Restored(unit)
                }
                Some(_) => {
                    at += 1;
                    continue;
                }
            };
            self.missing.remove(&unit);
            return Some(fate);
        }
        None
    }

    /// Nothing passes: what was sent is not mixed any more.
    pub fn rest(&mut self) {
        self.recent.clear();
        self.first = self.next;
        self.due = None;
    }

    /// Blocks take over. The mix that is to come is made at once.
    fn end_mixing(&mut self, now: Micros) {
        match &mut self.due {
            Some(due) => *due = now,
            None => self.first = self.next,
        }
    }

    /// Mixes for each unit, with so many units in a row of which each may tell of the others. Found by trial: nine in ten
    /// lost ones are told in time with as many; or ninety-nine, where order matters, because others wait for what is late. More
    /// than the profile's part only where one in a hundred would be late.
    fn share(&self, units: f64) -> f64 {
        let lost = units * self.loss;
        let nine = (0.55 + 0.5 / units + 1.8 * lost.sqrt() + 0.9 * lost) / units;
        let enough = self.measures.eager * nine.min(MOST_SHARE);
        let needed = if self.measures.copies { enough * (1.0 - LATE / self.loss) / 0.92 } else { 0.0 };
        let wanted = if self.ordered < 0.5 {
            enough
        } else {
            self.measures.eager * (0.75 + 3.4 * lost.sqrt() + 0.6 * lost) / units
        };
        wanted.min(needed.max(self.measures.parity))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::*;
    use FlowKind::Other;

    /// Units each so often; how many mixes that makes for each.
    fn share(every: Micros, loss: f64, profile: Profile) -> f64 {
        let mut mixes = Mixes::new(profile.measures());
        mixes.set_line(20_000, loss);
        let mut made = 0;
        for at in 0..1_000 {
            let now = at * every;
            while mixes.deadline().is_some_and(|due| due <= now) {
                made += u32::from(mixes.plan(now).is_some());
            }
            assert!(mixes.cover(at, Other, false, now), "blocks at {at}");
        }
        f64::from(made) / 1_000.0
    }

    #[test]
    fn p14_the_more_units_within_a_round_trip_the_fewer_mixes() {
        let shares = [20_000, 10_000, 4_800, 1_200, 600].map(|every| share(every, 0.1, Profile::Balanced));
        assert!(shares.is_sorted_by(|more, less| more > less), "{shares:?}");
        assert!(shares[0] > 1.0 && shares[2] < 0.6 && shares[3] < 0.3, "{shares:?}");
        assert!(share(20_000, 0.01, Profile::Balanced) <= 0.4);
        assert!(share(20_000, 0.1, Profile::Saving) <= 0.2);
        assert!(share(1_200, 0.1, Profile::Fast) > shares[3]);
    }

    #[test]
    fn p14_close_units_go_into_blocks_until_they_come_apart() {
        let mut mixes = Mixes::new(Profile::Balanced.measures());
        mixes.set_line(20_000, 0.1);
        let mixed = (0..200).map(|at| mixes.cover(at, Other, false, at * 100)).filter(|mixed| *mixed).count();
        assert_eq!(mixed, UNITS - 1);
        assert!(!mixes.cover(200, Other, false, 24_000));
        assert!(mixes.cover(201, Other, false, 60_000));
        assert!(!mixes.cover(202, Other, true, 60_000), "part of a block that is open");
        assert!(mixes.cover(203, Other, false, 61_000));
        assert_eq!(mixes.start(), 203);
    }

    #[test]
    fn p14_every_missing_unit_takes_a_mix_or_is_sent_again() {
        let mut mixes = Mixes::new(Profile::Balanced.measures());
        for (name, first) in [(1, 10), (2, 11), (3, 12)] {
            mixes.note(&Plan { name, first, units: 5, seed: 0 });
        }
        mixes.settle(1, true);
        [10, 11, 12].into_iter().for_each(|unit| mixes.miss(unit));
        assert_eq!((mixes.judge(), mixes.judge()), (Some(Fate::Restored(10)), None));
        mixes.settle(2, false);
        assert_eq!((mixes.judge(), mixes.judge()), (Some(Fate::Lost(11)), None));
        mixes.settle(3, true);
        assert_eq!((mixes.judge(), mixes.judge()), (Some(Fate::Restored(12)), None));
    }
}
