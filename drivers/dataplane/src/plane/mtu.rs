//! The largest inner packet that one path carries whole, found by probes of all sizes (RFC 8899). No I/O: it says what to
//! try, and hears what was echoed.

use crate::session::Millis;

/// A path is good once a packet of so many bytes passed whole: the least that IPv6 asks of a link.
pub const FULL: u16 = 1_280;
/// Two parts of a full packet with their heads; what carries less is no path.
pub const LEAST: u16 = 646;
/// The answer is exact to so many bytes.
const EXACT: u16 = 4;
/// Sizes tried at once.
const AT_ONCE: u16 = 6;
/// A size that was lost so often does not pass.
const TRIES: u8 = 3;
/// A search that found nothing begins anew after this.
const AGAIN: Millis = 5_000;
/// A path that grew is noticed after this (RFC 8899, PMTU_RAISE_TIMER).
const RAISE: Millis = 600_000;
/// Large probes are lost and small ones echoed for so long: the path has become narrower.
const BLACK_HOLE: Millis = 1_000;

/// What is known of one path's size.
pub struct Search {
    /// Largest size wanted: the TUN's.
    limit: u16,
    /// Largest size that passed.
    passes: Option<u16>,
    /// The same at the end of the last search.
    settled: Option<u16>,
    stage: Stage,
}

enum Stage {
    /// A small echo begins the search, not before that moment.
    Waiting(Millis),
    Trying(Round),
    Settled {
        raise: Millis,
        doubt: Option<Doubt>,
    },
}

/// Sizes that are tried together.
struct Round {
    /// Ascending.
    sizes: Vec<u16>,
    /// Smallest size known not to pass.
    fails: u16,
    tries: u8,
    /// When what did not come back is tried again, or given up.
    deadline: Millis,
}

/// A full-size probe was lost.
#[derive(Clone, Copy)]
struct Doubt {
    since: Millis,
    misses: u8,
}

/// What a step of the search led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Nothing,
    /// The size in use changed.
    Size,
    /// Not even the least size passes any more.
    Useless,
}

impl Search {
    pub fn new(limit: u16) -> Search {
        Search { limit: limit.max(FULL), passes: None, settled: None, stage: Stage::Waiting(0) }
    }

    /// Largest size that is known to pass.
    pub fn passes(&self) -> Option<u16> {
        self.passes
    }

    /// What the last search found; `None` during the first, and while a path that became narrower is searched.
    pub fn settled(&self) -> Option<u16> {
        self.settled
    }

    /// A small probe was echoed while the path is not proved.
    pub fn begin(&mut self, now: Millis) {
        if matches!(self.stage, Stage::Waiting(from) if now >= from) {
            (self.passes, self.settled) = (None, None);
            self.stage = Stage::round(vec![FULL, self.limit], self.limit + 1, now);
        }
    }

    /// All is forgotten: the path was lost.
    pub fn reset(&mut self) {
        *self = Search::new(self.limit);
    }

    /// Sizes to send now. A round that was never sent has all of its own; a later try what did not come back.
    pub fn due(&mut self, now: Millis, timeout: Millis) -> Vec<u16> {
        let passes = self.passes.unwrap_or(0);
        match &mut self.stage {
            Stage::Trying(round) if round.deadline <= now && round.tries < TRIES => {
                round.tries += 1;
                round.deadline = now + timeout;
                round.sizes.iter().copied().filter(|size| *size > passes).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What `due` just named could not be sent: again later.
    pub fn postpone(&mut self, until: Millis) {
        if let Stage::Trying(round) = &mut self.stage {
            round.tries = round.tries.saturating_sub(1);
            round.deadline = until;
        }
    }

    /// A probe of that size was echoed.
    pub fn handle_echo(&mut self, size: u16, now: Millis) -> Found {
        if let Stage::Settled { doubt, .. } = &mut self.stage
            && self.passes.is_some_and(|passes| size >= passes)
        {
            *doubt = None;
        }
        if self.passes.is_some_and(|passes| passes >= size) || matches!(self.stage, Stage::Waiting(_)) {
            return Found::Nothing;
        }
        self.passes = Some(size);
        if matches!(self.stage, Stage::Settled { .. }) {
            self.settled = self.passes;
        }
        if let Stage::Trying(round) = &self.stage
            && round.sizes.last().is_some_and(|last| *last <= size)
        {
            self.conclude(now);
        }
        Found::Size
    }

    /// What did not come back in time.
    pub fn handle_timeout(&mut self, now: Millis) -> Found {
        match &self.stage {
            Stage::Trying(round) if round.tries >= TRIES && round.deadline <= now => self.conclude(now),
            Stage::Settled { raise, .. }
                if *raise <= now && self.passes.is_some_and(|it| it < self.limit) =>
            {
                self.stage = Stage::round(vec![self.limit], self.limit + 1, now);
                Found::Nothing
            }
            _ => Found::Nothing,
        }
    }

    /// When `due` or `handle_timeout` has something to do, while the path is probed.
    pub fn deadline(&self) -> Option<Millis> {
        match &self.stage {
            Stage::Trying(round) => Some(round.deadline),
            Stage::Waiting(_) | Stage::Settled { .. } => None,
        }
    }

    /// Whether a full-size probe was lost and nothing decided yet.
    pub fn is_in_doubt(&self) -> bool {
        matches!(self.stage, Stage::Settled { doubt: Some(_), .. })
    }

    /// A probe of the size in use, sent at `sent`, was not echoed; `small`: when a small one was, last.
    pub fn miss(&mut self, sent: Millis, small: Millis, now: Millis) -> Found {
        let Stage::Settled { doubt, .. } = &mut self.stage else { return Found::Nothing };
        let known = doubt.get_or_insert(Doubt { since: sent, misses: 0 });
        known.misses = known.misses.saturating_add(1);
        let known = *known;
        if known.misses < TRIES || now < known.since + BLACK_HOLE || small < known.since {
            return Found::Nothing;
        }
        let Some(passed) = self.passes else { return Found::Nothing };
        let lowest = if passed > FULL { FULL } else { LEAST };
        (self.passes, self.settled) = (None, None);
        self.stage = Stage::round([vec![lowest], between(lowest, passed)].concat(), passed, now);
        Found::Size
    }

    /// What packets are cut to: what passes, or the smallest size under trial while a narrower path is searched; `None` while
    /// nothing speaks against the largest.
    pub fn usable(&self) -> Option<u16> {
        match (&self.stage, self.passes) {
            (_, Some(passes)) => Some(passes),
            (Stage::Trying(round), None) if round.fails <= self.limit => round.sizes.first().copied(),
            _ => None,
        }
    }

    /// A round ended.
    fn conclude(&mut self, now: Millis) -> Found {
        let Stage::Trying(round) = &self.stage else { return Found::Nothing };
        let passes = self.passes.unwrap_or(0);
        let fails = round.sizes.iter().copied().find(|size| *size > passes).unwrap_or(round.fails);
        if self.passes.is_none() {
            let lowest = round.sizes.first().copied().unwrap_or(LEAST);
            if lowest > LEAST {
                let sizes = [vec![LEAST], between(LEAST, lowest)].concat();
                self.stage = Stage::round(sizes, lowest, now);
                return Found::Nothing;
            }
            self.stage = Stage::Waiting(now + AGAIN);
            return Found::Useless;
        }
        if passes >= self.limit || fails - passes <= EXACT {
            self.settled = self.passes;
            self.stage = Stage::Settled { raise: now + RAISE, doubt: None };
        } else {
            self.stage = Stage::round(between(passes, fails), fails, now);
        }
        Found::Nothing
    }
}

impl Stage {
    fn round(mut sizes: Vec<u16>, fails: u16, now: Millis) -> Stage {
        sizes.dedup();
        Stage::Trying(Round { sizes, fails, tries: 0, deadline: now })
    }
}

/// Sizes spread evenly between two, neither included.
fn between(low: u16, high: u16) -> Vec<u16> {
    let gap = high - low;
    let count = AT_ONCE.min(gap.saturating_sub(1));
    (1..=count).map(|at| low + (u32::from(gap) * u32::from(at) / u32::from(count + 1)) as u16).collect()
}

#[cfg(test)]
#[path = "mtu_test.rs"]
mod tests;
