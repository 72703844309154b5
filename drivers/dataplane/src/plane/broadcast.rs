//! Broadcasts and multicasts of chosen ports, from this machine to every peer that a session stands with: discovery and LAN
//! games. What came from a peer is delivered here and never sent on, so nothing goes round.

use super::convey::Origin;
use super::core::{Bucket, Core};
use super::fit;
use super::outbox::Outbox;
use super::realm::Realm;
use crate::packet::checksum;
use crate::packet::ip::{Header, UDP};
use crate::packet::segment::Cut;
use crate::refusals::Cause;
use crate::session::Millis;
use crate::table::Prefix;
use std::net::{IpAddr, Ipv4Addr};

/// What is passed, and how much of it.
pub struct Broadcast {
    /// UDP destination ports.
    ports: Vec<u16>,
    /// Broadcast addresses of the network's ranges.
    addresses: Vec<Ipv4Addr>,
    sent: Bucket,
}

impl Broadcast {
    /// `subnets`: their last addresses are broadcasts, too. `per_second` is at least 1.
    pub fn new(ports: Vec<u16>, subnets: &[Prefix], per_second: u32) -> Broadcast {
        let addresses = subnets.iter().filter_map(Prefix::broadcast).collect();
        Broadcast { ports, addresses, sent: Bucket::new(per_second.into()) }
    }

    fn takes(&self, header: &Header, packet: &[u8]) -> bool {
        let port = packet.get(header.length + 2..header.length + 4);
        header.protocol == UDP
            && !header.fragment
            && port.is_some_and(|port| self.ports.contains(&u16::from_be_bytes([port[0], port[1]])))
    }
}

/// Whether an address stands for more than one host here.
pub fn is_for_many(realm: &Realm, address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_multicast() || address.is_broadcast() || is_subnet_broadcast(realm, address)
        }
        IpAddr::V6(address) => address.is_multicast(),
    }
}

/// Sends a packet of this machine that is for many to all who can be reached at once.
pub fn send(
    core: &Core,
    realm: &Realm,
    outbox: &mut Outbox,
    (cut, packet): (&Cut, &[u8]),
    now: Millis,
) -> Result<(), Cause> {
    let broadcast = realm.broadcast.load();
    let broadcast = broadcast.as_ref().filter(|it| it.takes(&cut.header, packet));
    if !broadcast.is_some_and(|it| it.sent.take(now)) {
        return Err(Cause::Broadcast);
    }
    for peer in realm.peers() {
        let spread = peer.outgoing.load();
        let Some(outgoing) = spread.as_ref().map(|spread| spread.of(&cut.header, packet)) else { continue };
        // It is no traffic that keeps a way in use: chatter would keep all of them.
        match fit::push(outbox, outgoing, (cut, packet), (core, &Origin::Machine(None)), now) {
            Ok(pushed) => {
                core.refusals.add(Cause::Send, pushed.refused as u64);
                if pushed.wake {
                    peer.wake(core);
                }
            }
            Err(refused) => core.refusals.count(Cause::Session(refused)),
        }
    }
    Ok(())
}

/// Makes a packet of a peer that is for many fit for delivery. False: its checksum is finished now.
pub fn receive(realm: &Realm, header: &Header, packet: &mut [u8], partial: bool) -> Result<bool, Cause> {
    let broadcast = realm.broadcast.load();
    if !broadcast.as_ref().is_some_and(|it| it.takes(header, packet)) {
        return Err(Cause::Broadcast);
    }
    let IpAddr::V4(address) = header.destination(packet) else { return Ok(partial) };
    if !is_subnet_broadcast(realm, address) {
        return Ok(partial);
    }
    // No system takes the network's last address for a broadcast where its own has no neighbours; this one all do.
    packet[16..20].copy_from_slice(&Ipv4Addr::BROADCAST.octets());
    checksum::write_ipv4(packet, header.length);
    if let Some(offset) = header.checksum_offset() {
        let at = header.length + offset;
        if partial || packet[at..at + 2] != [0, 0] {
            let seed = checksum::pseudo(header, packet, header.total - header.length);
            packet[at..at + 2].copy_from_slice(&seed.to_be_bytes());
            checksum::complete(packet, header.length, offset);
        }
    }
    Ok(false)
}

fn is_subnet_broadcast(realm: &Realm, address: Ipv4Addr) -> bool {
    realm.broadcast.load().as_ref().is_some_and(|it| it.addresses.contains(&address))
}
