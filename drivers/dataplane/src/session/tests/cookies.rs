use super::*;

/// Under load a message 1 gets a cookie reply and no other work; the next one carries the cookie and passes.
#[test]
fn under_load_a_sender_must_prove_where_it_is() {
    for mut line in [Line::nodes(all(), all()), Line::stock([None, None])] {
        line.ends[1].under_load = true;
        assert!(line.ends[0].start(line.now));
        let now = line.now;
        line.run(now + 240);
        assert_eq!(line.times(1, 3), [now + 10]);
        assert!(line.ends[1].keypairs.is_empty());
        line.run(now + 6_000);
        assert!(line.ends[0].current.is_some());
        assert_eq!(line.times(1, 3).len(), 1);
        line.assert_carries();
    }
}

/// An initiator under load asks the responder to prove itself too.
#[test]
fn an_initiator_under_load_is_answered_with_a_cookie_too() {
    let mut line = Line::nodes(all(), all());
    line.ends[0].under_load = true;
    assert!(line.ends[0].start(line.now));
    line.pass(3_000);
    line.assert_carries();
    assert!(!line.times(0, 3).is_empty());
}

/// A cookie is good for one source and for two minutes.
#[test]
fn cookies_are_bound_to_source_and_time() {
    let mut line = Line::nodes(all(), all());
    line.ends[1].under_load = true;
    assert!(line.ends[0].start(line.now));
    line.pass(240);
    line.loses = Box::new(|_, _| true);
    line.pass(1_000);
    line.ends[0].drop_sessions(line.now);
    assert!(line.ends[0].start(line.now));
    let message = line.ends[0].wire.remove(0);
    let now = line.now;
    let end = &mut line.ends[1];
    let mut admit =
        |now, message: &[u8], source: &[u8]| end.local.admit(now, message, source, true, &mut end.chance);
    assert_eq!(admit(now, &message, SOURCE), Admission::Proceed);
    assert!(matches!(admit(now, &message, b"192.0.2.2:7743"), Admission::Reply(_)));
    let mut forged = message.clone();
    forged[147] ^= 1;
    assert!(matches!(admit(now, &forged, SOURCE), Admission::Reply(_)));
    assert!(matches!(admit(now + 121_000, &message, SOURCE), Admission::Reply(_)));
    assert!(matches!(admit(now + 121_000, &message, SOURCE), Admission::Reply(_)));
}

/// A reply is never larger than what it answers, and looks as WireGuard's.
#[test]
fn a_cookie_reply_has_the_published_form() {
    let mut line = Line::nodes(all(), all());
    assert!(line.ends[0].start(line.now));
    let message = line.ends[0].wire[0].clone();
    let end = &mut line.ends[1];
    let Admission::Reply(reply) = end.local.admit(line.now, &message, SOURCE, true, &mut end.chance) else {
        panic!("under load");
    };
    assert_eq!(reply[..4], [3, 0, 0, 0]);
    assert_eq!(reply[4..8], message[4..8]);
    assert!(reply.len() < message.len());
    let receiver = u32::from_le_bytes([message[4], message[5], message[6], message[7]]);
    assert_eq!(classify(&reply), Some(Message::Cookie { receiver }));
}

/// Cookie replies that are forged, or answer nothing, change nothing.
#[test]
fn forged_cookie_replies_are_refused() {
    let mut line = Line::nodes(all(), all());
    assert!(line.ends[0].start(line.now));
    let message = line.ends[0].wire[0].clone();
    let now = line.now;
    let end = &mut line.ends[1];
    let Admission::Reply(reply) = end.local.admit(now, &message, SOURCE, true, &mut end.chance) else {
        panic!("under load");
    };
    for byte in 1..64 {
        let mut forged = reply;
        forged[byte] ^= 1;
        let refused = line.ends[0].receive(&forged, now).expect_err("a forged reply");
        let expected = match byte {
            1..4 => Refused::Malformed,
            4..8 => Refused::Index,
            _ => Refused::Tag,
        };
        assert_eq!(refused, expected);
    }
    line.ends[0].receive(&reply, now).expect("the true one");
    line.ends[0].drop_sessions(now);
    assert_eq!(line.ends[0].receive(&reply, now), Err(Refused::Index));
}

/// What is not for our key, or no handshake message at all, is refused before anything is computed.
#[test]
fn foreign_messages_are_not_admitted() {
    let mut line = Line::nodes(all(), all());
    assert!(line.ends[0].start(line.now));
    let message = line.ends[0].wire[0].clone();
    let other = local(9, RealmKind::Network, all());
    let mut chance = Seeded::new(1);
    assert!(!other.accepts_mac1(&message));
    assert!(line.ends[1].local.accepts_mac1(&message));
    assert_eq!(other.admit(0, &message, SOURCE, true, &mut chance), Admission::Refuse(Refused::Mac));
    for length in [0, 4, 31, 91, 93, 147, 149] {
        assert!(!other.accepts_mac1(&vec![1; length]));
        assert_eq!(
            other.admit(0, &vec![1; length], SOURCE, true, &mut chance),
            Admission::Refuse(Refused::Malformed)
        );
    }
}
