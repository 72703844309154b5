//! Peers that the caller gave up for now: who sends them packets is told so at once.

use super::calls::Plane;
use super::convey::Origin;
use super::drive::Drive;
use super::options::Called;
use super::peer::Peer;
use crate::packet::icmp::{self, Unreachable};
use crate::packet::segment::Cut;
use crate::refusals::Cause;
use crate::session::{Key, Millis};
use std::collections::HashSet;
use std::sync::atomic::Ordering;

impl Peer {
    /// Something authentic came from it.
    pub fn note_alive(&self, now: Millis) {
        self.traffic.received.store(now, Ordering::Relaxed);
        // Read first: it is shared with the thread that sends.
        if self.is_down() {
            self.down.store(false, Ordering::Relaxed);
        }
    }

    pub fn is_down(&self) -> bool {
        self.down.load(Ordering::Relaxed)
    }
}

impl Plane {
    /// These peers, and no others of the realm, are out of reach. Keys that are no peers are passed over.
    pub fn set_unreachable(&self, realm: &str, keys: &[Key]) -> Called<()> {
        let realm = self.realm(realm)?;
        let keys: HashSet<&Key> = keys.iter().collect();
        for peer in realm.peers() {
            let is_down = keys.contains(&peer.key);
            peer.down.store(is_down, Ordering::Relaxed);
            if is_down {
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
