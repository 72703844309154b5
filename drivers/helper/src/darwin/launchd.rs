//! The socket that launchd opened (launch_activate_socket(3)).

use std::ffi::CString;
use std::os::fd::{FromRawFd, OwnedFd};

use crate::darwin::callers::SOCKET_NAME;

/// Takes it; none where launchd did not start this process.
pub fn handed_over() -> Option<OwnedFd> {
    let name = CString::new(SOCKET_NAME).ok()?;
    let mut fds: *mut libc::c_int = std::ptr::null_mut();
    let mut count: libc::size_t = 0;
    // SAFETY: the name ends in zero and outlives the call, which fills both of the others.
    let result = unsafe { launch_activate_socket(name.as_ptr(), &raw mut fds, &raw mut count) };
    if result != 0 || fds.is_null() {
        return None;
    }
    // SAFETY: launchd answers an array of `count` descriptors, which are this process's, made by malloc for it to free.
    let all: Vec<OwnedFd> = unsafe {
        let all = (0..count).map(|at| OwnedFd::from_raw_fd(*fds.add(at))).collect();
        libc::free(fds.cast());
        all
    };
    all.into_iter().next()
}

// SAFETY: as launch.h of macOS declares it.
unsafe extern "C" {
    fn launch_activate_socket(
        name: *const libc::c_char,
        fds: *mut *mut libc::c_int,
        count: *mut libc::size_t,
    ) -> libc::c_int;
}
