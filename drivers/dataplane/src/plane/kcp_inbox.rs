//! What packet threads hand to the thread of the `kcp` links, without waiting for it.

use super::kcp::Command;
use super::port::Port;
use crate::packet::flow::Flow;
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Where the other end of a link is: the number of our port, and its address.
pub type Place = (u16, SocketAddr);

/// Bytes that wait for the thread in each direction; what does not fit is dropped, as by any full socket.
const LIMIT: usize = 2 << 20;
/// ClientHellos that wait for it.
const HELLOS: usize = 256;

/// Wakes the thread, and tells it what for.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<Rung>,
    woken: Condvar,
}

/// What the thread was woken for.
#[derive(Default)]
pub struct Rung {
    pub commands: Vec<Command>,
    /// ClientHellos with a good cookie of senders that have no inbox.
    pub hellos: Vec<(Arc<Port>, SocketAddr, Vec<u8>)>,
    /// Where something lies.
    pub inboxes: Vec<Arc<Inbox>>,
}

impl Bell {
    pub fn command(&self, command: Command) {
        self.ring(|rung| rung.commands.push(command));
    }

    /// False when too many wait.
    pub fn hello(&self, port: &Arc<Port>, source: SocketAddr, datagram: &[u8]) -> bool {
        let mut taken = false;
        self.ring(|rung| {
            taken = rung.hellos.len() < HELLOS;
            if taken {
                rung.hellos.push((port.clone(), source, datagram.to_vec()));
            }
        });
        taken
    }

    /// Waits until there is something or the time is over (`None`: for ever), and fills `rung`, which is empty, with it.
    pub fn wait(&self, patience: Option<Duration>, rung: &mut Rung) {
        let is_quiet =
            |rung: &mut Rung| rung.commands.is_empty() && rung.hellos.is_empty() && rung.inboxes.is_empty();
        let mut waiting = self.lock();
        if is_quiet(&mut waiting) {
            waiting = match patience {
                None => self.woken.wait_while(waiting, is_quiet).unwrap_or_else(PoisonError::into_inner),
                Some(patience) if patience.is_zero() => waiting,
                Some(patience) => {
                    let woken = self.woken.wait_timeout_while(waiting, patience, is_quiet);
                    woken.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        std::mem::swap(&mut *waiting, rung);
    }

    fn ring(&self, add: impl FnOnce(&mut Rung)) {
        add(&mut self.lock());
        self.woken.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Rung> {
        self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came from one place, and what is to go there.
pub struct Inbox {
    pub place: Place,
    bell: Arc<Bell>,
    mail: Mutex<Mail>,
}

/// Taken by the thread as a whole.
#[derive(Default)]
pub struct Mail {
    pub incoming: Parcel,
    pub outgoing: Parcel,
    /// Whether the thread knows that something lies here.
    told: bool,
}

impl Inbox {
    pub fn new(place: Place, bell: Arc<Bell>) -> Arc<Inbox> {
        Arc::new(Inbox { place, bell, mail: Mutex::default() })
    }

    /// Equal datagrams that came, the last perhaps shorter; false when there is no room.
    pub fn receive(self: &Arc<Inbox>, datagrams: &[u8], stride: usize) -> bool {
        self.add(|mail| {
            let mut all = true;
            for datagram in datagrams.chunks(stride) {
                all &= mail.incoming.add(datagram, Flow::default());
            }
            all
        })
    }

    /// Datagrams to send; false when one was dropped.
    pub fn send(self: &Arc<Inbox>, flow: Flow, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        self.add(|mail| {
            let mut all = true;
            for datagram in datagrams {
                all &= mail.outgoing.add(datagram, flow);
            }
            all
        })
    }

    /// Has the thread look here.
    pub fn nudge(self: &Arc<Inbox>) {
        self.add(|_| true);
    }

    /// Takes what lies here, for `mail`, whose parcels are empty.
    pub fn take(&self, mail: &mut Mail) {
        mail.told = false;
        std::mem::swap(&mut *self.lock(), mail);
    }

    fn add(self: &Arc<Inbox>, add: impl FnOnce(&mut Mail) -> bool) -> bool {
        let mut mail = self.lock();
        let all = add(&mut mail);
        let told = std::mem::replace(&mut mail.told, true);
        drop(mail);
        if !told {
            self.bell.ring(|rung| rung.inboxes.push(self.clone()));
        }
        all
    }

    fn lock(&self) -> MutexGuard<'_, Mail> {
        self.mail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Datagrams back to back.
#[derive(Default)]
pub struct Parcel {
    pub bytes: Vec<u8>,
    /// Length and flow of each.
    pub datagrams: Vec<(usize, Flow)>,
}

impl Parcel {
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.datagrams.clear();
    }

    fn add(&mut self, datagram: &[u8], flow: Flow) -> bool {
        let fits = self.bytes.len() + datagram.len() <= LIMIT;
        if fits {
            self.bytes.extend_from_slice(datagram);
            self.datagrams.push((datagram.len(), flow));
        }
        fits
    }
}
