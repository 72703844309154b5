//! Interfaces, their addresses, and routes into them (include/uapi/linux/rtnetlink.h).

use std::net::IpAddr;

use nix::errno::Errno;

use crate::answer::Refusal;
use crate::netlink::{Body, CREATE, attribute, dump, exchange, number_at};
use crate::prefix::{Prefix, bits, bytes, from_bytes, is_host};

/// An address that an interface of this machine has.
#[derive(Debug)]
pub struct Held {
    /// Number of the interface.
    pub index: u32,
    /// The address.
    pub address: IpAddr,
    /// The range that it is directly connected to.
    pub prefix: Prefix,
}

/// What to set; what is none stays.
#[derive(Debug, Clone, Copy)]
pub struct LinkChange {
    /// Switched on.
    pub up: bool,
    /// Bytes of the largest packet.
    pub mtu: Option<u32>,
    /// Bytes of the largest super-packet.
    pub gso_max_size: Option<u32>,
}

/// Number of an interface.
pub fn index_of(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

/// Name of an interface; a number where it has just gone.
pub fn name_of(index: u32) -> String {
    nix::net::if_::if_indextoname(index)
        .ok()
        .and_then(|name| name.into_string().ok())
        .unwrap_or_else(|| index.to_string())
}

/// All addresses of this machine.
pub fn addresses() -> Result<Vec<Held>, Refusal> {
    let bodies = dump(GET_ADDRESS).map_err(|errno| Refusal::by_kernel("show its addresses", errno))?;
    Ok(bodies.iter().filter_map(|body| parse_address(body)).collect())
}

/// Sets one of our interfaces up.
pub fn set(name: &str, index: u32, change: LinkChange) -> Result<(), Refusal> {
    if change.up {
        let mode = Body::default().with(ADDRESS_MODE, &[NO_ADDRESS]);
        let families = Body::default().with_nested(INET6, &mode);
        // Refused where the kernel has no IPv6: then there is no link-local address to keep away.
        let _ = exchange(NEW_LINK, 0, &link(index, 0, 0).with_nested(FAMILIES, &families));
    }
    let flags = if change.up { UP } else { 0 };
    let mut body = link(index, flags, flags);
    if let Some(mtu) = change.mtu {
        body = body.with_number(MTU, mtu);
    }
    if let Some(size) = change.gso_max_size {
        body = body.with_number(GSO_MAX_SIZE, size);
    }
    demand(&format!("set up the interface {name}"), exchange(NEW_LINK, 0, &body), &[])
}

/// Ends one of our interfaces; done also when it is gone.
pub fn remove(name: &str, index: u32) -> Result<(), Refusal> {
    let body = link(index, 0, 0);
    demand(&format!("remove the interface {name}"), exchange(DELETE_LINK, 0, &body), &GONE)
}

/// Gives an interface an address that is nobody's on this machine.
pub fn add_address(name: &str, index: u32, address: IpAddr, length: u8) -> Result<(), Refusal> {
    let action = format!("give {name} the address {address}");
    if !is_host(&address) || length != bits(&address) {
        return Err(Refusal::of(action, "it is not the address of one machine"));
    }
    if addresses()?.iter().any(|held| held.index != index && held.address == address) {
        return Err(Refusal::of(action, "another interface has it"));
    }
    let flags = NO_PREFIX_ROUTE | if address.is_ipv6() { NO_DETECTION } else { 0 };
    let body = address_body(index, address, length).with_number(ADDRESS_FLAGS, flags);
    demand(&action, exchange(NEW_ADDRESS, CREATE, &body), &[])
}

/// Takes an address away; done also when it is gone.
pub fn remove_address(name: &str, index: u32, address: IpAddr, length: u8) -> Result<(), Refusal> {
    let body = address_body(index, address, length);
    let action = format!("take the address {address} from {name}");
    demand(&action, exchange(DELETE_ADDRESS, 0, &body), &GONE)
}

/// Routes a prefix into an interface, unless that would be a default route or cover what the machine is connected to.
pub fn add_route(name: &str, index: u32, prefix: Prefix, source: Option<IpAddr>) -> Result<(), Refusal> {
    let action = format!("route {prefix} into {name}");
    if prefix.is_vast() {
        return Err(Refusal::of(action, "the default route stays as it is"));
    }
    if let Some(held) = addresses()?.iter().find(|held| held.index != index && held.prefix.overlaps(&prefix))
    {
        return Err(Refusal::Overlap {
            range: prefix.to_string(),
            local: held.prefix.to_string(),
            interface: name_of(held.index),
        });
    }
    demand(&action, exchange(NEW_ROUTE, CREATE, &route_body(index, prefix, source)), &[])
}

/// Removes what `add_route` made and nothing else; done also when it is gone.
pub fn remove_route(name: &str, index: u32, prefix: Prefix, source: Option<IpAddr>) -> Result<(), Refusal> {
    let body = route_body(index, prefix, source);
    demand(&format!("remove the route {prefix} from {name}"), exchange(DELETE_ROUTE, 0, &body), &GONE)
}

fn demand(action: &str, result: Result<Vec<Vec<u8>>, Errno>, harmless: &[Errno]) -> Result<(), Refusal> {
    match result {
        Ok(_) => Ok(()),
        Err(errno) if harmless.contains(&errno) => Ok(()),
        Err(errno) => Err(Refusal::by_kernel(action, errno)),
    }
}

fn parse_address(body: &[u8]) -> Option<Held> {
    let length = *body.get(1)?;
    let index = number_at(body, 4)?;
    let value =
        attribute(body, ADDRESS_HEADER, LOCAL).or_else(|| attribute(body, ADDRESS_HEADER, ADDRESS))?;
    let address = from_bytes(value)?;
    Some(Held { index, address, prefix: Prefix::around(address, length) })
}

/// `struct ifinfomsg`.
fn link(index: u32, flags: u32, changed: u32) -> Body {
    let mut structure = [0; 16];
    structure[4..8].copy_from_slice(&index.to_ne_bytes());
    structure[8..12].copy_from_slice(&flags.to_ne_bytes());
    structure[12..16].copy_from_slice(&changed.to_ne_bytes());
    Body::new(&structure)
}

/// `struct ifaddrmsg` and the address.
fn address_body(index: u32, address: IpAddr, length: u8) -> Body {
    let mut structure = [family(&address), length, 0, 0, 0, 0, 0, 0];
    structure[4..8].copy_from_slice(&index.to_ne_bytes());
    let value = bytes(&address);
    Body::new(&structure).with(LOCAL, &value).with(ADDRESS, &value)
}

/// `struct rtmsg` of the main table, and where to.
fn route_body(index: u32, prefix: Prefix, source: Option<IpAddr>) -> Body {
    let mut structure = [0; 12];
    structure[0] = family(&prefix.address);
    structure[1] = prefix.length;
    structure[4] = MAIN_TABLE;
    structure[5] = PROTOCOL;
    structure[6] = SCOPE_LINK;
    structure[7] = UNICAST;
    let body = Body::new(&structure).with(DESTINATION, &bytes(&prefix.address)).with_number(OUTPUT, index);
    match source {
        Some(address) => body.with(PREFERRED_SOURCE, &bytes(&address)),
        None => body,
    }
}

/// `AF_INET` or `AF_INET6`.
pub fn family(address: &IpAddr) -> u8 {
    if address.is_ipv4() { INET as u8 } else { INET6 as u8 }
}

/// Marks our routes and rules (free in /etc/iproute2/rt_protos); `src-main/system` uses the same number.
pub const PROTOCOL: u8 = 83;
/// `RT_TABLE_MAIN`.
pub const MAIN_TABLE: u8 = 254;
const GONE: [Errno; 3] = [Errno::ESRCH, Errno::EADDRNOTAVAIL, Errno::ENODEV];
const INET: u16 = 2;
const INET6: u16 = 10;
const NEW_LINK: u16 = 16;
const DELETE_LINK: u16 = 17;
const NEW_ADDRESS: u16 = 20;
const DELETE_ADDRESS: u16 = 21;
const GET_ADDRESS: u16 = 22;
/// `RTM_NEWROUTE`, `RTM_DELROUTE`, `RTM_GETROUTE`.
pub const NEW_ROUTE: u16 = 24;
/// See `NEW_ROUTE`.
pub const DELETE_ROUTE: u16 = 25;
/// See `NEW_ROUTE`.
pub const GET_ROUTE: u16 = 26;
const UP: u32 = 1;
const MTU: u16 = 4;
const FAMILIES: u16 = 26;
const GSO_MAX_SIZE: u16 = 41;
const ADDRESS_MODE: u16 = 8;
const NO_ADDRESS: u8 = 1;
const ADDRESS_HEADER: usize = 8;
const ADDRESS: u16 = 1;
const LOCAL: u16 = 2;
const ADDRESS_FLAGS: u16 = 8;
const NO_DETECTION: u32 = 0x02;
const NO_PREFIX_ROUTE: u32 = 0x200;
const DESTINATION: u16 = 1;
const OUTPUT: u16 = 4;
const PREFERRED_SOURCE: u16 = 7;
/// `RTN_UNICAST`.
pub const UNICAST: u8 = 1;
/// `RT_SCOPE_LINK`.
pub const SCOPE_LINK: u8 = 253;
