//! Where a peer's packets go: paths, probes, what is heard from elsewhere.

use super::drive::Drive;
use super::kcp_source::spare;
use super::masks::RealmMasks;
use super::options::Use;
use super::outbox::{Outgoing, Route};
use super::path::Measure;
use super::port::Port;
use super::prober::{Around, Echo, ProbeOutput, Prober, Traffic};
use super::spread::{self, MOST, Spread};
use super::state::Used;
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::mask::Mask;
use crate::os::boot_nanos;
use crate::session::{Millis, PeerKind, RealmKind, probe};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Drive<'_> {
    pub fn set_paths(&mut self, paths: &[(Endpoint, Millis)], used: &Use) {
        self.state.prober.set_paths(paths, self.now.millis);
        let routes = |endpoints: &[Endpoint]| -> Vec<Route> {
            let route = |endpoint: &Endpoint| Route::bare(self.port_to(endpoint), *endpoint);
            endpoints.iter().take(MOST).map(route).collect()
        };
        let (mut active, mut standby) = (routes(&used.active), routes(&used.standby));
        for routes in [&mut active, &mut standby] {
            routes.retain(|route| self.peer.only.allows(route.endpoint.carrier));
        }
        // The caller may not have heard yet that one of them went silent.
        let prober = &self.state.prober;
        let mut silent = std::mem::take(&mut self.state.used.silent);
        silent.retain(|endpoint| prober.is_path(endpoint) && !prober.is_proved(endpoint));
        self.state.used = Used { active, standby, silent };
        self.choose();
        self.probe_timeout();
    }

    /// What leads to the peer by other carriers than it is confined to is forgotten.
    pub fn confine(&mut self) {
        let only = &self.peer.only;
        let stays = |route: &Route| only.allows(route.endpoint.carrier);
        let state = &mut *self.state;
        for routes in [&mut state.targets, &mut state.active, &mut state.used.active, &mut state.used.standby]
        {
            routes.retain(stays);
        }
        state.standing.take_if(|route| !stays(route));
        if self.peer.proven.load().as_ref().is_some_and(|route| !stays(route)) {
            self.peer.proven.store(None);
        }
        self.choose();
    }

    /// Has what left by a path that died go again by whatever carries packets next.
    fn resend(&mut self, dead: Endpoint) {
        let now = self.now.millis;
        if self.state.active.iter().any(|route| route.endpoint == dead) {
            for (vnet, packet) in self.peer.recent.take(now) {
                self.state.waiting.push(vnet, &packet, now);
            }
        }
    }

    /// Takes the chosen paths that are not silent: the active ones, else the first on standby.
    fn choose(&mut self) {
        let Used { active, standby, silent } = &self.state.used;
        let speaks = |route: &&Route| !silent.contains(&route.endpoint);
        let mut chosen: Vec<Route> = active.iter().filter(speaks).cloned().collect();
        if chosen.is_empty() {
            // Where nothing else is left, one that answers again, or the caller's word.
            let answers = |route: &&Route| self.state.prober.is_proved(&route.endpoint);
            let all = || active.iter().chain(standby);
            let next = standby.iter().find(speaks).or_else(|| all().find(answers)).or_else(|| all().next());
            chosen.extend(next.cloned());
        }
        self.state.active = chosen;
        self.refresh();
    }

    /// Authentic data came from where this peer's packets do not go.
    pub fn handle_heard(&mut self, route: &Route) {
        let mut known = self.state.active.iter().chain(&self.state.standing);
        if self.state.kind == PeerKind::Stock && self.state.active.is_empty() {
            self.stand(route.clone());
            return;
        }
        if known.any(|known| known.endpoint == route.endpoint) || self.state.prober.is_path(&route.endpoint) {
            return;
        }
        note_mask(route);
        let endpoint = route.endpoint;
        let is_new = self.state.told.take(endpoint, self.now.millis);
        if is_new {
            self.tell(|realm, peer| Event::Heard { realm, peer, endpoint });
        }
        // Also with an active path: what answers may use its relay channels from there.
        if self.state.active.is_empty() || is_new {
            self.probe(|prober, now, out| prober.challenge(endpoint, now, out));
        }
    }

    pub fn ping(&mut self, id: u32, count: u32, endpoint: Option<Endpoint>) {
        self.state.prober.ping(id, count, endpoint, self.now.millis);
        self.probe_timeout();
    }

    /// False when no probe of ours fits.
    pub fn handle_echo(&mut self, echo: Echo, from: &Route) -> bool {
        let taken = self.probe(|prober, now, out| prober.handle_echo(echo, now, out));
        // A first echo may ask for probes of other sizes at once.
        self.probe_timeout();
        let is_active = self.state.active.iter().any(|active| active.endpoint == from.endpoint);
        if taken {
            note_mask(from);
            self.peer.note_place(&from.endpoint, self.now.millis);
        }
        if taken && is_active {
            self.peer.proven.store(Some(Arc::new(from.clone())));
        }
        taken
    }

    pub fn take_measures(&mut self) -> Vec<Measure> {
        self.state.measured = false;
        self.state.prober.take_news()
    }

    pub(super) fn probe_timeout(&mut self) {
        self.peer.recent.forget(self.now.millis);
        let traffic = &self.peer.traffic;
        let traffic = Traffic {
            sent: traffic.sent.load(Ordering::Relaxed),
            received: traffic.received.load(Ordering::Relaxed),
        };
        let routes: Vec<Endpoint> = self.routes().iter().map(|route| route.endpoint).collect();
        let session = self.state.keypair.is_some();
        let around = Around { routes: &routes, session, traffic, budget: &self.core.budget };
        self.probe(|prober, now, out| prober.handle_timeout(now, &around, out));
        if !self.state.measured && self.state.prober.has_news() {
            self.state.measured = true;
            self.core.timers.note_measured(self.peer);
        }
    }

    pub(super) fn probe<R>(
        &mut self,
        act: impl FnOnce(&mut Prober, Millis, &mut Vec<ProbeOutput>) -> R,
    ) -> R {
        let mut out = Vec::new();
        let result = act(&mut self.state.prober, self.now.millis, &mut out);
        for output in out {
            match output {
                ProbeOutput::Send { id, endpoint, size } => self.send_probe(id, endpoint, size),
                ProbeOutput::Proved { endpoint, rtt_millis } => {
                    self.tell(|realm, peer| Event::Proved { realm, peer, endpoint, rtt_millis });
                    self.choose();
                }
                ProbeOutput::Lost { endpoint } => {
                    let silent = &mut self.state.used.silent;
                    silent.retain(|known| *known != endpoint);
                    silent.push(endpoint);
                    self.resend(endpoint);
                    self.choose();
                    self.tell(|realm, peer| Event::Lost { realm, peer, endpoint })
                }
                ProbeOutput::Resized => self.refresh(),
                ProbeOutput::Answered { endpoint } => {
                    if self.state.active.is_empty()
                        && let Some(from) = self.from.filter(|from| from.endpoint == endpoint)
                    {
                        self.stand(from.clone());
                    }
                }
                ProbeOutput::Pong { id, sequence, rtt_millis, endpoint } => {
                    self.core.tell(Event::Pong { id, sequence, rtt_millis, endpoint });
                }
                ProbeOutput::Wanted => self.want(),
            }
        }
        result
    }

    pub(super) fn send_probe(&mut self, id: u64, endpoint: Endpoint, size: usize) {
        let Some(keypair) = self.state.keypair.clone() else { return };
        if !self.peer.only.allows(endpoint.carrier) {
            return;
        }
        let route = self.masked(&Route::bare(self.port_to(&endpoint), endpoint));
        let mut payload = vec![0u8; size];
        probe::write_probe(&mut payload, id);
        let way = self.state.prober.ways().find(|way| way.endpoint == endpoint).cloned();
        self.state.prober.stamp(id, boot_nanos());
        self.send_over(&Arc::new(Outgoing { way, ..Outgoing::plain(keypair, route) }), &payload);
    }

    /// The socket by which an endpoint was met, or the realm's.
    pub(super) fn port_to(&self, endpoint: &Endpoint) -> Arc<Port> {
        let met = [self.from, self.state.standing.as_ref()].into_iter().flatten();
        let met = met.into_iter().find(|route| route.endpoint == *endpoint);
        met.map_or_else(|| self.core.route(&self.peer.realm.port, *endpoint).port, |route| route.port.clone())
    }

    pub(super) fn establish(&mut self, suite: u8, initiator: bool, rekey: bool) {
        self.state.targets.clear();
        self.state.message = None;
        self.state.attempts = 0;
        self.state.wanted = None;
        let Some(from) = self.from.cloned() else { return };
        self.peer.note_alive(self.now.millis);
        let endpoint = from.endpoint;
        self.stand(from);
        if !rekey {
            self.state.prober.handle_session(self.now.millis);
        }
        self.tell(|realm, peer| Event::Session { realm, peer, endpoint, suite, initiator, rekey });
        self.probe_timeout();
    }

    /// The peer proved to be there.
    pub(super) fn stand(&mut self, route: Route) {
        note_mask(&route);
        self.peer.proven.store(Some(Arc::new(route.clone())));
        self.peer.note_place(&route.endpoint, self.now.millis);
        self.state.standing = Some(route);
        self.refresh();
    }

    /// Sets what the packet threads read.
    pub(super) fn refresh(&mut self) {
        let spread = self.state.keypair.as_ref().and_then(|keypair| {
            let prober = &self.state.prober;
            let outgoing = |(at, route): (usize, &Route)| {
                let endpoint = &route.endpoint;
                Arc::new(Outgoing {
                    keypair: keypair.clone(),
                    route: self.masked(route),
                    way: prober.ways().find(|way| way.endpoint == *endpoint).cloned(),
                    mtu: self.mtu(endpoint),
                    lane: spread::lane(at),
                    salt: spread::salt(endpoint),
                })
            };
            let active = self.routes().iter().enumerate().map(outgoing).collect();
            Spread::new(active, prober.ways().cloned().collect()).map(Arc::new)
        });
        self.peer.outgoing.store(spread.clone());
        if let Some(spread) = spread {
            self.flush(&spread);
        }
    }

    /// The way with the mask of what belongs to the session.
    pub(super) fn masked(&self, route: &Route) -> Route {
        let mask = self.own_mask(route, |masks| match &self.state.keypair {
            Some(keypair) => masks.of_epoch(keypair.epoch()),
            None => masks.of_attempt(0),
        });
        Route { mask, ..route.clone() }
    }

    /// The way with the mask of a first message.
    pub(super) fn masked_first(&self, route: &Route) -> Route {
        let attempt = self.state.attempts;
        let mask = self.own_mask(route, |masks| match &self.state.keypair {
            Some(keypair) if attempt.is_multiple_of(2) => masks.of_epoch(keypair.epoch()),
            _ => masks.of_attempt(attempt),
        });
        Route { mask, ..route.clone() }
    }

    /// `of`: which of the realm's masks, where the realm masks what it sends.
    fn own_mask(
        &self,
        Route { port, endpoint, .. }: &Route,
        of: impl FnOnce(&RealmMasks) -> Option<&Arc<Mask>>,
    ) -> Option<Arc<Mask>> {
        if endpoint.channel.is_some() || !endpoint.is_bare() {
            return None;
        }
        match self.state.kind {
            PeerKind::Stock => return None,
            PeerKind::Router => {
                let mask = self.peer.mask.load_full();
                if let Some(mask) = &mask {
                    // What is asked of it, and what it shall pass on, is masked from now on as well.
                    port.hops.learn(endpoint.address, mask);
                }
                return mask;
            }
            PeerKind::Node => {}
        }
        let (realm, masks) = (&self.peer.realm, self.peer.realm.masks.load());
        if masks.on {
            return of(&masks).cloned();
        }
        // Who began the session decides; of a router's, that is always the member.
        let began = self.state.keypair.as_ref().is_none_or(|keypair| keypair.is_initiator());
        let answers = realm.kind == RealmKind::Router || !began;
        answers.then(|| port.hops.answer(endpoint.address)).flatten()
    }

    /// Largest inner packet that passes whole there.
    fn mtu(&self, endpoint: &Endpoint) -> u16 {
        let mtu = self.state.prober.mtu(endpoint);
        if self.state.kind == PeerKind::Stock { u16::MAX } else { mtu - spare(endpoint) }
    }

    /// Where packets go: the paths in use, or where the session was proved.
    fn routes(&self) -> &[Route] {
        if self.state.active.is_empty() { self.state.standing.as_slice() } else { &self.state.active }
    }
}

/// Something authentic came from there: it shows how who is there masks. Behind a relay it shows nothing.
fn note_mask(Route { port, endpoint, mask }: &Route) {
    if endpoint.channel.is_none() {
        port.hops.note(endpoint.address, mask.as_ref());
    }
}
