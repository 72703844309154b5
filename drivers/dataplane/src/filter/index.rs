//! Which rules hold a value: spans of numbers (addresses, ports), cut at their ends and kept in a tree, so that a value finds
//! its rules on one way from a leaf to the root, and a rule is kept in few places however wide it is.

use super::set::{Set, Union};

/// A number that spans are made of.
pub trait Point: Copy + Ord {
    /// The next higher one.
    fn next(self) -> Option<Self>;
}

impl Point for u16 {
    fn next(self) -> Option<u16> {
        self.checked_add(1)
    }
}

impl Point for u128 {
    fn next(self) -> Option<u128> {
        self.checked_add(1)
    }
}

/// Spans of numbers and the rules they belong to.
#[derive(Clone, Debug)]
pub struct Index<P> {
    /// Where spans begin, or others have ended; ascending.
    starts: Vec<P>,
    /// A heap: node 1 is the root, the last half are the leaves, leaf 0 what lies before all starts. Each node names the set
    /// of the rules that hold everything below it; 0 is the empty one.
    tree: Vec<u32>,
    sets: Vec<Set>,
}

impl<P: Point> Index<P> {
    /// Spans (first, last, rule) by ascending rules.
    pub fn new(spans: &[(P, P, u32)]) -> Index<P> {
        let ends = spans.iter().filter_map(|(_, last, _)| last.next());
        let mut starts: Vec<P> = spans.iter().map(|(first, _, _)| *first).chain(ends).collect();
        starts.sort_unstable();
        starts.dedup();
        let leaves = (starts.len() + 1).next_power_of_two();
        let mut index = Index { starts, tree: vec![0; leaves * 2], sets: vec![Set::default()] };
        for (first, last, rule) in spans {
            let mut low = leaves + index.leaf(*first);
            let mut high = leaves + index.leaf(*last) + 1;
            while low < high {
                if low % 2 == 1 {
                    index.add(low, *rule);
                    low += 1;
                }
                if high % 2 == 1 {
                    high -= 1;
                    index.add(high, *rule);
                }
                low /= 2;
                high /= 2;
            }
        }
        index
    }

    /// Adds the rules that hold `value` to the union.
    pub fn collect<'a>(&'a self, value: P, into: &mut Union<'a>) {
        let mut node = self.tree.len() / 2 + self.leaf(value);
        while node > 0 {
            into.add(&self.sets[self.tree[node] as usize]);
            node /= 2;
        }
    }

    fn leaf(&self, value: P) -> usize {
        self.starts.partition_point(|start| *start <= value)
    }

    fn add(&mut self, node: usize, rule: u32) {
        if self.tree[node] == 0 {
            self.tree[node] = self.sets.len() as u32;
            self.sets.push(Set::default());
        }
        self.sets[self.tree[node] as usize].add(rule);
    }
}

#[cfg(test)]
mod tests {
    use super::super::set::lowest;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_value_finds_the_spans_that_hold_it(
            spans in proptest::collection::vec((0u16..40, 0u16..40), 0..30),
            offset in prop_oneof![Just(0u16), Just(u16::MAX - 39)],
            value in 0u16..40,
        ) {
            let value = value + offset;
            let spans: Vec<(u16, u16, u32)> = spans
                .iter()
                .enumerate()
                .map(|(rule, (one, other))| (one.min(other) + offset, one.max(other) + offset, rule as u32))
                .collect();
            let index = Index::new(&spans);
            let expected: Vec<u32> =
                spans.iter().filter(|(first, last, _)| (first..=last).contains(&&value)).map(|(_, _, rule)| *rule).collect();
            // One by one, since only the lowest of a union can be asked.
            for (_, _, rule) in &spans {
                let mut only = Set::default();
                only.add(*rule);
                let mut asked = Union::new();
                asked.add(&only);
                let mut found = Union::new();
                index.collect(value, &mut found);
                prop_assert_eq!(lowest(&[found, asked]).is_some(), expected.contains(rule));
            }
        }
    }
}
