//! Looks for openings through NATs: probes from many sockets, or to many ports, until the peer proves to be at one.
//!
//! One thread sends and serves the extra sockets. One that an authentic datagram reaches is kept with a thread of its
//! own; the rest goes when the search ends.

use super::core::{Core, millis};
use super::drive::Drive;
use super::options::PunchOptions;
use super::outbox::{Outgoing, Route};
use super::peer::Peer;
use super::port::Port;
use super::receive::{self, Receiver};
use super::thread;
use crate::endpoint::{Carrier, Endpoint};
use crate::os::Arrivals;
use crate::session::{Key, Millis, probe};
use mio::{Events, Poll, Registry, Token, Waker};
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Id of the probes that look for an opening; their echo measures nothing.
pub const PUNCH: u64 = u64::MAX;
/// An extra socket that no path uses and nothing came to for so long is closed.
const UNUSED: Millis = 60_000;
/// All targets are tried again, not sooner than this after the last time.
const ROUND: Millis = 1_000;
/// Between two looks at what is due while a search runs.
const STEP: Duration = Duration::from_millis(5);
/// Between two looks at what is unused.
const SWEEP: Duration = Duration::from_secs(10);
/// Probes of one step, after whatever delay.
const BURST: u64 = 64;
/// The token of the waker; sockets have their numbers, which begin at 1.
const WAKE: Token = Token(0);

/// All searches of this process, and the sockets they left.
#[derive(Default)]
pub struct Punches {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: Vec<Punch>,
    /// Sockets just hit whose search was ended by a call, each with the one beside which it was opened: the thread is
    /// about to keep them.
    hit: HashMap<NonZeroU32, Arc<Port>>,
    kept: HashMap<NonZeroU32, Kept>,
    /// Peers that have a path by such a socket.
    claims: HashMap<NonZeroU32, Vec<(Arc<str>, Key)>>,
    thread: Option<Running>,
    stopped: bool,
}

struct Running {
    handle: JoinHandle<()>,
    waker: Arc<Waker>,
    registry: Registry,
}

/// An extra socket that a peer reached.
struct Kept {
    port: Arc<Port>,
    /// Beside which it was opened.
    main: Arc<Port>,
    thread: JoinHandle<()>,
    /// Since when no peer has a path by it.
    unused: Millis,
}

/// One search.
struct Punch {
    peer: Arc<Peer>,
    ports: Vec<(NonZeroU32, Arc<Port>)>,
    /// Tried from every extra socket, and from the main one.
    from_extra: Vec<SocketAddr>,
    from_main: Vec<SocketAddr>,
    per_second: u64,
    /// Where the peer had proved to be when the search began.
    known: Arc<Vec<(Endpoint, Millis)>>,
    until: Millis,
    /// Of all tries of this round, how many were sent.
    next: usize,
    round: Millis,
    stepped: Millis,
    /// Thousandths of a probe that were due and not sent.
    owed: u64,
}

/// Begins a search for the peer in place of one that runs; without targets it only ends that one.
pub fn begin(core: &Arc<Core>, peer: &Arc<Peer>, options: &PunchOptions) -> io::Result<()> {
    let main = &peer.realm.port;
    let mut state = core.punches.lock();
    let replaced = state.end(core, |punch| Arc::ptr_eq(&punch.peer, peer));
    debug_assert!(replaced <= 1, "one search for each peer");
    if options.targets.is_empty() || state.stopped {
        return Ok(());
    }
    let now = millis();
    let (v4, v6): (Vec<SocketAddr>, Vec<SocketAddr>) =
        options.targets.iter().map(|target| target.address).partition(SocketAddr::is_ipv4);
    // Where nothing translates addresses, more sockets help nobody.
    let mut punch = Punch {
        peer: peer.clone(),
        ports: Vec::new(),
        from_extra: Vec::new(),
        from_main: v6,
        per_second: u64::from(options.per_second),
        known: peer.places(),
        until: now + Millis::from(options.seconds) * 1_000,
        next: 0,
        round: now,
        stepped: now,
        owed: BURST * 1_000,
    };
    state.start(core)?;
    if options.sockets == 0 {
        punch.from_main.extend(v4);
    } else if !v4.is_empty() {
        punch.from_extra = v4;
        punch.ports = core.extras.open(main, options.sockets)?;
    }
    if let Some(thread) = &state.thread {
        let mut watched = Ok(());
        for (number, port) in &punch.ports {
            let token = Token(number.get() as usize);
            for udp in port.sockets() {
                watched = watched.and(udp.watch(&thread.registry, token));
            }
        }
        if let Err(error) = watched {
            punch.close(core);
            return Err(error);
        }
        thread.waker.wake()?;
    }
    state.running.push(punch);
    Ok(())
}

impl Punches {
    /// These are the peer's paths now.
    pub fn claim(&self, peer: &Peer, endpoints: impl Iterator<Item = Endpoint>) {
        let by = |endpoint: Endpoint| match endpoint.carrier {
            Carrier::Extra(number) => Some(number),
            Carrier::Main | Carrier::Link(_) => None,
        };
        let numbers: Vec<NonZeroU32> = endpoints.filter_map(by).collect();
        let mut state = self.lock();
        if state.claims.is_empty() && numbers.is_empty() {
            return;
        }
        state.disclaim(peer, &numbers);
        for number in numbers {
            let users = state.claims.entry(number).or_default();
            if !users.iter().any(|(realm, key)| *realm == peer.realm.name && *key == peer.key) {
                users.push((peer.realm.name.clone(), peer.key));
            }
        }
    }

    /// The peer is gone.
    pub fn forget(&self, core: &Core, peer: &Arc<Peer>) {
        let mut state = self.lock();
        state.end(core, |punch| Arc::ptr_eq(&punch.peer, peer));
        state.disclaim(peer, &[]);
    }

    /// The socket beside which extra ones were opened closes.
    pub fn leave(&self, core: &Core, main: &Arc<Port>) {
        let mut state = self.lock();
        state.end(core, |punch| Arc::ptr_eq(&punch.peer.realm.port, main));
        state.drop_hit(core, |of| Arc::ptr_eq(of, main));
        let threads = state.close(core, |_, kept| Arc::ptr_eq(&kept.main, main));
        drop(state);
        join(threads);
    }

    #[cfg(test)]
    pub fn is_quiet(&self) -> bool {
        self.lock().running.is_empty()
    }

    #[cfg(test)]
    pub fn keeps(&self, number: NonZeroU32) -> bool {
        self.lock().kept.contains_key(&number)
    }

    /// Ends everything.
    pub fn stop(&self, core: &Core) {
        let mut state = self.lock();
        state.stopped = true;
        state.end(core, |_| true);
        state.drop_hit(core, |_| true);
        let mut threads = state.close(core, |_, _| true);
        if let Some(thread) = state.thread.take() {
            // If this failed the thread would look at its next step anyway.
            let _ = thread.waker.wake();
            threads.push(thread.handle);
        }
        drop(state);
        join(threads);
    }

    /// Sends what is due and closes what is not needed; how long nothing is to be done, or `None` at the end.
    pub(super) fn advance(&self, core: &Core, now: Millis) -> Option<Option<Duration>> {
        let mut state = self.lock();
        if state.stopped {
            return None;
        }
        state.running.iter_mut().for_each(|punch| punch.step(core, now));
        state.end(core, |punch| now >= punch.until || punch.is_done());
        let threads = state.close(core, |claims, kept| {
            claims.is_empty() && now >= kept.unused.max(kept.port.heard().unwrap_or(0)) + UNUSED
        });
        let wait = match (state.running.is_empty(), state.kept.is_empty()) {
            (false, _) => Some(STEP),
            (true, false) => Some(SWEEP),
            (true, true) => None,
        };
        drop(state);
        join(threads);
        Some(wait)
    }

    /// A peer reached this socket: it stays, with a thread of its own.
    fn keep(&self, core: &Arc<Core>, number: NonZeroU32, port: &Arc<Port>) {
        let mut state = self.lock();
        let searching = state.running.iter_mut().find_map(|punch| {
            let at = punch.ports.iter().position(|(known, _)| *known == number)?;
            punch.ports.swap_remove(at);
            Some(punch.peer.realm.port.clone())
        });
        let Some(main) = searching.or_else(|| state.hit.remove(&number)) else { return };
        let (Some(udp), Some(thread)) = (port.sockets().next(), &state.thread) else { return };
        udp.unwatch(&thread.registry);
        port.widen();
        let (own, closing) = (port.clone(), port.clone());
        let run = move |core: &Core| receive::run(core, &own, &udp);
        match thread::start("dp-udp", core, None, move || closing.is_closed(), run) {
            Ok(thread) => {
                let kept = Kept { port: port.clone(), main, thread, unused: millis() };
                state.kept.insert(number, kept);
            }
            Err(_) => core.extras.close(&[number]),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn start(&mut self, core: &Arc<Core>) -> io::Result<()> {
        if self.thread.is_some() {
            return Ok(());
        }
        let poll = Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let waker = Arc::new(Waker::new(&registry, WAKE)?);
        let (own, held) = (core.clone(), waker.clone());
        let run = move |_: &Core| {
            // Were it dropped elsewhere right after waking, the poll would never see it.
            let _held = held;
            run(&own, poll)
        };
        let handle = thread::start("dp-punch", core, None, || false, run)?;
        self.thread = Some(Running { handle, waker, registry });
        Ok(())
    }

    /// Ends the searches that are over; how many.
    fn end(&mut self, core: &Core, over: impl Fn(&Punch) -> bool) -> usize {
        let before = self.running.len();
        let hit = &mut self.hit;
        self.running.retain_mut(|punch| {
            let over = over(punch);
            if over {
                let is_hit = |(_, port): &mut (NonZeroU32, Arc<Port>)| port.heard().is_some();
                let main = &punch.peer.realm.port;
                hit.extend(punch.ports.extract_if(.., is_hit).map(|(number, _)| (number, main.clone())));
                punch.close(core);
            }
            !over
        });
        before - self.running.len()
    }

    fn drop_hit(&mut self, core: &Core, is_over: impl Fn(&Arc<Port>) -> bool) {
        let over: Vec<NonZeroU32> =
            self.hit.extract_if(|_, main| is_over(main)).map(|(number, _)| number).collect();
        core.extras.close(&over);
    }

    /// Closes kept sockets; their threads are to be joined without the lock.
    fn close(
        &mut self,
        core: &Core,
        is_over: impl Fn(&[(Arc<str>, Key)], &Kept) -> bool,
    ) -> Vec<JoinHandle<()>> {
        let claims = &mut self.claims;
        let over: Vec<(NonZeroU32, Kept)> = self
            .kept
            .extract_if(|number, kept| is_over(claims.get(number).map_or(&[], Vec::as_slice), kept))
            .collect();
        core.extras.close(&over.iter().map(|(number, _)| *number).collect::<Vec<_>>());
        over.into_iter()
            .map(|(number, kept)| {
                claims.remove(&number);
                kept.thread
            })
            .collect()
    }

    /// The peer uses none but these.
    fn disclaim(&mut self, peer: &Peer, but: &[NonZeroU32]) {
        let now = millis();
        let kept = &mut self.kept;
        self.claims.retain(|number, users| {
            if !but.contains(number) {
                users.retain(|(realm, key)| *realm != peer.realm.name || *key != peer.key);
            }
            if let (true, Some(kept)) = (users.is_empty(), kept.get_mut(number)) {
                kept.unused = now;
            }
            !users.is_empty()
        });
    }
}

impl Punch {
    /// The peer answered from one of the hosts it was looked for at.
    fn is_done(&self) -> bool {
        let targets = || self.from_extra.iter().chain(&self.from_main);
        let fits = |place: &Endpoint| targets().any(|target| target.ip() == place.address.ip());
        self.peer.places().iter().any(|place| !self.known.contains(place) && fits(&place.0))
    }

    fn step(&mut self, core: &Core, now: Millis) {
        let due = self.owed + (now - self.stepped) * self.per_second;
        self.stepped = now;
        let due = due.min(BURST * 1_000);
        let mut left = (due / 1_000) as usize;
        self.owed = due % 1_000;
        let tries = self.ports.len() * self.from_extra.len() + self.from_main.len();
        let mut routes = Vec::with_capacity(left);
        while left > 0 && tries > 0 {
            if self.next >= tries {
                if now < self.round + ROUND {
                    break;
                }
                (self.next, self.round) = (0, now);
            }
            routes.push(self.route(self.next));
            self.next += 1;
            left -= 1;
        }
        if !routes.is_empty() {
            self.peer.drive(core, None, |drive| drive.punch(routes));
        }
    }

    /// The way of one try of a round: first the main socket's, then every extra one to one target after the other.
    fn route(&self, at: usize) -> Route {
        let Some(at) = at.checked_sub(self.from_main.len()) else {
            let endpoint = Endpoint::direct(self.from_main[at]);
            return Route::bare(self.peer.realm.port.clone(), endpoint);
        };
        let (_, port) = &self.ports[at % self.ports.len()];
        let target = self.from_extra[at / self.ports.len() % self.from_extra.len()];
        Route::bare(port.clone(), port.endpoint(target))
    }

    fn close(&mut self, core: &Core) {
        let numbers: Vec<NonZeroU32> = self.ports.drain(..).map(|(number, _)| number).collect();
        core.extras.close(&numbers);
    }
}

impl Drive<'_> {
    /// Sends one probe over each route that measures nothing.
    fn punch(&mut self, routes: Vec<Route>) {
        let Some(keypair) = self.state.keypair.clone() else { return };
        let mut payload = [0u8; probe::MIN];
        probe::write_probe(&mut payload, PUNCH);
        for route in routes {
            let route = self.masked(&route);
            self.send_over(&Arc::new(Outgoing::plain(keypair.clone(), route)), &payload);
        }
    }
}

/// Until stopped.
fn run(core: &Arc<Core>, mut poll: Poll) -> io::Result<()> {
    let mut events = Events::with_capacity(256);
    let mut arrivals = Arrivals::new();
    let mut receiver = Receiver::new(core);
    while let Some(wait) = core.punches.advance(core, millis()) {
        match poll.poll(&mut events, wait) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        }
        for event in &events {
            let number = u32::try_from(event.token().0).ok().and_then(NonZeroU32::new);
            let Some((number, port)) = number.and_then(|number| Some((number, core.extras.find(number)?)))
            else {
                continue;
            };
            // It tells once of what is there: all of it is taken.
            for udp in port.sockets() {
                while udp.receive_now(&mut arrivals).is_ok() && !arrivals.list.is_empty() {
                    receiver.take(&port, &mut arrivals);
                }
            }
            if port.heard().is_some() {
                core.punches.keep(core, number, &port);
            }
        }
    }
    Ok(())
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A panic inside was told as an event.
        let _ = thread.join();
    }
}
