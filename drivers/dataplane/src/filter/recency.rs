//! A map whose entries stand in lanes of limited size; a lane that is full gives up what was not touched for longest.

use std::collections::HashMap;
use std::hash::Hash;

const NONE: u32 = u32::MAX;

/// Keys and values, in each lane in the order in which they were last touched.
pub struct Recency<K, V, const LANES: usize> {
    places: HashMap<K, u32>,
    entries: Vec<Entry<K, V>>,
    lanes: [Lane; LANES],
}

/// Where an entry is.
#[derive(Clone, Copy)]
pub struct Place(u32);

struct Entry<K, V> {
    key: K,
    value: V,
    lane: usize,
    older: u32,
    newer: u32,
}

struct Lane {
    limit: usize,
    count: usize,
    oldest: u32,
    newest: u32,
}

impl<K: Copy + Eq + Hash, V, const LANES: usize> Recency<K, V, LANES> {
    /// `limits`: of each lane, more than none. Takes memory only for entries that come.
    pub fn new(limits: [usize; LANES]) -> Recency<K, V, LANES> {
        let lanes = limits.map(|limit| Lane { limit, count: 0, oldest: NONE, newest: NONE });
        Recency { places: HashMap::new(), entries: Vec::new(), lanes }
    }

    /// Reads without touching.
    pub fn peek(&self, key: &K) -> Option<&V> {
        self.places.get(key).map(|place| &self.entries[*place as usize].value)
    }

    /// Where the entry is until something is added or removed; it is the newest of its lane from now on.
    pub fn touch(&mut self, key: &K) -> Option<Place> {
        let place = *self.places.get(key)?;
        let lane = self.entries[place as usize].lane;
        self.unlink(place);
        self.link(place, lane);
        Some(Place(place))
    }

    /// The value at a place that was just given.
    pub fn at(&mut self, Place(place): Place) -> &mut V {
        &mut self.entries[place as usize].value
    }

    /// Adds an entry to a lane; one of that key is replaced, wherever it is. What had to go for it.
    pub fn insert(&mut self, key: K, value: V, lane: usize) -> Option<(K, V)> {
        self.remove(&key);
        let Lane { limit, count, oldest, .. } = self.lanes[lane];
        let gone = if count >= limit { self.remove_at(oldest) } else { None };
        let place = self.entries.len() as u32;
        self.entries.push(Entry { key, value, lane, older: NONE, newer: NONE });
        self.link(place, lane);
        self.places.insert(key, place);
        gone
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = *self.places.get(key)?;
        self.remove_at(place).map(|(_, value)| value)
    }

    /// What was not touched for longest in a lane.
    pub fn oldest(&self, lane: usize) -> Option<(&K, &V)> {
        self.entries.get(self.lanes[lane].oldest as usize).map(|entry| (&entry.key, &entry.value))
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    fn remove_at(&mut self, place: u32) -> Option<(K, V)> {
        if place as usize >= self.entries.len() {
            return None;
        }
        self.unlink(place);
        let last = self.entries.len() as u32 - 1;
        let entry = self.entries.swap_remove(place as usize);
        self.places.remove(&entry.key);
        if place != last {
            // The last one took its place.
            let Entry { key, lane, older, newer, .. } = self.entries[place as usize];
            self.places.insert(key, place);
            *self.newer_of(older, lane) = place;
            *self.older_of(newer, lane) = place;
        }
        Some((entry.key, entry.value))
    }

    fn unlink(&mut self, place: u32) {
        let Entry { lane, older, newer, .. } = self.entries[place as usize];
        *self.newer_of(older, lane) = newer;
        *self.older_of(newer, lane) = older;
        self.lanes[lane].count -= 1;
    }

    fn link(&mut self, place: u32, lane: usize) {
        let newest = self.lanes[lane].newest;
        let entry = &mut self.entries[place as usize];
        (entry.lane, entry.older, entry.newer) = (lane, newest, NONE);
        *self.newer_of(newest, lane) = place;
        self.lanes[lane].newest = place;
        self.lanes[lane].count += 1;
    }

    /// What names the next newer one: in an entry, or where the lane begins.
    fn newer_of(&mut self, place: u32, lane: usize) -> &mut u32 {
        if place == NONE { &mut self.lanes[lane].oldest } else { &mut self.entries[place as usize].newer }
    }

    fn older_of(&mut self, place: u32, lane: usize) -> &mut u32 {
        if place == NONE { &mut self.lanes[lane].newest } else { &mut self.entries[place as usize].older }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_what_lists_would(
            limits in (1usize..8, 1usize..8),
            steps in proptest::collection::vec((0u8..4, 0u8..12), 0..200),
        ) {
            let limits = [limits.0, limits.1];
            let mut recency = Recency::new(limits);
            let mut lists: [Vec<(u8, usize)>; 2] = Default::default();
            for (at, (step, key)) in steps.into_iter().enumerate() {
                let known = (0..2).find_map(|lane| Some((lane, lists[lane].iter().position(|(other, _)| *other == key)?)));
                let taken = known.map(|(lane, place)| (lane, lists[lane].remove(place)));
                match step {
                    0 | 1 => {
                        let lane = usize::from(step);
                        let list = &mut lists[lane];
                        let gone = (list.len() >= limits[lane]).then(|| list.remove(0));
                        prop_assert_eq!(recency.insert(key, at, lane), gone);
                        list.push((key, at));
                    }
                    2 => {
                        let touched = recency.touch(&key);
                        prop_assert_eq!(touched.map(|place| *recency.at(place)), taken.map(|(_, (_, value))| value));
                        if let Some((lane, entry)) = taken {
                            lists[lane].push(entry);
                        }
                    }
                    _ => prop_assert_eq!(recency.remove(&key), taken.map(|(_, (_, value))| value)),
                }
                prop_assert_eq!(recency.len(), lists[0].len() + lists[1].len());
                for (lane, list) in lists.iter().enumerate() {
                    prop_assert_eq!(recency.oldest(lane), list.first().map(|(key, value)| (key, value)));
                }
                for key in 0..12 {
                    let value = lists.iter().flatten().find(|(other, _)| *other == key).map(|(_, value)| value);
                    prop_assert_eq!(recency.peek(&key), value);
                }
            }
        }
    }
}
