use proptest::prelude::*;

use super::*;
use crate::session::message::field;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// [P05] No bytes from the wire bring either end of a session down, and none of them are believed.
    #[test]
    fn random_datagrams_are_refused(datagram in datagrams()) {
        LINE.with_borrow_mut(|line| {
            let now = line.now;
            for end in &mut line.ends {
                let known = end.keypairs.len();
                let result = end.receive(&datagram, now);
                prop_assert!(result.is_err(), "{:?}", classify(&datagram));
                prop_assert_eq!(end.keypairs.len(), known);
                prop_assert!(end.wire.is_empty() && end.heard.is_empty());
            }
            Ok(())
        })?;
    }

    /// The same behind the cheap checks: indices that exist, and no mac1 in the way.
    #[test]
    fn random_datagrams_are_refused_behind_the_checks(datagram in datagrams(), stride in 0..200usize) {
        LINE.with_borrow_mut(|line| {
            let now = line.now;
            for end in &mut line.ends {
                for index in end.chance.indices.clone() {
                    let mut aimed = datagram.clone();
                    let place = if aimed.first() == Some(&2) { 8 } else { 4 };
                    if let Some(field) = aimed.get_mut(place..place + 4) {
                        field.copy_from_slice(&index.to_le_bytes());
                    }
                    let mut out = Vec::new();
                    prop_assert!(end.association.handle_response(&aimed, at(now), &mut out).is_err());
                    prop_assert!(end.association.handle_cookie(&aimed, at(now)).is_err());
                    prop_assert!(out.is_empty());
                    if let Some(keypair) = end.keypairs.get(&index) {
                        prop_assert!(keypair.open_in_place(now, &mut aimed.clone()).is_err());
                        keypair.open_segments(now, &mut aimed, stride, |result| assert!(result.is_err()));
                    }
                }
                prop_assert!(end.local.read_initiation(&datagram, &mut end.chance).is_err());
            }
            Ok(())
        })?;
    }
}

thread_local! {
    /// A session that stands, with a new handshake under way at either end.
    static LINE: std::cell::RefCell<Line> = std::cell::RefCell::new({
        let mut line = joined(Line::nodes(all(), all()));
        for end in &mut line.ends {
            assert!(end.force(line.now));
            end.wire.clear();
        }
        line
    });
}

/// Any bytes; and bytes of the right type and length.
fn datagrams() -> impl Strategy<Value = Vec<u8>> {
    let shaped = |kind: u8, length: usize| {
        prop::collection::vec(any::<u8>(), length).prop_map(move |mut bytes| {
            bytes[0] = kind;
            if bytes[1] % 2 == 0 {
                bytes[1..4].fill(0);
            }
            bytes
        })
    };
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        shaped(1, INITIATION),
        shaped(2, RESPONSE),
        shaped(3, COOKIE_REPLY),
        (HEADER + TAG..200).prop_flat_map(move |length| shaped(4, length)),
    ]
}

/// The fields lie where WireGuard has them.
#[test]
fn the_noise_messages_fill_their_fields() {
    assert_eq!(field::INITIATION_NOISE.len(), 32 + 48 + 28);
    assert_eq!(field::RESPONSE_NOISE.len(), 32 + 16);
    assert_eq!(field::INITIATION_NOISE.end + 32, INITIATION);
    assert_eq!(field::RESPONSE_NOISE.end + 32, RESPONSE);
    assert_eq!(field::COOKIE_SEALED.end, COOKIE_REPLY);
}
