//! What the calls take and give.

use super::kcp_engine::Profile;
use crate::endpoint::Endpoint;
use crate::session::{Key, PeerKind, RealmKind};
use crate::table::Prefix;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;

/// Why a call was refused: an errno name and one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// `EINVAL`, `ENOENT`, `EADDRINUSE`, …
    pub code: &'static str,
    /// What is wrong, and with what.
    pub message: String,
}

/// What a call gives.
pub type Called<T> = Result<T, CallError>;

/// What [`Plane::open_realm`] takes.
pub struct RealmOptions {
    pub realm: String,
    pub socket: String,
    pub kind: RealmKind,
    pub private_key: Key,
    pub prologue: Key,
    pub tun: Option<TunOptions>,
    pub stamp_floor_millis: u64,
    pub suites: Option<Vec<u8>>,
}

/// A TUN descriptor of the caller's; on Windows the handle of an adapter of Wintun.
pub struct TunOptions {
    pub fd: i64,
    pub mtu: u16,
    pub offload: bool,
}

/// What [`Plane::set_peer`] takes.
pub struct PeerOptions {
    pub public_key: Key,
    pub kind: PeerKind,
    pub allowed: Vec<Prefix>,
    pub sources: Vec<Prefix>,
    pub prologue: Option<Key>,
    pub preshared_key: Option<Key>,
    pub mask: Option<Key>,
    pub keepalive_seconds: u16,
    /// Packets from it for another peer, and from another peer for it, are passed on here.
    pub forward: bool,
}

/// What [`Plane::set_broadcast`] takes.
pub struct BroadcastOptions {
    /// UDP destination ports.
    pub ports: Vec<u16>,
    /// Ranges whose last address is a broadcast.
    pub subnets: Vec<Prefix>,
    /// Packets of this machine that go out, at most.
    pub per_second: u32,
}

/// One path to probe.
pub struct PathOptions {
    pub endpoint: Endpoint,
    pub probe_millis: u32,
}

/// Which paths carry a peer's packets: those that share its flows, and those that take over when all of them are lost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Use {
    pub active: Vec<Endpoint>,
    pub standby: Vec<Endpoint>,
}

/// Where links are taken.
#[derive(Default)]
pub struct ListenOptions {
    /// 0 takes a free one.
    pub port: u16,
    /// `None`: both families, every interface.
    pub address: Option<IpAddr>,
    /// PEM; of transports that show one.
    pub certificate: Option<String>,
    pub key: Option<String>,
}

/// How a link is opened.
pub struct ConnectOptions {
    /// How long it is tried.
    pub seconds: u32,
    /// SHA-256 of the public key (SubjectPublicKeyInfo, DER) that the other end's certificate has; `None`: any.
    pub pin: Option<Key>,
    /// As the other end is called by name.
    pub server_name: Option<String>,
    /// Connections that share the load.
    pub channels: usize,
    /// Of a `kcp` link.
    pub profile: Profile,
}

impl From<u32> for ConnectOptions {
    /// Seconds, and of all else what is usual.
    fn from(seconds: u32) -> ConnectOptions {
        let profile = Profile::default();
        ConnectOptions { seconds, pin: None, server_name: None, channels: 1, profile }
    }
}

/// What [`Plane::punch`] takes.
pub struct PunchOptions {
    /// Where the peer may be reached, most likely first.
    pub targets: Vec<Endpoint>,
    /// Extra sockets to send from; 0 for the main one alone.
    pub sockets: usize,
    pub per_second: u32,
    pub seconds: u32,
}

/// Counters of one peer.
pub struct PeerCounters {
    pub realm: Arc<str>,
    pub peer: Key,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub last_handshake_millis: Option<u64>,
    pub last_received_millis: Option<u64>,
    pub suite: Option<u8>,
}

/// All counters.
pub struct Counters {
    pub peers: Vec<PeerCounters>,
    pub refused: Vec<(&'static str, u64)>,
    pub relayed_datagrams: u64,
    pub relayed_bytes: u64,
}

impl CallError {
    pub fn invalid(message: impl Into<String>) -> CallError {
        CallError { code: "EINVAL", message: message.into() }
    }

    pub fn missing(what: &str, name: &str) -> CallError {
        CallError { code: "ENOENT", message: format!("there is no {what} named {name}") }
    }

    pub fn no_peer() -> CallError {
        CallError { code: "ENOENT", message: "there is no such peer".to_string() }
    }

    pub fn busy(message: &str) -> CallError {
        CallError { code: "EBUSY", message: message.to_string() }
    }

    /// An error of the operating system by its errno name.
    pub fn system(error: io::Error) -> CallError {
        CallError { code: crate::os::errno_name(&error), message: error.to_string() }
    }
}
