use proptest::prelude::*;

use crate::session::control::*;
use crate::session::probe::{self, Probe};

type Out = Vec<ControlOutput>;

/// [P05] A request arrives, its answer comes back, nothing is left to do.
#[test]
fn a_request_gets_its_answer() {
    let (mut a, mut b) = (Control::new(41), Control::new(u32::MAX));
    for size in [0, 10, 1_191, 1_192, 1_193, 5_000, MAX_BODY] {
        let body = "é".repeat(size / 2);
        let mut out = Out::new();
        let id = a.request(3, &body, 0, &mut out).expect("room");
        assert_eq!(out.len(), body.len().div_ceil(1_192).max(1));
        let asked = deliver(&mut b, out, 0);
        assert_eq!(asked, [ControlOutput::Request { id, kind: 3, body: body.clone() }]);
        let mut out = Out::new();
        b.respond(id, &body, 0, &mut out).expect("open");
        assert_eq!(deliver(&mut a, out, 0), [ControlOutput::Response { id, body: Some(body) }]);
        assert_eq!(a.deadline(), None);
    }
}

/// Repeats after 0.25 s doubling, five times; then the request ends without answer.
#[test]
fn a_request_is_repeated_five_times() {
    let mut a = Control::new(0);
    let mut out = Out::new();
    let id = a.request(1, "{}", 1_000, &mut out).expect("room");
    let mut times = vec![1_000];
    out.clear();
    while let Some(deadline) = a.deadline() {
        a.handle_timeout(deadline, &mut out);
        times.push(deadline);
    }
    assert_eq!(times, [1_000, 1_250, 1_750, 2_750, 4_750, 8_750, 16_750]);
    assert_eq!(out.len(), 6);
    assert_eq!(out[5], ControlOutput::Response { id, body: None });
    assert!(out[..5].iter().all(|repeat| *repeat == out[0]));
}

/// A repeat of a request that was answered gets the same answer, and is not asked twice; a lost answer thus comes.
#[test]
fn repeats_get_the_same_answer() {
    let (mut a, mut b) = (Control::new(0), Control::new(0));
    let mut request = Out::new();
    let id = a.request(1, &"x".repeat(3_000), 0, &mut request).expect("room");
    assert_eq!(deliver(&mut b, request, 0).len(), 1);

    // Not answered yet: the repeat is told that the request has come, and later repeats are short.
    let mut repeat = Out::new();
    a.handle_timeout(250, &mut repeat);
    assert_eq!(repeat.len(), 3);
    let note = deliver(&mut b, repeat, 250);
    assert_eq!(note.len(), 1);
    assert_eq!(deliver(&mut a, note, 250), []);
    let mut repeat = Out::new();
    a.handle_timeout(750, &mut repeat);
    assert_eq!(repeat.len(), 1);

    let mut answer = Out::new();
    b.respond(id, &"y".repeat(2_000), 800, &mut answer).expect("open");
    assert_eq!(b.respond(id, "again", 800, &mut Out::new()), Err(ControlError::Unknown));
    let again = deliver(&mut b, repeat, 900);
    assert_eq!(again, answer);
    assert_eq!(deliver(&mut a, again, 900), [ControlOutput::Response { id, body: Some("y".repeat(2_000)) }]);
    assert_eq!(deliver(&mut a, answer, 901), [], "the same answer again is nothing new");
}

/// Another request under an id that is still remembered is not taken for a repeat.
#[test]
fn an_id_may_come_again_with_another_request() {
    let mut b = Control::new(0);
    for body in ["one", "two"] {
        let mut out = Out::new();
        let id = Control::new(7).request(1, body, 0, &mut out).expect("room");
        let asked = deliver(&mut b, out, 0);
        assert_eq!(asked, [ControlOutput::Request { id, kind: 1, body: body.to_owned() }]);
        let mut answer = Out::new();
        b.respond(id, body, 0, &mut answer).expect("open");
        let mut a = Control::new(7);
        a.request(1, body, 0, &mut Out::new()).expect("room");
        assert_eq!(deliver(&mut a, answer, 0), [ControlOutput::Response { id, body: Some(body.to_owned()) }]);
    }
}

/// Parts may come in any order, twice, and over several repeats.
#[test]
fn parts_are_put_together_whatever_happens_to_them() {
    let body: String = ('a'..='z').cycle().take(20_000).collect();
    let mut parts = Out::new();
    Control::new(5).request(9, &body, 0, &mut parts).expect("room");
    let mut b = Control::new(0);
    let mut twice: Vec<_> = parts.iter().chain(&parts).map(bytes).collect();
    twice.sort_by_key(|part| (part[6] % 5, part[6]));
    let mut out = Out::new();
    for part in &twice {
        assert!(b.handle(part, 0, &mut out));
    }
    let requests: Vec<_> =
        out.iter().filter(|output| matches!(output, ControlOutput::Request { .. })).collect();
    assert_eq!(requests, [&ControlOutput::Request { id: 5, kind: 9, body }]);
}

/// Over a line that loses 30 %, requests of many parts still get their answers.
#[test]
fn loss_delays_but_does_not_break() {
    let mut lost = 0u64;
    let mut answered = 0;
    for seed in 0..40u64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut loses = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 10 < 3
        };
        let (mut a, mut b) = (Control::new(0), Control::new(0));
        let mut to_b = Out::new();
        let id = a.request(1, &"q".repeat(4_000), 0, &mut to_b).expect("room");
        let mut end = None;
        while end.is_none() {
            let now = a.deadline().expect("a request is open");
            let mut to_a = Out::new();
            for part in to_b.drain(..) {
                if loses() {
                    lost += 1;
                } else if b.handle(&bytes(&part), now, &mut to_a)
                    && let Some(at) =
                        to_a.iter().position(|output| matches!(output, ControlOutput::Request { .. }))
                {
                    to_a.remove(at);
                    b.respond(id, &"r".repeat(4_000), now, &mut to_a).expect("open");
                }
            }
            let mut out = Out::new();
            for part in to_a {
                if !loses() {
                    a.handle(&bytes(&part), now, &mut out);
                }
            }
            a.handle_timeout(now, &mut out);
            for output in out {
                match output {
                    ControlOutput::Response { body, .. } => end = Some(body),
                    other => to_b.push(other),
                }
            }
        }
        answered += u32::from(end == Some(Some("r".repeat(4_000))));
    }
    assert!(lost > 100 && answered >= 36, "{answered} of 40 answered, {lost} lost");
}

/// Memory is bounded on both sides.
#[test]
fn a_peer_cannot_fill_the_memory() {
    let mut a = Control::new(0);
    let mut out = Out::new();
    for _ in 0..64 {
        a.request(1, "{}", 0, &mut out).expect("room");
    }
    assert_eq!(a.request(1, "{}", 0, &mut out), Err(ControlError::Busy));
    let mut a = Control::new(0);
    let large = "x".repeat(MAX_BODY);
    let taken = (0..40).filter(|_| a.request(1, &large, 0, &mut out).is_ok()).count();
    assert_eq!(taken, 16);
    assert_eq!(a.request(128, "{}", 0, &mut out), Err(ControlError::TooLarge));
    assert_eq!(a.request(1, &"x".repeat(MAX_BODY + 1), 0, &mut out), Err(ControlError::TooLarge));

    // A peer that asks for ever, in whole messages and in first parts only.
    let mut b = Control::new(0);
    let mut asking = Control::new(0);
    for round in 0..2_000 {
        let mut parts = Out::new();
        asking.request(1, &"x".repeat(2_000), 0, &mut parts).expect("room");
        asking.reset(&mut Out::new());
        for part in parts.iter().take(if round % 2 == 0 { 2 } else { 1 }) {
            b.handle(&bytes(part), 0, &mut Out::new());
        }
    }
    assert_eq!(b.remembered(), (64, 4));
    b.handle_timeout(60_000, &mut Out::new());
    assert_eq!(b.remembered(), (0, 0));
    assert_eq!(b.deadline(), None);
}

/// Answers of 64 KB are not all kept for their repeats.
#[test]
fn remembered_answers_are_bounded() {
    let (mut a, mut b) = (Control::new(0), Control::new(0));
    for _ in 0..10 {
        let mut request = Out::new();
        let id = a.request(1, "{}", 0, &mut request).expect("room");
        deliver(&mut b, request, 0);
        b.respond(id, &"x".repeat(MAX_BODY), 0, &mut Out::new()).expect("open");
    }
    assert_eq!(b.remembered(), (4, 0));
    assert_eq!(b.respond(0, &"x".repeat(MAX_BODY + 1), 0, &mut Out::new()), Err(ControlError::TooLarge));
}

/// The end of a session ends every open request.
#[test]
fn the_end_of_a_session_ends_all_requests() {
    let mut a = Control::new(0);
    let mut out = Out::new();
    let ids: Vec<_> = (0..3).map(|_| a.request(1, "{}", 0, &mut out).expect("room")).collect();
    let mut ends = Out::new();
    a.reset(&mut ends);
    let expected: Out = ids.into_iter().map(|id| ControlOutput::Response { id, body: None }).collect();
    assert_eq!(ends, expected);
    assert_eq!(a.deadline(), None);
}

#[test]
fn malformed_control_messages_are_refused() {
    let mut a = Control::new(0);
    let full = |index: u8, parts: u8, length: usize| {
        [vec![0x20, 1, 0, 0, 0, 0, index, parts], vec![b'x'; length]].concat()
    };
    for (payload, why) in [
        (vec![], "empty"),
        (vec![0x20, 1, 0, 0, 0, 0, 0], "cut"),
        (vec![0x21, 1, 0, 0, 0, 0, 0, 1], "first byte"),
        (full(0, 0, 0), "no parts"),
        (full(1, 1, 5), "part beyond the last"),
        (full(0, 2, 100), "short part in the middle"),
        (full(1, 2, 0), "empty last part"),
        (full(0, 1, 1_193), "long part"),
        (full(0, 56, 1_192), "too many parts"),
        ([vec![0x20, 0x81, 0, 0, 0, 0, 0, 0], vec![1]].concat(), "note with text"),
        ([vec![0x20, 1, 0, 0, 0, 0, 0, 1], vec![0xff, 0xfe]].concat(), "no UTF-8"),
    ] {
        let mut out = Out::new();
        assert!(!a.handle(&payload, 0, &mut out), "{why}");
        assert_eq!(out, [], "{why}");
    }
    // 55 full parts are 24 bytes over the limit.
    let mut out = Out::new();
    let taken = (0..55).filter(|index| a.handle(&full(*index, 55, 1_192), 0, &mut out)).count();
    assert_eq!((taken, out), (54, Out::new()));
}

proptest! {
    #[test]
    fn control_takes_any_bytes(payloads in prop::collection::vec(
        (0..6u8, prop::collection::vec(any::<u8>(), 0..40)), 0..60,
    )) {
        let mut control = Control::new(0);
        let mut out = Out::new();
        control.request(1, "{}", 0, &mut out).expect("room");
        for (now, (length, tail)) in payloads.into_iter().enumerate() {
            let mut payload = vec![0x20, tail.first().copied().unwrap_or(0) & 0x81, 0, 0, 0, 0, length % 3, length];
            payload.extend_from_slice(&tail);
            control.handle(&payload, now as u64 * 100, &mut out);
            control.handle(&tail, now as u64 * 100, &mut out);
            control.handle_timeout(now as u64 * 100, &mut out);
        }
    }

    #[test]
    fn probes_survive_and_nothing_else_passes(id in any::<u64>(), length in 0..1_400usize, bytes in prop::collection::vec(prop_oneof![Just(0x10u8), Just(0x11), any::<u8>()], 0..40), counts in prop::option::of((0..u64::MAX, 0..u64::MAX))) {
        let counts = counts.map(|(sent, received)| probe::Counts { sent, received });
        let mut payload = vec![0xaa; length];
        prop_assert_eq!(probe::write_probe(&mut payload, id), length >= probe::MIN);
        if length >= probe::MIN {
            prop_assert_eq!(probe::read(&payload), Some(Probe::Ask(id)));
            prop_assert!(payload[probe::MIN..].iter().all(|byte| *byte == 0));
            prop_assert!(probe::into_echo(&mut payload, counts));
            prop_assert_eq!(probe::read(&payload), Some(Probe::Echo(id, counts)));
            prop_assert!(!probe::into_echo(&mut payload, counts), "an echo is not echoed");
        }
        let is_probe = bytes.len() >= probe::MIN && matches!(bytes[0], 0x10 | 0x11);
        prop_assert_eq!(probe::read(&bytes).is_some(), is_probe);
    }
}

/// Hands over what is to be sent; returns what came of it.
fn deliver(to: &mut Control, parts: Out, now: u64) -> Out {
    let mut out = Out::new();
    for part in parts {
        assert!(to.handle(&bytes(&part), now, &mut out));
    }
    out
}

fn bytes(output: &ControlOutput) -> Vec<u8> {
    match output {
        ControlOutput::Send(bytes) => {
            assert!(bytes.len() <= MAX_PART);
            bytes.clone()
        }
        other => panic!("nothing to send: {other:?}"),
    }
}
