//! Starmesh's data plane: TUN ⇄ session ⇄ UDP on threads of its own, relays, counters, behind a Node-API addon.

// What cargo-fuzz drives from outside is driven here as well, by the same name.
#[cfg(test)]
extern crate self as starmesh_dataplane;

#[cfg_attr(test, allow(dead_code, reason = "napi-derive exports nothing in tests"))]
mod addon;
pub mod crypto;
mod dtls;
mod endpoint;
mod events;
pub mod filter;
#[cfg(test)]
mod fuzz_corpus_test;
mod index;
pub mod lossy;
mod mask;
pub mod nat;
mod os;
mod packet;
mod plane;
mod refusals;
pub mod session;
mod stun;
pub mod table;
