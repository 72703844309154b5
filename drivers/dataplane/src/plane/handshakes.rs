//! Handshake messages from the wire: whose they are, and whether they may cost anything.

use super::core::{Core, fill_random, random_u32};
use super::outbox::Route;
use super::realm::Realm;
use crate::events::Event;
use crate::refusals::Cause;
use crate::session::{Admission, Message, Millis, Refused, Surroundings};
use std::sync::Arc;

/// Takes message 1, message 2 or a cookie reply. What answers it goes back over `from`.
pub fn take(core: &Core, message: Message, datagram: &[u8], from: &Route, now: Millis) {
    let result = match message {
        Message::Initiation { .. } => take_initiation(core, datagram, from, now),
        Message::Response { receiver, .. } => take_response(core, receiver, datagram, from, now),
        Message::Cookie { receiver } => take_cookie(core, receiver, datagram, from),
        Message::Data { .. } => Ok(()),
    };
    if let Err(cause) = result {
        core.refusals.count(cause);
    }
}

fn take_initiation(core: &Core, datagram: &[u8], from: &Route, now: Millis) -> Result<(), Cause> {
    let realms = core.realms.load();
    let realm = realms.iter().find(|realm| realm.local.accepts_mac1(datagram));
    let realm = realm.ok_or(Cause::Session(Refused::Mac))?;
    if !admit(core, realm, datagram, from, now)? {
        return Ok(());
    }
    let initiation = realm.local.read_initiation(datagram, &mut Random).map_err(Cause::Session)?;
    let key = *initiation.peer();
    let Some(peer) = realm.peer(&key) else {
        if realm.may_tell_unknown_key(now) {
            core.tell(Event::UnknownKey { realm: realm.name.clone(), peer: key, endpoint: from.endpoint });
        }
        return Err(Cause::UnknownKey);
    };
    if !peer.only.allows(from.endpoint.carrier) {
        return Err(Cause::Carrier);
    }
    peer.drive(core, Some(from), |drive| drive.handle_initiation(initiation)).map_err(Cause::Session)
}

fn take_response(
    core: &Core,
    receiver: u32,
    datagram: &[u8],
    from: &Route,
    now: Millis,
) -> Result<(), Cause> {
    let entry = core.index.find(receiver).ok_or(Cause::Session(Refused::Index))?;
    if !entry.peer.only.allows(from.endpoint.carrier) {
        return Err(Cause::Carrier);
    }
    if !admit(core, &entry.peer.realm, datagram, from, now)? {
        return Ok(());
    }
    entry.peer.drive(core, Some(from), |drive| drive.handle_response(datagram)).map_err(Cause::Session)
}

fn take_cookie(core: &Core, receiver: u32, datagram: &[u8], from: &Route) -> Result<(), Cause> {
    let entry = core.index.find(receiver).ok_or(Cause::Session(Refused::Index))?;
    entry.peer.drive(core, Some(from), |drive| drive.handle_cookie(datagram)).map_err(Cause::Session)
}

/// Checks mac1 and, under load, mac2; false when a cookie was sent instead.
fn admit(core: &Core, realm: &Arc<Realm>, datagram: &[u8], from: &Route, now: Millis) -> Result<bool, Cause> {
    // A datagram that is not for this key must not use up the allowance.
    if !realm.local.accepts_mac1(datagram) {
        return Err(Cause::Session(Refused::Mac));
    }
    let under_load = !core.handshakes.take(now);
    let source = from.endpoint.identity();
    match realm.local.admit(now, datagram, &source, under_load, &mut Random) {
        Admission::Proceed if under_load && !core.proven_handshakes.take(now) => Err(Cause::HandshakeRate),
        Admission::Proceed => Ok(true),
        Admission::Reply(reply) => {
            super::sending::send_plain(core, from, &reply);
            Ok(false)
        }
        Admission::Refuse(refused) => Err(Cause::Session(refused)),
    }
}

/// Cookies need random bytes only.
struct Random;

impl Surroundings for Random {
    fn fill(&mut self, bytes: &mut [u8]) {
        fill_random(bytes);
    }

    fn reserve_index(&mut self) -> u32 {
        random_u32()
    }
}
