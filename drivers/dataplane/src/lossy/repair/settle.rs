//! What became of records, what is sent again because of it, and what needs not be kept any more.

use super::super::Micros;
use super::super::buffers::Buffers;
use super::super::flight::Load;
use super::super::mixes::Fate;
use super::{Block, Cover, OPEN_MOST, Repair, Sent};

/// Times that a unit is sent again, and round trips within which that makes sense.
const RESENDS: u8 = 3;
const WITHIN: Micros = 3;

impl Repair {
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
    pub(super) fn check(&mut self, number: u64, now: Micros) {
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

    /// A block that is done needs its units no more.
    pub(super) fn release_block(&mut self, number: u64, buffers: &mut Buffers) {
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

    /// Units that mixes do not reach back to any more.
    pub(super) fn release_mixed(&mut self, buffers: &mut Buffers) {
        let start = self.mixes.start();
        for unit in std::mem::replace(&mut self.mixed, start).max(self.base)..start {
            self.release(unit, buffers);
        }
    }

    /// A unit that arrived needs no shard, unless its block is still open or it may be mixed.
    pub(super) fn release(&mut self, number: u64, buffers: &mut Buffers) {
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
