use std::collections::HashSet;

use proptest::prelude::*;

use crate::session::window::{SIZE, Window};

/// What a window of 65,536 is meant to do, slowly.
#[derive(Default)]
struct Model {
    highest: u64,
    seen: HashSet<u64>,
}

impl Model {
    fn accept(&mut self, number: u64) -> bool {
        let is_old = self.highest >= SIZE && number <= self.highest - SIZE;
        if is_old || !self.seen.insert(number) {
            return false;
        }
        self.highest = self.highest.max(number);
        true
    }
}

proptest! {
    /// [P05] Steps of all sizes: neighbours, near the edge of the window, far beyond it.
    #[test]
    fn the_window_does_what_its_model_does(
        start in prop_oneof![Just(0), 0..1_000_000u64, Just((1 << 56) - 200_000)],
        steps in prop::collection::vec(
            prop_oneof![
                4 => -80..80i64,
                2 => -65_600..65_600i64,
                1 => 65_400..65_700i64,
                1 => -65_700..-65_400i64,
                1 => Just(70_000),
                1 => Just(200_000),
            ],
            1..300,
        ),
    ) {
        let (mut window, mut model) = (Window::new(), Model::default());
        let mut number = start;
        for step in steps {
            number = number.saturating_add_signed(step);
            prop_assert_eq!(window.accept(number), model.accept(number), "{}", number);
        }
    }

    /// Every number exactly once, in any order that stays within the window.
    #[test]
    fn shuffled_numbers_pass_once(order in Just((0..2_000u64).collect::<Vec<_>>()).prop_shuffle()) {
        let mut window = Window::new();
        prop_assert!(order.iter().all(|number| window.accept(*number)));
        prop_assert!(!order.iter().any(|number| window.accept(*number)));
    }
}

#[test]
fn the_window_reaches_exactly_65536_back() {
    let mut window = Window::new();
    assert!(window.accept(100_000));
    assert!(window.accept(100_000 - 65_535));
    assert!(!window.accept(100_000 - 65_536));
    assert!(!window.accept(0));
    assert!(window.accept(100_001));
    assert!(!window.accept(100_001 - 65_536));
}

#[test]
fn a_leap_over_the_whole_ring_leaves_nothing_behind() {
    let mut window = Window::new();
    for number in 0..SIZE {
        assert!(window.accept(number));
    }
    assert!(window.accept(u64::MAX));
    for number in u64::MAX - SIZE + 1..u64::MAX {
        assert!(window.accept(number));
    }
    assert!(!window.accept(u64::MAX - SIZE));
}
