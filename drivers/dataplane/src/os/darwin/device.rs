//! The interface that a socket sends by, whatever the routes say (`IP_BOUND_IF`).

use socket2::{Domain, Socket};
use std::ffi::CString;
use std::io;
use std::num::NonZeroU32;

/// Binds what leaves by the socket, and what comes, to the interface of that name (`en0`).
pub fn bind_device(socket: &Socket, domain: Domain, name: &str) -> io::Result<()> {
    let name = CString::new(name)?;
    // SAFETY: the name ends in zero.
    let index = NonZeroU32::new(unsafe { libc::if_nametoindex(name.as_ptr()) });
    let index = index.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
    if domain == Domain::IPV4 {
        socket.bind_device_by_index_v4(Some(index))
    } else {
        socket.bind_device_by_index_v6(Some(index))
    }
}
