//! Bytes from one socket to another that this process never sees: splice(2) by a pipe.

use super::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// What a pipe is asked to hold; the system may give less.
const ROOM: libc::c_int = 1 << 20;

/// Bytes on their way from one socket to another.
pub struct Pipe {
    read: OwnedFd,
    write: OwnedFd,
    held: usize,
}

impl Pipe {
    pub fn new() -> io::Result<Pipe> {
        let mut ends = [0; 2];
        // SAFETY: the kernel writes two descriptors into an array of two, which is alive.
        check(unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC | libc::O_NONBLOCK) })?;
        // SAFETY: both descriptors were made just now and belong to nobody else.
        let [read, write] = ends.map(|end| unsafe { OwnedFd::from_raw_fd(end) });
        // SAFETY: no pointers, a descriptor of our own; refused, the pipe stays as large as it is.
        let _ = unsafe { libc::fcntl(write.as_raw_fd(), libc::F_SETPIPE_SZ, ROOM) };
        Ok(Pipe { read, write, held: 0 })
    }

    /// Whether everything that was taken was given on.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes what a socket has; 0 at its end, `WouldBlock` when it has nothing now or the pipe is full.
    pub fn fill(&mut self, from: &impl AsFd) -> io::Result<usize> {
        let moved = splice(&from.as_fd(), &self.write, ROOM as usize)?;
        self.held += moved;
        Ok(moved)
    }

    /// Gives to a socket what it takes.
    pub fn drain(&mut self, to: &impl AsFd) -> io::Result<usize> {
        let moved = splice(&self.read, &to.as_fd(), self.held)?;
        self.held -= moved;
        Ok(moved)
    }
}

fn splice(from: &impl AsRawFd, to: &impl AsRawFd, most: usize) -> io::Result<usize> {
    let flags = libc::SPLICE_F_MOVE | libc::SPLICE_F_NONBLOCK;
    let none = std::ptr::null_mut();
    // SAFETY: no offsets are given, and the descriptors are borrowed for the call.
    let moved = unsafe { libc::splice(from.as_raw_fd(), none, to.as_raw_fd(), none, most, flags) };
    usize::try_from(moved).map_err(|_| io::Error::last_os_error())
}
