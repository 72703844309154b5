//! One queue of deadlines for all peers, and the thread that waits for the next.

use super::core::{Core, millis};
use super::peer::Peer;
use super::relay::SWEEP;
use crate::session::Millis;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Sleep is never longer, so that time asleep of the machine is noticed.
const LONGEST_WAIT: Millis = 5_000;
/// Path summaries are told this often at most.
const SUMMARY: Millis = 1_000;

/// What is due when.
#[derive(Default)]
pub struct Timers {
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    heap: BinaryHeap<Reverse<Timer>>,
    /// Peers with measurements since the last summary.
    measured: Vec<Weak<Peer>>,
    last_summary: Millis,
    stopped: bool,
}

struct Timer {
    at: Millis,
    what: What,
}

enum What {
    Peer(Weak<Peer>),
    /// STUN questions that wait for an answer.
    Stun,
    /// Relay channels that may be idle.
    Relays,
}

impl PartialEq for Timer {
    fn eq(&self, other: &Timer) -> bool {
        self.at == other.at
    }
}

impl Eq for Timer {}

impl PartialOrd for Timer {
    fn partial_cmp(&self, other: &Timer) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timer {
    fn cmp(&self, other: &Timer) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Timers {
    /// Has the peer looked at, at that time.
    pub fn schedule(&self, at: Millis, peer: &Arc<Peer>) {
        self.push(Timer { at, what: What::Peer(Arc::downgrade(peer)) });
    }

    pub fn schedule_stun(&self, at: Millis) {
        self.push(Timer { at, what: What::Stun });
    }

    pub fn schedule_relays(&self, at: Millis) {
        self.push(Timer { at, what: What::Relays });
    }

    /// The peer has measurements for the next summary.
    pub fn note_measured(&self, peer: &Arc<Peer>) {
        let mut queue = self.lock();
        queue.measured.push(Arc::downgrade(peer));
        if queue.measured.len() == 1 {
            self.changed.notify_one();
        }
    }

    /// Ends `run`.
    pub fn stop(&self) {
        let mut queue = self.lock();
        queue.stopped = true;
        queue.heap.clear();
        queue.measured.clear();
        self.changed.notify_one();
    }

    /// Waits and drives until stopped.
    pub fn run(&self, core: &Core) {
        let mut queue = self.lock();
        while !queue.stopped {
            let now = millis();
            let due = queue.heap.peek().is_some_and(|Reverse(timer)| timer.at <= now);
            let summary = !queue.measured.is_empty() && now >= queue.last_summary + SUMMARY;
            if due {
                let Some(Reverse(timer)) = queue.heap.pop() else { continue };
                drop(queue);
                match timer.what {
                    What::Peer(peer) => {
                        if let Some(peer) = peer.upgrade() {
                            peer.handle_timer(core, timer.at);
                        }
                    }
                    What::Stun => core.stun.handle_timeout(core, millis()),
                    What::Relays => {
                        if core.relays.close_idle(now) {
                            self.schedule_relays(now + SWEEP);
                        }
                    }
                }
                queue = self.lock();
            } else if summary {
                queue.last_summary = now;
                let measured = std::mem::take(&mut queue.measured);
                drop(queue);
                super::peer::tell_measured(core, &measured);
                queue = self.lock();
            } else {
                let timer = queue.heap.peek().map(|Reverse(timer)| timer.at);
                let summary = (!queue.measured.is_empty()).then_some(queue.last_summary + SUMMARY);
                let next = timer.into_iter().chain(summary).min().unwrap_or(now + LONGEST_WAIT);
                let wait = Duration::from_millis((next - now).min(LONGEST_WAIT));
                queue = self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }

    fn push(&self, timer: Timer) {
        let mut queue = self.lock();
        if queue.stopped {
            return;
        }
        let first = queue.heap.peek().is_none_or(|Reverse(head)| timer.at < head.at);
        queue.heap.push(Reverse(timer));
        if first {
            self.changed.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
