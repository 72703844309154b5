//! What the thread of all QUIC links has to do: work that others hand over, and connections whose time has come.

use super::channel::Channel;
use super::hub::Hub;
use super::wanted::Wish;
use crate::os::boot_nanos;
use quinn_proto::{ConnectionEvent, Incoming};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::net::SocketAddr;
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// Parts of handshakes that wait; what comes beyond them is sent again by its sender.
const HANDSHAKES: usize = 1_024;

/// Microseconds on the clock of the data plane.
pub type Micros = u64;

/// Shared by the thread and all who have something for it.
#[derive(Default)]
pub struct Schedule {
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Default)]
struct Inner {
    work: Vec<Work>,
    handshakes: usize,
    due: BinaryHeap<Reverse<Due>>,
    stopped: bool,
}

/// A moment at which a channel wants to be looked at.
struct Due {
    at: Micros,
    channel: Weak<Channel>,
}

impl PartialEq for Due {
    fn eq(&self, other: &Due) -> bool {
        self.at == other.at
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Due) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Due) -> Ordering {
        self.at.cmp(&other.at)
    }
}

/// Something to be done by the thread.
pub enum Work {
    /// Somebody wants to connect.
    Incoming(Arc<Hub>, Incoming),
    /// A datagram of a connection that does not stand yet.
    Handshake(Arc<Channel>, ConnectionEvent),
    /// A connection stands now, has moved or is over.
    Look(Arc<Channel>),
    /// A link is wanted from now on.
    Connect(Wish),
    /// The link to there is not wanted any more.
    Forget(Arc<Hub>, SocketAddr),
    /// Everything of a port closes; answered when it has.
    Close(Arc<Hub>, SyncSender<()>),
}

/// What the thread takes at once.
pub struct Todo {
    pub work: Vec<Work>,
    pub due: Vec<Arc<Channel>>,
}

impl Schedule {
    /// Hands something over. A part of a handshake is dropped when too many wait.
    pub fn hand(&self, work: Work) {
        let mut inner = self.lock();
        if inner.stopped {
            return;
        }
        if let Work::Handshake(..) = work {
            if inner.handshakes >= HANDSHAKES {
                return;
            }
            inner.handshakes += 1;
        }
        inner.work.push(work);
        if inner.work.len() == 1 {
            self.changed.notify_one();
        }
    }

    /// Has the channel looked at, at that time.
    pub fn at(&self, at: Micros, channel: &Arc<Channel>) {
        let mut inner = self.lock();
        let is_next = inner.due.peek().is_none_or(|Reverse(next)| at < next.at);
        inner.due.push(Reverse(Due { at, channel: Arc::downgrade(channel) }));
        if is_next {
            self.changed.notify_one();
        }
    }

    /// Waits until there is something to do, at most so long; `None` at the end.
    pub fn wait(&self, longest: Option<Duration>) -> Option<Todo> {
        let mut inner = self.lock();
        let until = longest.map(|longest| micros() + longest.as_micros() as Micros);
        loop {
            if inner.stopped {
                return None;
            }
            let now = micros();
            let mut todo = Todo { work: std::mem::take(&mut inner.work), due: Vec::new() };
            inner.handshakes = 0;
            while inner.due.peek().is_some_and(|Reverse(due)| due.at <= now) {
                todo.due.extend(inner.due.pop().and_then(|Reverse(due)| due.channel.upgrade()));
            }
            if !todo.work.is_empty() || !todo.due.is_empty() || until.is_some_and(|until| until <= now) {
                return Some(todo);
            }
            let next = inner.due.peek().map(|Reverse(due)| due.at).into_iter().chain(until).min();
            inner = match next {
                Some(next) => {
                    let wait = Duration::from_micros(next - now);
                    self.changed.wait_timeout(inner, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Ends `wait` now and for good.
    pub fn stop(&self) {
        let mut inner = self.lock();
        inner.stopped = true;
        // Whoever waits for an answer gets none.
        inner.work.clear();
        inner.due.clear();
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub fn micros() -> Micros {
    boot_nanos() / 1_000
}
