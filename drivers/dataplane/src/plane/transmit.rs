//! The thread of one TUN: packets of this machine → sealed datagrams.

use super::core::{Core, millis};
use super::fit;
use super::outbox::Outbox;
use super::realm::{Realm, TunLink};
use crate::os::prefer_latency;
use crate::packet::segment::Cut;
use crate::packet::vnet::Vnet;
use crate::refusals::Cause;
use crate::session::{Millis, Refused};
use std::io;

/// Reads of the TUN before what was sealed must leave, however small.
const READS: usize = 64;
/// Largest packet of a TUN.
const ROOM: usize = 65_536;

/// Reads until the TUN's waker is woken. Ends with an error when the descriptor fails.
pub fn run(core: &Core, realm: &Realm, link: &TunLink) -> io::Result<()> {
    prefer_latency();
    let mut outbox = Outbox::new(None, true);
    let mut room = vec![0u8; ROOM];
    while link.tun.wait(&link.waker)? {
        while drain(core, realm, link, &mut outbox, &mut room)? {}
    }
    Ok(())
}

/// Takes what the TUN has, up to a limit, and sends it. False when the TUN is empty.
fn drain(
    core: &Core,
    realm: &Realm,
    link: &TunLink,
    outbox: &mut Outbox,
    room: &mut [u8],
) -> io::Result<bool> {
    let now = millis();
    let mut more = true;
    for _ in 0..READS {
        let Some((vnet, length)) = link.tun.read(room)? else {
            more = false;
            break;
        };
        take(core, (realm, link), outbox, &vnet, &mut room[..length], now);
    }
    core.refusals.add(Cause::Send, outbox.flush() as u64);
    Ok(more)
}

fn take(
    core: &Core,
    (realm, link): (&Realm, &TunLink),
    outbox: &mut Outbox,
    vnet: &Vnet,
    packet: &mut [u8],
    now: Millis,
) {
    let Ok(cut) = Cut::plan(vnet, packet) else {
        core.refusals.count(Cause::Packet);
        return;
    };
    let table = realm.table.load();
    let Some(peer) = table.find(cut.header.destination(packet)) else {
        core.refusals.count(Cause::NoPeer);
        return;
    };
    let spread = peer.outgoing.load();
    let Some(outgoing) = spread.as_ref().map(|spread| spread.of(&cut.header, packet)) else {
        peer.hold(core, *vnet, packet);
        return;
    };
    fit::clamp(packet, &cut.header, outgoing.mtu.into(), cut.partial);
    match fit::push(outbox, outgoing, (&cut, packet), (core, Some(link)), now) {
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
