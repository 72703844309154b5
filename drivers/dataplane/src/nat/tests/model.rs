//! The masquerade against a plain list of who spoke to whom when.

use super::masquerade::nat;
use super::packets::{ends, packet};
use crate::nat::Outbound;
use crate::packet::ip::UDP;
use crate::packet::vnet::Vnet;
use proptest::prelude::*;
use std::collections::HashMap;
use std::net::SocketAddr;

/// A session lasts five minutes and the grain by which its last packet's time is kept.
const LASTS: u64 = 301_000;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Host, its port, place, the place's port.
    Leave(u8, u16, u8, u16),
    /// Place, its port, the shared address's port.
    Enter(u8, u16, u16),
    /// The machine's own port, place, the place's port.
    Own(u16, u8, u16),
    /// Seconds pass.
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let port = || 5_000u16..5_004;
    let step = prop_oneof![
        4 => (1u8..4, port(), 2u8..4, 53u16..55).prop_map(|(host, port, place, there)| Step::Leave(host, port, place, there)),
        4 => (2u8..4, 53u16..55, port()).prop_map(|(place, from, port)| Step::Enter(place, from, port)),
        1 => (port(), 4u8..6, 53u16..55).prop_map(|(port, place, there)| Step::Own(port, place, there)),
        // Longer than what is over may go unnoticed.
        1 => (11u64..400).prop_map(Step::Wait),
    ];
    proptest::collection::vec(step, 1..80)
}

fn address(text: String) -> SocketAddr {
    text.parse().expect("an address")
}

proptest! {
    #[test]
    fn ports_and_filters_are_as_a_plain_list_has_them(steps in steps(), full_cone in any::<bool>()) {
        let nat = nat(full_cone);
        let mut now = 1_000_000u64;
        // Inner end and place → last packet; inner end → port; own port → last packet.
        let mut sessions: HashMap<(SocketAddr, SocketAddr), u64> = HashMap::new();
        let mut lent: HashMap<SocketAddr, u16> = HashMap::new();
        let mut own: HashMap<u16, u64> = HashMap::new();
        for step in steps {
            sessions.retain(|_, seen| now < *seen + LASTS);
            lent.retain(|inside, _| sessions.keys().any(|(each, _)| each == inside));
            match step {
                Step::Wait(seconds) => now += seconds * 1_000,
                Step::Leave(host, port, place, there) => {
                    let (inside, beyond) = (address(format!("192.168.5.{host}:{port}")), address(format!("10.98.0.{place}:{there}")));
                    let mut sent = packet(UDP, inside, beyond, b"");
                    prop_assert_eq!(nat.outbound(&Vnet::default(), &mut sent, now), Outbound::Pass);
                    let outside = ends(&sent).0;
                    prop_assert_eq!(outside.ip().to_string(), "10.98.0.1");
                    match lent.get(&inside) {
                        Some(known) => prop_assert_eq!(outside.port(), *known, "one port whomever it speaks to"),
                        None => {
                            prop_assert!(lent.values().all(|taken| *taken != outside.port()), "a port of its own");
                            let in_use = |port: u16| own.get(&port).is_some_and(|seen| now < seen + LASTS);
                            prop_assert!(!in_use(outside.port()), "not the machine's");
                            if !in_use(port) && !lent.values().any(|taken| *taken == port) {
                                prop_assert_eq!(outside.port(), port, "the same if it is free");
                            }
                            lent.insert(inside, outside.port());
                        }
                    }
                    sessions.insert((inside, beyond), now);
                }
                Step::Enter(place, from, port) => {
                    let (beyond, outside) = (address(format!("10.98.0.{place}:{from}")), address(format!("10.98.0.1:{port}")));
                    let mut came = packet(UDP, beyond, outside, b"");
                    prop_assert!(nat.inbound(&mut came, false, now));
                    let owner = lent.iter().find(|(_, taken)| **taken == port).map(|(inside, _)| *inside);
                    let spoken = owner.filter(|inside| sessions.contains_key(&(*inside, beyond)));
                    let is_own = own.get(&port).is_some_and(|seen| now < seen + LASTS);
                    let expected = spoken.or(owner.filter(|_| full_cone && !is_own)).unwrap_or(outside);
                    prop_assert_eq!(ends(&came).1, expected);
                    if let Some(inside) = spoken {
                        sessions.insert((inside, beyond), now);
                    }
                }
                Step::Own(port, place, there) => {
                    let (from, to) = (address(format!("10.98.0.1:{port}")), address(format!("10.98.0.{place}:{there}")));
                    let mut sent = packet(UDP, from, to, b"");
                    let before = sent.clone();
                    prop_assert_eq!(nat.outbound(&Vnet::default(), &mut sent, now), Outbound::Pass);
                    prop_assert_eq!(sent, before);
                    own.insert(port, now);
                }
            }
        }
    }
}
