//! Addresses of the machine's side and those that the network knows: prefixes mapped one for one (`maps.rs`), and hosts
//! that share the node's address (`masquerade.rs`). No I/O, no clock.

mod edit;
mod layout;
mod maps;
mod masquerade;
mod pieces;
mod ports;
mod session;
mod sessions;

#[cfg(test)]
mod tests;

pub use maps::Map;
pub use masquerade::MasqueradeOptions;

use crate::packet::vnet::{self, Vnet};
use crate::session::Millis;
use edit::Edit;
use layout::{End, Layout};
use maps::Maps;
use masquerade::{Fate, Masquerade};
use std::sync::Arc;

/// What a realm translates.
#[derive(Default)]
pub struct NatOptions {
    /// Prefixes of the machine's side under the ones that the network knows.
    pub maps: Vec<Map>,
    /// Hosts that share the node's address.
    pub masquerade: Option<MasqueradeOptions>,
}

/// What becomes of a packet that leaves the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outbound {
    /// On to the network.
    Pass,
    /// Back to the machine: its new destination is there (RFC 4787 "hairpinning").
    Turn,
    /// Its source may not be seen in the network, and there is nothing to put in its place.
    Refuse,
}

/// The translation of one realm; shared by the threads that carry its packets.
pub struct Nat {
    maps: Maps,
    masquerade: Option<Arc<Masquerade>>,
}

impl Nat {
    /// `previous` hands on what it remembers of a masquerade that stays as it is; `seed` is where a new one looks for ports
    /// first. The error says why it cannot be.
    pub fn new(options: NatOptions, previous: Option<&Nat>, seed: u64) -> Result<Nat, String> {
        let maps = Maps::new(&options.maps)?;
        let masquerade = options.masquerade.map(|options| {
            let kept = previous.and_then(|nat| nat.masquerade.as_ref()).filter(|it| it.follows(&options));
            kept.cloned().unwrap_or_else(|| Arc::new(Masquerade::new(options, seed)))
        });
        Ok(Nat { maps, masquerade })
    }

    /// Changes a packet that the TUN gave, whole or a super-packet. What is no IP packet passes as it is.
    pub fn outbound(&self, vnet: &Vnet, packet: &mut [u8], now: Millis) -> Outbound {
        let Some(layout) = Layout::read(packet) else { return Outbound::Pass };
        let mut edit = Edit::new(packet, layout, unfinished(vnet));
        if !self.maps.leave(&mut edit)
            && let Some(masquerade) = &self.masquerade
            && masquerade.leave(&mut edit, now) == Fate::Refused
        {
            return Outbound::Refuse;
        }
        if self.enter(&mut edit, now) == Fate::Changed { Outbound::Turn } else { Outbound::Pass }
    }

    /// Changes a packet that came from a peer. `partial`: its checksum is the pseudo header's alone. False: it asks for an
    /// address that the network knows by another one only, or for a host that shares the node's.
    pub fn inbound(&self, packet: &mut [u8], partial: bool, now: Millis) -> bool {
        let Some(layout) = Layout::read(packet) else { return true };
        let partial = layout.checksum_at().filter(|_| partial).map(|(at, _)| at);
        let mut edit = Edit::new(packet, layout, partial);
        let asked = edit.address(End::Destination);
        let hides = || self.masquerade.as_ref().is_some_and(|masquerade| masquerade.hides(asked));
        self.enter(&mut edit, now) == Fate::Changed || (self.maps.outward(asked).is_none() && !hides())
    }

    fn enter(&self, edit: &mut Edit<'_>, now: Millis) -> Fate {
        if self.maps.enter(edit) {
            return Fate::Changed;
        }
        self.masquerade.as_ref().map_or(Fate::Untouched, |masquerade| masquerade.enter(edit, now))
    }
}

/// Where the kernel left a checksum to whoever takes the packet.
fn unfinished(vnet: &Vnet) -> Option<usize> {
    let at = usize::from(vnet.checksum_start) + usize::from(vnet.checksum_offset);
    (vnet.flags & vnet::NEEDS_CHECKSUM != 0).then_some(at)
}
