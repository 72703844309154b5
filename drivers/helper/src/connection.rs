//! One datagram for each request and each answer (`SOCK_SEQPACKET`), with the descriptors that go along.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};

use crate::request::LONGEST;

/// What came: bytes, and descriptors that are ours now.
#[derive(Debug)]
pub struct Received {
    /// The request.
    pub bytes: Vec<u8>,
    /// What came with it.
    pub descriptors: Vec<OwnedFd>,
}

/// The next request; none when the other end is gone, or sends what is too long.
pub fn receive(socket: &OwnedFd) -> Option<Received> {
    let mut buffer = vec![0; LONGEST];
    let mut space = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    loop {
        let mut parts = [IoSliceMut::new(&mut buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC;
        let message = match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            Ok(message) => message,
            Err(Errno::EINTR) => continue,
            Err(_) => return None,
        };
        let descriptors: Vec<OwnedFd> =
            message.cmsgs().map(|all| all.flat_map(owned).collect()).unwrap_or_default();
        let (length, is_cut) = (message.bytes, message.flags.contains(MsgFlags::MSG_TRUNC));
        if length == 0 || is_cut {
            return None;
        }
        buffer.truncate(length);
        return Some(Received { bytes: buffer, descriptors });
    }
}

/// Sends an answer; whether it went. A client that does not read its answers is let go.
pub fn send(socket: &OwnedFd, bytes: &[u8], descriptors: &[OwnedFd]) -> bool {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    let flags = MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT;
    sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(bytes)], control, flags, None).is_ok()
}

fn owned(message: ControlMessageOwned) -> Vec<OwnedFd> {
    match message {
        ControlMessageOwned::ScmRights(raw) => raw
            .into_iter()
            .map(|fd| {
                // SAFETY: the kernel has just made this descriptor for this process, and nobody else knows of it.
                unsafe { OwnedFd::from_raw_fd(fd) }
            })
            .collect(),
        _ => vec![],
    }
}

const MOST_DESCRIPTORS: usize = 4;
