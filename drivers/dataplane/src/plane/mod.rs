//! The data plane itself: sockets, realms, peers, and the threads that move their packets.

mod admission;
mod broadcast;
mod budget;
mod calls;
mod convey;
mod core;
mod deliver;
mod down;
mod drive;
mod extras;
mod fit;
mod forward;
mod framing;
mod gather;
mod handshakes;
mod hops;
mod kcp;
mod kcp_desk;
mod kcp_engine;
mod kcp_inbox;
mod kcp_link;
mod kcp_plain;
mod kcp_service;
mod kcp_source;
mod link;
mod links;
mod mapped;
mod masks;
mod mtu;
mod nat_calls;
mod only;
mod options;
mod outbox;
mod outstanding;
pub(crate) mod path;
pub(crate) mod peer;
mod peer_calls;
mod pings;
mod port;
mod prober;
mod punch;
mod quic;
mod quota;
mod realm;
mod receive;
mod recent;
mod relay;
mod sending;
mod spread;
mod state;
mod stream;
mod stun;
mod tcp;
mod tcp_socket;
mod thread;
mod timers;
mod transmit;
mod uncover;
mod waiting;
mod ways;
mod worker;

#[cfg(all(test, target_os = "linux"))]
mod tests;

pub use calls::Plane;
pub use mapped::{MappedProtocol, PortMap};
pub use only::Confined;
pub use options::{
    BroadcastOptions, CallError, ConnectOptions, Counters, ListenOptions, PathOptions, PeerOptions,
    PunchOptions, RealmOptions, TunOptions, Use,
};
pub use port::Place;
#[cfg(target_os = "linux")]
pub use tcp_socket::tune_descriptor;
pub use thread::panic_text;
