//! The monotonic clock that goes on while the machine sleeps.

/// Nanoseconds since the machine started, time asleep included.
pub fn boot_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` outlives the call; CLOCK_BOOTTIME is in every kernel since 2.6.39, so it cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
