//! The calls that concern one peer.

use super::broadcast::Broadcast;
use super::calls::{Plane, forget};
use super::core::{millis, random_u32};
use super::masks::RealmMasks;
use super::only::Confined;
use super::options::{BroadcastOptions, CallError, Called, PathOptions, PeerOptions, PunchOptions, Use};
use super::peer::Peer;
use super::punch;
use super::receive;
use super::relay::{LabelTaken, SWEEP};
use crate::endpoint::Endpoint;
use crate::filter::{Filter, Rule};
use crate::mask::Mask;
use crate::session::control::{ControlError, MAX_KIND};
use crate::session::{self, Association, Epoch, Key, Millis};
use crate::table::{Prefix, Table};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Plane {
    pub fn set_epochs(&self, realm: &str, epochs: &[Epoch]) -> Called<()> {
        self.realm(realm)?.local.set_epochs(epochs);
        Ok(())
    }

    /// Masks that this realm knows, newest first, each with the id of its epoch; and whether it masks what it sends first.
    pub fn set_mask(&self, realm: &str, keys: &[(u8, Key)], on: bool) -> Called<()> {
        let realm = self.realm(realm)?;
        realm.masks.store(Arc::new(RealmMasks::new(keys, on)));
        self.core.masks.gather(&self.core.realms.load());
        realm.peers().iter().for_each(|peer| peer.drive(&self.core, None, |drive| drive.refresh()));
        Ok(())
    }

    pub fn set_peer(&self, realm: &str, options: PeerOptions) -> Called<()> {
        let realm = self.realm(realm)?;
        let session = session::PeerOptions {
            public_key: options.public_key,
            kind: options.kind,
            prologue: options.prologue,
            preshared_key: options.preshared_key,
            keepalive_seconds: options.keepalive_seconds,
        };
        let refused = || CallError::invalid("this key, kind and prologue do not fit together");
        let _changing = realm.change();
        let peer = match realm.peer(&options.public_key) {
            Some(peer) => {
                if !peer.drive(&self.core, None, |drive| drive.configure(options.kind, session)) {
                    return Err(refused());
                }
                peer
            }
            None => {
                let association = Association::new(realm.local.clone(), session).ok_or_else(refused)?;
                let peer = Peer::new(&realm, options.public_key, options.kind, association);
                realm.insert(peer.clone());
                peer
            }
        };
        let mask = options.mask.as_ref().map(|key| Arc::new(Mask::new(key)));
        let had = peer.mask.swap(mask.clone());
        if had.is_some() || mask.is_some() {
            self.core.masks.gather(&self.core.realms.load());
            peer.drive(&self.core, None, |drive| drive.refresh());
        }
        let old = peer.drive(&self.core, None, |drive| {
            std::mem::replace(&mut drive.state.prefixes, options.allowed.clone())
        });
        realm.assign(&peer, &old, &options.allowed);
        let sources =
            options.sources.iter().fold(Table::default(), |table, prefix| table.with(*prefix, Some(())));
        peer.sources.store((!options.sources.is_empty()).then(|| Arc::new(sources)));
        realm.forwarding.note(peer.forward.swap(options.forward, Ordering::Relaxed), options.forward);
        Ok(())
    }

    /// Addresses of this machine and prefixes behind it: what comes for them is its own, though a peer has a wider prefix.
    pub fn set_own(&self, realm: &str, prefixes: &[Prefix]) -> Called<()> {
        self.realm(realm)?.forwarding.set_own(prefixes);
        Ok(())
    }

    /// What is passed of what is for many; `None`: nothing.
    pub fn set_broadcast(&self, realm: &str, options: Option<BroadcastOptions>) -> Called<()> {
        let realm = self.realm(realm)?;
        let Some(BroadcastOptions { ports, subnets, per_second }) = options else {
            realm.broadcast.store(None);
            return Ok(());
        };
        if ports.len() > 64 || !(1..=1_000).contains(&per_second) {
            return Err(CallError::invalid("at most 64 ports, and 1 to 1000 packets a second"));
        }
        realm.broadcast.store(Some(Arc::new(Broadcast::new(ports, &subnets, per_second))));
        Ok(())
    }

    /// What the realm's peers may send; `None`: everything.
    pub fn set_filter(&self, realm: &str, rules: Option<(&[Rule], bool)>) -> Called<()> {
        let realm = self.realm(realm)?;
        // Two that change it at once would lose one's flows.
        let _changing = realm.change();
        let before = realm.filter.load_full();
        let filter =
            rules.map(|(rules, otherwise)| Arc::new(Filter::new(rules, otherwise, before.as_deref())));
        realm.filter.store(filter);
        Ok(())
    }

    /// Confines a peer to one carrier, or not any more.
    pub fn confine_peer(&self, realm: &str, key: &Key, confined: Option<Confined>) -> Called<()> {
        let peer = self.peer(realm, key)?;
        peer.only.set(confined);
        peer.drive(&self.core, None, |drive| drive.confine());
        Ok(())
    }

    pub fn remove_peer(&self, realm: &str, key: &Key) -> Called<()> {
        let realm = self.realm(realm)?;
        let _changing = realm.change();
        let peer = realm.remove(key).ok_or_else(CallError::no_peer)?;
        forget(&self.core, &realm, &peer);
        Ok(())
    }

    pub fn set_paths(&self, realm: &str, key: &Key, paths: &[PathOptions], used: &Use) -> Called<()> {
        let peer = self.peer(realm, key)?;
        let list: Vec<(Endpoint, Millis)> =
            paths.iter().map(|path| (path.endpoint, Millis::from(path.probe_millis))).collect();
        peer.drive(&self.core, None, |drive| drive.set_paths(&list, used));
        self.core.punches.claim(&peer, paths.iter().map(|path| path.endpoint));
        Ok(())
    }

    /// Looks for an opening through NATs; one that runs for the peer is replaced.
    pub fn punch(&self, realm: &str, key: &Key, options: &PunchOptions) -> Called<()> {
        let peer = self.peer(realm, key)?;
        let PunchOptions { targets, sockets, per_second, seconds } = options;
        if targets.len() > 4_096 || *sockets > 512 || *per_second > 5_000 || *seconds > 300 {
            return Err(CallError::invalid(
                "a search has at most 4096 targets, 512 sockets, 5000 probes a second and 300 seconds",
            ));
        }
        if peer.outgoing.load().is_none() {
            let message = "there is no session with this peer to send probes in".to_string();
            return Err(CallError { code: "ENOENT", message });
        }
        punch::begin(&self.core, &peer, options).map_err(CallError::system)
    }

    pub fn handshake(&self, realm: &str, key: &Key, endpoints: &[Endpoint], force: bool) -> Called<()> {
        let peer = self.peer(realm, key)?;
        let port = &peer.realm.port;
        let targets = endpoints.iter().map(|endpoint| self.core.route(port, *endpoint)).collect();
        peer.drive(&self.core, None, |drive| drive.handshake(targets, force));
        Ok(())
    }

    pub fn handshake_message(&self, realm: &str, key: &Key) -> Called<Vec<u8>> {
        let peer = self.peer(realm, key)?;
        let message = peer.drive(&self.core, None, |drive| drive.handshake_message());
        message.map(|message| message.to_vec()).ok_or_else(|| CallError::invalid("no epoch key is held"))
    }

    pub fn receive(&self, realm: &str, from: Endpoint, datagram: &[u8]) -> Called<()> {
        let realm = self.realm(realm)?;
        let route = self.core.route(&realm.port, from);
        receive::receive_one(&self.core, &route, datagram);
        Ok(())
    }

    pub fn drop_sessions(&self, realm: &str, key: Option<&Key>) -> Called<()> {
        let peers = match key {
            Some(key) => vec![self.peer(realm, key)?],
            None => self.realm(realm)?.peers(),
        };
        peers.iter().for_each(|peer| peer.drive(&self.core, None, |drive| drive.drop_sessions()));
        Ok(())
    }

    pub fn request(&self, realm: &str, key: &Key, kind: u32, body: &str) -> Called<u32> {
        let peer = self.peer(realm, key)?;
        let kind = u8::try_from(kind).ok().filter(|kind| *kind <= MAX_KIND);
        let kind = kind.ok_or_else(|| CallError::invalid(format!("a kind is 0 to {MAX_KIND}")))?;
        let result = peer.drive(&self.core, None, |drive| {
            drive.control(|control, now, out| control.request(kind, body, now, out))
        });
        result.map_err(control_error)
    }

    pub fn respond(&self, realm: &str, key: &Key, id: u32, body: &str) -> Called<()> {
        let peer = self.peer(realm, key)?;
        let result = peer.drive(&self.core, None, |drive| {
            drive.control(|control, now, out| control.respond(id, body, now, out))
        });
        result.map_err(control_error)
    }

    pub fn ping(&self, realm: &str, key: &Key, count: u32, endpoint: Option<Endpoint>) -> Called<u32> {
        let peer = self.peer(realm, key)?;
        let id = self.core.next_id();
        peer.drive(&self.core, None, |drive| drive.ping(id, count, endpoint));
        Ok(id)
    }

    pub fn open_channel(
        &self,
        realm: &str,
        (from, to): (&Key, &Key),
        onward: Option<NonZeroU32>,
    ) -> Called<(u32, u32)> {
        let realm = self.realm(realm)?;
        if from == to {
            return Err(CallError::invalid("a channel has two ends"));
        }
        // No peer leaves between the look and the opening.
        let _changing = realm.change();
        let ends = (
            realm.peer(from).ok_or_else(CallError::no_peer)?,
            realm.peer(to).ok_or_else(CallError::no_peer)?,
        );
        for end in [&ends.0, &ends.1] {
            if end.is_stock.load(Ordering::Relaxed) {
                return Err(CallError::invalid("a stock peer knows no channels"));
            }
            let proven = end.proven.load();
            let direct = proven.as_ref().is_some_and(|route| route.endpoint.channel.is_none());
            if end.outgoing.load().is_none() || !direct {
                let message = "one end has no direct session here".to_string();
                return Err(CallError { code: "ENOENT", message });
            }
        }
        let (core, now) = (&self.core, millis());
        if core.relays.is_empty() {
            core.timers.schedule_relays(now + SWEEP);
        }
        let opened = core.relays.open(&realm, (&ends.0, &ends.1), onward, now, random_u32);
        let (near, far) = opened.map_err(|LabelTaken| CallError {
            code: "EEXIST",
            message: "this label is in use here: ask the next relay for another channel".to_string(),
        })?;
        Ok((near.get(), far.get()))
    }

    pub fn set_relay_quota(&self, bytes_per_second: u64) {
        self.core.relays.set_quota(bytes_per_second);
    }

    pub fn close_channels(&self, realm: &str, key: &Key) -> Called<()> {
        let peer = self.peer(realm, key)?;
        self.core.relays.close(&peer);
        Ok(())
    }
}

fn control_error(error: ControlError) -> CallError {
    match error {
        ControlError::TooLarge => CallError::invalid("a control message has at most 65536 bytes"),
        ControlError::Busy => CallError::busy("too many requests wait for this peer"),
        ControlError::Unknown => CallError { code: "ENOENT", message: "no such request is open".to_string() },
    }
}
