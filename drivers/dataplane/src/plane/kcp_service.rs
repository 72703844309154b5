//! The thread of the `kcp` links: whose turn it is, who is let in, who is called, who has to go.

use super::core::{Bucket, Core};
use super::kcp::{Attempt, Command};
use super::kcp_desk::Desk;
use super::kcp_inbox::{Inbox, Mail, Place, Rung};
use super::kcp_source::Source;
use super::port::Port;
use super::thread::panic_text;
use crate::dtls::{Hello, Stack};
use crate::endpoint::Transport;
use crate::events::Event;
use crate::lossy::Micros;
use crate::os::prefer_latency;
use crate::refusals::Cause;
use crate::session::Millis;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::io;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// A link that carried no authentic datagram is closed after this, and the oldest such when there are too many.
const ANONYMOUS: Micros = 10_000_000;
const MOST_ANONYMOUS: usize = 64;
/// One that carried some, after this long without any.
const IDLE: Micros = 600_000_000;
/// Between two looks at all of that.
const STEP: Micros = 100_000;
/// How long the other end of a link that was quiet has to say that it is there.
const PATIENCE: Millis = 600;
/// Handshakes answered a second: each costs half a millisecond.
const ANSWERS: u64 = 100;
/// Nobody is looked at more often than this without cause.
const LEAST: Micros = 50;

/// What the thread holds.
pub struct Service<'a> {
    desk: Desk<'a>,
    sources: HashMap<Place, Source>,
    /// Who is to be looked at when; entries that a source no longer stands by are skipped.
    agenda: BinaryHeap<Reverse<(Micros, Place)>>,
    attempts: Vec<Attempt>,
    answers: Bucket,
    /// When everything is looked at next.
    round: Micros,
}

impl<'a> Service<'a> {
    pub fn new(core: &'a Core, stack: Arc<Stack>) -> Service<'a> {
        Service {
            desk: Desk::new(core, stack),
            sources: HashMap::new(),
            agenda: BinaryHeap::new(),
            attempts: Vec::new(),
            answers: Bucket::new(ANSWERS),
            round: 0,
        }
    }

    /// Runs until it is told to stop.
    pub fn run(mut self) -> io::Result<()> {
        prefer_latency();
        let (mut rung, mut mail) = (Rung::default(), Mail::default());
        loop {
            self.desk.core.kcp.bell.wait(self.patience(), &mut rung);
            self.desk.look_at_the_clock();
            for command in rung.commands.drain(..) {
                match command {
                    Command::Connect(attempt) => {
                        self.attempts.push(attempt);
                        self.round = 0;
                    }
                    Command::Close(port, answer) => {
                        self.close(&port);
                        // The caller waits for it.
                        let _ = answer.send(());
                    }
                    Command::Stop => {
                        let places: Vec<Place> = self.sources.keys().copied().collect();
                        places.iter().for_each(|place| self.end(place));
                        return Ok(());
                    }
                }
            }
            for (main, remote, datagram) in rung.hellos.drain(..) {
                self.answer(&main, remote, &datagram);
            }
            for inbox in rung.inboxes.drain(..) {
                inbox.take(&mut mail);
                self.visit(&inbox.place, &mut mail);
                mail.incoming.clear();
                mail.outgoing.clear();
            }
            while let Some(place) = self.next_due() {
                self.visit(&place, &mut mail);
            }
            if self.desk.now >= self.round && !self.is_quiet() {
                self.round = self.desk.now + STEP;
                self.look_around();
            }
        }
    }

    fn is_quiet(&self) -> bool {
        self.sources.is_empty() && self.attempts.is_empty()
    }

    /// Until the next thing is due; `None` when there is nothing.
    fn patience(&mut self) -> Option<Duration> {
        if self.is_quiet() {
            self.agenda.clear();
            return None;
        }
        self.desk.look_at_the_clock();
        let first = self.agenda.peek().map_or(self.round, |Reverse((due, _))| self.round.min(*due));
        Some(Duration::from_micros(first.saturating_sub(self.desk.now)))
    }

    /// Whose turn it is by now.
    fn next_due(&mut self) -> Option<Place> {
        while let Some(Reverse((due, place))) = self.agenda.peek().copied() {
            if due > self.desk.now {
                break;
            }
            self.agenda.pop();
            if self.sources.get(&place).is_some_and(|source| source.due == Some(due)) {
                return Some(place);
            }
        }
        None
    }

    /// Has one source work, and looks when it wants to next. A bug inside costs the one link.
    fn visit(&mut self, place: &Place, mail: &mut Mail) {
        let Some(mut source) = self.sources.remove(place) else { return };
        let was_up = source.is_up(self.desk.now);
        let worked = catch_unwind(AssertUnwindSafe(|| source.work(mail, &mut self.desk)));
        if let Err(panic) = worked {
            let message = format!("bug in a kcp link: {}", panic_text(panic.as_ref()));
            self.desk.core.tell(Event::Failed { realm: None, message });
            self.forget(place);
            return;
        }
        if source.is_up(self.desk.now) != was_up {
            self.round = 0;
        }
        self.keep(place, source);
    }

    /// Puts a source back, unless nothing is left of it.
    fn keep(&mut self, place: &Place, mut source: Source) {
        if source.is_told && !source.has_line() {
            source.is_told = false;
            self.tell(&source.port, place.1, false);
        }
        if source.is_over() {
            return self.forget(place);
        }
        let due = source.deadline(&self.desk).map(|due| due.max(self.desk.now + LEAST));
        if let Some(due) = due
            && source.due != Some(due)
        {
            self.agenda.push(Reverse((due, *place)));
        }
        source.due = due;
        self.sources.insert(*place, source);
    }

    /// Lets the sender of a ClientHello with a good cookie in.
    fn answer(&mut self, main: &Arc<Port>, remote: SocketAddr, datagram: &[u8]) {
        let core = self.desk.core;
        let (Some(port), Some(hello)) = (main.beside(Transport::Kcp), Hello::parse(datagram)) else { return };
        let (stack, millis) = (self.desk.stack.clone(), self.desk.now / 1_000);
        let cookie = stack.cookies.check(&super::kcp_source::place_of(&port, remote), &hello, millis);
        let place = (main.number, remote);
        let (Some(cookie), true) = (cookie, self.answers.take(millis)) else {
            return core.refusals.count(Cause::Dtls);
        };
        if let Some(source) = self.sources.get(&place) {
            // Several came before its inbox was known.
            source.inbox.receive(datagram, datagram.len().max(1));
            return;
        }
        let anonymous = self.sources.iter().filter(|(_, source)| source.is_anonymous());
        let anonymous: Vec<(Micros, Place)> =
            anonymous.map(|(place, source)| (source.began, *place)).collect();
        if anonymous.len() >= MOST_ANONYMOUS
            && let Some((_, oldest)) = anonymous.into_iter().min()
        {
            self.end(&oldest);
        }
        let mut source = self.meet((main, &port), remote);
        source.answer(&hello, &cookie, &mut self.desk);
        self.desk.send(main);
        self.keep(&place, source);
    }

    fn meet(&mut self, (main, port): (&Arc<Port>, &Arc<Port>), remote: SocketAddr) -> Source {
        let kcp = &self.desk.core.kcp;
        let inbox = Inbox::new((main.number, remote), kcp.bell.clone());
        kcp.inboxes.rcu(|inboxes| {
            let mut changed = HashMap::clone(inboxes);
            changed.insert(inbox.place, inbox.clone());
            changed
        });
        Source::new((main, port), inbox, self.desk.now)
    }

    fn forget(&mut self, place: &Place) {
        self.sources.remove(place);
        self.desk.core.kcp.inboxes.rcu(|inboxes| {
            let mut changed = HashMap::clone(inboxes);
            changed.remove(place);
            changed
        });
    }

    fn end(&mut self, place: &Place) {
        if let Some(mut source) = self.sources.remove(place) {
            source.close(&mut self.desk);
        }
        self.forget(place);
    }

    fn close(&mut self, port: &Arc<Port>) {
        self.attempts.retain(|attempt| !Arc::ptr_eq(&attempt.port, port));
        let of_port = self.sources.iter().filter(|(_, source)| Arc::ptr_eq(&source.port, port));
        let places: Vec<Place> = of_port.map(|(place, _)| *place).collect();
        places.iter().for_each(|place| self.end(place));
    }

    fn look_around(&mut self) {
        let now = self.desk.now;
        let over: Vec<Place> = self
            .sources
            .iter()
            .filter(|(_, source)| source.is_silent(now) || source.is_idle(now, (ANONYMOUS, IDLE)))
            .map(|(place, _)| *place)
            .collect();
        for place in over {
            let told = self.sources.get(&place).filter(|source| source.is_told);
            if let Some(port) = told.map(|source| source.port.clone()) {
                self.tell(&port, place.1, false);
            }
            self.end(&place);
        }
        for attempt in std::mem::take(&mut self.attempts) {
            if let Some(attempt) = self.try_on(attempt) {
                self.attempts.push(attempt);
            }
        }
    }

    fn tell(&self, port: &Port, remote: SocketAddr, up: bool) {
        let remote = port.endpoint(remote);
        self.desk.core.tell(Event::Link {
            socket: port.name.clone(),
            remote,
            up,
            reason: (!up).then_some("closed"),
        });
    }

    /// Goes on with an attempt; `None` when it is over, which was told.
    fn try_on(&mut self, mut attempt: Attempt) -> Option<Attempt> {
        let place = (attempt.main.number, attempt.remote);
        let millis = self.desk.now / 1_000;
        let mut source = match self.sources.remove(&place) {
            Some(source) => source,
            None => self.meet((&attempt.main, &attempt.port), attempt.remote),
        };
        let up = source.is_up(self.desk.now);
        let over = up || millis >= attempt.until;
        if over {
            source.hang_up();
            source.is_told = up;
            self.tell(&attempt.port, attempt.remote, up);
        } else if attempt.asked.is_none_or(|asked| millis > asked + PATIENCE) {
            // A link that was quiet for a while may be as good as new.
            if attempt.asked.is_none() && source.ask(self.desk.now) {
                attempt.asked = Some(millis);
            } else {
                source.call(attempt.profile, &mut self.desk);
                self.desk.send(&attempt.main);
            }
        }
        self.keep(&place, source);
        (!over).then_some(attempt)
    }
}
