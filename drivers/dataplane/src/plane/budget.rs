//! How many bytes of probes this process may send: paths that carry packets come first, all others are slowed.

use crate::session::Millis;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of probes, with their outer headers, in any minute: what 80 kbit/s would carry, which no line notices.
#[cfg(test)]
pub const MINUTE: u64 = 600_000;
/// For paths in use by peers with traffic: 360 kB a minute and 90 kB at once; for all others a third of that, and what those
/// leave over.
const BUSY: Allowance = Allowance { per_second: 6_000, burst: 90_000 };
const REST: Allowance = Allowance { per_second: 2_000, burst: 30_000 };

/// Shared by all peers.
#[derive(Default)]
pub struct Budget {
    busy: Bucket,
    rest: Bucket,
}

impl Budget {
    /// Takes what one probe costs, if there is so much.
    pub fn take(&self, bytes: usize, busy: bool, now: Millis) -> bool {
        let bytes = bytes as u64;
        if busy {
            return self.busy.take(bytes, &BUSY, BUSY.burst, now);
        }
        self.rest.take(bytes, &REST, REST.burst, now) || self.busy.take(bytes, &BUSY, BUSY.burst / 2, now)
    }
}

struct Allowance {
    per_second: u64,
    burst: u64,
}

/// A leaky bucket in one word (GCRA): the microsecond at which it is empty.
#[derive(Default)]
struct Bucket {
    empty: AtomicU64,
}

impl Bucket {
    fn take(&self, bytes: u64, allowance: &Allowance, burst: u64, now: Millis) -> bool {
        let micros = |bytes: u64| bytes * 1_000_000 / allowance.per_second;
        let now = now * 1_000;
        let taken = self.empty.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |empty| {
            let next = empty.max(now) + micros(bytes);
            (next <= now + micros(burst)).then_some(next)
        });
        taken.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_minute_gets_more_than_its_bytes_and_nobody_gets_none() {
        let budget = Budget::default();
        let (mut busy, mut rest) = (Vec::new(), Vec::new());
        for now in (1_000_000..1_300_000).step_by(10) {
            for _ in 0..4 {
                if budget.take(1_340, true, now) {
                    busy.push(now);
                }
                if budget.take(85, false, now) {
                    rest.push(now);
                }
            }
        }
        let bytes = |from: Millis| {
            let within = |times: &[Millis]| {
                times.iter().filter(|at| (from..from + 60_000).contains(*at)).count() as u64
            };
            (within(&busy) * 1_340, within(&rest) * 85)
        };
        for from in (1_000_000..1_240_000).step_by(7_000) {
            let (busy, rest) = bytes(from);
            assert!(busy + rest <= MINUTE, "{busy} and {rest} from {from}");
            assert!(rest >= 100_000 && busy >= 300_000, "{busy} and {rest} from {from}");
        }
    }

    #[test]
    fn what_busy_paths_leave_over_goes_to_the_rest() {
        let budget = Budget::default();
        let taken = (0..60_000u64).step_by(5).filter(|now| budget.take(85, false, 1_000_000 + now)).count();
        assert!(taken as u64 * 85 > 450_000, "{taken}");
    }
}
