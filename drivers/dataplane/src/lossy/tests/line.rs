//! A simulated line between two places, in one direction: it delays, loses, disorders, and carries only so much.

use crate::lossy::Micros;

/// What a line does to what is sent on it.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    pub delay: Micros,
    /// Added to the delay, evenly between 0 and this: packets overtake one another.
    pub jitter: Micros,
    /// Share lost, evenly.
    pub loss: f64,
    /// Bytes a microsecond, and for how long packets wait in its queue before they are dropped; 0: as much as comes.
    pub rate: f64,
    pub buffer: Micros,
    /// Lost whole: spans of so long, one in each of these.
    pub gap: Micros,
    pub every: Micros,
    /// Nothing passes between these.
    pub down: (Micros, Micros),
}

impl Line {
    /// 10 ms, nothing lost.
    pub const CLEAN: Line =
        Line { delay: 10_000, jitter: 0, loss: 0.0, rate: 0.0, buffer: 0, gap: 0, every: 0, down: (0, 0) };

    pub fn losing(loss: f64) -> Line {
        Line { loss, ..Line::CLEAN }
    }

    /// With that many Mbit/s and a queue.
    pub fn narrow(megabits: f64, buffer: Micros) -> Line {
        Line { rate: megabits / 8.0, buffer, ..Line::CLEAN }
    }
}

/// A line in use.
pub struct Running {
    pub line: Line,
    /// Until when it is busy with what was sent.
    busy: f64,
    /// The longest that a packet waited since `longest` was asked.
    longest: Micros,
}

impl Running {
    pub fn new(line: Line) -> Running {
        Running { line, busy: 0.0, longest: 0 }
    }

    /// When what is sent now arrives, if it does.
    pub fn carry(&mut self, bytes: usize, now: Micros, random: &mut Random) -> Option<Micros> {
        let Line { delay, jitter, loss, rate, buffer, gap, every, down } = self.line;
        let mut sent = now as f64;
        if rate > 0.0 {
            let wait = (self.busy - sent).max(0.0);
            if wait > buffer as f64 {
                return None;
            }
            self.longest = self.longest.max(wait as Micros);
            sent += wait + bytes as f64 / rate;
            self.busy = sent;
        }
        let is_down = now >= down.0 && now < down.1 || (every > 0 && now % every < gap);
        if is_down || random.share() < loss {
            return None;
        }
        let jitter = (random.share() * jitter as f64) as Micros;
        Some(sent as Micros + delay + jitter)
    }

    /// The longest wait in the queue since this was asked last.
    pub fn longest(&mut self) -> Micros {
        std::mem::take(&mut self.longest)
    }
}

/// Chance that repeats itself (xorshift).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Between 0 and 1.
    pub fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}
