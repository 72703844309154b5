use std::thread;

use proptest::prelude::*;

use super::*;
use crate::session::keypair::{REJECT_AFTER, REJECT_AFTER_MESSAGES, REKEY_AFTER_MESSAGES};

/// [C32] [P05] Each bit of the 16-byte header, of the tag, and some of the payload, flipped: refused in suites 1 and 2.
#[test]
fn every_changed_bit_of_a_data_message_is_refused() {
    for suite in [Suite::Aes, Suite::ChaCha] {
        let line = joined_nodes(suite);
        let datagram = sealed(&line, 0, 0, &[0x45; 60]);
        let receiver = receiver(&line);
        for bit in 0..datagram.len() * 8 {
            let mut forged = datagram.clone();
            forged[bit / 8] ^= 1 << (bit % 8);
            let refused = receiver.open_in_place(line.now, &mut forged).expect_err("a changed message");
            if bit >= 128 {
                assert_eq!(refused, Refused::Tag);
            }
        }
        receiver.open_in_place(line.now, &mut datagram.clone()).expect("the true message");
    }
}

/// [Z20] [P05] A router that relays between two nodes, and has sessions of its own with both, can read nothing of what
/// they say to each other, nor finish their handshake in the place of either.
#[test]
fn a_router_cannot_read_what_it_relays() {
    let mut line = Line::nodes(all(), all());
    let router = local_of(9, RealmKind::Router, all(), [0x77; 32]);
    let own_sessions: Vec<Line> = line
        .ends
        .iter()
        .map(|node| {
            let at_node =
                PeerOptions { prologue: Some([0x77; 32]), ..peer(*router.public_key(), PeerKind::Router) };
            let at_router = peer(*node.local.public_key(), PeerKind::Node);
            joined(Line::new(
                End::new(Arc::clone(&node.local), at_node, 21),
                End::new(Arc::clone(&router), at_router, 22),
            ))
        })
        .collect();
    let mut chance = Seeded::new(1);

    assert!(line.ends[0].start(line.now));
    let message = line.ends[0].wire[0].clone();
    assert!(!router.accepts_mac1(&message));
    assert!(router.read_initiation(&message, &mut chance).is_err());
    line.pass(100);

    let secret = b"what they say to each other";
    for from in [0, 1] {
        line.ends[from].send(secret, line.now).expect("a session");
        let relayed = line.ends[from].wire.remove(0);
        assert!(!relayed.windows(4).any(|bytes| secret.windows(4).any(|part| part == bytes)));
        for session in &own_sessions {
            for keypair in session.ends.iter().filter_map(|end| end.current.as_ref()) {
                let mut aimed = relayed.clone();
                aimed[4..8].copy_from_slice(&keypair.local_index().to_le_bytes());
                assert_eq!(keypair.open_in_place(line.now, &mut aimed), Err(Refused::Tag));
            }
        }
    }
}

/// Suite 0 as WireGuard has it: reserved bytes are zero, tag and counter bind the payload.
#[test]
fn changed_stock_data_is_refused() {
    let line = joined(Line::stock([None, None]));
    let datagram = sealed(&line, 0, 0, &[0x45; 60]);
    assert_eq!(datagram.len(), 16 + 64 + 16);
    let receiver = receiver(&line);
    for bit in 0..datagram.len() * 8 {
        let mut forged = datagram.clone();
        forged[bit / 8] ^= 1 << (bit % 8);
        assert!(receiver.open_in_place(line.now, &mut forged).is_err(), "bit {bit}");
    }
    let mut buffer = datagram.clone();
    let opened = receiver.open_in_place(line.now, &mut buffer).expect("the true message");
    assert_eq!(buffer[opened.payload], [[0x45; 60].as_slice(), &[0; 4]].concat());
}

/// The wire format: type, flags, receiver, lane and sequence; no padding in suites 1 and 2.
#[test]
fn data_messages_look_as_the_protocol_says() {
    let line = joined_nodes(Suite::Aes);
    let keypair = line.ends[0].current.clone().expect("a session");
    let mut buffer = vec![0x45; 16 + 61 + 16];
    for sequence in 0..3u8 {
        let sealed = keypair.seal_in_place(line.now, 9, true, &mut buffer, 61).expect("seals");
        assert_eq!(sealed.length, 93);
        assert_eq!(buffer[..4], [4, 1, 0, 0]);
        assert_eq!(buffer[4..8], keypair.remote_index().to_le_bytes());
        assert_eq!(buffer[8..16], [sequence, 0, 0, 0, 0, 0, 0, 9]);
    }
    let opened = receiver(&line).open_in_place(line.now, &mut buffer).expect("opens");
    assert!(opened.partial_checksum);
    assert_eq!(opened.payload, 16..77);
}

/// A partial checksum is nothing that a stock peer understands.
#[test]
fn stock_data_never_carries_flags() {
    let line = joined(Line::stock([None, None]));
    let keypair = line.ends[0].current.clone().expect("a session");
    assert_eq!(keypair.seal_in_place(line.now, 0, true, &mut [0; 64], 16), Err(Refused::Suite));
}

/// [P05] Replays are refused, late messages within the window are not.
#[test]
fn each_message_opens_once() {
    for suite in [Suite::Aes, Suite::ChaCha] {
        let line = joined_nodes(suite);
        let receiver = receiver(&line);
        let messages: Vec<_> = (0..200).map(|n| sealed(&line, 0, n % 4, &[0x45; 20])).collect();
        for message in messages.iter().rev() {
            receiver.open_in_place(line.now, &mut message.clone()).expect("late but new");
        }
        for message in &messages {
            assert_eq!(receiver.open_in_place(line.now, &mut message.clone()), Err(Refused::Replay));
        }
    }
}

/// The first authentic message proves the session to the end that answered; that is told once.
#[test]
fn a_session_is_proven_once() {
    let mut line = Line::nodes(all(), all());
    let now = line.now;
    assert!(line.ends[0].start(now));
    let message = line.ends[0].wire.remove(0);
    line.ends[1].receive(&message, now).expect("message 1");
    let answer = line.ends[1].wire.remove(0);
    line.ends[0].receive(&answer, now).expect("message 2");
    let keypair = line.ends[1].keypairs.values().next().cloned().expect("waits for its proof");
    assert!(line.ends[1].current.is_none());
    let mut datagrams: Vec<_> = (0..3).map(|_| sealed(&line, 0, 0, &[0x45; 20])).collect();
    let mut forged = datagrams[0].clone();
    forged[20] ^= 1;
    assert_eq!(keypair.open_in_place(now, &mut forged), Err(Refused::Tag));
    let confirms =
        datagrams.iter_mut().map(|datagram| keypair.open_in_place(now, datagram).map(|o| o.confirms));
    assert_eq!(confirms.collect::<Vec<_>>(), [Ok(true), Ok(false), Ok(false)]);
}

/// A forged message with a sequence far ahead does not move the window.
#[test]
fn forgeries_do_not_touch_the_window() {
    let line = joined_nodes(Suite::Aes);
    let receiver = receiver(&line);
    let message = sealed(&line, 0, 3, &[0x45; 20]);
    let mut forged = message.clone();
    forged[11] = 1;
    assert_eq!(receiver.open_in_place(line.now, &mut forged), Err(Refused::Tag));
    receiver.open_in_place(line.now, &mut message.clone()).expect("the true one");
}

/// Lanes have windows of their own: one that is far ahead does not age the others.
#[test]
fn lanes_do_not_disturb_each_other() {
    let line = joined_nodes(Suite::Aes);
    let receiver = receiver(&line);
    let sender = line.ends[0].current.clone().expect("a session");
    let early: Vec<_> = (0..LANES).map(|lane| sealed(&line, 0, lane, &[1; 20])).collect();
    sender.skip(0, 1 << 20);
    receiver.open_in_place(line.now, &mut sealed(&line, 0, 0, &[1; 20])).expect("far ahead");
    assert_eq!(receiver.open_in_place(line.now, &mut early[0].clone()), Err(Refused::Replay));
    for message in &early[1..] {
        receiver.open_in_place(line.now, &mut message.clone()).expect("another lane");
    }
    assert_eq!(sender.seal_in_place(line.now, LANES, false, &mut [0; 64], 1), Err(Refused::Lane));
}

/// A peer that used every lane there is would cost 2 MB: it may use 32.
#[test]
fn a_peer_may_use_32_lanes() {
    use crate::session::lanes::Received;
    let received = Received::new();
    for lane in (0..=255).rev().step_by(8) {
        assert_eq!(received.accept(lane, 5), Ok(()));
        assert_eq!(received.accept(lane, 5), Err(Refused::Replay));
    }
    assert_eq!(received.accept(0, 5), Err(Refused::Lane));
    assert_eq!(received.accept(255, 6), Ok(()));
}

/// [P05] One super-packet sealed and opened as a whole, in every suite, also with a shorter last segment.
#[test]
fn super_packets_are_sealed_and_opened_segment_by_segment() {
    for line in [joined_nodes(Suite::Aes), joined_nodes(Suite::ChaCha), joined(Line::stock([None, None]))] {
        let (sender, receiver) = (line.ends[0].current.clone().expect("a session"), receiver(&line));
        // 150 segments: more than the 64 that are handled at once.
        for (stride, last) in [(32 + 1_408, 32 + 48), (32 + 1_408, 32 + 1_408), (32 + 16, 32)] {
            let count = 150;
            let mut buffer = vec![0; stride * (count - 1) + last];
            for (at, segment) in buffer.chunks_mut(stride).enumerate() {
                let end = segment.len() - TAG;
                segment[HEADER..end].fill(at as u8);
            }
            let sealed = sender.seal_segments(line.now, 2, false, &mut buffer, stride).expect("seals");
            assert_eq!(sealed.length, buffer.len());
            let copy = buffer.clone();
            let mut opened = Vec::new();
            receiver
                .open_segments(line.now, &mut buffer, stride, |result| opened.push(result.expect("opens")));
            assert_eq!(opened.len(), count);
            for (at, opened) in opened.iter().enumerate() {
                let length = if at + 1 == count { last } else { stride } - 32;
                assert_eq!(opened.payload, at * stride + 16..at * stride + 16 + length);
                assert!(buffer[opened.payload.clone()].iter().all(|byte| *byte == at as u8));
            }
            let mut replayed = Vec::new();
            receiver.open_segments(line.now, &mut copy.clone(), stride, |result| replayed.push(result));
            assert!(replayed.iter().all(|result| *result == Err(Refused::Replay)));
            assert_eq!(replayed.len(), count);
        }
    }
}

/// Segments that are forged, replayed, of another keypair or cut short do not spoil their neighbours.
#[test]
fn a_bad_segment_is_refused_alone() {
    let line = joined_nodes(Suite::Aes);
    let (sender, receiver) = (line.ends[0].current.clone().expect("a session"), receiver(&line));
    let stride = 100;
    let mut buffer = vec![7; stride * 6];
    sender.seal_segments(line.now, 0, false, &mut buffer, stride).expect("seals");
    buffer[stride + 50] ^= 1;
    buffer[2 * stride + 4] ^= 1;
    buffer.copy_within(0..stride, 3 * stride);
    buffer.truncate(stride * 6 - 75);
    let mut results = Vec::new();
    receiver.open_segments(line.now, &mut buffer, stride, |result| {
        results.push(result.map(|opened| opened.payload))
    });
    assert_eq!(
        results,
        [
            Ok(16..84),
            Err(Refused::Tag),
            Err(Refused::Index),
            Err(Refused::Replay),
            Ok(416..484),
            Err(Refused::Malformed)
        ]
    );
}

/// Buffers that cannot be cut into messages are refused before anything is counted.
#[test]
fn impossible_buffers_are_refused() {
    let line = joined_nodes(Suite::Aes);
    let keypair = line.ends[0].current.clone().expect("a session");
    for (length, stride) in [(0, 100), (100, 31), (100, 0), (131, 100), (31, 100)] {
        let result = keypair.seal_segments(line.now, 0, false, &mut vec![0; length], stride);
        assert_eq!(result, Err(Refused::Buffer), "{length} {stride}");
    }
    assert_eq!(keypair.seal_in_place(line.now, 0, false, &mut [0; 60], 29), Err(Refused::Buffer));
    let mut results = Vec::new();
    keypair.open_segments(line.now, &mut [0; 100], 0, |result| results.push(result));
    assert_eq!(results, [Err(Refused::Buffer)]);

    let stock = joined(Line::stock([None, None]));
    let keypair = stock.ends[0].current.clone().expect("a session");
    assert_eq!(keypair.seal_segments(stock.now, 0, false, &mut [0; 100], 100), Err(Refused::Buffer));
}

/// [P05] Four threads seal on lanes of their own and one of them also on another's: no counter is used twice, and all
/// opens on four other threads.
#[test]
fn threads_share_a_keypair_without_reusing_a_counter() {
    let line = joined_nodes(Suite::Aes);
    let (sender, receiver, now) =
        (line.ends[0].current.clone().expect("a session"), receiver(&line), line.now);
    let batches: Vec<Vec<Vec<u8>>> = thread::scope(|scope| {
        let sealing: Vec<_> = (0..4u8)
            .map(|lane| {
                let sender = &sender;
                scope.spawn(move || {
                    (0..2_000u32)
                        .map(|n| {
                            let lane = if n % 3 == 0 { 0 } else { lane };
                            let mut buffer = vec![0; 16 + 8 + 16];
                            sender.seal_in_place(now, lane, false, &mut buffer, 8).expect("seals");
                            buffer
                        })
                        .collect()
                })
            })
            .collect();
        sealing.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let counters: HashSet<_> = batches.iter().flatten().map(|message| message[8..16].to_vec()).collect();
    assert_eq!(counters.len(), 8_000);
    let opened: usize = thread::scope(|scope| {
        // Every message is tried by two threads; one of them wins.
        let opening: Vec<_> = (0..4)
            .map(|at| {
                let (receiver, batches) = (&receiver, &batches);
                scope.spawn(move || {
                    let mine = batches[at].iter().chain(&batches[(at + 1) % 4]);
                    mine.filter(|message| receiver.open_in_place(now, &mut message.to_vec()).is_ok()).count()
                })
            })
            .collect();
        opening.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!(opened, 8_000);
}

/// Nothing is sealed or opened with a keypair of 180 s.
#[test]
fn old_keypairs_are_refused() {
    let line = joined_nodes(Suite::Aes);
    let (sender, receiver) = (line.ends[0].current.clone().expect("a session"), receiver(&line));
    let message = sealed(&line, 0, 0, &[1; 20]);
    let end = sender.expires_at().max(receiver.expires_at());
    assert!(end <= line.now + REJECT_AFTER);
    assert_eq!(sender.seal_in_place(end, 0, false, &mut [0; 64], 1), Err(Refused::Expired));
    assert_eq!(receiver.open_in_place(end, &mut message.clone()), Err(Refused::Expired));
    let mut results = Vec::new();
    receiver.open_segments(end, &mut message.clone(), 52, |result| results.push(result));
    assert_eq!(results, [Err(Refused::Expired)]);
    assert!(receiver.open_in_place(line.now, &mut message.clone()).is_ok());
}

/// 2^27 messages over all lanes ask for a rekey, close to 2^28 nothing is sealed any more; a receiver takes nothing
/// from beyond.
#[test]
fn used_up_keypairs_are_refused() {
    let line = joined_nodes(Suite::Aes);
    let (sender, receiver, now) =
        (line.ends[0].current.clone().expect("a session"), receiver(&line), line.now);
    let seal = |lane| sender.seal_in_place(now, lane, false, &mut [0; 64], 1);
    assert!(seal(0).is_ok());
    for lane in [0, 2, 3] {
        sender.skip(lane, REKEY_AFTER_MESSAGES / 4);
    }
    sender.skip(1, REKEY_AFTER_MESSAGES / 4 - 2);
    let woken: Vec<_> = (0..3).map(|_| seal(1).expect("still usable").wake).collect();
    assert_eq!(woken, [false, true, false], "a rekey is asked for once");
    sender.skip(2, REJECT_AFTER_MESSAGES - REKEY_AFTER_MESSAGES);
    assert!((0..=65_536).any(|_| seal(2).is_err()));
    assert_eq!(seal(3), Err(Refused::Expired));
    assert!(!sender.is_usable(now));

    let mut beyond = [0; 64];
    beyond[0] = 4;
    beyond[4..8].copy_from_slice(&receiver.local_index().to_le_bytes());
    beyond[11] = 0x10;
    assert_eq!(receiver.open_in_place(now, &mut beyond), Err(Refused::Expired));
}

/// Messages for another index are left as they are.
#[test]
fn foreign_messages_stay_untouched() {
    let line = joined_nodes(Suite::Aes);
    let mut message = sealed(&line, 0, 0, &[1; 20]);
    message[4] ^= 1;
    let before = message.clone();
    assert_eq!(receiver(&line).open_in_place(line.now, &mut message), Err(Refused::Index));
    assert_eq!(message, before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// [P05] Payloads of any length on any lane come out as they went in.
    #[test]
    fn payloads_survive(
        payload in prop::collection::vec(any::<u8>(), 0..1_500),
        lane in 0..LANES,
        partial in any::<bool>(),
        which in 0..3usize,
    ) {
        let line = match which {
            0 => joined(Line::stock([None, None])),
            1 => joined_nodes(Suite::Aes),
            _ => joined_nodes(Suite::ChaCha),
        };
        let partial = partial && which != 0;
        let sender = line.ends[0].current.clone().expect("a session");
        let mut buffer = vec![0xaa; sender.sealed_length(payload.len()) + 10];
        buffer[HEADER..HEADER + payload.len()].copy_from_slice(&payload);
        let sealed = sender.seal_in_place(line.now, lane, partial, &mut buffer, payload.len()).expect("seals");
        prop_assert_eq!(sealed.length, sender.sealed_length(payload.len()));
        prop_assert!(buffer[sealed.length..].iter().all(|byte| *byte == 0xaa));
        let opened = receiver(&line).open_in_place(line.now, &mut buffer[..sealed.length]).expect("opens");
        prop_assert_eq!(opened.partial_checksum, partial);
        let (text, padding) = buffer[opened.payload].split_at(payload.len());
        prop_assert_eq!(text, &payload);
        prop_assert!(padding.iter().all(|byte| *byte == 0));
        prop_assert!(padding.len() < 16 && (which == 0 || padding.is_empty()));
    }
}

fn sealed(line: &Line, from: usize, lane: u8, payload: &[u8]) -> Vec<u8> {
    let keypair = line.ends[from].current.clone().expect("a session");
    let mut buffer = vec![0; keypair.sealed_length(payload.len())];
    buffer[HEADER..HEADER + payload.len()].copy_from_slice(payload);
    keypair.seal_in_place(line.now, lane, false, &mut buffer, payload.len()).expect("seals");
    buffer
}

fn receiver(line: &Line) -> Arc<Keypair> {
    line.ends[1].current.clone().expect("a session")
}
