//! Ends a poll from another thread.

use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// A pair of sockets, of which one tells the other; once woken it stays so.
pub struct Waker {
    near: UnixStream,
    far: UnixStream,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let (near, far) = UnixStream::pair()?;
        near.set_nonblocking(true)?;
        Ok(Waker { near, far })
    }

    /// Ends the wait now and every later one.
    pub fn wake(&self) {
        // A full socket (the only failure) is awake already.
        let _ = (&self.near).write(&[1]);
    }

    /// Waits until `fd` can be read (true) or this was woken (false). An error on `fd` counts as readable.
    pub(super) fn wait(&self, fd: &OwnedFd) -> io::Result<bool> {
        let mut fds = [poll(fd.as_raw_fd()), poll(self.far.as_raw_fd())];
        loop {
            // SAFETY: `fds` is a live array of the length given.
            if unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, -1) } >= 0 {
                return Ok(fds[1].revents == 0);
            }
            let error = io::Error::last_os_error();
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
        }
    }
}

fn poll(fd: RawFd) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}
