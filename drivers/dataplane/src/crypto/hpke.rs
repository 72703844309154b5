//! HPKE base mode (RFC 9180) in one cipher suite: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; single
//! shot, empty info and associated data.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::x25519::Secret;
use super::{CryptoError, Key, hkdf};

/// Seals to a public key: enc ‖ ciphertext, 48 bytes longer than the plain text.
pub fn hpke_seal(public_key: &[u8; 32], plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(&mut *seed).map_err(|_| CryptoError::Random)?;
    seal_from(&Secret::new(&seed), public_key, plain)
}

/// Opens what [`hpke_seal`] made; `None` when it does not open.
pub fn hpke_open(private_key: &[u8; 32], sealed: &[u8]) -> Option<Vec<u8>> {
    let (enc, ciphertext) = sealed.split_first_chunk::<32>()?;
    let own = Secret::new(private_key);
    let shared = encapsulated(&*own.agree(enc)?, enc, own.public());
    let (key, nonce) = schedule(&shared);
    let mut text = ciphertext.to_vec();
    let length = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}

/// As [`hpke_seal`] with a given ephemeral key.
pub(super) fn seal_from(ephemeral: &Secret, public_key: &Key, plain: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let agreed = ephemeral.agree(public_key).ok_or(CryptoError::Key)?;
    let (key, nonce) = schedule(&encapsulated(&agreed, ephemeral.public(), public_key));
    let mut sealed = Vec::with_capacity(32 + plain.len() + 16);
    sealed.extend_from_slice(ephemeral.public());
    sealed.extend_from_slice(plain);
    let tag = key
        .seal_in_place_separate_tag(nonce, Aad::empty(), &mut sealed[32..])
        .map_err(|_| CryptoError::Input)?;
    sealed.extend_from_slice(tag.as_ref());
    Ok(sealed)
}

/// ExtractAndExpand of section 4.1.
fn encapsulated(agreed: &Key, enc: &Key, recipient: &Key) -> Zeroizing<Key> {
    let prk = labeled_extract(KEM_SUITE, b"eae_prk", agreed);
    hkdf::expand(&prk, &[&[0, 32], VERSION, KEM_SUITE, b"shared_secret", enc, recipient])
}

/// KeySchedule of section 5.1 for mode 0, no preshared key, empty info; the nonce is that of sequence 0.
fn schedule(shared: &Key) -> (LessSafeKey, Nonce) {
    let psk_id_hash = labeled_hash(b"psk_id_hash");
    let info_hash = labeled_hash(b"info_hash");
    let input = Zeroizing::new([VERSION, SUITE, b"secret"].concat());
    let secret = hkdf::extract(shared, &input);
    let context: [&[u8]; 3] = [&[0], &*psk_id_hash, &*info_hash];
    let context = context.concat();
    let key: Zeroizing<Key> = hkdf::expand(&secret, &[&[0, 32], VERSION, SUITE, b"key", &context]);
    let nonce: Zeroizing<[u8; 12]> =
        hkdf::expand(&secret, &[&[0, 12], VERSION, SUITE, b"base_nonce", &context]);
    let key = UnboundKey::new(&CHACHA20_POLY1305, &*key).expect("32 bytes are a ChaCha20-Poly1305 key");
    (LessSafeKey::new(key), Nonce::assume_unique_for_key(*nonce))
}

/// LabeledExtract of an empty value, as bytes.
fn labeled_hash(label: &[u8]) -> Zeroizing<Key> {
    let message = [VERSION, SUITE, label].concat();
    // HKDF-Extract with an empty salt is HMAC with a key of zeros.
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &[0; 32]);
    let mut out = Zeroizing::new([0; 32]);
    out.copy_from_slice(aws_lc_rs::hmac::sign(&key, &message).as_ref());
    out
}

fn labeled_extract(suite: &[u8], label: &[u8], value: &[u8]) -> aws_lc_rs::hkdf::Prk {
    let input = Zeroizing::new([VERSION, suite, label, value].concat());
    hkdf::extract(&[], &input)
}

const VERSION: &[u8] = b"HPKE-v1";
const KEM_SUITE: &[u8] = b"KEM\x00\x20";
const SUITE: &[u8] = b"HPKE\x00\x20\x00\x01\x00\x03";
