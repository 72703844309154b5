//! What a sender is told whose packet cannot go on: "fragmentation needed" (RFC 792, RFC 1191) or "packet too big" (RFC 4443)
//! where it is larger than its way, "time exceeded" where it has no hop left, "unreachable" where there is no way.

use super::checksum;
use super::ip::{Header, Version};
use std::net::IpAddr;

const ICMP: u8 = 1;
const ICMP_V6: u8 = 58;
/// An IPv4 error has at most so many bytes (RFC 1812), an IPv6 one these.
const LARGEST_V4: usize = 576;
const LARGEST_V6: usize = 1_280;

/// The error about `packet` as it would come from its receiver, ready for its sender; `None` where no error may be sent: about
/// errors, later fragments, and senders or receivers that are no single host.
pub fn too_big(packet: &[u8], header: &Header, mtu: u16) -> Option<Vec<u8>> {
    match header.version {
        Version::V4 => error_v4(packet, header, ([3, 4], u32::from(mtu)), None),
        Version::V6 => error_v6(packet, header, ([2, 0], u32::from(mtu)), None),
    }
}

/// The error about a packet that had no hop left: from the router that says so, where its address in the packet's family is
/// known, else as from the receiver. `None` as for [`too_big`].
pub fn time_exceeded(packet: &[u8], header: &Header, router: Option<IpAddr>) -> Option<Vec<u8>> {
    match header.version {
        Version::V4 => error_v4(packet, header, ([11, 0], 0), router),
        Version::V6 => error_v6(packet, header, ([3, 0], 0), router),
    }
}

/// Why there is no way to a packet's receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// Nobody is there for its destination.
    NoRoute,
    /// Who is there cannot be reached now.
    HostDown,
    /// Who is there does not let it in.
    Prohibited,
}

/// The error about a packet that cannot arrive: from the router that says so, else as from the receiver. `None` as for
/// [`too_big`].
pub fn unreachable(
    packet: &[u8],
    header: &Header,
    why: Unreachable,
    router: Option<IpAddr>,
) -> Option<Vec<u8>> {
    let (v4, v6) = match why {
        Unreachable::NoRoute => (0, 0),
        Unreachable::HostDown => (1, 3),
        Unreachable::Prohibited => (13, 1),
    };
    match header.version {
        Version::V4 => error_v4(packet, header, ([3, v4], 0), router),
        Version::V6 => error_v6(packet, header, ([1, v6], 0), router),
    }
}

/// `what`: type and code, and the word behind the checksum.
fn error_v4(
    packet: &[u8],
    header: &Header,
    (kind, word): ([u8; 2], u32),
    from: Option<IpAddr>,
) -> Option<Vec<u8>> {
    let is_error = header.protocol == ICMP
        && packet.get(header.length).is_some_and(|kind| matches!(kind, 3 | 4 | 5 | 11 | 12));
    let is_later = u16::from_be_bytes([packet[6], packet[7]]) & 0x1fff != 0;
    let is_host = |first: u8| first != 0 && first < 224;
    if is_error || is_later || !is_host(packet[12]) || !is_host(packet[16]) {
        return None;
    }
    let quoted = &packet[..header.total.min(LARGEST_V4 - 28)];
    let total = 28 + quoted.len();
    let mut error = vec![0u8; total];
    error[0] = 0x45;
    error[2..4].copy_from_slice(&(total as u16).to_be_bytes());
    error[8] = 64;
    error[9] = ICMP;
    match from {
        Some(IpAddr::V4(from)) => error[12..16].copy_from_slice(&from.octets()),
        _ => error[12..16].copy_from_slice(&packet[16..20]),
    }
    error[16..20].copy_from_slice(&packet[12..16]);
    checksum::write_ipv4(&mut error, 20);
    error[20..22].copy_from_slice(&kind);
    error[24..28].copy_from_slice(&word.to_be_bytes());
    error[28..].copy_from_slice(quoted);
    let sum = !checksum::sum(&error[20..], 0);
    error[22..24].copy_from_slice(&sum.to_be_bytes());
    Some(error)
}

fn error_v6(
    packet: &[u8],
    header: &Header,
    (kind, word): ([u8; 2], u32),
    from: Option<IpAddr>,
) -> Option<Vec<u8>> {
    let is_error = header.protocol == ICMP_V6 && packet.get(40).is_some_and(|kind| *kind < 128);
    let is_host = |address: &[u8]| address[0] != 0xff && address.iter().any(|byte| *byte != 0);
    if is_error || !is_host(&packet[8..24]) || !is_host(&packet[24..40]) {
        return None;
    }
    let quoted = &packet[..header.total.min(LARGEST_V6 - 48)];
    let length = 8 + quoted.len();
    let mut error = vec![0u8; 40 + length];
    error[0] = 0x60;
    error[4..6].copy_from_slice(&(length as u16).to_be_bytes());
    error[6] = ICMP_V6;
    error[7] = 64;
    match from {
        Some(IpAddr::V6(from)) => error[8..24].copy_from_slice(&from.octets()),
        _ => error[8..24].copy_from_slice(&packet[24..40]),
    }
    error[24..40].copy_from_slice(&packet[8..24]);
    error[40..42].copy_from_slice(&kind);
    error[44..48].copy_from_slice(&word.to_be_bytes());
    error[48..].copy_from_slice(quoted);
    let head =
        Header { version: Version::V6, length: 40, total: 40 + length, protocol: ICMP_V6, fragment: false };
    let sum = !checksum::sum(&error[40..], checksum::pseudo(&head, &error, length));
    error[42..44].copy_from_slice(&sum.to_be_bytes());
    Some(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_packet_gets_a_whole_error_or_none(mut bytes in proptest::collection::vec(any::<u8>(), 20..1500), v6 in any::<bool>(), mtu in 68u16..1500) {
            let length = bytes.len() as u16;
            if v6 {
                bytes[0] = 0x60;
                bytes.resize(bytes.len().max(40), 1);
                let payload = bytes.len() as u16 - 40;
                bytes[4..6].copy_from_slice(&payload.to_be_bytes());
            } else {
                bytes[0] = 0x45;
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
            }
            let header = Header::parse(&bytes).expect("an IP packet");
            for error in [too_big(&bytes, &header, mtu), time_exceeded(&bytes, &header, None), unreachable(&bytes, &header, Unreachable::NoRoute, None)].into_iter().flatten() {
                let about = Header::parse(&error).expect("an IP packet");
                prop_assert_eq!(about.total, error.len());
                prop_assert_eq!(about.source(&error), header.destination(&bytes));
                prop_assert_eq!(about.destination(&error), header.source(&bytes));
                let (seed, quoted) = match about.version {
                    Version::V4 => {
                        prop_assert_eq!(checksum::sum(&error[..20], 0), 0xffff);
                        (0, &error[28..])
                    }
                    Version::V6 => (checksum::pseudo(&about, &error, error.len() - 40), &error[48..]),
                };
                prop_assert_eq!(checksum::sum(&error[about.length..], seed), 0xffff);
                prop_assert!(bytes.starts_with(quoted));
                // No error about an error.
                let quoted_error = too_big(&error, &about, mtu);
                prop_assert!(quoted_error.is_none());
            }
        }
    }
}
