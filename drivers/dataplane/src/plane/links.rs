//! The links of one transport and one socket name, by the address at the other end.

use crate::os::Departure;
use crate::packet::flow::Flow;
use crate::session::Millis;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// One link: a connection that carries sealed datagrams, whole or not at all.
pub trait Carry: Send + Sync {
    /// The address at the other end, by which it is found.
    fn remote(&self) -> SocketAddr;

    /// Sends datagrams as far as there is room, without ever waiting; false when one was dropped.
    fn send(&self, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool;

    /// The same for datagrams of one flow.
    fn send_flow(&self, _flow: Flow, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        self.send(datagrams)
    }

    /// An authentic datagram came over it.
    fn note_authentic(&self, now: Millis);

    /// Ends it; whoever still holds it sends into nothing.
    fn close(&self);
}

/// Read for each batch sent; changed when links come and go.
#[derive(Default)]
pub struct Links {
    links: ArcSwap<HashMap<SocketAddr, Arc<dyn Carry>>>,
}

impl Links {
    pub fn find(&self, remote: SocketAddr) -> Option<Arc<dyn Carry>> {
        self.links.load().get(&remote).cloned()
    }

    /// Adds a link; the one it replaces, if any, is closed.
    pub fn insert(&self, link: Arc<dyn Carry>) {
        // One that moved away is still found by where it was; it goes on.
        if let Some(replaced) = self.find(link.remote()).filter(|known| known.remote() == link.remote()) {
            replaced.close();
        }
        self.change(|links| drop(links.insert(link.remote(), link.clone())));
    }

    /// Whatever led to `old` leads to `new`, which goes on for it.
    pub fn replace(&self, old: &Arc<dyn Carry>, new: &Arc<dyn Carry>) {
        self.change(|links| {
            for link in links.values_mut().filter(|link| Arc::ptr_eq(link, old)) {
                *link = new.clone();
            }
        });
    }

    /// Removes this very link, wherever it was, and closes it.
    pub fn remove(&self, link: &Arc<dyn Carry>) {
        link.close();
        self.change(|links| links.retain(|_, known| !Arc::ptr_eq(known, link)));
    }

    /// Sends batches that lie in `slab`; returns how many were not sent whole.
    pub fn send(&self, slab: &[u8], departures: &[Departure]) -> usize {
        let links = self.links.load();
        let is_sent = |departure: &&Departure| {
            let mut datagrams = slab[departure.range.clone()].chunks(departure.stride);
            links.get(&departure.target).is_some_and(|link| link.send_flow(departure.flow, &mut datagrams))
        };
        departures.iter().filter(|departure| !is_sent(departure)).count()
    }

    /// An authentic datagram came from there.
    pub fn note_authentic(&self, remote: SocketAddr, now: Millis) {
        if let Some(link) = self.links.load().get(&remote) {
            link.note_authentic(now);
        }
    }

    fn change(&self, change: impl Fn(&mut HashMap<SocketAddr, Arc<dyn Carry>>)) {
        self.links.rcu(|links| {
            let mut changed = HashMap::clone(links);
            change(&mut changed);
            changed
        });
    }
}
