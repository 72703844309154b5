//! `Cryptography` of the contract.

use super::calls::{Refused, guard};
use super::text::{read_key, write_key};
use crate::crypto;
use crate::plane::CallError;
use napi::bindgen_prelude::{AsyncTask, Uint8Array};
use napi::{Env, Task};
use napi_derive::napi;

/// One derivation, on a thread of Node's pool.
pub struct Argon2id {
    password: Vec<u8>,
    salt: Vec<u8>,
}

impl Task for Argon2id {
    type Output = Vec<u8>;
    type JsValue = Uint8Array;

    fn compute(&mut self) -> napi::Result<Vec<u8>> {
        let derived = guard(|| {
            crypto::argon2id(&self.password, &self.salt)
                .map_err(|_| CallError::invalid("the password is too long"))
        });
        let result = derived.map(|key| key.to_vec());
        self.password.fill(0);
        result.map_err(|error| napi::Error::from_reason(error.reason.to_string()))
    }

    fn resolve(&mut self, _env: Env, output: Vec<u8>) -> napi::Result<Uint8Array> {
        Ok(output.into())
    }
}

#[napi(js_name = "argon2id")]
pub fn argon2id(password: Uint8Array, salt: Uint8Array) -> Result<AsyncTask<Argon2id>, Refused> {
    if salt.len() < 8 {
        return guard(|| Err(CallError::invalid("the salt has fewer than 8 bytes")));
    }
    Ok(AsyncTask::new(Argon2id { password: password.to_vec(), salt: salt.to_vec() }))
}

#[napi]
pub fn public_key(private_key: String) -> Result<String, Refused> {
    guard(|| Ok(write_key(&crypto::public_key(&read_key(&private_key, "the private key")?))))
}

#[napi]
pub fn hpke_seal(public_key: String, plain: Uint8Array) -> Result<Uint8Array, Refused> {
    guard(|| {
        let key = read_key(&public_key, "the public key")?;
        let sealed = crypto::hpke_seal(&key, &plain)
            .map_err(|_| CallError::invalid("the public key is of small order"))?;
        Ok(sealed.into())
    })
}

#[napi]
pub fn hpke_open(private_key: String, sealed: Uint8Array) -> Result<Option<Uint8Array>, Refused> {
    guard(|| {
        let key = read_key(&private_key, "the private key")?;
        Ok(crypto::hpke_open(&key, &sealed).map(Into::into))
    })
}
