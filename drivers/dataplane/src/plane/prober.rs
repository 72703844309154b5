//! Probes of one peer's paths, their measurements, and pings. Decides only; the peer sends and reports.

use super::budget::Budget;
use super::mtu::Found;
use super::outstanding::{Outstanding, Purpose};
use super::path::{EchoCounts, FIRST_TIMEOUT, Measure, Path};
use super::pings::{self, Pings, Turn};
use super::spread::Way;
use crate::endpoint::Endpoint;
use crate::session::probe::{self, Counts};
use crate::session::{HEADER, Millis, TAG};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A probe for which the budget has nothing left is due again after a quarter of its interval, within these.
const POSTPONED: std::ops::RangeInclusive<Millis> = 25..=1_000;
/// Bytes of the outer IP and UDP headers, as the budget counts.
const OUTER: usize = 48;
/// A peer that packets were sent to so lately is busy.
const BUSY: Millis = 10_000;
/// Largest inner packet of a realm without TUN.
const LIMIT: u16 = 1_400;

/// Probing and pings of one peer.
pub struct Prober {
    /// Largest inner packet that paths are tried with.
    limit: u16,
    paths: Vec<Path>,
    outstanding: Outstanding,
    pings: Pings,
}

/// What decisions depend on besides the probes themselves.
pub struct Around<'a> {
    /// Where packets go now; the first also carries pings.
    pub routes: &'a [Endpoint],
    /// Whether one stands.
    pub session: bool,
    pub traffic: Traffic,
    pub budget: &'a Budget,
}

/// What the peer's traffic looked like, to judge a silent path.
#[derive(Clone, Copy, Default)]
pub struct Traffic {
    /// When an IP packet was sent last.
    pub sent: Millis,
    /// When anything authentic was received last.
    pub received: Millis,
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum ProbeOutput {
    /// Send a probe of so many bytes with this id there, and call [`Prober::stamp`] as it leaves.
    Send { id: u64, endpoint: Endpoint, size: usize },
    /// A packet of full size, or the largest that passes, was echoed: the first time, or first after it was lost.
    Proved { endpoint: Endpoint, rtt_millis: f64 },
    /// A proved path went silent.
    Lost { endpoint: Endpoint },
    /// What a path carries changed.
    Resized,
    /// An endpoint outside the list of paths answered [`Prober::challenge`].
    Answered { endpoint: Endpoint },
    /// End of one ping.
    Pong { id: u32, sequence: u32, rtt_millis: Option<f64>, endpoint: Option<Endpoint> },
    /// A ping waits for a session.
    Wanted,
}

/// An echo that came.
#[derive(Clone, Copy)]
pub struct Echo {
    pub id: u64,
    pub from: Endpoint,
    pub counts: Option<Counts>,
    /// Bytes of it.
    pub size: usize,
    /// Monotonic nanoseconds at which the kernel took it.
    pub nanos: u64,
}

impl Default for Prober {
    fn default() -> Prober {
        Prober::new(LIMIT)
    }
}

impl Prober {
    /// `limit`: largest inner packet that will ever be sent.
    pub fn new(limit: u16) -> Prober {
        Prober { limit, paths: Vec::new(), outstanding: Outstanding::default(), pings: Pings::default() }
    }

    /// Replaces the list; an endpoint that stays keeps its measurements. An interval of 0 is not probed.
    pub fn set_paths(&mut self, paths: &[(Endpoint, Millis)], now: Millis) {
        let mut old = std::mem::take(&mut self.paths);
        for &(endpoint, interval) in paths {
            if self.is_path(&endpoint) {
                continue;
            }
            let path = match old.iter().position(|path| path.endpoint == endpoint) {
                Some(at) => {
                    let mut kept = old.swap_remove(at);
                    kept.pace(interval, now);
                    kept
                }
                None => Path::new(endpoint, interval, self.limit, now),
            };
            self.paths.push(path);
        }
    }

    pub fn is_path(&self, endpoint: &Endpoint) -> bool {
        self.path(endpoint).is_some()
    }

    /// Whether it is a path that answers.
    pub fn is_proved(&self, endpoint: &Endpoint) -> bool {
        self.path(endpoint).is_some_and(|path| path.proved)
    }

    /// Largest inner packet that goes whole to an endpoint, as far as is known.
    pub fn mtu(&self, endpoint: &Endpoint) -> u16 {
        self.path(endpoint).and_then(|path| path.search.usable()).unwrap_or(self.limit)
    }

    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        self.paths.iter().map(|path| path.endpoint)
    }

    /// What packet threads count on, of each path.
    pub fn ways(&self) -> impl Iterator<Item = &Arc<Way>> {
        self.paths.iter().map(|path| &path.way)
    }

    fn path(&self, endpoint: &Endpoint) -> Option<&Path> {
        self.paths.iter().find(|path| path.endpoint == *endpoint)
    }

    /// Sends `count` probes one second apart, to `endpoint` or the route of that moment.
    pub fn ping(&mut self, id: u32, count: u32, endpoint: Option<Endpoint>, now: Millis) {
        self.pings.add(id, count, endpoint, now);
    }

    /// Asks an endpoint outside the list to prove itself, unless that is under way. Ends in `Answered`, or in nothing.
    pub fn challenge(&mut self, endpoint: Endpoint, now: Millis, out: &mut Vec<ProbeOutput>) {
        if !self.outstanding.challenges(&endpoint) {
            self.send((endpoint, probe::MIN), Purpose::Challenge, FIRST_TIMEOUT, now, out);
        }
    }

    /// All paths are probed anew at once: a session stands, or stands again.
    pub fn handle_session(&mut self, now: Millis) {
        for path in &mut self.paths {
            path.next = now;
        }
    }

    /// The moment a probe leaves, as near to the wire as can be.
    pub fn stamp(&mut self, id: u64, nanos: u64) {
        let Some(probe) = self.outstanding.find(id) else { return };
        probe.stamp_nanos = nanos;
        let way = self.paths.iter().find(|path| path.endpoint == probe.endpoint).map(|path| &path.way);
        probe.count = way.map_or(0, |way| way.sent.load(Ordering::Relaxed) + 1);
        probe.bytes = way.map_or(0, |way| way.sent_bytes.load(Ordering::Relaxed));
    }

    /// Takes an echo. False when no probe of ours fits it.
    pub fn handle_echo(&mut self, echo: Echo, now: Millis, out: &mut Vec<ProbeOutput>) -> bool {
        let Some(probe) = self.outstanding.take(echo.id, &echo.from, echo.size) else { return false };
        let rtt_millis = echo.nanos.saturating_sub(probe.stamp_nanos) as f64 / 1e6;
        match probe.purpose {
            Purpose::Path | Purpose::Full | Purpose::Search => {
                let Some(path) = self.paths.iter_mut().find(|path| path.endpoint == echo.from) else {
                    return true;
                };
                let found = if probe.purpose == Purpose::Path {
                    let (sent, bytes, left) = (probe.count, probe.bytes, probe.stamp_nanos);
                    let counts = EchoCounts { sent, bytes, left, theirs: echo.counts };
                    path.echo(echo.id, rtt_millis, counts, now);
                    if !path.proved {
                        path.search.begin(now);
                    }
                    Found::Nothing
                } else {
                    path.large_echo();
                    path.search.handle_echo(probe.size as u16, now)
                };
                if !path.proved && path.search.passes().is_some() {
                    path.prove(now);
                    let rtt_millis = path.smoothed.unwrap_or(rtt_millis);
                    out.push(ProbeOutput::Proved { endpoint: echo.from, rtt_millis });
                }
                if found == Found::Size {
                    out.push(ProbeOutput::Resized);
                }
            }
            Purpose::Challenge => out.push(ProbeOutput::Answered { endpoint: echo.from }),
            Purpose::Ping { id, sequence } if !probe.late => {
                let (rtt_millis, endpoint) = (Some(rtt_millis), Some(echo.from));
                out.push(ProbeOutput::Pong { id, sequence, rtt_millis, endpoint });
            }
            Purpose::Ping { .. } => {}
        }
        true
    }

    /// Sends what is due and judges what stayed unanswered.
    pub fn handle_timeout(&mut self, now: Millis, around: &Around<'_>, out: &mut Vec<ProbeOutput>) {
        self.expire(now, around, out);
        if around.session {
            // Where the budget does not suffice for all, whoever waited longest is next.
            let mut probed: Vec<usize> =
                (0..self.paths.len()).filter(|at| self.paths[*at].interval > 0).collect();
            probed.sort_by_key(|at| self.paths[*at].last_sent);
            for at in probed {
                self.continue_search(at, now, around, out);
                self.probe(at, now, around, out);
            }
        }
        self.continue_pings(now, around, out);
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self, session: bool) -> Option<Millis> {
        let probed = self.paths.iter().filter(|path| session && path.interval > 0);
        let paths = probed.flat_map(|path| [Some(path.next), path.search.deadline()]).flatten();
        paths.chain(self.outstanding.deadline()).chain(self.pings.deadline()).min()
    }

    /// Whether a path was probed since the last summary.
    pub fn has_news(&self) -> bool {
        self.paths.iter().any(|path| path.probed)
    }

    /// Every path probed since the last summary.
    pub fn take_news(&mut self) -> Vec<Measure> {
        let probed = |path: &mut Path| {
            std::mem::take(&mut path.probed).then(|| {
                let measure = path.measure();
                path.begin_summary();
                measure
            })
        };
        self.paths.iter_mut().filter_map(probed).collect()
    }

    /// The regular probe of a path, if it is due.
    fn probe(&mut self, at: usize, now: Millis, around: &Around<'_>, out: &mut Vec<ProbeOutput>) {
        let path = &mut self.paths[at];
        if path.next > now {
            return;
        }
        let (endpoint, timeout) = (path.endpoint, path.timeout());
        if !around.allow(&endpoint, probe::MIN, now) {
            path.next = now + (path.interval / 4).clamp(*POSTPONED.start(), *POSTPONED.end());
            return;
        }
        let full = path.tick(now).filter(|size| around.allow(&endpoint, usize::from(*size), now));
        self.send((endpoint, probe::MIN), Purpose::Path, timeout, now, out);
        if let Some(size) = full {
            self.send((endpoint, size.into()), Purpose::Full, timeout, now, out);
        }
    }

    /// The next sizes to try of a path.
    fn continue_search(&mut self, at: usize, now: Millis, around: &Around<'_>, out: &mut Vec<ProbeOutput>) {
        let path = &mut self.paths[at];
        let found = path.search.handle_timeout(now);
        self.take_found(at, found, out);
        let path = &mut self.paths[at];
        let (endpoint, timeout) = (path.endpoint, path.timeout());
        let sizes = path.search.due(now, timeout);
        if sizes.is_empty() {
            return;
        }
        let bytes = sizes.iter().map(|size| usize::from(*size)).sum();
        if !around.allow(&endpoint, bytes, now) {
            path.search.postpone(now + *POSTPONED.start());
            return;
        }
        for size in sizes {
            self.send((endpoint, size.into()), Purpose::Search, timeout, now, out);
        }
    }

    fn take_found(&mut self, at: usize, found: Found, out: &mut Vec<ProbeOutput>) {
        let path = &mut self.paths[at];
        match found {
            Found::Nothing => {}
            Found::Size => out.push(ProbeOutput::Resized),
            Found::Useless if path.proved => {
                path.lose();
                out.push(ProbeOutput::Lost { endpoint: path.endpoint });
            }
            Found::Useless => {}
        }
    }

    fn send(
        &mut self,
        (endpoint, size): (Endpoint, usize),
        purpose: Purpose,
        timeout: Millis,
        now: Millis,
        out: &mut Vec<ProbeOutput>,
    ) {
        let id = self.outstanding.add((endpoint, size), purpose, timeout, now);
        out.push(ProbeOutput::Send { id, endpoint, size });
    }

    fn expire(&mut self, now: Millis, around: &Around<'_>, out: &mut Vec<ProbeOutput>) {
        let Around { routes, traffic, .. } = around;
        while let Some(probe) = self.outstanding.expire(now) {
            let (id, sent, endpoint, purpose) = (probe.id, probe.sent, probe.endpoint, probe.purpose);
            match purpose {
                Purpose::Path | Purpose::Full => {
                    let is_full = purpose == Purpose::Full;
                    let Some(at) = self.paths.iter().position(|path| path.endpoint == endpoint) else {
                        continue;
                    };
                    let path = &mut self.paths[at];
                    let owed = |since: Millis| {
                        routes.contains(&endpoint) && traffic.sent >= since && traffic.received < since
                    };
                    if is_full {
                        path.hurry(now);
                        let found = path.search.miss(sent, path.last_small_echo(), now);
                        self.take_found(at, found, out);
                    } else if path.miss(id, sent, owed, now) {
                        path.lose();
                        out.push(ProbeOutput::Lost { endpoint });
                    } else {
                        path.recheck(now);
                    }
                }
                Purpose::Search | Purpose::Challenge => {}
                Purpose::Ping { id, sequence } => {
                    let endpoint = Some(endpoint);
                    out.push(ProbeOutput::Pong { id, sequence, rtt_millis: None, endpoint });
                }
            }
        }
        self.outstanding.forget(now);
    }

    fn continue_pings(&mut self, now: Millis, around: &Around<'_>, out: &mut Vec<ProbeOutput>) {
        for turn in self.pings.due(now, around.routes.first().copied(), around.session) {
            match turn {
                Turn::Send { id, sequence, endpoint } => {
                    let purpose = Purpose::Ping { id, sequence };
                    self.send((endpoint, probe::MIN), purpose, pings::TIMEOUT, now, out);
                }
                Turn::Missed { id, sequence } => {
                    out.push(ProbeOutput::Pong { id, sequence, rtt_millis: None, endpoint: None });
                }
                Turn::Wanted => out.push(ProbeOutput::Wanted),
            }
        }
    }
}

impl Around<'_> {
    /// Whether the budget has room for a probe of `size` bytes on that path.
    fn allow(&self, endpoint: &Endpoint, size: usize, now: Millis) -> bool {
        let busy = self.routes.contains(endpoint) && now < self.traffic.sent + BUSY;
        self.budget.take(size + OUTER + HEADER + TAG, busy, now)
    }
}

#[cfg(test)]
#[path = "prober_test.rs"]
mod tests;
