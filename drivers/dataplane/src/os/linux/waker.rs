//! Ends a poll from another thread.

use super::check;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// An eventfd; once woken it stays so.
pub struct Waker {
    fd: OwnedFd,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        // SAFETY: no pointers; the descriptor is owned by nobody else.
        let fd =
            unsafe { OwnedFd::from_raw_fd(check(libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK))?) };
        Ok(Waker { fd })
    }

    /// Ends the wait now and every later one.
    pub fn wake(&self) {
        let one = 1u64.to_ne_bytes();
        // SAFETY: writes eight bytes from a live array. A full counter (the only failure) is awake already.
        unsafe { libc::write(self.fd.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Waits until `fd` can be read (true) or this was woken (false). An error on `fd` counts as readable.
    pub(super) fn wait(&self, fd: &OwnedFd) -> io::Result<bool> {
        let mut fds = [poll(fd), poll(&self.fd)];
        loop {
            // SAFETY: `fds` is a live array of the length given.
            match check(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, -1) }) {
                Ok(_) => return Ok(fds[1].revents == 0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

fn poll(fd: &OwnedFd) -> libc::pollfd {
    libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 }
}
