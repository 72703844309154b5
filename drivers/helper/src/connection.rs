//! Frames over a stream of a unix socket, with the descriptors that go along.

use std::io::{IoSlice, IoSliceMut};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg, setsockopt, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use crate::frame::{HEAD, Head, MOST_DESCRIPTORS};

/// What came: bytes, and descriptors that are ours now.
#[derive(Debug)]
pub struct Received {
    /// The request.
    pub bytes: Vec<u8>,
    /// What came with it.
    pub descriptors: Vec<OwnedFd>,
}

/// From now on a client that does not read its answers is let go after a while, and not waited for.
pub fn prepare(socket: &OwnedFd) {
    let _ = setsockopt(socket, sockopt::SendTimeout, &TimeVal::seconds(PATIENCE_SECONDS));
}

/// The next request; none when the other end is gone, or sends what is no frame.
pub fn receive(socket: &OwnedFd) -> Option<Received> {
    let mut head = [0; HEAD];
    let mut descriptors = vec![];
    fill(socket, &mut head, &mut descriptors)?;
    let head = Head::parse(head).filter(|head| head.descriptors == descriptors.len())?;
    let mut bytes = vec![0; head.length];
    let mut more = vec![];
    fill(socket, &mut bytes, &mut more)?;
    more.is_empty().then_some(Received { bytes, descriptors })
}

/// Sends an answer; whether all of it went.
pub fn send(socket: &OwnedFd, bytes: &[u8], descriptors: &[OwnedFd]) -> bool {
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let Some(head) = (Head { length: bytes.len(), descriptors: raw.len() }).encode() else { return false };
    let frame = [&head, bytes].concat();
    let rights = [ControlMessage::ScmRights(&raw)];
    let mut control: &[ControlMessage<'_>] = if raw.is_empty() { &[] } else { &rights };
    let mut rest = frame.as_slice();
    while !rest.is_empty() {
        match sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(rest)], control, MsgFlags::empty(), None) {
            Ok(sent) => {
                rest = rest.get(sent..).unwrap_or(&[]);
                control = &[];
            }
            Err(Errno::EINTR) => {}
            Err(_) => return false,
        }
    }
    true
}

/// Reads until the buffer is full; none where that ends before, or descriptors were lost.
fn fill(socket: &OwnedFd, buffer: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> Option<()> {
    let mut space = cmsg_space!([RawFd; MOST_DESCRIPTORS]);
    let mut filled = 0;
    while filled < buffer.len() {
        let mut parts = [IoSliceMut::new(&mut buffer[filled..])];
        let message = match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), RECEIVING) {
            Ok(message) => message,
            Err(Errno::EINTR) => continue,
            Err(_) => return None,
        };
        if let Ok(all) = message.cmsgs() {
            descriptors.extend(all.flat_map(owned));
        }
        if message.bytes == 0 || message.flags.contains(MsgFlags::MSG_CTRUNC) {
            return None;
        }
        filled += message.bytes;
    }
    Some(())
}

fn owned(message: ControlMessageOwned) -> Vec<OwnedFd> {
    match message {
        ControlMessageOwned::ScmRights(raw) => raw
            .into_iter()
            .map(|fd| {
                // SAFETY: the kernel has just made this descriptor for this process, and nobody else knows of it.
                let owned = unsafe { OwnedFd::from_raw_fd(fd) };
                keep(&owned);
                owned
            })
            .collect(),
        _ => vec![],
    }
}

/// Programs that are started do not get it.
#[cfg(target_os = "macos")]
fn keep(fd: &OwnedFd) {
    let _ = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::FD_CLOEXEC));
}

#[cfg(not(target_os = "macos"))]
fn keep(_: &OwnedFd) {}

#[cfg(target_os = "macos")]
const RECEIVING: MsgFlags = MsgFlags::empty();
#[cfg(not(target_os = "macos"))]
const RECEIVING: MsgFlags = MsgFlags::MSG_CMSG_CLOEXEC;
const PATIENCE_SECONDS: i64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::fs::File;
    use std::io::Write;
    use std::os::unix::fs::MetadataExt;
    use std::os::unix::net::UnixStream;

    fn pair() -> (OwnedFd, OwnedFd) {
        let (one, other) = UnixStream::pair().expect("a pair");
        (one.into(), other.into())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn frames_come_as_they_were_sent_with_their_own_descriptors(
            frames in proptest::collection::vec(
                (proptest::collection::vec(any::<u8>(), 1..3000), 0..=MOST_DESCRIPTORS), 1..12),
        ) {
            let (ours, theirs) = pair();
            let sent = frames.clone();
            let sender = std::thread::spawn(move || {
                sent.iter().all(|(bytes, count)| {
                    let files: Vec<OwnedFd> =
                        (0..*count).map(|_| File::open("/dev/null").expect("open").into()).collect();
                    send(&theirs, bytes, &files)
                })
            });
            for (bytes, count) in &frames {
                let received = receive(&ours).expect("a frame");
                prop_assert_eq!(&received.bytes, bytes);
                prop_assert_eq!(received.descriptors.len(), *count);
            }
            prop_assert!(sender.join().expect("no panic"));
            prop_assert!(receive(&ours).is_none());
        }

        #[test]
        fn whatever_is_sent_ends_it_or_is_a_frame(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let (ours, theirs) = pair();
            File::from(theirs).write_all(&bytes).expect("written");
            while receive(&ours).is_some() {}
        }
    }

    #[test]
    fn a_descriptor_is_the_one_that_was_shown_and_not_more_than_were_told_of() {
        let (ours, theirs) = pair();
        let null = File::open("/dev/null").expect("open");
        let device = |file: &File| file.metadata().expect("known").rdev();
        let shown = [null.try_clone().expect("cloned").into()];
        assert!(send(&theirs, b"look", &shown));
        let received = receive(&ours).expect("a frame");
        let seen: Vec<File> = received.descriptors.into_iter().map(File::from).collect();
        assert_eq!(seen.iter().map(device).collect::<Vec<_>>(), [device(&null)]);
        let head = Head { length: 1, descriptors: 0 }.encode().expect("a head");
        let raw = [null.as_raw_fd()];
        let control = [ControlMessage::ScmRights(&raw)];
        let frame = [&head[..], b"x"].concat();
        sendmsg::<()>(theirs.as_raw_fd(), &[IoSlice::new(&frame)], &control, MsgFlags::empty(), None)
            .expect("sent");
        assert!(receive(&ours).is_none());
    }

    #[test]
    fn a_frame_longer_than_the_sockets_room_goes_through() {
        let (ours, theirs) = pair();
        let reader = std::thread::spawn(move || receive(&ours).map(|received| received.bytes.len()));
        assert!(send(&theirs, &vec![7; crate::frame::LONGEST], &[]));
        assert_eq!(reader.join().expect("no panic"), Some(crate::frame::LONGEST));
    }
}
