//! Blocks of which parity came before all their units did.

use super::Micros;
use super::buffers::Buffers;
use super::code::{Decoder, Unfit};
use super::record::Parity;
use std::collections::VecDeque;

/// Blocks that wait for more at once, and for how long.
const MOST: usize = 32;
const KEEP: Micros = 500_000;

#[derive(Default)]
pub struct Restore {
    blocks: VecDeque<Block>,
    decoder: Decoder,
}

struct Block {
    first: u64,
    units: u8,
    parities: u8,
    length: usize,
    shards: Vec<(u8, Vec<u8>)>,
    since: Micros,
}

impl Restore {
    /// Takes a parity shard of the block; gives it back when it is of no use.
    pub fn add(&mut self, first: u64, parity: &Parity, shard: Vec<u8>, now: Micros, buffers: &mut Buffers) {
        let Parity { units, parities, index, .. } = *parity;
        let length = shard.len();
        let at = self.blocks.iter().position(|block| block.first == first);
        let at = at.unwrap_or_else(|| {
            if self.blocks.len() == MOST {
                self.end_at(0, buffers);
            }
            self.blocks.push_back(Block { first, units, parities, length, shards: Vec::new(), since: now });
            self.blocks.len() - 1
        });
        let block = &mut self.blocks[at];
        let fits = block.units == units && block.parities == parities && block.length == length;
        if fits && block.shards.iter().all(|(known, _)| *known != index) {
            block.shards.push((index, shard));
        } else {
            buffers.put(shard);
        }
    }

    /// First unit, number of units and parities at hand of the block that this unit is part of.
    pub fn find(&self, unit: u64) -> Option<(u64, u8, usize)> {
        let within = |block: &&Block| unit >= block.first && unit < block.first + u64::from(block.units);
        self.blocks.iter().find(within).map(|block| (block.first, block.units, block.shards.len()))
    }

    /// Hands over what was missing, as far as the block can be restored from the shards of its units at hand.
    pub fn decode<'a>(
        &mut self,
        first: u64,
        shards: impl Iterator<Item = (usize, &'a mut Vec<u8>)>,
        take: impl FnMut(usize, &[u8]),
    ) -> Result<(), Unfit> {
        let block = self.blocks.iter().find(|block| block.first == first).ok_or(Unfit)?;
        self.decoder.begin(usize::from(block.units), usize::from(block.parities), block.length)?;
        for (index, shard) in shards {
            let bytes = shard.len();
            if bytes > block.length {
                return Err(Unfit);
            }
            shard.resize(block.length, 0);
            let added = self.decoder.add_unit(index, shard);
            shard.truncate(bytes);
            added?;
        }
        for (index, shard) in &block.shards {
            self.decoder.add_parity(usize::from(*index), shard)?;
        }
        self.decoder.finish(take)
    }

    /// The block is over.
    pub fn end(&mut self, first: u64, buffers: &mut Buffers) {
        if let Some(at) = self.blocks.iter().position(|block| block.first == first) {
            self.end_at(at, buffers);
        }
    }

    /// Gives up blocks that waited for too long.
    pub fn tidy(&mut self, now: Micros, buffers: &mut Buffers) {
        while self.blocks.front().is_some_and(|block| now >= block.since + KEEP) {
            self.end_at(0, buffers);
        }
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.blocks.iter().flat_map(|block| &block.shards).map(|(_, shard)| shard.capacity()).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    fn end_at(&mut self, at: usize, buffers: &mut Buffers) {
        if let Some(block) = self.blocks.remove(at) {
            block.shards.into_iter().for_each(|(_, shard)| buffers.put(shard));
        }
    }
}
