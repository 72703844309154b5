//! Where a peer's packets go: paths, probes, what is heard from elsewhere.

use super::drive::Drive;
use super::options::Use;
use super::outbox::{Outgoing, Route};
use super::path::Measure;
use super::port::Port;
use super::prober::{ProbeOutput, Prober, Traffic};
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::os::boot_nanos;
use crate::session::{Millis, PeerKind, probe};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Drive<'_> {
    pub fn set_paths(&mut self, paths: &[(Endpoint, Millis)], used: &Use) {
        self.state.prober.set_paths(paths, self.now.millis);
        self.state.active =
            used.active.first().copied().map(|endpoint| Route { port: self.port_to(&endpoint), endpoint });
        self.refresh();
        self.probe_timeout();
    }

    /// Authentic data came from where this peer's packets do not go.
    pub fn handle_heard(&mut self, route: &Route) {
        let is_here =
            |known: &Option<Route>| known.as_ref().is_some_and(|known| known.endpoint == route.endpoint);
        if self.state.kind == PeerKind::Stock && self.state.active.is_none() {
            self.stand(route.clone());
            return;
        }
        if is_here(&self.state.active)
            || is_here(&self.state.standing)
            || self.state.prober.is_path(&route.endpoint)
        {
            return;
        }
        let endpoint = route.endpoint;
        let is_new = self.state.told.take(endpoint, self.now.millis);
        if is_new {
            self.tell(|realm, peer| Event::Heard { realm, peer, endpoint });
        }
        // Also with an active path: what answers may use its relay channels from there.
        if self.state.active.is_none() || is_new {
            self.probe(|prober, now, out| prober.challenge(endpoint, now, out));
        }
    }

    pub fn ping(&mut self, id: u32, count: u32, endpoint: Option<Endpoint>) {
        self.state.prober.ping(id, count, endpoint, self.now.millis);
        self.probe_timeout();
    }

    /// An echo that arrived at `nanos`; false when no probe of ours fits.
    pub fn handle_echo(&mut self, id: u64, from: &Route, nanos: u64) -> bool {
        let endpoint = from.endpoint;
        let taken = self.probe(|prober, now, out| prober.handle_echo(id, endpoint, nanos, now, out));
        let is_active = self.state.active.as_ref().is_some_and(|active| active.endpoint == endpoint);
        if taken {
            self.peer.note_place(&endpoint, self.now.millis);
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
        let traffic = &self.peer.traffic;
        let traffic = Traffic {
            sent: traffic.sent.load(Ordering::Relaxed),
            received: traffic.received.load(Ordering::Relaxed),
        };
        let route = self.state.active.as_ref().or(self.state.standing.as_ref()).map(|route| route.endpoint);
        let session = self.state.keypair.is_some();
        self.probe(|prober, now, out| prober.handle_timeout(now, route, session, traffic, out));
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
                ProbeOutput::Send { id, endpoint } => self.send_probe(id, endpoint),
                ProbeOutput::Proved { endpoint, rtt_millis } => {
                    self.tell(|realm, peer| Event::Proved { realm, peer, endpoint, rtt_millis });
                }
                ProbeOutput::Lost { endpoint } => {
                    self.tell(|realm, peer| Event::Lost { realm, peer, endpoint })
                }
                ProbeOutput::Answered { endpoint } => {
                    if self.state.active.is_none()
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

    pub(super) fn send_probe(&mut self, id: u64, endpoint: Endpoint) {
        let Some(keypair) = self.state.keypair.clone() else { return };
        let route = Route { port: self.port_to(&endpoint), endpoint };
        let mut payload = [0u8; probe::MIN];
        probe::write_probe(&mut payload, id);
        self.state.prober.stamp(id, boot_nanos());
        self.send_over(&Arc::new(Outgoing { keypair, route }), &payload);
    }

    /// The socket by which an endpoint was met, or the realm's.
    pub(super) fn port_to(&self, endpoint: &Endpoint) -> Arc<Port> {
        let met = [self.from, self.state.standing.as_ref()].into_iter().flatten();
        let met = met.into_iter().find(|route| route.endpoint == *endpoint);
        met.map_or_else(|| self.peer.realm.port.clone(), |route| route.port.clone())
    }

    pub(super) fn establish(&mut self, suite: u8, initiator: bool, rekey: bool) {
        self.state.targets.clear();
        self.state.message = None;
        self.state.attempts = 0;
        self.state.wanted = None;
        let Some(from) = self.from.cloned() else { return };
        self.peer.traffic.received.store(self.now.millis, Ordering::Relaxed);
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
        self.peer.proven.store(Some(Arc::new(route.clone())));
        self.peer.note_place(&route.endpoint, self.now.millis);
        self.state.standing = Some(route);
        self.refresh();
    }

    /// Sets what the packet threads read.
    pub(super) fn refresh(&mut self) {
        let route = self.state.active.as_ref().or(self.state.standing.as_ref());
        let outgoing = match (&self.state.keypair, route) {
            (Some(keypair), Some(route)) => {
                Some(Arc::new(Outgoing { keypair: keypair.clone(), route: route.clone() }))
            }
            _ => None,
        };
        self.peer.outgoing.store(outgoing.clone());
        if let Some(outgoing) = outgoing {
            self.flush(&outgoing);
        }
    }
}
