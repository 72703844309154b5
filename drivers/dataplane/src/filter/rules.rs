//! What may come from peers, as rules in order; compiled so that ten thousand are asked in well under a microsecond.

use super::index::Index;
use super::set::{Set, Union, lowest};
use super::subject::{Ends, has_ports, is_icmp};
use crate::table::Prefix;
use std::collections::HashMap;

/// What the packets of a rule carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// Whatever it is.
    Any,
    /// ICMP over IPv4, ICMPv6 over IPv6.
    Icmp,
    /// The number that IANA gave it.
    Number(u8),
}

impl Protocol {
    /// Whether a packet of it may have ports.
    pub fn may_have_ports(self) -> bool {
        match self {
            Protocol::Any => true,
            Protocol::Icmp => false,
            Protocol::Number(number) => has_ports(number),
        }
    }
}

/// One rule: a packet fits it by all of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Where the packet comes from; empty: anywhere.
    pub from: Vec<Prefix>,
    /// Where it goes; empty: anywhere.
    pub to: Vec<Prefix>,
    /// What it carries.
    pub protocol: Protocol,
    /// Destination ports, each first and last; empty: any, and what has none.
    pub ports: Vec<(u16, u16)>,
    /// Whether what fits is let in.
    pub allow: bool,
}

/// Rules, ready to be asked.
pub struct Rules {
    allow: Vec<bool>,
    otherwise: bool,
    from: Addresses,
    to: Addresses,
    /// Rules of any protocol, of ICMP, and of each other.
    any_protocol: Set,
    icmp: Set,
    protocols: HashMap<u8, Set>,
    any_port: Set,
    ports: Index<u16>,
}

impl Rules {
    /// The first that fits decides; without one, `otherwise`.
    pub fn new(rules: &[Rule], otherwise: bool) -> Rules {
        let numbered = || (0u32..).zip(rules);
        let ports: Vec<(u16, u16, u32)> = numbered()
            .flat_map(|(number, rule)| rule.ports.iter().map(move |(first, last)| (*first, *last, number)))
            .filter(|(first, last, _)| first <= last)
            .collect();
        let mut compiled = Rules {
            allow: rules.iter().map(|rule| rule.allow).collect(),
            otherwise,
            from: Addresses::new(numbered().map(|(number, rule)| (number, &rule.from[..]))),
            to: Addresses::new(numbered().map(|(number, rule)| (number, &rule.to[..]))),
            any_protocol: Set::default(),
            icmp: Set::default(),
            protocols: HashMap::new(),
            any_port: Set::default(),
            ports: Index::new(&ports),
        };
        for (number, rule) in numbered() {
            match rule.protocol {
                Protocol::Any => compiled.any_protocol.add(number),
                Protocol::Icmp => compiled.icmp.add(number),
                Protocol::Number(protocol) => compiled.protocols.entry(protocol).or_default().add(number),
            }
            if rule.ports.is_empty() {
                compiled.any_port.add(number);
            }
        }
        compiled
    }

    /// Whether what goes between these ends may come in.
    pub fn allow(&self, ends: &Ends) -> bool {
        let mut protocol = Union::new();
        protocol.add(&self.any_protocol);
        if is_icmp(ends.v6, ends.protocol) {
            protocol.add(&self.icmp);
        }
        if let Some(set) = self.protocols.get(&ends.protocol) {
            protocol.add(set);
        }
        let mut port = Union::new();
        port.add(&self.any_port);
        if has_ports(ends.protocol) {
            self.ports.collect(ends.destination_port, &mut port);
        }
        let from = self.from.find(ends.v6, ends.source);
        let to = self.to.find(ends.v6, ends.destination);
        let first = lowest(&[from, to, port, protocol]);
        first.map_or(self.otherwise, |number| self.allow[number as usize])
    }
}

/// Which rules ask for an address.
struct Addresses {
    any: Set,
    v4: Index<u128>,
    v6: Index<u128>,
}

impl Addresses {
    fn new<'a>(lists: impl Iterator<Item = (u32, &'a [Prefix])>) -> Addresses {
        let mut any = Set::default();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (number, prefixes) in lists {
            if prefixes.is_empty() {
                any.add(number);
            }
            for prefix in prefixes {
                let (first, last) = prefix.span();
                if prefix.is_v6() { &mut v6 } else { &mut v4 }.push((first, last, number));
            }
        }
        Addresses { any, v4: Index::new(&v4), v6: Index::new(&v6) }
    }

    fn find(&self, v6: bool, address: u128) -> Union<'_> {
        let mut union = Union::new();
        union.add(&self.any);
        if v6 { &self.v6 } else { &self.v4 }.collect(address, &mut union);
        union
    }
}
