//! The thread of one TUN: packets of this machine → sealed datagrams.

use super::broadcast;
use super::convey::{Origin, convey};
use super::core::{Core, millis};
use super::outbox::Outbox;
use super::peer::Peer;
use super::realm::{Realm, TunLink};
use crate::filter::Glance;
use crate::nat::Outbound;
use crate::os::prefer_latency;
use crate::packet::icmp::{self, Unreachable};
use crate::packet::segment::Cut;
use crate::packet::vnet::Vnet;
use crate::refusals::Cause;
use crate::session::Millis;
use crate::table::Memo;
use std::io;
use std::sync::{Arc, Weak};

/// Reads of the TUN before what was sealed must leave, however small.
const READS: usize = 64;
/// Largest packet of a TUN.
const ROOM: usize = 65_536;

/// What the thread remembers from packet to packet: few of a stream are looked up.
#[derive(Default)]
struct Lately {
    glance: Glance,
    /// Weak: a peer that was removed does not live on here.
    peers: Memo<Weak<Peer>>,
}

/// Reads until the TUN's waker is woken. Ends with an error when the descriptor fails.
pub fn run(core: &Core, realm: &Realm, link: &TunLink) -> io::Result<()> {
    prefer_latency();
    let mut outbox = Outbox::new(None, true);
    let mut lately = Lately::default();
    let mut room = vec![0u8; ROOM];
    while link.tun.wait(&link.waker)? {
        while drain(core, (realm, link), (&mut outbox, &mut lately), &mut room)? {}
    }
    Ok(())
}

/// Takes what the TUN has, up to a limit, and sends it. False when the TUN is empty.
fn drain(
    core: &Core,
    (realm, link): (&Realm, &TunLink),
    (outbox, lately): (&mut Outbox, &mut Lately),
    room: &mut [u8],
) -> io::Result<bool> {
    let now = millis();
    let mut more = true;
    for _ in 0..READS {
        let Some((vnet, length)) = link.tun.read(room)? else {
            more = false;
            break;
        };
        take(core, (realm, link), (outbox, lately), &vnet, &mut room[..length], now);
    }
    core.refusals.add(Cause::Send, outbox.flush() as u64);
    Ok(more)
}

fn take(
    core: &Core,
    (realm, link): (&Realm, &TunLink),
    (outbox, lately): (&mut Outbox, &mut Lately),
    vnet: &Vnet,
    packet: &mut [u8],
    now: Millis,
) {
    if let Some(nat) = &*realm.nat.load() {
        match nat.outbound(vnet, packet, now) {
            Outbound::Pass => {}
            Outbound::Turn => {
                if link.tun.write(packet, *vnet, 0..packet.len(), &[]).is_err() {
                    core.refusals.count(Cause::TunWrite);
                }
                return;
            }
            Outbound::Refuse => {
                core.refusals.count(Cause::NatState);
                return;
            }
        }
    }
    let Ok(cut) = Cut::plan(vnet, packet) else {
        core.refusals.count(Cause::Packet);
        return;
    };
    let destination = cut.header.destination(packet);
    if broadcast::is_for_many(realm, destination) {
        if let Err(cause) = broadcast::send(core, realm, outbox, (&cut, packet), now) {
            core.refusals.count(cause);
        }
        return;
    }
    let origin = Origin::Machine(Some(realm));
    let found = lately.peers.find(&realm.table.load(), destination, |found| {
        found.map_or_else(Weak::new, |(_, peer)| Arc::downgrade(peer))
    });
    let Some(peer) = found.upgrade() else {
        core.refusals.count(Cause::NoPeer);
        origin.tell(core, icmp::unreachable(packet, &cut.header, Unreachable::NoRoute, None), now);
        return;
    };
    if let Some(filter) = &*realm.filter.load() {
        filter.outbound(packet, now, &mut lately.glance);
    }
    convey(core, outbox, &peer, (vnet, &cut, packet), &origin, now);
}
