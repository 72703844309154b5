//! Probes of one peer's paths, their measurements, and pings. Decides only; the peer sends and reports.

use super::path::{FIRST_TIMEOUT, Measure, Path};
use crate::endpoint::Endpoint;
use crate::session::Millis;
use std::collections::VecDeque;

/// Probes that wait for their echo, of all paths and pings together.
const OUTSTANDING: usize = 512;
const PING_INTERVAL: Millis = 1_000;
const PING_TIMEOUT: Millis = 2_000;
/// A ping that cannot be sent for want of a session or path looks again after this.
const PING_RETRY: Millis = 50;

/// Probing and pings of one peer.
#[derive(Default)]
pub struct Prober {
    paths: Vec<Path>,
    outstanding: VecDeque<Outstanding>,
    pings: Vec<Ping>,
    next_id: u64,
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
    /// Send a probe with this id there, and call [`Prober::stamp`] as it leaves.
    Send { id: u64, endpoint: Endpoint },
    /// First echo of a path, or first after it was lost.
    Proved { endpoint: Endpoint, rtt_millis: f64 },
    /// A proved path went silent.
    Lost { endpoint: Endpoint },
    /// An endpoint outside the list of paths answered [`Prober::challenge`].
    Answered { endpoint: Endpoint },
    /// End of one ping.
    Pong { id: u32, sequence: u32, rtt_millis: Option<f64>, endpoint: Option<Endpoint> },
    /// A ping waits for a session.
    Wanted,
}

struct Outstanding {
    id: u64,
    endpoint: Endpoint,
    purpose: Purpose,
    sent: Millis,
    stamp_nanos: u64,
    deadline: Millis,
    late: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Purpose {
    Path,
    Challenge,
    Ping { id: u32, sequence: u32 },
}

struct Ping {
    id: u32,
    sequence: u32,
    left: u32,
    endpoint: Option<Endpoint>,
    due: Millis,
    next: Millis,
}

impl Prober {
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
                None => Path::new(endpoint, interval, now),
            };
            self.paths.push(path);
        }
    }

    pub fn is_path(&self, endpoint: &Endpoint) -> bool {
        self.paths.iter().any(|path| path.endpoint == *endpoint)
    }

    pub fn endpoints(&self) -> impl Iterator<Item = Endpoint> {
        self.paths.iter().map(|path| path.endpoint)
    }

    /// Sends `count` probes one second apart, to `endpoint` or the route of that moment.
    pub fn ping(&mut self, id: u32, count: u32, endpoint: Option<Endpoint>, now: Millis) {
        if count > 0 {
            self.pings.push(Ping { id, sequence: 0, left: count, endpoint, due: now, next: now });
        }
    }

    /// Asks an endpoint outside the list to prove itself, unless that is under way. Ends in `Answered`, or in nothing.
    pub fn challenge(&mut self, endpoint: Endpoint, now: Millis, out: &mut Vec<ProbeOutput>) {
        let open = |it: &Outstanding| it.purpose == Purpose::Challenge && it.endpoint == endpoint && !it.late;
        if !self.outstanding.iter().any(open) {
            self.send(endpoint, Purpose::Challenge, now, FIRST_TIMEOUT, out);
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
        if let Some(probe) = self.outstanding.iter_mut().rev().find(|probe| probe.id == id) {
            probe.stamp_nanos = nanos;
        }
    }

    /// Takes an echo that arrived at `nanos` from `from`. False when no probe of ours fits it.
    pub fn handle_echo(
        &mut self,
        id: u64,
        from: Endpoint,
        nanos: u64,
        now: Millis,
        out: &mut Vec<ProbeOutput>,
    ) -> bool {
        let Some(at) = self.outstanding.iter().position(|probe| probe.id == id && probe.endpoint == from)
        else {
            return false;
        };
        let Some(probe) = self.outstanding.remove(at) else { return false };
        let rtt_millis = nanos.saturating_sub(probe.stamp_nanos) as f64 / 1e6;
        match probe.purpose {
            Purpose::Path => {
                if let Some(path) = self.paths.iter_mut().find(|path| path.endpoint == from) {
                    path.echo(id, rtt_millis, now);
                    if !path.proved {
                        path.proved = true;
                        out.push(ProbeOutput::Proved { endpoint: from, rtt_millis });
                    }
                }
            }
            Purpose::Challenge => out.push(ProbeOutput::Answered { endpoint: from }),
            Purpose::Ping { id, sequence } if !probe.late => {
                let (rtt_millis, endpoint) = (Some(rtt_millis), Some(from));
                out.push(ProbeOutput::Pong { id, sequence, rtt_millis, endpoint });
            }
            Purpose::Ping { .. } => {}
        }
        true
    }

    /// Sends what is due and judges what stayed unanswered. `route`: where packets go now, while a session stands.
    pub fn handle_timeout(
        &mut self,
        now: Millis,
        route: Option<Endpoint>,
        session: bool,
        traffic: Traffic,
        out: &mut Vec<ProbeOutput>,
    ) {
        self.expire(now, route, traffic, out);
        if session {
            for at in 0..self.paths.len() {
                let path = &mut self.paths[at];
                if path.interval > 0 && path.next <= now {
                    // After a pause of any length: no burst.
                    path.next = now + path.interval;
                    path.probed = true;
                    let (endpoint, timeout) = (path.endpoint, path.timeout());
                    self.send(endpoint, Purpose::Path, now, timeout, out);
                }
            }
        }
        self.continue_pings(now, route, session, out);
    }

    /// When `handle_timeout` is due.
    pub fn deadline(&self, session: bool) -> Option<Millis> {
        let probes = self.outstanding.iter().filter(|probe| !probe.late).map(|probe| probe.deadline);
        let paths = self.paths.iter().filter(|path| session && path.interval > 0).map(|path| path.next);
        let pings = self.pings.iter().map(|ping| ping.next);
        probes.chain(paths).chain(pings).min()
    }

    /// Whether a path was probed since the last summary.
    pub fn has_news(&self) -> bool {
        self.paths.iter().any(|path| path.probed)
    }

    /// Every path probed since the last summary.
    pub fn take_news(&mut self) -> Vec<Measure> {
        let probed = |path: &mut Path| std::mem::take(&mut path.probed).then(|| path.measure());
        self.paths.iter_mut().filter_map(probed).collect()
    }

    fn send(
        &mut self,
        endpoint: Endpoint,
        purpose: Purpose,
        now: Millis,
        timeout: Millis,
        out: &mut Vec<ProbeOutput>,
    ) {
        if self.outstanding.len() >= OUTSTANDING {
            self.outstanding.pop_front();
        }
        self.next_id += 1;
        let id = self.next_id;
        let deadline = now + timeout;
        self.outstanding.push_back(Outstanding {
            id,
            endpoint,
            purpose,
            sent: now,
            stamp_nanos: 0,
            deadline,
            late: false,
        });
        out.push(ProbeOutput::Send { id, endpoint });
    }

    fn expire(&mut self, now: Millis, route: Option<Endpoint>, traffic: Traffic, out: &mut Vec<ProbeOutput>) {
        for probe in self.outstanding.iter_mut().filter(|probe| !probe.late && probe.deadline <= now) {
            // Kept: an echo that comes late still proves the path and corrects the loss.
            probe.late = true;
            match probe.purpose {
                Purpose::Path => {
                    let Some(path) = self.paths.iter_mut().find(|path| path.endpoint == probe.endpoint)
                    else {
                        continue;
                    };
                    let since = if path.unanswered == 0 { probe.sent } else { path.silent_since };
                    let owed =
                        route == Some(path.endpoint) && traffic.sent >= since && traffic.received < since;
                    path.miss(probe.id, since);
                    if path.proved && path.unanswered >= if owed { 2 } else { 3 } {
                        path.proved = false;
                        out.push(ProbeOutput::Lost { endpoint: path.endpoint });
                    }
                }
                Purpose::Challenge => {}
                Purpose::Ping { id, sequence } => {
                    let endpoint = Some(probe.endpoint);
                    out.push(ProbeOutput::Pong { id, sequence, rtt_millis: None, endpoint });
                }
            }
        }
        let forgotten = now.saturating_sub(10_000);
        while self.outstanding.front().is_some_and(|probe| probe.late && probe.sent < forgotten) {
            self.outstanding.pop_front();
        }
    }

    fn continue_pings(
        &mut self,
        now: Millis,
        route: Option<Endpoint>,
        session: bool,
        out: &mut Vec<ProbeOutput>,
    ) {
        for mut ping in std::mem::take(&mut self.pings) {
            while ping.next <= now && ping.left > 0 {
                let (id, sequence) = (ping.id, ping.sequence);
                match ping.endpoint.or(route).filter(|_| session) {
                    Some(endpoint) => {
                        self.send(endpoint, Purpose::Ping { id, sequence }, now, PING_TIMEOUT, out)
                    }
                    None if now < ping.due + PING_TIMEOUT => {
                        out.push(ProbeOutput::Wanted);
                        ping.next = now + PING_RETRY;
                        break;
                    }
                    None => out.push(ProbeOutput::Pong { id, sequence, rtt_millis: None, endpoint: None }),
                }
                ping.sequence += 1;
                ping.left -= 1;
                ping.due = now.max(ping.due + PING_INTERVAL);
                ping.next = ping.due;
            }
            if ping.left > 0 {
                self.pings.push(ping);
            }
        }
    }
}

#[cfg(test)]
#[path = "prober_test.rs"]
mod tests;
