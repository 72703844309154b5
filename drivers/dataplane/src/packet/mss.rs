//! The maximum segment size that a TCP SYN announces, lowered to what a path carries.

use super::ip::{Header, TCP};

const SYN: u8 = 0x02;
const END: u8 = 0;
const PADDING: u8 = 1;
const MSS: u8 = 2;

/// Lowers the option in place so that segments with plain headers fit into `mtu`; true when it was changed. `partial`: the
/// checksum field holds the pseudo-header sum only.
pub fn clamp(packet: &mut [u8], header: &Header, mtu: usize, partial: bool) -> bool {
    let start = header.length;
    if !is_syn(packet, header) {
        return false;
    }
    let Ok(limit) = u16::try_from(mtu.saturating_sub(start + 20)) else { return false };
    let end = (start + usize::from(packet[start + 12] >> 4) * 4).min(header.total);
    let mut at = start + 20;
    while at < end {
        let length = match packet[at] {
            END => return false,
            PADDING => 1,
            MSS if at + 4 <= end && packet[at + 1] == 4 => {
                let old = u16::from_be_bytes([packet[at + 2], packet[at + 3]]);
                if old <= limit {
                    return false;
                }
                packet[at + 2..at + 4].copy_from_slice(&limit.to_be_bytes());
                if !partial {
                    adjust(packet, start + 16, (old, limit), (at - start) % 2 == 1);
                }
                return true;
            }
            _ => packet.get(at + 1).map_or(0, |length| usize::from(*length)),
        };
        if length == 0 || packet[at] != PADDING && length < 2 {
            return false;
        }
        at += length;
    }
    false
}

/// Whether it begins a TCP connection.
pub fn is_syn(packet: &[u8], header: &Header) -> bool {
    header.protocol == TCP
        && !header.fragment
        && header.total >= header.length + 20
        && packet[header.length + 13] & SYN != 0
}

/// Corrects a checksum for one changed word (RFC 1624, equation 3). `odd`: the word straddles two words of the sum.
fn adjust(packet: &mut [u8], at: usize, (old, new): (u16, u16), odd: bool) {
    let turn = |word: u16| if odd { word.swap_bytes() } else { word };
    let sum = !u16::from_be_bytes([packet[at], packet[at + 1]]);
    let mut total = u32::from(sum) + u32::from(!turn(old)) + u32::from(turn(new));
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    packet[at..at + 2].copy_from_slice(&(!(total as u16)).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::checksum;
    use super::*;
    use proptest::prelude::*;

    /// A SYN with these options and a right checksum, over IPv4 or IPv6.
    fn syn(v6: bool, options: &[u8]) -> Vec<u8> {
        let ip = if v6 { 40 } else { 20 };
        let total = ip + 20 + options.len();
        let mut packet = vec![0u8; total];
        if v6 {
            packet[0] = 0x60;
            packet[4..6].copy_from_slice(&((total - 40) as u16).to_be_bytes());
            packet[6] = TCP;
        } else {
            packet[0] = 0x45;
            packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            packet[9] = TCP;
        }
        packet[ip + 12] = ((20 + options.len()) as u8 / 4) << 4;
        packet[ip + 13] = SYN;
        packet[ip + 20..].copy_from_slice(options);
        let header = Header::parse(&packet).expect("an IP packet");
        let seed = checksum::pseudo(&header, &packet, total - ip);
        packet[ip + 16..ip + 18].copy_from_slice(&seed.to_be_bytes());
        checksum::complete(&mut packet, ip, 16);
        packet
    }

    fn holds(packet: &[u8], header: &Header) -> bool {
        let transport = &packet[header.length..];
        checksum::sum(transport, checksum::pseudo(header, packet, transport.len())) == 0xffff
    }

    proptest! {
        #[test]
        fn the_checksum_stays_right_wherever_the_option_lies(v6 in any::<bool>(), before in 0usize..4, mss in any::<u16>(), mtu in 600usize..1500) {
            let mut options = vec![PADDING; before];
            options.extend([MSS, 4]);
            options.extend(mss.to_be_bytes());
            options.resize(options.len().next_multiple_of(4), END);
            let mut packet = syn(v6, &options);
            let header = Header::parse(&packet).expect("an IP packet");
            let limit = (mtu - header.length - 20) as u16;
            prop_assert_eq!(clamp(&mut packet, &header, mtu, false), mss > limit);
            let at = header.length + 22 + before;
            prop_assert_eq!(u16::from_be_bytes([packet[at], packet[at + 1]]), mss.min(limit));
            prop_assert!(holds(&packet, &header));
        }

        #[test]
        fn any_options_are_survived(v6 in any::<bool>(), words in proptest::collection::vec(any::<[u8; 4]>(), 0..10), mtu in 0usize..2000) {
            let mut packet = syn(v6, &words.concat());
            let header = Header::parse(&packet).expect("an IP packet");
            let before = packet.len();
            clamp(&mut packet, &header, mtu, false);
            prop_assert!(packet.len() == before && holds(&packet, &header));
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), mtu in 0usize..2000) {
            if let Some(header) = Header::parse(&bytes) {
                clamp(&mut bytes, &header, mtu, true);
            }
        }
    }
}
