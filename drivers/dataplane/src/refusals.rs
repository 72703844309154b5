//! Counters of what was refused, by cause.

use crate::session;
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a datagram or packet went nowhere, besides what the session itself refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The session refused it.
    Session(session::Refused),
    /// No protocol of ours.
    Unknown,
    /// DTLS that belongs to no link and begins none, or came before.
    Dtls,
    /// A QUIC datagram of no connection, or one too many.
    Quic,
    /// STUN that asks or answers nothing of ours.
    Stun,
    /// STUN requests shorter than their answer, beyond the rate allowed.
    StunRate,
    /// What may have been masked, of strangers of whom too much was tried already.
    MaskRate,
    /// Relay frames without a channel of ours, or not from its end.
    Relay,
    /// A relay's end could not be reached.
    RelayTarget,
    /// Relay frames beyond their member's quota.
    RelayQuota,
    /// From a peer that is confined to another carrier, or by a socket where nothing but links is taken.
    Carrier,
    /// Message 1 of a key that is no peer.
    UnknownKey,
    /// A handshake under load beyond the rate allowed, with a valid cookie.
    HandshakeRate,
    /// Inner source address that the peer may not use.
    Source,
    /// Inner payload of no known kind, or malformed.
    Inner,
    /// IP packets inside a router's session.
    RouterPacket,
    /// An echo that no probe of ours fits.
    Echo,
    /// A control message that is malformed or over its limits.
    Control,
    /// App streams have their place, but nothing behind it yet.
    AppStream,
    /// A packet of the TUN that is no whole IP packet, or whose offload fields do not fit.
    Packet,
    /// A packet of the TUN for which there is no peer.
    NoPeer,
    /// A packet for many that nobody chose to pass, or one too many.
    Broadcast,
    /// A packet of a peer for another that had no hop left.
    Hops,
    /// A packet for a peer that is out of reach; its sender is told.
    Down,
    /// A packet of a peer that the realm's filter does not let in; its sender is told.
    Filtered,
    /// A packet that address translation cannot let out: no port is left, or its protocol has none.
    NatState,
    /// A packet for an address that the network knows by another one only.
    NatInside,
    /// Packets that waited for a session and were too many, or waited in vain.
    Waiting,
    /// A packet larger than its path that may not be cut; its sender is told.
    TooBig,
    /// The TUN did not take a packet.
    TunWrite,
    /// A packet for a realm without TUN.
    NoTun,
    /// The system refused to send.
    Send,
    /// The process did not take its events in time.
    Events,
}

const OWN: [(Cause, &str); 32] = [
    (Cause::Unknown, "unknown"),
    (Cause::Dtls, "dtls"),
    (Cause::Quic, "quic"),
    (Cause::Stun, "stun"),
    (Cause::StunRate, "stun-rate"),
    (Cause::MaskRate, "mask-rate"),
    (Cause::Relay, "relay"),
    (Cause::RelayTarget, "relay-target"),
    (Cause::RelayQuota, "relay-quota"),
    (Cause::Carrier, "carrier"),
    (Cause::UnknownKey, "unknown-key"),
    (Cause::HandshakeRate, "handshake-rate"),
    (Cause::Source, "source"),
    (Cause::Inner, "inner"),
    (Cause::RouterPacket, "router-packet"),
    (Cause::Echo, "echo"),
    (Cause::Control, "control"),
    (Cause::AppStream, "app-stream"),
    (Cause::Packet, "packet"),
    (Cause::NoPeer, "no-peer"),
    (Cause::Broadcast, "broadcast"),
    (Cause::Hops, "hops"),
    (Cause::Down, "down"),
    (Cause::Filtered, "filtered"),
    (Cause::NatState, "nat-state"),
    (Cause::NatInside, "nat-inside"),
    (Cause::Waiting, "waiting"),
    (Cause::TooBig, "too-big"),
    (Cause::TunWrite, "tun-write"),
    (Cause::NoTun, "no-tun"),
    (Cause::Send, "send"),
    (Cause::Events, "events"),
];

const SESSION: [session::Refused; 12] = {
    use session::Refused::{
        Buffer, Epoch, Expired, Handshake, Index, Lane, Mac, Malformed, Replay, Stamp, Suite, Tag,
    };
    [Malformed, Mac, Handshake, Stamp, Suite, Epoch, Index, Tag, Replay, Lane, Expired, Buffer]
};

/// One counter for each cause.
#[derive(Default)]
pub struct Refusals {
    own: [AtomicU64; OWN.len()],
    session: [AtomicU64; SESSION.len() + 1],
}

impl Refusals {
    pub fn count(&self, cause: Cause) {
        self.add(cause, 1);
    }

    pub fn add(&self, cause: Cause, number: u64) {
        if number == 0 {
            return;
        }
        let counter = match cause {
            Cause::Session(refused) => {
                let at = SESSION.iter().position(|known| *known == refused);
                &self.session[at.unwrap_or(SESSION.len())]
            }
            _ => &self.own[OWN.iter().position(|(known, _)| *known == cause).unwrap_or(0)],
        };
        counter.fetch_add(number, Ordering::Relaxed);
    }

    /// Name and number of every cause that occurred.
    pub fn list(&self) -> Vec<(&'static str, u64)> {
        let own = OWN.iter().map(|(_, name)| *name).zip(&self.own);
        let names = SESSION.iter().map(|refused| refused.cause()).chain(["other"]);
        let all = own.chain(names.zip(&self.session));
        all.map(|(name, counter)| (name, counter.load(Ordering::Relaxed)))
            .filter(|(_, number)| *number > 0)
            .collect()
    }
}
