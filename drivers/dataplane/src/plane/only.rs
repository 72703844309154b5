//! The carrier to which the user has confined a peer: what comes from it by another is not looked at, and nothing is sent
//! to it by another.

use crate::endpoint::{Carrier, Transport};
use std::sync::atomic::{AtomicU8, Ordering};

/// What may be confined to: plain UDP, or links of one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confined {
    Udp,
    Link(Transport),
}

/// One peer's; at first every carrier will do.
#[derive(Default)]
pub struct Only(AtomicU8);

impl Only {
    pub fn set(&self, confined: Option<Confined>) {
        let number = match confined {
            None => ANY,
            Some(Confined::Udp) => UDP,
            Some(Confined::Link(transport)) => LINKS + transport as u8,
        };
        self.0.store(number, Ordering::Relaxed);
    }

    /// Whether it may be used.
    #[inline]
    pub fn allows(&self, carrier: Carrier) -> bool {
        match self.0.load(Ordering::Relaxed) {
            ANY => true,
            UDP => !matches!(carrier, Carrier::Link(_)),
            number => matches!(carrier, Carrier::Link(transport) if LINKS + transport as u8 == number),
        }
    }
}

const ANY: u8 = 0;
const UDP: u8 = 1;
const LINKS: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;

    /// [P16]
    #[test]
    fn a_confined_peer_has_its_carrier_and_no_other() {
        let only = Only::default();
        let links = Transport::ALL.map(Carrier::Link);
        let plain = [Carrier::Main, Carrier::Extra(NonZeroU32::MIN)];
        assert!(links.iter().chain(&plain).all(|carrier| only.allows(*carrier)));
        only.set(Some(Confined::Udp));
        assert!(plain.iter().all(|carrier| only.allows(*carrier)));
        assert!(!links.iter().any(|carrier| only.allows(*carrier)));
        for transport in Transport::ALL {
            only.set(Some(Confined::Link(transport)));
            let allowed: Vec<_> = links.iter().chain(&plain).filter(|it| only.allows(**it)).collect();
            assert_eq!(allowed, [&Carrier::Link(transport)]);
        }
    }
}
