//! STUN binding (RFC 8489): who asks learns the address it is seen at. No attributes of a request are needed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Identifies a request and its answer.
pub type Transaction = [u8; 12];

const HEADER: usize = 20;
const COOKIE: [u8; 4] = 0x2112_a442u32.to_be_bytes();
const REQUEST: u16 = 0x0001;
const RESPONSE: u16 = 0x0101;
const MAPPED: u16 = 0x0001;
const XOR_MAPPED: u16 = 0x0020;
const SOFTWARE: u16 = 0x8022;
/// Makes our request as long as the longest answer, so that no server becomes an amplifier for us or through us.
const PADDING: &[u8; 20] = b"starmesh            ";

/// A datagram that is certainly STUN: top bits, cookie and length fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stun {
    Request(Transaction),
    /// A success response, with the address in it.
    Response(Transaction, SocketAddr),
    /// STUN, but nothing for us.
    Other,
}

/// Reads a datagram; `None` when it is not STUN. Never panics.
pub fn parse(datagram: &[u8]) -> Option<Stun> {
    let (head, mut rest) = datagram.split_at_checked(HEADER)?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    if head[0] & 0xc0 != 0 || head[4..8] != COOKIE || length != rest.len() || length % 4 != 0 {
        return None;
    }
    let mut transaction = [0u8; 12];
    transaction.copy_from_slice(&head[8..]);
    match u16::from_be_bytes([head[0], head[1]]) {
        REQUEST => return Some(Stun::Request(transaction)),
        RESPONSE => {}
        _ => return Some(Stun::Other),
    }
    let mut found = None;
    while let Some((attribute, after)) = rest.split_at_checked(4) {
        let kind = u16::from_be_bytes([attribute[0], attribute[1]]);
        let length = usize::from(u16::from_be_bytes([attribute[2], attribute[3]]));
        let Some(value) = after.get(..length) else { return Some(Stun::Other) };
        match kind {
            XOR_MAPPED => found = address(value, &transaction, true),
            MAPPED if found.is_none() => found = address(value, &transaction, false),
            _ => {}
        }
        rest = after.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    Some(found.map_or(Stun::Other, |address| Stun::Response(transaction, address)))
}

/// A binding request of 44 bytes.
pub fn request(transaction: &Transaction) -> Vec<u8> {
    let mut bytes = head(REQUEST, transaction, 4 + PADDING.len());
    bytes.extend_from_slice(&SOFTWARE.to_be_bytes());
    bytes.extend_from_slice(&(PADDING.len() as u16).to_be_bytes());
    bytes.extend_from_slice(PADDING);
    bytes
}

/// The answer to a request from `source`: 32 bytes, or 44 for IPv6.
pub fn response(transaction: &Transaction, source: SocketAddr) -> Vec<u8> {
    let ip = match source.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let mut bytes = head(RESPONSE, transaction, 8 + ip.len());
    bytes.extend_from_slice(&XOR_MAPPED.to_be_bytes());
    bytes.extend_from_slice(&(4 + ip.len() as u16).to_be_bytes());
    bytes.extend_from_slice(&[0, if source.is_ipv4() { 1 } else { 2 }]);
    let [high, low] = source.port().to_be_bytes();
    bytes.extend_from_slice(&[high ^ COOKIE[0], low ^ COOKIE[1]]);
    bytes.extend(ip.iter().zip(COOKIE.iter().chain(transaction)).map(|(byte, mask)| byte ^ mask));
    bytes
}

fn head(kind: u16, transaction: &Transaction, length: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + length);
    bytes.extend_from_slice(&kind.to_be_bytes());
    bytes.extend_from_slice(&(length as u16).to_be_bytes());
    bytes.extend_from_slice(&COOKIE);
    bytes.extend_from_slice(transaction);
    bytes
}

fn address(value: &[u8], transaction: &Transaction, masked: bool) -> Option<SocketAddr> {
    let (head, ip) = value.split_at_checked(4)?;
    let mask: Vec<u8> = if masked { [&COOKIE[..], transaction].concat() } else { vec![0; 16] };
    let port = u16::from_be_bytes([head[2] ^ mask[0], head[3] ^ mask[1]]);
    let unmasked: Vec<u8> = ip.iter().zip(&mask).map(|(byte, mask)| byte ^ mask).collect();
    let ip: IpAddr = match head[1] {
        1 => Ipv4Addr::from(<[u8; 4]>::try_from(unmasked).ok()?).into(),
        2 if ip.len() == 16 => Ipv6Addr::from(<[u8; 16]>::try_from(unmasked).ok()?).into(),
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_answer_tells_the_address_and_is_no_longer_than_our_request(ip in any::<u128>(), port in any::<u16>(), v4 in any::<bool>(), transaction in any::<Transaction>()) {
            let source = if v4 { SocketAddr::from(((ip as u32).to_be_bytes(), port)) } else { SocketAddr::from((ip.to_be_bytes(), port)) };
            let asked = request(&transaction);
            prop_assert_eq!(parse(&asked), Some(Stun::Request(transaction)));
            let answer = response(&transaction, source);
            prop_assert!(answer.len() <= asked.len());
            prop_assert_eq!(parse(&answer), Some(Stun::Response(transaction, source)));
        }

        #[test]
        fn random_bytes_are_refused_or_taken(mut bytes in proptest::collection::vec(any::<u8>(), 0..120), whole in any::<bool>()) {
            if whole && bytes.len() >= HEADER {
                bytes.truncate(bytes.len() & !3);
                let length = (bytes.len() - HEADER) as u16;
                bytes[0..2].copy_from_slice(&RESPONSE.to_be_bytes());
                bytes[2..4].copy_from_slice(&length.to_be_bytes());
                bytes[4..8].copy_from_slice(&COOKIE);
            }
            prop_assert_eq!(parse(&bytes).is_some(), whole && bytes.len() >= HEADER || parse(&bytes).is_some());
        }
    }

    #[test]
    fn reads_the_samples_of_rfc_5769() {
        // §2.2: IPv4 response, 192.0.2.1:32853. MESSAGE-INTEGRITY and FINGERPRINT pass by unread.
        let v4 = [
            0x01, 0x01, 0x00, 0x3c, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
            0xfa, 0x87, 0xdf, 0xae, 0x80, 0x22, 0x00, 0x0b, 0x74, 0x65, 0x73, 0x74, 0x20, 0x76, 0x65, 0x63,
            0x74, 0x6f, 0x72, 0x20, 0x00, 0x20, 0x00, 0x08, 0x00, 0x01, 0xa1, 0x47, 0xe1, 0x12, 0xa6, 0x43,
            0x00, 0x08, 0x00, 0x14, 0x2b, 0x91, 0xf5, 0x99, 0xfd, 0x9e, 0x90, 0xc3, 0x8c, 0x74, 0x89, 0xf9,
            0x2a, 0xf9, 0xba, 0x53, 0xf0, 0x6b, 0xe7, 0xd7, 0x80, 0x28, 0x00, 0x04, 0xc0, 0x7d, 0x4c, 0x96,
        ];
        let Some(Stun::Response(_, address)) = parse(&v4) else { panic!("a response") };
        assert_eq!(address, "192.0.2.1:32853".parse().expect("an address"));
        // §2.3's IPv6 address under the same transaction id.
        let v6 = [
            0x01, 0x01, 0x00, 0x18, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86,
            0xfa, 0x87, 0xdf, 0xae, 0x00, 0x20, 0x00, 0x14, 0x00, 0x02, 0xa1, 0x47, 0x01, 0x13, 0xa9, 0xfa,
            0xa5, 0xd3, 0xf1, 0x79, 0xbc, 0x25, 0xf4, 0xb5, 0xbe, 0xd2, 0xb9, 0xd9,
        ];
        let Some(Stun::Response(_, address)) = parse(&v6) else { panic!("a response") };
        assert_eq!(address, "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().expect("an address"));
    }
}
