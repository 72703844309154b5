//! All flows of a realm that the filter knows: many shards, each behind its own lock and of limited size.

use super::flow::{Flow, Key};
use super::fragments::Fragments;
use super::recency::{Place, Recency};
use super::rules::Rules;
use super::subject::{Ends, Nature, RST, SYN, Subject};
use crate::packet::ip::TCP;
use crate::session::Millis;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 64;
/// Flows of one shard by their lanes: begun by peers and not answered, answered; begun here and not answered, answered. So
/// peers push out what peers began, and whoever opens many only what was not answered.
const LANES: [usize; 4] = [512, 2_048, 512, 2_048];
/// Entries whose time is over that go with each new one.
const TIDIED: usize = 2;

/// Ports from which systems open connections, as a rule; services listen below.
const OWN_PORTS: u16 = 32_768;

/// Flows, shared by successive filters.
pub struct Flows {
    shards: Vec<Mutex<Shard>>,
    spread: u64,
    pub fragments: Fragments,
}

/// The rules that flows are held against.
#[derive(Clone, Copy)]
pub struct Judge<'a> {
    /// Another number with other rules.
    pub generation: u64,
    pub rules: &'a Rules,
}

impl Flows {
    pub fn new() -> Flows {
        let shards = (0..SHARDS).map(|_| Mutex::new(Shard::new())).collect();
        // Odd, so that it loses nothing, and secret, so that nobody fills one shard on purpose.
        Flows { shards, spread: RandomState::new().hash_one(0) | 1, fragments: Fragments::new() }
    }

    /// A packet of this machine: begins a flow or goes on with one.
    pub fn send(&self, subject: &Subject, judge: &Judge<'_>, now: Millis) {
        let key = Key::of(&subject.ends);
        let mut shard = self.shard(&key);
        if let Some(place) = shard.current(&key, judge, now) {
            let flow = shard.flows.at(place);
            let ended = flow.is_ended();
            if !ended && !flow.is_reopened(subject) {
                shard.go_on((key, place), subject, now);
                return;
            }
            if ended && !subject.is_opening() {
                return;
            }
        } else if !may_begin(subject) {
            return;
        }
        shard.begin(key, Flow::new(subject, false, judge.generation, now), now);
    }

    /// Whether a packet of a peer may pass: as part of a flow, or by the rules, and then it begins one.
    pub fn receive(&self, subject: &Subject, judge: &Judge<'_>, now: Millis) -> bool {
        let key = Key::of(&subject.ends);
        let mut shard = self.shard(&key);
        if let Some(place) = shard.current(&key, judge, now) {
            let flow = shard.flows.at(place);
            if flow.is_ended() {
                // It only helps this machine's end to notice.
                if subject.has_flag(RST) {
                    return true;
                }
            } else if !flow.is_reopened(subject) {
                shard.go_on((key, place), subject, now);
                return true;
            }
        }
        let allowed = judge.rules.allow(&subject.ends);
        if allowed && !subject.has_flag(RST) {
            shard.begin(key, Flow::new(subject, true, judge.generation, now), now);
        }
        allowed
    }

    /// Whether there is such a flow that the rules still stand for.
    pub fn is_known(&self, ends: &Ends, judge: &Judge<'_>, now: Millis) -> bool {
        let key = Key::of(ends);
        let mut shard = self.shard(&key);
        shard.current(&key, judge, now).is_some_and(|place| !shard.flows.at(place).is_ended())
    }

    fn shard(&self, key: &Key) -> MutexGuard<'_, Shard> {
        let at = key.fold().wrapping_mul(self.spread) >> 32;
        self.shards[at as usize % SHARDS].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a packet of this machine that fits no flow begins one. TCP whose beginning was not seen may be the answer to
/// somebody whom the rules refuse; only its port tells who began.
fn may_begin(subject: &Subject) -> bool {
    let ends = &subject.ends;
    match subject.nature {
        Nature::Tcp(flags) if flags & RST != 0 => false,
        Nature::Tcp(flags) if flags & SYN == 0 => {
            ends.protocol == TCP && ends.source_port >= OWN_PORTS && ends.destination_port < OWN_PORTS
        }
        Nature::Tcp(_) => subject.is_opening(),
        _ => true,
    }
}

struct Shard {
    flows: Recency<Key, Flow, { LANES.len() }>,
}

impl Shard {
    fn new() -> Shard {
        Shard { flows: Recency::new(LANES) }
    }

    /// The flow, held against the present rules; its time is not over.
    fn current(&mut self, key: &Key, judge: &Judge<'_>, now: Millis) -> Option<Place> {
        let place = self.flows.touch(key)?;
        let flow = self.flows.at(place);
        if flow.is_over(now) {
            self.flows.remove(key);
            return None;
        }
        if flow.generation != judge.generation {
            flow.generation = judge.generation;
            if flow.judged().is_some_and(|ends| !judge.rules.allow(ends)) {
                flow.end(now);
            }
        }
        Some(place)
    }

    /// Another packet of it; the first that answers it moves it to the answered ones.
    fn go_on(&mut self, (key, place): (Key, Place), subject: &Subject, now: Millis) {
        let flow = self.flows.at(place);
        let before = flow.lane();
        flow.take(subject, now);
        let (flow, lane) = (*flow, flow.lane());
        if lane != before {
            self.flows.insert(key, flow, lane);
        }
    }

    fn begin(&mut self, key: Key, flow: Flow, now: Millis) {
        for lane in 0..LANES.len() {
            for _ in 0..TIDIED {
                let Some((old, _)) = self.flows.oldest(lane).filter(|(_, flow)| flow.is_over(now)) else {
                    break;
                };
                let old = *old;
                self.flows.remove(&old);
            }
        }
        self.flows.insert(key, flow, flow.lane());
    }
}
