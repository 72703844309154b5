//! Threads that remember their streams decide as those do that look up every packet.

use super::super::subject::{ACK, FIN, RST, SYN};
use super::packets::Packet;
use super::{Filter, Glance, Rule, to_ports};
use proptest::prelude::*;

const NOW: u64 = 7_000_000;

#[derive(Clone, Debug)]
enum Step {
    Send(Packet),
    Receive(Packet),
    /// Other rules within the same millisecond.
    Replace(bool),
    Tick,
}

/// Packets between few hosts and ports, so that all are of few streams.
fn packets() -> impl Strategy<Value = Packet> {
    let flags = prop_oneof![6 => Just(ACK), 1 => Just(SYN), 1 => Just(SYN | ACK), 1 => Just(FIN | ACK), 1 => Just(RST)];
    let cut = prop_oneof![
        6 => Just(None),
        1 => Just(Some((0, true, 1))),
        1 => Just(Some((3, false, 1))),
    ];
    let ends = (0u8..3, 0u8..3, 80u16..82, 80u16..82);
    (ends, flags, cut, any::<bool>(), any::<bool>(), 0usize..3).prop_map(
        |((from, to, source, destination), flags, fragment, is_tcp, v6, extensions)| {
            let (from, to) = ((from, source), (to, destination));
            let packet = if is_tcp { Packet::tcp(from, to, flags) } else { Packet::udp(from, to) };
            Packet { v6, extensions: if v6 { extensions.saturating_sub(1) } else { 0 }, fragment, ..packet }
        },
    )
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => packets().prop_map(Step::Send),
        12 => packets().prop_map(Step::Receive),
        1 => any::<bool>().prop_map(Step::Replace),
        1 => Just(Step::Tick),
    ]
}

fn rules(wide: bool) -> Vec<Rule> {
    let last = if wide { 81 } else { 80 };
    vec![to_ports(6, 80, last), to_ports(17, 80, last)]
}

proptest! {
    /// [Z25] [W04]
    #[test]
    fn what_is_remembered_decides_nothing_else(steps in proptest::collection::vec(steps(), 1..120)) {
        let mut remembering = Filter::new(&rules(true), false, None);
        let mut asking = Filter::new(&rules(true), false, None);
        let (mut out, mut back) = (Glance::default(), Glance::default());
        let mut now = NOW;
        for step in steps {
            match step {
                Step::Send(packet) => {
                    remembering.outbound(&packet.bytes(), now, &mut out);
                    asking.outbound(&packet.bytes(), now, &mut Glance::default());
                }
                Step::Receive(packet) => {
                    let expected = asking.inbound(&packet.bytes(), now, &mut Glance::default());
                    prop_assert_eq!(remembering.inbound(&packet.bytes(), now, &mut back), expected, "{:?}", packet);
                }
                Step::Replace(wide) => {
                    remembering = Filter::new(&rules(wide), false, Some(&remembering));
                    asking = Filter::new(&rules(wide), false, Some(&asking));
                }
                Step::Tick => now += 1,
            }
        }
    }
}

/// [Z25]
#[test]
fn a_stream_that_goes_on_does_not_grow_old_and_one_that_stopped_does() {
    let filter = Filter::new(&[], false, None);
    let (question, answer) = (Packet::udp((0, 9), (1, 80)).bytes(), Packet::udp((1, 80), (0, 9)).bytes());
    let mut glance = Glance::default();
    filter.outbound(&question, NOW, &mut Glance::default());
    let last = NOW + 600_000;
    for now in (NOW..=last).step_by(1_000) {
        assert!(filter.inbound(&answer, now, &mut glance));
        assert!(filter.inbound(&answer, now, &mut glance));
    }
    assert!(filter.inbound(&answer, last + 300_000, &mut Glance::default()));
    assert!(!filter.inbound(&answer, last + 600_001, &mut glance));
}

/// [Z25]
#[test]
fn an_end_in_the_middle_of_a_stream_is_seen() {
    for (end, patience) in [(RST, 10_000), (FIN | ACK, 240_000)] {
        let filter = Filter::new(&[], false, None);
        let (mut out, mut back) = (Glance::default(), Glance::default());
        let there = |flags| Packet::tcp((0, 50_000), (1, 80), flags).bytes();
        let here = |flags| Packet::tcp((1, 80), (0, 50_000), flags).bytes();
        filter.outbound(&there(SYN), NOW, &mut out);
        assert!(filter.inbound(&here(SYN | ACK), NOW, &mut back));
        filter.outbound(&there(ACK), NOW, &mut out);
        assert!(filter.inbound(&here(ACK), NOW, &mut back));
        filter.outbound(&there(end), NOW, &mut out);
        assert!(filter.inbound(&here(end), NOW, &mut back));
        assert!(!filter.inbound(&here(ACK), NOW + patience + 1, &mut back));
    }
}
