//! All frames of one interface, read and written past the network stack (packet(7)).

use crate::frame::Frame;
use libc::{c_int, c_void, iovec, mmsghdr};
use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// A socket on an interface.
pub struct PacketSocket(OwnedFd);

impl PacketSocket {
    pub fn open(device: &str) -> io::Result<PacketSocket> {
        let name = CString::new(device)?;
        // SAFETY: the name ends with a zero byte and lives until after the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // Without protocol it hears nothing until it is bound.
        let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
        // SAFETY: no pointers.
        let fd = checked(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })?;
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let socket = PacketSocket(unsafe { OwnedFd::from_raw_fd(fd) });
        // Checksums stay where the kernel left them: each frame is preceded by what it still needs.
        socket.set(libc::SOL_PACKET, libc::PACKET_VNET_HDR, 1)?;
        socket.set(libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)?;
        socket.set(libc::SOL_PACKET, libc::PACKET_QDISC_BYPASS, 1)?;
        socket.set(libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, BUFFER_BYTES)?;
        socket.set(libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, BUFFER_BYTES)?;
        socket.bind(index)?;
        Ok(socket)
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        std::os::fd::AsFd::as_fd(&self.0)
    }

    /// Reads as many frames as there are and as have room; never waits.
    pub fn receive(&self, frames: &mut [Frame]) -> io::Result<usize> {
        let mut parts = frames.iter_mut().map(|frame| part(&mut *frame.bytes)).collect::<Vec<_>>();
        let mut messages = parts.iter_mut().map(message).collect::<Vec<_>>();
        // SAFETY: each message points to one part, each part to the whole place of a frame; all outlive the call.
        let count = unsafe {
            libc::recvmmsg(
                self.0.as_raw_fd(),
                messages.as_mut_ptr(),
                messages.len() as u32,
                libc::MSG_DONTWAIT,
                std::ptr::null_mut(),
            )
        };
        if count < 0 {
            let error = io::Error::last_os_error();
            // The interface's other end is switched off and on again at times.
            let is_passing =
                matches!(error.raw_os_error(), Some(libc::EAGAIN | libc::EINTR | libc::ENETDOWN));
            return if is_passing { Ok(0) } else { Err(error) };
        }
        for (frame, message) in frames.iter_mut().zip(&messages[..count as usize]) {
            frame.length = message.msg_len as usize;
            if message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0 || frame.bytes[GSO_KIND] != GSO_NONE {
                return Err(io::Error::other("a frame is larger than the line: switch off its offloads"));
            }
        }
        Ok(count as usize)
    }

    /// Sends frames; answers how many the kernel did not take.
    pub fn send(&self, frames: &[Frame]) -> io::Result<usize> {
        let mut parts = frames
            .iter()
            .map(|frame| iovec { iov_base: frame.bytes.as_ptr() as *mut c_void, iov_len: frame.length })
            .collect::<Vec<_>>();
        let mut messages = parts.iter_mut().map(message).collect::<Vec<_>>();
        let mut sent = 0;
        let mut refused = 0;
        while sent + refused < messages.len() {
            let rest = &mut messages[sent + refused..];
            // SAFETY: each message points to one part, each part to a frame that is only read; all outlive the call.
            let count =
                unsafe { libc::sendmmsg(self.0.as_raw_fd(), rest.as_mut_ptr(), rest.len() as u32, 0) };
            match count {
                // The first of the rest is the one that failed.
                ..=0 => refused += 1,
                _ => sent += count as usize,
            }
        }
        Ok(refused)
    }

    /// Frames that came while there was no room for them, since it was asked before.
    pub fn missed(&self) -> io::Result<u64> {
        // SAFETY: two numbers, for which all zeroes is a value.
        let mut statistics: libc::tpacket_stats = unsafe { mem::zeroed() };
        let mut size = mem::size_of_val(&statistics) as libc::socklen_t;
        // SAFETY: the pointers are to values of the size told, which outlive the call.
        checked(unsafe {
            libc::getsockopt(
                self.0.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                (&raw mut statistics).cast(),
                &mut size,
            )
        })?;
        Ok(u64::from(statistics.tp_drops))
    }

    fn set(&self, level: c_int, option: c_int, value: c_int) -> io::Result<()> {
        let size = mem::size_of_val(&value) as libc::socklen_t;
        // SAFETY: the pointer is to a value of the size told, which outlives the call.
        checked(unsafe {
            libc::setsockopt(self.0.as_raw_fd(), level, option, (&raw const value).cast(), size)
        })?;
        Ok(())
    }

    fn bind(&self, index: u32) -> io::Result<()> {
        // SAFETY: numbers and bytes, for which all zeroes is a value.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = index as i32;
        let size = mem::size_of_val(&address) as libc::socklen_t;
        // SAFETY: the pointer is to an address of the size told, which outlives the call.
        checked(unsafe { libc::bind(self.0.as_raw_fd(), (&raw const address).cast(), size) })?;
        Ok(())
    }
}

fn part(bytes: &mut [u8]) -> iovec {
    iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() }
}

fn message(part: &mut iovec) -> mmsghdr {
    // SAFETY: pointers and numbers, for which all zeroes is a value.
    let mut message: mmsghdr = unsafe { mem::zeroed() };
    message.msg_hdr.msg_iov = part;
    message.msg_hdr.msg_iovlen = 1;
    message
}

fn checked(result: c_int) -> io::Result<c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Where the header before a frame says which kind of super-packet it is, and which is none (linux/virtio_net.h).
const GSO_KIND: usize = 1;
const GSO_NONE: u8 = 0;
/// linux/if_packet.h
const PACKET_IGNORE_OUTGOING: c_int = 23;
const BUFFER_BYTES: c_int = 16 << 20;
