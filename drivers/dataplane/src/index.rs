//! Receiver index → session: read without locks for each batch, changed at handshakes.

use crate::plane::peer::Peer;
use crate::session::Keypair;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A change copies one shard; with this many, tens of thousands of sessions stay cheap.
const SHARDS: usize = 256;

/// Whom a receiver index belongs to.
#[derive(Clone)]
pub struct Entry {
    pub peer: Arc<Peer>,
    /// `None` while only a handshake uses the index.
    pub keypair: Option<Arc<Keypair>>,
}

/// All receiver indices of this process.
pub struct Index {
    shards: Vec<ArcSwap<HashMap<u32, Entry>>>,
    writing: Mutex<()>,
}

impl Index {
    pub fn new() -> Index {
        Index { shards: (0..SHARDS).map(|_| ArcSwap::default()).collect(), writing: Mutex::new(()) }
    }

    pub fn find(&self, index: u32) -> Option<Entry> {
        self.shard(index).load().get(&index).cloned()
    }

    /// Takes a free index for the peer. `random` is asked until it names one.
    pub fn reserve(&self, peer: &Arc<Peer>, mut random: impl FnMut() -> u32) -> u32 {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let index = random();
            let shard = self.shard(index).load_full();
            if !shard.contains_key(&index) {
                let mut changed = HashMap::clone(&shard);
                changed.insert(index, Entry { peer: peer.clone(), keypair: None });
                self.shard(index).store(Arc::new(changed));
                return index;
            }
        }
    }

    /// Data under the keypair's index open with it from now on.
    pub fn install(&self, peer: &Arc<Peer>, keypair: Arc<Keypair>) {
        let index = keypair.local_index();
        self.change(index, |shard| {
            shard.insert(index, Entry { peer: peer.clone(), keypair: Some(keypair) });
        });
    }

    pub fn release(&self, index: u32) {
        self.change(index, |shard| {
            shard.remove(&index);
        });
    }

    fn change(&self, index: u32, change: impl FnOnce(&mut HashMap<u32, Entry>)) {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut shard = HashMap::clone(&self.shard(index).load_full());
        change(&mut shard);
        self.shard(index).store(Arc::new(shard));
    }

    fn shard(&self, index: u32) -> &ArcSwap<HashMap<u32, Entry>> {
        &self.shards[index as usize % SHARDS]
    }
}
