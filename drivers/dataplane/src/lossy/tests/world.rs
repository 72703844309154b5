//! Two ends of a link, the lines between them, and those who talk over it, under one clock.

use super::line::{Line, Random, Running};
use super::tcp::{Receiver, Sender};
use crate::lossy::{Flow, FlowKind, Lossy, Micros, Parts, Profile};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bytes of a full datagram and of one with an acknowledgement, and what is around a record or a raw packet on the line.
pub const FULL: usize = 1_340;
const SMALL: usize = 92;
pub const AROUND: usize = 65;
const AROUND_RAW: usize = 60;

/// Everything that happens.
pub struct World {
    pub now: Micros,
    pub ends: [Lossy; 2],
    pub lines: [Running; 2],
    pub talks: Vec<Talk>,
    random: Random,
    coming: BinaryHeap<Reverse<Coming>>,
    events: u64,
    record: Vec<u8>,
    idle: u32,
}

/// When something arrives, in which order of those at once, at which end, beside the link or on it, and its bytes.
type Coming = (Micros, u64, usize, bool, Vec<u8>);

/// Somebody at the first end who sends to the second.
pub struct Talk {
    pub from: Micros,
    pub until: Micros,
    /// Beside the link, on the bare line.
    pub raw: bool,
    pub kind: Kind,
}

pub enum Kind {
    /// Datagrams of that size each so often.
    Steady(Steady),
    Tcp(Box<Sender>, Box<Receiver>),
}

/// What is counted of a steady talk.
pub struct Steady {
    pub size: usize,
    /// So many at once, each so often.
    pub burst: u64,
    pub every: Micros,
    pub sent: u64,
    pub came: u64,
    pub twice: u64,
    pub delays: Vec<Micros>,
    seen: Vec<bool>,
    flow: FlowKind,
}

impl World {
    pub fn new(line: Line, seed: u64) -> World {
        World::with(line, Profile::Balanced, Parts::default(), seed)
    }

    pub fn with(line: Line, profile: Profile, parts: Parts, seed: u64) -> World {
        let end = |seed| Lossy::with_parts(profile, parts, seed, 0);
        World {
            now: 0,
            ends: [end(seed.wrapping_mul(0x1234_5678_9abc_def1)), end(u64::MAX - seed)],
            lines: [Running::new(line), Running::new(line)],
            talks: Vec::new(),
            random: Random::new(seed),
            coming: BinaryHeap::new(),
            events: 0,
            record: Vec::new(),
            idle: 0,
        }
    }

    pub fn steady(&mut self, size: usize, every: Micros, flow: FlowKind) -> usize {
        self.talk(Kind::Steady(Steady::new(size, every, flow)), false)
    }

    /// So many UDP packets at once, each so often.
    pub fn bursts(&mut self, size: usize, burst: u64, every: Micros) -> usize {
        let steady = Steady { burst, ..Steady::new(size, every, FlowKind::Other) };
        self.talk(Kind::Steady(steady), false)
    }

    pub fn tcp(&mut self, raw: bool) -> usize {
        self.talk(Kind::Tcp(Box::new(Sender::new()), Box::default()), raw)
    }

    fn talk(&mut self, kind: Kind, raw: bool) -> usize {
        self.talks.push(Talk { from: self.now, until: Micros::MAX, raw, kind });
        self.talks.len() - 1
    }

    /// Packets of a TCP talk that came in order.
    pub fn whole(&self, talk: usize) -> u32 {
        match &self.talks[talk].kind {
            Kind::Tcp(_, receiver) => receiver.whole(),
            Kind::Steady(_) => 0,
        }
    }

    pub fn counts(&self, talk: usize) -> &Steady {
        match &self.talks[talk].kind {
            Kind::Steady(steady) => steady,
            Kind::Tcp(..) => panic!("that is TCP"),
        }
    }

    /// Mbit/s of whole datagrams of a TCP talk during the next so many seconds.
    pub fn megabits(&mut self, talk: usize, seconds: f64) -> f64 {
        let (before, from) = (self.whole(talk), self.now);
        self.run(from + (seconds * 1e6) as Micros);
        f64::from(self.whole(talk) - before) * FULL as f64 * 8.0 / (self.now - from) as f64
    }

    pub fn run(&mut self, until: Micros) {
        while self.now < until {
            self.step();
            let next = self.next();
            assert!(next >= self.now, "time does not go back");
            self.idle = if next == self.now { self.idle + 1 } else { 0 };
            assert!(self.idle < 50, "a deadline that is over stays");
            self.now = next.min(until);
        }
    }

    fn next(&self) -> Micros {
        let ends = self.ends.iter().filter_map(Lossy::deadline);
        let coming = self.coming.peek().map(|Reverse((at, ..))| *at);
        let talks = self.talks.iter().filter_map(|talk| talk.deadline(self.now));
        ends.chain(coming).chain(talks).min().unwrap_or(Micros::MAX).max(self.now)
    }

    fn step(&mut self) {
        let mut delivered: Vec<(usize, Vec<u8>)> = Vec::new();
        while let Some(Reverse((at, ..))) = self.coming.peek()
            && *at <= self.now
            && let Some(Reverse((_, _, end, raw, bytes))) = self.coming.pop()
        {
            if raw {
                delivered.push((end, bytes));
            } else {
                let mut deliver = |datagram: &[u8]| delivered.push((end, datagram.to_vec()));
                self.ends[end].receive(&bytes, self.now, &mut deliver).expect("a record of ours");
            }
        }
        for end in 0..2 {
            if self.ends[end].deadline().is_some_and(|deadline| deadline <= self.now) {
                let mut deliver = |datagram: &[u8]| delivered.push((end, datagram.to_vec()));
                self.ends[end].handle_deadline(self.now, &mut deliver);
            }
        }
        for (end, datagram) in delivered {
            self.take(end, &datagram);
        }
        for talk in 0..self.talks.len() {
            self.speak(talk);
        }
        for end in 0..2 {
            let mut record = std::mem::take(&mut self.record);
            while self.ends[end].transmit(self.now, &mut record) {
                self.send(end, false, record.clone());
            }
            self.record = record;
        }
    }

    fn send(&mut self, from: usize, raw: bool, bytes: Vec<u8>) {
        let size = bytes.len() + if raw { AROUND_RAW } else { AROUND };
        if let Some(at) = self.lines[from].carry(size, self.now, &mut self.random) {
            self.events += 1;
            self.coming.push(Reverse((at, self.events, 1 - from, raw, bytes)));
        }
    }

    fn take(&mut self, end: usize, datagram: &[u8]) {
        let field = |at: usize| u64::from_be_bytes(datagram[at..at + 8].try_into().expect("8 bytes"));
        let index = usize::from(datagram[0]);
        let (number, time) = (field(8), field(16));
        let raw = self.talks[index].raw;
        let mut answer = None;
        match &mut self.talks[index].kind {
            Kind::Steady(steady) => steady.take(number, self.now - time),
            Kind::Tcp(_, receiver) if end == 1 => answer = Some((receiver.take(number as u32), number)),
            Kind::Tcp(sender, _) => sender.acknowledge(number as u32, time as u32, self.now),
        }
        if let Some((next, echo)) = answer {
            let bytes = datagram_of(index, u64::from(next), echo, SMALL);
            self.put(1, index, raw, FlowKind::Tcp, bytes);
        }
    }

    fn put(&mut self, end: usize, talk: usize, raw: bool, kind: FlowKind, bytes: Vec<u8>) {
        if raw {
            self.send(end, true, bytes);
        } else {
            self.ends[end].push(&bytes, Flow { id: talk as u32, kind }, self.now);
        }
    }

    fn speak(&mut self, index: usize) {
        let now = self.now;
        loop {
            let talk = &mut self.talks[index];
            if now < talk.from || now >= talk.until {
                return;
            }
            let (raw, from) = (talk.raw, talk.from);
            let (kind, bytes) = match &mut talk.kind {
                Kind::Steady(steady) => {
                    if now < from + steady.due() {
                        return;
                    }
                    steady.sent += 1;
                    (steady.flow, datagram_of(index, steady.sent, now, steady.size))
                }
                Kind::Tcp(sender, _) => {
                    sender.handle_deadline(now);
                    let Some(number) = sender.send(now) else { return };
                    (FlowKind::Tcp, datagram_of(index, u64::from(number), now, FULL))
                }
            };
            self.put(0, index, raw, kind, bytes);
        }
    }
}

impl Talk {
    fn deadline(&self, now: Micros) -> Option<Micros> {
        if now >= self.until {
            return None;
        }
        match &self.kind {
            Kind::Steady(steady) => Some(self.from + steady.due()),
            Kind::Tcp(sender, _) => Some(sender.deadline().unwrap_or(self.from).max(self.from)),
        }
    }
}

impl Steady {
    fn new(size: usize, every: Micros, flow: FlowKind) -> Steady {
        let (delays, seen) = (Vec::new(), Vec::new());
        Steady { size, burst: 1, every, sent: 0, came: 0, twice: 0, delays, seen, flow }
    }

    /// When the next one is sent, from the beginning on.
    fn due(&self) -> Micros {
        self.sent / self.burst * self.every
    }

    fn take(&mut self, number: u64, delay: Micros) {
        let at = number as usize;
        if self.seen.len() <= at {
            self.seen.resize(at + 1, false);
        }
        if std::mem::replace(&mut self.seen[at], true) {
            self.twice += 1;
            return;
        }
        self.came += 1;
        self.delays.push(delay);
    }

    /// The share that did not come.
    pub fn missing(&self) -> f64 {
        1.0 - self.came as f64 / self.sent.max(1) as f64
    }

    /// The delay that this share of what came stays below.
    pub fn delay(&self, share: f64) -> Micros {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        delays.get(((delays.len() as f64 * share) as usize).min(delays.len() - 1)).copied().unwrap_or(0)
    }
}

fn datagram_of(talk: usize, number: u64, time: u64, size: usize) -> Vec<u8> {
    let mut bytes = vec![talk as u8; size.max(24)];
    bytes[8..16].copy_from_slice(&number.to_be_bytes());
    bytes[16..24].copy_from_slice(&time.to_be_bytes());
    bytes
}
