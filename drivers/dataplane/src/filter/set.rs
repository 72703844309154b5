//! Sets of rule numbers that are sparse in memory and quick to intersect: the lowest rule in all of some is one look at few
//! words.

/// Numbers of 64 words share one chunk.
const CHUNK: u32 = 64 * 64;

/// Numbers of rules, added in ascending order.
#[derive(Clone, Debug, Default)]
pub struct Set {
    /// Ascending; none is empty.
    chunks: Vec<Chunk>,
}

#[derive(Clone, Debug)]
struct Chunk {
    at: u32,
    /// Which of its 64 words are kept.
    occupied: u64,
    words: Vec<u64>,
}

impl Set {
    /// Adds one that is not below any that is in it.
    pub fn add(&mut self, number: u32) {
        let (at, word, bit) = (number / CHUNK, number % CHUNK / 64, number % 64);
        if self.chunks.last().is_none_or(|chunk| chunk.at != at) {
            self.chunks.push(Chunk { at, occupied: 0, words: Vec::new() });
        }
        let Some(chunk) = self.chunks.last_mut() else { return };
        if chunk.occupied >> word & 1 == 0 {
            chunk.occupied |= 1 << word;
            chunk.words.push(0);
        }
        if let Some(last) = chunk.words.last_mut() {
            *last |= 1 << bit;
        }
    }

    fn chunk(&self, at: u32) -> Option<&Chunk> {
        self.chunks.iter().find(|chunk| chunk.at >= at).filter(|chunk| chunk.at == at)
    }

    fn occupied(&self, at: u32) -> u64 {
        self.chunk(at).map_or(0, |chunk| chunk.occupied)
    }

    fn word(&self, at: u32, word: u32) -> u64 {
        let Some(chunk) = self.chunk(at).filter(|chunk| chunk.occupied >> word & 1 == 1) else { return 0 };
        let before = chunk.occupied & ((1 << word) - 1);
        chunk.words[before.count_ones() as usize]
    }
}

/// Sets whose union holds the rules that fit one property of a packet.
#[derive(Clone, Copy)]
pub struct Union<'a> {
    sets: [Option<&'a Set>; UNITED],
    count: usize,
}

/// The levels of an [`Index`](super::index::Index) of all that memory holds, and the rules that ask for nothing.
pub const UNITED: usize = 40;

impl<'a> Union<'a> {
    pub fn new() -> Union<'a> {
        Union { sets: [None; UNITED], count: 0 }
    }

    pub fn add(&mut self, set: &'a Set) {
        if !set.chunks.is_empty() {
            self.sets[self.count] = Some(set);
            self.count += 1;
        }
    }

    fn sets(&self) -> impl Iterator<Item = &'a Set> {
        self.sets[..self.count].iter().copied().flatten()
    }

    fn occupied(&self, at: u32) -> u64 {
        self.sets().fold(0, |all, set| all | set.occupied(at))
    }

    fn word(&self, at: u32, word: u32) -> u64 {
        self.sets().fold(0, |all, set| all | set.word(at, word))
    }

    /// Highest chunk that any of its sets has, and one.
    fn chunks(&self) -> u32 {
        self.sets().filter_map(|set| set.chunks.last()).map(|chunk| chunk.at + 1).max().unwrap_or(0)
    }
}

/// The lowest number that is in every one of these.
pub fn lowest(unions: &[Union<'_>]) -> Option<u32> {
    let chunks = unions.iter().map(Union::chunks).min()?;
    (0..chunks).find_map(|at| {
        let mut live = unions.iter().fold(u64::MAX, |live, union| live & union.occupied(at));
        while live != 0 {
            let word = live.trailing_zeros();
            let common = unions.iter().fold(u64::MAX, |common, union| common & union.word(at, word));
            if common != 0 {
                return Some(at * CHUNK + word * 64 + common.trailing_zeros());
            }
            live &= live - 1;
        }
        None
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn numbers() -> impl Strategy<Value = BTreeSet<u32>> {
        // Some close together, some chunks away.
        proptest::collection::btree_set(
            (0u32..4, 0u32..200).prop_map(|(far, near)| far * 4_000 + near),
            0..60,
        )
    }

    fn set(numbers: &BTreeSet<u32>) -> Set {
        let mut set = Set::default();
        numbers.iter().for_each(|number| set.add(*number));
        set
    }

    proptest! {
        #[test]
        fn the_lowest_in_all_is_what_a_list_says(lists in proptest::collection::vec((numbers(), numbers()), 1..4)) {
            let sets: Vec<(Set, Set)> = lists.iter().map(|(one, other)| (set(one), set(other))).collect();
            let unions: Vec<Union<'_>> = sets.iter().map(|(one, other)| {
                let mut union = Union::new();
                union.add(one);
                union.add(other);
                union
            }).collect();
            let united: Vec<BTreeSet<u32>> = lists.iter().map(|(one, other)| one | other).collect();
            let expected = united[0].iter().copied().find(|number| united.iter().all(|list| list.contains(number)));
            prop_assert_eq!(lowest(&unions), expected);
        }
    }
}
