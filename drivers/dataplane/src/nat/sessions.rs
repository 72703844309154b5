//! All sessions of one shared address: found without a lock that excludes anybody, made and ended under one.
//!
//! A port belongs to one host's port, whomever that speaks to (RFC 4787 "endpoint-independent mapping"), as long as it
//! has sessions.

use super::ports::{Kind, Ports};
use super::session::{Key, Session};
use crate::session::Millis;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

const SHARDS: usize = 32;
/// Sessions at one time; beyond, those that would end soonest do.
const MOST: usize = 65_536;
/// Ports lent at one time, few enough that a free one is soon found.
const MOST_PORTS: usize = 40_000;
/// How many sessions go at once when there are too many.
const EVICTED: usize = 4_096;
/// Between two looks for sessions that are over.
const SWEEP: Millis = 10_000;

type Shard = RwLock<HashMap<Key, Arc<Session>>>;

/// Sessions by either direction, and whose each port is.
pub struct Sessions {
    leaving: Vec<Shard>,
    entering: Vec<Shard>,
    pub ports: Ports,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    /// The port of each inner one, and how many sessions it has.
    lent: HashMap<(Kind, SocketAddr), (u16, usize)>,
    inside: HashMap<(Kind, u16), SocketAddr>,
    count: usize,
    next_sweep: Millis,
    chance: u64,
}

impl Sessions {
    /// `seed`: where ports are looked for first.
    pub fn new(seed: u64) -> Sessions {
        let shards = || (0..SHARDS).map(|_| Shard::default()).collect();
        let book = Mutex::new(Book { chance: seed | 1, ..Book::default() });
        Sessions { leaving: shards(), entering: shards(), ports: Ports::new(), book }
    }

    /// The session of a packet from inside, handed to `with`.
    pub fn leave<T>(&self, key: &Key, now: Millis, with: impl FnOnce(&Session) -> T) -> Option<T> {
        find(&self.leaving, key, now, with)
    }

    /// The session of a packet from beyond, handed to `with`.
    pub fn enter<T>(&self, key: &Key, now: Millis, with: impl FnOnce(&Session) -> T) -> Option<T> {
        find(&self.entering, key, now, with)
    }

    /// Whose port it is, whoever asks.
    pub fn owner(&self, kind: Kind, port: u16, now: Millis) -> Option<SocketAddr> {
        let mut book = self.book();
        if now >= book.next_sweep {
            self.sweep(&mut book, now);
        }
        book.inside.get(&(kind, port)).copied()
    }

    /// Makes the session, or finds it made. `None`: no port is left.
    pub fn open(
        &self,
        kind: Kind,
        (inside, remote): (SocketAddr, SocketAddr),
        now: Millis,
    ) -> Option<Arc<Session>> {
        let mut book = self.book();
        let key = Key::leaving(kind, inside, remote);
        let known = read(&self.leaving, &key, |session| session.cloned());
        match known {
            Some(session) if now < session.deadline() => return Some(session),
            Some(session) => self.end(&mut book, &session),
            None => {}
        }
        if now >= book.next_sweep || book.is_crowded() {
            self.sweep(&mut book, now);
        }
        let port = match book.lent.get_mut(&(kind, inside)) {
            Some((port, sessions)) => {
                *sessions += 1;
                *port
            }
            None => {
                let start = book.chance();
                let port = self.ports.lend(kind, inside.port(), start, now)?;
                book.lent.insert((kind, inside), (port, 1));
                book.inside.insert((kind, port), inside);
                port
            }
        };
        let session = Arc::new(Session::new(kind, (inside, remote), port, now));
        write(&self.leaving, key, Some(session.clone()));
        write(&self.entering, session.entering(), Some(session.clone()));
        book.count += 1;
        Some(session)
    }

    /// Ends what is over, and if there are too many, what would be first.
    fn sweep(&self, book: &mut Book, now: Millis) {
        book.next_sweep = now + SWEEP;
        let mut all: Vec<(Millis, Arc<Session>)> = Vec::with_capacity(book.count);
        for shard in &self.leaving {
            let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
            all.extend(shard.values().map(|session| (session.deadline(), session.clone())));
        }
        let mut limit = now;
        if book.is_crowded() && all.len() > EVICTED {
            let (_, (deadline, _), _) = all.select_nth_unstable_by_key(EVICTED, |(deadline, _)| *deadline);
            limit = limit.max(*deadline);
        }
        for (_, session) in all.iter().filter(|(deadline, _)| *deadline <= limit) {
            self.end(book, session);
        }
    }

    fn end(&self, book: &mut Book, session: &Session) {
        write(&self.leaving, session.leaving(), None);
        write(&self.entering, session.entering(), None);
        book.count -= 1;
        let key = (session.kind, session.inside);
        let Some((port, sessions)) = book.lent.get_mut(&key) else { return };
        *sessions -= 1;
        if *sessions == 0 {
            let port = *port;
            book.lent.remove(&key);
            book.inside.remove(&(session.kind, port));
            self.ports.take_back(session.kind, port);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn is_crowded(&self) -> bool {
        self.count >= MOST || self.lent.len() >= MOST_PORTS
    }

    /// Where to look for a free port (xorshift; nobody's safety rests on it).
    fn chance(&mut self) -> u16 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        (self.chance >> 24) as u16
    }
}

fn find<T>(shards: &[Shard], key: &Key, now: Millis, with: impl FnOnce(&Session) -> T) -> Option<T> {
    read(shards, key, |session| {
        session.filter(|session| now < session.deadline()).map(|session| with(session))
    })
}

fn read<T>(shards: &[Shard], key: &Key, with: impl FnOnce(Option<&Arc<Session>>) -> T) -> T {
    with(shards[key.shard(SHARDS)].read().unwrap_or_else(PoisonError::into_inner).get(key))
}

fn write(shards: &[Shard], key: Key, session: Option<Arc<Session>>) {
    let mut shard = shards[key.shard(SHARDS)].write().unwrap_or_else(PoisonError::into_inner);
    match session {
        Some(session) => shard.insert(key, session),
        None => shard.remove(&key),
    };
}
