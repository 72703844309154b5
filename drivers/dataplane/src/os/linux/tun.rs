//! A TUN descriptor that somebody else opened: whole packets in and out, with vnet headers where it has offloads.

use super::check;
use super::waker::Waker;
use crate::packet::vnet::{self, Vnet};
use std::io;
use std::ops::Range;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

/// Pieces of one write: header, first packet and what was joined to it.
const PIECES: usize = 66;

// From linux/if_tun.h.
const TUN_F_CSUM: libc::c_uint = 0x01;
const TUN_F_TSO4: libc::c_uint = 0x02;
const TUN_F_TSO6: libc::c_uint = 0x04;
const TUN_F_TSO_ECN: libc::c_uint = 0x08;
const TUN_F_USO4: libc::c_uint = 0x20;
const TUN_F_USO6: libc::c_uint = 0x40;

/// Own duplicate of the caller's descriptor.
pub struct Tun {
    fd: OwnedFd,
    offload: bool,
    datagrams: bool,
}

impl Tun {
    /// Duplicates `fd` and makes it nonblocking. `offload`: it was opened with `IFF_VNET_HDR`; it is then asked to take
    /// everything we can cut and join.
    pub fn adopt(fd: i64, offload: bool) -> io::Result<Tun> {
        let fd = RawFd::try_from(fd).map_err(|_| io::Error::from_raw_os_error(libc::EBADF))?;
        // SAFETY: no pointers; a wrong number is refused with EBADF, the duplicate is owned by nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(check(libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 3))?) };
        // SAFETY: no pointers, a descriptor of our own.
        let flags = check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFL) })?;
        // SAFETY: as above.
        check(unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_SETFL, flags | libc::O_NONBLOCK) })?;
        let tcp = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
        // Kernels before 6.2 know no USO. A descriptor that is no TUN (tests) takes neither and is left as it is.
        let datagrams =
            offload && (ask(&fd, tcp | TUN_F_USO4 | TUN_F_USO6) || !ask(&fd, tcp) && !is_tun(&fd));
        Ok(Tun { fd, offload, datagrams })
    }

    /// Whether packets carry vnet headers.
    pub fn has_offload(&self) -> bool {
        self.offload
    }

    /// Whether joined UDP datagrams are taken.
    pub fn takes_datagrams(&self) -> bool {
        self.datagrams
    }

    /// Reads one packet into `room`: its vnet header and its length; `None` when none is there.
    pub fn read(&self, room: &mut [u8]) -> io::Result<Option<(Vnet, usize)>> {
        let mut head = [0u8; vnet::LENGTH];
        let mut vectors = [
            libc::iovec { iov_base: head.as_mut_ptr().cast(), iov_len: head.len() },
            libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() },
        ];
        let used = if self.offload { &mut vectors[..] } else { &mut vectors[1..] };
        // SAFETY: both iovecs lead to live, exclusively borrowed memory of their lengths.
        let result = unsafe { libc::readv(self.fd.as_raw_fd(), used.as_ptr(), used.len() as libc::c_int) };
        if result < 0 {
            let error = io::Error::last_os_error();
            return match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => Ok(None),
                _ => Err(error),
            };
        }
        if result == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if !self.offload {
            return Ok(Some((Vnet::default(), result as usize)));
        }
        Ok(Some((Vnet::parse(&head), (result as usize).saturating_sub(vnet::LENGTH))))
    }

    /// Waits until a packet can be read (true) or the waker was woken (false).
    pub fn wait(&self, waker: &Waker) -> io::Result<bool> {
        waker.wait(&self.fd)
    }

    /// Writes one packet whose pieces lie in `slab`. The vnet header is left out where the TUN has none. A full TUN
    /// (EAGAIN) loses the packet, as a wire would.
    pub fn write(
        &self,
        slab: &[u8],
        vnet: Vnet,
        first: Range<usize>,
        more: &[Range<usize>],
    ) -> io::Result<()> {
        let head = vnet.bytes();
        let mut vectors = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; PIECES];
        let pieces =
            [&head[..], &slab[first]].into_iter().chain(more.iter().map(|piece| &slab[piece.clone()]));
        let mut count = 0;
        for piece in pieces.skip(usize::from(!self.offload)) {
            vectors[count] = libc::iovec { iov_base: piece.as_ptr().cast_mut().cast(), iov_len: piece.len() };
            count += 1;
        }
        // SAFETY: the first `count` iovecs lead to live memory of their lengths, which the kernel only reads.
        let result = unsafe { libc::writev(self.fd.as_raw_fd(), vectors.as_ptr(), count as libc::c_int) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

fn ask(fd: &OwnedFd, offloads: libc::c_uint) -> bool {
    // SAFETY: TUNSETOFFLOAD takes its argument by value; other kinds of descriptor answer ENOTTY.
    unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNSETOFFLOAD, libc::c_ulong::from(offloads)) == 0 }
}

fn is_tun(fd: &OwnedFd) -> bool {
    let mut features: libc::c_uint = 0;
    // SAFETY: TUNGETFEATURES writes one unsigned int, which is alive; other descriptors answer ENOTTY.
    unsafe { libc::ioctl(fd.as_raw_fd(), libc::TUNGETFEATURES, &raw mut features) == 0 }
}
