//! What one thread found last in tables: the packets of a stream do not walk down a tree each, whose nodes are seldom in a
//! near cache where there are thousands.

use super::{Table, align};
use std::net::IpAddr;

/// Addresses that are remembered; two that fall to one place push each other out.
const PLACES: usize = 16;

/// Answers of tables. They count for the version that gave them, and no longer.
pub struct Memo<V> {
    places: [Option<Answer<V>>; PLACES],
}

struct Answer<V> {
    version: u64,
    address: IpAddr,
    value: V,
}

impl<V> Default for Memo<V> {
    fn default() -> Memo<V> {
        Memo { places: [const { None }; PLACES] }
    }
}

impl<V> Memo<V> {
    /// What `read` makes of the length and the value of the longest prefix that holds `address`; it is asked once.
    pub fn find<T: Clone>(
        &mut self,
        table: &Table<T>,
        address: IpAddr,
        read: impl FnOnce(Option<(u8, &T)>) -> V,
    ) -> &V {
        let place = &mut self.places[place(address)];
        let version = table.version;
        if !place.as_ref().is_some_and(|known| known.version == version && known.address == address) {
            *place = None;
        }
        let answer = place.get_or_insert_with(|| Answer {
            version,
            address,
            value: read(table.find_longest(address)),
        });
        &answer.value
    }
}

fn place(address: IpAddr) -> usize {
    let (_, bits) = align(address);
    let folded = (bits >> 96 ^ bits) as u64 ^ (bits >> 64) as u64;
    (folded.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Prefix;
    use proptest::prelude::*;

    fn prefix(third: u8, length: u8) -> Prefix {
        let third = third & u8::MAX.checked_shl(24 - u32::from(length)).unwrap_or(0);
        format!("10.1.{third}.0/{length}").parse().expect("a prefix")
    }

    proptest! {
        /// Two tables that change in turns share the memo, as realms do a thread.
        #[test]
        fn remembers_what_the_present_version_says(steps in proptest::collection::vec(
            (any::<bool>(), any::<Option<u8>>(), 0u8..6, 16u8..=24), 1..80,
        )) {
            let mut tables = [Table::default(), Table::default()];
            let mut memo = Memo::default();
            for (which, value, third, length) in steps {
                let table = &mut tables[usize::from(which)];
                *table = table.with(prefix(third, length), value);
                for _ in 0..2 {
                    for table in &tables {
                        for third in 0..6 {
                            let address = IpAddr::from([10, 1, third, 7]);
                            let owned = |found: Option<(u8, &u8)>| found.map(|(length, value)| (length, *value));
                            let found = *memo.find(table, address, owned);
                            prop_assert_eq!(found, owned(table.find_longest(address)));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_table_that_did_not_change_is_asked_once_for_an_address() {
        let table = Table::default().with(prefix(1, 24), Some(()));
        let mut memo = Memo::default();
        let mut asked = 0;
        for last in [1, 1, 1] {
            memo.find(&table, IpAddr::from([10, 1, 1, last]), |_| asked += 1);
        }
        assert_eq!(asked, 1);
        let table = table.with(prefix(2, 24), Some(()));
        memo.find(&table, IpAddr::from([10, 1, 1, 1]), |_| asked += 1);
        assert_eq!(asked, 2);
    }
}
