//! What the packet path tells an association's timers, without a lock: when data went out and came in, and whether
//! the nearest deadline has to move.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::Millis;

/// Times of one association's data; 0 stands for never.
pub(super) struct Activity {
    /// Nearest deadline as published to the caller; lowered here when a timer is armed.
    deadline: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
    /// First data sent since anything authentic came.
    unanswered: AtomicU64,
    /// First data received since anything was sent.
    owing: AtomicU64,
    rekey_wanted: AtomicBool,
}

/// Data sent and nothing heard for so long: a new handshake (WireGuard's keepalive + rekey timeout).
pub(super) const SILENCE: Millis = 15_000;
/// Data received and nothing sent for so long: an empty message.
pub(super) const PASSIVE_KEEPALIVE: Millis = 10_000;

impl Activity {
    pub(super) fn new() -> Activity {
        Activity {
            deadline: AtomicU64::new(NEVER),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            owing: AtomicU64::new(0),
            rekey_wanted: AtomicBool::new(false),
        }
    }

    /// A message was sealed. True when the deadline moved nearer.
    #[inline]
    pub(super) fn note_sent(&self, now: Millis, data: bool) -> bool {
        let now = now.max(1);
        set(&self.sent, now);
        set(&self.owing, 0);
        if data && self.unanswered.load(Ordering::Relaxed) == 0 {
            self.unanswered.store(now, Ordering::SeqCst);
            return self.needed_by(now + SILENCE);
        }
        false
    }

    /// A message opened. True when the deadline moved nearer.
    #[inline]
    pub(super) fn note_received(&self, now: Millis, data: bool) -> bool {
        let now = now.max(1);
        set(&self.received, now);
        set(&self.unanswered, 0);
        if data && self.owing.load(Ordering::Relaxed) == 0 {
            self.owing.store(now, Ordering::SeqCst);
            return self.needed_by(now + PASSIVE_KEEPALIVE);
        }
        false
    }

    /// The packet path found that the keypair is old or used up. True when the deadline moved nearer.
    #[cold]
    pub(super) fn want_rekey(&self, now: Millis) -> bool {
        self.rekey_wanted.store(true, Ordering::SeqCst);
        self.needed_by(now)
    }

    pub(super) fn take_rekey_wanted(&self) -> bool {
        self.rekey_wanted.swap(false, Ordering::SeqCst)
    }

    pub(super) fn is_rekey_wanted(&self) -> bool {
        self.rekey_wanted.load(Ordering::SeqCst)
    }

    pub(super) fn unanswered_since(&self) -> Option<Millis> {
        time(&self.unanswered)
    }

    pub(super) fn forget_unanswered(&self) {
        self.unanswered.store(0, Ordering::SeqCst);
    }

    pub(super) fn owing_since(&self) -> Option<Millis> {
        time(&self.owing)
    }

    pub(super) fn forget_owing(&self) {
        self.owing.store(0, Ordering::SeqCst);
    }

    pub(super) fn received_at(&self) -> Option<Millis> {
        time(&self.received)
    }

    /// When anything last went either way.
    pub(super) fn last_traversal(&self) -> Option<Millis> {
        time(&self.sent).max(time(&self.received))
    }

    pub(super) fn deadline(&self) -> Option<Millis> {
        Some(self.deadline.load(Ordering::SeqCst)).filter(|deadline| *deadline != NEVER)
    }

    /// Publishes a deadline that `compute` finds. What the packet path arms meanwhile is not lost: it either comes
    /// before the reset, and `compute` sees it, or after, and lowers the published value itself.
    pub(super) fn publish(&self, compute: impl FnOnce() -> Option<Millis>) {
        self.deadline.store(NEVER, Ordering::SeqCst);
        if let Some(deadline) = compute() {
            self.deadline.fetch_min(deadline, Ordering::SeqCst);
        }
    }

    fn needed_by(&self, at: Millis) -> bool {
        self.deadline.load(Ordering::SeqCst) > at && self.deadline.fetch_min(at, Ordering::SeqCst) > at
    }
}

#[inline]
fn set(cell: &AtomicU64, value: u64) {
    // Reading first keeps the line shared between threads for all but one packet a millisecond.
    if cell.load(Ordering::Relaxed) != value {
        cell.store(value, Ordering::Relaxed);
    }
}

fn time(cell: &AtomicU64) -> Option<Millis> {
    Some(cell.load(Ordering::SeqCst)).filter(|time| *time != 0)
}

const NEVER: u64 = u64::MAX;
