//! The standard library's monotonic clock. On Windows it goes on while the machine sleeps.

use std::sync::LazyLock;
use std::time::Instant;

/// Nanoseconds since some moment before the first call.
pub fn boot_nanos() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}

/// Has the calling thread run sooner; nothing was found to help here.
pub fn prefer_latency() {}
