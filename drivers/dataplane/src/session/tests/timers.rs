use proptest::prelude::*;

use super::*;

const INITIATION_TYPE: u8 = 1;
const DATA_TYPE: u8 = 4;

/// [P31] Message 1 is repeated soon at first, then every 5 s, and given up after 90 s.
#[test]
fn message_1_is_repeated_for_90_seconds() {
    let mut line = Line::nodes(all(), all());
    line.loses = Box::new(|_, _| true);
    assert!(line.ends[0].start(line.now));
    assert!(!line.ends[0].start(line.now), "one runs already");
    line.run(200_000);
    let expected: Vec<Millis> = [0, 250, 750, 1_750]
        .into_iter()
        .chain((3_750..90_000).step_by(5_000))
        .map(|time| 1_000 + time)
        .collect();
    assert_eq!(line.times(0, INITIATION_TYPE), expected);
    assert_eq!(line.ends[0].events, [Event::Ended(EndReason::NoAnswer)]);
    assert!(!line.ends[0].association.is_handshaking());
}

/// Towards a stock peer every 5 s and up to 333 ms.
#[test]
fn message_1_to_a_stock_peer_keeps_wireguards_pace() {
    let mut line = Line::stock([None, None]);
    line.loses = Box::new(|_, _| true);
    assert!(line.ends[0].start(line.now));
    line.run(200_000);
    let times = line.times(0, INITIATION_TYPE);
    assert!((17..=18).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|pair| (5_000..=5_333).contains(&(pair[1] - pair[0]))));
    assert!(times.windows(2).any(|pair| pair[1] - pair[0] != 5_000));
    assert_eq!(line.ends[0].events, [Event::Ended(EndReason::NoAnswer)]);
}

/// A line slower than the first repeats: the answer to the first message 1 counts, and is the only one that does.
#[test]
fn a_slow_line_needs_no_second_handshake() {
    for delay in [200, 400, 800, 1_500] {
        let mut line = Line::nodes(all(), all());
        line.delay = delay;
        assert!(line.ends[0].start(line.now));
        line.pass(2 * delay);
        assert!(line.ends[0].current.is_some(), "one round trip is enough");
        line.pass(20_000);
        let established =
            line.ends[0].events.iter().filter(|event| matches!(event, Event::Established { .. }));
        assert_eq!(established.count(), 1);
        line.assert_carries();
    }
}

/// Both ends begin at the same moment: both end with a session that carries both ways, of which exactly one is
/// the initiator, and which is renewed in time.
#[test]
fn both_ends_may_begin_at_once() {
    for offset in [0, 1, 5, 9, 10, 11, 15, 19, 20, 25] {
        for stock in [false, true] {
            let mut line = if stock { Line::stock([None, None]) } else { Line::nodes(all(), all()) };
            assert!(line.ends[0].start(line.now));
            line.pass(offset);
            line.ends[1].start(line.now);
            line.pass(1_000);
            line.assert_carries();
            let roles =
                line.ends.each_ref().map(|end| end.current.as_ref().map(|keypair| keypair.is_initiator()));
            if offset < 10 {
                let is_lower = line.ends[0].local.public_key() < line.ends[1].local.public_key();
                assert_eq!(roles, [Some(is_lower), Some(!is_lower)], "the lower key's handshake counts");
                let [a, b] = line.ends.each_ref().map(|end| end.current.clone().expect("a session"));
                assert_eq!(a.local_index(), b.remote_index(), "both send on the same keypair");
            }
            // Ten minutes of traffic without a gap.
            for _ in 0..120 {
                line.pass(5_000);
                line.assert_carries();
            }
        }
    }
}

/// [P31] Simultaneous handshakes over a line that loses and delays: traffic both ways finds its session again.
#[test]
fn simultaneous_handshakes_survive_loss() {
    for seed in 0..200 {
        let mut chance = Seeded::new(seed);
        let mut line = Line::nodes(all(), all());
        line.loses = Box::new(move |_, _| {
            let mut byte = [0];
            chance.fill(&mut byte);
            byte[0] < 100
        });
        line.delay = 5 + seed % 100;
        assert!(line.ends[0].start(line.now));
        assert!(line.ends[1].start(line.now));
        line.pass(60_000);
        line.loses = Box::new(|_, _| false);
        for end in &mut line.ends {
            end.start(line.now);
        }
        line.pass(5_000);
        line.assert_carries();
    }
}

/// [P31] The initiator renews the session after 120 s when it sends; no payload is lost on the way.
#[test]
fn a_session_in_use_is_renewed() {
    for mut line in [joined_nodes(Suite::Aes), joined(Line::stock([None, None]))] {
        for _ in 0..200 {
            line.pass(3_000);
            line.assert_carries();
        }
        let handshakes = line.times(0, INITIATION_TYPE);
        assert_eq!(line.times(1, INITIATION_TYPE), []);
        let gaps: Vec<_> = handshakes.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.len() == 5 && gaps.iter().all(|gap| (120_000..124_000).contains(gap)), "{gaps:?}");
        assert!(
            line.ends[0].events[1..]
                .iter()
                .all(|event| matches!(event, Event::Established { rekey: true, .. }))
        );
        assert_eq!(line.refused, []);
    }
}

/// An initiator that only receives renews at 165 s.
#[test]
fn a_receiving_initiator_renews_before_the_end() {
    let mut line = joined(Line::stock([None, None]));
    let created = line.ends[0].current.as_ref().map(|keypair| keypair.created()).expect("a session");
    line.run(created + 164_000);
    line.ends[1].send(&[0x45; 50], line.now).expect("a session");
    line.pass(500);
    assert_eq!(line.times(0, INITIATION_TYPE).len(), 1);
    line.run(created + 165_000);
    line.ends[1].send(&[0x45; 50], line.now).expect("a session");
    line.pass(500);
    assert_eq!(line.times(0, INITIATION_TYPE).len(), 2);
    line.assert_carries();
}

/// A Starmesh responder steps in when the initiator does not renew; a WireGuard responder never does.
#[test]
fn a_sending_responder_renews_at_140_seconds() {
    for (mut line, expected) in [(joined_nodes(Suite::Aes), 1), (joined(Line::stock([None, None])), 0)] {
        let created = line.ends[1].current.as_ref().map(|keypair| keypair.created()).expect("a session");
        line.loses = Box::new(|from, datagram| from == 0 && datagram[0] == INITIATION_TYPE);
        line.run(created + 139_000);
        line.ends[1].send(&[0x45; 50], line.now).expect("a session");
        line.pass(500);
        assert_eq!(line.times(1, INITIATION_TYPE).len(), 0);
        line.run(created + 140_000);
        line.ends[1].send(&[0x45; 50], line.now).expect("a session");
        line.pass(500);
        assert_eq!(line.times(1, INITIATION_TYPE).len(), expected);
    }
}

/// 2^27 messages renew the session whatever its age.
#[test]
fn a_busy_session_is_renewed_early() {
    let mut line = joined_nodes(Suite::Aes);
    line.ends[0].current.as_ref().expect("a session").skip(0, (1 << 27) - 2);
    for _ in 0..3 {
        line.assert_carries();
    }
    assert_eq!(line.times(0, INITIATION_TYPE).len(), 2);
    assert_eq!(line.ends[0].events.len(), 2);
}

/// An unused session ends after 180 s at both ends, without a word on the wire.
#[test]
fn an_idle_session_ends_quietly() {
    let mut line = joined_nodes(Suite::Aes);
    let before = line.log.len();
    line.pass(400_000);
    for end in &line.ends {
        assert_eq!(end.events.last(), Some(&Event::Ended(EndReason::Expired)));
        assert!(end.current.is_none() && end.keypairs.is_empty());
    }
    assert_eq!(line.log.len(), before);
    assert!(line.ends[0].start(line.now), "it can begin again");
    line.pass(100);
    line.assert_carries();
}

/// [C08] Data that got no answer is acknowledged by an empty message after 10 s, once.
#[test]
fn data_is_acknowledged_after_10_seconds() {
    let mut line = joined_nodes(Suite::Aes);
    let before = line.times(1, DATA_TYPE).len();
    let sent = line.now;
    line.ends[0].send(&[0x45; 50], sent).expect("a session");
    line.pass(60_000);
    let keepalives = line.times(1, DATA_TYPE)[before..].to_vec();
    assert_eq!(keepalives, [sent + 10 + 10_000]);
    assert_eq!(line.times(0, INITIATION_TYPE).len(), 1, "the keepalive is answer enough");
}

/// Data answered by data needs no keepalive.
#[test]
fn answered_data_needs_no_keepalive() {
    let mut line = joined_nodes(Suite::Aes);
    line.assert_carries();
    let before = line.log.len();
    line.ends[1].send(&[0x45; 50], line.now).expect("a session");
    line.pass(50);
    line.ends[0].send(&[0x45; 50], line.now).expect("a session");
    line.pass(9_000);
    assert_eq!(line.log.len(), before + 2);
}

/// [P31] [C08] [C09] A peer that went silent is met with a new handshake 15 s after the first unanswered data.
#[test]
fn silence_begins_a_handshake() {
    let mut line = joined_nodes(Suite::Aes);
    line.assert_carries();
    line.loses = Box::new(|from, _| from == 1);
    line.pass(1_000);
    let sent = line.now;
    line.ends[0].send(&[0x45; 50], sent).expect("a session");
    line.pass(60_000);
    assert_eq!(line.times(0, INITIATION_TYPE)[1], sent + 15_000);
    line.loses = Box::new(|_, _| false);
    line.pass(6_000);
    assert_eq!(line.ends[0].events.len(), 2);
    line.assert_carries();
}

/// [C09] A peer that lost its memory answers the first message 1 anew.
#[test]
fn a_restarted_peer_is_found_again() {
    let mut line = joined_nodes(Suite::Aes);
    let now = line.now;
    line.ends[1].drop_sessions(now);
    line.ends[0].send(&[0x45; 50], now).expect("the old session");
    line.pass(16_000);
    assert_eq!(line.refused, [(1, Refused::Index)]);
    line.assert_carries();
}

/// [C09] The same when it was the one that began, a moment ago: its old handshake does not stand in the new one's way.
#[test]
fn a_restarted_initiator_is_found_again() {
    for restarted in [0, 1] {
        let mut line = Line::nodes(all(), all());
        assert!(line.ends[restarted].start(line.now));
        line.pass(100);
        let now = line.now;
        line.ends[restarted].drop_sessions(now);
        assert!(line.ends[1 - restarted].force(now));
        line.pass(100);
        line.assert_carries();
    }
}

/// [C08] The persistent keepalive keeps a session for ever, with one end or the other as initiator.
#[test]
fn persistent_keepalive_holds_a_session() {
    for initiator in [0, 1] {
        let mut line = Line::nodes(all(), all());
        let key = *line.ends[1].local.public_key();
        let options = PeerOptions { keepalive_seconds: 25, ..peer(key, PeerKind::Node) };
        assert!(line.ends[0].association.configure(options, &mut Vec::new()));
        assert!(line.ends[initiator].start(line.now));
        line.pass(100);
        let begun = line.now;
        line.pass(3_600_000);
        assert!(line.ends.iter().all(|end| end.current.is_some()));
        assert!(!line.ends.iter().any(|end| end.events.contains(&Event::Ended(EndReason::Expired))));
        let keepalives = line.times(0, DATA_TYPE);
        let gaps: Vec<_> = keepalives.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(gaps.iter().all(|gap| *gap <= 25_000), "{gaps:?}");
        assert!(keepalives.len() as u64 <= 2 + (line.now - begun) / 20_000);
    }
}

/// A handshake that nobody answers on a session where the peer is still heard ends without ending the session.
#[test]
fn a_failed_renewal_leaves_a_living_session() {
    let mut line = joined_nodes(Suite::Aes);
    line.loses = Box::new(|_, datagram| datagram[0] == INITIATION_TYPE);
    assert!(line.ends[0].force(line.now));
    for _ in 0..19 {
        line.pass(5_000);
        line.assert_carries();
    }
    assert!(!line.ends[0].association.is_handshaking());
    assert_eq!(line.ends[0].events.len(), 1);
}

/// Giving up one's own handshake does not harm the one that the peer is about to finish.
#[test]
fn the_peers_handshake_outlives_our_own() {
    let mut line = Line::nodes(all(), all());
    line.delay = 100;
    line.loses = Box::new(|from, datagram| from == 0 && datagram[0] == INITIATION_TYPE);
    assert!(line.ends[0].start(line.now));
    line.run(1_000 + 89_850);
    assert!(line.ends[1].start(line.now));
    line.run(1_000 + 90_050);
    assert_eq!(line.ends[0].events, [Event::Ended(EndReason::NoAnswer)]);
    line.pass(200);
    line.assert_carries();
}

/// One on a session whose peer says nothing any more ends both, though the keys are young.
#[test]
fn a_failed_renewal_ends_a_dead_session() {
    let mut line = joined_nodes(Suite::Aes);
    line.assert_carries();
    line.loses = Box::new(|_, _| true);
    assert!(line.ends[0].force(line.now));
    line.pass(89_000);
    assert!(line.ends[0].current.is_some());
    line.pass(2_000);
    assert_eq!(line.ends[0].events.last(), Some(&Event::Ended(EndReason::NoAnswer)));
    assert!(line.ends[0].current.is_none());
}

/// `start` leaves a young session alone unless forced.
#[test]
fn a_young_session_is_not_renewed_unless_forced() {
    let mut line = joined_nodes(Suite::Aes);
    assert!(!line.ends[0].start(line.now));
    assert!(line.ends[0].force(line.now));
    line.pass(100);
    assert_eq!(
        line.ends[1].events[1],
        Event::Established { suite: Suite::Aes, initiator: false, rekey: true }
    );
    // What was sealed before the change still opens.
    line.assert_carries();
}

/// Messages of the session before still open after a rekey.
#[test]
fn messages_under_way_during_a_rekey_arrive() {
    let mut line = joined_nodes(Suite::Aes);
    line.ends[0].send(&[0x45; 50], line.now).expect("a session");
    let late = line.ends[0].wire.remove(0);
    assert!(line.ends[0].force(line.now));
    line.pass(100);
    line.ends[1].heard.clear();
    let now = line.now;
    line.ends[1].receive(&late, now).expect("the session before still opens");
    assert_eq!(line.ends[1].heard, [[0x45; 50]]);
}

/// The packet path tells when a timer must be looked at, and not more often.
#[test]
fn traffic_wakes_the_timers_seldom() {
    let mut line = joined_nodes(Suite::Aes);
    let mut wakes = 0;
    for step in 0..10_000 {
        line.now += 1;
        let from = step % 2;
        let now = line.now;
        if line.ends[from].send(&[0x45; 50], now).expect("a session").wake {
            wakes += 1;
        }
        let datagram = line.ends[from].wire.remove(0);
        line.ends[1 - from].receive(&datagram, now).expect("arrives");
        for end in &mut line.ends {
            if end.association.deadline().is_some_and(|deadline| deadline <= now) {
                end.tick(now);
            }
        }
    }
    assert!(wakes <= 4, "{wakes} wakes in 10 s of ping-pong");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// [P31] Whatever is sent, dropped and begun on a bad line: no panic, no leak of indices, no timer that spins, and
    /// once the line is good, one handshake brings traffic both ways.
    #[test]
    fn a_bad_line_never_leaves_a_broken_association(
        seed in any::<u64>(),
        loss in 0..230u8,
        delay in 1..700u64,
        steps in prop::collection::vec((0..6u8, 0..2usize, 1..40_000u64), 1..40),
    ) {
        let mut line = Line::nodes(all(), all());
        let mut chance = Seeded::new(seed);
        line.delay = delay;
        line.loses = Box::new(move |_, _| {
            let mut byte = [0];
            chance.fill(&mut byte);
            byte[0] < loss
        });
        for (action, end, time) in steps {
            let now = line.now;
            match action {
                0 => drop(line.ends[end].start(now)),
                1 => drop(line.ends[end].force(now)),
                2 => line.ends[end].drop_sessions(now),
                _ => drop(line.ends[end].send(&[0x45; 40], now)),
            }
            line.pass(time);
        }
        line.loses = Box::new(|_, _| false);
        line.pass(10_000);
        let now = line.now;
        line.ends[0].force(now);
        line.pass(10_000);
        line.assert_carries();
    }
}
