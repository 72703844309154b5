//! Everything between one of our ports and one address: a handshake under way, a link.

use super::kcp_desk::Desk;
use super::kcp_engine::{Engine, Profile};
use super::kcp_inbox::{Inbox, Mail};
use super::kcp_link::KcpLink;
use super::links::Carry;
use super::port::Port;
use crate::dtls::{Content, Cookie, Handshake, Hello, Keys, Progress, is_protected};
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::lossy::Micros;
use crate::refusals::Cause;
use std::net::SocketAddr;
use std::sync::Arc;

/// Until a greeting is repeated.
const GREET: Micros = 200_000;
/// Records sent at one go before others get their turn.
const BURST: usize = 256;
/// A link on which nothing came for so long, though something was sent, is over.
const SILENCE: Micros = 6_000_000;
/// How recently something must have come for a link to be called up.
pub const FRESH: Micros = 3_000_000;
/// Bytes of the longest record: a full packet of a realm, sealed and behind a relay's header, with the heads of a repair.
/// Whether the path carries it is found by probes, as on UDP.
const RECORD: usize = 1_456;
/// What repairs packets is so much longer than they are: they stay as much below what their path was found to carry.
const SPARE: u16 = 4;

/// One address as one of our ports meets it.
pub struct Source {
    pub port: Arc<Port>,
    pub inbox: Arc<Inbox>,
    /// When it wants to be looked at; the one entry of the agenda that counts.
    pub due: Option<Micros>,
    pub began: Micros,
    /// Whether a caller was told that a link stands, who is to be told of its end.
    pub is_told: bool,
    main: Arc<Port>,
    half: Option<Handshake>,
    /// What this end asks for when it calls.
    profile: Profile,
    line: Option<Line>,
}

/// A link, or what becomes one with the first greeting.
struct Line {
    keys: Keys,
    link: Arc<KcpLink>,
    engine: Option<Engine>,
    profile: Profile,
    /// When the other end is asked whether it is there.
    ask: Option<Micros>,
    /// Kept to repeat its end, until the other end shows that it has it.
    handshake: Option<Handshake>,
    heard: Micros,
    /// When the first of what was sent since then left.
    unanswered: Option<Micros>,
}

impl Source {
    pub fn new((main, port): (&Arc<Port>, &Arc<Port>), inbox: Arc<Inbox>, now: Micros) -> Source {
        Source {
            port: port.clone(),
            inbox,
            due: None,
            began: now,
            is_told: false,
            main: main.clone(),
            half: None,
            profile: Profile::default(),
            line: None,
        }
    }

    /// Begins a handshake, unless one is under way.
    pub fn call(&mut self, profile: Profile, desk: &mut Desk<'_>) {
        if self.half.is_some() {
            return;
        }
        self.profile = profile;
        let (stack, instant, target) = (desk.stack.clone(), desk.instant, self.remote());
        self.half = Handshake::call(&stack, instant, &mut |datagram| desk.add(target, datagram));
    }

    /// A ClientHello with a good cookie.
    pub fn answer(&mut self, hello: &Hello<'_>, cookie: &Cookie, desk: &mut Desk<'_>) {
        // Where both call at once, the call with the larger number stands.
        let ours = self.half.as_ref().filter(|half| half.is_client());
        if ours.is_some_and(|half| *half.random() > hello.random()) {
            return;
        }
        let (stack, instant, target) = (desk.stack.clone(), desk.instant, self.remote());
        let shown = self.port.shown.load();
        let shown = shown.as_deref().unwrap_or(&stack.certificate);
        let asked = (hello, cookie);
        self.half =
            Handshake::answer((&stack, shown), asked, instant, &mut |datagram| desk.add(target, datagram));
        self.began = desk.now;
    }

    /// Takes what came and what is to be sent, does what is due, sends.
    pub fn work(&mut self, mail: &mut Mail, desk: &mut Desk<'_>) {
        let mut rest = &mut mail.incoming.bytes[..];
        for (length, _) in &mail.incoming.datagrams {
            let (datagram, after) = rest.split_at_mut(*length);
            rest = after;
            self.take(datagram, desk);
        }
        if let Some(Line { engine: Some(engine), .. }) = &mut self.line {
            let mut rest = &mail.outgoing.bytes[..];
            for (length, flow) in &mail.outgoing.datagrams {
                let (datagram, after) = rest.split_at(*length);
                rest = after;
                if !engine.push(datagram, *flow, desk.now) {
                    desk.core.refusals.count(Cause::Send);
                }
            }
        }
        self.handle_timeouts(desk);
        self.transmit(desk);
        desk.send(&self.main);
        desk.hand_over(&self.port);
    }

    /// When it wants to be looked at next.
    pub fn deadline(&self, desk: &Desk<'_>) -> Option<Micros> {
        let half = self.half.as_ref().map(|half| desk.micros_of(half.due()));
        let line = self.line.as_ref();
        let rest = line.and_then(|line| line.handshake.as_ref()).map(|rest| desk.micros_of(rest.due()));
        let engine = line.and_then(|line| line.engine.as_ref()).and_then(Engine::deadline);
        [half, rest, line.and_then(|line| line.ask), engine].into_iter().flatten().min()
    }

    /// Whether a link stands and the other end was heard lately.
    pub fn is_up(&self, now: Micros) -> bool {
        self.line.as_ref().is_some_and(|line| line.engine.is_some() && now < line.heard + FRESH)
    }

    /// Asks the other end of a link whether it is there; false without a link.
    pub fn ask(&mut self, now: Micros) -> bool {
        let line = self.line.as_mut().filter(|line| line.engine.is_some());
        line.map(|line| line.ask = Some(now)).is_some()
    }

    /// Whether it is nobody's yet: only somebody's who called us.
    pub fn is_anonymous(&self) -> bool {
        let line = self.line.as_ref().is_some_and(|line| line.link.heard().is_none());
        line || self.line.is_none() && self.half.as_ref().is_some_and(|half| !half.is_client())
    }

    /// Whether it has carried nothing authentic for too long. `patience`: of one that carried none yet, and of others.
    pub fn is_idle(&self, now: Micros, patience: (Micros, Micros)) -> bool {
        match self.line.as_ref().map(|line| line.link.heard()) {
            Some(Some(heard)) => now > heard * 1_000 + patience.1,
            Some(None) | None => now > self.began + patience.0,
        }
    }

    /// Whether the other end is gone.
    pub fn is_silent(&self, now: Micros) -> bool {
        let since = self.line.as_ref().and_then(|line| line.unanswered);
        since.is_some_and(|since| now > since + SILENCE)
    }

    /// Whether a link stands, or is about to.
    pub fn has_line(&self) -> bool {
        self.line.is_some()
    }

    /// Whether nothing is left here.
    pub fn is_over(&self) -> bool {
        self.half.is_none() && self.line.is_none()
    }

    /// Ends everything, and tells the other end.
    pub fn close(&mut self, desk: &mut Desk<'_>) {
        self.half = None;
        self.end_line(desk);
        desk.send(&self.main);
    }

    /// Gives up a call; a link stays.
    pub fn hang_up(&mut self) {
        self.half = self.half.take().filter(|half| !half.is_client());
    }

    fn remote(&self) -> SocketAddr {
        self.inbox.place.1
    }

    fn take(&mut self, datagram: &mut [u8], desk: &mut Desk<'_>) {
        if is_protected(datagram) {
            return self.take_record(datagram, desk);
        }
        let target = self.remote();
        if let Some(hello) = Hello::parse(datagram) {
            let known = self.half.iter().chain(self.line.iter().filter_map(|line| line.handshake.as_ref()));
            let is_known = { known }.any(|known| *known.random() == hello.random());
            let stack = desk.stack.clone();
            let place = place_of(&self.port, target);
            let millis = desk.now / 1_000;
            match stack.cookies.check(&place, &hello, millis) {
                Some(cookie) if !is_known => return self.answer(&hello, &cookie, desk),
                // It is repeated: below.
                Some(_) => {}
                None => return desk.add(target, &hello.ask(&stack.cookies.make(&place, &hello, millis))),
            }
        }
        if let Some(half) = &mut self.half {
            match half.take(datagram, &mut |out| desk.add(target, out)) {
                Progress::Going => {}
                Progress::Done(keys) => self.establish(*keys, desk.now),
                Progress::Failed => self.half = None,
            }
        } else if let Some(Line { handshake: Some(rest), .. }) = &mut self.line {
            // Its keys are known; what it answers is what the other end missed.
            rest.take(datagram, &mut |out| desk.add(target, out));
        } else {
            desk.core.refusals.count(Cause::Dtls);
        }
    }

    /// The handshake is done. A link that was there before is replaced: its other end began anew.
    fn establish(&mut self, keys: Keys, now: Micros) {
        let handshake = self.half.take();
        let is_client = handshake.as_ref().is_some_and(Handshake::is_client);
        if let Some(replaced) = self.line.take() {
            self.remove(&replaced);
        }
        self.began = now;
        self.line = Some(Line {
            keys,
            link: KcpLink::new(self.inbox.clone()),
            engine: None,
            profile: self.profile,
            ask: is_client.then_some(now),
            handshake,
            heard: now,
            unanswered: None,
        });
    }

    fn take_record(&mut self, record: &mut [u8], desk: &mut Desk<'_>) {
        let target = self.remote();
        let Some(line) = &mut self.line else { return desk.core.refusals.count(Cause::Dtls) };
        let Some((content, range)) = line.keys.open(record) else {
            return desk.core.refusals.count(Cause::Dtls);
        };
        line.heard = desk.now;
        line.unanswered = None;
        line.handshake = None;
        let payload = &record[range];
        match (content, payload) {
            (Content::Alert, _) => {
                if let Some(line) = self.line.take() {
                    self.remove(&line);
                }
            }
            (Content::Data, [VERSION, profile, kind @ (ASK | ANSWER)]) => {
                let Some(profile) = Profile::ALL.get(usize::from(*profile)) else {
                    return desk.core.refusals.count(Cause::Dtls);
                };
                if *kind == ASK {
                    line.profile = *profile;
                    desk.seal(target, &mut line.keys, Content::Data, &[VERSION, *profile as u8, ANSWER]);
                } else {
                    line.ask = None;
                }
                if line.engine.is_none() {
                    line.engine = Some(engine(line.profile, desk.now));
                    self.port.links.insert(line.link.clone());
                }
            }
            (Content::Data, payload) => {
                let now = desk.now;
                let taken = line.engine.as_mut().is_some_and(|engine| {
                    desk.delivering(&self.port, target, |deliver| engine.receive(payload, now, deliver))
                });
                if !taken {
                    desk.core.refusals.count(Cause::Dtls);
                }
            }
        }
    }

    fn handle_timeouts(&mut self, desk: &mut Desk<'_>) {
        let (now, instant, target) = (desk.now, desk.instant, self.remote());
        let failed = self.half.as_mut().filter(|half| half.due() <= instant).map(|half| {
            let progress = half.handle_timeout(instant, &mut |out| desk.add(target, out));
            matches!(progress, Progress::Failed)
        });
        if failed == Some(true) {
            self.half = None;
        }
        let Some(line) = &mut self.line else { return };
        if let Some(rest) = line.handshake.as_mut().filter(|rest| rest.due() <= instant)
            && let Progress::Failed = rest.handle_timeout(instant, &mut |out| desk.add(target, out))
        {
            line.handshake = None;
        }
        if line.ask.is_some_and(|at| at <= now) {
            line.ask = Some(now + GREET);
            line.unanswered.get_or_insert(now);
            desk.seal(target, &mut line.keys, Content::Data, &[VERSION, line.profile as u8, ASK]);
        }
        if let Some(engine) = &mut line.engine
            && engine.deadline().is_some_and(|at| at <= now)
        {
            desk.delivering(&self.port, target, |deliver| engine.handle_deadline(now, deliver));
        }
        if line.link.is_closed() {
            self.end_line(desk);
        }
    }

    fn transmit(&mut self, desk: &mut Desk<'_>) {
        let target = self.remote();
        let Some(Line { keys, engine: Some(engine), unanswered, .. }) = &mut self.line else { return };
        let mut record = std::mem::take(&mut desk.record);
        let mut spent = false;
        for _ in 0..BURST {
            if spent || desk.is_full() || !engine.transmit(desk.now, &mut record) {
                break;
            }
            spent = !desk.seal(target, keys, Content::Data, &record);
            unanswered.get_or_insert(desk.now);
        }
        desk.record = record;
        if spent {
            self.end_line(desk);
        }
    }

    fn end_line(&mut self, desk: &mut Desk<'_>) {
        if let Some(mut line) = self.line.take() {
            desk.seal(self.remote(), &mut line.keys, Content::Alert, &CLOSE_NOTIFY);
            self.remove(&line);
        }
    }

    fn remove(&self, line: &Line) {
        let link: Arc<dyn Carry> = line.link.clone();
        self.port.links.remove(&link);
    }
}

/// By how much inner packets have to be shorter than what was found to pass there.
pub fn spare(endpoint: &Endpoint) -> u16 {
    if endpoint.carrier == Carrier::Link(Transport::Kcp) { SPARE } else { 0 }
}

/// What a cookie is good for, of fixed length.
pub fn place_of(port: &Port, remote: SocketAddr) -> [u8; 33] {
    let mut place = [0; 33];
    place[..31].copy_from_slice(&port.endpoint(remote).identity());
    place[31..].copy_from_slice(&port.number.to_be_bytes());
    place
}

fn engine(profile: Profile, now: Micros) -> Engine {
    Engine::new(profile, u64::from(super::core::random_u32()), RECORD, now)
}

/// What a link begins with, and is asked by: the version of what follows, its profile, a question or its answer.
const VERSION: u8 = 1;
const ASK: u8 = 1;
const ANSWER: u8 = 2;
/// A warning that nothing more comes (RFC 5246 §7.2.1).
const CLOSE_NOTIFY: [u8; 2] = [1, 0];
