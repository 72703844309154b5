//! Relay channels: sealed datagrams of one member's address go on to another member or relay, under a new label.

use super::masks::wrapped;
use super::outbox::Route;
use super::peer::Peer;
use super::quota::Quota;
use super::realm::Realm;
use crate::endpoint::{Endpoint, RELAY_HEADER};
use crate::mask::{PADDING, SMALL};
use crate::os::Departure;
use crate::packet::flow::Flow;
use crate::session::{self, Key, Message, Millis};
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shortest frame worth passing on: the label and a keepalive.
pub const SHORTEST: usize = RELAY_HEADER + 32;
/// A pair of channels that no frame passed for so long is closed.
pub const IDLE: Millis = 600_000;
/// Idle pairs are looked for this often.
pub const SWEEP: Millis = 60_000;
const SHARDS: usize = 64;

/// All channels of this process.
pub struct Relays {
    shards: Vec<ArcSwap<HashMap<u32, Arc<Channel>>>>,
    pairs: Mutex<HashMap<Ends, Pair>>,
    quota: Quota,
    datagrams: AtomicU64,
    bytes: AtomicU64,
}

/// Realm, the ordered peers, and the label under which the second takes the first one's frames on.
type Ends = (Arc<str>, Key, Key, Option<NonZeroU32>);

/// Both directions of one way through this relay.
struct Pair {
    near: NonZeroU32,
    far: NonZeroU32,
    used: Arc<AtomicU64>,
}

/// One end's way in, and where it leads.
struct Channel {
    /// Only the places where it proved to be may use the channel.
    from: Arc<Peer>,
    to: Arc<Peer>,
    /// Label of the other end's channel.
    onward: NonZeroU32,
    /// The member whose quota its frames use up.
    payer: Arc<Peer>,
    /// When a frame passed last, either way.
    used: Arc<AtomicU64>,
}

/// Where the datagrams of a frame's sender go on to.
pub struct Onward {
    pub route: Route,
    pub label: NonZeroU32,
    payer: Arc<Peer>,
}

/// What becomes of a frame under a label.
pub enum Lookup {
    Forward(Onward),
    /// Ours, but the other end has no proven address.
    Nowhere,
    /// No channel of ours, or not from its end: it may be for this node itself.
    Foreign,
}

/// The label that the next relay gave is in use here.
#[derive(Debug, PartialEq, Eq)]
pub struct LabelTaken;

impl Default for Relays {
    fn default() -> Relays {
        Relays {
            shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(),
            pairs: Mutex::default(),
            quota: Quota::default(),
            datagrams: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }
}

impl Relays {
    /// Opens a pair of channels, or returns the pair that exists. The labels are those which `from` and `to` use;
    /// `onward`: the one that `to`, a relay itself, gave for what it takes on.
    pub fn open(
        &self,
        realm: &Realm,
        (from, to): (&Arc<Peer>, &Arc<Peer>),
        onward: Option<NonZeroU32>,
        now: Millis,
        mut random: impl FnMut() -> u32,
    ) -> Result<(NonZeroU32, NonZeroU32), LabelTaken> {
        let mut pairs = self.lock();
        let ends = (realm.name.clone(), from.key, to.key, onward);
        if let Some(pair) = pairs.get(&ends) {
            pair.used.store(now, Ordering::Relaxed);
            return Ok((pair.near, pair.far));
        }
        if onward.is_some_and(|label| self.is_taken(label)) {
            return Err(LabelTaken);
        }
        let mut free = |other: Option<NonZeroU32>| loop {
            match NonZeroU32::new(random()) {
                Some(label) if Some(label) != other && !self.is_taken(label) => return label,
                _ => {}
            }
        };
        let near = free(onward);
        let far = onward.unwrap_or_else(|| free(Some(near)));
        let used = Arc::new(AtomicU64::new(now));
        let channel = |from: &Arc<Peer>, to: &Arc<Peer>, label, payer: &Arc<Peer>| Channel {
            from: from.clone(),
            to: to.clone(),
            onward: label,
            payer: payer.clone(),
            used: used.clone(),
        };
        self.insert(near, channel(from, to, far, from));
        // What comes back through another relay was asked for by the member at this end.
        self.insert(far, channel(to, from, near, if onward.is_some() { from } else { to }));
        pairs.insert(ends, Pair { near, far, used });
        Ok((near, far))
    }

    /// Closes every channel of a peer, on both ends.
    pub fn close(&self, peer: &Arc<Peer>) {
        self.retain(|(realm, from, to, _), _| {
            *realm != peer.realm.name || (*from != peer.key && *to != peer.key)
        });
    }

    /// Closes what no frame passed for long; false when no channel is left.
    pub fn close_idle(&self, now: Millis) -> bool {
        self.retain(|_, pair| now < pair.used.load(Ordering::Relaxed) + IDLE);
        !self.is_empty()
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Bytes a second that each member may have passed on; 0 for any number.
    pub fn set_quota(&self, bytes_per_second: u64) {
        self.quota.set(bytes_per_second);
    }

    /// Where a frame under `label` that came from `source` goes.
    pub fn find(&self, label: u32, source: &Endpoint, now: Millis) -> Lookup {
        let shard = self.shards[label as usize % SHARDS].load();
        let Some(channel) = shard.get(&label) else { return Lookup::Foreign };
        if !channel.from.is_at(&source.nearest()) {
            return Lookup::Foreign;
        }
        let target = channel.to.proven.load_full();
        let Some(route) = target.filter(|route| route.endpoint.channel.is_none()) else {
            return Lookup::Nowhere;
        };
        if channel.used.load(Ordering::Relaxed) != now {
            channel.used.store(now, Ordering::Relaxed);
        }
        let payer = channel.payer.clone();
        Lookup::Forward(Onward { route: Route::clone(&route), label: channel.onward, payer })
    }

    /// How many of so many frames of that size the sender's quota lets pass now.
    pub fn admit(&self, onward: &Onward, frames: usize, stride: usize) -> usize {
        self.quota.take(&onward.payer.relayed, frames, stride)
    }

    /// Datagrams and bytes passed on.
    pub fn counters(&self) -> (u64, u64) {
        (self.datagrams.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }

    pub fn count(&self, datagrams: usize, bytes: usize) {
        self.datagrams.fetch_add(datagrams as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    fn retain(&self, stays: impl Fn(&Ends, &Pair) -> bool) {
        self.lock().retain(|ends, pair| {
            let stays = stays(ends, pair);
            if !stays {
                self.remove(pair.near);
                self.remove(pair.far);
            }
            stays
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Ends, Pair>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_taken(&self, label: NonZeroU32) -> bool {
        self.shard(label).load().contains_key(&label.get())
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
        Departure { range, stride, target: self.route.endpoint.address, flow: Flow::default() }
    }

    /// Sends relabelled frames on, under the mask of who takes them; false when the system refused some.
    pub fn send(&self, slab: &mut [u8], departure: Departure) -> bool {
        let Route { port, endpoint, .. } = &self.route;
        let mask = port.hops.answer(endpoint.address).filter(|_| endpoint.is_bare());
        let Some(mask) = mask else { return port.send(slab, &[departure], false) == 0 };
        let frames = &mut slab[departure.range.clone()];
        let alone = frames.len() <= departure.stride && frames.len() <= RELAY_HEADER + SMALL;
        if !alone && frames.chunks(departure.stride).all(has_data) {
            mask.cover(frames, departure.stride);
            return port.send(slab, &[departure], false) == 0;
        }
        frames.chunks_mut(departure.stride).fold(true, |sent, frame| {
            sent & if alone || !has_data(frame) {
                port.send_one(&wrapped(&mask, frame, 0..=PADDING), endpoint.address)
            } else {
                mask.cover(frame, frame.len());
                port.send_one(frame, endpoint.address)
            }
        })
    }
}

/// Whether a frame has a data message in it.
fn has_data(frame: &[u8]) -> bool {
    matches!(session::classify(&frame[RELAY_HEADER..]), Some(Message::Data { .. }))
}
