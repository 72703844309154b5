//! What mixes say about units that did not come: solved as soon as there is one mix for each of them.

use super::Micros;
use super::buffers::Buffers;
use super::field::{add_multiple, inverse, multiply, scale};

/// Mixes that wait at once, and for how long; units in one of them that are unknown.
const MOST: usize = 64;
const KEEP: Micros = 500_000;
const UNKNOWN: usize = 128;

/// Every unit that stands first in one stands in no other one.
#[derive(Default)]
pub struct Equations {
    equations: Vec<Equation>,
}

struct Equation {
    since: Micros,
    /// Numbers of unknown units, ascending, with their weights; never empty.
    terms: Vec<(u64, u8)>,
    /// Their sum.
    sum: Vec<u8>,
}

impl Equations {
    /// The weighed `sum` of unknown units.
    pub fn add(&mut self, terms: Vec<(u64, u8)>, sum: Vec<u8>, now: Micros, buffers: &mut Buffers) {
        let mut new = Equation { since: now, terms, sum };
        for known in &self.equations {
            new.remove_first_of(known);
        }
        if new.terms.is_empty() || new.terms.len() > UNKNOWN {
            return buffers.put(new.sum);
        }
        if self.equations.len() == MOST {
            buffers.put(self.equations.remove(0).sum);
        }
        self.insert(new);
    }

    /// A unit came.
    pub fn learn(&mut self, unit: u64, shard: &[u8], buffers: &mut Buffers) {
        let mut at = 0;
        while at < self.equations.len() {
            let equation = &mut self.equations[at];
            let Some((place, weight)) = equation.find(unit) else {
                at += 1;
                continue;
            };
            equation.terms.remove(place);
            add_multiple(&mut equation.sum, shard, weight);
            if place > 0 {
                at += 1;
                continue;
            }
            // It stood first, so in no other one.
            let rest = self.equations.swap_remove(at);
            if rest.terms.is_empty() {
                buffers.put(rest.sum);
            } else {
                self.insert(rest);
            }
            return;
        }
    }

    /// A unit that is known now, and its shard, perhaps with zeros behind it.
    pub fn solve(&mut self) -> Option<(u64, Vec<u8>)> {
        let at = self.equations.iter().position(|equation| equation.terms.len() == 1)?;
        let Equation { terms, mut sum, .. } = self.equations.swap_remove(at);
        let (unit, weight) = terms[0];
        scale(&mut sum, inverse(weight));
        Some((unit, sum))
    }

    /// Gives up what waited for too long.
    pub fn tidy(&mut self, now: Micros, buffers: &mut Buffers) {
        let over = |equation: &Equation| now >= equation.since + KEEP;
        while let Some(at) = self.equations.iter().position(over) {
            buffers.put(self.equations.swap_remove(at).sum);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.equations.is_empty()
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.equations.iter().map(|it| it.sum.capacity() + 16 * it.terms.capacity()).sum()
    }

    /// Its first unit goes out of all others.
    fn insert(&mut self, new: Equation) {
        for known in &mut self.equations {
            known.remove_first_of(&new);
        }
        self.equations.push(new);
    }
}

impl Equation {
    fn find(&self, unit: u64) -> Option<(usize, u8)> {
        let place = self.terms.binary_search_by_key(&unit, |(unit, _)| *unit).ok()?;
        Some((place, self.terms[place].1))
    }

    /// Subtracts as much of the other one as makes its first unit vanish from this one.
    fn remove_first_of(&mut self, other: &Equation) {
        let (unit, divisor) = other.terms[0];
        let Some((_, weight)) = self.find(unit) else { return };
        let factor = multiply(weight, inverse(divisor));
        add_multiple(&mut self.sum, &other.sum, factor);
        for (unit, weight) in &other.terms {
            let product = multiply(*weight, factor);
            match self.terms.binary_search_by_key(unit, |(unit, _)| *unit) {
                Ok(place) if self.terms[place].1 == product => {
                    self.terms.remove(place);
                }
                Ok(place) => self.terms[place].1 ^= product,
                Err(place) => self.terms.insert(place, (*unit, product)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::weight;
    use super::*;
    use proptest::prelude::*;

    fn shard(unit: u64) -> Vec<u8> {
        (0..20 + unit % 7).map(|at| (unit * 31 + at * 17) as u8).collect()
    }

    /// The mix of these units without those that are known.
    fn mix(units: std::ops::Range<u64>, seed: u8, lost: &[u64]) -> (Vec<(u64, u8)>, Vec<u8>) {
        let mut sum = Vec::new();
        let missing = |unit: &u64| lost.contains(unit);
        units
            .clone()
            .filter(missing)
            .for_each(|unit| add_multiple(&mut sum, &shard(unit), weight(unit as u32, seed)));
        (units.filter(missing).map(|unit| (unit, weight(unit as u32, seed))).collect(), sum)
    }

    proptest! {
        /// [P14] As many mixes of some units as are lost restore all of them.
        #[test]
        fn as_many_mixes_as_losses_are_enough(lost in proptest::collection::btree_set(100u64..228, 1..20), first: u8) {
            let lost: Vec<u64> = lost.into_iter().collect();
            let (mut equations, mut buffers) = (Equations::default(), Buffers::default());
            let mut solved = Vec::new();
            for seed in 0..lost.len() as u8 {
                prop_assert!(solved.is_empty());
                let (terms, sum) = mix(100..228, first.wrapping_add(seed) & 0x7f, &lost);
                equations.add(terms, sum, 0, &mut buffers);
                solved.extend(std::iter::from_fn(|| equations.solve()));
            }
            solved.sort();
            prop_assert_eq!(solved.iter().map(|(unit, _)| *unit).collect::<Vec<_>>(), lost);
            for (unit, sum) in solved {
                let whole = shard(unit);
                prop_assert_eq!(&sum[..whole.len()], &whole[..]);
                prop_assert!(sum[whole.len()..].iter().all(|byte| *byte == 0));
            }
        }

        /// [P14] What mixes of any units tell is true, and a unit that comes late helps.
        #[test]
        fn what_is_solved_is_true(
            lost in proptest::collection::btree_set(100u64..140, 1..12),
            windows in proptest::collection::vec((100u64..140, 1u64..40, any::<u8>()), 1..80),
            late in 0usize..12,
        ) {
            let mut lost: Vec<u64> = lost.into_iter().collect();
            let (mut equations, mut buffers) = (Equations::default(), Buffers::default());
            for (at, (start, units, seed)) in windows.iter().enumerate() {
                let (terms, sum) = mix(*start..start + units, *seed, &lost);
                equations.add(terms, sum, 0, &mut buffers);
                if at == late && !lost.is_empty() {
                    let unit = lost.remove(late % lost.len());
                    equations.learn(unit, &shard(unit), &mut buffers);
                }
                while let Some((unit, sum)) = equations.solve() {
                    prop_assert!(lost.contains(&unit));
                    lost.retain(|known| *known != unit);
                    prop_assert_eq!(&sum[..shard(unit).len()], &shard(unit)[..]);
                }
            }
            equations.tidy(KEEP, &mut buffers);
            prop_assert!(equations.is_empty() && equations.held() == 0);
        }
    }
}
