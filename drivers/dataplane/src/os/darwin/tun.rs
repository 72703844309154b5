//! A utun descriptor that somebody else opened: whole packets, each behind the number of its family.

use super::waker::Waker;
use crate::packet::vnet::Vnet;
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};

/// Bytes of the family, big endian, before each packet.
const HEAD: usize = 4;
/// Numbers of macOS (sys/socket.h), also where this is compiled elsewhere for its tests.
const FAMILY4: u32 = 2;
const FAMILY6: u32 = 30;
/// Pieces of one write: the family, the first packet and what was joined to it.
const PIECES: usize = 66;

/// Own duplicate of the caller's descriptor.
pub struct Tun {
    fd: OwnedFd,
}

impl Tun {
    /// Duplicates `fd` and makes it nonblocking. There are no offloads.
    pub fn adopt(fd: i64, _offload: bool) -> io::Result<Tun> {
        let fd = RawFd::try_from(fd).ok().filter(|fd| *fd >= 0);
        let fd = fd.ok_or_else(|| io::Error::from_raw_os_error(libc::EBADF))?;
        // SAFETY: it is borrowed for the duplication alone, which refuses a wrong number.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned()?;
        // SAFETY: no pointers, a descriptor of our own.
        let flags = unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) };
        // SAFETY: as above.
        if flags < 0 || unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) } < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Tun { fd })
    }

    /// Packets have no vnet headers.
    pub fn has_offload(&self) -> bool {
        false
    }

    /// Joined UDP datagrams are not taken.
    pub fn takes_datagrams(&self) -> bool {
        false
    }

    /// Reads one packet into `room`; `None` when none is there.
    pub fn read(&self, room: &mut [u8]) -> io::Result<Option<(Vnet, usize)>> {
        let mut head = [0u8; HEAD];
        let vectors = [
            libc::iovec { iov_base: head.as_mut_ptr().cast(), iov_len: head.len() },
            libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() },
        ];
        // SAFETY: both iovecs lead to live, exclusively borrowed memory of their lengths.
        let result =
            unsafe { libc::readv(self.fd.as_raw_fd(), vectors.as_ptr(), vectors.len() as libc::c_int) };
        match usize::try_from(result) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => Ok(Some((Vnet::default(), length.saturating_sub(HEAD)))),
            Err(_) => {
                let error = io::Error::last_os_error();
                match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                    _ => Err(error),
                }
            }
        }
    }

    /// Waits until a packet can be read (true) or the waker was woken (false).
    pub fn wait(&self, waker: &Waker) -> io::Result<bool> {
        waker.wait(&self.fd)
    }

    /// Writes one packet whose pieces lie in `slab`. A full utun loses the packet, as a wire would.
    pub fn write(
        &self,
        slab: &[u8],
        _vnet: Vnet,
        first: Range<usize>,
        more: &[Range<usize>],
    ) -> io::Result<()> {
        let is6 = slab.get(first.start).is_some_and(|byte| byte >> 4 == 6);
        let head = if is6 { FAMILY6 } else { FAMILY4 }.to_be_bytes();
        let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; PIECES];
        let pieces =
            [&head[..], &slab[first]].into_iter().chain(more.iter().map(|piece| &slab[piece.clone()]));
        let mut count = 0;
        for (vector, piece) in vectors.iter_mut().zip(pieces) {
            *vector = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
            count += 1;
        }
        // SAFETY: the first `count` iovecs lead to live memory of their lengths, which the kernel only reads.
        let result = unsafe { libc::writev(self.fd.as_raw_fd(), vectors.as_ptr(), count) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixDatagram;

    fn pair() -> (UnixDatagram, Tun) {
        let (near, far) = UnixDatagram::pair().expect("a pair");
        let tun = Tun::adopt(far.as_raw_fd().into(), true).expect("adopted");
        (near, tun)
    }

    #[test]
    fn a_packet_is_written_behind_its_family_in_one_piece() {
        let (near, tun) = pair();
        let slab = [0x45, 1, 2, 3, 0x60, 9, 8];
        tun.write(&slab, Vnet::default(), 0..2, &[2..3, 3..4]).expect("written");
        tun.write(&slab, Vnet::default(), 4..7, &[]).expect("written");
        let mut room = [0; 32];
        let length = near.recv(&mut room).expect("received");
        assert_eq!(room[..length], [0, 0, 0, 2, 0x45, 1, 2, 3]);
        let length = near.recv(&mut room).expect("received");
        assert_eq!(room[..length], [0, 0, 0, 30, 0x60, 9, 8]);
    }

    #[test]
    fn a_packet_is_read_without_its_family() {
        let (near, tun) = pair();
        let mut room = [0; 32];
        assert!(tun.read(&mut room).expect("read").is_none());
        near.send(&[0, 0, 0, 2, 0x45, 7, 7]).expect("sent");
        assert!(tun.wait(&Waker::new().expect("a waker")).expect("waited"));
        let (_, length) = tun.read(&mut room).expect("read").expect("a packet");
        assert_eq!(room[..length], [0x45, 7, 7]);
        // Shorter than its own head: nothing is in it.
        near.send(&[0, 0]).expect("sent");
        assert_eq!(tun.read(&mut room).expect("read").expect("a packet").1, 0);
    }

    #[test]
    fn who_waits_is_woken_and_stays_awake() {
        let (_near, tun) = pair();
        let waker = Waker::new().expect("a waker");
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| tun.wait(&waker));
            waker.wake();
            assert!(!waiting.join().expect("no panic").expect("no error"));
        });
        assert!(!tun.wait(&waker).expect("no error"));
    }

    #[test]
    fn a_number_that_is_no_descriptor_is_refused() {
        assert!(Tun::adopt(-1, false).is_err());
        assert!(Tun::adopt(i64::MAX, false).is_err());
        assert!(Tun::adopt(99_999, false).is_err());
    }
}
