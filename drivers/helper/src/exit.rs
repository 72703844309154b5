//! What goes to the internet is sent into one of our interfaces, by rules and a routing table of their own.
//!
//! The same as `src-main/system/linux-exit.ts` does for an engine that runs as root.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::errno::Errno;

use crate::answer::Refusal;
use crate::link::{self, MAIN_TABLE, PROTOCOL, SCOPE_LINK, UNICAST, family};
use crate::netlink::{Body, CREATE, attribute, dump, exchange, number};
use crate::prefix::{Prefix, bytes, from_bytes};
use crate::request::Exit;

/// Mark of the sockets that go another way: “SM”, the same as in `drivers/dataplane.ts`.
pub const MARK: u32 = 0x534d;

/// Makes rules and routes as they are wanted: what is missing first, so that nothing gets out by the old way meanwhile.
pub fn set(exit: &Exit) -> Result<(), Refusal> {
    let output = exit.interface.as_ref().and_then(|device| link::index_of(device.as_ref()));
    let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let routes: Vec<Route> = families.iter().flat_map(|zero| routes_of(exit, *zero, output)).collect();
    let rules: Vec<Rule> = families.iter().flat_map(|zero| rules_of(exit, *zero)).collect();
    let (old_routes, old_rules) = (present_routes(), present_rules());
    for route in routes.iter().filter(|route| !old_routes.contains(route)) {
        demand(exchange(link::NEW_ROUTE, CREATE, &route.body()), &route.prefix.address)?;
    }
    for rule in rules.iter().filter(|rule| !old_rules.contains(rule)) {
        demand(exchange(NEW_RULE, CREATE, &rule.body()), &rule.family)?;
    }
    for rule in old_rules.iter().filter(|rule| !rules.contains(rule)) {
        let _ = exchange(DELETE_RULE, 0, &rule.body());
    }
    for route in old_routes.iter().filter(|route| !routes.contains(route)) {
        let _ = exchange(link::DELETE_ROUTE, 0, &route.body());
    }
    Ok(())
}

/// Takes all of them away; also when they are gone.
pub fn remove() {
    for rule in present_rules().iter().rev() {
        let _ = exchange(DELETE_RULE, 0, &rule.body());
    }
    for route in present_routes() {
        let _ = exchange(link::DELETE_ROUTE, 0, &route.body());
    }
}

/// Whether there are any.
pub fn is_there() -> bool {
    !present_rules().is_empty()
}

/// A rule: what fits it is looked up in a table, or has nowhere to go (`table` none).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    /// Any address of the family.
    family: IpAddr,
    priority: u32,
    to: Option<Prefix>,
    mark: Option<u32>,
    /// Number of the protocol whose port 53 it is.
    names_by: Option<u8>,
    table: Option<u32>,
    suppress: Option<u32>,
}

/// A route of our table.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Route {
    prefix: Prefix,
    to: Target,
    metric: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    Interface(u32),
    Unreachable,
    /// The next rule decides.
    Throw,
}

/// The routes of the table. Those into the interface go with it, and then the strict ones below them count.
fn routes_of(exit: &Exit, zero: IpAddr, output: Option<u32>) -> Vec<Route> {
    let of_family = |prefixes: &[Prefix]| -> Vec<Prefix> {
        prefixes.iter().filter(|prefix| prefix.address.is_ipv4() == zero.is_ipv4()).copied().collect()
    };
    let wanted = match exit.only.as_slice() {
        [] => vec![Prefix { address: zero, length: 0 }],
        only => of_family(only),
    };
    let mut routes = Vec::new();
    if let Some(index) = output {
        let to = Target::Interface(index);
        routes.extend(wanted.iter().map(|prefix| Route { prefix: *prefix, to, metric: USUAL_METRIC }));
    }
    if exit.strict {
        let to = Target::Unreachable;
        routes.extend(wanted.iter().map(|prefix| Route { prefix: *prefix, to, metric: LAST_METRIC }));
    }
    let to = Target::Throw;
    routes.extend(of_family(&exit.except).into_iter().map(|prefix| Route {
        prefix,
        to,
        metric: FIRST_METRIC,
    }));
    routes
}

fn rules_of(exit: &Exit, zero: IpAddr) -> Vec<Rule> {
    let rule = |priority: u32| Rule {
        family: zero,
        priority: FIRST_PRIORITY + priority,
        to: None,
        mark: None,
        names_by: None,
        table: Some(EXIT_TABLE),
        suppress: None,
    };
    let main = Some(u32::from(MAIN_TABLE));
    // Our networks themselves.
    let inside = exit.inside.iter().filter(|prefix| prefix.address.is_ipv4() == zero.is_ipv4());
    let mut rules: Vec<Rule> =
        inside.map(|prefix| Rule { to: Some(*prefix), table: main, ..rule(0) }).collect();
    // What carries the networks leaves as ever, or not at all.
    rules.push(Rule { mark: Some(MARK), table: main, ..rule(1) });
    rules.push(Rule { mark: Some(MARK), table: None, ..rule(2) });
    if exit.only.is_empty() {
        // Names are never asked for beside the exit, also not of a server on the LAN.
        rules.extend([UDP, TCP].map(|protocol| Rule { names_by: Some(protocol), ..rule(3) }));
    }
    if exit.lan {
        rules.push(Rule { table: main, suppress: Some(0), ..rule(4) });
    }
    rules.push(rule(5));
    rules
}

impl Rule {
    /// `struct fib_rule_hdr` and what belongs to it (include/uapi/linux/fib_rules.h).
    fn body(&self) -> Body {
        let mut structure = [0; HEADER];
        structure[0] = family(&self.family);
        structure[1] = self.to.map_or(0, |prefix| prefix.length);
        structure[7] = if self.table.is_some() { TO_TABLE } else { UNREACHABLE_RULE };
        let mut body =
            Body::new(&structure).with_number(FRA_PRIORITY, self.priority).with(FRA_PROTOCOL, &[PROTOCOL]);
        if let Some(table) = self.table {
            body = body.with_number(FRA_TABLE, table);
        }
        if let Some(prefix) = self.to {
            body = body.with(FRA_DST, &bytes(&prefix.address));
        }
        if let Some(mark) = self.mark {
            body = body.with_number(FRA_FWMARK, mark).with_number(FRA_FWMASK, u32::MAX);
        }
        if let Some(protocol) = self.names_by {
            let port = NAMES_PORT.to_ne_bytes();
            body = body
                .with(FRA_IP_PROTO, &[protocol])
                .with(FRA_DPORT_RANGE, &[port[0], port[1], port[0], port[1]]);
        }
        if let Some(length) = self.suppress {
            body = body.with_number(FRA_SUPPRESS_PREFIXLEN, length);
        }
        body
    }

    /// A rule that is ours; none for all others.
    fn parse(body: &[u8]) -> Option<Rule> {
        if attribute(body, HEADER, FRA_PROTOCOL)? != [PROTOCOL] {
            return None;
        }
        let family = zero_of(*body.first()?)?;
        let table = match *body.get(7)? {
            TO_TABLE => Some(number(body, HEADER, FRA_TABLE)?),
            UNREACHABLE_RULE => None,
            _ => return None,
        };
        let to = match attribute(body, HEADER, FRA_DST) {
            Some(bytes) => Some(Prefix::around(from_bytes(bytes)?, *body.get(1)?)),
            None => None,
        };
        Some(Rule {
            family,
            priority: number(body, HEADER, FRA_PRIORITY)?,
            to,
            mark: number(body, HEADER, FRA_FWMARK).filter(|mark| *mark != 0),
            names_by: attribute(body, HEADER, FRA_IP_PROTO).and_then(|value| value.first().copied()),
            table,
            suppress: number(body, HEADER, FRA_SUPPRESS_PREFIXLEN).filter(|length| *length != u32::MAX),
        })
    }
}

impl Route {
    /// `struct rtmsg` of our table.
    fn body(&self) -> Body {
        let mut structure = [0; HEADER];
        structure[0] = family(&self.prefix.address);
        structure[1] = self.prefix.length;
        structure[5] = PROTOCOL;
        structure[7] = match self.to {
            Target::Interface(_) => UNICAST,
            Target::Unreachable => UNREACHABLE_ROUTE,
            Target::Throw => THROW_ROUTE,
        };
        if matches!(self.to, Target::Interface(_)) {
            structure[6] = SCOPE_LINK;
        }
        let mut body = Body::new(&structure);
        if self.prefix.length > 0 {
            body = body.with(RTA_DST, &bytes(&self.prefix.address));
        }
        body = body.with_number(RTA_TABLE, EXIT_TABLE).with_number(RTA_PRIORITY, self.metric);
        match self.to {
            Target::Interface(index) => body.with_number(RTA_OIF, index),
            Target::Unreachable | Target::Throw => body,
        }
    }

    /// A route of our table; none for all others.
    fn parse(body: &[u8]) -> Option<Route> {
        if number(body, HEADER, RTA_TABLE)? != EXIT_TABLE || *body.get(5)? != PROTOCOL {
            return None;
        }
        let address = match attribute(body, HEADER, RTA_DST) {
            Some(bytes) => from_bytes(bytes)?,
            None => zero_of(*body.first()?)?,
        };
        let to = match *body.get(7)? {
            UNREACHABLE_ROUTE => Target::Unreachable,
            THROW_ROUTE => Target::Throw,
            _ => Target::Interface(number(body, HEADER, RTA_OIF)?),
        };
        let prefix = Prefix::around(address, *body.get(1)?);
        Some(Route { prefix, to, metric: number(body, HEADER, RTA_PRIORITY).unwrap_or(0) })
    }
}

fn present_rules() -> Vec<Rule> {
    dump(READ_RULES).unwrap_or_default().iter().filter_map(|body| Rule::parse(body)).collect()
}

fn present_routes() -> Vec<Route> {
    dump(link::GET_ROUTE).unwrap_or_default().iter().filter_map(|body| Route::parse(body)).collect()
}

fn zero_of(family: u8) -> Option<IpAddr> {
    match i32::from(family) {
        libc::AF_INET => Some(Ipv4Addr::UNSPECIFIED.into()),
        libc::AF_INET6 => Some(Ipv6Addr::UNSPECIFIED.into()),
        _ => None,
    }
}

/// A family that the kernel does not have leads nowhere anyway.
fn demand(result: Result<Vec<Vec<u8>>, Errno>, address: &IpAddr) -> Result<(), Refusal> {
    match result {
        Ok(_) | Err(Errno::EEXIST) => Ok(()),
        Err(Errno::EAFNOSUPPORT | Errno::EOPNOTSUPP | Errno::ENODEV | Errno::EACCES) if address.is_ipv6() => {
            Ok(())
        }
        Err(errno) => Err(Refusal::by_kernel("send what goes to the internet through a member", errno)),
    }
}

/// Free on every system that we know of; the same as in `linux-exit.ts`, as are the numbers below.
const EXIT_TABLE: u32 = 21_325;
const FIRST_PRIORITY: u32 = 7740;
const FIRST_METRIC: u32 = 99;
const USUAL_METRIC: u32 = 100;
const LAST_METRIC: u32 = 0xffff_fffe;
const NAMES_PORT: u16 = 53;
const UDP: u8 = 17;
const TCP: u8 = 6;
const HEADER: usize = 12;
const NEW_RULE: u16 = 32;
const DELETE_RULE: u16 = 33;
const READ_RULES: u16 = 34;
const TO_TABLE: u8 = 1;
const UNREACHABLE_RULE: u8 = 7;
const UNREACHABLE_ROUTE: u8 = 7;
const THROW_ROUTE: u8 = 9;
const FRA_DST: u16 = 1;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_SUPPRESS_PREFIXLEN: u16 = 14;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_PROTOCOL: u16 = 21;
const FRA_IP_PROTO: u16 = 22;
const FRA_DPORT_RANGE: u16 = 24;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_PRIORITY: u16 = 6;
const RTA_TABLE: u16 = 15;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exit(strict: bool) -> Exit {
        let prefix = |text: &str| text.parse().expect("a prefix");
        Exit {
            interface: None,
            strict,
            lan: true,
            only: vec![],
            except: vec![prefix("203.0.113.0/24")],
            inside: vec![prefix("10.9.0.0/16"), prefix("fd00:9::/48")],
        }
    }

    #[test]
    fn strict_leads_nowhere_where_there_is_no_interface() {
        let zero = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        let targets = |strict| -> Vec<Target> {
            routes_of(&exit(strict), zero, None).iter().map(|route| route.to).collect()
        };
        assert_eq!(targets(true), [Target::Unreachable, Target::Throw]);
        assert_eq!(targets(false), [Target::Throw]);
    }

    #[test]
    fn rules_and_routes_read_as_they_are_written() {
        let body = |body: Body| format!("{body:?}");
        for zero in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
            for rule in rules_of(&exit(true), zero) {
                assert_eq!(Rule::parse(rule.body().as_ref()), Some(rule.clone()), "{}", body(rule.body()));
            }
            for route in routes_of(&exit(true), zero, Some(7)) {
                assert_eq!(
                    Route::parse(route.body().as_ref()),
                    Some(route.clone()),
                    "{}",
                    body(route.body())
                );
            }
        }
    }

    proptest! {
        #[test]
        fn what_others_say_never_panics(body in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = Rule::parse(&body);
            let _ = Route::parse(&body);
        }
    }
}
