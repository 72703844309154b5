//! Data messages' cryptography: one key, one direction.

use aws_lc_rs::aead::{AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{HEADER, Key, Suite, TAG};

/// Seals or opens whole data messages in place.
pub(super) struct DataKey {
    suite: Suite,
    key: LessSafeKey,
}

impl DataKey {
    pub(super) fn new(suite: Suite, key: &Key) -> DataKey {
        let algorithm = match suite {
            Suite::Aes => &AES_256_GCM,
            Suite::WireGuard | Suite::ChaCha => &CHACHA20_POLY1305,
        };
        let key = UnboundKey::new(algorithm, key).expect("32 bytes are a key of either algorithm");
        DataKey { suite, key: LessSafeKey::new(key) }
    }

    /// `message`: header (written), payload, room for the tag; at least 32 bytes.
    #[inline]
    pub(super) fn seal(&self, counter: u64, message: &mut [u8]) -> bool {
        if self.is_null() {
            return true;
        }
        let (header, rest) = message.split_at_mut(HEADER);
        let (payload, tag) = rest.split_at_mut(rest.len() - TAG);
        let Ok(sealed) =
            self.key.seal_in_place_separate_tag(nonce(counter), Aad::from(self.bound(header)), payload)
        else {
            return false;
        };
        tag.copy_from_slice(sealed.as_ref());
        true
    }

    /// `message`: header, ciphertext, tag; at least 32 bytes. The payload is in place when it is authentic.
    #[inline]
    pub(super) fn open(&self, counter: u64, message: &mut [u8]) -> bool {
        if self.is_null() {
            return true;
        }
        let (header, rest) = message.split_at_mut(HEADER);
        self.key.open_in_place(nonce(counter), Aad::from(self.bound(header)), rest).is_ok()
    }

    /// Associated data.
    fn bound<'a>(&self, header: &'a [u8]) -> &'a [u8] {
        match self.suite {
            Suite::WireGuard => &[],
            Suite::Aes | Suite::ChaCha => header,
        }
    }

    #[inline]
    fn is_null(&self) -> bool {
        cfg!(feature = "null-crypto") && self.suite != Suite::WireGuard
    }
}

#[inline]
fn nonce(counter: u64) -> Nonce {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&counter.to_le_bytes());
    Nonce::assume_unique_for_key(nonce)
}
