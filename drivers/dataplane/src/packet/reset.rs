//! The TCP reset that refuses a connection at once (RFC 9293 §3.5.2), as it would come from the packet's receiver.

use super::checksum;
use super::ip::{Header, TCP, Version};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;
const TRANSPORT: usize = 20;

/// The reset for its sender; `None` where none may be sent: about a reset, a fragment, or what is no TCP.
pub fn reset(packet: &[u8], header: &Header) -> Option<Vec<u8>> {
    if header.protocol != TCP || header.fragment || header.total < header.length + TRANSPORT {
        return None;
    }
    let segment = &packet[header.length..header.total];
    let flags = segment[13];
    if flags & RST != 0 {
        return None;
    }
    let total = network(header) + TRANSPORT;
    let mut answer = vec![0u8; total];
    write_network(packet, header, &mut answer);
    let transport = &mut answer[network(header)..];
    transport[..2].copy_from_slice(&segment[2..4]);
    transport[2..4].copy_from_slice(&segment[..2]);
    transport[12] = (TRANSPORT as u8 / 4) << 4;
    if flags & ACK != 0 {
        transport[4..8].copy_from_slice(&segment[8..12]);
        transport[13] = RST;
    } else {
        let head = usize::from(segment[12] >> 4) * 4;
        let counted = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        let length = segment.len().saturating_sub(head) as u32 + counted;
        let sequence = u32::from_be_bytes([segment[4], segment[5], segment[6], segment[7]]);
        transport[8..12].copy_from_slice(&sequence.wrapping_add(length).to_be_bytes());
        transport[13] = RST | ACK;
    }
    let about = Header { length: network(header), total, ..*header };
    let seed = checksum::pseudo(&about, &answer, TRANSPORT);
    answer[about.length + 16..about.length + 18].copy_from_slice(&seed.to_be_bytes());
    checksum::complete(&mut answer, about.length, 16);
    Some(answer)
}

fn network(header: &Header) -> usize {
    match header.version {
        Version::V4 => 20,
        Version::V6 => 40,
    }
}

/// The network header with the ends exchanged.
fn write_network(packet: &[u8], header: &Header, answer: &mut [u8]) {
    let total = answer.len() as u16;
    match header.version {
        Version::V4 => {
            answer[0] = 0x45;
            answer[2..4].copy_from_slice(&total.to_be_bytes());
            answer[6] = 0x40;
            answer[8] = 64;
            answer[9] = TCP;
            answer[12..16].copy_from_slice(&packet[16..20]);
            answer[16..20].copy_from_slice(&packet[12..16]);
            checksum::write_ipv4(answer, 20);
        }
        Version::V6 => {
            answer[0] = 0x60;
            answer[4..6].copy_from_slice(&(total - 40).to_be_bytes());
            answer[6] = TCP;
            answer[7] = 64;
            answer[8..24].copy_from_slice(&packet[24..40]);
            answer[24..40].copy_from_slice(&packet[8..24]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A TCP packet with these flags, sequence 1,000, acknowledgement 7 and a payload of `data` bytes.
    fn segment(v6: bool, flags: u8, data: usize) -> Vec<u8> {
        let head = if v6 { 40 } else { 20 };
        let mut packet = vec![0u8; head + 20 + data];
        if v6 {
            packet[0] = 0x60;
            packet[4..6].copy_from_slice(&(20 + data as u16).to_be_bytes());
            packet[6] = TCP;
            packet[23] = 1;
            packet[39] = 2;
        } else {
            packet[0] = 0x45;
            packet[2..4].copy_from_slice(&(40 + data as u16).to_be_bytes());
            packet[9] = TCP;
            packet[12..20].copy_from_slice(&[10, 0, 0, 1, 10, 0, 0, 2]);
        }
        packet[head..head + 4].copy_from_slice(&[0x30, 0x39, 0, 22]);
        packet[head + 4..head + 12].copy_from_slice(&[0, 0, 3, 232, 0, 0, 0, 7]);
        packet[head + 12..head + 14].copy_from_slice(&[0x50, flags]);
        packet
    }

    proptest! {
        #[test]
        fn a_reset_answers_what_was_sent(v6 in any::<bool>(), flags in any::<u8>(), data in 0usize..1_300) {
            let packet = segment(v6, flags, data);
            let header = Header::parse(&packet).expect("an IP packet");
            let Some(answer) = reset(&packet, &header) else {
                prop_assert!(flags & RST != 0);
                return Ok(());
            };
            let about = Header::parse(&answer).expect("an IP packet");
            prop_assert_eq!(about.source(&answer), header.destination(&packet));
            prop_assert_eq!(about.destination(&answer), header.source(&packet));
            let transport = &answer[about.length..];
            prop_assert_eq!(checksum::sum(transport, checksum::pseudo(&about, &answer, 20)), 0xffff);
            prop_assert_eq!(&transport[..4], &[0, 22, 0x30, 0x39]);
            let word = |at: usize| u32::from_be_bytes([transport[at], transport[at + 1], transport[at + 2], transport[at + 3]]);
            if flags & ACK != 0 {
                prop_assert_eq!((word(4), word(8), transport[13]), (7, 0, RST));
            } else {
                let counted = u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
                prop_assert_eq!((word(4), word(8), transport[13]), (0, 1_000 + data as u32 + counted, RST | ACK));
            }
            prop_assert!(reset(&answer, &about).is_none());
        }
    }
}
