//! What the data plane tells its caller, queued until it takes a batch.

use crate::endpoint::Endpoint;
use crate::plane::path::Measure;
use crate::session::Key;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Events that may wait; a caller that takes none for this long is gone or stuck.
const LIMIT: usize = 65_536;

/// One event; `drivers/dataplane.ts` says what each means.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    Wanted { realm: Arc<str>, peer: Key },
    Session { realm: Arc<str>, peer: Key, endpoint: Endpoint, suite: u8, initiator: bool, rekey: bool },
    Ended { realm: Arc<str>, peer: Key, reason: &'static str },
    Heard { realm: Arc<str>, peer: Key, endpoint: Endpoint },
    Proved { realm: Arc<str>, peer: Key, endpoint: Endpoint, rtt_millis: f64 },
    Lost { realm: Arc<str>, peer: Key, endpoint: Endpoint },
    Measured { paths: Vec<Measured> },
    UnknownKey { realm: Arc<str>, peer: Key, endpoint: Endpoint },
    Request { realm: Arc<str>, peer: Key, id: u32, kind: u8, body: String },
    Response { realm: Arc<str>, peer: Key, id: u32, body: Option<String> },
    Pong { id: u32, sequence: u32, rtt_millis: Option<f64>, endpoint: Option<Endpoint> },
    Mapped { socket: Arc<str>, server: Endpoint, address: Option<SocketAddr> },
    Link { socket: Arc<str>, remote: Endpoint, up: bool, reason: Option<&'static str> },
    Failed { realm: Option<Arc<str>>, message: String },
}

/// One path of a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    pub realm: Arc<str>,
    pub peer: Key,
    pub measure: Measure,
    /// Since 1970.
    pub last_echo_millis: Option<u64>,
}

/// The queue. `wake` is called when it stops being empty, from whatever thread.
pub struct Events {
    queue: Mutex<Vec<Event>>,
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Events {
    pub fn new(wake: impl Fn() + Send + Sync + 'static) -> Events {
        Events { queue: Mutex::new(Vec::new()), wake: Box::new(wake) }
    }

    /// False when the queue is full and the event was lost.
    pub fn push(&self, event: Event) -> bool {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.len() >= LIMIT {
            return false;
        }
        queue.push(event);
        let first = queue.len() == 1;
        drop(queue);
        if first {
            (self.wake)();
        }
        true
    }

    /// Everything so far, in order.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
