//! The Node-API face of the data plane: exactly the calls and events of `drivers/dataplane.ts`.

mod calls;
mod cryptography;
mod filter;
mod links;
mod mapped;
mod nat;
mod realms;
mod sessions;
mod text;
mod values;

use napi::bindgen_prelude::Object;
use napi_derive::napi;

/// Facts about this build and machine.
#[napi(module_exports)]
pub fn facts(mut exports: Object<'_>) -> napi::Result<()> {
    exports.set("hardwareAes", crate::crypto::hardware_aes())?;
    let features: &[&str] = if cfg!(feature = "null-crypto") { &["null-crypto"] } else { &[] };
    exports.set("features", features.to_vec())
}
