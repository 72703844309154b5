//! Hosts that share the node's address (RFC 4787, RFC 5382, RFC 5508): each of their ports gets one of the node's, the
//! same one if it is free.
//!
//! What the machine itself sends is only noted, so that no host gets a port that is in use. Where a host got a port first
//! and both speak to the same place, the machine's own packets are translated like a host's.

use super::edit::Edit;
use super::layout::End;
use super::pieces::Pieces;
use super::ports::Kind;
use super::session::{Key, Session};
use super::sessions::Sessions;
use crate::packet::ip::Version;
use crate::session::Millis;
use crate::table::{Prefix, Table};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const RST: u8 = 0x04;

/// Who shares which address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MasqueradeOptions {
    /// The machine forwards packets from these.
    pub from: Vec<Prefix>,
    /// The node's address; without one of its family a packet does not leave.
    pub address4: Option<Ipv4Addr>,
    /// The node's IPv6 address.
    pub address6: Option<Ipv6Addr>,
    /// Whoever knows a port reaches its host (RFC 4787 "endpoint-independent filtering"); else only who was spoken to.
    pub full_cone: bool,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is none of a host behind the address.
    Untouched,
    Changed,
    /// It cannot pass.
    Refused,
}

/// One shared address and what is remembered of those behind it.
pub struct Masquerade {
    options: MasqueradeOptions,
    from: Table<()>,
    sessions: Sessions,
    leaving: Pieces,
    entering: Pieces,
}

impl Masquerade {
    /// `seed`: where ports are looked for first.
    pub fn new(options: MasqueradeOptions, seed: u64) -> Masquerade {
        let from = options.from.iter().fold(Table::default(), |table, prefix| table.with(*prefix, Some(())));
        let (leaving, entering) = (Pieces::default(), Pieces::default());
        Masquerade { options, from, sessions: Sessions::new(seed), leaving, entering }
    }

    /// Whether it does as these options want.
    pub fn follows(&self, options: &MasqueradeOptions) -> bool {
        self.options == *options
    }

    /// A packet leaves the machine.
    pub fn leave(&self, edit: &mut Edit<'_>, now: Millis) -> Fate {
        let (source, own) = (edit.address(End::Source), self.own(edit.layout.version));
        if own == Some(source) {
            return self.leave_own(edit, now);
        }
        if self.from.find(source).is_none() {
            return Fate::Untouched;
        }
        let left = own.and_then(|own| self.leave_host(edit, own, now));
        if left.is_some() { Fate::Changed } else { Fate::Refused }
    }

    /// Whether an address is known to the network by the node's alone.
    pub fn hides(&self, address: IpAddr) -> bool {
        self.from.find(address).is_some()
    }

    /// A packet comes for the machine.
    pub fn enter(&self, edit: &mut Edit<'_>, now: Millis) -> Fate {
        if self.own(edit.layout.version) != Some(edit.address(End::Destination)) {
            return Fate::Untouched;
        }
        if self.enter_host(edit, now).is_some() { Fate::Changed } else { Fate::Untouched }
    }

    fn leave_host(&self, edit: &mut Edit<'_>, own: IpAddr, now: Millis) -> Option<()> {
        let layout = edit.layout;
        if !layout.leads {
            let address = self.leaving.find(&whole(edit)?, now)?;
            edit.set_address(End::Source, address);
            return Some(());
        }
        if layout.quote_at(edit.packet()).is_some() {
            let port = edit.quote(|quoted| {
                let key = leaving(quoted, End::Destination)?;
                let port = self.sessions.leave(&key, now, |session| session.port)?;
                quoted.set_address(End::Destination, own);
                quoted.set_port(End::Destination, port);
                Some(())
            });
            port??;
        } else {
            let kind = Kind::of(&layout)?;
            let flags = layout.tcp_flags(edit.packet());
            let (inside, remote) = ends(edit, End::Source)?;
            let note = |session: &Session| {
                session.note(End::Source, flags, now);
                session.port
            };
            let known = self.sessions.leave(&Key::leaving(kind, inside, remote), now, note);
            let port = match known {
                Some(port) => port,
                // There is nothing that it could break off.
                None if flags & RST != 0 => return None,
                None if !kind.passes(layout.icmp_type(edit.packet()), End::Source) => return None,
                None => note(&*self.sessions.open(kind, (inside, remote), now)?),
            };
            edit.set_port(End::Source, port);
        }
        if let Some(whole) = whole(edit) {
            self.leaving.note(whole, own, now);
        }
        edit.set_address(End::Source, own);
        Some(())
    }

    fn leave_own(&self, edit: &mut Edit<'_>, now: Millis) -> Fate {
        let Some((kind, (inside, remote))) = Kind::of(&edit.layout).zip(ends(edit, End::Source)) else {
            return Fate::Untouched;
        };
        if !kind.passes(edit.layout.icmp_type(edit.packet()), End::Source) {
            return Fate::Untouched;
        }
        if !self.sessions.ports.is_lent(kind, inside.port()) {
            self.sessions.ports.note_own(kind, inside.port(), now);
            return Fate::Untouched;
        }
        let known = self.sessions.leave(&Key::leaving(kind, inside, remote), now, |_| ()).is_some();
        let clashes = || {
            let key = Key::entering(kind, inside.port(), remote);
            self.sessions.enter(&key, now, |session| session.inside != inside) == Some(true)
        };
        if known || clashes() {
            return self.leave_host(edit, inside.ip(), now).map_or(Fate::Refused, |()| Fate::Changed);
        }
        self.sessions.ports.note_own(kind, inside.port(), now);
        Fate::Untouched
    }

    fn enter_host(&self, edit: &mut Edit<'_>, now: Millis) -> Option<()> {
        let layout = edit.layout;
        let inside = if !layout.leads {
            self.entering.find(&whole(edit)?, now)?
        } else if layout.quote_at(edit.packet()).is_some() {
            let own = edit.address(End::Destination);
            edit.quote(|quoted| {
                let kind = Kind::of(&quoted.layout)?;
                let (outside, remote) = ends(quoted, End::Source)?;
                if outside.ip() != own || !self.sessions.ports.is_lent(kind, outside.port()) {
                    return None;
                }
                let key = Key::entering(kind, outside.port(), remote);
                let inside = self.sessions.enter(&key, now, |session| session.inside)?;
                quoted.set_address(End::Source, inside.ip());
                quoted.set_port(End::Source, inside.port());
                Some(inside.ip())
            })??
        } else {
            let kind = Kind::of(&layout)?;
            let (outside, remote) = ends(edit, End::Destination)?;
            if !self.sessions.ports.is_lent(kind, outside.port())
                || !kind.passes(layout.icmp_type(edit.packet()), End::Destination)
            {
                return None;
            }
            let flags = layout.tcp_flags(edit.packet());
            let known = self.sessions.enter(&Key::entering(kind, outside.port(), remote), now, |session| {
                session.note(End::Destination, flags, now);
                session.inside
            });
            let inside = known.or_else(|| self.open_to_all(kind, outside, now))?;
            edit.set_port(End::Destination, inside.port());
            inside.ip()
        };
        if let Some(whole) = whole(edit).filter(|_| layout.leads) {
            self.entering.note(whole, inside, now);
        }
        edit.set_address(End::Destination, inside);
        Some(())
    }

    /// The host that a port leads to whoever comes. What it answers makes the session, so that strangers make none.
    fn open_to_all(&self, kind: Kind, outside: SocketAddr, now: Millis) -> Option<SocketAddr> {
        if !self.options.full_cone
            || kind == Kind::Query
            || self.sessions.ports.is_own(kind, outside.port(), now)
        {
            return None;
        }
        let inside = self.sessions.owner(kind, outside.port(), now)?;
        (inside.is_ipv4() == outside.is_ipv4()).then_some(inside)
    }

    fn own(&self, version: Version) -> Option<IpAddr> {
        match version {
            Version::V4 => self.options.address4.map(IpAddr::V4),
            Version::V6 => self.options.address6.map(IpAddr::V6),
        }
    }
}

/// Near and far end of a packet as its session has them.
fn ends(edit: &Edit<'_>, near: End) -> Option<(SocketAddr, SocketAddr)> {
    let far = if near == End::Source { End::Destination } else { End::Source };
    let (near_port, far_port) = Kind::of(&edit.layout)?.ports(edit.port(near), edit.port(far))?;
    Some(((edit.address(near), near_port).into(), (edit.address(far), far_port).into()))
}

fn leaving(edit: &Edit<'_>, near: End) -> Option<Key> {
    let (inside, remote) = ends(edit, near)?;
    Some(Key::leaving(Kind::of(&edit.layout)?, inside, remote))
}

/// The packet that a piece belongs to, before it is changed.
fn whole(edit: &Edit<'_>) -> Option<(IpAddr, IpAddr, u8, u32)> {
    let id = edit.layout.fragment?;
    Some((edit.address(End::Source), edit.address(End::Destination), edit.layout.protocol, id))
}
