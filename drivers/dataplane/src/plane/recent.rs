//! The last few TCP packets that left for a peer: when their path turns out to be dead, they go again by the next one, since
//! TCP itself would wait for its second timeout.

use crate::packet::ip::{Header, TCP};
use crate::packet::vnet::Vnet;
use crate::session::Millis;
use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

/// A connection that stands still has its oldest segment among the last that were sent.
const PACKETS: usize = 16;
/// No path stays in use longer after it died.
const AGE: Millis = 500;
const FIN_OR_SYN: u8 = 0x03;

/// A packet as the TUN gave it, and when it left.
type Sent = (Millis, Vnet, Vec<u8>);

/// Packets of one peer, oldest first.
#[derive(Default)]
pub struct Recent {
    packets: Mutex<VecDeque<Sent>>,
}

impl Recent {
    /// A packet that is no super-packet left.
    pub fn note(&self, vnet: &Vnet, header: &Header, packet: &[u8], now: Millis) {
        if !is_worth(header, packet) {
            return;
        }
        let mut packets = self.packets.lock().unwrap_or_else(PoisonError::into_inner);
        if packets.len() == PACKETS {
            packets.pop_front();
        }
        packets.push_back((now, *vnet, packet[..header.total].to_vec()));
    }

    /// Those that left so lately that they may be lost.
    pub fn take(&self, now: Millis) -> impl Iterator<Item = (Vnet, Vec<u8>)> {
        self.forget(now);
        let packets = std::mem::take(&mut *self.packets.lock().unwrap_or_else(PoisonError::into_inner));
        packets.into_iter().map(|(_, vnet, packet)| (vnet, packet))
    }

    /// Those that are too old are not kept.
    pub fn forget(&self, now: Millis) {
        let mut packets = self.packets.lock().unwrap_or_else(PoisonError::into_inner);
        while packets.front().is_some_and(|(sent, ..)| now > sent + AGE) {
            packets.pop_front();
        }
    }
}

/// What TCP would send again: a segment with payload, or one that opens or ends a connection.
fn is_worth(header: &Header, packet: &[u8]) -> bool {
    if header.protocol != TCP || header.fragment || header.total < header.length + 20 {
        return false;
    }
    let transport = &packet[header.length..header.total];
    let length = usize::from(transport[12] >> 4) * 4;
    transport.len() > length || transport[13] & FIN_OR_SYN != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(payload: usize, flags: u8) -> Vec<u8> {
        let total = 40 + payload;
        let mut packet = vec![0u8; total];
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        packet[9] = TCP;
        packet[32..34].copy_from_slice(&[0x50, flags]);
        packet
    }

    #[test]
    fn the_last_segments_that_matter_are_kept_for_a_moment() {
        let recent = Recent::default();
        let note = |packet: &[u8], now| {
            recent.note(&Vnet::default(), &Header::parse(packet).expect("an IP packet"), packet, now);
        };
        let lengths = |now| recent.take(now).map(|(_, packet)| packet.len() - 40).collect::<Vec<_>>();
        for at in 0..40 {
            note(&segment(at, 0x10), 1_000);
        }
        assert_eq!(lengths(1_400), (24..40).collect::<Vec<_>>());
        assert_eq!(lengths(1_400), [0; 0]);
        note(&segment(0, 0x10), 2_000);
        note(&segment(0, 0x02), 2_000);
        note(&segment(7, 0x10), 2_400);
        assert_eq!(lengths(2_501), [7]);
    }
}
