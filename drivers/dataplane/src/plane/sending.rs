//! What a peer is sent besides the stream of its packets: what waited, control, keepalives, handshakes.

use super::convey::Origin;
use super::core::{Core, SLOW_LANE};
use super::drive::Drive;
use super::fit;
use super::masks::wrapped;
use super::outbox::{Outbox, Outgoing, Route};
use super::spread::Spread;
use crate::events::Event;
use crate::mask::PADDING;
use crate::packet::segment::Cut;
use crate::packet::vnet::Vnet;
use crate::refusals::Cause;
use crate::session::control::{Control, ControlOutput};
use crate::session::{COOKIE_REPLY, INITIATION, Millis, PeerKind, RESPONSE};
use std::cell::RefCell;
use std::sync::Arc;

/// The caller is told again of a wanted peer after this.
const WANTED_INTERVAL: Millis = 5_000;

thread_local! {
    /// For what is sent outside the TUN threads: control, probes, packets that waited.
    static SLOW: RefCell<Outbox> = RefCell::new(Outbox::new(Some(SLOW_LANE), false));
}

impl Drive<'_> {
    /// Keeps a packet until there is a session and a way, and says once that they are wanted.
    pub fn hold(&mut self, vnet: Vnet, packet: &[u8]) {
        if self.state.removed {
            self.core.refusals.count(Cause::NoPeer);
            return;
        }
        let dropped = self.state.waiting.push(vnet, packet, self.now.millis);
        self.core.refusals.add(Cause::Waiting, dropped as u64);
        match self.peer.outgoing.load_full() {
            Some(spread) => self.flush(&spread),
            None => self.want(),
        }
    }

    /// Sends an inner payload the way that IP packets go; false when there is none.
    pub fn send_inner(&mut self, payload: &[u8]) -> bool {
        let Some(spread) = self.peer.outgoing.load_full() else { return false };
        self.send_over(spread.first(), payload);
        true
    }

    pub fn control<R>(&mut self, act: impl FnOnce(&mut Control, Millis, &mut Vec<ControlOutput>) -> R) -> R {
        let mut out = Vec::new();
        let result = act(&mut self.state.control, self.now.millis, &mut out);
        for output in out {
            match output {
                ControlOutput::Send(payload) => {
                    self.send_inner(&payload);
                }
                ControlOutput::Request { id, kind, body } => {
                    self.tell(|realm, peer| Event::Request { realm, peer, id, kind, body });
                }
                ControlOutput::Response { id, body } => {
                    self.tell(|realm, peer| Event::Response { realm, peer, id, body });
                }
            }
        }
        result
    }

    pub(super) fn keep_alive(&mut self) {
        let Some(spread) = self.peer.outgoing.load_full() else { return };
        let outgoing = spread.first();
        if self.state.waiting.is_empty() {
            self.send_over(outgoing, &[]);
        } else {
            self.flush(&spread);
        }
        // The chosen way may be dead; the one that message 2 came by is not, and its sender waits for proof.
        if let Some(from) = self.from.filter(|from| from.endpoint != outgoing.route.endpoint) {
            let keypair = outgoing.keypair.clone();
            self.send_over(&Arc::new(Outgoing::plain(keypair, from.clone())), &[]);
        }
    }

    /// Sends what waited.
    pub(super) fn flush(&mut self, spread: &Spread) {
        if self.state.waiting.is_empty() {
            return;
        }
        let now = self.now.millis;
        let (packets, late) = self.state.waiting.take(now);
        self.core.refusals.add(Cause::Waiting, late as u64);
        SLOW.with_borrow_mut(|outbox| {
            for mut packet in packets {
                let Ok(cut) = Cut::plan(&packet.vnet, &packet.bytes) else { continue };
                let outgoing = spread.of(&cut.header, &packet.bytes);
                fit::clamp(&mut packet.bytes, &cut.header, outgoing.mtu.into(), cut.partial);
                let origin = Origin::Machine(Some(&self.peer.realm));
                match fit::push(outbox, outgoing, (&cut, &packet.bytes), (self.core, &origin), now) {
                    Ok(pushed) => {
                        self.core.refusals.add(Cause::Send, pushed.refused as u64);
                        self.peer.traffic.count_sent(cut.count, cut.bytes(), now);
                    }
                    Err(refused) => self.core.refusals.count(Cause::Session(refused)),
                }
            }
            self.core.refusals.add(Cause::Send, outbox.flush() as u64);
        });
    }

    pub(super) fn send_over(&self, outgoing: &Arc<Outgoing>, payload: &[u8]) {
        // `finish` looks at the deadlines anyway.
        let _wake = send_sealed(self.core, outgoing, payload, self.now.millis);
    }

    pub(super) fn forget_waiting(&mut self) {
        let forgotten = self.state.waiting.clear();
        self.core.refusals.add(Cause::Waiting, forgotten as u64);
    }

    /// Says, not too often, that a session or a way is wanted.
    pub(super) fn want(&mut self) {
        let now = self.now.millis;
        if self.state.wanted.is_some_and(|last| now < last + WANTED_INTERVAL) {
            return;
        }
        self.state.wanted = Some(now);
        self.tell(|realm, peer| Event::Wanted { realm, peer });
        // Where a stock client is, only we know.
        if self.state.kind == PeerKind::Stock && self.state.standing.is_some() {
            self.handshake(Vec::new(), false);
        }
    }
}

/// Seals one inner payload and sends it at once. True when the association's timers changed by it.
pub fn send_sealed(core: &Core, outgoing: &Arc<Outgoing>, payload: &[u8], now: Millis) -> bool {
    SLOW.with_borrow_mut(|outbox| match outbox.push_inner(outgoing, payload, now) {
        Ok(pushed) => {
            core.refusals.add(Cause::Send, (pushed.refused + outbox.flush()) as u64);
            pushed.wake
        }
        Err(refused) => {
            core.refusals.count(Cause::Session(refused));
            false
        }
    })
}

/// Sends a datagram that is sealed or plain by itself, behind its relay header if there is one.
pub fn send_plain(core: &Core, route: &Route, datagram: &[u8]) {
    let endpoint = &route.endpoint;
    let framed = [&endpoint.prefix()[..endpoint.overhead()], datagram].concat();
    let relay = route.relay_mask();
    let sent = match route.mask.as_ref().or(relay.as_ref()) {
        Some(mask) => {
            let covered = wrapped(mask, &framed, 0..=padding(datagram));
            route.port.send_one(&covered, endpoint.address)
        }
        None => route.port.send_one(&framed, endpoint.address),
    };
    if !sent {
        core.refusals.count(Cause::Send);
    }
}

/// Most padding: an answer stays smaller than the smallest first message, which gives all of it.
fn padding(datagram: &[u8]) -> usize {
    match datagram.len() {
        length @ (RESPONSE | COOKIE_REPLY) => INITIATION - length,
        _ => PADDING,
    }
}
