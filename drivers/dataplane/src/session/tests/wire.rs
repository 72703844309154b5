//! The other end written down a second time, straight from the protocol's text: prologue, preshared key, data keys,
//! nonce, associated data. What both ends of the crate got wrong alike would show here.

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;

use super::handshake::remac;
use super::*;
use crate::session::noise::{self, Static};

const EPOCH_KEY: Key = [0xe7; 32];
const THEIRS: Key = [0x66; 32];

/// [C32] [P05] The crate's initiator meets the text's responder, in both suites.
#[test]
fn the_initiator_speaks_the_protocol_as_written() {
    for suite in [Suite::Aes, Suite::ChaCha] {
        let own = Arc::new(Static::new(&THEIRS));
        let mut end = end(&own, suite);
        assert!(end.start(1_000));
        let message = end.wire.remove(0);
        assert_eq!(message[..4], [1, suite as u8, 7, 0]);
        let mut state = noise::responder(&own, &prologue(&message), &[3; 32]).expect("responder");
        let mut stamp = [0; 12];
        assert_eq!(state.read_message(&message[8..116], &mut stamp), Ok(12));
        assert_eq!(state.get_remote_static(), Some(&end.local.public_key()[..]));

        let mut answer = [0; RESPONSE];
        answer[..4].copy_from_slice(&[2, suite as u8, 7, 0]);
        answer[4..8].copy_from_slice(&0x1234_5678_u32.to_le_bytes());
        answer[8..12].copy_from_slice(&message[4..8]);
        let psk = preshared_key(end.local.public_key(), own.public(), &message, &answer);
        state.set_psk(2, &psk).expect("preshared key");
        assert_eq!(state.write_message(&[], &mut answer[12..60]), Ok(48));
        remac(&mut answer, &end.local);
        end.receive(&answer, 1_000).expect("message 2");

        let (to_responder, to_initiator) = state.dangerously_get_raw_split();
        let confirmation = end.wire.remove(0);
        assert_eq!(confirmation[..16], *b"\x04\0\0\0\x78\x56\x34\x12\0\0\0\0\0\0\0\0");
        assert_eq!(open(suite, &to_responder, &confirmation), []);
        talks(&mut end, suite, (&to_responder, &to_initiator), (0x1234_5678, &message[4..8]));
        end.drop_sessions(1_000);
    }
}

/// [C32] [P05] The crate's responder meets the text's initiator, in both suites.
#[test]
fn the_responder_speaks_the_protocol_as_written() {
    for suite in [Suite::Aes, Suite::ChaCha] {
        let own = Arc::new(Static::new(&THEIRS));
        let mut end = end(&own, suite);
        let mut message = [0; INITIATION];
        message[..8].copy_from_slice(&[1, 3, 7, 0, 0x78, 0x56, 0x34, 0x12]);
        let mut state =
            noise::initiator(&own, end.local.public_key(), &prologue(&message), &[3; 32]).expect("initiator");
        assert_eq!(state.write_message(&[9; 12], &mut message[8..116]), Ok(108));
        remac(&mut message, &end.local);
        end.receive(&message, 1_000).expect("message 1");

        let answer = end.wire.remove(0);
        assert_eq!(answer[..4], [2, suite as u8, 7, 0]);
        assert_eq!(answer[8..12], message[4..8]);
        let psk = preshared_key(own.public(), end.local.public_key(), &message, &answer);
        state.set_psk(2, &psk).expect("preshared key");
        assert_eq!(state.read_message(&answer[12..60], &mut []), Ok(0));

        let (to_responder, to_initiator) = state.dangerously_get_raw_split();
        let confirmation = seal(suite, &to_responder, &[&[4, 0, 0, 0], &answer[4..8], &[0; 8]].concat(), &[]);
        end.receive(&confirmation, 1_000).expect("the first data");
        talks(&mut end, suite, (&to_initiator, &to_responder), (0x1234_5678, &answer[4..8]));
        end.drop_sessions(1_000);
    }
}

/// Data both ways; `keys` as (from the crate, to the crate), `indices` as (the text's, the crate's).
fn talks(end: &mut End, suite: Suite, (from, to): (&Key, &Key), (ours, theirs): (u32, &[u8])) {
    let keypair = end.current.clone().expect("a session");
    let mut buffer = vec![0x45; 16 + 30 + 16];
    for sequence in 0..2u8 {
        keypair.seal_in_place(1_000, 11, true, &mut buffer, 30).expect("seals");
        assert_eq!(
            buffer[..16],
            [&[4, 1, 0, 0], &ours.to_le_bytes()[..], &[sequence, 0, 0, 0, 0, 0, 0, 11]].concat()
        );
        assert_eq!(open(suite, from, &buffer), [0x45; 30]);
        buffer[16..46].fill(0x45);
    }
    let header = [&[4, 0, 0, 0], theirs, &[0x21, 0x43, 0x65, 0, 0, 0, 0, 200]].concat();
    end.receive(&seal(suite, to, &header, &[0x46; 33]), 1_000).expect("data");
    assert_eq!(end.heard, [[0x46; 33]]);
}

fn end(other: &Static, suite: Suite) -> End {
    let local = local(1, RealmKind::Network, only(suite));
    local.set_epochs(&[Epoch { id: 7, key: EPOCH_KEY }]);
    End::new(local, peer(*other.public(), PeerKind::Node), 5)
}

fn prologue(message: &[u8]) -> Vec<u8> {
    [b"WireGuard v1 zx2c4 Jason@zx2c4.com", &b"starmesh 1"[..], &NETWORK, &message[..8]].concat()
}

fn preshared_key(initiator: &Key, responder: &Key, message: &[u8], answer: &[u8]) -> Key {
    let input = [EPOCH_KEY, [0; 32]].concat();
    let info = [&NETWORK, initiator, responder, &message[..8], &answer[..12]].concat();
    hkdf(b"starmesh psk 1", &input, &info)
}

/// RFC 5869, one block.
fn hkdf(salt: &[u8], input: &[u8], info: &[u8]) -> Key {
    let mac = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let extracted = mac(salt, input);
    let expanded = mac(extracted.as_ref(), &[info, &[1]].concat());
    expanded.as_ref().try_into().expect("32 bytes")
}

fn data_key(suite: Suite, split: &Key) -> LessSafeKey {
    let (algorithm, number) = match suite {
        Suite::WireGuard => panic!("no data key of its own"),
        Suite::Aes => (&AES_256_GCM, 1),
        Suite::ChaCha => (&CHACHA20_POLY1305, 2),
    };
    let key = hkdf(&[0; 32], split, &[b"data", &[number][..]].concat());
    LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("a key"))
}

fn nonce(datagram: &[u8]) -> Nonce {
    Nonce::assume_unique_for_key([&[0; 4], &datagram[8..16]].concat().try_into().expect("12 bytes"))
}

fn open(suite: Suite, split: &Key, datagram: &[u8]) -> Vec<u8> {
    let mut text = datagram[16..].to_vec();
    let key = data_key(suite, split);
    key.open_in_place(nonce(datagram), Aad::from(&datagram[..16]), &mut text).expect("opens").to_vec()
}

fn seal(suite: Suite, split: &Key, header: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut text = payload.to_vec();
    let key = data_key(suite, split);
    key.seal_in_place_append_tag(nonce(header), Aad::from(header), &mut text).expect("seals");
    [header, &text].concat()
}
