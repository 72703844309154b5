//! mac1, mac2 and cookies: cheap proofs that a sender knows our key, and receives where it sends from.

use std::sync::{Mutex, PoisonError};

use blake2::digest::consts::U16;
use blake2::digest::{FixedOutput, KeyInit, Update};
use blake2::{Blake2s256, Blake2sMac, Digest};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::message::{field, kind};
use super::{COOKIE_REPLY, Key, Millis, Surroundings};

/// A mac1, mac2 or cookie.
pub(super) type Mac = [u8; 16];

/// Keys that everybody who knows a public key can compute.
pub(super) struct MacKeys {
    mac1: Key,
    cookie: Key,
}

impl MacKeys {
    /// For messages that are sent to the owner of `public_key`.
    pub(super) fn of(public_key: &Key) -> MacKeys {
        MacKeys { mac1: hash(b"mac1----", public_key), cookie: hash(b"cookie--", public_key) }
    }

    /// Whether the last 32 bytes of a message 1 or 2 begin with the right mac1.
    pub(super) fn accepts(&self, message: &[u8]) -> bool {
        split_macs(message).is_some_and(|(body, mac1, _)| keyed(&self.mac1, &[body]).ct_eq(mac1).into())
    }

    /// Writes mac1, and mac2 if there is a cookie, into the last 32 bytes; returns mac1.
    pub(super) fn write(&self, message: &mut [u8], cookie: Option<&Mac>) -> Mac {
        let (body, macs) = message.split_at_mut(message.len() - 32);
        let mac1 = keyed(&self.mac1, &[body]);
        macs[..16].copy_from_slice(&mac1);
        let mac2 = cookie.map_or([0; 16], |cookie| keyed(cookie, &[body, &mac1]));
        macs[16..].copy_from_slice(&mac2);
        mac1
    }
}

/// The responder's side: makes cookies and checks them, without state per sender.
#[derive(Default)]
pub(super) struct Checker {
    secret: Mutex<Option<(Millis, Zeroizing<Key>)>>,
}

impl Checker {
    /// Whether mac2 proves that the sender receives at `source`.
    pub(super) fn accepts(&self, now: Millis, message: &[u8], source: &[u8]) -> bool {
        let secret = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((_, secret)) = secret.as_ref().filter(|(born, _)| now < born + SECRET_LIFETIME) else {
            return false;
        };
        let cookie = keyed(&**secret, &[source]);
        split_macs(message).is_some_and(|(body, mac1, mac2)| keyed(&cookie, &[body, mac1]).ct_eq(mac2).into())
    }

    /// A cookie reply to a message 1 or 2 whose mac1 was right.
    pub(super) fn reply(
        &self,
        now: Millis,
        keys: &MacKeys,
        (message, source): (&[u8], &[u8]),
        surroundings: &mut dyn Surroundings,
    ) -> Option<[u8; COOKIE_REPLY]> {
        let cookie = {
            let mut held = self.secret.lock().unwrap_or_else(PoisonError::into_inner);
            if held.as_ref().is_none_or(|(born, _)| now >= born + SECRET_LIFETIME) {
                let mut secret = Zeroizing::new([0; 32]);
                surroundings.fill(&mut *secret);
                *held = Some((now, secret));
            }
            keyed(&**held.as_ref().map(|(_, secret)| secret)?, &[source])
        };
        let (_, mac1, _) = split_macs(message)?;
        let mut reply = [0; COOKIE_REPLY];
        reply[0] = kind::COOKIE;
        reply[4..8].copy_from_slice(message.get(4..8)?);
        surroundings.fill(&mut reply[field::COOKIE_NONCE]);
        let sealed = XChaCha20Poly1305::new((&keys.cookie).into())
            .encrypt(XNonce::from_slice(&reply[field::COOKIE_NONCE]), Payload { msg: &cookie, aad: mac1 })
            .ok()?;
        reply[field::COOKIE_SEALED].copy_from_slice(&sealed);
        Some(reply)
    }
}

/// The initiator's side: the cookie that one peer gave us.
#[derive(Default)]
pub(super) struct Jar {
    cookie: Option<(Millis, Mac)>,
}

impl Jar {
    /// The cookie, while the peer still accepts it.
    pub(super) fn cookie(&self, now: Millis) -> Option<&Mac> {
        let (born, cookie) = self.cookie.as_ref()?;
        (now < born + SECRET_LIFETIME - LATENCY).then_some(cookie)
    }

    /// Takes a cookie reply to the message that had this mac1; false when it does not open.
    pub(super) fn take(
        &mut self,
        now: Millis,
        keys: &MacKeys,
        mac1: &Mac,
        reply: &[u8; COOKIE_REPLY],
    ) -> bool {
        let opened = XChaCha20Poly1305::new((&keys.cookie).into()).decrypt(
            XNonce::from_slice(&reply[field::COOKIE_NONCE]),
            Payload { msg: &reply[field::COOKIE_SEALED], aad: mac1 },
        );
        let Some(cookie) = opened.ok().and_then(|bytes| bytes.first_chunk::<16>().copied()) else {
            return false;
        };
        self.cookie = Some((now, cookie));
        true
    }
}

fn split_macs(message: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (body, macs) = message.split_at_checked(message.len().checked_sub(32)?)?;
    let (mac1, mac2) = macs.split_at(16);
    Some((body, mac1, mac2))
}

fn keyed(key: &[u8], parts: &[&[u8]]) -> Mac {
    let mut mac = <Blake2sMac<U16> as KeyInit>::new_from_slice(key).expect("a key of at most 32 bytes");
    for part in parts {
        mac.update(part);
    }
    mac.finalize_fixed().into()
}

fn hash(label: &[u8; 8], public_key: &Key) -> Key {
    let mut hash = Blake2s256::new();
    Update::update(&mut hash, label);
    Update::update(&mut hash, public_key);
    hash.finalize().into()
}

const SECRET_LIFETIME: Millis = 120_000;
/// What a cookie may have spent on its way.
const LATENCY: Millis = 5_000;
