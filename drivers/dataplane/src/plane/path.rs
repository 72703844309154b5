//! One path as its probes show it: proved or not, round trip, jitter, loss, size.

use super::kcp_source::spare;
use super::mtu::Search;
use super::spread::Way;
use crate::endpoint::Endpoint;
use crate::session::Millis;
use crate::session::probe::Counts;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Probes over which loss is counted.
const HISTORY: usize = 20;
/// Round trips among which the smallest is looked for.
const RECENT: usize = 10;
/// Without a measurement a probe counts as unanswered after this.
pub const FIRST_TIMEOUT: Millis = 1_000;
/// Scheduling on a busy machine takes this long at times.
const SLACK: f64 = 100.0;
/// Loss per direction is told once so many datagrams were counted.
const COUNTED: u64 = 20;
/// Datagrams that came between two echoes, beside the echo and a probe of the peer's, when packets flow this way.
const FLOWING: u64 = 4;
/// With one in so many probes goes one of the path's full size: while packets leave by it at most once a second, for a
/// narrowed path swallows them; else so rarely that it costs next to nothing.
const FULL_EVERY: u32 = 4;
const FULL_INTERVAL: Millis = 1_000;
const FULL_AT_REST: Millis = 30_000;
/// Datagrams since the last probe of full size that make it due soon: more than probes and echoes.
const LEAVING: u64 = 40;
/// After a missed probe the next one leaves so long after it, whatever the interval.
const RECHECK_INTERVAL: Millis = 200;
/// On a line that loses so many probes one more is no news.
const LOSSY: f64 = 0.06;
/// While it is in doubt whether the full size still passes, both sizes are probed so often.
const DOUBT_INTERVAL: Millis = 250;
/// Probes without echo that lose a path, when it owed packets an answer and when it was merely silent; on a lossy line as
/// many as make it that unlikely that all of them were lost by chance.
const OWED: (u32, f64) = (2, 1e-2);
const SILENT: (u32, f64) = (3, 1e-3);
const MOST_SILENT: u32 = 8;
/// Probes over which the usual loss is smoothed.
const LOSS_MEMORY: f64 = 64.0;
/// A path that packets come by, but no echo, is dead in the other direction after this.
const ONE_WAY: Millis = 2_000;

/// Measurements of one path; times in milliseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub endpoint: Endpoint,
    pub rtt_millis: Option<f64>,
    pub min_rtt_millis: Option<f64>,
    /// 0–1.
    pub loss: f64,
    pub jitter_millis: Option<f64>,
    /// 0–1: of ours on the way there, and of the peer's on the way here.
    pub loss_out: Option<f64>,
    pub loss_in: Option<f64>,
    /// Bytes a second of ours that arrived there since the last summary; `None` while as much came as went, or nothing is
    /// known.
    pub delivered: Option<f64>,
    /// Largest inner IP packet that passes whole; `None` while it is searched.
    pub mtu: Option<u16>,
    /// On the clock of [`Millis`].
    pub last_echo: Option<Millis>,
}

/// A path that is probed.
pub struct Path {
    pub endpoint: Endpoint,
    pub way: Arc<Way>,
    pub interval: Millis,
    pub next: Millis,
    pub proved: bool,
    pub search: Search,
    /// Probed since the last summary.
    pub probed: bool,
    pub smoothed: Option<f64>,
    variation: f64,
    jitter: Option<f64>,
    last_rtt: Option<f64>,
    recent: VecDeque<f64>,
    /// Newest last: whether the echo came. Probes under way are not in it.
    history: VecDeque<(u64, bool)>,
    /// Newest last.
    tallies: VecDeque<Tally>,
    /// The newest of them when the last summary was made.
    summed: Option<Tally>,
    /// Probes without echo since the last one: after which nothing came by the path, and after which something did.
    silent: Streak,
    one_way: Streak,
    /// Loss before the first of them.
    loss_before: f64,
    /// Smoothed share of probes without echo, over more of them than the history and beyond a loss.
    usual_loss: f64,
    last_echo: Option<Millis>,
    proved_at: Millis,
    pub last_sent: Millis,
    last_full: Millis,
    /// Small probes since the last of full size, and what had left by this path then.
    since_full: u32,
    sent_at_full: u64,
}

/// Probes without echo, and when the first of them left.
#[derive(Clone, Copy, Default)]
struct Streak {
    probes: u32,
    since: Millis,
}

impl Streak {
    /// One more; since when.
    fn add(&mut self, sent: Millis) -> Millis {
        if self.probes == 0 {
            self.since = sent;
        }
        self.probes += 1;
        self.since
    }
}

/// Datagrams counted at both ends when an echo came.
#[derive(Clone, Copy)]
struct Tally {
    /// Ours: sent when the probe left, received there when it came.
    out: (u64, u64),
    /// The peer's: sent when the echo left, received here when it came.
    back: (u64, u64),
    /// Bytes of ours when the probe left, and when that was, in monotonic nanoseconds.
    bytes: u64,
    left: u64,
}

/// What one probe's echo says besides its round trip.
#[derive(Clone, Copy)]
pub struct EchoCounts {
    /// Datagrams of ours when the probe left.
    pub sent: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Monotonic nanoseconds at which it left.
    pub left: u64,
    pub theirs: Option<Counts>,
}

impl Path {
    pub fn new(endpoint: Endpoint, interval: Millis, limit: u16, now: Millis) -> Path {
        Path {
            endpoint,
            way: Way::new(endpoint),
            interval,
            next: now,
            proved: false,
            search: Search::new(limit),
            probed: false,
            smoothed: None,
            variation: 0.0,
            jitter: None,
            last_rtt: None,
            recent: VecDeque::new(),
            history: VecDeque::new(),
            tallies: VecDeque::new(),
            summed: None,
            silent: Streak::default(),
            one_way: Streak::default(),
            loss_before: 0.0,
            usual_loss: 0.0,
            last_echo: None,
            proved_at: 0,
            last_sent: 0,
            last_full: 0,
            since_full: 0,
            sent_at_full: 0,
        }
    }

    /// Probes at another interval from now on.
    pub fn pace(&mut self, interval: Millis, now: Millis) {
        if self.interval != interval {
            self.interval = interval;
            self.next = self.next.min(now + interval);
        }
    }

    /// How long an echo may take (RFC 6298's estimate, with bounds fit for one path).
    pub fn timeout(&self) -> Millis {
        match self.smoothed {
            Some(smoothed) => ((smoothed + (4.0 * self.variation).max(SLACK)) as Millis).min(FIRST_TIMEOUT),
            None => FIRST_TIMEOUT,
        }
    }

    /// A small probe leaves now, the next one after the interval. The size of another that leaves with it, at times: the full
    /// one, so that its loss is told from the path's own.
    pub fn tick(&mut self, now: Millis) -> Option<u16> {
        self.probed = true;
        self.last_sent = now;
        self.since_full += 1;
        // After a pause of any length: no burst.
        self.next = now + self.interval;
        let full = self.search.passes().filter(|_| self.proved)?;
        let doubt = self.search.is_in_doubt();
        if doubt {
            self.next = now + self.interval.min(DOUBT_INTERVAL);
        }
        let sent = self.way.sent.load(Ordering::Relaxed);
        let leaving = sent - self.sent_at_full >= LEAVING;
        let interval = if leaving { FULL_INTERVAL } else { FULL_AT_REST };
        let due = self.since_full >= FULL_EVERY && now >= self.last_full + interval;
        if !doubt && !due {
            return None;
        }
        (self.since_full, self.last_full, self.sent_at_full) = (0, now, sent);
        Some(full)
    }

    /// It is in doubt whether the full size passes: the next probes are due soon.
    pub fn hurry(&mut self, now: Millis) {
        self.next = self.next.min((self.last_sent + self.interval.min(DOUBT_INTERVAL)).max(now));
    }

    /// A probe was missed: whether the path lives is to be known soon, unless it misses many.
    pub fn recheck(&mut self, now: Millis) {
        if self.proved && self.loss_before < LOSSY {
            self.next = self.next.min((self.last_sent + self.interval.min(RECHECK_INTERVAL)).max(now));
        }
    }

    /// A small probe was echoed.
    pub fn echo(&mut self, id: u64, rtt_millis: f64, counts: EchoCounts, now: Millis) {
        self.last_echo = Some(now);
        self.answered();
        self.usual_loss -= self.usual_loss / LOSS_MEMORY;
        match self.history.iter_mut().find(|(known, _)| *known == id) {
            Some(late) => late.1 = true,
            None => self.remember(id, true),
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(rtt_millis);
        match self.smoothed {
            Some(smoothed) => {
                self.variation += ((smoothed - rtt_millis).abs() - self.variation) / 4.0;
                self.smoothed = Some(smoothed + (rtt_millis - smoothed) / 8.0);
            }
            None => {
                self.variation = rtt_millis / 2.0;
                self.smoothed = Some(rtt_millis);
            }
        }
        if let Some(last) = self.last_rtt.replace(rtt_millis) {
            let jitter = self.jitter.unwrap_or(0.0);
            self.jitter = Some(jitter + ((rtt_millis - last).abs() - jitter) / 16.0);
        }
        self.tally(counts);
    }

    /// A probe of the full size, or of one that is tried, was echoed.
    pub fn large_echo(&mut self) {
        self.answered();
    }

    /// When a small probe was echoed last.
    pub fn last_small_echo(&self) -> Millis {
        self.last_echo.unwrap_or(0)
    }

    /// A small probe that left at `sent` was not echoed in time. `owed`: packets left by this path since and nothing at all
    /// came from the peer. True when the path is lost by it.
    pub fn miss(&mut self, id: u64, sent: Millis, owed: impl FnOnce(Millis) -> bool, now: Millis) -> bool {
        if sent < self.proved_at {
            return false;
        }
        if self.silent.probes + self.one_way.probes == 0 {
            self.loss_before = self.loss().max(self.usual_loss);
        }
        self.remember(id, false);
        if self.proved {
            self.usual_loss += (1.0 - self.usual_loss) / LOSS_MEMORY;
        }
        let lost = if self.way.heard.load(Ordering::Relaxed) > sent {
            let since = self.one_way.add(sent);
            self.one_way.probes >= self.enough(SILENT) && now >= since + ONE_WAY
        } else {
            let since = self.silent.add(sent);
            self.silent.probes >= self.enough(if owed(since) || self.was_flowing() { OWED } else { SILENT })
        };
        self.proved && lost
    }

    /// Its echo came: from now on it counts as good. What punching lost before says nothing about it.
    pub fn prove(&mut self, now: Millis) {
        self.proved = true;
        self.proved_at = now;
        self.history.clear();
        self.forget_tallies();
    }

    /// It went silent.
    pub fn lose(&mut self) {
        self.proved = false;
        self.search.reset();
    }

    pub fn measure(&self) -> Measure {
        let losses = |counts: fn(&Tally) -> (u64, u64)| {
            let (first, last) = (counts(self.tallies.front()?), counts(self.tallies.back()?));
            let sent = last.0 - first.0;
            let received = last.1 - first.1;
            (sent >= COUNTED).then(|| sent.saturating_sub(received) as f64 / sent as f64)
        };
        Measure {
            endpoint: self.endpoint,
            rtt_millis: self.smoothed,
            min_rtt_millis: self.recent.iter().copied().reduce(f64::min),
            loss: self.loss(),
            jitter_millis: self.jitter,
            loss_out: losses(|tally| tally.out),
            loss_in: losses(|tally| tally.back),
            delivered: self.delivered(),
            mtu: self.search.settled().map(|mtu| mtu - spare(&self.endpoint)),
            last_echo: self.last_echo,
        }
    }

    /// What is delivered from now on is for the next summary.
    pub fn begin_summary(&mut self) {
        self.summed = self.tallies.back().copied();
    }

    /// Bytes a second that arrived since the last summary. Where more came than went nothing can be concluded: what went
    /// waited for what came.
    fn delivered(&self) -> Option<f64> {
        let (first, last) = (self.summed?, self.tallies.back()?);
        let grown = |of: fn(&Tally) -> u64| of(last).saturating_sub(of(&first)) as f64;
        let seconds = grown(|tally| tally.left) / 1e9;
        let (sent, arrived) = (grown(|tally| tally.out.0), grown(|tally| tally.out.1));
        let came = grown(|tally| tally.back.1);
        let share = (arrived / sent).min(1.0);
        (seconds > 0.0 && sent > 0.0 && sent > came).then(|| grown(|tally| tally.bytes) * share / seconds)
    }

    fn forget_tallies(&mut self) {
        self.tallies.clear();
        self.summed = None;
    }

    fn answered(&mut self) {
        (self.silent, self.one_way) = (Streak::default(), Streak::default());
    }

    /// Share of the last probes without echo.
    fn loss(&self) -> f64 {
        let lost = self.history.iter().filter(|(_, answered)| !answered).count();
        if self.history.is_empty() { 0.0 } else { lost as f64 / self.history.len() as f64 }
    }

    /// Probes without echo that are no chance on this line.
    fn enough(&self, (least, chance): (u32, f64)) -> u32 {
        // Of no loss the logarithm is without bound, and the quotient zero.
        let probes = chance.ln() / self.loss_before.ln();
        if probes.is_finite() { (probes.ceil() as u32).clamp(least, MOST_SILENT) } else { least }
    }

    /// Whether more than probes came by it between the last two echoes.
    fn was_flowing(&self) -> bool {
        let mut newest = self.tallies.iter().rev().map(|tally| tally.back.1);
        match (newest.next(), newest.next()) {
            (Some(last), Some(before)) => last - before > FLOWING,
            _ => false,
        }
    }

    fn tally(&mut self, EchoCounts { sent, bytes, left, theirs }: EchoCounts) {
        let Some(theirs) = theirs else { return };
        let tally = Tally {
            out: (sent, theirs.received),
            back: (theirs.sent, self.way.received.load(Ordering::Relaxed)),
            bytes,
            left,
        };
        if self.tallies.back().is_some_and(|last| sent < last.out.0) {
            return;
        }
        let grew = |one: (u64, u64), other: (u64, u64)| one.0 <= other.0 && one.1 <= other.1;
        // The other end began to count anew.
        if self.tallies.back().is_some_and(|last| !grew(last.out, tally.out) || !grew(last.back, tally.back))
        {
            self.forget_tallies();
        }
        if self.tallies.len() == HISTORY {
            self.tallies.pop_front();
        }
        self.tallies.push_back(tally);
    }

    fn remember(&mut self, id: u64, answered: bool) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((id, answered));
    }
}
