//! Relay channels: sealed datagrams of one member's address go on to another member, under a new label.

use super::outbox::Route;
use super::peer::Peer;
use super::realm::Realm;
use crate::endpoint::RELAY_HEADER;
use crate::os::Departure;
use crate::session::Key;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shortest frame worth passing on: the label and a keepalive.
pub const SHORTEST: usize = RELAY_HEADER + 32;
const SHARDS: usize = 64;

/// All channels of this process.
pub struct Relays {
    shards: Vec<ArcSwap<HashMap<u32, Arc<Channel>>>>,
    pairs: Mutex<HashMap<Pair, (NonZeroU32, NonZeroU32)>>,
    datagrams: AtomicU64,
    bytes: AtomicU64,
}

/// Realm, and the ordered peers.
type Pair = (Arc<str>, Key, Key);

/// One end's way in, and where it leads.
struct Channel {
    /// Its proven address is the only one that may use the channel.
    from: Arc<Peer>,
    to: Arc<Peer>,
    /// Label of the other end's channel.
    onward: NonZeroU32,
}

/// Where the datagrams of a frame's sender go on to.
pub struct Onward {
    pub route: Route,
    pub label: NonZeroU32,
}

/// What becomes of a frame under a label.
pub enum Lookup {
    Forward(Onward),
    /// Ours, but the other end has no proven address.
    Nowhere,
    /// No channel of ours, or not from its end: it may be for this node itself.
    Foreign,
}

impl Default for Relays {
    fn default() -> Relays {
        Relays {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            pairs: Mutex::default(),
            datagrams: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Relays {
    /// Opens a pair of channels, or returns the pair that exists. The labels are those which `from` and `to` use.
    pub fn open(
        &self,
        realm: &Realm,
        from: &Arc<Peer>,
        to: &Arc<Peer>,
        mut random: impl FnMut() -> u32,
    ) -> (NonZeroU32, NonZeroU32) {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = (realm.name.clone(), from.key, to.key);
        if let Some(labels) = pairs.get(&pair) {
            return *labels;
        }
        let mut free = |other: Option<NonZeroU32>| loop {
            match NonZeroU32::new(random()) {
                Some(label)
                    if Some(label) != other && !self.shard(label).load().contains_key(&label.get()) =>
                {
                    return label;
                }
                _ => {}
            }
        };
        let near = free(None);
        let far = free(Some(near));
        self.insert(near, Channel { from: from.clone(), to: to.clone(), onward: far });
        self.insert(far, Channel { from: to.clone(), to: from.clone(), onward: near });
        pairs.insert(pair, (near, far));
        (near, far)
    }

    /// Closes every channel of a peer, on both ends.
    pub fn close(&self, peer: &Arc<Peer>) {
        let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
        pairs.retain(|(realm, from, to), (near, far)| {
            let gone = *realm == peer.realm.name && (*from == peer.key || *to == peer.key);
            if gone {
                self.remove(*near);
                self.remove(*far);
            }
            !gone
        });
    }

    /// Where a frame under `label` that came from `source` goes.
    pub fn find(&self, label: u32, source: SocketAddr) -> Lookup {
        let shard = self.shards[label as usize % SHARDS].load();
        let Some(channel) = shard.get(&label) else { return Lookup::Foreign };
        if !is_at(&channel.from, source) {
            return Lookup::Foreign;
        }
        let target = channel.to.proven.load_full();
        match target.filter(|route| route.endpoint.channel.is_none()) {
            Some(route) => Lookup::Forward(Onward { route: Route::clone(&route), label: channel.onward }),
            None => Lookup::Nowhere,
        }
    }

    /// Datagrams and bytes passed on.
    pub fn counters(&self) -> (u64, u64) {
        (self.datagrams.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    pub fn count(&self, datagrams: usize, bytes: usize) {
        self.datagrams.fetch_add(datagrams as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn insert(&self, label: NonZeroU32, channel: Channel) {
        let channel = Arc::new(channel);
        self.shard(label).rcu(|shard| {
            let mut changed = HashMap::clone(shard);
            changed.insert(label.get(), channel.clone());
            changed
        });
    }

    fn remove(&self, label: NonZeroU32) {
        self.shard(label).rcu(|shard| {
            let mut changed = HashMap::clone(shard);
            changed.remove(&label.get());
            changed
        });
    }

    fn shard(&self, label: NonZeroU32) -> &ArcSwap<HashMap<u32, Arc<Channel>>> {
        &self.shards[label.get() as usize % SHARDS]
    }
}

impl Onward {
    /// Rewrites the label of every frame in `slab[range]`, each of `stride` bytes, and says how they leave: as the one
    /// batch they came in.
    pub fn relabel(&self, slab: &mut [u8], range: Range<usize>, stride: usize) -> Departure {
        for frame in slab[range.clone()].chunks_mut(stride) {
            frame[4..RELAY_HEADER].copy_from_slice(&self.label.get().to_be_bytes());
        }
        Departure { range, stride, target: self.route.endpoint.address }
    }
}

fn is_at(peer: &Peer, source: SocketAddr) -> bool {
    let route = peer.proven.load();
    route.as_ref().is_some_and(|route| route.endpoint.channel.is_none() && route.endpoint.address == source)
}
