//! Packets that wait for a session: few, and not for long.

use crate::packet::vnet::Vnet;
use crate::session::Millis;
use std::collections::VecDeque;

/// Packets, and bytes of packets, that wait for one session.
const PACKETS: usize = 64;
const BYTES: usize = 1 << 20;
/// A packet that waited longer is of no use to anyone.
const PATIENCE: Millis = 5_000;

/// A packet as the TUN gave it.
pub struct Packet {
    pub vnet: Vnet,
    pub bytes: Vec<u8>,
    since: Millis,
}

/// Packets for one peer, oldest first.
#[derive(Default)]
pub struct Waiting {
    packets: VecDeque<Packet>,
    bytes: usize,
}

impl Waiting {
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Adds one; returns how many older ones had to go.
    pub fn push(&mut self, vnet: Vnet, bytes: &[u8], now: Millis) -> usize {
        self.bytes += bytes.len();
        self.packets.push_back(Packet { vnet, bytes: bytes.to_vec(), since: now });
        let before = self.packets.len();
        while self.packets.len() > PACKETS || self.bytes > BYTES {
            let Some(oldest) = self.packets.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
        }
        before - self.packets.len()
    }

    /// Takes all that did not wait too long, and says how many did.
    pub fn take(&mut self, now: Millis) -> (Vec<Packet>, usize) {
        self.bytes = 0;
        let all = std::mem::take(&mut self.packets);
        let before = all.len();
        let fresh: Vec<Packet> = all.into_iter().filter(|packet| now <= packet.since + PATIENCE).collect();
        let late = before - fresh.len();
        (fresh, late)
    }

    /// Forgets all; how many there were.
    pub fn clear(&mut self) -> usize {
        self.bytes = 0;
        std::mem::take(&mut self.packets).len()
    }
}
