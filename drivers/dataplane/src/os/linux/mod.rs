//! Linux: `recvmmsg` with `UDP_GRO`, `sendmmsg` with `UDP_SEGMENT`, TUN with vnet headers, eventfd.

pub mod address;
pub mod clock;
pub mod marker;
pub mod pipe;
pub mod priority;
pub mod tun;
pub mod udp;
pub mod waker;

use std::io;

/// The result of a system call that answers -1 on failure.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
