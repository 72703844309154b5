//! Where a datagram goes or came from: an address, and a relay channel there if one carries it.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Bytes in front of a datagram on a relay channel: 5, three zeros, the channel (big endian).
pub const RELAY_HEADER: usize = 8;

/// `1.2.3.4:7743`, `[fe80::1%2]:7743` or, on a relay's channel, `1.2.3.4:7743#305419896`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Of the peer, or of the relay.
    pub address: SocketAddr,
    /// Of the relay; `None` when the peer itself is there.
    pub channel: Option<NonZeroU32>,
}

impl Endpoint {
    pub fn direct(address: SocketAddr) -> Endpoint {
        Endpoint { address, channel: None }
    }

    /// Bytes that go in front of each datagram.
    pub fn overhead(&self) -> usize {
        if self.channel.is_some() { RELAY_HEADER } else { 0 }
    }

    /// What goes in front of each datagram; the first `overhead` bytes count.
    pub fn prefix(&self) -> [u8; RELAY_HEADER] {
        let mut prefix = [5, 0, 0, 0, 0, 0, 0, 0];
        prefix[4..].copy_from_slice(&self.channel.map_or(0, NonZeroU32::get).to_be_bytes());
        prefix
    }

    /// Bytes that name it to the cookie of the handshake, all of fixed length.
    pub fn identity(&self) -> [u8; 26] {
        let mut bytes = [0u8; 26];
        match self.address {
            SocketAddr::V4(address) => bytes[..4].copy_from_slice(&address.ip().octets()),
            SocketAddr::V6(address) => {
                bytes[..16].copy_from_slice(&address.ip().octets());
                bytes[16..20].copy_from_slice(&address.scope_id().to_be_bytes());
            }
        }
        bytes[20..22].copy_from_slice(&self.address.port().to_be_bytes());
        bytes[22..].copy_from_slice(&self.channel.map_or(0, NonZeroU32::get).to_be_bytes());
        bytes
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(out)?;
        match self.channel {
            Some(channel) => write!(out, "#{channel}"),
            None => Ok(()),
        }
    }
}

/// The text is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnEndpoint;

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, NotAnEndpoint> {
        let (address, channel) = match text.split_once('#') {
            Some((address, channel)) if channel.bytes().all(|byte| byte.is_ascii_digit()) => {
                (address, Some(channel.parse().map_err(|_| NotAnEndpoint)?))
            }
            Some(_) => return Err(NotAnEndpoint),
            None => (text, None),
        };
        let mut address: SocketAddr = address.parse().map_err(|_| NotAnEndpoint)?;
        if let SocketAddr::V6(v6) = &mut address {
            if let Some(v4) = v6.ip().to_ipv4_mapped() {
                address = SocketAddr::from((v4, v6.port()));
            } else {
                v6.set_flowinfo(0);
            }
        }
        if address.port() == 0 || address.ip().is_unspecified() {
            return Err(NotAnEndpoint);
        }
        Ok(Endpoint { address, channel })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv6Addr, SocketAddrV6};

    proptest! {
        #[test]
        fn text_round_trips(ip in any::<u128>(), port in 1u16.., scope in any::<u32>(), channel in any::<u32>(), v4 in any::<bool>()) {
            let address = if v4 {
                SocketAddr::from(((ip as u32 | 1).to_be_bytes(), port))
            } else {
                SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip | 1 << 120), port, 0, scope))
            };
            let endpoint = Endpoint { address, channel: NonZeroU32::new(channel) };
            prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
        }

        #[test]
        fn any_text_is_refused_or_taken(text in ".{0,60}") {
            let _ = text.parse::<Endpoint>();
        }
    }

    #[test]
    fn odd_texts_are_refused() {
        for text in [
            "",
            "1.2.3.4",
            "1.2.3.4:0",
            "0.0.0.0:1",
            "1.2.3.4:1#",
            "1.2.3.4:1#0",
            "1.2.3.4:1#+1",
            "1.2.3.4:1#4294967296",
            "host:1",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(NotAnEndpoint), "{text}");
        }
        assert_eq!(
            "[::ffff:1.2.3.4]:5".parse::<Endpoint>().map(|it| it.to_string()),
            Ok("1.2.3.4:5".to_string())
        );
    }
}
