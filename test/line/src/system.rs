//! Time and waiting.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd};

/// What ended a wait.
#[derive(Debug, PartialEq)]
pub enum Wake {
    /// A frame, or the time.
    Line,
    /// Standard input.
    Typed,
}

/// Nanoseconds of a clock that only runs forward.
pub fn now() -> u64 {
    // SAFETY: two numbers, for which all zeroes is a value.
    let mut time: libc::timespec = unsafe { mem::zeroed() };
    // SAFETY: the pointer is to a value that outlives the call.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * SECOND + time.tv_nsec as u64
}

/// Asks the kernel to end waits on time instead of up to 50 microseconds later.
pub fn be_precise() -> io::Result<()> {
    // SAFETY: no pointers.
    if unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

/// Does nothing for so many nanoseconds, less than a second.
pub fn rest(nanos: u64) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: nanos as i64 };
    // SAFETY: the pointer is to a value that outlives the call; what is left of the time is not asked for.
    unsafe { libc::nanosleep(&time, std::ptr::null_mut()) };
}

/// Waits until a socket has frames, something was typed, or it is `due`.
pub fn wait(sockets: [BorrowedFd<'_>; 2], due: Option<u64>) -> io::Result<Wake> {
    let of = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut polled = [of(sockets[0].as_raw_fd()), of(sockets[1].as_raw_fd()), of(libc::STDIN_FILENO)];
    let left = due.map(|due| {
        let nanos = due.saturating_sub(now());
        libc::timespec { tv_sec: (nanos / SECOND) as i64, tv_nsec: (nanos % SECOND) as i64 }
    });
    let limit = left.as_ref().map_or(std::ptr::null(), |left| left as *const libc::timespec);
    // SAFETY: the pointers are to an array of the length told and to a time or nothing; all outlive the call.
    let count =
        unsafe { libc::ppoll(polled.as_mut_ptr(), polled.len() as libc::nfds_t, limit, std::ptr::null()) };
    if count < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(Wake::Line) } else { Err(error) };
    }
    Ok(if polled[2].revents != 0 { Wake::Typed } else { Wake::Line })
}

const SECOND: u64 = 1_000_000_000;
