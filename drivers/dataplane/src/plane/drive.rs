//! A peer's state while one thread drives it: handshakes and timers. Its ways are in `ways`, what it sends in `sending`.

use super::core::{Core, fill_random, random_u32};
use super::outbox::Route;
use super::peer::Peer;
use super::sending::send_plain;
use super::state::State;
use crate::events::Event;
use crate::session::{
    self, EndReason, INITIATION, Initiation, Key, Millis, Now, Output, PeerKind, Refused, Surroundings,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Endpoints of one handshake.
const TARGETS: usize = 32;

/// The state under its lock, with what happened outside to finish it by.
pub struct Drive<'a> {
    pub state: &'a mut State,
    pub now: Now,
    pub(super) core: &'a Core,
    pub(super) peer: &'a Arc<Peer>,
    pub(super) from: Option<&'a Route>,
    outputs: Vec<Output>,
}

struct Outside<'a> {
    core: &'a Core,
    peer: &'a Arc<Peer>,
}

impl Surroundings for Outside<'_> {
    fn fill(&mut self, bytes: &mut [u8]) {
        fill_random(bytes);
    }

    fn reserve_index(&mut self) -> u32 {
        self.core.index.reserve(self.peer, random_u32)
    }
}

impl<'a> Drive<'a> {
    pub fn new(
        core: &'a Core,
        peer: &'a Arc<Peer>,
        from: Option<&'a Route>,
        state: &'a mut State,
        now: Now,
    ) -> Drive<'a> {
        Drive { state, now, core, peer, from, outputs: Vec::new() }
    }

    /// Does what is left to do and sets the next deadline.
    pub fn finish(&mut self) {
        self.perform();
        if self.state.removed {
            return;
        }
        let deadlines = [
            self.state.association.deadline(),
            self.state.control.deadline(),
            self.state.prober.deadline(self.state.keypair.is_some()),
        ];
        let Some(next) = deadlines.into_iter().flatten().min() else { return };
        if self.state.scheduled.is_none_or(|scheduled| next < scheduled) {
            self.state.scheduled = Some(next);
            self.core.timers.schedule(next, self.peer);
        }
    }

    pub fn handle_timer(&mut self, at: Millis) {
        // An entry that a nearer one replaced is stale: the nearer one has set the next already.
        if self.state.scheduled != Some(at) {
            return;
        }
        self.state.scheduled = None;
        self.handle_session_timeout();
        self.control(|control, now, out| control.handle_timeout(now, out));
        self.probe_timeout();
    }

    pub fn handle_session_timeout(&mut self) {
        if self.state.removed {
            return;
        }
        let mut outside = Outside { core: self.core, peer: self.peer };
        self.state.association.handle_timeout(self.now, &mut outside, &mut self.outputs);
        self.perform();
    }

    /// Changes what the peer is; false when its association refuses.
    pub fn configure(&mut self, kind: PeerKind, options: session::PeerOptions) -> bool {
        let changed = self.state.association.configure(options, &mut self.outputs);
        if changed {
            self.state.kind = kind;
            self.peer.is_stock.store(kind == PeerKind::Stock, Ordering::Relaxed);
        }
        changed
    }

    /// Message 1 to all of them, now and until one answers.
    pub fn handshake(&mut self, targets: Vec<Route>, force: bool) {
        if !self.state.association.is_handshaking() {
            self.state.targets.clear();
        }
        let known = self.state.targets.len();
        for target in targets {
            let is_new = self.peer.only.allows(target.endpoint.carrier)
                && self.state.targets.iter().all(|route| route.endpoint != target.endpoint);
            if is_new && self.state.targets.len() < TARGETS {
                self.state.targets.push(target);
            }
        }
        let mut outside = Outside { core: self.core, peer: self.peer };
        let began = self.state.association.start(self.now, force, &mut outside, &mut self.outputs);
        if !began && self.state.association.is_handshaking() {
            if let Some(message) = &self.state.message {
                for route in &self.state.targets[known..] {
                    send_plain(self.core, &self.masked_first(route), &message[..]);
                }
            }
        } else if !began {
            self.state.targets.clear();
        }
    }

    /// The running handshake's message 1 (one begins if none runs).
    pub fn handshake_message(&mut self) -> Option<[u8; INITIATION]> {
        let mut outside = Outside { core: self.core, peer: self.peer };
        self.state.association.message(self.now, &mut outside, &mut self.outputs)
    }

    pub fn handle_initiation(&mut self, initiation: Initiation) -> Result<(), Refused> {
        if self.state.removed {
            return Err(Refused::Index);
        }
        let mut outside = Outside { core: self.core, peer: self.peer };
        self.state.association.handle_initiation(initiation, self.now, &mut outside, &mut self.outputs)
    }

    pub fn handle_response(&mut self, datagram: &[u8]) -> Result<(), Refused> {
        self.state.association.handle_response(datagram, self.now, &mut self.outputs)
    }

    pub fn handle_cookie(&mut self, datagram: &[u8]) -> Result<(), Refused> {
        self.state.association.handle_cookie(datagram, self.now)
    }

    pub fn handle_confirmed(&mut self, local_index: u32) {
        self.state.association.handle_confirmed(local_index, self.now, &mut self.outputs);
        self.perform();
    }

    /// Ends the sessions; open requests end without answer.
    pub fn drop_sessions(&mut self) {
        self.state.association.drop_sessions(&mut self.outputs);
        self.perform();
        self.control(|control, _, out| control.reset(out));
    }

    /// As `drop_sessions`, for good: nothing is scheduled or told any more.
    pub fn remove(&mut self) {
        self.drop_sessions();
        self.state.removed = true;
        self.forget_waiting();
        self.peer.forget_places();
    }

    fn perform(&mut self) {
        while !self.outputs.is_empty() {
            for output in std::mem::take(&mut self.outputs) {
                self.perform_one(output);
            }
        }
    }

    fn perform_one(&mut self, output: Output) {
        match output {
            Output::Initiation(message) => self.send_initiation(message),
            Output::Response(message) => {
                if let Some(from) = self.from {
                    send_plain(self.core, from, &message[..]);
                }
            }
            Output::Install(keypair) => self.core.index.install(self.peer, keypair),
            Output::Release(index) => self.core.index.release(index),
            Output::Current(keypair) => {
                self.state.keypair = keypair;
                self.refresh();
            }
            Output::Established { suite, initiator, rekey } => self.establish(suite as u8, initiator, rekey),
            Output::Keepalive => self.keep_alive(),
            Output::Ended(reason) => {
                self.state.targets.clear();
                self.state.message = None;
                self.state.attempts = 0;
                self.forget_waiting();
                self.control(|control, _, out| control.reset(out));
                let reason = match reason {
                    EndReason::NoAnswer => "no-answer",
                    EndReason::Expired => "expired",
                };
                self.tell(|realm, peer| Event::Ended { realm, peer, reason });
            }
        }
    }

    fn send_initiation(&mut self, message: Box<[u8; INITIATION]>) {
        if self.state.targets.is_empty() {
            // A rekey: first the way that works, then every way there is.
            let mut routes: Vec<Route> =
                self.state.active.iter().chain(&self.state.standing).cloned().collect();
            if self.state.attempts > 0 {
                let port = &self.peer.realm.port;
                routes.extend(self.state.prober.endpoints().map(|endpoint| self.core.route(port, endpoint)));
            }
            for (at, route) in routes.iter().enumerate() {
                let is_first = routes[..at].iter().all(|other| other.endpoint != route.endpoint);
                if is_first && self.peer.only.allows(route.endpoint.carrier) {
                    send_plain(self.core, &self.masked_first(route), &message[..]);
                }
            }
        } else {
            for route in &self.state.targets {
                send_plain(self.core, &self.masked_first(route), &message[..]);
            }
        }
        self.state.attempts += 1;
        self.state.message = Some(message);
    }

    pub(super) fn tell(&self, event: impl FnOnce(Arc<str>, Key) -> Event) {
        if !self.state.removed {
            self.core.tell(event(self.peer.realm.name.clone(), self.peer.key));
        }
    }
}
