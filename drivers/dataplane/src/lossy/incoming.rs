//! The receiving half: hands datagrams over once each, TCP's in the order of their flow, and restores lost ones.

use super::Micros;
use super::buffers::Buffers;
use super::equations::Equations;
use super::field::{add_multiple, weight};
use super::record::{Mix, PREFIX, Parity, Unit, datagrams, expand, shard_length, shard_prefix};
use super::record::{begin_shard, finish_shard};
use super::restore::Restore;
use std::collections::VecDeque;

/// Units that are remembered: one that is older never comes again.
const MOST: usize = 8_192;
/// Units that are kept for blocks that are not complete, and for how long.
const KEPT: usize = 4_096;
const KEEP: Micros = 500_000;
/// Units that wait for the one before them.
const HELD: usize = 4_096;

pub struct Incoming {
    order: bool,
    units: VecDeque<Arrived>,
    /// Number of the first in `units`; 0 before any came.
    base: u64,
    /// Units that wait, and how long at most; and those that are kept and since when, both oldest first.
    held: VecDeque<(u64, Micros)>,
    kept: VecDeque<(u64, Micros)>,
    restore: Restore,
    equations: Equations,
    ready: Vec<(u64, Vec<u8>)>,
    buffers: Buffers,
}

/// What is known of a unit.
#[derive(Default)]
struct Arrived {
    came: bool,
    delivered: bool,
    /// Its block may need it.
    kept: bool,
    /// How many numbers behind it the one is that waits for it; 0: none.
    waiter: u16,
    shard: Option<Vec<u8>>,
}

impl Incoming {
    pub fn new(order: bool) -> Incoming {
        Incoming {
            order,
            units: VecDeque::new(),
            base: 0,
            held: VecDeque::new(),
            kept: VecDeque::new(),
            restore: Restore::default(),
            equations: Equations::default(),
            ready: Vec::new(),
            buffers: Buffers::default(),
        }
    }

    /// A unit came.
    pub fn take(&mut self, unit: &Unit, payload: &[u8], now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        let Some(number) = self.place(unit.unit) else { return };
        if self.at(number).is_none_or(|known| known.came) {
            return;
        }
        let waits = self.waits(number, unit.previous);
        if waits || unit.covered {
            let mut shard = self.buffers.take();
            begin_shard(&mut shard);
            shard.extend_from_slice(payload);
            finish_shard(&mut shard, unit.previous, unit.bundle);
            let known = self.known(number);
            known.came = true;
            known.kept = unit.covered;
            known.shard = Some(shard);
        } else {
            self.known(number).came = true;
        }
        if unit.covered {
            self.kept.push_back((number, now));
        }
        if waits {
            self.hold(number, unit.previous, now + unit.hold);
        } else {
            datagrams(payload, unit.bundle).for_each(&mut *deliver);
            self.pass(number, deliver);
        }
        if unit.covered {
            self.complete(number, now, unit.hold, deliver);
            self.learn(number, now, deliver);
            self.tidy(now);
        }
    }

    /// A mix came.
    pub fn take_mix(&mut self, mix: &Mix, shard: &[u8], now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        let last = u64::from(mix.units) - 1;
        let Some(end) = self.place(mix.first.wrapping_add(u32::from(mix.units) - 1)) else { return };
        let Some(first) = end.checked_sub(last).filter(|first| *first >= self.base) else { return };
        if self.count(first, mix.units) == usize::from(mix.units) {
            return;
        }
        let mut sum = self.buffers.take();
        sum.extend_from_slice(shard);
        let mut terms = Vec::new();
        for number in first..=end {
            let weight = weight(number as u32, mix.seed);
            match self.at(number) {
                Some(Arrived { came: true, shard: Some(known), .. }) => add_multiple(&mut sum, known, weight),
                Some(Arrived { came: false, .. }) => terms.push((number, weight)),
                // What came, but is not kept any more, cannot be taken out.
                _ => return self.buffers.put(sum),
            }
        }
        self.equations.add(terms, sum, now, &mut self.buffers);
        self.take_solved(now, deliver);
    }

    /// A parity shard came.
    pub fn take_parity(
        &mut self,
        parity: &Parity,
        shard: &[u8],
        now: Micros,
        deliver: &mut dyn FnMut(&[u8]),
    ) {
        let last = u64::from(parity.units) - 1;
        let Some(end) = self.place(parity.first.wrapping_add(u32::from(parity.units) - 1)) else { return };
        let Some(first) = end.checked_sub(last).filter(|first| *first >= self.base) else { return };
        let came = self.count(first, parity.units);
        if came == usize::from(parity.units) {
            self.free(first, parity.units);
            return;
        }
        let mut copy = self.buffers.take();
        copy.extend_from_slice(shard);
        self.restore.add(first, parity, copy, now, &mut self.buffers);
        self.complete(first, now, KEEP, deliver);
    }

    /// When a unit has waited long enough.
    pub fn deadline(&self) -> Option<Micros> {
        self.held.front().map(|(_, until)| *until)
    }

    /// Hands over what has waited long enough.
    pub fn handle_deadline(&mut self, now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        while let Some((number, until)) = self.held.front().copied() {
            let done = self.at(number).is_none_or(|known| known.delivered);
            if !done && until > now {
                break;
            }
            self.held.pop_front();
            if !done {
                self.hand_over(number, deliver);
            }
        }
        self.tidy(now);
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        let shards =
            self.units.iter().filter_map(|unit| unit.shard.as_ref()).map(Vec::capacity).sum::<usize>();
        shards
            + self.units.len()
            + self.held.len()
            + self.kept.len()
            + self.buffers.held()
            + self.restore.held()
            + self.equations.held()
    }

    /// Nothing passes: gives memory back.
    pub fn rest(&mut self, now: Micros) {
        self.tidy(now);
        if self.held.is_empty()
            && self.kept.is_empty()
            && self.restore.is_empty()
            && self.equations.is_empty()
        {
            self.buffers.rest();
        }
    }

    /// The whole number of a unit, with a place for it; `None`: too old.
    fn place(&mut self, low: u32) -> Option<u64> {
        if self.base == 0 {
            // Those just before the first that came may have been overtaken by it.
            self.base = ((1 << 32) | u64::from(low)) - MOST as u64 / 4;
        }
        let end = self.base + self.units.len() as u64;
        let number = expand(low, end);
        if number < self.base {
            return None;
        }
        if number >= end + MOST as u64 {
            self.start_over(number - MOST as u64 / 4);
        }
        while self.base + self.units.len() as u64 <= number {
            if self.units.len() >= MOST {
                self.drop_oldest();
            }
            self.units.push_back(Arrived::default());
        }
        Some(number)
    }

    fn start_over(&mut self, base: u64) {
        while !self.units.is_empty() {
            self.drop_oldest();
        }
        self.base = base;
    }

    fn drop_oldest(&mut self) {
        if let Some(Arrived { shard: Some(shard), .. }) = self.units.pop_front() {
            self.buffers.put(shard);
        }
        self.base += 1;
    }

    fn at(&self, number: u64) -> Option<&Arrived> {
        number.checked_sub(self.base).and_then(|at| self.units.get(at as usize))
    }

    fn known(&mut self, number: u64) -> &mut Arrived {
        &mut self.units[(number - self.base) as usize]
    }

    /// Whether the unit has to wait for the one before it.
    fn waits(&self, number: u64, previous: u16) -> bool {
        if previous == 0 || !self.order || self.held.len() >= HELD {
            return false;
        }
        let before = number.checked_sub(u64::from(previous)).and_then(|before| self.at(before));
        before.is_some_and(|before| !before.delivered && before.waiter == 0)
    }

    fn hold(&mut self, number: u64, previous: u16, until: Micros) {
        self.known(number - u64::from(previous)).waiter = previous;
        self.held.push_back((number, until));
    }

    /// The unit's datagrams were handed over: now those that waited for it.
    fn pass(&mut self, number: u64, deliver: &mut dyn FnMut(&[u8])) {
        let known = self.known(number);
        known.delivered = true;
        let waiter = std::mem::take(&mut known.waiter);
        if waiter > 0 {
            self.hand_over(number + u64::from(waiter), deliver);
        }
    }

    /// Hands over a unit that came before, and all that waited for it.
    fn hand_over(&mut self, number: u64, deliver: &mut dyn FnMut(&[u8])) {
        let mut number = number;
        loop {
            let Some(known) = number.checked_sub(self.base).and_then(|at| self.units.get_mut(at as usize))
            else {
                return;
            };
            if !known.came || known.delivered {
                return;
            }
            known.delivered = true;
            let waiter = std::mem::take(&mut known.waiter);
            if let Some(shard) = &known.shard {
                let (_, bundle) = shard_prefix(shard);
                datagrams(&shard[PREFIX..], bundle).for_each(&mut *deliver);
            }
            if !known.kept
                && let Some(shard) = known.shard.take()
            {
                self.buffers.put(shard);
            }
            if waiter == 0 {
                return;
            }
            number += u64::from(waiter);
        }
    }

    /// How many units of a block came.
    fn count(&self, first: u64, units: u8) -> usize {
        (first..first + u64::from(units))
            .filter(|unit| self.at(*unit).is_some_and(|known| known.came))
            .count()
    }

    /// A block is complete: its units are not kept any longer.
    fn free(&mut self, first: u64, units: u8) {
        for number in first..first + u64::from(units) {
            self.let_go(number);
        }
        self.restore.end(first, &mut self.buffers);
    }

    fn let_go(&mut self, number: u64) {
        let Some(known) = number.checked_sub(self.base).and_then(|at| self.units.get_mut(at as usize)) else {
            return;
        };
        known.kept = false;
        if known.delivered
            && let Some(shard) = known.shard.take()
        {
            self.buffers.put(shard);
        }
    }

    /// Restores the block that this unit is part of, when enough of it came.
    fn complete(&mut self, number: u64, now: Micros, hold: Micros, deliver: &mut dyn FnMut(&[u8])) {
        let Some((first, units, parities)) = self.restore.find(number) else { return };
        if first < self.base || first + u64::from(units) > self.base + self.units.len() as u64 {
            return self.restore.end(first, &mut self.buffers);
        }
        let came = self.count(first, units);
        if came < usize::from(units) && came + parities < usize::from(units) {
            return;
        }
        if came < usize::from(units) {
            let start = (first - self.base) as usize;
            let shards = self.units.range_mut(start..start + usize::from(units)).enumerate();
            let shards = shards.filter_map(|(index, known)| known.shard.as_mut().map(|shard| (index, shard)));
            let (ready, buffers) = (&mut self.ready, &mut self.buffers);
            // A block whose parts do not fit one another is given up like one that is complete.
            let _ = self.restore.decode(first, shards, |index, shard| {
                if let Some(length) = shard_length(shard) {
                    let mut copy = buffers.take();
                    copy.extend_from_slice(&shard[..length]);
                    ready.push((first + index as u64, copy));
                }
            });
        }
        self.free(first, units);
        let mut ready = std::mem::take(&mut self.ready);
        for (number, shard) in ready.drain(..) {
            self.take_restored(number, shard, now + hold, deliver);
        }
        self.ready = ready;
    }

    /// A unit came: perhaps mixes tell another one now.
    fn learn(&mut self, number: u64, now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        if self.equations.is_empty() {
            return;
        }
        let at = number.checked_sub(self.base).and_then(|at| self.units.get(at as usize));
        if let Some(Arrived { shard: Some(shard), .. }) = at {
            self.equations.learn(number, shard, &mut self.buffers);
            self.take_solved(now, deliver);
        }
    }

    fn take_solved(&mut self, now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        while let Some((number, mut shard)) = self.equations.solve() {
            let Some(length) = shard_length(&shard) else {
                self.buffers.put(shard);
                continue;
            };
            shard.truncate(length);
            // Those to come may contain it.
            if let Some(known) = number.checked_sub(self.base).and_then(|at| self.units.get_mut(at as usize))
            {
                known.kept = true;
                self.kept.push_back((number, now));
            }
            self.take_restored(number, shard, now + KEEP, deliver);
        }
    }

    fn take_restored(&mut self, number: u64, shard: Vec<u8>, until: Micros, deliver: &mut dyn FnMut(&[u8])) {
        if self.at(number).is_none_or(|known| known.came) {
            return self.buffers.put(shard);
        }
        let (previous, _) = shard_prefix(&shard);
        let waits = self.waits(number, previous);
        let known = self.known(number);
        known.came = true;
        known.shard = Some(shard);
        if waits {
            self.hold(number, previous, until);
        } else {
            self.hand_over(number, deliver);
        }
    }

    /// Lets go what was kept for too long.
    fn tidy(&mut self, now: Micros) {
        while let Some((number, since)) = self.kept.front().copied() {
            let over = now >= since + KEEP || self.kept.len() > KEPT;
            if !over && self.at(number).is_some_and(|known| known.kept) {
                break;
            }
            self.kept.pop_front();
            self.let_go(number);
        }
        self.restore.tidy(now, &mut self.buffers);
        self.equations.tidy(now, &mut self.buffers);
    }
}
