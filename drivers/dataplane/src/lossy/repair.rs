//! Units until they are surely at the other end: blocks with parity, mixes, and what is sent again.

mod parity;
mod settle;

use super::buffers::Buffers;
use super::code::Encoder;
use super::flight::Load;
use super::mixes::{Mixes, Plan};
use super::profile::{Measures, Parts};
use super::record::{Mix, Parity, UNITS, Unit, shard_prefix};
use super::{FlowKind, Micros};
use std::collections::VecDeque;

/// Units that are remembered; no new one is sent while the oldest of so many is not settled.
const MOST: usize = 8_192;
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

    /// When the open block closes or a mix is made.
    pub fn deadline(&self) -> Option<Micros> {
        [self.open, self.mixes.deadline()].into_iter().flatten().min()
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

    fn at(&self, unit: u64) -> Option<&Sent> {
        unit.checked_sub(self.base).and_then(|at| self.units.get(at as usize))
    }

    fn block(&mut self, number: u64) -> Option<&mut Block> {
        number.checked_sub(self.first_block).and_then(|at| self.blocks.get_mut(at as usize))
    }

    /// Nothing passes: what was sent is not mixed any more.
    pub fn rest(&mut self, buffers: &mut Buffers) {
        self.mixes.rest();
        self.release_mixed(buffers);
    }
}
