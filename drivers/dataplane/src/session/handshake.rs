//! Messages 1 and 2: WireGuard's bytes around Noise, with Starmesh's prologue, preshared key and data keys.

use std::sync::Arc;

use snow::HandshakeState;
use zeroize::Zeroizing;

use super::message::field;
use super::noise::{self, Static};
use super::{INITIATION, Key, RESPONSE, Suite};
use crate::crypto::hkdf;

/// TAI64N stamp of message 1.
pub(super) type Stamp = [u8; 12];
/// Bytes 0–7 of message 1: type, reserved bytes, sender.
pub(super) type Head = [u8; 8];

/// Keys of one direction each, as the initiator sees them.
pub(super) struct DataKeys {
    pub(super) to_responder: Zeroizing<Key>,
    pub(super) to_initiator: Zeroizing<Key>,
}

/// Writes bytes 0–115 of message 1. `network` is `None` towards a stock peer. `None` when the peer's key is of small
/// order.
pub(super) fn write_initiation(
    own: &Arc<Static>,
    peer: &Key,
    network: Option<&Key>,
    (head, stamp, seed): (&Head, &Stamp, &Key),
    message: &mut [u8; INITIATION],
) -> Option<HandshakeState> {
    message[..8].copy_from_slice(head);
    let mut state = noise::initiator(own, peer, &prologue(network, head), seed).ok()?;
    state.write_message(stamp, &mut message[field::INITIATION_NOISE]).ok()?;
    Some(state)
}

/// What a message 1 holds once it opened.
pub(super) struct Opening {
    pub(super) state: HandshakeState,
    pub(super) peer: Key,
    pub(super) stamp: Stamp,
}

/// Opens message 1 under one prologue.
pub(super) fn read_initiation(
    own: &Arc<Static>,
    network: Option<&Key>,
    seed: &Key,
    message: &[u8; INITIATION],
) -> Option<Opening> {
    let mut state = noise::responder(own, &prologue(network, &head_of(message)), seed).ok()?;
    let mut stamp = [0; 12];
    let length = state.read_message(&message[field::INITIATION_NOISE], &mut stamp).ok()?;
    let peer = *state.get_remote_static()?.first_chunk::<32>()?;
    (length == stamp.len()).then_some(Opening { state, peer, stamp })
}

/// Writes bytes 12–59 of message 2, whose bytes 0–11 stand.
pub(super) fn write_response(
    state: &mut HandshakeState,
    psk: &Key,
    message: &mut [u8; RESPONSE],
) -> Option<()> {
    state.set_psk(2, psk).ok()?;
    state.write_message(&[], &mut message[field::RESPONSE_NOISE]).ok()?;
    Some(())
}

/// Opens message 2; a failure leaves the handshake as it was.
pub(super) fn read_response(state: &mut HandshakeState, psk: &Key, message: &[u8; RESPONSE]) -> bool {
    state.set_psk(2, psk).is_ok() && state.read_message(&message[field::RESPONSE_NOISE], &mut []).is_ok()
}

/// Keys of a finished handshake; `None` before.
pub(super) fn data_keys(state: &mut HandshakeState, suite: Suite) -> Option<DataKeys> {
    // snow gives wrong keys without an error before the handshake is finished.
    if !state.is_handshake_finished() {
        return None;
    }
    let (first, second) = state.dangerously_get_raw_split();
    let (first, second) = (Zeroizing::new(first), Zeroizing::new(second));
    Some(match suite {
        Suite::WireGuard => DataKeys { to_responder: first, to_initiator: second },
        Suite::Aes | Suite::ChaCha => {
            let derive = |key: &Key| hkdf::derive(&[], key, &[b"data", &[suite as u8]]);
            DataKeys { to_responder: derive(&first), to_initiator: derive(&second) }
        }
    })
}

/// Who is bound into Starmesh's preshared key.
pub(super) struct Parties<'a> {
    pub(super) network: &'a Key,
    pub(super) initiator: &'a Key,
    pub(super) responder: &'a Key,
}

/// Starmesh's preshared key: binds the clear bytes of both messages, so that tampering fails at the initiator.
pub(super) fn preshared_key(
    epoch_key: &Key,
    parties: &Parties<'_>,
    head: &Head,
    response_head: &[u8; 12],
) -> Zeroizing<Key> {
    let input = Zeroizing::new([*epoch_key, NO_POST_QUANTUM_KEY].concat());
    hkdf::derive(
        b"starmesh psk 1",
        &input,
        &[parties.network, parties.initiator, parties.responder, head, response_head],
    )
}

/// First 8 bytes of a message 1.
pub(super) fn head_of(message: &[u8; INITIATION]) -> Head {
    let mut head = [0; 8];
    head.copy_from_slice(&message[..8]);
    head
}

fn prologue(network: Option<&Key>, head: &Head) -> Vec<u8> {
    let mut prologue = WIREGUARD.to_vec();
    if let Some(network) = network {
        prologue.extend_from_slice(b"starmesh 1");
        prologue.extend_from_slice(network);
        prologue.extend_from_slice(head);
    }
    prologue
}

const WIREGUARD: &[u8] = b"WireGuard v1 zx2c4 Jason@zx2c4.com";
const NO_POST_QUANTUM_KEY: Key = [0; 32];
