//! What one batch of a peer's packets must pass, and whom they are for.

use super::broadcast;
use super::convey::Origin;
use super::core::Core;
use super::forward;
use super::peer::Peer;
use crate::filter::{Filter, Glance};
use crate::packet::icmp::{self, Unreachable};
use crate::packet::ip::{Header, TCP};
use crate::packet::reset::reset;
use crate::refusals::Cause;
use crate::session::Millis;
use crate::table::Memo;
use arc_swap::Guard;
use std::net::IpAddr;
use std::sync::Arc;

/// Of one batch.
pub struct Admission<'a> {
    pub peer: &'a Arc<Peer>,
    /// When the batch arrived.
    pub now: Millis,
    source: Option<IpAddr>,
    receiver: Option<(IpAddr, Receiver)>,
    filter: Guard<Option<Arc<Filter>>>,
}

/// What a thread remembers from batch to batch: few packets of a stream are looked up.
#[derive(Default)]
pub struct Lately {
    glance: Glance,
    owners: Memo<Option<(u8, Owner)>>,
}

/// Where a peer lies in memory: compared and never followed, and only with what the present table holds.
type Owner = usize;

/// Whom a packet of a peer is for.
pub enum Receiver {
    Machine,
    /// Whoever listens on this machine.
    Many,
    /// It is passed on.
    Peer(Arc<Peer>),
}

impl<'a> Admission<'a> {
    pub fn new(peer: &'a Arc<Peer>, now: Millis) -> Admission<'a> {
        let filter = peer.realm.filter.load();
        Admission { peer, now, source: None, receiver: None, filter }
    }

    /// Checks who sent a packet and whether the filter lets it in; one that it refuses is answered.
    pub fn check(
        &mut self,
        core: &Core,
        (packet, header): (&[u8], &Header),
        lately: &mut Lately,
    ) -> Result<(), Cause> {
        if !self.is_source(header.source(packet), &mut lately.owners) {
            return Err(Cause::Source);
        }
        let Some(filter) = &*self.filter else { return Ok(()) };
        if filter.inbound(packet, self.now, &mut lately.glance) {
            return Ok(());
        }
        self.refuse(core, packet, header);
        Err(Cause::Filtered)
    }

    pub fn receiver(&mut self, destination: IpAddr) -> &Receiver {
        if self.receiver.as_ref().is_some_and(|(last, _)| *last != destination) {
            self.receiver = None;
        }
        let (realm, from) = (&self.peer.realm, self.peer);
        let (_, receiver) = self.receiver.get_or_insert_with(|| {
            let receiver = if broadcast::is_for_many(realm, destination) {
                Receiver::Many
            } else {
                forward::target(realm, from, destination).map_or(Receiver::Machine, Receiver::Peer)
            };
            (destination, receiver)
        });
        receiver
    }

    /// Whether the peer may use a source address: one that it is asked for, or one of its other sources, unless that is another
    /// peer's by a longer prefix.
    fn is_source(&mut self, source: IpAddr, owners: &mut Memo<Option<(u8, Owner)>>) -> bool {
        if self.source == Some(source) {
            return true;
        }
        let table = self.peer.realm.table.load();
        let asked = *owners.find(&table, source, |found| found.map(|(length, owner)| (length, place(owner))));
        let allowed = asked.is_some_and(|(_, owner)| owner == place(self.peer))
            || self.peer.sources.load().as_ref().is_some_and(|sources| {
                let own = sources.find_longest(source).map(|(length, ())| length);
                own.is_some() && own >= asked.map(|(length, _)| length)
            });
        if allowed {
            self.source = Some(source);
        }
        allowed
    }

    /// TCP is reset; of everything else the sender hears that it is prohibited.
    fn refuse(&self, core: &Core, packet: &[u8], header: &Header) {
        let answer = if header.protocol == TCP {
            reset(packet, header)
        } else {
            let router = self.peer.realm.forwarding.address(header.version);
            icmp::unreachable(packet, header, Unreachable::Prohibited, router)
        };
        Origin::Peer(self.peer).tell(core, answer, self.now);
    }
}

fn place(peer: &Arc<Peer>) -> Owner {
    Arc::as_ptr(peer).addr()
}
