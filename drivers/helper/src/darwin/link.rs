//! Interfaces, their addresses, and routes into them.

use std::net::IpAddr;

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use crate::answer::Refusal;
use crate::darwin::request::Device;
use crate::darwin::route;
use crate::darwin::tool::{IFCONFIG, ROUTE, run};
use crate::prefix::{Prefix, bits, bytes, is_host};

/// An address that an interface of this machine has.
#[derive(Debug)]
pub struct Held {
    /// Name of the interface.
    pub interface: String,
    /// The address.
    pub address: IpAddr,
    /// The range that it is directly connected to.
    pub prefix: Prefix,
}

/// Number of an interface.
pub fn index_of(name: &str) -> Option<u32> {
    nix::net::if_::if_nametoindex(name).ok()
}

/// All addresses of this machine.
pub fn addresses() -> Result<Vec<Held>, Refusal> {
    let all = getifaddrs().map_err(|errno| Refusal::by_kernel("show its addresses", errno))?;
    Ok(all
        .filter_map(|each| {
            let address = each.address.as_ref().and_then(ip_of)?;
            let mask = each.netmask.as_ref().and_then(ip_of);
            let ones: u32 = mask.map_or(0, |mask| bytes(&mask).iter().map(|byte| byte.count_ones()).sum());
            let length = mask.and(u8::try_from(ones).ok()).unwrap_or(bits(&address));
            Some(Held { interface: each.interface_name, address, prefix: Prefix::around(address, length) })
        })
        .collect())
}

/// Sets one of our interfaces up; what is none stays.
pub fn set(device: &Device, up: bool, mtu: Option<u32>) -> Result<(), Refusal> {
    let mtu = mtu.map(|mtu| mtu.to_string());
    let mut words = vec![device.as_ref()];
    if let Some(mtu) = &mtu {
        words.extend(["mtu", mtu]);
    }
    if up {
        words.push("up");
    }
    change(&format!("set up the interface {device}"), &words)
}

/// Switches one of our interfaces off.
pub fn switch_off(device: &Device) -> Result<(), Refusal> {
    change(&format!("remove the interface {device}"), &[device.as_ref(), "down"])
}

/// Gives an interface an address that is nobody's on this machine.
pub fn add_address(device: &Device, address: IpAddr, length: u8) -> Result<(), Refusal> {
    let action = format!("give {device} the address {address}");
    if !is_host(&address) || length != bits(&address) {
        return Err(Refusal::of(action, "it is not the address of one machine"));
    }
    let is_held = |held: &Held| held.interface != device.as_ref() && held.address == address;
    if addresses()?.iter().any(is_held) {
        return Err(Refusal::of(action, "another interface has it"));
    }
    let text = address.to_string();
    let end: &[&str] = if address.is_ipv4() {
        &["inet", &text, &text, "netmask", "255.255.255.255", "alias"]
    } else {
        &["inet6", &text, "prefixlen", "128", "alias"]
    };
    change(&action, &[&[device.as_ref()], end].concat())
}

/// Takes an address away; done also when it is gone.
pub fn remove_address(device: &Device, address: IpAddr) -> Result<(), Refusal> {
    let is_held = |held: &Held| held.interface == device.as_ref() && held.address == address;
    if !addresses()?.iter().any(is_held) {
        return Ok(());
    }
    let family = if address.is_ipv4() { "inet" } else { "inet6" };
    let action = format!("take the address {address} from {device}");
    change(&action, &[device.as_ref(), family, &address.to_string(), "-alias"])
}

/// Routes a prefix into an interface, unless that would be a default route or cover what the machine is connected to.
pub fn add_route(device: &Device, prefix: Prefix) -> Result<(), Refusal> {
    let action = format!("route {prefix} into {device}");
    if prefix.is_vast() {
        return Err(Refusal::of(action, "the default route stays as it is"));
    }
    let is_over = |held: &&Held| held.interface != device.as_ref() && held.prefix.overlaps(&prefix);
    if let Some(held) = addresses()?.iter().find(is_over) {
        return Err(Refusal::Overlap {
            range: prefix.to_string(),
            local: held.prefix.to_string(),
            interface: held.interface.clone(),
        });
    }
    run(&action, ROUTE, &route::words("add", prefix, device)).map(drop)
}

/// Removes what `add_route` made and nothing else; done also when it is gone.
pub fn remove_route(device: &Device, prefix: Prefix) -> Result<(), Refusal> {
    let action = format!("remove the route {prefix} from {device}");
    match run(&action, ROUTE, &route::question(prefix)) {
        Ok(answer) if route::leads_into(&answer, prefix, device) => {
            run(&action, ROUTE, &route::words("delete", prefix, device)).map(drop)
        }
        _ => Ok(()),
    }
}

fn change(action: &str, words: &[&str]) -> Result<(), Refusal> {
    run(action, IFCONFIG, words).map(drop)
}

fn ip_of(storage: &SockaddrStorage) -> Option<IpAddr> {
    let v4 = storage.as_sockaddr_in().map(|address| IpAddr::V4(address.ip()));
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| IpAddr::V6(address.ip())))
}
