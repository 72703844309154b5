//! Which masks this process holds, and trying them on datagrams of strangers.

use super::core::{Bucket, fill_random};
use super::realm::Realm;
use crate::mask::{Mask, PADDING, PRELUDE};
use crate::session::{Key, Millis, RealmKind};
use arc_swap::ArcSwap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Masks that are tried on one datagram: the newest of each network and the routers' come first.
const MOST: usize = 16;
/// Datagrams that are tried a second: of all strangers, and of those who share a cell with one.
const RATE: u64 = 4_000;
const CELL_RATE: u32 = 32;
const CELLS: usize = 1_024;

/// A realm's own masks.
#[derive(Default)]
pub struct RealmMasks {
    /// Each with the id of its epoch (0: a router's own), newest first.
    pub held: Vec<(u8, Arc<Mask>)>,
    /// What this realm sends first is masked; otherwise it answers as it was asked.
    pub on: bool,
}

impl RealmMasks {
    /// Masks of keys with the ids of their epochs.
    pub fn new(keys: &[(u8, Key)], on: bool) -> RealmMasks {
        let held = keys.iter().take(MOST).map(|(id, key)| (*id, Arc::new(Mask::new(key)))).collect();
        RealmMasks { held, on }
    }

    /// The mask of a session: of the epoch that both ends hold.
    pub fn of_epoch(&self, id: u8) -> Option<&Arc<Mask>> {
        let mask = self.held.iter().find(|(held, _)| *held == id).or(self.held.first());
        mask.map(|(_, mask)| mask)
    }

    /// The mask of a first message that was sent so often in vain: every other one goes under an older mask, for who has
    /// not heard of the newest epoch yet.
    pub fn of_attempt(&self, attempt: usize) -> Option<&Arc<Mask>> {
        let older = self.held.len().saturating_sub(1).max(1);
        let at = if attempt.is_multiple_of(2) { 0 } else { 1 + attempt / 2 % older };
        self.held.get(at).or(self.held.first()).map(|(_, mask)| mask)
    }
}

/// What strangers' datagrams are tried with.
pub struct Masks {
    tried: ArcSwap<Vec<Arc<Mask>>>,
    all: Bucket,
    /// Of each cell: the second, and what was tried in it.
    cells: Vec<AtomicU32>,
    hasher: RandomState,
}

impl Default for Masks {
    fn default() -> Masks {
        Masks {
            tried: ArcSwap::default(),
            all: Bucket::new(RATE),
            cells: (0..CELLS).map(|_| AtomicU32::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

/// What trying came to.
pub enum Trial {
    /// It goes under this mask.
    Under(Arc<Mask>),
    /// It goes under none that is held.
    Bare,
    /// Too many were tried already.
    Refused,
}

impl Masks {
    /// Takes the masks of all realms and of the routers they know.
    pub fn gather(&self, realms: &[Arc<Realm>]) {
        let mut tried: Vec<Arc<Mask>> = Vec::new();
        let mut add = |mask: &Arc<Mask>| {
            if tried.len() < MOST && tried.iter().all(|known| !known.is(mask)) {
                tried.push(mask.clone());
            }
        };
        let masks: Vec<_> = realms.iter().map(|realm| realm.masks.load_full()).collect();
        masks.iter().filter_map(|masks| masks.held.first()).for_each(|(_, mask)| add(mask));
        for realm in realms.iter().filter(|realm| realm.kind == RealmKind::Network) {
            realm.peers().iter().filter_map(|peer| peer.mask.load_full()).for_each(|mask| add(&mask));
        }
        masks.iter().flat_map(|masks| masks.held.iter().skip(1)).for_each(|(_, mask)| add(mask));
        self.tried.store(Arc::new(tried));
    }

    /// Whether any is held.
    pub fn is_empty(&self) -> bool {
        self.tried.load().is_empty()
    }

    /// Tries them all on a datagram of a stranger, unless too many were tried.
    pub fn try_on(&self, datagram: &[u8], source: SocketAddr, now: Millis) -> Trial {
        let tried = self.tried.load();
        if !self.admit(source, now) {
            return Trial::Refused;
        }
        let mask = tried.iter().find(|mask| mask.recognises(datagram));
        mask.map_or(Trial::Bare, |mask| Trial::Under(mask.clone()))
    }

    /// Who sends much that is none of ours shares a cell with others for a second at most.
    fn admit(&self, source: SocketAddr, now: Millis) -> bool {
        let second = (now / 1_000) as u32 & 0x3f_ffff;
        let cell = &self.cells[self.hasher.hash_one((source, second)) as usize % CELLS];
        let taken = cell.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let count = if used >> 10 == second { used & 0x3ff } else { 0 };
            (count < CELL_RATE).then_some((second << 10) | (count + 1))
        });
        taken.is_ok() && self.all.take(now)
    }
}

/// A datagram as it leaves, covered whole.
pub fn wrapped(mask: &Mask, datagram: &[u8], padding: RangeInclusive<usize>) -> Vec<u8> {
    let mut room = vec![0u8; datagram.len() + PRELUDE + PADDING];
    room[..datagram.len()].copy_from_slice(datagram);
    let length = mask.wrap(&mut room, datagram.len(), padding, &mut fill_random);
    room.truncate(length);
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_is_tried_so_often_a_second_and_others_beside_it() {
        let masks = Masks::default();
        let tries = |last: u8, now| {
            let source = ([10, 0, 0, last], 7743).into();
            (0..100).filter(|_| !matches!(masks.try_on(&[0; 100], source, now), Trial::Refused)).count()
        };
        assert_eq!(tries(1, 5_000), CELL_RATE as usize);
        assert_eq!(tries(1, 5_900), 0);
        assert_eq!(tries(1, 6_000), CELL_RATE as usize);
        let others: usize = (2..200).map(|last| tries(last, 7_000)).sum();
        assert!(others as u64 > RATE / 2 && others as u64 <= RATE, "{others}");
    }

    #[test]
    fn every_other_first_message_goes_under_an_older_mask() {
        let masks = RealmMasks::new(&[(5, [5; 32]), (4, [4; 32]), (3, [3; 32])], true);
        let is = |attempt, key: u8| {
            assert!(masks.of_attempt(attempt).expect("held").is(&Mask::new(&[key; 32])), "{attempt}");
        };
        [(0, 5), (1, 4), (2, 5), (3, 3), (4, 5), (5, 4)]
            .into_iter()
            .for_each(|(attempt, key)| is(attempt, key));
        let single = RealmMasks::new(&[(5, [5; 32])], true);
        assert!((0..4).all(|attempt| single.of_attempt(attempt).expect("held").is(&Mask::new(&[5; 32]))));
        assert!(RealmMasks::default().of_attempt(0).is_none());
    }
}
