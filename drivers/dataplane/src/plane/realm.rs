//! One network (or one router role) of this process: its key, its peers, its table, its TUN.

use super::broadcast::Broadcast;
use super::forward::Forwarding;
use super::masks::RealmMasks;
use super::peer::Peer;
use super::port::Port;
use crate::filter::Filter;
use crate::nat::Nat;
use crate::os::{Tun, Waker};
use crate::packet::vnet::Vnet;
use crate::refusals::{Cause, Refusals};
use crate::session::{Key, Local, Millis, RealmKind};
use crate::table::{Prefix, Table};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

/// A key that is no peer is told of this often at most.
const UNKNOWN_KEY_INTERVAL: Millis = 1_000;

/// Largest inner packet of a realm without TUN.
const LARGEST: u16 = 1_400;

/// Shared by all threads; nothing in it knows another realm.
pub struct Realm {
    pub name: Arc<str>,
    pub kind: RealmKind,
    /// Carries what this realm sends first.
    pub port: Arc<Port>,
    pub local: Arc<Local>,
    pub tun: Option<TunLink>,
    pub masks: ArcSwap<RealmMasks>,
    /// What peers may send; `None`: everything.
    pub filter: ArcSwapOption<Filter>,
    /// Read for each packet.
    pub table: ArcSwap<Table<Arc<Peer>>>,
    pub forwarding: Forwarding,
    /// `None`: what is for many is dropped, both ways.
    pub broadcast: ArcSwapOption<Broadcast>,
    /// Absent where nothing is translated.
    pub nat: ArcSwapOption<Nat>,
    peers: RwLock<HashMap<Key, Arc<Peer>>>,
    /// Held while peers or their prefixes change.
    changing: Mutex<()>,
    unknown_key_told: AtomicU64,
}

/// The TUN and what ends its reader's wait.
pub struct TunLink {
    pub tun: Tun,
    pub mtu: u16,
    pub waker: Waker,
}

impl Realm {
    pub fn new(
        name: &str,
        kind: RealmKind,
        port: Arc<Port>,
        local: Arc<Local>,
        tun: Option<TunLink>,
    ) -> Realm {
        Realm {
            name: name.into(),
            kind,
            port,
            local,
            tun,
            masks: ArcSwap::default(),
            filter: ArcSwapOption::empty(),
            table: ArcSwap::default(),
            forwarding: Forwarding::default(),
            broadcast: ArcSwapOption::empty(),
            nat: ArcSwapOption::empty(),
            peers: RwLock::default(),
            changing: Mutex::new(()),
            unknown_key_told: AtomicU64::new(0),
        }
    }

    /// Largest packet of its TUN; what is supposed of a realm without.
    pub fn mtu(&self) -> u16 {
        self.tun.as_ref().map_or(LARGEST, |link| link.mtu)
    }

    /// Hands the machine a packet of our own making, an error about one that it sent into the network; its addresses are the
    /// network's.
    pub fn answer(&self, packet: &mut [u8], refusals: &Refusals, now: Millis) {
        if let Some(nat) = &*self.nat.load() {
            nat.inbound(packet, false, now);
        }
        let Some(link) = &self.tun else { return };
        if link.tun.write(packet, Vnet::default(), 0..packet.len(), &[]).is_err() {
            refusals.count(Cause::TunWrite);
        }
    }

    pub fn peer(&self, key: &Key) -> Option<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    pub fn peers(&self) -> Vec<Arc<Peer>> {
        self.peers.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// To be held over reading and changing peers together.
    pub fn change(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn insert(&self, peer: Arc<Peer>) {
        self.peers.write().unwrap_or_else(PoisonError::into_inner).insert(peer.key, peer);
    }

    pub fn remove(&self, key: &Key) -> Option<Arc<Peer>> {
        self.peers.write().unwrap_or_else(PoisonError::into_inner).remove(key)
    }

    /// Moves the peer from its old prefixes to the new. A prefix that another peer has goes to this one, as in
    /// WireGuard.
    pub fn assign(&self, peer: &Arc<Peer>, old: &[Prefix], new: &[Prefix]) {
        let mut table = self.table.load_full();
        for prefix in old {
            let owned = table.exact(prefix).is_some_and(|owner| Arc::ptr_eq(owner, peer));
            if owned && !new.contains(prefix) {
                table = Arc::new(table.with(*prefix, None));
            }
        }
        for prefix in new {
            if table.exact(prefix).is_none_or(|owner| !Arc::ptr_eq(owner, peer)) {
                table = Arc::new(table.with(*prefix, Some(peer.clone())));
            }
        }
        self.table.store(table);
    }

    /// Whether an unknown key may be told of now.
    pub fn may_tell_unknown_key(&self, now: Millis) -> bool {
        let last = self.unknown_key_told.load(Ordering::Relaxed);
        let due = last == 0 || now >= last + UNKNOWN_KEY_INTERVAL;
        due && self.unknown_key_told.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}
