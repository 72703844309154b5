//! One hop less to live, as every router takes it from a packet that it passes on (RFC 1812 §5.3.1, RFC 8200 §3).

use super::ip::{Header, Version};

/// Takes one hop from what the packet has left, its header's checksum kept right; false, and nothing changed, when it has
/// none to give.
pub fn take(packet: &mut [u8], header: &Header) -> bool {
    match header.version {
        Version::V4 => {
            if packet[8] <= 1 {
                return false;
            }
            packet[8] -= 1;
            // The word that holds it became less by 0x0100, so the complement of the sum becomes more by that (RFC 1624).
            let sum = u16::from_be_bytes([packet[10], packet[11]]);
            let (more, carry) = sum.overflowing_add(0x0100);
            packet[10..12].copy_from_slice(&(more + u16::from(carry)).to_be_bytes());
        }
        Version::V6 => {
            if packet[7] <= 1 {
                return false;
            }
            packet[7] -= 1;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::checksum;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_header_stays_right_and_ends_at_its_last_hop(mut packet in proptest::collection::vec(any::<u8>(), 40..80), v6 in any::<bool>()) {
            let length = packet.len() as u16;
            if v6 {
                packet[0] = 0x60;
                packet[4..6].copy_from_slice(&(length - 40).to_be_bytes());
            } else {
                packet[0] = 0x45;
                packet[2..4].copy_from_slice(&length.to_be_bytes());
                checksum::write_ipv4(&mut packet, 20);
            }
            let header = Header::parse(&packet).expect("an IP packet");
            let at = if v6 { 7 } else { 8 };
            let before = packet.clone();
            if take(&mut packet, &header) {
                prop_assert_eq!(packet[at], before[at] - 1);
                prop_assert!(v6 || checksum::sum(&packet[..20], 0) == 0xffff);
                packet[at] = before[at];
                packet[10..12].copy_from_slice(&before[10..12]);
            } else {
                prop_assert!(before[at] <= 1);
            }
            prop_assert_eq!(packet, before);
        }
    }
}
