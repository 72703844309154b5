//! What the data plane asks of the operating system: UDP in batches, TUN descriptors, a waker, clocks.
//!
//! One folder or file per system behind the same names; everything else in this crate is the same on all of them.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::marker::{mark, mark_by};
#[cfg(target_os = "linux")]
pub use linux::{clock::boot_nanos, pipe::Pipe, priority::prefer_latency, tun::Tun, udp::Udp, waker::Waker};

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use portable::clock::boot_nanos;
#[cfg(windows)]
pub use windows::pair::{FarEnd, NearEnd, pair};
#[cfg(windows)]
pub use windows::{tun::Tun, waker::Waker};

#[cfg(unix)]
mod unix_pair;
#[cfg(unix)]
pub use unix_pair::{FarEnd, NearEnd, pair};

// What a system other than Linux has is compiled on Linux for its tests, where that can be, so that it cannot rot.
#[cfg(any(target_os = "macos", all(test, unix)))]
#[cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "the tests leave the clock alone"))]
mod darwin;
#[cfg(target_os = "macos")]
pub use darwin::{clock::boot_nanos, tun::Tun, waker::Waker};

#[cfg(any(test, not(target_os = "linux")))]
#[cfg_attr(target_os = "linux", allow(dead_code, reason = "only its UDP has tests"))]
mod portable;
#[cfg(not(target_os = "linux"))]
pub use portable::{clock::prefer_latency, pipe::Pipe, udp::Udp};

/// What the sockets that reach other nodes are marked with (`SO_MARK`), where the system has marks and lets us: by it a
/// system that sends everything into a network's interface tells the sealed packets, which must not go there, from the rest.
/// The same number stands in `drivers/dataplane.ts`.
#[cfg(target_os = "linux")]
pub const MARK: u32 = 0x534d;

mod batch;
pub use batch::{Arrival, Arrivals, Departure, LARGEST, SEGMENTS};

#[cfg(test)]
mod udp_test;

/// The errno name of an error, for callers in JavaScript; `EIO` where there is none.
pub fn errno_name(error: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::AddrInUse => "EADDRINUSE",
        ErrorKind::AddrNotAvailable => "EADDRNOTAVAIL",
        ErrorKind::PermissionDenied => "EACCES",
        ErrorKind::InvalidInput | ErrorKind::InvalidData => "EINVAL",
        ErrorKind::NotFound => "ENOENT",
        ErrorKind::OutOfMemory => "ENOMEM",
        ErrorKind::Unsupported => "ENOTSUP",
        ErrorKind::NetworkUnreachable => "ENETUNREACH",
        #[cfg(unix)]
        _ if error.raw_os_error() == Some(libc::EBADF) => "EBADF",
        #[cfg(unix)]
        _ if error.raw_os_error() == Some(libc::ENODEV) => "ENODEV",
        #[cfg(unix)]
        _ if matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE)) => "EMFILE",
        _ => "EIO",
    }
}
