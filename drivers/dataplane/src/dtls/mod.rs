//! DTLS 1.2 (RFC 6347) for links: the handshake by `dimpl`, the records that follow by this crate.
//!
//! What travels in the records is sealed end to end already, so nobody's certificate is looked at: DTLS carries it past
//! whoever lets only known protocols through, and keeps strangers from disturbing a link. Records are protected with keys
//! exported from the handshake as for SRTP (RFC 5764) and laid out as suites without explicit nonce lay them out
//! (RFC 7905): 8 bytes less in each packet than AES-GCM of DTLS 1.2 has, a replay window that a line which reorders needs,
//! and no allocation for a record.

mod certificate;
mod cookie;
mod handshake;
mod hello;
mod record;
mod stack;

#[cfg(test)]
mod dtls_test;

pub use certificate::Certificate;
pub use cookie::Cookie;
pub use handshake::{Handshake, Progress};
pub use hello::Hello;
pub use record::{Content, HEADER, Keys, is_protected};
pub use stack::Stack;
