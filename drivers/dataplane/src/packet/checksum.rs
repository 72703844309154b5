//! Internet checksum (RFC 1071): plain sums, pseudo headers, completion of partial checksums.

use super::ip::Header;

/// One's-complement sum of `data` onto `seed`, folded to 16 bits and not inverted.
pub fn sum(data: &[u8], seed: u16) -> u16 {
    // Words are added in the machine's order: the folded sum only has to be swapped once at the end (RFC 1071 §2B).
    let mut total = u64::from(seed.to_be());
    let (words, rest) = data.as_chunks::<4>();
    for word in words {
        total += u64::from(u32::from_ne_bytes(*word));
    }
    if !rest.is_empty() {
        let mut last = [0u8; 4];
        last[..rest.len()].copy_from_slice(rest);
        total += u64::from(u32::from_ne_bytes(last));
    }
    while total > 0xffff {
        total = (total & 0xffff) + (total >> 16);
    }
    u16::from_be(total as u16)
}

/// Sum of the TCP or UDP pseudo header for a transport part of `length` bytes; what a partial checksum field holds.
pub fn pseudo(header: &Header, packet: &[u8], length: usize) -> u16 {
    let addresses = match header.version {
        super::ip::Version::V4 => &packet[12..20],
        super::ip::Version::V6 => &packet[8..40],
    };
    let length = length as u32;
    let mut tail = [0u8; 8];
    tail[..4].copy_from_slice(&length.to_be_bytes());
    tail[7] = header.protocol;
    sum(&tail, sum(addresses, 0))
}

/// Checksum of the IPv4 header at the start of `packet`, written in place.
pub fn write_ipv4(packet: &mut [u8], header_length: usize) {
    packet[10..12].fill(0);
    let value = !sum(&packet[..header_length], 0);
    packet[10..12].copy_from_slice(&value.to_be_bytes());
}

/// Finishes a partial checksum: sums from `start` over the seed in the field and writes the complement.
///
/// Returns false, and changes nothing, when the field lies outside the packet.
pub fn complete(packet: &mut [u8], start: usize, offset: usize) -> bool {
    let at = start + offset;
    if at + 2 > packet.len() {
        return false;
    }
    let value = !sum(&packet[start..], 0);
    // A UDP checksum of zero would mean "none"; 0xffff is the same number to every receiver of TCP, too (RFC 768).
    let value = if value == 0 { 0xffff } else { value };
    packet[at..at + 2].copy_from_slice(&value.to_be_bytes());
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn slow(data: &[u8]) -> u16 {
        let mut total = 0u32;
        for pair in data.chunks(2) {
            total += u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low));
            total = (total & 0xffff) + (total >> 16);
        }
        total as u16
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(data in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let fast = sum(&data, 0);
            // 0 and 0xffff are one number in one's complement.
            prop_assert_eq!(fast % 0xffff, slow(&data) % 0xffff);
        }

        #[test]
        fn continues_over_even_pieces(data in proptest::collection::vec(any::<u8>(), 0..600), cut in 0usize..300) {
            let cut = (cut * 2).min(data.len() & !1);
            let parts = sum(&data[cut..], sum(&data[..cut], 0));
            prop_assert_eq!(parts % 0xffff, sum(&data, 0) % 0xffff);
        }
    }

    #[test]
    fn completes_what_rfc_1071_counts() {
        // The example of RFC 1071 §3.
        assert_eq!(sum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], 0), 0xddf2);
    }
}
