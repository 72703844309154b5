//! Units until they are surely at the other end: blocks with parity, mixes, and what is sent again.

use super::buffers::Buffers;
use super::code::Encoder;
use super::field::{add_multiple, weight};
use super::flight::Load;
use super::mixes::{Fate, Mixes, Plan};
use super::profile::{Measures, Parts};
use super::record::{HEADER, Mix, PARITIES, Parity, UNITS, Unit, shard_prefix};
use super::{FlowKind, Micros};
use std::collections::VecDeque;

/// Units that are remembered; no new one is sent while the oldest of so many is not settled.
const MOST: usize = 8_192;
/// Times that a unit is sent again, and round trips within which that makes sense.
const RESENDS: u8 = 3;
const WITHIN: Micros = 3;
/// Share of records lost from which on what is sent again goes out more than once.
const LOSING: f64 = 0.02;
/// How long a block stays open, at least and at most; half a round trip between.
const OPEN_LEAST: Micros = 5_000;
const OPEN_MOST: Micros = 10_000;

pub struct Repair {
    parts: Parts,
    measures: Measures,
    units: VecDeque<Sent>,
    /// Number of the first in `units`.
    base: u64,
    blocks: VecDeque<Block>,
    first_block: u64,
    /// Until when the last of `blocks` takes more units.
    open: Option<Micros>,
    again: VecDeque<u64>,
    copies: VecDeque<u64>,
    parity: VecDeque<Shard>,
    mixes: Mixes,
    /// The first unit that mixes may still have.
    mixed: u64,
    encoder: Encoder,
    /// Bytes of parity that are allowed by now.
    credit: f64,
    /// Smoothed round trip.
    rtt: Micros,
    /// The line loses so much that what is sent again gets lost again.
    losing: bool,
}

struct Sent {
    /// `None` once it needs not be sent again.
    shard: Option<Vec<u8>>,
    cover: Cover,
    at: Micros,
    /// Records with it on their way or waiting to be sent.
    flying: u8,
    resends: u8,
    arrived: bool,
}

/// What restores a unit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cover {
    Nothing,
    Block(u64),
    Mixes,
}

struct Block {
    first: u64,
    units: u8,
    parities: u8,
    /// Units and parities that arrived, and those that still may.
    arrived: u16,
    alive: u16,
    open: bool,
    /// Nothing more is done for it.
    done: bool,
}

struct Shard {
    of: Whole,
    bytes: Vec<u8>,
}

/// What parity is of.
enum Whole {
    /// Which one of which block.
    Block(u64, u8),
    Mix(Plan),
}

/// Where a record is written: its number, and how long a TCP packet in it waits for the one before.
#[derive(Clone, Copy)]
pub struct Writing {
    pub record: u64,
    pub hold: Micros,
}

impl Repair {
    pub fn new(parts: Parts, measures: Measures, seed: u64) -> Repair {
        Repair {
            parts,
            measures,
            units: VecDeque::new(),
            base: (1 << 32) | (seed.rotate_left(16) & 0xffff_ffff),
            blocks: VecDeque::new(),
            first_block: 0,
            open: None,
            again: VecDeque::new(),
            copies: VecDeque::new(),
            parity: VecDeque::new(),
            mixes: Mixes::new(measures),
            mixed: 0,
            encoder: Encoder::default(),
            credit: measures.parity * (UNITS * 1_400) as f64,
            rtt: 0,
            losing: false,
        }
    }

    /// The smoothed round trip, and the share of records that are lost.
    pub fn set_line(&mut self, rtt: Micros, loss: f64) {
        self.rtt = rtt;
        self.losing = loss > LOSING;
        self.mixes.set_line(rtt, loss);
    }

    /// Bytes and places that it holds.
    #[cfg(test)]
    pub fn held(&self) -> usize {
        let shards = self
            .units
            .iter()
            .filter_map(|unit| unit.shard.as_ref())
            .chain(self.parity.iter().map(|it| &it.bytes));
        shards.map(Vec::capacity).sum::<usize>()
            + self.units.len()
            + self.blocks.len()
            + self.again.len()
            + self.copies.len()
    }

    /// How long a block stays open.
    pub fn span(&self) -> Micros {
        (self.rtt / 2).clamp(OPEN_LEAST, OPEN_MOST)
    }

    /// The number of the next unit.
    pub fn next(&self) -> u64 {
        self.base + self.units.len() as u64
    }

    /// Whether another unit may be sent.
    pub fn has_room(&self) -> bool {
        self.units.len() < MOST
    }

    /// Whether the unit may not be at the other end yet.
    pub fn is_missing(&self, unit: u64) -> bool {
        self.at(unit).is_some_and(|unit| !unit.arrived)
    }

    /// A new unit goes out with the next record; `covered`: parity may restore it, of a flow of that
    /// kind. Returns its number.
    pub fn add(
        &mut self,
        shard: Vec<u8>,
        covered: Option<FlowKind>,
        now: Micros,
        buffers: &mut Buffers,
    ) -> u64 {
        let number = self.next();
        let cover = match covered {
            None => {
                self.mixes.rest();
                Cover::Nothing
            }
            Some(kind) if self.mixes.cover(number, kind, self.open.is_some(), now) => Cover::Mixes,
            Some(_) => {
                self.credit += self.measures.parity * shard.len() as f64;
                Cover::Block(self.add_to_block(number, now))
            }
        };
        self.units.push_back(Sent {
            shard: Some(shard),
            cover,
            at: now,
            flying: 1,
            resends: 0,
            arrived: false,
        });
        self.release_mixed(buffers);
        number
    }

    fn add_to_block(&mut self, unit: u64, now: Micros) -> u64 {
        if self.open.is_none() {
            self.open = Some(now + self.span());
            self.blocks.push_back(Block {
                first: unit,
                units: 0,
                parities: 0,
                arrived: 0,
                alive: 0,
                open: true,
                done: false,
            });
        }
        if let Some(last) = self.blocks.back_mut() {
            last.units += 1;
            last.alive += 1;
        }
        self.first_block + self.blocks.len() as u64 - 1
    }

    /// When the open block closes or a mix is made.
    pub fn deadline(&self) -> Option<Micros> {
        [self.open, self.mixes.deadline()].into_iter().flatten().min()
    }

    /// Makes the mixes that are due.
    pub fn mix(&mut self, now: Micros, buffers: &mut Buffers) {
        while let Some(plan) = self.mixes.plan(now) {
            let Plan { first, units, seed, .. } = plan;
            if units == 1 {
                self.copy(first);
                continue;
            }
            let mut sum = buffers.take();
            for number in first..first + u64::from(units) {
                if let Some(Sent { shard: Some(shard), .. }) = self.at(number) {
                    add_multiple(&mut sum, shard, weight(number as u32, seed));
                }
            }
            self.mixes.note(&plan);
            self.parity.push_back(Shard { of: Whole::Mix(plan), bytes: sum });
        }
    }

    /// Whether the open block has all its units or its time is over, or no more units are covered.
    pub fn is_due(&self, covering: bool, now: Micros) -> bool {
        let full = || self.blocks.back().is_some_and(|block| usize::from(block.units) == UNITS);
        self.open.is_some_and(|until| !covering || now >= until || full())
    }

    /// How many units the open block has.
    pub fn open_units(&self) -> usize {
        self.blocks.back().map_or(0, |block| usize::from(block.units))
    }

    /// Closes the open block, with as many parities as its loss takes; fewer when their bytes would be too many.
    pub fn close(&mut self, parities: usize, now: Micros, buffers: &mut Buffers) {
        self.open = None;
        let number = self.first_block + self.blocks.len() as u64 - 1;
        let Some(block) = self.blocks.back_mut() else { return };
        block.open = false;
        let (first, units) = (block.first, u64::from(block.units));
        let spent = self.protect(number, parities, buffers);
        self.credit -= spent;
        self.credit = self.credit.min(self.measures.parity * (2 * UNITS * 1_400) as f64);
        self.check(number, now);
        for unit in first..first + units {
            self.release(unit, buffers);
        }
        // Where all of it had arrived before, nothing more is heard of it.
        self.release_block(number, buffers);
    }

    fn copy(&mut self, number: u64) {
        let unit = &mut self.units[(number - self.base) as usize];
        if !unit.arrived && unit.flying > 0 {
            unit.flying += 1;
            self.copies.push_back(number);
        }
    }

    /// Makes parity, as far as there is credit; returns how many bytes it took.
    fn protect(&mut self, number: u64, parities: usize, buffers: &mut Buffers) -> f64 {
        let block = &mut self.blocks[(number - self.first_block) as usize];
        let units = usize::from(block.units);
        let start = (block.first - self.base) as usize;
        let range = start..start + units;
        let lengths = self.units.range(range.clone()).filter_map(|unit| unit.shard.as_ref().map(Vec::len));
        let length = lengths.max().unwrap_or(0).next_multiple_of(2);
        let allowed = self.credit / (length + HEADER) as f64;
        let parities = parities.min(PARITIES).min(allowed as usize);
        if parities == 0 || length == 0 {
            return 0.0;
        }
        let shards = self.units.range_mut(range).filter_map(|unit| unit.shard.as_mut());
        let mut shards: Vec<&mut Vec<u8>> = shards.collect();
        if shards.len() != units {
            return 0.0;
        }
        let made = &mut self.parity;
        let before = made.len();
        let coded =
            self.encoder.encode(parities, length, shards.iter_mut().map(|shard| &mut **shard), |bytes| {
                let mut shard = buffers.take();
                shard.extend_from_slice(bytes);
                let index = (made.len() - before) as u8;
                made.push_back(Shard { of: Whole::Block(number, index), bytes: shard });
            });
        if coded.is_ok() {
            block.parities = parities as u8;
            block.alive += parities as u16;
            return (parities * (length + HEADER)) as f64;
        }
        0.0
    }

    /// Whether something waits to be sent besides new units.
    pub fn is_waiting(&self) -> bool {
        !(self.again.is_empty() && self.copies.is_empty() && self.parity.is_empty())
    }

    /// Writes what is sent next besides new units.
    pub fn write_next(&mut self, writing: Writing, out: &mut Vec<u8>, buffers: &mut Buffers) -> Option<Load> {
        while let Some(number) = self.again.pop_front().or_else(|| self.copies.pop_front()) {
            if self.write_unit(number, writing, out) {
                return Some(Load::Unit(number));
            }
            self.skip(number);
        }
        while let Some(shard) = self.parity.pop_front() {
            let load = self.write_parity(&shard, writing, out);
            buffers.put(shard.bytes);
            if load.is_some() {
                return load;
            }
        }
        None
    }

    /// Writes a unit's record; false when it needs not be sent any more.
    pub fn write_unit(&self, number: u64, writing: Writing, out: &mut Vec<u8>) -> bool {
        let Some(Sent { shard: Some(shard), arrived: false, cover, .. }) = self.at(number) else {
            return false;
        };
        let (previous, bundle) = shard_prefix(shard);
        let (record, unit) = (writing.record as u32, number as u32);
        let covered = *cover != Cover::Nothing;
        Unit { record, unit, previous, hold: writing.hold, covered, bundle }.write(shard, out);
        true
    }

    fn write_parity(&mut self, shard: &Shard, writing: Writing, out: &mut Vec<u8>) -> Option<Load> {
        let record = writing.record as u32;
        let (number, index) = match shard.of {
            Whole::Block(number, index) => (number, index),
            Whole::Mix(Plan { name, first, units, seed }) => {
                Mix { record, first: first as u32, units, seed }.write(&shard.bytes, out);
                return Some(Load::Mix(name));
            }
        };
        let block = self.blocks.get((number.checked_sub(self.first_block)?) as usize)?;
        if block.done {
            return None;
        }
        let first = block.first as u32;
        Parity { record, first, units: block.units, index, parities: block.parities }
            .write(&shard.bytes, out);
        Some(Load::Parity(number))
    }

    /// A planned record is not sent.
    fn skip(&mut self, number: u64) {
        if let Some(unit) = number.checked_sub(self.base).and_then(|at| self.units.get_mut(at as usize)) {
            unit.flying = unit.flying.saturating_sub(1);
        }
    }

    /// What became of a record.
    pub fn settle(&mut self, load: Load, arrived: bool, late: bool, now: Micros, buffers: &mut Buffers) {
        match load {
            Load::Unit(number) => self.settle_unit(number, arrived, late, now, buffers),
            Load::Parity(number) => {
                let Some(block) = self.block(number) else { return };
                block.alive -= u16::from(!late && block.alive > 0);
                block.arrived += u16::from(arrived);
                self.check(number, now);
                self.release_block(number, buffers);
            }
            Load::Mix(name) if !late => {
                self.mixes.settle(name, arrived);
                self.judge(now, buffers);
            }
            Load::Mix(_) => {}
        }
    }

    fn settle_unit(&mut self, number: u64, arrived: bool, late: bool, now: Micros, buffers: &mut Buffers) {
        let at = number.checked_sub(self.base);
        let Some(unit) = at.and_then(|at| self.units.get_mut(at as usize)) else { return };
        let was_alive = !unit.arrived && unit.flying > 0;
        if !late {
            unit.flying = unit.flying.saturating_sub(1);
        }
        let is_news = arrived && !unit.arrived;
        unit.arrived |= arrived;
        let is_alive = !unit.arrived && unit.flying > 0;
        let gone = was_alive && !is_alive;
        match unit.cover {
            Cover::Nothing if gone && !arrived => self.resend(number, now),
            Cover::Nothing => {}
            Cover::Mixes => {
                if gone && !arrived {
                    self.mixes.miss(number);
                    self.judge(now, buffers);
                } else if is_news {
                    self.mixes.find(number);
                }
            }
            Cover::Block(number) => {
                if let Some(block) = self.block(number) {
                    block.alive -= u16::from(gone && block.alive > 0);
                    block.arrived += u16::from(is_news);
                }
                self.check(number, now);
                self.release_block(number, buffers);
            }
        }
        self.release(number, buffers);
    }

    /// Sends as many missing units of a closed block again as it needs to be complete, if what is on its way is not enough.
    fn check(&mut self, number: u64, now: Micros) {
        let Some(block) = self.block(number) else { return };
        if block.open || block.done {
            return;
        }
        let units = u16::from(block.units);
        if block.arrived >= units {
            block.done = true;
            return;
        }
        let possible = block.arrived + block.alive;
        if possible >= units {
            return;
        }
        let wanted = usize::from(units - possible);
        let (first, last) = (block.first, block.first + u64::from(block.units));
        let mut resent = 0;
        for unit in first..last {
            if resent == wanted {
                break;
            }
            let sent = &self.units[(unit - self.base) as usize];
            if !sent.arrived && sent.flying == 0 {
                resent += usize::from(self.plan(unit, now));
            }
        }
        if let Some(block) = self.block(number) {
            block.alive += resent as u16;
            block.done = block.alive == 0;
        }
    }

    /// Sends mixed units again that mixes do not restore, and forgets those that they do.
    fn judge(&mut self, now: Micros, buffers: &mut Buffers) {
        while let Some(fate) = self.mixes.judge() {
            let (Fate::Restored(number) | Fate::Lost(number)) = fate;
            let Some(unit) = number.checked_sub(self.base).and_then(|at| self.units.get_mut(at as usize))
            else {
                continue;
            };
            match fate {
                Fate::Restored(_) => unit.arrived = true,
                Fate::Lost(_) => self.resend(number, now),
            }
            self.release(number, buffers);
        }
    }

    /// A unit that nothing else restores is lost.
    fn resend(&mut self, number: u64, now: Micros) {
        if !self.plan(number, now) {
            self.units[(number - self.base) as usize].arrived = true;
        }
    }

    /// Whether the unit is sent again.
    fn plan(&mut self, number: u64, now: Micros) -> bool {
        let within = WITHIN * self.rtt + 2 * OPEN_MOST;
        let unit = &mut self.units[(number - self.base) as usize];
        let sensible = unit.resends < RESENDS && now <= unit.at + within && unit.shard.is_some();
        if !self.parts.resend || !sensible {
            return false;
        }
        let times = if self.losing { self.measures.again } else { 1 };
        unit.resends += 1;
        for _ in 0..times {
            unit.flying += 1;
            self.again.push_back(number);
        }
        true
    }

    fn at(&self, unit: u64) -> Option<&Sent> {
        unit.checked_sub(self.base).and_then(|at| self.units.get(at as usize))
    }

    fn block(&mut self, number: u64) -> Option<&mut Block> {
        number.checked_sub(self.first_block).and_then(|at| self.blocks.get_mut(at as usize))
    }

    /// A block that is done needs its units no more.
    fn release_block(&mut self, number: u64, buffers: &mut Buffers) {
        let Some(Block { done: true, first, units, .. }) = self.block(number) else { return };
        for unit in *first..*first + u64::from(*units) {
            let Some(unit) = unit.checked_sub(self.base).and_then(|at| self.units.get_mut(at as usize))
            else {
                continue;
            };
            unit.arrived = true;
            if let Some(shard) = unit.shard.take() {
                buffers.put(shard);
            }
        }
        while self.blocks.front().is_some_and(|block| block.done) {
            self.blocks.pop_front();
            self.first_block += 1;
        }
        self.forget();
    }

    /// Nothing passes: what was sent is not mixed any more.
    pub fn rest(&mut self, buffers: &mut Buffers) {
        self.mixes.rest();
        self.release_mixed(buffers);
    }

    /// Units that mixes do not reach back to any more.
    fn release_mixed(&mut self, buffers: &mut Buffers) {
        let start = self.mixes.start();
        for unit in std::mem::replace(&mut self.mixed, start).max(self.base)..start {
            self.release(unit, buffers);
        }
    }

    /// A unit that arrived needs no shard, unless its block is still open or it may be mixed.
    fn release(&mut self, number: u64, buffers: &mut Buffers) {
        let open = self.open.and_then(|_| self.blocks.back().map(|block| block.first));
        let mixed = matches!(self.at(number), Some(Sent { cover: Cover::Mixes, .. }));
        if mixed && number >= self.mixed || open.is_some_and(|first| number >= first) {
            return;
        }
        let at = number.checked_sub(self.base);
        if let Some(unit) = at.and_then(|at| self.units.get_mut(at as usize))
            && unit.arrived
            && let Some(shard) = unit.shard.take()
        {
            buffers.put(shard);
        }
        self.forget();
    }

    fn forget(&mut self) {
        let oldest = self.blocks.front().map_or(u64::MAX, |block| block.first);
        while self.base < oldest
            && self.units.front().is_some_and(|unit| unit.arrived && unit.shard.is_none())
        {
            self.units.pop_front();
            self.base += 1;
        }
    }
}
