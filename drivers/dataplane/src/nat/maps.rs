//! Prefixes that others know under other addresses, one for one: the end of an address stays, nothing is remembered
//! (RFC 2663 "basic NAT", RFC 6296 for IPv6, with the checksums put right instead of the address).

use super::edit::Edit;
use super::layout::End;
use crate::table::{Prefix, Table};
use std::net::IpAddr;

/// Most maps of one realm.
const MOST: usize = 4_096;

/// One prefix of the machine's side and the one that the network knows it by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Map {
    /// As the machine and the hosts behind it know it.
    pub inside: Prefix,
    /// As the network knows it; of the same length.
    pub outside: Prefix,
}

/// All maps of a realm; where they nest the longest counts.
#[derive(Default)]
pub struct Maps {
    outward: Table<Prefix>,
    inward: Table<Prefix>,
}

impl Maps {
    /// Why they cannot be, in words for the caller.
    pub fn new(maps: &[Map]) -> Result<Maps, String> {
        if maps.len() > MOST {
            return Err(format!("a network has at most {MOST} mapped prefixes"));
        }
        let mut made = Maps::default();
        for Map { inside, outside } in maps {
            if !inside.fits(outside) {
                return Err(format!("{inside} and {outside} are not of one size"));
            }
            if made.outward.exact(inside).is_some() || made.inward.exact(outside).is_some() {
                return Err(format!("{inside} or {outside} is mapped twice"));
            }
            made.outward = made.outward.with(*inside, Some(*outside));
            made.inward = made.inward.with(*outside, Some(*inside));
        }
        Ok(made)
    }

    /// The address by which the network knows one of the machine's side.
    pub fn outward(&self, address: IpAddr) -> Option<IpAddr> {
        self.outward.find(address).map(|outside| outside.with_end_of(address))
    }

    /// The address on the machine's side of one that the network knows.
    pub fn inward(&self, address: IpAddr) -> Option<IpAddr> {
        self.inward.find(address).map(|inside| inside.with_end_of(address))
    }

    /// Gives a packet that leaves its outer source, and what it quotes of one that came its outer destination. Whether the
    /// source has a map.
    pub fn leave(&self, edit: &mut Edit<'_>) -> bool {
        edit.quote(|quoted| {
            if let Some(outer) = self.outward(quoted.address(End::Destination)) {
                quoted.set_address(End::Destination, outer);
            }
        });
        let outer = self.outward(edit.address(End::Source));
        if let Some(outer) = outer {
            edit.set_address(End::Source, outer);
        }
        outer.is_some()
    }

    /// Gives a packet that comes its inner destination, and what it quotes of one that left its inner source. Whether the
    /// destination has a map.
    pub fn enter(&self, edit: &mut Edit<'_>) -> bool {
        edit.quote(|quoted| {
            if let Some(inner) = self.inward(quoted.address(End::Source)) {
                quoted.set_address(End::Source, inner);
            }
        });
        let inner = self.inward(edit.address(End::Destination));
        if let Some(inner) = inner {
            edit.set_address(End::Destination, inner);
        }
        inner.is_some()
    }
}
