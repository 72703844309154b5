//! The TCP links of one socket name, by the address at the other end.

use super::link::Link;
use crate::os::Departure;
use crate::session::Millis;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// Read for each batch sent; changed when links come and go.
#[derive(Default)]
pub struct Links {
    links: ArcSwap<HashMap<SocketAddr, Arc<Link>>>,
}

impl Links {
    pub fn find(&self, remote: SocketAddr) -> Option<Arc<Link>> {
        self.links.load().get(&remote).cloned()
    }

    /// Adds a link; the one it replaces, if any, is closed.
    pub fn insert(&self, link: &Arc<Link>) {
        if let Some(replaced) = self.find(link.remote) {
            replaced.close();
        }
        self.change(|links| drop(links.insert(link.remote, link.clone())));
    }

    /// Removes this very link and closes it.
    pub fn remove(&self, link: &Arc<Link>) {
        link.close();
        self.change(|links| {
            if links.get(&link.remote).is_some_and(|known| Arc::ptr_eq(known, link)) {
                links.remove(&link.remote);
            }
        });
    }

    /// Sends batches that lie in `slab`; returns how many were not sent whole.
    pub fn send(&self, slab: &[u8], departures: &[Departure]) -> usize {
        let links = self.links.load();
        let is_sent = |departure: &&Departure| {
            let datagrams = slab[departure.range.clone()].chunks(departure.stride);
            links.get(&departure.target).is_some_and(|link| link.send(datagrams))
        };
        departures.iter().filter(|departure| !is_sent(departure)).count()
    }

    /// An authentic datagram came from there.
    pub fn note_authentic(&self, remote: SocketAddr, now: Millis) {
        if let Some(link) = self.links.load().get(&remote) {
            link.note_authentic(now);
        }
    }

    fn change(&self, change: impl Fn(&mut HashMap<SocketAddr, Arc<Link>>)) {
        self.links.rcu(|links| {
            let mut changed = HashMap::clone(links);
            change(&mut changed);
            changed
        });
    }
}
