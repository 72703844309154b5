//! IPv4 packets that may be cut on the way, cut (RFC 791).

use super::checksum;
use super::ip::Header;

const DONT: u16 = 0x4000;
const MORE: u16 = 0x2000;
const OFFSET: u16 = 0x1fff;

/// Whether the sender allows it.
pub fn is_allowed(packet: &[u8]) -> bool {
    packet[0] >> 4 == 4 && flags(packet) & DONT == 0
}

/// The packet in pieces of at most `mtu` bytes, which must leave room for 8 bytes of payload. Its transport checksum must be
/// finished.
pub fn cut(packet: &[u8], header: &Header, mtu: usize) -> Vec<Vec<u8>> {
    let payload = &packet[header.length..header.total];
    let step = mtu.saturating_sub(header.length) & !7;
    if step == 0 {
        return Vec::new();
    }
    let (first, flags) = (flags(packet) & OFFSET, flags(packet));
    let pieces = payload.chunks(step).enumerate().map(|(at, piece)| {
        let mut out = [&packet[..header.length], piece].concat();
        if at > 0 {
            keep_copied(&mut out[20..header.length]);
        }
        let total = out.len() as u16;
        let offset = first.wrapping_add((at * step / 8) as u16) & OFFSET;
        let is_last = (at + 1) * step >= payload.len();
        let more = if is_last { flags & MORE } else { MORE };
        out[2..4].copy_from_slice(&total.to_be_bytes());
        out[6..8].copy_from_slice(&(flags & 0x8000 | more | offset).to_be_bytes());
        checksum::write_ipv4(&mut out, header.length);
        out
    });
    pieces.collect()
}

fn flags(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[6], packet[7]])
}

/// Options that stand in the first piece only become padding.
fn keep_copied(options: &mut [u8]) {
    let mut at = 0;
    while at < options.len() {
        let kind = options[at];
        let length = match kind {
            0 => return,
            1 => 1,
            _ => options.get(at + 1).map_or(0, |length| usize::from(*length)),
        };
        let Some(option) = options.get_mut(at..at + length).filter(|option| !option.is_empty()) else {
            return;
        };
        if kind & 0x80 == 0 {
            option.fill(1);
        }
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_pieces_make_the_packet(payload in proptest::collection::vec(any::<u8>(), 1..4000), options in proptest::collection::vec(any::<[u8; 4]>(), 0..10), mtu in 100usize..1400, offset in 0u16..1000, later in any::<bool>()) {
            let length = 20 + options.len() * 4;
            let mut packet = vec![0u8; length];
            packet.extend(&payload);
            packet[0] = 0x40 | (length / 4) as u8;
            let total = packet.len() as u16;
            packet[2..4].copy_from_slice(&total.to_be_bytes());
            packet[6..8].copy_from_slice(&(offset | if later { MORE } else { 0 }).to_be_bytes());
            packet[20..length].copy_from_slice(&options.concat());
            checksum::write_ipv4(&mut packet, length);
            let header = Header::parse(&packet).expect("an IP packet");
            prop_assert!(is_allowed(&packet));
            let pieces = cut(&packet, &header, mtu);
            let mut next = offset;
            let mut got: Vec<u8> = Vec::new();
            for (at, piece) in pieces.iter().enumerate() {
                prop_assert!(piece.len() <= mtu);
                prop_assert_eq!(checksum::sum(&piece[..length], 0), 0xffff);
                prop_assert_eq!(flags(piece) & OFFSET, next);
                prop_assert_eq!(flags(piece) & MORE != 0, at + 1 < pieces.len() || later);
                next += ((piece.len() - length) / 8) as u16;
                got.extend(&piece[length..]);
            }
            prop_assert_eq!(got, payload);
            prop_assert_eq!(&pieces[0][20..length], &packet[20..length]);
        }
    }
}
