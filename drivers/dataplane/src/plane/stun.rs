//! Questions to STUN servers that wait for their answer.

use super::core::{Core, fill_random};
use super::masks::wrapped;
use super::outbox::Route;
use super::port::Port;
use crate::endpoint::Endpoint;
use crate::events::Event;
use crate::mask::PADDING;
use crate::session::Millis;
use crate::stun::{self, Transaction};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

/// Milliseconds after the first try of the next ones, and of giving up.
const TRIES: [Millis; 4] = [250, 750, 1_750, 3_000];
/// Padding of a masked answer, so that it is no larger than what it answers.
pub const ANSWER_PADDING: usize = 48;
/// Questions at once.
pub const LIMIT: usize = 64;

/// Open questions.
#[derive(Default)]
pub struct StunClient {
    open: Mutex<HashMap<Transaction, Question>>,
}

struct Question {
    port: Arc<Port>,
    server: Endpoint,
    began: Millis,
    tries: usize,
}

impl StunClient {
    /// Asks; ends in one `mapped` event. False when too many questions are open.
    pub fn ask(&self, core: &Core, Route { port, endpoint: server, .. }: Route, now: Millis) -> bool {
        let mut transaction = Transaction::default();
        fill_random(&mut transaction);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= LIMIT {
            return false;
        }
        send(core, &port, &server, &transaction);
        open.insert(transaction, Question { port, server, began: now, tries: 0 });
        core.timers.schedule_stun(now + TRIES[0]);
        true
    }

    /// Takes an answer; false when nobody asked that server so.
    pub fn handle(&self, core: &Core, transaction: &Transaction, from: Endpoint, mapped: SocketAddr) -> bool {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.get(transaction).is_none_or(|question| question.server != from) {
            return false;
        }
        if let Some(question) = open.remove(transaction) {
            tell(core, &question, Some(mapped));
        }
        true
    }

    /// Repeats and gives up.
    pub fn handle_timeout(&self, core: &Core, now: Millis) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|transaction, question| {
            if now < question.began + TRIES[question.tries] {
                return true;
            }
            question.tries += 1;
            let Some(next) = TRIES.get(question.tries) else {
                tell(core, question, None);
                return false;
            };
            send(core, &question.port, &question.server, transaction);
            core.timers.schedule_stun(question.began + next);
            true
        });
    }

    /// Forgets the questions of a socket that closes; they end without an address.
    pub fn forget(&self, core: &Core, port: &Arc<Port>) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, question| {
            let stays = !Arc::ptr_eq(&question.port, port);
            if !stays {
                tell(core, question, None);
            }
            stays
        });
    }
}

/// To who is known to be masked: masked, with so much padding that the answer may have some.
fn send(core: &Core, port: &Port, server: &Endpoint, transaction: &Transaction) {
    let request = stun::request(transaction);
    // From a socket that was opened for the question alone nobody was met yet.
    let realms = core.realms.load();
    let ports = std::iter::once(port).chain(realms.iter().map(|realm| &*realm.port));
    let mask = ports.filter(|_| server.is_bare()).find_map(|port| port.hops.answer_of_host(server.address));
    match mask {
        Some(mask) => port.send_one(&wrapped(&mask, &request, ANSWER_PADDING..=PADDING), server.address),
        None => port.send_one(&request, server.address),
    };
}

fn tell(core: &Core, question: &Question, address: Option<SocketAddr>) {
    let socket = question.port.name.clone();
    core.tell(Event::Mapped { socket, server: question.server, address });
}
