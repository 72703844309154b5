//! How much each member may have relayed: a leaky bucket of bytes for each, one rate for all.

use crate::os::boot_nanos;
use std::sync::atomic::{AtomicU64, Ordering};

/// The rate; 0 lets everything pass.
#[derive(Default)]
pub struct Quota {
    bytes_per_second: AtomicU64,
}

/// One member's use of it, in one word (GCRA): the nanosecond up to which its share is used.
#[derive(Default)]
pub struct Relayed(AtomicU64);

/// A member that was silent may send so much at once, however low the rate.
const BURST_BYTES: u64 = 256 << 10;
const BURST_NANOS: u64 = 250_000_000;
const SECOND: u64 = 1_000_000_000;

impl Quota {
    pub fn set(&self, bytes_per_second: u64) {
        self.bytes_per_second.store(bytes_per_second, Ordering::Relaxed);
    }

    /// How many of `frames` frames of `stride` bytes may pass now; they are counted.
    pub fn take(&self, relayed: &Relayed, frames: usize, stride: usize) -> usize {
        match self.bytes_per_second.load(Ordering::Relaxed) {
            0 => frames,
            rate => relayed.take(frames, stride as u64, rate, boot_nanos()),
        }
    }
}

impl Relayed {
    fn take(&self, frames: usize, stride: u64, rate: u64, now: u64) -> usize {
        let burst = BURST_NANOS.max(nanos(BURST_BYTES, rate));
        let step = nanos(stride, rate).max(1);
        let mut passed = 0;
        let taken = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            let used = used.max(now);
            let room = (now + burst).saturating_sub(used) / step;
            passed = frames.min(usize::try_from(room).unwrap_or(usize::MAX));
            (passed > 0).then(|| used + passed as u64 * step)
        });
        if taken.is_ok() { passed } else { 0 }
    }
}

/// Nanoseconds that so many bytes take at a rate.
fn nanos(bytes: u64, rate: u64) -> u64 {
    bytes.saturating_mul(SECOND) / rate
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_more_than_the_rate_and_one_burst_pass(rate in 1_000u64..1 << 34, gaps in proptest::collection::vec((0u64..20_000_000, 1usize..64), 1..400)) {
            let relayed = Relayed::default();
            let (mut now, mut passed, stride) = (5 * SECOND, 0u64, 1_400);
            for (gap, frames) in gaps {
                now += gap;
                passed += relayed.take(frames, stride, rate, now) as u64 * stride;
            }
            let burst = BURST_BYTES.max(rate / 4);
            let allowed = burst as u128 + u128::from(now - 5 * SECOND) * u128::from(rate) / u128::from(SECOND);
            // The step is rounded down to whole nanoseconds.
            let slack = allowed / u128::from(nanos(stride, rate).max(1)) + u128::from(stride);
            prop_assert!(u128::from(passed) <= allowed + slack, "{passed} of {allowed}");
        }
    }

    #[test]
    fn a_member_at_its_rate_loses_nothing() {
        let relayed = Relayed::default();
        let passed: usize =
            (0..10_000u64).map(|ms| relayed.take(1, 1_000, 1_000_000, SECOND + ms * 1_000_000)).sum();
        assert_eq!(passed, 10_000);
    }

    #[test]
    fn without_a_rate_everything_passes() {
        assert_eq!(Quota::default().take(&Relayed::default(), 1_000_000, 65_507), 1_000_000);
    }
}
