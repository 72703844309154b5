//! Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s by snow, on our own primitives: X25519 and ChaCha20-Poly1305 of aws-lc,
//! BLAKE2s of the blake2 crate, static-static results cached.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use blake2::{Blake2s256, Digest};
use snow::params::{CipherChoice, DHChoice, HashChoice, NoiseParams};
use snow::resolvers::CryptoResolver;
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, Error, HandshakeState};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Key, TAG};
use crate::crypto::x25519::Secret;

/// A realm's private key with what it agreed on with each of its peers.
pub(super) struct Static {
    secret: Secret,
    /// Static-static result and number of associations that use it.
    agreed: RwLock<HashMap<Key, (Zeroizing<Key>, usize)>>,
}

impl Static {
    pub(super) fn new(private_key: &Key) -> Static {
        Static { secret: Secret::new(private_key), agreed: RwLock::default() }
    }

    pub(super) fn public(&self) -> &Key {
        self.secret.public()
    }

    /// Agrees with a peer once and for all; false when its key is of small order.
    pub(super) fn remember(&self, peer: &Key) -> bool {
        let mut agreed = self.agreed.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, users)) = agreed.get_mut(peer) {
            *users += 1;
            return true;
        }
        let Some(shared) = self.secret.agree(peer) else { return false };
        agreed.insert(*peer, (shared, 1));
        true
    }

    pub(super) fn forget(&self, peer: &Key) {
        let mut agreed = self.agreed.write().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, users)) = agreed.get_mut(peer) {
            *users -= 1;
            if *users == 0 {
                agreed.remove(peer);
            }
        }
    }

    fn agree(&self, public: &Key) -> Option<Zeroizing<Key>> {
        let cached = self
            .agreed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(public)
            .map(|(shared, _)| shared.clone());
        cached.or_else(|| self.secret.agree(public))
    }
}

/// A handshake about to write message 1 to `peer`. `seed` becomes the ephemeral key.
pub(super) fn initiator(
    own: &Arc<Static>,
    peer: &Key,
    prologue: &[u8],
    seed: &Key,
) -> Result<HandshakeState, Error> {
    builder(own, seed)
        .local_private_key(own.secret.bytes())?
        .remote_public_key(peer)?
        .prologue(prologue)?
        .build_initiator()
}

/// A handshake about to read message 1. `seed` becomes the ephemeral key.
pub(super) fn responder(own: &Arc<Static>, prologue: &[u8], seed: &Key) -> Result<HandshakeState, Error> {
    builder(own, seed).local_private_key(own.secret.bytes())?.prologue(prologue)?.build_responder()
}

fn builder<'a>(own: &Arc<Static>, seed: &Key) -> Builder<'a> {
    let resolver = Resolver { own: Arc::clone(own), seed: Zeroizing::new(*seed) };
    Builder::with_resolver(PARAMS.clone(), Box::new(resolver))
}

static PARAMS: LazyLock<NoiseParams> =
    LazyLock::new(|| "Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s".parse().expect("a pattern that snow knows"));

struct Resolver {
    own: Arc<Static>,
    seed: Zeroizing<Key>,
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Once(Some(self.seed.clone()))))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        matches!(choice, DHChoice::Curve25519)
            .then(|| Box::new(Curve { own: Arc::clone(&self.own), held: Held::Nothing }) as Box<dyn Dh>)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        matches!(choice, HashChoice::Blake2s).then(|| Box::new(Blake2s(Blake2s256::new())) as Box<dyn Hash>)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        matches!(choice, CipherChoice::ChaChaPoly).then(|| Box::new(ChaCha(None)) as Box<dyn Cipher>)
    }
}

/// Gives its 32 bytes once: a second ephemeral key from one seed would be the first one again.
struct Once(Option<Zeroizing<Key>>);

impl Random for Once {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let seed = self.0.take().filter(|seed| seed.len() == dest.len()).ok_or(Error::Rng)?;
        dest.copy_from_slice(&*seed);
        Ok(())
    }
}

struct Curve {
    own: Arc<Static>,
    held: Held,
}

enum Held {
    Nothing,
    /// The realm's own key, whose public half and agreements are known.
    Own,
    Ephemeral(Box<Secret>),
}

impl Dh for Curve {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, privkey: &[u8]) {
        if bool::from(privkey.ct_eq(self.own.secret.bytes())) {
            self.held = Held::Own;
            return;
        }
        let mut bytes = Zeroizing::new([0; 32]);
        bytes.copy_from_slice(privkey);
        self.held = Held::Ephemeral(Box::new(Secret::new(&bytes)));
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(&mut *bytes)?;
        self.held = Held::Ephemeral(Box::new(Secret::new(&bytes)));
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        match &self.held {
            Held::Nothing => &[0; 32],
            Held::Own => self.own.public(),
            Held::Ephemeral(secret) => secret.public(),
        }
    }

    fn privkey(&self) -> &[u8] {
        match &self.held {
            Held::Nothing => &[0; 32],
            Held::Own => self.own.secret.bytes(),
            Held::Ephemeral(secret) => secret.bytes(),
        }
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let public = pubkey.first_chunk::<32>().ok_or(Error::Dh)?;
        let shared = match &self.held {
            Held::Nothing => None,
            Held::Own => self.own.agree(public),
            Held::Ephemeral(secret) => secret.agree(public),
        };
        out.get_mut(..32).ok_or(Error::Dh)?.copy_from_slice(&*shared.ok_or(Error::Dh)?);
        Ok(())
    }
}

struct Blake2s(Blake2s256);

impl Hash for Blake2s {
    fn name(&self) -> &'static str {
        "BLAKE2s"
    }

    fn block_len(&self) -> usize {
        64
    }

    fn hash_len(&self) -> usize {
        32
    }

    fn reset(&mut self) {
        Digest::reset(&mut self.0);
    }

    fn input(&mut self, data: &[u8]) {
        Digest::update(&mut self.0, data);
    }

    fn result(&mut self, out: &mut [u8]) {
        out[..32].copy_from_slice(&self.0.finalize_reset());
    }
}

struct ChaCha(Option<LessSafeKey>);

impl Cipher for ChaCha {
    fn name(&self) -> &'static str {
        "ChaChaPoly"
    }

    fn set(&mut self, key: &Key) {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("32 bytes are a ChaCha20-Poly1305 key");
        self.0 = Some(LessSafeKey::new(key));
    }

    fn encrypt(&self, nonce: u64, authtext: &[u8], plaintext: &[u8], out: &mut [u8]) -> usize {
        let key = self.0.as_ref().expect("snow sets the key before it encrypts");
        let (text, rest) = out.split_at_mut(plaintext.len());
        text.copy_from_slice(plaintext);
        let tag = key
            .seal_in_place_separate_tag(noise_nonce(nonce), Aad::from(authtext), text)
            .expect("a handshake message is short");
        rest[..TAG].copy_from_slice(tag.as_ref());
        plaintext.len() + TAG
    }

    fn decrypt(
        &self,
        nonce: u64,
        authtext: &[u8],
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Result<usize, Error> {
        let key = self.0.as_ref().ok_or(Error::Decrypt)?;
        let length = ciphertext.len().checked_sub(TAG).ok_or(Error::Decrypt)?;
        let (text, tag) = ciphertext.split_at(length);
        let out = out.get_mut(..length).ok_or(Error::Decrypt)?;
        key.open_separate_gather(noise_nonce(nonce), Aad::from(authtext), text, tag, out)
            .map_err(|_| Error::Decrypt)?;
        Ok(length)
    }
}

fn noise_nonce(counter: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
