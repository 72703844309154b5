//! Cryptography that Node 20 lacks, and the primitives that the session is made of.

#![forbid(unsafe_code)]

mod argon;
pub(crate) mod hkdf;
mod hpke;
pub(crate) mod x25519;

#[cfg(test)]
mod crypto_test;

pub use argon::argon2id;
pub use hpke::{hpke_open, hpke_seal};
pub use x25519::public_key;

/// A key of 32 bytes.
pub(crate) type Key = [u8; 32];

/// Why a derivation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CryptoError {
    /// The salt is shorter than 8 bytes, or the input is longer than the algorithm takes.
    Input,
    /// The public key is of small order.
    Key,
    /// The system gave no randomness.
    Random,
}

/// Whether AES and carry-less multiply are in hardware here; suite 1 is on offer only then.
pub fn hardware_aes() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
    }
    #[cfg(target_arch = "aarch64")]
    {
        std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull")
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        false
    }
}
