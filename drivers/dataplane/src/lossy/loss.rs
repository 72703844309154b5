//! How much the line loses, and how much parity that takes.

use super::Micros;
use super::record::{PARITIES, UNITS};

/// Assumed before it is measured.
const ASSUMED: f64 = 0.1;
/// Records after which the measure is taken, and what a new one weighs: more, the fewer there were.
const BIN: u32 = 128;
const WEIGHT: f64 = 0.125;
/// Without a loss for so long, the line is clean.
const CLEAN: Micros = 10_000_000;
/// No parity is sized for more.
const MOST: f64 = 0.5;

pub struct Loss {
    share: f64,
    bins: u32,
    records: u32,
    lost: u32,
    last: Micros,
    residual: f64,
    /// Parities for a block of that many units at `sized_for`; `UNKNOWN`: not counted yet.
    sizes: [u8; UNITS + 1],
    sized_for: f64,
}

const UNKNOWN: u8 = u8::MAX;

impl Loss {
    /// `residual`: share of units that may be missing after parity.
    pub fn new(residual: f64, now: Micros) -> Loss {
        Loss {
            share: ASSUMED,
            bins: 0,
            records: 0,
            lost: 0,
            last: now,
            residual,
            sizes: [UNKNOWN; UNITS + 1],
            sized_for: ASSUMED,
        }
    }

    /// What became of a record. `late`: it arrived after it had been counted as lost.
    pub fn note(&mut self, arrived: bool, late: bool, now: Micros) {
        if late {
            self.lost = self.lost.saturating_sub(1);
            return;
        }
        self.records += 1;
        if !arrived {
            self.lost += 1;
            self.last = now;
        }
        if self.records == BIN {
            let share = f64::from(self.lost) / f64::from(BIN);
            self.bins = (self.bins + 1).min(1_000);
            self.share += (share - self.share) * WEIGHT.max(1.0 / f64::from(self.bins + 2));
            self.records = 0;
            self.lost = 0;
            // Sized anew only for a change that matters.
            if (self.share - self.sized_for).abs() > self.sized_for * 0.06 {
                self.sized_for = self.share;
                self.sizes = [UNKNOWN; UNITS + 1];
            }
        }
    }

    /// Share of records that are lost, of late.
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Whether parity is worth its bytes.
    pub fn is_worth_parity(&self, now: Micros) -> bool {
        now < self.last + CLEAN && self.share > self.residual / 2.0
    }

    /// How many parities a block of that many units needs.
    pub fn parities(&mut self, units: usize) -> usize {
        let units = units.min(UNITS);
        if self.sizes[units] == UNKNOWN {
            self.sizes[units] = parities(units, self.sized_for.min(MOST), self.residual) as u8;
        }
        usize::from(self.sizes[units])
    }
}

/// The least number of parities with which, at most, that share of the units is missing in the end.
fn parities(units: usize, loss: f64, residual: f64) -> usize {
    (0..PARITIES).find(|parities| remaining(units, *parities, loss) <= residual).unwrap_or(PARITIES)
}

/// Share of units that parity does not restore: those of blocks that lose more records than there are parities.
fn remaining(units: usize, parities: usize, loss: f64) -> f64 {
    let records = units + parities;
    let odds = loss / (1.0 - loss);
    let mut chance = (1.0 - loss).powi(records as i32);
    let mut mean = 0.0;
    for lost in 1..=records {
        chance *= odds * (records - lost + 1) as f64 / lost as f64;
        if lost > parities {
            mean += chance * lost as f64;
        }
    }
    mean / records as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p14_parity_follows_the_loss_and_the_size_of_the_block() {
        assert_eq!(parities(128, 0.0005, 1e-3), 0);
        assert!((3..=5).contains(&parities(128, 0.01, 1e-3)), "{}", parities(128, 0.01, 1e-3));
        assert!((22..=28).contains(&parities(128, 0.1, 1e-3)), "{}", parities(128, 0.1, 1e-3));
        assert!(parities(8, 0.1, 1e-3) > 3);
        assert_eq!(parities(128, 0.5, 1e-3), PARITIES);
        assert!((remaining(10, 0, 0.2) - 0.2).abs() < 1e-9);
    }
}
