//! Peers that the caller gave up for now: who sends them packets is told so at once.

use super::calls::Plane;
use super::convey::Origin;
use super::core::millis;
use super::drive::Drive;
use super::options::Called;
use super::peer::Peer;
use crate::packet::icmp::{self, Unreachable};
use crate::packet::segment::Cut;
use crate::refusals::Cause;
use crate::session::{Key, Millis};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// Whether a peer counts as out of reach: from the moment it was said to be, until an authentic datagram comes from it.
#[derive(Default)]
pub struct Down {
    /// 0: it was not said.
    since: AtomicU64,
}

impl Down {
    fn set(&self, down: bool, now: Millis) {
        self.since.store(if down { now.max(1) } else { 0 }, Ordering::Relaxed);
    }
}

impl Peer {
    /// Said to be out of reach, and not heard since.
    pub fn is_down(&self) -> bool {
        let since = self.down.since.load(Ordering::Relaxed);
        since > 0 && self.traffic.received.load(Ordering::Relaxed) <= since
    }
}

impl Plane {
    /// These peers, and no others of the realm, are out of reach. Keys that are no peers are passed over.
    pub fn set_unreachable(&self, realm: &str, keys: &[Key]) -> Called<()> {
        let realm = self.realm(realm)?;
        let (keys, now): (HashSet<&Key>, Millis) = (keys.iter().collect(), millis());
        for peer in realm.peers() {
            peer.down.set(keys.contains(&peer.key), now);
            if peer.is_down() {
                peer.drive(&self.core, None, |drive| drive.give_up());
            }
        }
        Ok(())
    }
}

impl Drive<'_> {
    /// Tells the senders of what waits for a session.
    fn give_up(&mut self) {
        let (packets, late) = self.state.waiting.take(self.now.millis);
        self.core.refusals.add(Cause::Waiting, late as u64);
        self.core.refusals.add(Cause::Down, packets.len() as u64);
        for packet in packets {
            if let Ok(cut) = Cut::plan(&packet.vnet, &packet.bytes) {
                let error = icmp::unreachable(&packet.bytes, &cut.header, Unreachable::HostDown, None);
                Origin::Machine(Some(&self.peer.realm)).tell(self.core, error, self.now.millis);
            }
        }
    }
}
