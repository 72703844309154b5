//! What a client may ask for on macOS, and nothing else.

use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;

use crate::domain::Domain;
use crate::prefix::Prefix;

/// What is asked for. Interfaces are those that this client opened.
#[derive(Debug, Deserialize)]
#[allow(dead_code, reason = "engines say the same everywhere; what has no meaning here is read and left")]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Request {
    /// Nothing: an answer says that this one may ask.
    Hello {},
    /// A new interface; its descriptor comes with the answer.
    OpenTun {
        /// Bytes of the largest IP packet.
        mtu: u32,
    },
    /// The interface whose descriptor comes with the request is this client's, opened with a helper that is no more.
    ClaimTun {},
    /// What is left out stays.
    SetLink {
        /// Which.
        device: Device,
        /// Switched on.
        up: Option<bool>,
        /// Bytes of the largest IP packet.
        mtu: Option<u32>,
        /// Has no meaning here.
        gso_max_size: Option<u32>,
    },
    /// Switches it off; it goes with its descriptor.
    RemoveLink {
        /// Which.
        device: Device,
    },
    /// An address; it makes no route.
    AddAddress {
        /// Of which.
        device: Device,
        /// An address of one machine.
        address: IpAddr,
        /// 32 or 128.
        length: u8,
    },
    /// Done also when it is gone.
    RemoveAddress {
        /// Of which.
        device: Device,
        /// The address.
        address: IpAddr,
        /// As it was added.
        length: u8,
    },
    /// A route into an interface, never a default route and never over what the machine is connected to.
    AddRoute {
        /// Into which.
        device: Device,
        /// Where to.
        prefix: Prefix,
        /// Has no meaning here: the system takes the interface's own address.
        source: Option<IpAddr>,
    },
    /// Done also when it is gone.
    RemoveRoute {
        /// Into which.
        device: Device,
        /// Where to.
        prefix: Prefix,
        /// As it was added.
        source: Option<IpAddr>,
    },
    /// The system asks this client for names of these domains.
    SetDnsDomains {
        /// By which.
        name: Device,
        /// An address of that interface.
        server: IpAddr,
        /// Without the leading dot.
        domains: Vec<Domain>,
        /// Has no meaning here.
        everything: bool,
    },
    /// Done also when it does not.
    RemoveDnsDomains {
        /// By which.
        name: Device,
    },
    /// Sockets at the port of names, UDP and TCP; they come with the answer.
    ListenNames {
        /// Of an interface of this client.
        address: IpAddr,
    },
}

/// Name of an interface of this kind: `utun3`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Device(String);

impl TryFrom<String> for Device {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Device, Self::Error> {
        let number = text.strip_prefix("utun").ok_or("not an interface of ours")?;
        let is_number = (1..=5).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { Ok(Device(text)) } else { Err("not an interface of ours") }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl AsRef<str> for Device {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::{Envelope, parse};
    use proptest::prelude::*;

    fn read(request: &str) -> Result<Envelope<Request>, String> {
        parse(format!(r#"{{"version":1,"id":7,"request":{request}}}"#).as_bytes())
    }

    #[test]
    fn what_is_not_known_here_is_refused() {
        assert!(read(r#"{"do":"addRoute","device":"utun4","prefix":"10.9.0.0/16"}"#).is_ok());
        for request in [
            r#"{"do":"changeSetting","name":"net/ipv4/ip_forward","value":"1"}"#,
            r#"{"do":"setLink","device":"en0","up":true}"#,
            r#"{"do":"setLink","device":"utun4/../en0","up":true}"#,
            r#"{"do":"setLink","device":"utun","up":true}"#,
            r#"{"do":"setDnsDomains","name":"utun4","server":"10.9.1.1","domains":["../hosts"],"everything":false}"#,
            r#"{"do":"setDnsDomains","name":"work","server":"10.9.1.1","domains":[],"everything":false}"#,
            r#"{"do":"install"}"#,
        ] {
            assert!(read(request).is_err(), "{request}");
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_sent_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = parse::<Request>(&bytes);
        }
    }
}
