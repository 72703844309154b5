//! Allowed prefix → peer, by longest prefix: an immutable tree that shares what a change leaves alone.
//!
//! Readers hold a version without any lock; a change copies only the nodes on its way down.

mod memo;

pub use memo::Memo;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

static VERSIONS: AtomicU64 = AtomicU64::new(0);

/// An address range such as `10.1.0.0/16`; bits after the length are zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    v6: bool,
    /// Left-aligned.
    bits: u128,
    length: u8,
}

/// The text is no prefix, or has bits after its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPrefix;

impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Prefix, NotAPrefix> {
        let (address, length) = text.split_once('/').ok_or(NotAPrefix)?;
        let address: IpAddr = address.parse().map_err(|_| NotAPrefix)?;
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NotAPrefix);
        }
        let length: u8 = length.parse().map_err(|_| NotAPrefix)?;
        let (v6, bits) = align(address);
        if length > if v6 { 128 } else { 32 } || bits & !mask(length) != 0 {
            return Err(NotAPrefix);
        }
        Ok(Prefix { v6, bits, length })
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = if self.v6 {
            IpAddr::from(self.bits.to_be_bytes())
        } else {
            IpAddr::from(((self.bits >> 96) as u32).to_be_bytes())
        };
        write!(out, "{address}/{}", self.length)
    }
}

impl Prefix {
    /// Whether both are of one family and length.
    pub fn fits(&self, other: &Prefix) -> bool {
        (self.v6, self.length) == (other.v6, other.length)
    }

    /// The address in this prefix whose bits after the length are those of `address`, which is of its family.
    pub fn with_end_of(&self, address: IpAddr) -> IpAddr {
        let bits = self.bits | align(address).1 & !mask(self.length);
        if self.v6 {
            IpAddr::from(bits.to_be_bytes())
        } else {
            IpAddr::from(((bits >> 96) as u32).to_be_bytes())
        }
    }

    /// Whether it is of IPv6.
    pub fn is_v6(&self) -> bool {
        self.v6
    }

    /// Its first and last address, left-aligned.
    pub fn span(&self) -> (u128, u128) {
        (self.bits, self.bits | !mask(self.length))
    }

    /// The address of a prefix that holds one alone.
    pub fn host(&self) -> Option<IpAddr> {
        match (self.v6, self.length) {
            (true, 128) => Some(IpAddr::from(self.bits.to_be_bytes())),
            (false, 32) => Some(IpAddr::from(((self.bits >> 96) as u32).to_be_bytes())),
            _ => None,
        }
    }

    /// The last address of an IPv4 range, where it has room for one besides hosts.
    pub fn broadcast(&self) -> Option<Ipv4Addr> {
        (!self.v6 && self.length <= 30)
            .then(|| Ipv4Addr::from((self.bits >> 96) as u32 | u32::MAX >> self.length))
    }
}

/// One version of the table.
pub struct Table<T> {
    v4: Link<T>,
    v6: Link<T>,
    /// No other version of any table of this process has it.
    version: u64,
}

type Link<T> = Option<Arc<Node<T>>>;

struct Node<T> {
    bits: u128,
    length: u8,
    value: Option<T>,
    children: [Link<T>; 2],
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table::new(None, None)
    }
}

impl<T> Table<T> {
    fn new(v4: Link<T>, v6: Link<T>) -> Table<T> {
        Table { v4, v6, version: VERSIONS.fetch_add(1, Ordering::Relaxed) }
    }
}

impl<T: Clone> Table<T> {
    /// What the longest prefix that holds `address` stands for.
    pub fn find(&self, address: IpAddr) -> Option<&T> {
        self.find_longest(address).map(|(_, value)| value)
    }

    /// The same, behind the length of that prefix.
    pub fn find_longest(&self, address: IpAddr) -> Option<(u8, &T)> {
        let (v6, bits) = align(address);
        let mut found = None;
        let mut next = if v6 { &self.v6 } else { &self.v4 };
        while let Some(node) = next {
            if (bits ^ node.bits) & mask(node.length) != 0 {
                break;
            }
            found = node.value.as_ref().map(|value| (node.length, value)).or(found);
            if node.length == 128 {
                break;
            }
            next = &node.children[branch(bits, node.length)];
        }
        found
    }

    /// What exactly this prefix stands for.
    pub fn exact(&self, prefix: &Prefix) -> Option<&T> {
        let mut next = if prefix.v6 { &self.v6 } else { &self.v4 };
        while let Some(node) = next {
            if node.length > prefix.length || (prefix.bits ^ node.bits) & mask(node.length) != 0 {
                return None;
            }
            if node.length == prefix.length {
                return node.value.as_ref();
            }
            next = &node.children[branch(prefix.bits, node.length)];
        }
        None
    }

    /// The table with this prefix set (or, with `None`, cleared).
    #[must_use]
    pub fn with(&self, prefix: Prefix, value: Option<T>) -> Table<T> {
        if prefix.v6 {
            Table::new(self.v4.clone(), change(&self.v6, &prefix, value))
        } else {
            Table::new(change(&self.v4, &prefix, value), self.v6.clone())
        }
    }
}

fn change<T: Clone>(link: &Link<T>, prefix: &Prefix, value: Option<T>) -> Link<T> {
    let Some(node) = link else {
        return leaf(prefix, value);
    };
    let common =
        (prefix.bits ^ node.bits).leading_zeros().min(u32::from(node.length.min(prefix.length))) as u8;
    if common < node.length {
        // The prefix parts from the node, or lies above it.
        let Some(value) = value else { return Some(node.clone()) };
        let mut children = [None, None];
        children[branch(node.bits, common)] = Some(node.clone());
        if common == prefix.length {
            return Some(Arc::new(Node { bits: prefix.bits, length: common, value: Some(value), children }));
        }
        children[branch(prefix.bits, common)] = leaf(prefix, Some(value));
        return Some(Arc::new(Node {
            bits: prefix.bits & mask(common),
            length: common,
            value: None,
            children,
        }));
    }
    if node.length == prefix.length {
        return tidy(Node { bits: node.bits, length: node.length, value, children: node.children.clone() });
    }
    let side = branch(prefix.bits, node.length);
    let mut children = node.children.clone();
    children[side] = change(&node.children[side], prefix, value);
    tidy(Node { bits: node.bits, length: node.length, value: node.value.clone(), children })
}

fn leaf<T>(prefix: &Prefix, value: Option<T>) -> Link<T> {
    let value = value?;
    Some(Arc::new(Node {
        bits: prefix.bits,
        length: prefix.length,
        value: Some(value),
        children: [None, None],
    }))
}

/// A node without value needs two children to be worth keeping.
fn tidy<T>(mut node: Node<T>) -> Link<T> {
    if node.value.is_none() {
        match &mut node.children {
            [None, only] | [only, None] => return only.take(),
            _ => {}
        }
    }
    Some(Arc::new(node))
}

fn align(address: IpAddr) -> (bool, u128) {
    match address {
        IpAddr::V4(address) => (false, u128::from(u32::from(address)) << 96),
        IpAddr::V6(address) => (true, u128::from(address)),
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

fn branch(bits: u128, length: u8) -> usize {
    (bits >> (127 - length) & 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn prefixes() -> impl Strategy<Value = Prefix> {
        // Few distinct bits, so that prefixes nest and collide.
        (any::<bool>(), 0u128..64, 0u8..=128).prop_map(|(v6, bits, length)| {
            let length = if v6 { length } else { length.min(32) };
            let bits = bits << if v6 { 122 } else { 96 } | bits << 100;
            Prefix { v6, bits: bits & mask(length), length }
        })
    }

    proptest! {
        #[test]
        fn finds_what_a_list_would(changes in proptest::collection::vec((prefixes(), any::<Option<u8>>()), 0..60), probes in proptest::collection::vec(prefixes(), 30)) {
            let mut table = Table::default();
            let mut list: HashMap<Prefix, u8> = HashMap::new();
            for (prefix, value) in changes {
                table = table.with(prefix, value);
                match value {
                    Some(value) => list.insert(prefix, value),
                    None => list.remove(&prefix),
                };
                prop_assert_eq!(table.exact(&prefix), value.as_ref());
            }
            for probe in probes {
                let address = if probe.v6 { IpAddr::from(probe.bits.to_be_bytes()) } else { IpAddr::from(((probe.bits >> 96) as u32).to_be_bytes()) };
                let best = list
                    .iter()
                    .filter(|(prefix, _)| prefix.v6 == probe.v6 && (probe.bits ^ prefix.bits) & mask(prefix.length) == 0)
                    .max_by_key(|(prefix, _)| prefix.length);
                prop_assert_eq!(table.find_longest(address), best.map(|(prefix, value)| (prefix.length, value)));
                prop_assert_eq!(table.find(address), best.map(|(_, value)| value));
            }
            for prefix in list.into_keys() {
                table = table.with(prefix, None);
            }
            prop_assert!(table.v4.is_none() && table.v6.is_none());
        }

        #[test]
        fn text_round_trips(prefix in prefixes()) {
            prop_assert_eq!(prefix.to_string().parse(), Ok(prefix));
        }

        #[test]
        fn any_text_is_refused_or_taken(text in ".{0,40}") {
            let _ = text.parse::<Prefix>();
        }
    }

    #[test]
    fn bits_after_the_length_are_refused() {
        for text in ["10.1.2.3/24", "::1/64", "10.0.0.0/33", "::/129", "10.0.0.0", "10.0.0.0/", "10.0.0.0/+8"]
        {
            assert_eq!(text.parse::<Prefix>(), Err(NotAPrefix), "{text}");
        }
    }
}
