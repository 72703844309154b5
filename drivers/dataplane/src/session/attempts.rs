//! The initiator's side of a handshake while it runs: message 1, its repeats, and which answers still count.

use std::collections::VecDeque;

use snow::HandshakeState;

use super::cookie::Mac;
use super::handshake::Head;
use super::{INITIATION, Millis};

/// A handshake that waits for message 2.
pub(super) struct Attempts {
    /// When the first message 1 went out.
    pub(super) since: Millis,
    /// When the next goes out, or the handshake is given up.
    pub(super) next: Millis,
    /// Message 1s sent.
    sent: u32,
    /// A message 1 of the peer came meanwhile.
    pub(super) crossed: bool,
    /// Epochs offered in vain: the peer has another newest one, which is not held here.
    pub(super) unmet_epochs: Vec<u8>,
    list: VecDeque<Attempt>,
}

/// One message 1 that was sent.
pub(super) struct Attempt {
    pub(super) index: u32,
    pub(super) state: HandshakeState,
    pub(super) head: Head,
    pub(super) mac1: Mac,
    pub(super) message: Box<[u8; INITIATION]>,
}

/// How message 1 is repeated.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    /// Starmesh: soon at first.
    Eager,
    /// WireGuard: 5 s and this jitter.
    Stock(Millis),
}

impl Attempts {
    pub(super) fn new(now: Millis) -> Attempts {
        Attempts {
            since: now,
            next: now,
            sent: 0,
            crossed: false,
            unmet_epochs: Vec::new(),
            list: VecDeque::new(),
        }
    }

    /// Whether 90 s went by.
    pub(super) fn is_over(&self, now: Millis) -> bool {
        now >= self.since + GIVE_UP
    }

    /// Notes a message 1 that goes out now; returns the index of the attempt that no longer counts. A peer that takes
    /// longer to answer than the first repeats are apart answers an earlier one.
    pub(super) fn push(&mut self, attempt: Attempt, pace: Pace, now: Millis) -> Option<u32> {
        let (delay, kept) = match pace {
            Pace::Eager => (EAGER.get(self.sent as usize).copied().unwrap_or(STEADY), EAGER.len()),
            Pace::Stock(jitter) => (STEADY + jitter, 1),
        };
        self.sent += 1;
        self.next = (now + delay).min(self.since + GIVE_UP);
        self.list.push_back(attempt);
        (self.list.len() > kept).then(|| self.list.pop_front()).flatten().map(|oldest| oldest.index)
    }

    pub(super) fn latest(&self) -> Option<&Attempt> {
        self.list.back()
    }

    pub(super) fn find(&mut self, index: u32) -> Option<&mut Attempt> {
        self.list.iter_mut().find(|attempt| attempt.index == index)
    }

    /// The answer to this attempt names an epoch that is not held here: the next message 1 offers an older one, which
    /// both may hold.
    pub(super) fn note_unmet_epoch(&mut self, index: u32) {
        let offered = self.find(index).map(|attempt| attempt.head[2]);
        self.unmet_epochs.extend(offered.filter(|epoch| !self.unmet_epochs.contains(epoch)));
    }

    /// Indices in use.
    pub(super) fn indices(&self) -> impl Iterator<Item = u32> {
        self.list.iter().map(|attempt| attempt.index)
    }
}

const EAGER: [Millis; 4] = [250, 500, 1_000, 2_000];
const STEADY: Millis = 5_000;
const GIVE_UP: Millis = 90_000;
/// Largest jitter of a stock repeat.
pub(super) const MAX_JITTER: Millis = 333;
