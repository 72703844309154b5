//! One (realm, peer): handshakes in both roles, keypairs, timers. Drives everything but the packets themselves.

use std::sync::Arc;

use zeroize::Zeroize;

use super::activity::{Activity, PASSIVE_KEEPALIVE, SILENCE};
use super::attempts::{Attempts, MAX_JITTER, Pace};
use super::cookie::{Jar, Mac, MacKeys};
use super::handshake::{Head, Stamp};
use super::keypair::{Keypair, REKEY_AFTER, Terms};
use super::local::{Initiation, Local};
use super::message::{Message, classify, u32_at};
use super::sessions::{Held, Sessions};
use super::{
    COOKIE_REPLY, INITIATION, Key, Millis, Now, PeerKind, RESPONSE, RealmKind, Refused, Suite, Surroundings,
};

/// What [`Association::new`] and [`Association::configure`] take.
#[derive(Clone)]
pub struct PeerOptions {
    /// X25519 public key.
    pub public_key: Key,
    /// How it is spoken to.
    pub kind: PeerKind,
    /// Prologue of a router peer; unused otherwise.
    pub prologue: Option<Key>,
    /// Preshared key of a stock peer; `None` is 32 zero bytes.
    pub preshared_key: Option<Key>,
    /// Seconds of persistent keepalive while a session stands; 0 for none.
    pub keepalive_seconds: u16,
}

/// What an association wants done, in order.
pub enum Output {
    /// Send this message 1 to every endpoint of the handshake.
    Initiation(Box<[u8; INITIATION]>),
    /// Send this message 2 to where the message 1 came from.
    Response(Box<[u8; RESPONSE]>),
    /// Data that arrive under the keypair's index open with it from now on.
    Install(Arc<Keypair>),
    /// The index given by `reserve_index` is free again (keypair or handshake gone).
    Release(u32),
    /// Outgoing data use this keypair from now on; `None`: there is none (any more).
    Current(Option<Arc<Keypair>>),
    /// A session stands (both ends get it, the responder with the first authentic data).
    Established {
        /// Its suite.
        suite: Suite,
        /// Whether this end sent message 1.
        initiator: bool,
        /// Whether a usable session stood before.
        rekey: bool,
    },
    /// Send what waits for the peer, or an empty data message when nothing does.
    Keepalive,
    /// A handshake ran for 90 s without answer, or the last session expired.
    Ended(EndReason),
}

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// 90 s of message 1 without answer.
    NoAnswer,
    /// The last keypair grew older than 180 s, or was used up.
    Expired,
}

/// One (realm, peer). Before it is dropped, [`Association::drop_sessions`] gives its indices back.
pub struct Association {
    pub(super) local: Arc<Local>,
    pub(super) peer: PeerOptions,
    /// Prologue of its sessions; `None` for a stock peer.
    pub(super) network: Option<Key>,
    pub(super) mac_keys: MacKeys,
    pub(super) jar: Jar,
    pub(super) activity: Arc<Activity>,
    pub(super) handshake: Option<Attempts>,
    pub(super) sessions: Sessions,
    pub(super) answered: Option<Answered>,
    pub(super) keepalive_sent: Millis,
    pub(super) established_unix_millis: Option<u64>,
}

/// The last message 1 that was answered, and the answer.
pub(super) struct Answered {
    pub(super) at: Millis,
    pub(super) stamp: Stamp,
    pub(super) head: Head,
    pub(super) index: u32,
    pub(super) mac1: Mac,
    pub(super) response: Box<[u8; RESPONSE]>,
    pub(super) repeats: u32,
}

impl Association {
    /// `None` when the key is of small order, when a router peer has no prologue, or for a stock peer of a router.
    pub fn new(local: Arc<Local>, peer: PeerOptions) -> Option<Association> {
        let network = network(&local, &peer)?;
        if !local.own.remember(&peer.public_key) {
            return None;
        }
        if let (PeerKind::Router, Some(prologue)) = (peer.kind, &network) {
            local.add_router(prologue);
        }
        Some(Association {
            mac_keys: MacKeys::of(&peer.public_key),
            local,
            peer,
            network,
            jar: Jar::default(),
            activity: Arc::new(Activity::new()),
            handshake: None,
            sessions: Sessions::default(),
            answered: None,
            keepalive_sent: 0,
            established_unix_millis: None,
        })
    }

    /// Changes kind, preshared key, prologue or keepalive; false, and nothing changed, under the conditions of
    /// [`Association::new`] or with another public key. Sessions stay unless kind or prologue change.
    pub fn configure(&mut self, peer: PeerOptions, out: &mut Vec<Output>) -> bool {
        if peer.public_key != self.peer.public_key {
            return false;
        }
        let Some(network) = network(&self.local, &peer) else { return false };
        if peer.kind != self.peer.kind || network != self.network {
            self.drop_sessions(out);
            self.forget_router();
            if let (PeerKind::Router, Some(prologue)) = (peer.kind, &network) {
                self.local.add_router(prologue);
            }
        }
        self.peer.preshared_key.zeroize();
        self.peer = peer;
        self.network = network;
        self.publish();
        true
    }

    /// Begins a handshake unless a session younger than its rekey time stands (`force`: also then) or one runs.
    /// True when one began.
    pub fn start(
        &mut self,
        now: Now,
        force: bool,
        surroundings: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) -> bool {
        let is_young = |keypair: &Arc<Keypair>| now.millis < keypair.created() + REKEY_AFTER;
        if self.handshake.is_some() || !force && self.current(now.millis).is_some_and(is_young) {
            return false;
        }
        self.begin(now, surroundings, out);
        self.publish();
        self.handshake.is_some()
    }

    /// The running handshake's latest message 1; starts one, with its outputs, if none runs. `None` when none can be
    /// made (no epoch key is held).
    pub fn message(
        &mut self,
        now: Now,
        surroundings: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) -> Option<[u8; INITIATION]> {
        self.start(now, true, surroundings, out);
        Some(*self.handshake.as_ref()?.latest()?.message)
    }

    /// Whether message 1 is being sent.
    pub fn is_handshaking(&self) -> bool {
        self.handshake.is_some()
    }

    /// Goes on with a message 1 of this peer.
    pub fn handle_initiation(
        &mut self,
        initiation: Initiation,
        now: Now,
        surroundings: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) -> Result<(), Refused> {
        if initiation.peer != self.peer.public_key {
            return Err(Refused::Handshake);
        }
        if initiation.network != self.network {
            let other_kind = initiation.network.is_none() || self.network.is_none();
            return Err(if other_kind { Refused::Suite } else { Refused::Handshake });
        }
        if let Some(repeated) = self.repeat_answer(&initiation) {
            out.push(Output::Response(repeated));
            return Ok(());
        }
        if self.answered.as_ref().is_some_and(|last| {
            initiation.stamp <= last.stamp || now.millis < last.at.saturating_add(MIN_INITIATION_GAP)
        }) {
            return Err(Refused::Stamp);
        }
        let result = self.answer(initiation, now, surroundings, out);
        self.publish();
        result
    }

    /// Takes a message 2 (admitted: mac1 checked).
    pub fn handle_response(
        &mut self,
        datagram: &[u8],
        now: Now,
        out: &mut Vec<Output>,
    ) -> Result<(), Refused> {
        let message = <&[u8; RESPONSE]>::try_from(datagram).map_err(|_| Refused::Malformed)?;
        let (suite, index, keys) = self.read_response(message)?;
        let contested = self.handshake.as_ref().is_some_and(|attempts| attempts.crossed);
        self.end_handshake(Some(index), out);
        self.activity.note_received(now.millis, false);
        let terms = Terms {
            local_index: index,
            remote_index: u32_at(message, 4),
            suite,
            epoch: message[2],
            initiator: true,
            created: now.millis,
        };
        let keypair = Arc::new(Keypair::new(terms, &keys, Arc::clone(&self.activity)));
        out.push(Output::Install(Arc::clone(&keypair)));
        self.establish(Held { keypair, contested }, now, out);
        // The responder may use the keypair only once it has heard from it.
        out.push(Output::Keepalive);
        self.publish();
        Ok(())
    }

    /// Takes a cookie reply; the next message carries the cookie.
    pub fn handle_cookie(&mut self, datagram: &[u8], now: Now) -> Result<(), Refused> {
        let Some(Message::Cookie { receiver }) = classify(datagram) else { return Err(Refused::Malformed) };
        let reply = <&[u8; COOKIE_REPLY]>::try_from(datagram).map_err(|_| Refused::Malformed)?;
        let asked = self.attempt(receiver).ok().map(|attempt| attempt.mac1);
        let answered = self.answered.as_ref().filter(|answered| answered.index == receiver);
        let mac1 = asked.or(answered.map(|answered| answered.mac1)).ok_or(Refused::Index)?;
        if self.jar.take(now.millis, &self.mac_keys, &mac1, reply) { Ok(()) } else { Err(Refused::Tag) }
    }

    /// After [`super::Opened::confirms`]: the peer proved that it has the keys of the keypair with this local index.
    pub fn handle_confirmed(&mut self, local_index: u32, now: Now, out: &mut Vec<Output>) {
        let Some(proven) = self.sessions.take_proven(local_index, out) else { return };
        self.end_handshake(None, out);
        self.establish(proven, now, out);
        self.publish();
    }

    /// Call at or after [`Association::deadline`], and after any `wake`.
    pub fn handle_timeout(&mut self, now: Now, surroundings: &mut dyn Surroundings, out: &mut Vec<Output>) {
        let expired = self.sessions.expire(now.millis, out);
        if expired && self.handshake.is_none() {
            out.push(Output::Ended(EndReason::Expired));
        }
        self.drive_handshake(now, surroundings, out);
        self.keep_alive(now.millis, out);
        self.publish();
    }

    /// When `handle_timeout` is due next; changes with any call and any `wake`.
    pub fn deadline(&self) -> Option<Millis> {
        self.activity.deadline()
    }

    /// Ends all sessions and handshakes at once (resume, restore, removed peer).
    pub fn drop_sessions(&mut self, out: &mut Vec<Output>) {
        self.end_handshake(None, out);
        self.sessions.clear(out);
        self.activity.take_rekey_wanted();
        self.activity.forget_unanswered();
        self.activity.forget_owing();
        self.publish();
    }

    /// The keypair for outgoing data, if one is usable.
    pub fn current(&self, now: Millis) -> Option<&Arc<Keypair>> {
        self.sessions.current().filter(|keypair| keypair.is_usable(now))
    }

    /// When the last session was established, milliseconds since 1970.
    pub fn last_handshake_millis(&self) -> Option<u64> {
        self.established_unix_millis
    }

    fn begin(&mut self, now: Now, surroundings: &mut dyn Surroundings, out: &mut Vec<Output>) {
        self.handshake = Some(Attempts::new(now.millis));
        self.send_initiation(now, surroundings, out);
    }

    /// Sends a message 1; the handshake ends quietly when none can be made.
    fn send_initiation(&mut self, now: Now, surroundings: &mut dyn Surroundings, out: &mut Vec<Output>) {
        let Some(attempt) = self.make_attempt(now, surroundings, out) else {
            self.end_handshake(None, out);
            return;
        };
        let pace = if self.network.is_some() { Pace::Eager } else { Pace::Stock(jitter(surroundings)) };
        out.push(Output::Initiation(attempt.message.clone()));
        if let Some(attempts) = &mut self.handshake
            && let Some(index) = attempts.push(attempt, pace, now.millis)
        {
            out.push(Output::Release(index));
        }
    }

    /// The answer to the very message 1 that was answered last and whose session is not proven yet: it came by another
    /// way, and the first answer may have been lost on its.
    fn repeat_answer(&mut self, initiation: &Initiation) -> Option<Box<[u8; RESPONSE]>> {
        self.network?;
        let last = self.answered.as_mut()?;
        let is_same = last.stamp == initiation.stamp && last.head == initiation.head;
        if !is_same || last.repeats >= MAX_REPEATED_ANSWERS || !self.sessions.awaits_proof(last.index) {
            return None;
        }
        last.repeats += 1;
        Some(last.response.clone())
    }

    fn establish(&mut self, held: Held, now: Now, out: &mut Vec<Output>) {
        let rekey = self.current(now.millis).is_some();
        let (suite, initiator) = (held.keypair.suite(), held.keypair.is_initiator());
        self.sessions.adopt(held, (self.local.public_key(), &self.peer.public_key), now.millis, out);
        self.activity.take_rekey_wanted();
        self.established_unix_millis = Some(now.unix_millis);
        out.push(Output::Established { suite, initiator, rekey });
    }

    /// Ends the running handshake; indices but the one kept are free again.
    fn end_handshake(&mut self, keep: Option<u32>, out: &mut Vec<Output>) {
        if let Some(attempts) = self.handshake.take() {
            out.extend(attempts.indices().filter(|index| Some(*index) != keep).map(Output::Release));
        }
    }

    /// Repeats, gives up or begins a handshake.
    fn drive_handshake(&mut self, now: Now, surroundings: &mut dyn Surroundings, out: &mut Vec<Output>) {
        let rekey_wanted = self.activity.take_rekey_wanted();
        if let Some(attempts) = &self.handshake {
            if attempts.is_over(now.millis) {
                self.give_up(now.millis, out);
            } else if now.millis >= attempts.next {
                self.send_initiation(now, surroundings, out);
            }
            return;
        }
        if self.sessions.current().is_none() {
            return;
        }
        let is_silent = self.activity.unanswered_since().is_some_and(|since| now.millis >= since + SILENCE);
        if is_silent {
            self.activity.forget_unanswered();
        }
        if rekey_wanted || is_silent {
            self.begin(now, surroundings, out);
        }
    }

    /// After 90 s. A session on which the peer was heard meanwhile goes on.
    fn give_up(&mut self, now: Millis, out: &mut Vec<Output>) {
        let since = self.handshake.as_ref().map_or(0, |attempts| attempts.since);
        self.end_handshake(None, out);
        let is_alive = self.activity.received_at().is_some_and(|heard| heard > since);
        if self.current(now).is_none() || !is_alive {
            // The peer may be about to prove a session that it began.
            self.sessions.drop_proven(out);
            out.push(Output::Ended(EndReason::NoAnswer));
        }
    }

    fn keep_alive(&mut self, now: Millis, out: &mut Vec<Output>) {
        if self.current(now).is_none() {
            return;
        }
        let owes = self.activity.owing_since().is_some_and(|since| now >= since + PASSIVE_KEEPALIVE);
        let is_due = self.next_keepalive().is_some_and(|at| now >= at);
        if owes || is_due {
            self.activity.forget_owing();
            self.keepalive_sent = now;
            out.push(Output::Keepalive);
        }
    }

    /// When the persistent keepalive is due.
    fn next_keepalive(&self) -> Option<Millis> {
        let interval = Millis::from(self.peer.keepalive_seconds) * 1_000;
        let last = self.activity.last_traversal().unwrap_or(0).max(self.keepalive_sent);
        (interval > 0).then_some(last + interval)
    }

    fn publish(&self) {
        let has_session = self.sessions.current().is_some();
        let is_idle = has_session && self.handshake.is_none();
        self.activity.publish(|| {
            [
                self.sessions.expiry(),
                self.handshake.as_ref().map(|attempts| attempts.next),
                (is_idle && self.activity.is_rekey_wanted()).then_some(0),
                self.activity.unanswered_since().filter(|_| is_idle).map(|since| since + SILENCE),
                self.activity.owing_since().filter(|_| has_session).map(|since| since + PASSIVE_KEEPALIVE),
                self.next_keepalive().filter(|_| has_session),
            ]
            .into_iter()
            .flatten()
            .min()
        });
    }

    fn forget_router(&self) {
        if let (PeerKind::Router, Some(prologue)) = (self.peer.kind, &self.network) {
            self.local.remove_router(prologue);
        }
    }
}

impl Drop for Association {
    fn drop(&mut self) {
        self.forget_router();
        self.local.own.forget(&self.peer.public_key);
        self.peer.preshared_key.zeroize();
    }
}

/// Prologue of the sessions with a peer, `Some(None)` for a stock one; `None` when the options contradict each other.
fn network(local: &Local, peer: &PeerOptions) -> Option<Option<Key>> {
    match (peer.kind, local.kind) {
        (PeerKind::Stock, RealmKind::Network) => Some(None),
        (PeerKind::Stock, RealmKind::Router) => None,
        (PeerKind::Node, _) => Some(Some(local.network)),
        (PeerKind::Router, _) => peer.prologue.map(Some),
    }
}

fn jitter(surroundings: &mut dyn Surroundings) -> Millis {
    let mut bytes = [0; 2];
    surroundings.fill(&mut bytes);
    Millis::from(u16::from_le_bytes(bytes)) % (MAX_JITTER + 1)
}

/// A peer's message 1s closer together than this are a flood (WireGuard's limit).
const MIN_INITIATION_GAP: Millis = 20;
/// One message 1 comes at most by so many ways.
const MAX_REPEATED_ANSWERS: u32 = 8;
