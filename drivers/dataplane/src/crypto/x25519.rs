//! X25519 (RFC 7748); results of all zeros are refused.

use aws_lc_rs::agreement::{PrivateKey, UnparsedPublicKey, X25519, agree};
use zeroize::Zeroizing;

use super::Key;

/// X25519 public half of a private key.
pub fn public_key(private_key: &[u8; 32]) -> [u8; 32] {
    Secret::new(private_key).public
}

/// A private key ready for use, with its public half.
pub(crate) struct Secret {
    bytes: Zeroizing<Key>,
    key: PrivateKey,
    public: Key,
}

impl Secret {
    /// Any 32 bytes are a private key.
    pub(crate) fn new(bytes: &Key) -> Secret {
        let key =
            PrivateKey::from_private_key(&X25519, bytes).expect("any 32 bytes are an X25519 private key");
        let mut public = [0; 32];
        public.copy_from_slice(key.compute_public_key().expect("a private key has a public half").as_ref());
        Secret { bytes: Zeroizing::new(*bytes), key, public }
    }

    pub(crate) fn bytes(&self) -> &Key {
        &self.bytes
    }

    pub(crate) fn public(&self) -> &Key {
        &self.public
    }

    /// `None` when the result is all zero (a public key of small order).
    pub(crate) fn agree(&self, public: &Key) -> Option<Zeroizing<Key>> {
        agree(&self.key, UnparsedPublicKey::new(&X25519, public), (), |shared| {
            let mut out = Zeroizing::new([0; 32]);
            out.copy_from_slice(shared);
            if *out == [0; 32] { Err(()) } else { Ok(out) }
        })
        .ok()
    }
}
