//! How fast to send and how much may be on its way: what the line delivers times its round trip (after BBR, version 1).
//!
//! Loss alone lowers nothing. A queue of more than 25 ms does, and loss beyond the usual that comes with a longer round
//! trip; unless going slower does not help, because the queue is another's.

use super::Micros;
use super::flight::Sample;

/// Gains while the rate is not found yet: what a round must bring, and how many may not.
const STARTUP: f64 = 2.77;
const GROWTH: f64 = 1.25;
const ROUNDS: u8 = 3;
/// Gains by turns once it is found, each for a round trip.
const CYCLE: [f64; 8] = [1.25, 0.75, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
const TURN_LEAST: Micros = 4_000;
/// What asking for more brings where there is more, and how often running.
const GROWN: f64 = 1.15;
const GROWTHS: u8 = 2;
/// Rounds over which the greatest rate counts.
const MEMORY: usize = 10;
/// Until the rate is known: bytes a microsecond, and bytes on their way.
const FIRST_RATE: f64 = 2.5;
const FIRST_WINDOW: u64 = 32 * 1_500;
/// Never less than this rate, and these bytes on their way.
const LEAST_RATE: f64 = 0.008;
const LEAST_WINDOW: u64 = 4 * 1_500;
/// The queue that a full window makes, at most; and what may be on its way because acknowledgements come in lumps.
const QUEUE: Micros = 30_000;
const LUMP: Micros = 6_000;
/// The shortest round trip counts for so long, and is then looked for with half a window for so long.
const SHORTEST: Micros = 10_000_000;
const SEARCH: Micros = 60_000;
/// A queue that long is too long; one that short makes no loss.
const TOO_LONG: Micros = 25_000;
const SHORT: Micros = 6_000;
/// Share of the rate that is left after a cut, and what a round without one gives back.
const CUT: f64 = 0.85;
const RECOVERY: f64 = 1.03;
/// Cuts that may be in vain, and for how long none is made then.
const CUTS: u8 = 2;
const SPARED: Micros = 8_000_000;
/// How much of the other's queue is kept up with.
const KEEP_UP: f64 = 1.1;
/// Records over which loss is counted, and the greatest share that is made up for by sending more.
const RECORDS: u32 = 100;
const MADE_UP: f64 = 0.2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Looking for the rate.
    Startup,
    /// Getting rid of the queue that this made.
    Drain,
    Cruise,
    /// Looking for the shortest round trip, until then.
    Search(Micros),
}

pub struct Rate {
    mode: Mode,
    /// The greatest rate in each of the last rounds that brought one.
    rates: [f64; MEMORY],
    at: usize,
    best: f64,
    ceiling: Option<f64>,
    /// A round is over when what is sent in it arrives.
    round_until: u64,
    fresh_round: bool,
    round_limited: bool,
    /// More was on its way in this round than the line holds.
    pressed: bool,
    /// The shortest round trip of this round, and of the last seconds.
    round_rtt: Option<Micros>,
    shortest: Option<Micros>,
    shortest_at: Micros,
    /// The shortest of a search.
    searched: Option<Micros>,
    queue: Micros,
    full: f64,
    full_rounds: u8,
    /// The rate when more was asked for last, and how often running it was there.
    asked: f64,
    growths: u8,
    turn: usize,
    turn_at: Micros,
    cuts: u8,
    cut_queue: Micros,
    /// The queue is another's: until then it is kept up with.
    spared: bool,
    spared_until: Micros,
    /// Loss at less than the line's rate, and of late.
    calm: Share,
    recent: Share,
}

/// Share of records lost, over a hundred of them and more.
#[derive(Default)]
struct Share {
    records: u32,
    lost: u32,
    share: f64,
    known: bool,
}

impl Rate {
    pub fn new(now: Micros) -> Rate {
        Rate {
            mode: Mode::Startup,
            rates: [0.0; MEMORY],
            at: 0,
            best: 0.0,
            ceiling: None,
            round_until: 0,
            fresh_round: true,
            round_limited: false,
            pressed: false,
            round_rtt: None,
            shortest: None,
            shortest_at: now,
            searched: None,
            queue: 0,
            full: 0.0,
            full_rounds: 0,
            asked: 0.0,
            growths: 0,
            turn: 2,
            turn_at: now,
            cuts: 0,
            cut_queue: 0,
            spared: false,
            spared_until: 0,
            calm: Share::default(),
            recent: Share::default(),
        }
    }

    /// Bytes a microsecond to send.
    pub fn pacing(&self) -> f64 {
        let Some(rate) = self.rate() else { return FIRST_RATE };
        let least = if self.mode == Mode::Startup { FIRST_RATE } else { LEAST_RATE };
        (rate * self.gain() / (1.0 - self.made_up())).max(least)
    }

    /// Bytes a microsecond that the line carries, as far as is known.
    pub fn rate(&self) -> Option<f64> {
        let rate = self.ceiling.map_or(self.best, |ceiling| ceiling.min(self.best));
        (rate > 0.0).then_some(rate)
    }

    /// Bytes that may be on their way.
    pub fn window(&self) -> u64 {
        let (Some(rate), Some(shortest)) = (self.rate(), self.shortest) else { return FIRST_WINDOW };
        let rate = rate / (1.0 - self.made_up());
        let shortest = shortest as f64;
        let bytes = match self.mode {
            Mode::Startup | Mode::Drain => rate * (STARTUP * shortest + LUMP as f64),
            Mode::Cruise if self.spared => {
                let queue = (self.queue as f64 * KEEP_UP).max(shortest.min(QUEUE as f64));
                rate * (shortest + queue + LUMP as f64)
            }
            Mode::Cruise => rate * (shortest + shortest.min(QUEUE as f64) + LUMP as f64),
            Mode::Search(_) => rate * (shortest / 2.0 + LUMP as f64 / 2.0),
        };
        let least = if self.mode == Mode::Startup { FIRST_WINDOW } else { LEAST_WINDOW };
        (bytes as u64).max(least)
    }

    /// Whether less is sent than the line carries, so that it does not lose for that. `limited`: there is not more to send.
    pub fn is_calm(&self, limited: bool) -> bool {
        let less = limited || self.gain() < 1.0 || matches!(self.mode, Mode::Search(_));
        less && self.queue < SHORT
    }

    /// How long packets wait in the line now.
    pub fn queue(&self) -> Micros {
        self.queue
    }

    /// What became of a record.
    pub fn note(&mut self, arrived: bool, calm: bool) {
        self.recent.note(arrived);
        if calm {
            self.calm.note(arrived);
        }
    }

    /// An acknowledgement came.
    pub fn update(&mut self, sample: &Sample, now: Micros) {
        let over = sample.before >= self.round_until;
        if over {
            self.round_until = sample.delivered;
            self.end_round(sample.limited, now);
        }
        self.round_limited |= sample.limited;
        self.note_rtt(sample.rtt, now);
        self.note_rate(sample);
        self.proceed(sample.flying, now);
    }

    fn gain(&self) -> f64 {
        match self.mode {
            Mode::Startup => STARTUP,
            Mode::Drain => 1.0 / STARTUP,
            Mode::Cruise => CYCLE[self.turn],
            Mode::Search(_) => 1.0,
        }
    }

    /// Share of the records that the line loses whatever is sent.
    fn made_up(&self) -> f64 {
        // While there is a queue, what is lost may be our own doing.
        if self.queue < 2 * SHORT { self.calm.share.min(MADE_UP) } else { 0.0 }
    }

    fn note_rtt(&mut self, rtt: Option<Micros>, now: Micros) {
        let Some(rtt) = rtt else { return };
        self.round_rtt = Some(self.round_rtt.map_or(rtt, |least| least.min(rtt)));
        if let Mode::Search(_) = self.mode {
            self.searched = Some(self.searched.map_or(rtt, |least| least.min(rtt)));
        }
        // Nearly as short is as good: the line has not changed.
        if self.shortest.is_none_or(|shortest| rtt <= shortest + shortest / 16 + 200) {
            self.shortest = Some(self.shortest.map_or(rtt, |shortest| shortest.min(rtt)));
            self.shortest_at = now;
        }
    }

    fn note_rate(&mut self, sample: &Sample) {
        if sample.limited && sample.rate < self.best {
            return;
        }
        if self.fresh_round {
            self.fresh_round = false;
            self.at = (self.at + 1) % MEMORY;
            self.rates[self.at] = 0.0;
        }
        self.rates[self.at] = self.rates[self.at].max(sample.rate);
        self.best = self.rates.iter().fold(0.0, |best, rate| rate.max(best));
    }

    fn end_round(&mut self, limited: bool, now: Micros) {
        self.fresh_round = true;
        if let (Some(round), Some(shortest)) = (self.round_rtt.take(), self.shortest) {
            self.queue = round.saturating_sub(shortest);
        }
        if let Some(ceiling) = &mut self.ceiling {
            *ceiling *= RECOVERY;
            if *ceiling > self.best * 1.25 {
                self.ceiling = None;
            }
        }
        let full = !limited && !self.round_limited;
        if self.mode == Mode::Startup && full {
            if self.best > self.full * GROWTH {
                self.full = self.best;
                self.full_rounds = 0;
            } else {
                self.full_rounds += 1;
            }
        }
        let pressed = std::mem::take(&mut self.pressed);
        self.round_limited = false;
        let crowded = (full || pressed) && (self.queue > TOO_LONG || self.loses());
        if self.mode == Mode::Startup && (self.full_rounds >= ROUNDS || crowded) {
            self.mode = Mode::Drain;
        } else if self.mode == Mode::Cruise {
            self.consider_cut(now);
        }
    }

    fn consider_cut(&mut self, now: Micros) {
        self.spared &= now < self.spared_until;
        let loses = self.loses();
        if self.queue <= TOO_LONG && !loses {
            self.cuts = 0;
            return;
        }
        let Some(rate) = self.rate() else { return };
        if loses {
            self.ceiling = Some(rate * CUT);
            self.recent = Share::default();
            return;
        }
        if now < self.spared_until {
            return;
        }
        if self.cuts == 0 {
            self.cut_queue = self.queue;
        }
        if self.cuts >= CUTS && self.queue * 5 > self.cut_queue * 4 {
            self.cuts = 0;
            self.ceiling = None;
            self.spared = true;
            self.spared_until = now + SPARED;
            return;
        }
        self.cuts += 1;
        self.ceiling = Some(rate * CUT);
    }

    /// Whether more is lost than the line loses by itself, and packets take longer.
    fn loses(&self) -> bool {
        self.recent.share > self.calm.share * 1.5 + 0.03 && self.queue > SHORT
    }

    fn proceed(&mut self, flying: u64, now: Micros) {
        let (Some(rate), Some(shortest)) = (self.rate(), self.shortest) else { return };
        let product = (rate / (1.0 - self.made_up()) * shortest as f64) as u64;
        self.pressed |= flying > product + product / 2 + FIRST_WINDOW / 4;
        match self.mode {
            Mode::Startup => {}
            Mode::Drain if flying <= product.max(LEAST_WINDOW) => self.cruise(2, now),
            Mode::Drain => {}
            Mode::Cruise => {
                let over = now >= self.turn_at + shortest.max(TURN_LEAST);
                let drained = self.turn == 1 && flying <= product;
                if over && self.turn == 0 {
                    self.note_growth();
                }
                if self.mode == Mode::Cruise && (over || drained) {
                    self.cruise((self.turn + 1) % CYCLE.len(), now);
                }
                if self.mode == Mode::Cruise && now >= self.shortest_at + SHORTEST {
                    self.mode = Mode::Search(now + SEARCH.max(2 * shortest));
                    self.searched = None;
                }
            }
            Mode::Search(until) if now >= until => {
                self.shortest = self.searched.or(self.shortest);
                self.shortest_at = now;
                self.cruise(2, now);
            }
            Mode::Search(_) => {}
        }
    }

    /// Asked for more once: where the line gave it twice running, the rate is looked for again as in the beginning.
    fn note_growth(&mut self) {
        let grown = self.best > self.asked * GROWN && self.queue < SHORT && self.ceiling.is_none();
        self.growths = if grown { self.growths + 1 } else { 0 };
        self.asked = self.best;
        if self.growths >= GROWTHS {
            self.growths = 0;
            self.mode = Mode::Startup;
            self.full = self.best;
            self.full_rounds = 0;
        }
    }

    fn cruise(&mut self, turn: usize, now: Micros) {
        self.mode = Mode::Cruise;
        self.turn = turn;
        self.turn_at = now;
    }
}

impl Share {
    fn note(&mut self, arrived: bool) {
        self.records += 1;
        self.lost += u32::from(!arrived);
        if self.records == RECORDS {
            let share = f64::from(self.lost) / f64::from(RECORDS);
            self.share = if self.known { 0.75 * self.share + 0.25 * share } else { share };
            self.known = true;
            self.records = 0;
            self.lost = 0;
        }
    }
}
