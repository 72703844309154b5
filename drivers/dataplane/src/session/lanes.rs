//! Counters by lane: what was sent on each, and the replay window of each that was received on.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::window::Window;
use super::{LANES, Refused};

/// A counter is an 8-bit lane above a 56-bit sequence.
pub(super) const SEQUENCE_BITS: u32 = 56;

/// Sequence numbers given out, by lane.
pub(super) struct Sent {
    lanes: [Padded; LANES as usize],
}

/// One cache line each: lanes belong to different threads.
#[derive(Default)]
#[repr(align(64))]
struct Padded(AtomicU64);

impl Sent {
    pub(super) fn new() -> Sent {
        Sent { lanes: Default::default() }
    }

    /// Reserves `count` sequence numbers of a lane. The second value is set when this lane passed a multiple of
    /// [`AUDIT`], which is when the caller looks at the total.
    #[inline]
    pub(super) fn reserve(&self, lane: u8, count: u64) -> Result<(u64, bool), Refused> {
        let lane = self.lanes.get(usize::from(lane)).ok_or(Refused::Lane)?;
        let first = lane.0.fetch_add(count, Ordering::Relaxed);
        Ok((first, first / AUDIT != (first + count) / AUDIT))
    }

    /// Over all lanes.
    pub(super) fn total(&self) -> u64 {
        self.lanes.iter().map(|lane| lane.0.load(Ordering::Relaxed)).sum()
    }

    #[cfg(test)]
    pub(super) fn skip(&self, lane: u8, count: u64) {
        self.lanes[usize::from(lane)].0.fetch_add(count, Ordering::Relaxed);
    }
}

/// The total is looked at whenever a lane passed a multiple of this.
pub(super) const AUDIT: u64 = 65_536;

/// Replay windows of all 256 lanes, made when the first authentic message of a lane comes.
pub(super) struct Received {
    groups: [OnceLock<Box<Group>>; GROUP],
    used: AtomicU32,
}

impl Received {
    pub(super) fn new() -> Received {
        Received { groups: Default::default(), used: AtomicU32::new(0) }
    }

    /// The window of a lane; `None` when the peer uses more lanes than it may (a window is 8 KB).
    #[inline]
    pub(super) fn window(&self, lane: u8) -> Option<&Mutex<Window>> {
        let cell =
            &self.groups[usize::from(lane) / GROUP].get_or_init(Box::default)[usize::from(lane) % GROUP];
        match cell.get() {
            Some(window) => Some(window),
            None => self.make(cell),
        }
    }

    /// Whether a number of a lane is new.
    #[inline]
    pub(super) fn accept(&self, lane: u8, sequence: u64) -> Result<(), Refused> {
        let window = self.window(lane).ok_or(Refused::Lane)?;
        if window.lock().unwrap_or_else(PoisonError::into_inner).accept(sequence) {
            Ok(())
        } else {
            Err(Refused::Replay)
        }
    }

    #[cold]
    fn make<'a>(&self, cell: &'a OnceLock<Mutex<Window>>) -> Option<&'a Mutex<Window>> {
        if self.used.fetch_add(1, Ordering::Relaxed) >= MAX_LANES {
            self.used.fetch_sub(1, Ordering::Relaxed);
            return cell.get();
        }
        let mut made = false;
        let window = cell.get_or_init(|| {
            made = true;
            Mutex::new(Window::new())
        });
        if !made {
            self.used.fetch_sub(1, Ordering::Relaxed);
        }
        Some(window)
    }
}

/// Windows of neighbouring lanes.
type Group = [OnceLock<Mutex<Window>>; GROUP];

const GROUP: usize = 16;
/// Lanes that one peer may use in one session, 256 KB of windows.
const MAX_LANES: u32 = 32;
