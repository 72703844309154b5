//! The messages of an association: what is offered in message 1, chosen in message 2, and bound into the keys.

use std::sync::Arc;

use zeroize::Zeroizing;

use super::association::{Answered, Association, Output};
use super::attempts::Attempt;
use super::handshake::{self, DataKeys, Head, Parties};
use super::keypair::{Keypair, Terms};
use super::local::{Initiation, ROUTER_EPOCH};
use super::message::{kind, u32_at};
use super::sessions::Held;
use super::{INITIATION, Key, Now, PeerKind, RESPONSE, RealmKind, Refused, Suite, Suites, Surroundings};

impl Association {
    /// A message 1 ready to go; `None` when no epoch key is held.
    pub(super) fn make_attempt(
        &mut self,
        now: Now,
        surroundings: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) -> Option<Attempt> {
        let unmet = self.handshake.as_ref().map_or(&[][..], |attempts| &attempts.unmet_epochs);
        let (suites, epoch) = match (&self.network, self.is_router_session()) {
            (None, _) => (0, 0),
            (Some(_), true) => (self.local.suites.bits(), ROUTER_EPOCH),
            (Some(_), false) => (self.local.suites.bits(), self.local.newest_epoch(unmet)?),
        };
        let index = surroundings.reserve_index();
        let [a, b, c, d] = index.to_le_bytes();
        let head = [kind::INITIATION, suites, epoch, 0, a, b, c, d];
        let mut seed = Zeroizing::new([0; 32]);
        surroundings.fill(&mut *seed);
        let stamp = self.local.next_stamp(now.unix_millis);
        let mut message = Box::new([0; INITIATION]);
        let state = handshake::write_initiation(
            &self.local.own,
            &self.peer.public_key,
            self.network.as_ref(),
            (&head, &stamp, &seed),
            &mut message,
        );
        let Some(state) = state else {
            out.push(Output::Release(index));
            return None;
        };
        let mac1 = self.mac_keys.write(&mut *message, self.jar.cookie(now.millis));
        Some(Attempt { index, state, head, mac1, message })
    }

    /// Answers a message 1 that is fresh and fits the peer.
    pub(super) fn answer(
        &mut self,
        mut initiation: Initiation,
        now: Now,
        surroundings: &mut dyn Surroundings,
        out: &mut Vec<Output>,
    ) -> Result<(), Refused> {
        let [_, offered, epoch, ..] = initiation.head;
        let (suite, epoch, epoch_key) = self.choose(offered, epoch)?;
        let index = surroundings.reserve_index();
        let mut message = Box::new([0; RESPONSE]);
        message[..4].copy_from_slice(&[kind::RESPONSE, suite as u8, epoch, 0]);
        message[4..8].copy_from_slice(&index.to_le_bytes());
        message[8..12].copy_from_slice(&initiation.sender());
        let psk = self.preshared_key(&epoch_key, &initiation.head, &head_of(&message), false);
        let keys = handshake::write_response(&mut initiation.state, &psk, &mut message)
            .and_then(|()| handshake::data_keys(&mut initiation.state, suite));
        let Some(keys) = keys else {
            out.push(Output::Release(index));
            return Err(Refused::Handshake);
        };
        let mac1 = self.mac_keys.write(&mut *message, self.jar.cookie(now.millis));
        let terms = Terms {
            local_index: index,
            remote_index: u32::from_le_bytes(initiation.sender()),
            suite,
            epoch,
            initiator: false,
            created: now.millis,
        };
        let keypair = Arc::new(Keypair::new(terms, &keys, Arc::clone(&self.activity)));
        if let Some(attempts) = &mut self.handshake {
            attempts.crossed = true;
        }
        self.sessions.await_proof(Held { keypair, contested: self.handshake.is_some() }, out);
        out.push(Output::Response(message.clone()));
        self.answered = Some(Answered {
            at: now.millis,
            stamp: initiation.stamp,
            head: initiation.head,
            index,
            mac1,
            response: message,
            repeats: 0,
        });
        Ok(())
    }

    /// Suite and epoch for the answer to what message 1 offers.
    fn choose(&self, offered: u8, epoch: u8) -> Result<(Suite, u8, Zeroizing<Key>), Refused> {
        if self.network.is_none() {
            return Ok((Suite::WireGuard, 0, no_key()));
        }
        let suite = Suites::from_bits(offered)
            .and_then(|offered| self.local.suites.choose(offered))
            .ok_or(Refused::Suite)?;
        let (epoch, key) = if self.is_router_session() {
            (ROUTER_EPOCH, no_key())
        } else {
            self.local.answer_epoch(epoch).ok_or(Refused::Epoch)?
        };
        Ok((suite, epoch, key))
    }

    /// Checks and opens message 2: the chosen suite, our index, the keys. What fails leaves the handshake usable.
    pub(super) fn read_response(
        &mut self,
        message: &[u8; RESPONSE],
    ) -> Result<(Suite, u32, DataKeys), Refused> {
        let index = u32_at(message, 8);
        let keys = self.response_keys(message);
        if let (Err(Refused::Epoch), Some(attempts)) = (&keys, &mut self.handshake) {
            attempts.note_unmet_epoch(index);
        }
        let (suite, epoch_keys) = keys?;
        let head = self.attempt(index)?.head;
        let psks: Vec<_> =
            epoch_keys.iter().map(|key| self.preshared_key(key, &head, &head_of(message), true)).collect();
        let state = &mut self.attempt(index)?.state;
        if !psks.iter().any(|psk| handshake::read_response(state, psk, message)) {
            return Err(Refused::Handshake);
        }
        let keys = handshake::data_keys(state, suite).ok_or(Refused::Handshake)?;
        Ok((suite, index, keys))
    }

    pub(super) fn attempt(&mut self, index: u32) -> Result<&mut Attempt, Refused> {
        self.handshake.as_mut().and_then(|attempts| attempts.find(index)).ok_or(Refused::Index)
    }

    /// What message 2's reserved bytes say: the suite, and the keys that its epoch may stand for (one without meaning
    /// for a stock peer).
    fn response_keys(&self, message: &[u8; RESPONSE]) -> Result<(Suite, Vec<Zeroizing<Key>>), Refused> {
        let [kind::RESPONSE, suite, epoch, post_quantum, ..] = *message else {
            return Err(Refused::Malformed);
        };
        if self.network.is_none() {
            let is_plain = [suite, epoch, post_quantum] == [0; 3];
            return if is_plain { Ok((Suite::WireGuard, vec![no_key()])) } else { Err(Refused::Suite) };
        }
        let suite = [Suite::Aes, Suite::ChaCha]
            .into_iter()
            .find(|known| *known as u8 == suite && self.local.suites.contains(*known))
            .ok_or(Refused::Suite)?;
        if post_quantum != 0 {
            return Err(Refused::Malformed);
        }
        let keys = match (self.is_router_session(), epoch) {
            (true, ROUTER_EPOCH) => vec![no_key()],
            (true, _) | (false, ROUTER_EPOCH) => return Err(Refused::Epoch),
            (false, id) => self.local.epoch_keys(id),
        };
        if keys.is_empty() { Err(Refused::Epoch) } else { Ok((suite, keys)) }
    }

    /// The preshared key for a handshake with these first bytes of both messages.
    fn preshared_key(
        &self,
        epoch_key: &Key,
        head: &Head,
        response_head: &[u8; 12],
        initiator: bool,
    ) -> Zeroizing<Key> {
        let Some(network) = &self.network else {
            return Zeroizing::new(self.peer.preshared_key.unwrap_or_default());
        };
        let (own, peer) = (self.local.public_key(), &self.peer.public_key);
        let (initiator, responder) = if initiator { (own, peer) } else { (peer, own) };
        handshake::preshared_key(epoch_key, &Parties { network, initiator, responder }, head, response_head)
    }

    fn is_router_session(&self) -> bool {
        self.local.kind == RealmKind::Router || self.peer.kind == PeerKind::Router
    }
}

fn head_of(message: &[u8; RESPONSE]) -> [u8; 12] {
    let mut head = [0; 12];
    head.copy_from_slice(&message[..12]);
    head
}

/// Epoch key of sessions that have none.
fn no_key() -> Zeroizing<Key> {
    Zeroizing::new([0; 32])
}
