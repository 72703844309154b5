use super::*;
use crate::session::noise::{self, Static};

/// [P05] The published test vector of Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s.
#[test]
fn noise_gives_the_published_messages() {
    let prologue = hex("4a6f686e2047616c74");
    let psk = hex("54686973206973206d7920417573747269616e20706572737065637469766521");
    let initiator =
        Arc::new(Static::new(&key("e61ef9919cde45dd5f82166404bd08e38bceb5dfdfded0a34c8df7ed542214d1")));
    let responder =
        Arc::new(Static::new(&key("4a3acbfdb163dec651dfa3194dece676d437029c62a408b4c5ea9114246e4893")));
    let ephemerals = [
        key("893e28b9dc6ca8d611ab664754b8ceb7bac5117349a4439a6b0569da977c464a"),
        key("bbdb4cdbd309f1a1f2e1456967fe288cadd6f712d65dc7b7793d5e63da6b375b"),
    ];
    let mut a =
        noise::initiator(&initiator, responder.public(), &prologue, &ephemerals[0]).expect("initiator");
    let mut b = noise::responder(&responder, &prologue, &ephemerals[1]).expect("responder");
    let (mut message, mut payload) = ([0; 200], [0; 200]);

    let length = a.write_message(&hex("4c756477696720766f6e204d69736573"), &mut message).expect("message 1");
    assert_eq!(
        message[..length],
        hex(concat!(
            "ca35def5ae56cec33dc2036731ab14896bc4c75dbb07a61f879f8e3afa4c7944001e21de9f98ddd8e2ad57527207feb5",
            "6253c9c94a9e496782ecfcb2a75fbcaf1b52948cc48daefe660c62119ab5000980c84831215f2441eba616548e832985",
            "464cf17e51ee93109008399a21f7e13f"
        ))
    );
    let length = b.read_message(&message[..length], &mut payload).expect("reads message 1");
    assert_eq!(payload[..length], hex("4c756477696720766f6e204d69736573"));
    assert_eq!(b.get_remote_static(), Some(&initiator.public()[..]));

    // Late, as message 2 of Starmesh needs it.
    b.set_psk(2, &psk).expect("preshared key");
    let length = b.write_message(&hex("4d757272617920526f746862617264"), &mut message).expect("message 2");
    assert_eq!(
        message[..length],
        hex(concat!(
            "95ebc60d2b1fa672c1f46a8aa265ef51bfe38e7ccb39ec5be34069f144808843cb765f2caef0751b8f007572dab03222",
            "17755c0632f365717edbf34d33e87a"
        ))
    );
    a.set_psk(2, &psk).expect("preshared key");
    let length = a.read_message(&message[..length], &mut payload).expect("reads message 2");
    assert_eq!(payload[..length], hex("4d757272617920526f746862617264"));
    assert_eq!(
        a.get_handshake_hash(),
        hex("f5191b875290abcd41347ac3622d9679688a7e980229cb937ef748336cfde0e5")
    );
    // The transport messages of the vector, with the raw keys.
    let (to_responder, to_initiator) = a.dangerously_get_raw_split();
    assert_eq!(b.dangerously_get_raw_split(), (to_responder, to_initiator));
    assert_eq!(
        chacha(&to_responder, 0, &hex("462e20412e20486179656b")),
        hex("8153ca9833bc3c1b91a7e66e5f4d4f5b59bf9e64c2f20d15f0bba7")
    );
    assert_eq!(
        chacha(&to_initiator, 0, &hex("4361726c204d656e676572")),
        hex("07af0c9c86e1b4e80f36b04ff7688d51141af3debd0332f0a705ef")
    );
    assert_eq!(
        chacha(&to_responder, 1, &hex("4a65616e2d426170746973746520536179")),
        hex("6ab1467c0448cc78394494abaaf23afce0e234315d6e2624dcbfa8a21c1c4d073d")
    );
}

/// [C32] [P05] Both ends offer AES-256-GCM: they take it.
#[test]
fn nodes_take_aes_when_both_offer_it() {
    let mut line = joined(Line::nodes(all(), all()));
    let established = |initiator| Event::Established { suite: Suite::Aes, initiator, rekey: false };
    assert_eq!(line.ends[0].events, [established(true)]);
    assert_eq!(line.ends[1].events, [established(false)]);
    line.assert_carries();
    assert_eq!(line.refused, []);
}

/// [P05]
#[test]
fn nodes_take_chacha_when_one_lacks_aes() {
    for (a, b) in [(all(), only(Suite::ChaCha)), (only(Suite::ChaCha), all())] {
        let mut line = joined(Line::nodes(a, b));
        assert_eq!(line.ends[0].suite(), Some(Suite::ChaCha));
        line.assert_carries();
    }
    let mut line = Line::nodes(only(Suite::Aes), only(Suite::ChaCha));
    assert!(line.ends[0].start(line.now));
    line.pass(100);
    assert_eq!(line.refused, [(1, Refused::Suite)]);
}

/// Plain WireGuard at both ends, with and without preshared key.
#[test]
fn stock_peers_agree_with_their_preshared_key() {
    for psk in [None, Some([5; 32])] {
        let mut line = joined(Line::stock([psk, psk]));
        assert_eq!(line.ends[0].suite(), Some(Suite::WireGuard));
        line.assert_carries();
    }
    let mut line = Line::stock([Some([5; 32]), Some([6; 32])]);
    assert!(line.ends[0].start(line.now));
    line.pass(100);
    assert_eq!(line.refused, [(0, Refused::Handshake)]);
    assert!(line.ends[0].current.is_none());
}

/// A router's realm at one end, a router peer at the other, in both roles; several routers at one node.
#[test]
fn routers_and_nodes_meet_without_epochs() {
    let router_prologue = [0x77; 32];
    for initiator in [0, 1] {
        let node = local(1, RealmKind::Network, all());
        let router = local_of(2, RealmKind::Router, all(), router_prologue);
        let other = local_of(3, RealmKind::Router, all(), [0x78; 32]);
        let (node_key, router_key) = (*node.public_key(), *router.public_key());
        let router_peer =
            |key, prologue| PeerOptions { prologue: Some(prologue), ..peer(key, PeerKind::Router) };
        let _other = Association::new(Arc::clone(&node), router_peer(*other.public_key(), [0x78; 32]));
        let mut line = Line::new(
            End::new(node, router_peer(router_key, router_prologue), 1),
            End::new(router, peer(node_key, PeerKind::Node), 2),
        );
        assert!(line.ends[initiator].start(line.now));
        line.pass(100);
        assert_eq!(line.ends[0].suite(), Some(Suite::Aes));
        line.assert_carries();
        assert_eq!(line.refused, []);
    }
}

/// A router's realm speaks no other epoch, and nothing plain.
#[test]
fn a_router_refuses_epochs_and_stock_peers() {
    let router = local_of(2, RealmKind::Router, all(), NETWORK);
    let router_key = *router.public_key();
    let mut chance = Seeded::new(1);
    let mut line = Line::nodes(all(), all());
    let node = Arc::clone(&line.ends[0].local);
    for (kind, refused) in [(PeerKind::Node, Refused::Epoch), (PeerKind::Stock, Refused::Suite)] {
        let mut end = End::new(Arc::clone(&node), peer(router_key, kind), 3);
        assert!(end.start(line.now));
        let message = end.wire.remove(0);
        assert_eq!(router.read_initiation(&message, &mut chance).err(), Some(refused));
        end.drop_sessions(line.now);
    }
    assert!(Association::new(router, peer(*node.public_key(), PeerKind::Stock)).is_none());
    line.pass(1);
}

/// A router peer without its prologue, and keys of small order, are no peers.
#[test]
fn unusable_peers_are_refused() {
    let node = local(1, RealmKind::Network, all());
    assert!(Association::new(Arc::clone(&node), peer([9; 32], PeerKind::Router)).is_none());
    assert!(Association::new(node, peer([0; 32], PeerKind::Node)).is_none());
}

/// [P05] A key that is known as a Starmesh node never gets WireGuard's plain suite, nor the other way round.
#[test]
fn a_node_is_never_answered_as_a_stock_peer() {
    for (kinds, refused) in [
        ([PeerKind::Stock, PeerKind::Node], Refused::Suite),
        ([PeerKind::Node, PeerKind::Stock], Refused::Suite),
    ] {
        let mut line = Line::nodes(all(), all());
        for (end, kind) in kinds.into_iter().enumerate() {
            let key = *line.ends[1 - end].local.public_key();
            let mut out = Vec::new();
            assert!(line.ends[end].association.configure(peer(key, kind), &mut out));
        }
        assert!(line.ends[0].start(line.now));
        line.pass(100);
        assert_eq!(line.refused, [(1, refused)]);
        assert!(line.ends[1].current.is_none());
    }
}

/// The network is part of the prologue: the same keys in another network do not meet.
#[test]
fn nodes_of_different_networks_do_not_meet() {
    let (a, b) = (local(1, RealmKind::Network, all()), local_of(2, RealmKind::Network, all(), [0x4f; 32]));
    let epochs = [Epoch { id: 7, key: [0xe7; 32] }];
    a.set_epochs(&epochs);
    b.set_epochs(&epochs);
    let mut line = Line::between(a, b);
    assert!(line.ends[0].start(line.now));
    line.pass(100);
    assert_eq!(line.refused, [(1, Refused::Handshake)]);
}

/// [P05] Each bit of message 1's first 8 bytes, flipped under way (with mac1 made anew, which anybody can): refused by
/// the responder.
#[test]
fn tampering_with_message_1_fails_at_the_responder() {
    for bit in 0..64 {
        let mut line = Line::nodes(all(), all());
        assert!(line.ends[0].start(line.now));
        let mut message = line.ends[0].wire.remove(0);
        message[bit / 8] ^= 1 << (bit % 8);
        remac(&mut message, &line.ends[1].local);
        let now = line.now;
        let refused = line.ends[1].receive(&message, now).expect_err("a tampered message 1");
        match bit {
            0..8 => assert_eq!(refused, Refused::Malformed),
            // What is left of byte 1 or 2 asks for another prologue, or for none that is known.
            _ => assert!(matches!(refused, Refused::Handshake | Refused::Suite), "bit {bit}: {refused:?}"),
        }
        assert!(line.ends[1].wire.is_empty() && line.ends[1].keypairs.is_empty());
    }
}

/// [P05] Each bit of message 2's first 12 bytes, flipped under way: refused by the initiator, which stays usable for
/// the true one.
#[test]
fn tampering_with_message_2_fails_at_the_initiator() {
    for bit in 0..96 {
        let mut line = Line::nodes(all(), all());
        let now = line.now;
        assert!(line.ends[0].start(now));
        let message = line.ends[0].wire.remove(0);
        line.ends[1].receive(&message, now).expect("message 1");
        let answer = line.ends[1].wire.remove(0);
        let mut forged = answer.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        remac(&mut forged, &line.ends[0].local);
        let refused = line.ends[0].receive(&forged, now).expect_err("a tampered message 2");
        match bit {
            0..8 | 24..32 => assert_eq!(refused, Refused::Malformed),
            // Suite 1 becomes 0, 3, 5 …, which were not offered.
            8..16 => assert_eq!(refused, Refused::Suite),
            16..24 => assert_eq!(refused, Refused::Epoch),
            32..64 => assert_eq!(refused, Refused::Handshake),
            _ => assert_eq!(refused, Refused::Index),
        }
        assert!(line.ends[0].current.is_none());
        line.ends[0].receive(&answer, now).expect("the true message 2");
        line.pass(100);
        line.assert_carries();
    }
}

/// A suite that was offered but not chosen, an epoch that is held but not chosen: the preshared key tells.
#[test]
fn another_offered_suite_or_held_epoch_cannot_be_slipped_in() {
    for (byte, value) in [(1, 2), (2, 8)] {
        let mut line = Line::nodes(all(), all());
        let now = line.now;
        line.ends[0].local.set_epochs(&[Epoch { id: 7, key: [0xe7; 32] }, Epoch { id: 8, key: [0xe8; 32] }]);
        assert!(line.ends[0].start(now));
        let message = line.ends[0].wire.remove(0);
        line.ends[1].receive(&message, now).expect("message 1");
        let mut answer = line.ends[1].wire.remove(0);
        answer[byte] = value;
        remac(&mut answer, &line.ends[0].local);
        assert_eq!(line.ends[0].receive(&answer, now), Err(Refused::Handshake));
    }
}

/// A suite that this end did not offer is refused, even one that it knows.
#[test]
fn a_suite_that_was_not_offered_is_refused() {
    let mut line = Line::nodes(only(Suite::ChaCha), all());
    let now = line.now;
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire.remove(0);
    line.ends[1].receive(&message, now).expect("message 1");
    let mut answer = line.ends[1].wire.remove(0);
    assert_eq!(answer[1], 2);
    answer[1] = 1;
    remac(&mut answer, &line.ends[0].local);
    assert_eq!(line.ends[0].receive(&answer, now), Err(Refused::Suite));
}

/// An initiator that offered suites does not go on with a plain answer, whoever made it.
#[test]
fn a_message_2_with_zero_reserved_bytes_is_refused() {
    let mut line = Line::nodes(all(), all());
    let now = line.now;
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire.remove(0);
    line.ends[1].receive(&message, now).expect("message 1");
    let mut answer = line.ends[1].wire.remove(0);
    answer[1..4].fill(0);
    remac(&mut answer, &line.ends[0].local);
    assert_eq!(line.ends[0].receive(&answer, now), Err(Refused::Suite));
}

/// A stock peer's answer has zero reserved bytes.
#[test]
fn a_stock_message_2_with_reserved_bytes_is_refused() {
    for byte in 1..4 {
        let mut line = Line::stock([None, None]);
        let now = line.now;
        assert!(line.ends[0].start(now));
        let message = line.ends[0].wire.remove(0);
        line.ends[1].receive(&message, now).expect("message 1");
        let mut answer = line.ends[1].wire.remove(0);
        answer[byte] = 1;
        remac(&mut answer, &line.ends[0].local);
        assert_eq!(line.ends[0].receive(&answer, now), Err(Refused::Suite));
    }
}

/// Any change to any other byte of either message is refused too.
#[test]
fn every_byte_of_both_messages_is_authentic() {
    let mut line = Line::nodes(all(), all());
    let now = line.now;
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire.remove(0);
    for byte in 8..148 {
        let mut forged = message.clone();
        forged[byte] ^= 0x10;
        if byte < 116 {
            remac(&mut forged, &line.ends[1].local);
            assert_eq!(line.ends[1].receive(&forged, now), Err(Refused::Handshake));
        } else if byte < 132 {
            assert_eq!(line.ends[1].receive(&forged, now), Err(Refused::Mac));
        }
    }
    line.ends[1].receive(&message, now).expect("message 1");
    let answer = line.ends[1].wire.remove(0);
    for byte in 12..76 {
        let mut forged = answer.clone();
        forged[byte] ^= 0x10;
        if byte < 60 {
            remac(&mut forged, &line.ends[0].local);
            assert_eq!(line.ends[0].receive(&forged, now), Err(Refused::Handshake));
        } else {
            assert_eq!(line.ends[0].receive(&forged, now), Err(Refused::Mac));
        }
    }
    line.ends[0].receive(&answer, now).expect("message 2");
}

/// Message 2 names the newest epoch that both hold, whichever end is behind.
#[test]
fn epochs_meet_at_the_newest_that_both_hold() {
    let epoch = |id: u8| Epoch { id, key: [id; 32] };
    let cases: [(&[u8], &[u8], Option<u8>); 6] = [
        (&[9, 8], &[9, 8], Some(9)),
        (&[9, 8], &[8], Some(8)),
        (&[8], &[9, 8], Some(8)),
        (&[9, 8], &[8, 7], Some(8)),
        (&[8, 7], &[9, 8], Some(8)),
        (&[9], &[8], None),
    ];
    for (a, b, expected) in cases {
        let mut line = Line::nodes(all(), all());
        line.ends[0].local.set_epochs(&a.iter().map(|id| epoch(*id)).collect::<Vec<_>>());
        line.ends[1].local.set_epochs(&b.iter().map(|id| epoch(*id)).collect::<Vec<_>>());
        let now = line.now;
        assert!(line.ends[0].start(now));
        let message = line.ends[0].wire.remove(0);
        assert_eq!(message[2], a[0]);
        line.ends[1].receive(&message, now).expect("message 1");
        let answer = line.ends[1].wire.remove(0);
        let result = line.ends[0].receive(&answer, now);
        match expected {
            Some(id) => {
                assert_eq!((answer[2], result), (id, Ok(())));
                line.pass(100);
                line.assert_carries();
            }
            None => assert_eq!(result, Err(Refused::Epoch)),
        }
    }
}

/// Two ends that each hold a newer epoch which the other lacks meet at an older one, and so can tell each other.
#[test]
fn ends_with_different_newest_epochs_meet_at_an_older_one() {
    let epoch = |id: u8| Epoch { id, key: [id; 32] };
    let mut line = Line::nodes(all(), all());
    line.ends[0].local.set_epochs(&[epoch(9), epoch(10), epoch(7), epoch(6)]);
    line.ends[1].local.set_epochs(&[epoch(8), epoch(7), epoch(6)]);
    assert!(line.ends[0].start(line.now));
    line.pass(3_000);
    assert_eq!(line.refused, [(0, Refused::Epoch), (0, Refused::Epoch)]);
    line.assert_carries();
    assert_eq!(line.times(0, 1).len(), 3);
    // The next handshake tries the newest again.
    assert!(line.ends[0].force(line.now));
    assert_eq!(line.ends[0].wire[0][2], 9);

    // With nothing in common it goes on trying all of them.
    let mut line = Line::nodes(all(), all());
    line.ends[0].local.set_epochs(&[epoch(9), epoch(7)]);
    line.ends[1].local.set_epochs(&[epoch(8)]);
    assert!(line.ends[0].start(line.now));
    line.pass(60_000);
    line.ends[1].local.set_epochs(&[epoch(9), epoch(8)]);
    line.pass(10_000);
    line.assert_carries();
}

/// The same id with other keys at the two ends fails; with both keys held, whichever comes first, it succeeds.
#[test]
fn two_epoch_keys_may_share_an_id() {
    let (one, two) = (Epoch { id: 7, key: [1; 32] }, Epoch { id: 7, key: [2; 32] });
    for (a, b, works) in [
        (vec![one.clone()], vec![two.clone()], false),
        (vec![one.clone(), two.clone()], vec![two.clone()], true),
        (vec![one.clone(), two.clone()], vec![two.clone(), one.clone()], true),
    ] {
        let mut line = Line::nodes(all(), all());
        line.ends[0].local.set_epochs(&a);
        line.ends[1].local.set_epochs(&b);
        assert!(line.ends[0].start(line.now));
        line.pass(100);
        assert_eq!(line.ends[0].current.is_some(), works);
        assert_eq!(line.refused.contains(&(0, Refused::Handshake)), !works);
    }
}

/// Without any epoch key a node neither begins nor answers.
#[test]
fn nothing_happens_without_an_epoch() {
    let mut line = Line::nodes(all(), all());
    line.ends[1].local.set_epochs(&[]);
    assert!(!line.ends[1].start(line.now));
    assert!(!line.ends[1].association.is_handshaking());
    assert!(line.ends[0].start(line.now));
    line.pass(100);
    assert_eq!(line.refused, [(1, Refused::Epoch)]);
}

/// Epoch keys change under a session: it stays, and the next handshake takes the new key.
#[test]
fn a_session_outlives_a_change_of_epochs() {
    let mut line = joined(Line::nodes(all(), all()));
    for end in &line.ends {
        end.local.set_epochs(&[Epoch { id: 9, key: [9; 32] }]);
    }
    line.assert_carries();
    assert!(line.ends[0].force(line.now));
    line.pass(100);
    assert_eq!(line.ends[0].events.len(), 2);
    line.assert_carries();
}

/// A message 1 is answered once: what is recorded and sent again later makes no session and gets no answer.
#[test]
fn a_replayed_message_1_is_refused() {
    let mut line = Line::nodes(all(), all());
    let now = line.now;
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire[0].clone();
    line.pass(100);
    line.assert_carries();
    let before = line.log.len();
    let later = line.now;
    assert_eq!(line.ends[1].receive(&message, later), Err(Refused::Stamp));
    line.pass(200);
    assert_eq!(line.log.len(), before);
}

/// The same message 1 by several ways, before the session is proven: the same answer on each, a bounded number of times.
#[test]
fn one_message_1_by_several_ways_gets_one_answer_on_each() {
    let mut line = Line::nodes(all(), all());
    let now = line.now;
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire.remove(0);
    let answers = (0..20).filter(|_| line.ends[1].receive(&message, now).is_ok()).count();
    assert_eq!(answers, 9);
    assert_eq!(line.ends[1].wire.len(), 9);
    assert_eq!(line.ends[1].keypairs.len(), 1);
    assert!(line.ends[1].wire.iter().all(|answer| *answer == line.ends[1].wire[0]));
    // All but the first answer were lost.
    let last = line.ends[1].wire.drain(..).next_back().expect("an answer");
    line.ends[0].receive(&last, now).expect("message 2");
    line.pass(100);
    line.assert_carries();

    // As in WireGuard, a stock peer gets one answer.
    let mut line = Line::stock([None, None]);
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire.remove(0);
    line.ends[1].receive(&message, now).expect("message 1");
    assert_eq!(line.ends[1].receive(&message, now), Err(Refused::Stamp));
}

/// Message 1s that come faster than 20 ms are dropped before an answer is computed.
#[test]
fn a_flood_of_message_1_is_refused() {
    let mut line = Line::nodes(all(), all());
    let now = line.now;
    let fresh: Vec<_> = (0..2)
        .map(|_| {
            line.ends[0].drop_sessions(now);
            assert!(line.ends[0].start(now));
            line.ends[0].wire.pop().expect("message 1")
        })
        .collect();
    line.ends[1].receive(&fresh[0], now).expect("the first");
    assert_eq!(line.ends[1].receive(&fresh[1], now + 19), Err(Refused::Stamp));
    line.ends[1].receive(&fresh[1], now + 20).expect("the same a little later");
}

/// Stamps rise even when the clock stands or goes back, never fall below the floor, and the highest is known.
#[test]
fn stamps_rise_whatever_the_clock_does() {
    let local = Local::new(LocalOptions {
        private_key: [1; 32],
        prologue: NETWORK,
        kind: RealmKind::Network,
        suites: all(),
        stamp_floor_millis: 5_000,
    });
    let stamps = [1_000, 1_000, 9_000, 2_000, 9_001].map(|clock| local.next_stamp(clock));
    assert!(stamps.is_sorted_by(|a, b| a < b));
    assert_eq!(local.highest_stamp_millis(), 9_002);
    // TAI64N of 5.000 s after 1970.
    assert_eq!(stamps[0], *b"\x40\0\0\0\0\0\0\x0f\0\0\0\0");
    assert_eq!(stamps[1][8..], 1_000_000_u32.to_be_bytes());
}

/// A message 1 for the rendezvous is the running handshake's own; its answer makes the session.
#[test]
fn a_message_can_be_carried_by_other_means() {
    let mut line = Line::nodes(all(), all());
    let mut out = Vec::new();
    let end = &mut line.ends[0];
    let message = end.association.message(at(1_000), &mut end.chance, &mut out).expect("message 1");
    end.perform(out, 1_000);
    assert_eq!(end.wire, [message.to_vec()]);
    let mut again = Vec::new();
    assert_eq!(end.association.message(at(1_100), &mut end.chance, &mut again), Some(message));
    assert!(again.is_empty());
    end.wire.clear();
    line.ends[1].receive(&message, 1_100).expect("message 1");
    line.pass(100);
    line.assert_carries();
}

/// Kind and prologue end the sessions when they change, everything else leaves them.
#[test]
fn configuring_a_peer_keeps_its_session() {
    let mut line = joined(Line::nodes(all(), all()));
    let key = *line.ends[1].local.public_key();
    let mut out = Vec::new();
    let lively = PeerOptions { keepalive_seconds: 25, ..peer(key, PeerKind::Node) };
    assert!(line.ends[0].association.configure(lively, &mut out));
    assert!(out.is_empty());
    line.assert_carries();
    assert!(!line.ends[0].association.configure(peer([3; 32], PeerKind::Node), &mut out));
    assert!(!line.ends[0].association.configure(peer(key, PeerKind::Router), &mut out));
    assert!(out.is_empty());
    assert!(line.ends[0].association.configure(peer(key, PeerKind::Stock), &mut out));
    let now = line.now;
    line.ends[0].perform(out, now);
    assert!(line.ends[0].current.is_none());
}

/// What was sealed or is being opened when sessions are dropped ends there, also on a thread that still holds the keys.
#[test]
fn dropped_sessions_seal_and_open_nothing() {
    let mut line = joined(Line::nodes(all(), all()));
    let keypair = line.ends[0].current.clone().expect("a session");
    line.ends[1].send(&[0x45; 40], line.now).expect("a session");
    let mut late = line.ends[1].wire.remove(0);
    line.ends[0].drop_sessions(line.now);
    assert_eq!(keypair.open_in_place(line.now, &mut late), Err(Refused::Expired));
    assert_eq!(keypair.seal_in_place(line.now, 0, false, &mut [0; 64], 1), Err(Refused::Expired));
}

/// mac1 made anew after a change, as anybody who knows the receiver's public key can.
pub(super) fn remac(message: &mut [u8], receiver: &Local) {
    crate::session::cookie::MacKeys::of(receiver.public_key()).write(message, None);
}

fn chacha(key: &Key, counter: u64, plain: &[u8]) -> Vec<u8> {
    use chacha20poly1305::aead::{Aead, KeyInit};
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    chacha20poly1305::ChaCha20Poly1305::new(key.into()).encrypt(&nonce.into(), plain).expect("seals")
}

fn key(text: &str) -> Key {
    hex(text).try_into().expect("32 bytes")
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex")).collect()
}
