//! Where a datagram goes or came from: an address, what of ours carries it there, and a relay channel if one does.

use std::fmt;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

/// Bytes in front of a datagram on a relay channel: 5, three zeros, the channel (big endian).
pub const RELAY_HEADER: usize = 8;

/// `1.2.3.4:7743`, `[fe80::1%2]:7743`; by an extra socket of ours with its number behind, `1.2.3.4:7743@7`; over a link
/// `tcp/1.2.3.4:7743`, with the name of its transport; any of these with the channel at the end when it is a relay that
/// is there, `1.2.3.4:7743@7#305419896`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Of the peer, or of the relay.
    pub address: SocketAddr,
    /// Of the relay; `None` when the peer itself is there.
    pub channel: Option<NonZeroU32>,
    /// What of ours is used.
    pub carrier: Carrier,
}

/// What of ours carries datagrams to an address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Carrier {
    /// The socket of the realm, or the one by which the other end was met.
    #[default]
    Main,
    /// An extra socket, by its number.
    Extra(NonZeroU32),
    /// A link of that transport.
    Link(Transport),
}

/// What links are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A TCP connection.
    Tcp,
    /// TLS over TCP.
    Tls,
    /// WebSocket over TLS.
    Wss,
    /// Datagrams of a QUIC connection.
    Quic,
    /// The link for lossy lines, in DTLS.
    Kcp,
}

impl Transport {
    /// All of them; each lies at its own number.
    pub const ALL: [Transport; 5] =
        [Transport::Tcp, Transport::Tls, Transport::Wss, Transport::Quic, Transport::Kcp];

    /// As endpoints and callers name it.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Wss => "wss",
            Transport::Quic => "quic",
            Transport::Kcp => "kcp",
        }
    }
}

impl FromStr for Transport {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Transport, NotAnEndpoint> {
        Transport::ALL.into_iter().find(|transport| transport.name() == text).ok_or(NotAnEndpoint)
    }
}

impl Endpoint {
    pub fn direct(address: SocketAddr) -> Endpoint {
        Endpoint { address, channel: None, carrier: Carrier::Main }
    }

    /// Where the holder of the channel is, whatever the channel leads to.
    pub fn nearest(&self) -> Endpoint {
        Endpoint { channel: None, ..*self }
    }

    /// Whether what leaves to it may be masked: plain UDP, and TCP without a dress of its own.
    pub fn is_bare(&self) -> bool {
        matches!(self.carrier, Carrier::Main | Carrier::Extra(_) | Carrier::Link(Transport::Tcp))
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
    pub fn identity(&self) -> [u8; 31] {
        let mut bytes = [0u8; 31];
        match self.address {
            SocketAddr::V4(address) => bytes[..4].copy_from_slice(&address.ip().octets()),
            SocketAddr::V6(address) => {
                bytes[..16].copy_from_slice(&address.ip().octets());
                bytes[16..20].copy_from_slice(&address.scope_id().to_be_bytes());
            }
        }
        bytes[20..22].copy_from_slice(&self.address.port().to_be_bytes());
        bytes[22..26].copy_from_slice(&self.channel.map_or(0, NonZeroU32::get).to_be_bytes());
        let extra = match self.carrier {
            Carrier::Main => 0,
            Carrier::Extra(number) => number.get(),
            Carrier::Link(transport) => {
                bytes[30] = 1 + transport as u8;
                0
            }
        };
        bytes[26..30].copy_from_slice(&extra.to_be_bytes());
        bytes
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Carrier::Link(transport) = self.carrier {
            write!(out, "{}/", transport.name())?;
        }
        self.address.fmt(out)?;
        if let Carrier::Extra(number) = self.carrier {
            write!(out, "@{number}")?;
        }
        self.channel.map_or(Ok(()), |channel| write!(out, "#{channel}"))
    }
}

/// The text is no endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnEndpoint;

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    fn from_str(text: &str) -> Result<Endpoint, NotAnEndpoint> {
        let (transport, text) = match text.split_once('/') {
            Some((transport, rest)) => (Some(transport.parse()?), rest),
            None => (None, text),
        };
        let (text, channel) = numbered(text, '#')?;
        let (address, extra) = numbered(text, '@')?;
        let carrier = match (transport, extra) {
            (None, None) => Carrier::Main,
            (None, Some(number)) => Carrier::Extra(number),
            (Some(transport), None) => Carrier::Link(transport),
            (Some(_), Some(_)) => return Err(NotAnEndpoint),
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
        Ok(Endpoint { address, channel, carrier })
    }
}

/// What stands before the mark, and the number behind it.
fn numbered(text: &str, mark: char) -> Result<(&str, Option<NonZeroU32>), NotAnEndpoint> {
    match text.split_once(mark) {
        Some((head, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok((head, Some(number.parse().map_err(|_| NotAnEndpoint)?)))
        }
        Some(_) => Err(NotAnEndpoint),
        None => Ok((text, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::net::{Ipv6Addr, SocketAddrV6};

    proptest! {
        #[test]
        fn text_round_trips(ip in any::<u128>(), port in 1u16.., scope in any::<u32>(), channel in any::<u32>(), carrier in 0u32..9, v4 in any::<bool>()) {
            let address = if v4 {
                SocketAddr::from(((ip as u32 | 1).to_be_bytes(), port))
            } else {
                SocketAddr::V6(SocketAddrV6::new(Ipv6Addr::from(ip | 1 << 120), port, 0, scope))
            };
            let carrier = match (Transport::ALL.get(carrier as usize), NonZeroU32::new(carrier - carrier.min(5))) {
                (Some(transport), _) => Carrier::Link(*transport),
                (None, None) => Carrier::Main,
                (None, Some(number)) => Carrier::Extra(number),
            };
            let endpoint = Endpoint { address, channel: NonZeroU32::new(channel), carrier };
            prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
            prop_assert_ne!(endpoint.identity(), Endpoint { carrier: Carrier::Extra(NonZeroU32::MAX), ..endpoint }.identity());
        }

        #[test]
        fn any_text_is_refused_or_taken(text in ".{0,60}") {
            let _ = text.parse::<Endpoint>();
        }

        #[test]
        fn what_is_taken_has_one_meaning(text in "((tcp|tls|wss|quic|kcp)/)?(1\\.2\\.3\\.4|\\[::1\\]):[0-9]{1,3}(@[0-9]{0,3})?(#[0-9]{0,3})?") {
            if let Ok(endpoint) = text.parse::<Endpoint>() {
                prop_assert_eq!(endpoint.to_string().parse(), Ok(endpoint));
            }
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
            "1.2.3.4:1@",
            "1.2.3.4:1@0",
            "1.2.3.4:1#1@1",
            "1.2.3.4:1@1@1",
            "tcp/1.2.3.4:1@1",
            "udp/1.2.3.4:1",
            "tcp/tls/1.2.3.4:1",
            "tcp/",
            "host:1",
        ] {
            assert_eq!(text.parse::<Endpoint>(), Err(NotAnEndpoint), "{text}");
        }
        assert_eq!(
            "[::ffff:1.2.3.4]:5".parse::<Endpoint>().map(|it| it.to_string()),
            Ok("1.2.3.4:5".to_string())
        );
    }

    #[test]
    fn a_channel_stands_behind_the_whole_place_of_its_relay() {
        let text = "1.2.3.4:7743@7#305419896";
        let endpoint: Endpoint = text.parse().expect("an endpoint");
        assert_eq!(endpoint.to_string(), text);
        assert_eq!(endpoint.nearest().to_string(), "1.2.3.4:7743@7");
    }
}
