//! Ports (and ids of queries) under the shared address: which are lent, which the machine uses itself.

use super::layout::{End, Layout};
use crate::packet::ip::{TCP, UDP};
use crate::session::Millis;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Lower ones are the machine's own (RFC 6335 system ports).
const LOWEST: u16 = 1_024;
const COUNT: usize = 65_536;

/// Protocols that have ports, or ids that do for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Tcp,
    Udp,
    /// ICMP queries of either version.
    Query,
}

impl Kind {
    pub fn of(layout: &Layout) -> Option<Kind> {
        match layout.protocol {
            TCP => Some(Kind::Tcp),
            UDP => Some(Kind::Udp),
            _ => layout.is_icmp().then_some(Kind::Query),
        }
    }

    /// Ports of the two ends as a session has them: a query has its id at the near end alone.
    pub fn ports(self, near: Option<u16>, far: Option<u16>) -> Option<(u16, u16)> {
        if self == Kind::Query { near.map(|id| (id, 0)) } else { near.zip(far) }
    }

    /// Whether an ICMP message asks (`End::Source` is who asks) or answers; what has ports may always pass.
    pub fn passes(self, icmp_type: Option<u8>, near: End) -> bool {
        match (self, near) {
            (Kind::Query, End::Source) => matches!(icmp_type, Some(8 | 13 | 128)),
            (Kind::Query, End::Destination) => matches!(icmp_type, Some(0 | 14 | 129)),
            _ => true,
        }
    }

    /// After so long without a packet a port that the machine used counts as free.
    fn rest(self) -> u32 {
        if self == Kind::Tcp { 7_440 } else { 300 }
    }
}

/// All ports of one address, by protocol. Read for every packet, without locks.
pub struct Ports {
    lent: [Vec<AtomicU64>; 3],
    /// Seconds at which the machine itself last sent from it, plus one; 0 for never.
    own: [Vec<AtomicU32>; 3],
}

impl Ports {
    pub fn new() -> Ports {
        let lent = || (0..COUNT / 64).map(|_| AtomicU64::new(0)).collect();
        let own = || (0..COUNT).map(|_| AtomicU32::new(0)).collect();
        Ports { lent: [lent(), lent(), lent()], own: [own(), own(), own()] }
    }

    /// Whether somebody else than the machine has it.
    pub fn is_lent(&self, kind: Kind, port: u16) -> bool {
        self.word(kind, port).load(Ordering::Relaxed) & bit(port) != 0
    }

    /// The machine itself sends from it.
    pub fn note_own(&self, kind: Kind, port: u16, now: Millis) {
        let (noted, seconds) = (&self.own[kind as usize][usize::from(port)], seconds(now));
        if noted.load(Ordering::Relaxed) != seconds {
            noted.store(seconds, Ordering::Relaxed);
        }
    }

    /// Whether the machine itself used it lately.
    pub fn is_own(&self, kind: Kind, port: u16, now: Millis) -> bool {
        let noted = self.own[kind as usize][usize::from(port)].load(Ordering::Relaxed);
        noted > 0 && seconds(now) <= noted.saturating_add(kind.rest())
    }

    /// Lends `wanted` if it is free, else one from `start` on, of the same parity if there is one (RFC 4787 §4.2.2).
    pub fn lend(&self, kind: Kind, wanted: u16, start: u16, now: Millis) -> Option<u16> {
        let is_free =
            |port: &u16| *port >= LOWEST && !self.is_lent(kind, *port) && !self.is_own(kind, *port, now);
        let parity = |odd: u16| (0..=u16::MAX / 2).map(move |step| (start & !1 | odd).wrapping_add(step * 2));
        let odd = wanted & 1;
        let port = [wanted].into_iter().chain(parity(odd)).chain(parity(odd ^ 1)).find(is_free)?;
        self.word(kind, port).fetch_or(bit(port), Ordering::Relaxed);
        Some(port)
    }

    pub fn take_back(&self, kind: Kind, port: u16) {
        self.word(kind, port).fetch_and(!bit(port), Ordering::Relaxed);
    }

    fn word(&self, kind: Kind, port: u16) -> &AtomicU64 {
        &self.lent[kind as usize][usize::from(port) / 64]
    }
}

fn bit(port: u16) -> u64 {
    1 << (port % 64)
}

fn seconds(now: Millis) -> u32 {
    (now / 1_000) as u32 + 1
}
