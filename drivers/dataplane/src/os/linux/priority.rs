//! How soon a thread runs once it has something to do.

use std::mem::size_of;

/// Nanoseconds that a packet thread asks to run at a stretch. The scheduler serves short requests sooner, which cuts
/// the delay of packets on a busy machine and costs no throughput (README, "What was measured").
const SLICE_NANOS: u64 = 200_000;

/// `struct sched_attr` of linux/sched/types.h, first version.
#[repr(C)]
#[derive(Default)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Has the calling thread run sooner and for shorter. Kernels before 6.12 ignore it; nothing depends on it.
pub fn prefer_latency() {
    let length = size_of::<Attributes>();
    let mut attributes = Attributes::default();
    // SAFETY: the kernel writes at most `length` bytes to a live structure of that length; 0 is the calling thread.
    let known = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut attributes, length, 0) } == 0;
    if known && attributes.policy == libc::SCHED_OTHER as u32 {
        attributes.runtime = SLICE_NANOS;
        // SAFETY: the kernel reads `attributes.size` bytes, which it set itself, from a live structure.
        unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    }
}
