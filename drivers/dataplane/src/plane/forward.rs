//! Packets of one peer for another, passed on here: stock clients reach everybody, and everybody them, through the node that
//! serves them. The system's own forwarding has no part in it.

use super::convey::{Origin, convey};
use super::core::Core;
use super::outbox::Outbox;
use super::peer::Peer;
use super::realm::Realm;
use crate::packet::checksum;
use crate::packet::hop;
use crate::packet::icmp;
use crate::packet::ip::{Header, Version};
use crate::packet::segment::Cut;
use crate::packet::vnet::Vnet;
use crate::refusals::Cause;
use crate::session::Millis;
use crate::table::{Prefix, Table};
use arc_swap::ArcSwap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a realm knows of passing packets on.
#[derive(Default)]
pub struct Forwarding {
    /// Peers whose packets are passed on, and those for them; with none nothing is looked up.
    peers: AtomicUsize,
    own: ArcSwap<Own>,
}

/// What this machine takes itself, though a peer may be asked for a wider range.
#[derive(Default)]
struct Own {
    prefixes: Table<()>,
    /// Addresses of this machine, one of each family: errors come from there.
    v4: Option<IpAddr>,
    v6: Option<IpAddr>,
}

impl Forwarding {
    /// Replaces the prefixes that are this machine's; whole addresses among them are its own.
    pub fn set_own(&self, prefixes: &[Prefix]) {
        let mut own = Own::default();
        for prefix in prefixes {
            own.prefixes = own.prefixes.with(*prefix, Some(()));
            match prefix.host() {
                Some(address @ IpAddr::V4(_)) => own.v4 = own.v4.or(Some(address)),
                Some(address @ IpAddr::V6(_)) => own.v6 = own.v6.or(Some(address)),
                None => {}
            }
        }
        self.own.store(Arc::new(own));
    }

    /// Whether the peer's packets are passed on may be another from now on.
    pub fn note(&self, was: bool, is: bool) {
        if is && !was {
            self.peers.fetch_add(1, Ordering::Relaxed);
        } else if was && !is {
            self.peers.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// The address of this machine in that family.
    pub fn address(&self, version: Version) -> Option<IpAddr> {
        let own = self.own.load();
        match version {
            Version::V4 => own.v4,
            Version::V6 => own.v6,
        }
    }
}

/// The peer that a packet of `from` is passed on to; `None`: it is for this machine.
pub fn target(realm: &Realm, from: &Arc<Peer>, destination: IpAddr) -> Option<Arc<Peer>> {
    if realm.forwarding.peers.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let table = realm.table.load();
    let (length, to) = table.find_longest(destination)?;
    let forwards = |peer: &Arc<Peer>| peer.forward.load(Ordering::Relaxed);
    if Arc::ptr_eq(to, from) || !forwards(to) && !forwards(from) {
        return None;
    }
    let own = realm.forwarding.own.load();
    let is_own = own.prefixes.find_longest(destination).is_some_and(|(nearer, ())| nearer >= length);
    (!is_own).then(|| to.clone())
}

/// Passes an opened packet on to `to`; its length.
pub fn pass(
    core: &Core,
    outbox: &mut Outbox,
    (from, to): (&Arc<Peer>, &Arc<Peer>),
    (header, packet, partial): (Header, &mut [u8], bool),
    now: Millis,
) -> Result<usize, Cause> {
    let origin = Origin::Peer(from);
    if !hop::take(packet, &header) {
        let router = from.realm.forwarding.address(header.version);
        origin.tell(core, icmp::time_exceeded(packet, &header, router), now);
        return Err(Cause::Hops);
    }
    // Only who made a packet may leave its checksum open.
    if let (true, Some(offset)) = (partial, header.checksum_offset()) {
        checksum::complete(packet, header.length, offset);
    }
    let vnet = Vnet::default();
    let cut = Cut::plan(&vnet, packet).map_err(|_| Cause::Inner)?;
    convey(core, outbox, to, (&vnet, &cut, packet), &origin, now);
    Ok(header.total)
}
