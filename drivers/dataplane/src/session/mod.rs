//! Sessions without I/O: WireGuard's handshake and timers, Starmesh's suites, control messages and probes.
//!
//! Time, randomness and receiver indices are arguments; sockets, threads and tables are the caller's.
//! How a datagram travels:
//!
//! 1. [`classify`] names it. Data goes by receiver index to its [`Keypair`]; everything below is the handshake.
//! 2. Message 1: [`Local::admit`] (mac1, cookies), then [`Local::read_initiation`] finds out who sends, then the
//!    peer's [`Association::handle_initiation`].
//! 3. Message 2 and cookie reply: the receiver index names the association. [`Local::admit`] and
//!    [`Association::handle_response`], or [`Association::handle_cookie`].
//! 4. Whenever [`Sealed::wake`] or [`Opened::wake`] is set, [`Association::handle_timeout`] is due or its deadline
//!    moved nearer; [`Opened::confirms`] goes to [`Association::handle_confirmed`].
//!
//! One association is driven by one thread at a time (behind a mutex). A [`Keypair`] is shared by all threads.

#![forbid(unsafe_code)]

mod activity;
mod aead;
mod association;
mod attempts;
pub mod control;
mod cookie;
mod exchange;
mod handshake;
mod keypair;
mod lanes;
mod local;
mod message;
mod noise;
pub mod part;
pub mod probe;
mod sessions;
mod window;

#[cfg(test)]
pub mod tests;

pub use association::{Association, EndReason, Output, PeerOptions};
pub use keypair::{Keypair, Opened, Sealed};
pub use local::{Admission, Initiation, Local, LocalOptions};
pub use message::{Message, classify};
pub(crate) use window::Window;

/// Milliseconds of a monotonic clock that the caller chose; it also counts time asleep where the system can.
pub type Millis = u64;

/// One moment on both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Monotonic.
    pub millis: Millis,
    /// Since 1970, for message 1's stamp and for display.
    pub unix_millis: u64,
}

/// A public, private or shared key.
pub type Key = [u8; 32];

/// Bytes before the payload of a data message.
pub const HEADER: usize = 16;
/// Bytes after the payload of a data message.
pub const TAG: usize = 16;
/// Length of message 1.
pub const INITIATION: usize = 148;
/// Length of message 2.
pub const RESPONSE: usize = 92;
/// Length of a cookie reply.
pub const COOKIE_REPLY: usize = 64;
/// Lanes that may be sealed on: 0 … 15 (path or sending thread).
pub const LANES: u8 = 16;

/// What the state machines take from outside.
pub trait Surroundings {
    /// Fills the slice from a cryptographic generator.
    fn fill(&mut self, bytes: &mut [u8]);
    /// Reserves a random receiver index that no live keypair or handshake uses, for the association being driven.
    /// Given back by [`Output::Release`].
    fn reserve_index(&mut self) -> u32;
}

/// Cryptography of the data messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Suite {
    /// As WireGuard publishes it: ChaCha20-Poly1305, no associated data, padding to 16 bytes. Stock peers only.
    WireGuard = 0,
    /// AES-256-GCM, header as associated data.
    Aes = 1,
    /// ChaCha20-Poly1305, header as associated data.
    ChaCha = 2,
}

/// Set of Starmesh suites on offer: bit 0 = suite 1, bit 1 = suite 2; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suites(u8);

impl Suites {
    /// Both suites, without suite 1 where AES is not in hardware.
    pub fn here() -> Suites {
        Suites(if crate::crypto::hardware_aes() { AES | CHACHA } else { CHACHA })
    }

    /// These suites; `None` when the set is empty or names suite 0.
    pub fn of(suites: &[Suite]) -> Option<Suites> {
        suites
            .iter()
            .try_fold(0, |bits, suite| match suite {
                Suite::WireGuard => None,
                Suite::Aes => Some(bits | AES),
                Suite::ChaCha => Some(bits | CHACHA),
            })
            .and_then(Suites::from_bits)
    }

    /// From message 1's byte 1; bits of suites unknown here are left out.
    pub(crate) fn from_bits(bits: u8) -> Option<Suites> {
        let known = bits & (AES | CHACHA);
        (known != 0).then_some(Suites(known))
    }

    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn contains(self, suite: Suite) -> bool {
        match suite {
            Suite::WireGuard => false,
            Suite::Aes => self.0 & AES != 0,
            Suite::ChaCha => self.0 & CHACHA != 0,
        }
    }

    /// What both offer; suite 1 before suite 2.
    pub(crate) fn choose(self, offered: Suites) -> Option<Suite> {
        [Suite::Aes, Suite::ChaCha]
            .into_iter()
            .find(|suite| self.contains(*suite) && offered.contains(*suite))
    }
}

const AES: u8 = 1;
const CHACHA: u8 = 2;

/// How the other end is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerKind {
    /// A Starmesh node: suites 1 and 2, epoch keys (none when the local realm is a router's).
    Node,
    /// A router: suites 1 and 2, 32 zero bytes as epoch key, its own prologue.
    Router,
    /// A stock WireGuard peer: suite 0 with its preshared key.
    Stock,
}

/// What a realm's peers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RealmKind {
    /// Nodes, stock peers and routers.
    Network,
    /// The members of hosted networks; every session has epoch 0.
    Router,
}

/// An epoch key that this node holds.
#[derive(Clone)]
pub struct Epoch {
    /// 1–255.
    pub id: u8,
    /// The key itself.
    pub key: Key,
}

/// Why a datagram was refused; [`Refused::cause`] is the counter's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refused {
    /// Length, type, reserved bytes or padding do not fit.
    Malformed,
    /// mac1 is not for this key.
    Mac,
    /// The Noise message does not open: tampered, wrong key, wrong prologue or wrong preshared key.
    Handshake,
    /// Message 1's stamp is not newer than the last, or it came within 20 ms of it.
    Stamp,
    /// The suite is not one this end may use with this peer.
    Suite,
    /// Message 2 names an epoch that this node does not hold, or message 1 came and none is held.
    Epoch,
    /// No handshake or keypair has that index.
    Index,
    /// The data message does not open.
    Tag,
    /// Seen before, or older than the window.
    Replay,
    /// The lane is out of range, or the peer uses more lanes than it may.
    Lane,
    /// The keypair is older than 180 s, used up or dropped.
    Expired,
    /// The buffer given is too small: a mistake of the caller.
    Buffer,
}

impl Refused {
    /// Name for the counters.
    pub fn cause(self) -> &'static str {
        match self {
            Refused::Malformed => "malformed",
            Refused::Mac => "mac",
            Refused::Handshake => "handshake",
            Refused::Stamp => "stamp",
            Refused::Suite => "suite",
            Refused::Epoch => "epoch",
            Refused::Index => "index",
            Refused::Tag => "tag",
            Refused::Replay => "replay",
            Refused::Lane => "lane",
            Refused::Expired => "expired",
            Refused::Buffer => "buffer",
        }
    }
}
