//! Marks of sockets (`SO_MARK`): set by this process where it may, else by a helper with rights, to which the socket is shown.

use super::super::MARK;
use std::mem::size_of;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::{Mutex, PoisonError};

/// From now on what this process may not mark is marked by who is at the other end of this connection.
pub fn mark_by(connection: OwnedFd) {
    *HELPER.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
}

/// Marks a socket as one that reaches other nodes. Where nobody may, nobody routes by it either.
pub fn mark(socket: &impl AsFd) {
    let fd = socket.as_fd().as_raw_fd();
    if set_mark(fd) {
        return;
    }
    let mut helper = HELPER.lock().unwrap_or_else(PoisonError::into_inner);
    if helper.as_ref().is_some_and(|connection| !ask(connection.as_raw_fd(), fd)) {
        // It is gone; the next one is told of when it is there.
        *helper = None;
    }
}

/// One for the process: sockets are opened in many places, and all of them carry networks.
static HELPER: Mutex<Option<OwnedFd>> = Mutex::new(None);

fn set_mark(fd: RawFd) -> bool {
    let value = MARK;
    let length = size_of::<u32>() as libc::socklen_t;
    let (level, option) = (libc::SOL_SOCKET, libc::SO_MARK);
    // SAFETY: the kernel reads `length` bytes of a value that outlives the call.
    unsafe { libc::setsockopt(fd, level, option, (&raw const value).cast(), length) == 0 }
}

/// Shows a socket and waits for the answer; whether there was one.
fn ask(connection: RawFd, socket: RawFd) -> bool {
    let mut part = libc::iovec { iov_base: REQUEST.as_ptr().cast_mut().cast(), iov_len: REQUEST.len() };
    // As large as a header and one descriptor, and aligned as a header is.
    let mut control = [0u64; 3];
    // SAFETY: all zero is a message without anything.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    // SAFETY: the macros only calculate, and the header and the descriptor behind it lie within `control`.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(size_of::<RawFd>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size_of::<RawFd>() as u32) as _;
        libc::CMSG_DATA(header).cast::<RawFd>().write_unaligned(socket);
    }
    // SAFETY: everything the message points to outlives the call.
    if unsafe { libc::sendmsg(connection, &raw const message, libc::MSG_NOSIGNAL) } < 0 {
        return false;
    }
    read_answer(connection).is_some()
}

/// Reads one frame to its end, so that the next answer begins where the next frame does.
fn read_answer(connection: RawFd) -> Option<()> {
    let mut head = [0u8; 8];
    fill(connection, &mut head)?;
    let [.., a, b, c, d] = head;
    let mut left = u32::from_be_bytes([a, b, c, d]) as usize;
    let mut part = [0u8; 1024];
    while left > 0 {
        let length = left.min(part.len());
        fill(connection, part.get_mut(..length)?)?;
        left -= length;
    }
    Some(())
}

fn fill(connection: RawFd, mut buffer: &mut [u8]) -> Option<()> {
    while !buffer.is_empty() {
        // SAFETY: the buffer has the length given and outlives the call.
        let length = unsafe { libc::recv(connection, buffer.as_mut_ptr().cast(), buffer.len(), 0) };
        buffer = buffer.get_mut(usize::try_from(length).ok().filter(|length| *length > 0)?..)?;
    }
    Some(())
}

/// A frame as `drivers/helper` reads it: version, one descriptor, the length of what follows.
const REQUEST: &[u8] = b"\x01\x01\0\0\0\0\0\x2c{\"version\":1,\"id\":1,\"request\":{\"do\":\"mark\"}}";

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::UdpSocket;
    use std::os::fd::FromRawFd;

    #[test]
    fn the_socket_itself_is_shown() {
        let mut both = [0; 2];
        // SAFETY: the kernel fills both; each is owned once, below.
        let made = unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, both.as_mut_ptr()) };
        assert_eq!(made, 0);
        // SAFETY: see above.
        let [ours, theirs] = both.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
        let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
        let helper = std::thread::spawn(move || {
            let mut bytes = [0u8; 256];
            let mut control = [0u64; 3];
            let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
            // SAFETY: all zero is a message without anything; what it points to outlives the calls, and the descriptor
            // behind the header is this process's from the call on.
            let (length, shown) = unsafe {
                let mut message: libc::msghdr = std::mem::zeroed();
                message.msg_iov = &raw mut part;
                message.msg_iovlen = 1;
                message.msg_control = control.as_mut_ptr().cast();
                message.msg_controllen = size_of::<[u64; 3]>() as _;
                let length = libc::recvmsg(theirs.as_raw_fd(), &raw mut message, 0);
                let header = libc::CMSG_FIRSTHDR(&raw const message);
                let fd = libc::CMSG_DATA(header).cast::<RawFd>().read_unaligned();
                let answer = b"\x01\0\0\0\0\0\0\x02{}";
                libc::send(theirs.as_raw_fd(), answer.as_ptr().cast(), answer.len(), 0);
                (length, UdpSocket::from(OwnedFd::from_raw_fd(fd)))
            };
            (
                bytes[..usize::try_from(length).expect("a request")].to_vec(),
                shown.local_addr().expect("an address"),
            )
        });
        assert!(ask(ours.as_raw_fd(), socket.as_raw_fd()));
        let (request, address) = helper.join().expect("no panic");
        assert_eq!(request, REQUEST);
        assert_eq!(address, socket.local_addr().expect("an address"));
    }
}
