//! Parity over blocks of units, and mixes of the last ones.

use super::super::Micros;
use super::super::buffers::Buffers;
use super::super::field::{add_multiple, weight};
use super::super::mixes::Plan;
use super::super::record::{HEADER, PARITIES, UNITS};
use super::{Block, Repair, Sent, Shard, Whole};

impl Repair {
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

    pub(super) fn add_to_block(&mut self, unit: u64, now: Micros) -> u64 {
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
}
