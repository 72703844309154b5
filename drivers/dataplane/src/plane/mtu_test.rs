//! The search against paths of every size, with and without loss.

use super::*;
use proptest::prelude::*;

/// Runs a search on a path that carries `size`, from the first small echo until it rests; when it ended, and how many bytes
/// of probes it took.
fn run(search: &mut Search, size: u16, mut lost: impl FnMut() -> bool, from: Millis) -> (Millis, usize) {
    let (timeout, rtt) = (120, 20);
    let (mut now, mut bytes) = (from, 0);
    search.begin(now);
    for _ in 0..200 {
        let due = search.due(now, timeout);
        bytes += due.iter().map(|size| usize::from(*size)).sum::<usize>();
        for tried in due {
            if tried <= size && !lost() {
                search.handle_echo(tried, now + rtt);
            }
        }
        if search.handle_timeout(now) == Found::Useless {
            return (now, bytes);
        }
        match search.deadline() {
            Some(deadline) => now = deadline.max(now + 1),
            None => return (now, bytes),
        }
    }
    panic!("the search does not end");
}

proptest! {
    #[test]
    fn the_size_of_any_path_is_found(size in LEAST..1_600, limit in FULL..1_500) {
        let mut search = Search::new(limit);
        let (end, bytes) = run(&mut search, size, || false, 0);
        let found = search.settled().expect("settled");
        prop_assert!(found <= size.min(limit) && size.min(limit) - found < EXACT, "{found} of {size}");
        prop_assert!(end < 3_000 && bytes < 60_000, "{end} ms, {bytes} bytes");
        prop_assert_eq!(search.usable(), Some(found));
    }

    #[test]
    fn a_path_that_is_too_narrow_is_none(size in 0..LEAST) {
        let mut search = Search::new(1_400);
        run(&mut search, size, || false, 0);
        prop_assert_eq!(search.passes(), None);
        prop_assert_eq!(search.usable(), None);
    }

    #[test]
    fn what_is_believed_never_exceeds_the_path(size in LEAST..1_500, losses in proptest::collection::vec(any::<bool>(), 200)) {
        let mut search = Search::new(1_400);
        let mut at = 0;
        let lost = || {
            at += 1;
            losses[at % losses.len()]
        };
        run(&mut search, size, lost, 0);
        prop_assert!(search.passes().is_none_or(|passes| passes <= size));
    }
}

#[test]
fn an_ordinary_path_costs_two_large_probes() {
    let mut search = Search::new(1_400);
    let (end, bytes) = run(&mut search, 1_472, || false, 0);
    assert_eq!((search.settled(), bytes), (Some(1_400), 1_280 + 1_400));
    assert!(end <= 120);
}

#[test]
fn a_path_that_became_narrower_is_noticed_after_a_second_and_no_sooner() {
    let mut search = Search::new(1_400);
    run(&mut search, 1_472, || false, 0);
    assert_eq!(search.miss(10_000, 10_010, 10_120), Found::Nothing);
    assert!(search.is_in_doubt());
    assert_eq!(search.miss(10_250, 10_260, 10_370), Found::Nothing);
    assert_eq!(search.miss(10_500, 10_510, 10_620), Found::Nothing);
    assert_eq!(search.miss(10_900, 10_910, 11_020), Found::Size);
    assert_eq!((search.usable(), search.settled()), (Some(FULL), None));
    run(&mut search, 1_240, || false, 11_020);
    let found = search.settled().expect("settled");
    assert!((1_237..=1_240).contains(&found), "{found}");
}

#[test]
fn a_path_that_is_dead_is_not_narrow_and_one_echo_ends_the_doubt() {
    let mut search = Search::new(1_400);
    run(&mut search, 1_472, || false, 0);
    for sent in [10_000, 10_500, 11_000, 11_500] {
        assert_eq!(search.miss(sent, 9_990, sent + 120), Found::Nothing);
    }
    assert_eq!(search.handle_echo(1_400, 12_000), Found::Nothing);
    assert!(!search.is_in_doubt());
    assert_eq!(search.settled(), Some(1_400));
}

#[test]
fn a_path_that_grew_is_noticed_after_ten_minutes() {
    let mut search = Search::new(1_400);
    let (settled, _) = run(&mut search, 1_300, || false, 0);
    let narrow = search.settled().expect("settled");
    search.handle_timeout(settled + RAISE - 1);
    assert_eq!(search.deadline(), None);
    search.handle_timeout(settled + RAISE);
    assert_eq!(search.settled(), Some(narrow), "what is known stays known meanwhile");
    run(&mut search, 1_472, || false, settled + RAISE);
    assert_eq!(search.settled(), Some(1_400));
}
