//! Argon2id with the parameters that name + secret networks are derived with.

use argon2::{Algorithm, Argon2, Params, Version};

use super::CryptoError;

/// Argon2id, version 0x13, 64 MiB, t = 3, p = 1, 32 bytes out. Takes about 0.1 s; the memory is cleared.
pub fn argon2id(password: &[u8], salt: &[u8]) -> Result<[u8; 32], CryptoError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(|_| CryptoError::Input)?;
    let mut out = [0; 32];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(password, salt, &mut out)
        .map_err(|_| CryptoError::Input)?;
    Ok(out)
}

const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
const LANES: u32 = 1;
