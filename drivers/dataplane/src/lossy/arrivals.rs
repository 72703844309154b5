//! Which records came, and when the other end is told.

use super::Micros;
use super::record::{Ack, SPAN, expand};

/// Records that are remembered before the largest.
const KNOWN: u64 = 2 * SPAN as u64;
/// An acknowledgement goes out after so many records or so long; the same when not in a hurry.
const RECORDS: u32 = 16;
const DELAY: Micros = 2_000;
const RECORDS_LAZY: u32 = 64;
const DELAY_LAZY: Micros = 25_000;
/// Every record is told in so many acknowledgements, because they get lost as well; and in each at least so many records.
const REPEATS: usize = 16;
const LEAST: u64 = 64;

pub struct Arrivals {
    prompt: bool,
    /// The largest that came and when; 0 before the first.
    largest: u64,
    largest_at: Micros,
    /// Bit n % KNOWN: record n came.
    known: [u64; KNOWN as usize / 64],
    pending: u32,
    since: Micros,
    /// The largest in each of the last acknowledgements.
    told: [u64; REPEATS],
    acks: usize,
}

impl Arrivals {
    pub fn new(prompt: bool) -> Arrivals {
        Arrivals {
            prompt,
            largest: 0,
            largest_at: 0,
            known: [0; KNOWN as usize / 64],
            pending: 0,
            since: 0,
            told: [0; REPEATS],
            acks: 0,
        }
    }

    /// A record came; false when it came before or is too old to tell.
    pub fn note(&mut self, record: u32, now: Micros) -> bool {
        if self.largest == 0 {
            self.largest = (1 << 32) | u64::from(record);
            self.told = [self.largest; REPEATS];
        }
        let number = expand(record, self.largest);
        if number + KNOWN <= self.largest {
            return false;
        }
        if number > self.largest {
            for skipped in self.largest + 1..=number.min(self.largest + KNOWN) {
                self.set(skipped, false);
            }
            self.largest = number;
            self.largest_at = now;
        } else if self.is_known(number) {
            return false;
        } else if self.pending == 0 && number == self.largest {
            self.largest_at = now;
        }
        self.set(number, true);
        if self.pending == 0 {
            self.since = now;
        }
        self.pending += 1;
        true
    }

    /// When the next acknowledgement is due.
    pub fn deadline(&self) -> Option<Micros> {
        let (records, delay) = if self.prompt { (RECORDS, DELAY) } else { (RECORDS_LAZY, DELAY_LAZY) };
        match self.pending {
            0 => None,
            pending if pending >= records => Some(0),
            _ => Some(self.since + delay),
        }
    }

    /// Writes an acknowledgement of what came.
    pub fn write(&mut self, now: Micros, out: &mut Vec<u8>) {
        let oldest = self.told[self.acks % REPEATS];
        let span = self.largest.saturating_sub(oldest).clamp(LEAST, SPAN as u64);
        let mut before = [0; SPAN / 64];
        for distance in 0..span {
            if self.is_known(self.largest - 1 - distance) {
                before[distance as usize / 64] |= 1 << (distance % 64);
            }
        }
        let ack = Ack { largest: self.largest as u32, delay: now.saturating_sub(self.largest_at), before };
        ack.write(span as usize, out);
        self.told[self.acks % REPEATS] = self.largest;
        self.acks += 1;
        self.pending = 0;
    }

    fn is_known(&self, number: u64) -> bool {
        self.known[(number % KNOWN / 64) as usize] >> (number % 64) & 1 == 1
    }

    fn set(&mut self, number: u64, known: bool) {
        let word = &mut self.known[(number % KNOWN / 64) as usize];
        let bit = 1 << (number % 64);
        if known { *word |= bit } else { *word &= !bit }
    }
}
