//! HKDF-SHA256 (RFC 5869) with 32 bytes out.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};
use zeroize::Zeroizing;

use super::Key;

/// Extract: an empty salt is the RFC's "not provided".
pub(crate) fn extract(salt: &[u8], input: &[u8]) -> Prk {
    Salt::new(HKDF_SHA256, salt).extract(input)
}

/// Expand to `N` bytes; the info is the concatenation of its parts.
pub(crate) fn expand<const N: usize>(prk: &Prk, info: &[&[u8]]) -> Zeroizing<[u8; N]> {
    let mut out = Zeroizing::new([0; N]);
    prk.expand(info, Length(N))
        .and_then(|okm| okm.fill(&mut *out))
        .expect("HKDF-SHA256 gives up to 8,160 bytes");
    out
}

/// Extract and expand to one key.
pub(crate) fn derive(salt: &[u8], input: &[u8], info: &[&[u8]]) -> Zeroizing<Key> {
    expand(&extract(salt, input), info)
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
