//! One packet and the peer it is for: sealed on the way that its flow takes, or kept until there is one.

use super::core::Core;
use super::fit;
use super::outbox::Outbox;
use super::peer::Peer;
use super::realm::Realm;
use super::sending::send_sealed;
use crate::packet::icmp::{self, Unreachable};
use crate::packet::segment::Cut;
use crate::packet::vnet::Vnet;
use crate::refusals::Cause;
use crate::session::{Millis, Refused};
use std::sync::Arc;

/// Where a packet came from: who is told when it cannot go on.
pub enum Origin<'a> {
    /// This machine, by the realm's TUN; `None`: nobody is told.
    Machine(Option<&'a Realm>),
    /// A peer whose packets are passed on here.
    Peer(&'a Arc<Peer>),
}

impl Origin<'_> {
    /// Gives an error about one of its packets back; some of many only.
    pub fn tell(&self, core: &Core, error: Option<Vec<u8>>, now: Millis) {
        let Some(mut error) = error.filter(|_| core.errors.take(now)) else { return };
        match self {
            Origin::Machine(None) => {}
            Origin::Machine(Some(realm)) => realm.answer(&mut error, &core.refusals, now),
            Origin::Peer(peer) => {
                let Some(spread) = peer.outgoing.load_full() else { return };
                if send_sealed(core, spread.first(), &error, now) {
                    peer.wake(core);
                }
            }
        }
    }
}

/// Seals a packet for the peer that its destination belongs to and books it in `outbox`.
pub fn convey(
    core: &Core,
    outbox: &mut Outbox,
    peer: &Arc<Peer>,
    (vnet, cut, packet): (&Vnet, &Cut, &mut [u8]),
    origin: &Origin<'_>,
    now: Millis,
) {
    if peer.is_down() {
        core.refusals.count(Cause::Down);
        origin.tell(core, icmp::unreachable(packet, &cut.header, Unreachable::HostDown, None), now);
        peer.drive(core, None, |drive| drive.want());
        return;
    }
    let spread = peer.outgoing.load();
    let Some(outgoing) = spread.as_ref().map(|spread| spread.of(&cut.header, packet)) else {
        peer.hold(core, *vnet, packet);
        return;
    };
    fit::clamp(packet, &cut.header, outgoing.mtu.into(), cut.partial);
    match fit::push(outbox, outgoing, (cut, packet), (core, origin), now) {
        Ok(pushed) => {
            core.refusals.add(Cause::Send, pushed.refused as u64);
            peer.traffic.count_sent(cut.count, cut.bytes(), now);
            if cut.count == 1 {
                peer.recent.note(vnet, &cut.header, packet, now);
            }
            if pushed.wake {
                peer.wake(core);
            }
        }
        // Too old or used up: its association ends it when it looks, and the packet waits for the next.
        Err(Refused::Expired) => {
            peer.wake(core);
            peer.hold(core, *vnet, packet);
        }
        Err(refused) => core.refusals.count(Cause::Session(refused)),
    }
}
