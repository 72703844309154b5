//! A map of limited size that gives up what was not touched for longest.

use std::collections::HashMap;
use std::hash::Hash;

const NONE: u32 = u32::MAX;

/// Keys and values in the order in which they were last touched.
pub struct Recency<K, V> {
    places: HashMap<K, u32>,
    entries: Vec<Entry<K, V>>,
    limit: usize,
    oldest: u32,
    newest: u32,
}

struct Entry<K, V> {
    key: K,
    value: V,
    older: u32,
    newer: u32,
}

impl<K: Copy + Eq + Hash, V> Recency<K, V> {
    /// Of at most `limit` entries, more than none. Takes memory only for those that come.
    pub fn new(limit: usize) -> Recency<K, V> {
        Recency { places: HashMap::new(), entries: Vec::new(), limit, oldest: NONE, newest: NONE }
    }

    /// Reads without touching.
    pub fn peek(&self, key: &K) -> Option<&V> {
        self.places.get(key).map(|place| &self.entries[*place as usize].value)
    }

    /// The entry, which is the newest from now on.
    pub fn touch(&mut self, key: &K) -> Option<&mut V> {
        let place = *self.places.get(key)?;
        self.unlink(place);
        self.link(place);
        Some(&mut self.entries[place as usize].value)
    }

    /// Adds or replaces; what had to go for it.
    pub fn insert(&mut self, key: K, value: V) -> Option<(K, V)> {
        if let Some(known) = self.touch(&key) {
            *known = value;
            return None;
        }
        let gone = if self.entries.len() >= self.limit { self.remove_at(self.oldest) } else { None };
        let place = self.entries.len() as u32;
        self.entries.push(Entry { key, value, older: NONE, newer: NONE });
        self.link(place);
        self.places.insert(key, place);
        gone
    }

    pub fn remove(&mut self, key: &K) -> Option<V> {
        let place = *self.places.get(key)?;
        self.remove_at(place).map(|(_, value)| value)
    }

    /// What was not touched for longest.
    pub fn oldest(&self) -> Option<(&K, &V)> {
        self.entries.get(self.oldest as usize).map(|entry| (&entry.key, &entry.value))
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
            let (key, older, newer) = {
                let moved = &self.entries[place as usize];
                (moved.key, moved.older, moved.newer)
            };
            self.places.insert(key, place);
            *self.newer_of(older) = place;
            *self.older_of(newer) = place;
        }
        Some((entry.key, entry.value))
    }

    fn unlink(&mut self, place: u32) {
        let Entry { older, newer, .. } = self.entries[place as usize];
        *self.newer_of(older) = newer;
        *self.older_of(newer) = older;
    }

    fn link(&mut self, place: u32) {
        let newest = self.newest;
        let entry = &mut self.entries[place as usize];
        (entry.older, entry.newer) = (newest, NONE);
        *self.newer_of(newest) = place;
        self.newest = place;
    }

    /// What names the next newer one: in an entry, or where the chain begins.
    fn newer_of(&mut self, place: u32) -> &mut u32 {
        if place == NONE { &mut self.oldest } else { &mut self.entries[place as usize].newer }
    }

    fn older_of(&mut self, place: u32) -> &mut u32 {
        if place == NONE { &mut self.newest } else { &mut self.entries[place as usize].older }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_what_a_list_would(limit in 1usize..8, steps in proptest::collection::vec((0u8..3, 0u8..12), 0..200)) {
            let mut recency = Recency::new(limit);
            let mut list: Vec<(u8, usize)> = Vec::new();
            for (at, (step, key)) in steps.into_iter().enumerate() {
                let known = list.iter().position(|(other, _)| *other == key);
                let taken = known.map(|place| list.remove(place));
                match step {
                    0 => {
                        let gone = (list.len() >= limit).then(|| list.remove(0));
                        prop_assert_eq!(recency.insert(key, at), gone);
                        list.push((key, at));
                    }
                    1 => {
                        prop_assert_eq!(recency.touch(&key).copied(), taken.map(|(_, value)| value));
                        list.extend(taken);
                    }
                    _ => prop_assert_eq!(recency.remove(&key), taken.map(|(_, value)| value)),
                }
                prop_assert_eq!(recency.len(), list.len());
                prop_assert_eq!(recency.oldest(), list.first().map(|(key, value)| (key, value)));
                for key in 0..12 {
                    let value = list.iter().find(|(other, _)| *other == key).map(|(_, value)| value);
                    prop_assert_eq!(recency.peek(&key), value);
                }
            }
        }
    }
}
