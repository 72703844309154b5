//! Starmesh's data plane: TUN ⇄ session ⇄ UDP on threads of its own, relays, counters, behind a Node-API addon.

#[cfg_attr(test, allow(dead_code, reason = "napi-derive exports nothing in tests"))]
mod addon;
pub mod crypto;
mod dtls;
mod endpoint;
mod events;
pub mod filter;
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
