//! What was decided about packets that come in pieces: only the first piece shows what it carries, the others follow it.

use super::recency::Recency;
use super::subject::Fragment;
use crate::session::Millis;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Packets in pieces that are remembered at once.
const PACKETS: usize = 1_024;
/// Receivers wait for missing pieces no longer.
const PATIENCE: Millis = 30_000;

/// Packets whose first piece came, and whether it was let in.
pub struct Fragments {
    decided: Mutex<Recency<Fragment, (bool, Millis), 1>>,
}

impl Fragments {
    pub fn new() -> Fragments {
        Fragments { decided: Mutex::new(Recency::new([PACKETS])) }
    }

    pub fn decide(&self, fragment: Fragment, allowed: bool, now: Millis) {
        self.decided().insert(fragment, (allowed, now), 0);
    }

    /// Whether a later piece may pass; one that comes before the first may not.
    pub fn follow(&self, fragment: &Fragment, now: Millis) -> bool {
        self.decided().peek(fragment).is_some_and(|(allowed, since)| *allowed && now <= since + PATIENCE)
    }

    fn decided(&self) -> MutexGuard<'_, Recency<Fragment, (bool, Millis), 1>> {
        self.decided.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
