//! A realm's own side of every handshake: key, prologue, suites, epochs, cookies, stamps.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use snow::HandshakeState;
use zeroize::Zeroizing;

use super::cookie::{Checker, MacKeys};
use super::handshake::{self, Head, Stamp};
use super::message::kind;
use super::noise::Static;
use super::{
    COOKIE_REPLY, Epoch, INITIATION, Key, Millis, RESPONSE, RealmKind, Refused, Suites, Surroundings,
};

/// A realm's own side, shared by all its associations.
pub struct Local {
    pub(super) own: Arc<Static>,
    pub(super) network: Key,
    pub(super) kind: RealmKind,
    pub(super) suites: Suites,
    mac_keys: MacKeys,
    checker: Checker,
    epochs: RwLock<Vec<HeldEpoch>>,
    /// Prologues of router peers, and how many associations each has.
    routers: RwLock<Vec<(Key, usize)>>,
    stamp: AtomicU64,
}

/// What [`Local::new`] takes.
pub struct LocalOptions {
    /// X25519 private key.
    pub private_key: Key,
    /// Network id, or SHA-256("router" ‖ router identity).
    pub prologue: Key,
    /// What its peers are.
    pub kind: RealmKind,
    /// Suites on offer.
    pub suites: Suites,
    /// Stamps are never below this; milliseconds since 1970.
    pub stamp_floor_millis: u64,
}

/// What to do with a message 1 or message 2 before any costly cryptography.
#[derive(Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Proceed,
    /// Send these bytes back to where it came from and forget it: under load, without a valid cookie.
    Reply([u8; COOKIE_REPLY]),
    /// Count and drop.
    Refuse(Refused),
}

/// A message 1 that opened: authentic up to replay.
pub struct Initiation {
    pub(super) state: HandshakeState,
    pub(super) peer: Key,
    pub(super) stamp: Stamp,
    pub(super) head: Head,
    /// Prologue that it opened under; `None`: plain WireGuard.
    pub(super) network: Option<Key>,
}

impl Initiation {
    /// Who sends it; decides which association goes on.
    pub fn peer(&self) -> &Key {
        &self.peer
    }

    /// Whether it is plain WireGuard.
    pub fn is_stock(&self) -> bool {
        self.network.is_none()
    }

    pub(super) fn sender(&self) -> [u8; 4] {
        let [_, _, _, _, sender @ ..] = self.head;
        sender
    }
}

impl Local {
    /// Makes the realm's side.
    pub fn new(options: LocalOptions) -> Arc<Local> {
        let private_key = Zeroizing::new(options.private_key);
        let own = Arc::new(Static::new(&private_key));
        Arc::new(Local {
            mac_keys: MacKeys::of(own.public()),
            own,
            network: options.prologue,
            kind: options.kind,
            suites: options.suites,
            checker: Checker::default(),
            epochs: RwLock::default(),
            routers: RwLock::default(),
            stamp: AtomicU64::new(options.stamp_floor_millis.saturating_sub(1)),
        })
    }

    /// X25519 public key.
    pub fn public_key(&self) -> &Key {
        self.own.public()
    }

    /// Replaces the epoch keys, newest first. Two keys may share an id. Id 0 is left out, and what exceeds 255.
    pub fn set_epochs(&self, epochs: &[Epoch]) {
        let held = epochs
            .iter()
            .filter(|epoch| epoch.id != ROUTER_EPOCH)
            .take(MAX_EPOCHS)
            .map(|epoch| HeldEpoch { id: epoch.id, key: Zeroizing::new(epoch.key) })
            .collect();
        *self.epochs.write().unwrap_or_else(PoisonError::into_inner) = held;
    }

    /// Highest stamp used so far, milliseconds since 1970: to be persisted a minute ahead.
    pub fn highest_stamp_millis(&self) -> u64 {
        self.stamp.load(Ordering::Relaxed)
    }

    /// Whether mac1 of a message 1 or message 2 is for this key. 0.2 µs.
    pub fn accepts_mac1(&self, datagram: &[u8]) -> bool {
        is_handshake(datagram) && self.mac_keys.accepts(datagram)
    }

    /// Checks mac1 and, under load, mac2. `source`: what identifies where it came from (address and port, and
    /// channel).
    pub fn admit(
        &self,
        now: Millis,
        datagram: &[u8],
        source: &[u8],
        under_load: bool,
        surroundings: &mut dyn Surroundings,
    ) -> Admission {
        if !is_handshake(datagram) {
            return Admission::Refuse(Refused::Malformed);
        }
        if !self.mac_keys.accepts(datagram) {
            return Admission::Refuse(Refused::Mac);
        }
        if !under_load || self.checker.accepts(now, datagram, source) {
            return Admission::Proceed;
        }
        self.checker
            .reply(now, &self.mac_keys, (datagram, source), surroundings)
            .map_or(Admission::Refuse(Refused::Malformed), Admission::Reply)
    }

    /// Opens an admitted message 1 with the prologue that its reserved bytes ask for (standard WireGuard's, the
    /// realm's own, or those of the router peers that associations were made for).
    pub fn read_initiation(
        &self,
        datagram: &[u8],
        surroundings: &mut dyn Surroundings,
    ) -> Result<Initiation, Refused> {
        let message = <&[u8; INITIATION]>::try_from(datagram).map_err(|_| Refused::Malformed)?;
        let head = handshake::head_of(message);
        let mut seed = Zeroizing::new([0; 32]);
        surroundings.fill(&mut *seed);
        for network in self.prologues(&head)? {
            if let Some(opening) = handshake::read_initiation(&self.own, network.as_ref(), &seed, message) {
                return Ok(Initiation {
                    state: opening.state,
                    peer: opening.peer,
                    stamp: opening.stamp,
                    head,
                    network,
                });
            }
        }
        Err(Refused::Handshake)
    }

    /// Prologues under which a message 1 with these first bytes may open; `None` is plain WireGuard's.
    fn prologues(&self, head: &Head) -> Result<Vec<Option<Key>>, Refused> {
        match (*head, self.kind) {
            ([kind::INITIATION, 0, 0, 0, ..], RealmKind::Network) => Ok(vec![None]),
            ([kind::INITIATION, 0, ..], _) => Err(Refused::Suite),
            ([kind::INITIATION, _, ROUTER_EPOCH, ..], RealmKind::Network) => {
                let routers = self.routers.read().unwrap_or_else(PoisonError::into_inner);
                Ok(routers.iter().take(MAX_ROUTERS).map(|(prologue, _)| Some(*prologue)).collect())
            }
            ([kind::INITIATION, _, ROUTER_EPOCH, ..], RealmKind::Router)
            | ([kind::INITIATION, ..], RealmKind::Network) => Ok(vec![Some(self.network)]),
            ([kind::INITIATION, ..], RealmKind::Router) => Err(Refused::Epoch),
            _ => Err(Refused::Malformed),
        }
    }

    /// Stamp for the next message 1: the clock, but above every stamp before and not below the floor.
    pub(super) fn next_stamp(&self, unix_millis: u64) -> Stamp {
        let mut last = self.stamp.load(Ordering::Relaxed);
        let millis = loop {
            let next = unix_millis.max(last.saturating_add(1));
            match self.stamp.compare_exchange_weak(last, next, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => break next,
                Err(seen) => last = seen,
            }
        };
        let mut stamp = [0; 12];
        stamp[..8].copy_from_slice(&(TAI64_1970 + millis / 1_000).to_be_bytes());
        let nanos = u32::try_from(millis % 1_000).unwrap_or_default() * 1_000_000;
        stamp[8..].copy_from_slice(&nanos.to_be_bytes());
        stamp
    }

    /// The epoch that message 1 offers: the newest that was not offered in vain.
    pub(super) fn newest_epoch(&self, unmet: &[u8]) -> Option<u8> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        let met = epochs.iter().find(|epoch| !unmet.contains(&epoch.id));
        met.or(epochs.first()).map(|epoch| epoch.id)
    }

    /// Keys with this id, newest first.
    pub(super) fn epoch_keys(&self, id: u8) -> Vec<Zeroizing<Key>> {
        self.epochs
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter(|epoch| epoch.id == id)
            .map(|epoch| epoch.key.clone())
            .collect()
    }

    /// The epoch that message 2 names: the one offered if it is held, else the newest here.
    pub(super) fn answer_epoch(&self, offered: u8) -> Option<(u8, Zeroizing<Key>)> {
        let epochs = self.epochs.read().unwrap_or_else(PoisonError::into_inner);
        let chosen = epochs.iter().find(|epoch| epoch.id == offered).or(epochs.first())?;
        Some((chosen.id, chosen.key.clone()))
    }

    pub(super) fn add_router(&self, prologue: &Key) {
        let mut routers = self.routers.write().unwrap_or_else(PoisonError::into_inner);
        match routers.iter_mut().find(|(known, _)| known == prologue) {
            Some((_, users)) => *users += 1,
            None => routers.push((*prologue, 1)),
        }
    }

    pub(super) fn remove_router(&self, prologue: &Key) {
        let mut routers = self.routers.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = routers.iter().position(|(known, _)| known == prologue) {
            routers[at].1 -= 1;
            if routers[at].1 == 0 {
                routers.swap_remove(at);
            }
        }
    }
}

struct HeldEpoch {
    id: u8,
    key: Zeroizing<Key>,
}

fn is_handshake(datagram: &[u8]) -> bool {
    matches!(
        (datagram.first(), datagram.len()),
        (Some(&kind::INITIATION), INITIATION) | (Some(&kind::RESPONSE), RESPONSE)
    )
}

/// Epoch byte of a session with a router.
pub(super) const ROUTER_EPOCH: u8 = 0;
const MAX_EPOCHS: usize = 255;
/// A message 1 from a router is tried with at most so many prologues, 25 µs each.
const MAX_ROUTERS: usize = 8;
/// 1970 in TAI64, with the ten leap seconds that WireGuard counts.
const TAI64_1970: u64 = 0x4000_0000_0000_000a;
