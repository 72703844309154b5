//! Ranges of addresses, and what may be asked for of them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range: its first address and how many of its bits count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    /// First address; the bits that do not count are zero.
    pub address: IpAddr,
    /// At most 32 or 128.
    pub length: u8,
}

impl Prefix {
    /// The range of this length that an address lies in; a length that is too long is cut.
    pub fn around(address: IpAddr, length: u8) -> Prefix {
        let length = length.min(bits(&address));
        let address = match address {
            IpAddr::V4(v4) => IpAddr::V4((u32::from(v4) & mask32(length)).into()),
            IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) & mask128(length)).into()),
        };
        Prefix { address, length }
    }

    /// Whether any address is in both.
    pub fn overlaps(&self, other: &Prefix) -> bool {
        let length = self.length.min(other.length);
        self.address.is_ipv4() == other.address.is_ipv4()
            && Prefix::around(self.address, length) == Prefix::around(other.address, length)
    }

    /// Whether it is so much of the internet that a route to it would be a way out.
    pub fn is_vast(&self) -> bool {
        self.length < if self.address.is_ipv4() { 8 } else { 7 }
    }
}

/// How many bits an address has.
pub fn bits(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether one of our interfaces may have it: an address of one machine, not of many or of this one alone.
pub fn is_host(address: &IpAddr) -> bool {
    let is_link_local = match address {
        IpAddr::V4(v4) => v4.is_link_local() || v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local() || v6.to_ipv4_mapped().is_some(),
    };
    !(address.is_loopback() || address.is_multicast() || address.is_unspecified() || is_link_local)
}

/// The bytes as they are sent.
pub fn bytes(address: &IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

/// The address of 4 or 16 bytes.
#[cfg(target_os = "linux")]
pub fn from_bytes(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}

impl FromStr for Prefix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Prefix, Self::Err> {
        let (address, length) = text.split_once('/').ok_or("a prefix has a length")?;
        let address: IpAddr = address.parse().map_err(|_| "not an address")?;
        if length.is_empty() || length.len() > 3 || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("not a length");
        }
        let length: u8 = length.parse().map_err(|_| "not a length")?;
        let prefix = Prefix { address, length };
        if length > bits(&address) || Prefix::around(address, length) != prefix {
            return Err("not the first address of the prefix");
        }
        Ok(prefix)
    }
}

impl TryFrom<String> for Prefix {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Prefix, Self::Error> {
        text.parse()
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.to_string()
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.address, self.length)
    }
}

fn mask32(length: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0)
}

fn mask128(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_prefix_reads_as_it_is_written(address: IpAddr, length in 0u8..=128) {
            let prefix = Prefix::around(address, length);
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
        }

        #[test]
        fn whatever_is_read_never_panics(text in ".{0,40}") {
            let _ = text.parse::<Prefix>();
        }
    }

    #[test]
    fn ranges_overlap_where_one_holds_the_other() {
        let prefix = |text: &str| text.parse::<Prefix>().expect("a prefix");
        assert!(prefix("10.0.0.0/8").overlaps(&prefix("10.9.1.0/24")));
        assert!(prefix("10.9.1.0/24").overlaps(&prefix("10.0.0.0/8")));
        assert!(!prefix("10.9.1.0/24").overlaps(&prefix("10.9.2.0/24")));
        assert!(!prefix("0.0.0.0/0").overlaps(&prefix("::/0")));
        assert!("10.9.1.1/24".parse::<Prefix>().is_err());
    }
}
