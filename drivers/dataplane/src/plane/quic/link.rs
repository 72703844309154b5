//! The connections between the same two addresses, as one link.

use super::channel::Channel;
use crate::packet::flow::Flow;
use crate::plane::links::Carry;
use crate::session::Millis;
use arc_swap::ArcSwap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An open link: at least one connection that stands.
pub struct Link {
    /// When it was opened.
    pub began: Millis,
    /// Follows the other end when it moves.
    remote: ArcSwap<SocketAddr>,
    /// Newest first.
    channels: ArcSwap<Vec<Arc<Channel>>>,
    /// When an authentic datagram came last; 0 before the first.
    heard: AtomicU64,
}

impl Link {
    pub fn new(remote: SocketAddr, now: Millis) -> Link {
        Link {
            began: now,
            remote: ArcSwap::from_pointee(remote),
            channels: ArcSwap::default(),
            heard: AtomicU64::new(0),
        }
    }

    /// When an authentic datagram came last.
    pub fn heard(&self) -> Option<Millis> {
        Some(self.heard.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// The other end is there from now on.
    pub fn move_to(&self, remote: SocketAddr) {
        self.remote.store(Arc::new(remote));
        self.channels.load().iter().for_each(|channel| channel.set_name(remote));
    }

    /// One connection more.
    pub fn add(&self, channel: &Arc<Channel>) {
        let mut channels = Vec::clone(&self.channels.load());
        channels.insert(0, channel.clone());
        self.channels.store(Arc::new(channels));
    }

    /// One less; whether there is any left.
    pub fn remove(&self, channel: &Arc<Channel>) -> bool {
        let mut channels = Vec::clone(&self.channels.load());
        channels.retain(|known| !Arc::ptr_eq(known, channel));
        let is_left = !channels.is_empty();
        self.channels.store(Arc::new(channels));
        is_left
    }

    pub fn channels(&self) -> Arc<Vec<Arc<Channel>>> {
        self.channels.load_full()
    }
}

impl Carry for Link {
    fn remote(&self) -> SocketAddr {
        **self.remote.load()
    }

    fn send(&self, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        self.send_flow(Flow::default(), datagrams)
    }

    fn send_flow(&self, flow: Flow, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        let channels = self.channels.load();
        let Some(newest) = channels.first() else { return false };
        let chosen = choose(flow.id, channels.iter().map(|channel| channel.heard()), newest.began);
        channels[chosen].send(datagrams)
    }

    fn note_authentic(&self, now: Millis) {
        if self.heard.load(Ordering::Relaxed) != now {
            self.heard.store(now, Ordering::Relaxed);
        }
    }

    fn close(&self) {
        self.channels.load().iter().for_each(|channel| channel.close());
    }
}

/// Which connection carries a flow: of those that were heard since the newest, the first, began. Others may be from before
/// the other end restarted.
fn choose(flow: u32, heard: impl Iterator<Item = Millis> + Clone, since: Millis) -> usize {
    let mut alive = heard.enumerate().filter(|(_, at)| *at >= since).map(|(number, _)| number);
    let count = alive.clone().count().max(1);
    alive.nth(flow as usize % count).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [W13]
    #[test]
    fn flows_stay_on_their_connection_and_use_all_that_live() {
        let chosen = |flow, heard: &[Millis]| choose(flow, heard.iter().copied(), 50);
        let all: Vec<usize> = (0..6).map(|flow| chosen(flow, &[50, 70, 60])).collect();
        assert_eq!(all, [0, 1, 2, 0, 1, 2]);
        let living: Vec<usize> = (0..6).map(|flow| chosen(flow, &[50, 49, 60])).collect();
        assert_eq!(living, [0, 2, 0, 2, 0, 2]);
        assert_eq!((chosen(7, &[50]), chosen(7, &[]), chosen(7, &[9, 9])), (0, 0, 0));
    }
}
