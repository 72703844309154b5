//! Changes addresses and ports of a packet in place; every checksum they count in goes with them (RFC 1624).

use super::layout::{End, Layout};
use crate::packet::checksum;
use crate::packet::ip::Version;
use std::net::IpAddr;

/// A packet that is being changed.
pub struct Edit<'a> {
    packet: &'a mut [u8],
    /// What was read of it; changes leave it true.
    pub layout: Layout,
    /// Where a checksum lies that holds the sum of the pseudo header alone, still to be finished by somebody else.
    partial: Option<usize>,
    /// One's-complement sum of all changes: new words less old ones.
    changed: u16,
}

impl<'a> Edit<'a> {
    /// `partial`: where the packet's unfinished checksum lies.
    pub fn new(packet: &'a mut [u8], layout: Layout, partial: Option<usize>) -> Edit<'a> {
        Edit { packet, layout, partial, changed: 0 }
    }

    pub fn packet(&self) -> &[u8] {
        self.packet
    }

    pub fn address(&self, end: End) -> IpAddr {
        self.layout.address(self.packet, end)
    }

    /// Port of an end, of ICMP the id of a query; `None` in later pieces and of other protocols.
    pub fn port(&self, end: End) -> Option<u16> {
        self.layout.port_at(end).map(|at| self.word(at))
    }

    /// Puts another address there; one of the other family changes nothing.
    pub fn set_address(&mut self, end: End, address: IpAddr) {
        let at = self.layout.address_at(end);
        let difference = match (self.layout.version, address) {
            (Version::V4, IpAddr::V4(address)) => {
                let difference = self.put(at, &address.octets());
                let sum = !add(!self.word(10), difference);
                self.put(10, &sum.to_be_bytes());
                difference
            }
            (Version::V6, IpAddr::V6(address)) => self.put(at, &address.octets()),
            _ => return,
        };
        if let Some((_, true)) = self.layout.checksum_at() {
            self.amend(difference, true);
        }
    }

    /// Puts another port there, or id of a query; nothing where there is none.
    pub fn set_port(&mut self, end: End, port: u16) {
        if let Some(at) = self.layout.port_at(end) {
            let difference = self.put(at, &port.to_be_bytes());
            self.amend(difference, false);
        }
    }

    /// Changes what an ICMP error quotes. `None` when this is no error or quotes no IP packet.
    pub fn quote<T>(&mut self, change: impl FnOnce(&mut Edit<'_>) -> T) -> Option<T> {
        let at = self.layout.quote_at(self.packet)?;
        let bytes = &mut self.packet[at..self.layout.end];
        let layout = Layout::quoted(bytes)?;
        let mut quoted = Edit::new(bytes, layout, None);
        let result = change(&mut quoted);
        let difference = quoted.changed;
        self.changed = add(self.changed, difference);
        self.amend(difference, false);
        Some(result)
    }

    /// The transport's checksum follows a change of what it counts: `addresses` are all that a partial one has counted.
    fn amend(&mut self, difference: u16, addresses: bool) {
        let Some((at, _)) = self.layout.checksum_at() else { return };
        let held = self.word(at);
        let sum = if self.partial == Some(at) {
            if !addresses {
                return;
            }
            add(held, difference)
        } else if held == 0 && self.layout.may_lack_checksum() {
            return;
        } else {
            match !add(!held, difference) {
                0 if self.layout.may_lack_checksum() => 0xffff,
                sum => sum,
            }
        };
        self.put(at, &sum.to_be_bytes());
    }

    /// Writes whole words; their difference.
    fn put(&mut self, at: usize, bytes: &[u8]) -> u16 {
        let place = &mut self.packet[at..at + bytes.len()];
        let difference = add(checksum::sum(bytes, 0), !checksum::sum(place, 0));
        place.copy_from_slice(bytes);
        self.changed = add(self.changed, difference);
        difference
    }

    fn word(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.packet[at], self.packet[at + 1]])
    }
}

fn add(left: u16, right: u16) -> u16 {
    let (value, carry) = left.overflowing_add(right);
    value + u16::from(carry)
}
