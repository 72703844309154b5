//! The filter against lists that anybody can read.

use super::super::rules::Rules;
use super::super::subject::{Ends, has_ports};
use super::packets::Packet;
use super::{Filter, Glance, Protocol, Rule};
use crate::packet::ip::UDP;
use crate::session::Millis;
use crate::table::Prefix;
use proptest::prelude::*;

/// Few hosts and ports, so that rules meet packets.
fn prefixes() -> impl Strategy<Value = Prefix> {
    let v4 = (0u8..8, 24u8..=32).prop_map(|(host, length)| {
        let host = u32::from(host) & u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
        format!("10.1.0.{host}/{length}")
    });
    let v6 = (0u8..8, 124u8..=128).prop_map(|(host, length)| {
        let host = u128::from(host) & u128::MAX << (128 - length);
        format!("fd00::{host}/{length}")
    });
    let any = prop_oneof![Just("0.0.0.0/0"), Just("::/0"), Just("10.0.0.0/8")].prop_map(str::to_string);
    prop_oneof![6 => v4, 3 => v6, 1 => any].prop_map(|text| text.parse().expect("a prefix"))
}

fn protocols() -> impl Strategy<Value = Protocol> {
    prop_oneof![
        Just(Protocol::Any),
        Just(Protocol::Icmp),
        Just(Protocol::Number(6)),
        Just(Protocol::Number(17)),
        Just(Protocol::Number(47)),
        Just(Protocol::Number(58)),
    ]
}

fn rules(most: usize) -> impl Strategy<Value = Vec<Rule>> {
    let list = || proptest::collection::vec(prefixes(), 0..3);
    let ports = proptest::collection::vec((0u16..8, 0u16..8), 0..3)
        .prop_map(|spans| spans.into_iter().map(|(one, other)| (one.min(other), one.max(other))).collect());
    let rule = (list(), list(), protocols(), ports, any::<bool>());
    let rule = rule.prop_map(|(from, to, protocol, ports, allow)| Rule { from, to, protocol, ports, allow });
    proptest::collection::vec(rule, 0..most)
}

fn ends() -> impl Strategy<Value = Ends> {
    let protocol = prop_oneof![Just(1u8), Just(6), Just(17), Just(47), Just(58)];
    (any::<bool>(), protocol, 0u8..8, 0u8..8, 0u16..8).prop_map(|(v6, protocol, from, to, port)| {
        let address = |host: u8| {
            if v6 {
                0xfd00 << 112 | u128::from(host)
            } else {
                u128::from(0x0a01_0000 | u32::from(host)) << 96
            }
        };
        let destination_port = if has_ports(protocol) { port } else { 0 };
        let (source, destination) = (address(from), address(to));
        Ends { v6, protocol, source, destination, source_port: 1_000, destination_port }
    })
}

fn fits(rule: &Rule, ends: &Ends) -> bool {
    let holds = |prefixes: &[Prefix], address: u128| {
        let one = |prefix: &Prefix| {
            let (first, last) = prefix.span();
            prefix.is_v6() == ends.v6 && (first..=last).contains(&address)
        };
        prefixes.is_empty() || prefixes.iter().any(one)
    };
    let carries = match rule.protocol {
        Protocol::Any => true,
        Protocol::Icmp => ends.protocol == if ends.v6 { 58 } else { 1 },
        Protocol::Number(number) => ends.protocol == number,
    };
    let port = ends.destination_port;
    let span = |(first, last): &(u16, u16)| *first <= port && port <= *last;
    let ported = rule.ports.is_empty() || has_ports(ends.protocol) && rule.ports.iter().any(span);
    holds(&rule.from, ends.source) && holds(&rule.to, ends.destination) && carries && ported
}

fn decide(rules: &[Rule], otherwise: bool, ends: &Ends) -> bool {
    rules.iter().find(|rule| fits(rule, ends)).map_or(otherwise, |rule| rule.allow)
}

proptest! {
    /// [E24] [W04] [Z25]
    #[test]
    fn the_first_rule_that_fits_decides(rules in rules(40), otherwise in any::<bool>(), asked in proptest::collection::vec(ends(), 40)) {
        let compiled = Rules::new(&rules, otherwise);
        for ends in asked {
            prop_assert_eq!(compiled.allow(&ends), decide(&rules, otherwise, &ends), "{:?}", ends);
        }
    }
}

/// [W04]
#[test]
fn among_thousands_the_first_rule_still_decides() {
    let prefix = |number: u32| {
        let [_, _, high, low] = (number / 2).to_be_bytes();
        vec![format!("10.2.{high}.{low}/32").parse().expect("a prefix")]
    };
    // Of each pair one rule is for each verdict, in turns.
    let rules: Vec<Rule> = (0..10_000)
        .map(|number| Rule {
            from: prefix(number),
            to: vec![],
            protocol: if number % 3 == 0 { Protocol::Any } else { Protocol::Number(6) },
            ports: if number % 5 == 0 { vec![] } else { vec![(80, 90)] },
            allow: number / 2 % 2 == number % 2,
        })
        .collect();
    let compiled = Rules::new(&rules, false);
    for number in 0..6_000u32 {
        for (protocol, port) in [(6, 80), (6, 22), (17, 85), (1, 0)] {
            let source = u128::from(0x0a02_0000 | number) << 96;
            let ends = Ends { protocol, source, destination_port: port, ..Ends::default() };
            assert_eq!(compiled.allow(&ends), decide(&rules, false, &ends), "{number} {protocol} {port}");
        }
    }
}

#[derive(Clone, Debug)]
enum Step {
    Send(Packet),
    Receive(Packet),
    Wait(Millis),
    Replace(Vec<Rule>),
}

/// Host 0 is this machine.
fn steps() -> impl Strategy<Value = Step> {
    let other = (1u8..3, 0u16..3, 0u16..3, any::<bool>(), any::<bool>());
    let packet = other.prop_map(|(host, near, far, is_echo, v6)| {
        if is_echo {
            Packet::echo(0, host, near, far == 0, v6)
        } else {
            Packet { v6, ..Packet::udp((0, near), (host, far)) }
        }
    });
    let turned = (1u8..3, 0u16..3, 0u16..3, any::<bool>(), any::<bool>());
    let incoming = turned.prop_map(|(host, near, far, is_echo, v6)| {
        if is_echo {
            Packet::echo(host, 0, near, far == 0, v6)
        } else {
            Packet { v6, ..Packet::udp((host, far), (0, near)) }
        }
    });
    prop_oneof![
        4 => packet.prop_map(Step::Send),
        6 => incoming.prop_map(Step::Receive),
        1 => prop_oneof![Just(1u64), Just(59_000), Just(119_999), Just(300_001)].prop_map(Step::Wait),
        1 => rules(4).prop_map(Step::Replace),
    ]
}

/// A flow without bounds, shards or generations.
struct Known {
    opened: Ends,
    inbound: bool,
    answered: bool,
    ended: bool,
    seen: Millis,
}

struct Model {
    rules: Vec<Rule>,
    flows: Vec<Known>,
    now: Millis,
}

impl Model {
    fn packet(&mut self, ends: &Ends, inbound: bool) -> bool {
        let now = self.now;
        self.flows.retain(|flow| {
            let patience = match (flow.opened.protocol, flow.answered && !flow.ended) {
                (UDP, true) => 300_000,
                (UDP, false) => 120_000,
                _ => 60_000,
            };
            now <= flow.seen + patience
        });
        let turned = Ends {
            source: ends.destination,
            destination: ends.source,
            source_port: ends.destination_port,
            destination_port: ends.source_port,
            ..*ends
        };
        let known = self.flows.iter().position(|flow| flow.opened == *ends || flow.opened == turned);
        if let Some(at) = known {
            let flow = &mut self.flows[at];
            if !flow.ended && flow.inbound && !decide(&self.rules, false, &flow.opened) {
                (flow.ended, flow.seen) = (true, now);
            }
            if !flow.ended {
                flow.seen = now;
                flow.answered |= flow.opened != *ends;
                return true;
            }
            if !inbound {
                return true;
            }
        }
        let allowed = !inbound || decide(&self.rules, false, ends);
        if allowed {
            self.flows.retain(|flow| flow.opened != *ends && flow.opened != turned);
            self.flows.push(Known { opened: *ends, inbound, answered: false, ended: false, seen: now });
        }
        allowed
    }
}

proptest! {
    /// [Z25] [W04]
    #[test]
    fn datagrams_pass_as_a_list_of_flows_says(first in rules(4), steps in proptest::collection::vec(steps(), 1..80)) {
        let mut filter = Filter::new(&first, false, None);
        let mut model = Model { rules: first, flows: Vec::new(), now: 5_000_000 };
        let (mut out, mut back) = (Glance::default(), Glance::default());
        for step in steps {
            match step {
                Step::Send(packet) => {
                    filter.outbound(&packet.bytes(), model.now, &mut out);
                    model.packet(&ends_of(&packet), false);
                }
                Step::Receive(packet) => {
                    let expected = model.packet(&ends_of(&packet), true);
                    prop_assert_eq!(filter.inbound(&packet.bytes(), model.now, &mut back), expected, "{:?}", packet);
                }
                Step::Wait(millis) => model.now += millis,
                Step::Replace(rules) => {
                    // A flow is held against every set of rules at its next packet; the model at once.
                    filter = Filter::new(&rules, false, Some(&filter));
                    model.rules = rules;
                    model.now += 1;
                }
            }
        }
    }
}

fn ends_of(packet: &Packet) -> Ends {
    super::super::subject::Subject::read(&packet.bytes()).expect("an IP packet").ends
}
