//! A UDP socket whose datagrams come and go in batches.

use super::super::batch::{Arrival, Arrivals, Departure};
use super::address::Address;
use super::check;
use crate::packet::flow::Flow;
use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use std::io;
use std::mem::{size_of, zeroed};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

/// One socket of one address family.
pub struct Udp {
    fd: OwnedFd,
    local: SocketAddr,
    /// Cleared for good when the device refuses `UDP_SEGMENT` (EIO).
    gso: AtomicBool,
}

/// `struct timespec` as `SO_TIMESTAMPNS` delivers it, beside the segment size of `UDP_GRO`.
const CONTROL: usize = 64;
/// Departures per `sendmmsg`.
const CALL: usize = 64;

impl Udp {
    /// Binds one family's socket; an IPv6 socket takes no IPv4. `device`: the interface, by name, that everything comes
    /// and goes by. `buffer`: bytes of each kernel queue.
    pub fn bind(address: SocketAddr, device: Option<&str>, buffer: usize) -> io::Result<Udp> {
        let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        // SAFETY: no pointers; the descriptor is owned by nobody else.
        let fd = unsafe {
            OwnedFd::from_raw_fd(check(libc::socket(family, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0))?)
        };
        if address.is_ipv6() {
            set(&fd, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)?;
            set(&fd, libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, libc::IPV6_PMTUDISC_PROBE)?;
        } else {
            // Nobody cuts our datagrams, and no ICMP is believed: what a path carries is found by probes.
            set(&fd, libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, libc::IP_PMTUDISC_PROBE)?;
        }
        if let Some(name) = device {
            let length = name.len() as libc::socklen_t;
            let (level, option) = (libc::SOL_SOCKET, libc::SO_BINDTODEVICE);
            // SAFETY: `name` is alive and has the length given; the kernel copies it and needs no closing zero.
            check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, name.as_ptr().cast(), length) })?;
        }
        // A device that takes nothing for so long loses datagrams instead of holding a thread that is to stop.
        let patience = libc::timeval { tv_sec: 0, tv_usec: 500_000 };
        set(&fd, libc::SOL_SOCKET, libc::SO_SNDTIMEO, patience)?;
        super::marker::mark(&fd);
        // Old kernels have neither; both only save time.
        let _ = set(&fd, libc::SOL_UDP, libc::UDP_GRO, 1);
        let _ = set(&fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1);
        let (raw, length) = Address::of(&address);
        // SAFETY: `raw` is a live address of `length` bytes.
        check(unsafe { libc::bind(fd.as_raw_fd(), (&raw const raw).cast(), length) })?;
        let mut raw = Address::ZERO;
        let mut length = Address::LENGTH;
        // SAFETY: `raw` has `length` bytes of room; both outlive the call.
        check(unsafe { libc::getsockname(fd.as_raw_fd(), (&raw mut raw).cast(), &raw mut length) })?;
        let local = raw.parse().ok_or(io::ErrorKind::InvalidData)?;
        let udp = Udp { fd, local, gso: AtomicBool::new(true) };
        udp.set_queue(buffer);
        Ok(udp)
    }

    /// Where it is bound.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether batches leave in one call.
    pub fn has_gso(&self) -> bool {
        self.gso.load(Ordering::Relaxed)
    }

    #[cfg(test)]
    pub fn without_gso(&self) {
        self.gso.store(false, Ordering::Relaxed);
    }

    /// Bytes of each kernel queue from now on; the system may give less.
    pub fn set_queue(&self, bytes: usize) {
        for (force, plain) in
            [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
        {
            if set(&self.fd, libc::SOL_SOCKET, force, bytes as libc::c_int).is_err() {
                // A smaller queue only loses more under load.
                let _ = set(&self.fd, libc::SOL_SOCKET, plain, bytes as libc::c_int);
            }
        }
    }

    /// Has a poll tell when there is something to receive.
    pub fn watch(&self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.fd.as_raw_fd()), token, Interest::READABLE)
    }

    /// Ends `watch`.
    pub fn unwatch(&self, registry: &Registry) {
        // Nobody waits for what was never watched.
        let _ = registry.deregister(&mut SourceFd(&self.fd.as_raw_fd()));
    }

    /// Ends a `receive` that waits, and makes every later one return at once with nothing.
    pub fn shut(&self) {
        // SAFETY: no pointers. ENOTCONN is what an unconnected socket answers after waking its readers.
        unsafe { libc::shutdown(self.fd.as_raw_fd(), libc::SHUT_RD) };
    }

    /// Waits for datagrams and fills `arrivals` with what is there. An interrupted call brings nothing.
    pub fn receive(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        self.receive_with(arrivals, libc::MSG_WAITFORONE)
    }

    /// Fills `arrivals` with what is there, perhaps nothing, without waiting.
    pub fn receive_now(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        self.receive_with(arrivals, libc::MSG_DONTWAIT)
    }

    fn receive_with(&self, arrivals: &mut Arrivals, flags: libc::c_int) -> io::Result<()> {
        arrivals.list.clear();
        let mut names = [Address::ZERO; Arrivals::BATCHES];
        let mut controls = [Control([0; CONTROL]); Arrivals::BATCHES];
        // SAFETY: an iovec, a msghdr and an mmsghdr of zeros are valid (null pointers, no lengths).
        let mut vectors: [libc::iovec; Arrivals::BATCHES] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; Arrivals::BATCHES] = unsafe { zeroed() };
        for (index, room) in arrivals.slab.chunks_exact_mut(Arrivals::ROOM).enumerate() {
            vectors[index] = libc::iovec { iov_base: room.as_mut_ptr().cast(), iov_len: room.len() };
            let message = &mut messages[index].msg_hdr;
            message.msg_name = (&raw mut names[index]).cast();
            message.msg_namelen = Address::LENGTH;
            message.msg_iov = &raw mut vectors[index];
            message.msg_iovlen = 1;
            message.msg_control = controls[index].0.as_mut_ptr().cast();
            message.msg_controllen = CONTROL;
        }
        // SAFETY: every pointer in `messages` leads to a live local or into the slab, with its true length; all of
        // them outlive the call and nothing else borrows them meanwhile.
        let count = check(unsafe {
            libc::recvmmsg(
                self.fd.as_raw_fd(),
                messages.as_mut_ptr(),
                messages.len() as libc::c_uint,
                flags,
                std::ptr::null_mut(),
            )
        });
        let count = match count {
            Ok(count) => count as usize,
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => 0,
            Err(error) => return Err(error),
        };
        for (index, message) in messages[..count].iter().enumerate() {
            let length = message.msg_len as usize;
            let truncated = message.msg_hdr.msg_flags & libc::MSG_TRUNC != 0;
            let Some(source) = names[index].parse().filter(|_| length > 0 && !truncated) else { continue };
            let (stride, stamp_nanos) = read_control(&message.msg_hdr);
            let start = index * Arrivals::ROOM;
            arrivals.list.push(Arrival {
                range: start..start + length,
                stride: stride.unwrap_or(length),
                source,
                stamp_nanos,
            });
        }
        Ok(())
    }

    /// Sends the departures in order, each a batch of `slab`. `wait`: block while the socket's queue is full, else drop.
    /// Returns how many batches were refused.
    pub fn send(&self, slab: &[u8], departures: &[Departure], wait: bool) -> usize {
        let mut refused = 0;
        let mut rest = departures;
        while !rest.is_empty() {
            let call = &rest[..rest.len().min(CALL)];
            let (sent, error) = self.send_call(slab, call, wait);
            rest = &rest[sent..];
            let (Some(error), Some(failed)) = (error, rest.first()) else { continue };
            if error.raw_os_error() == Some(libc::EINTR) {
                continue;
            }
            refused += usize::from(!self.retry(slab, failed, &error, wait));
            rest = &rest[1..];
        }
        refused
    }

    /// Sends one datagram; false when the system refused it.
    pub fn send_one(&self, datagram: &[u8], target: SocketAddr) -> bool {
        let (range, stride) = (0..datagram.len(), datagram.len());
        let departure = Departure { range, stride, target, flow: Flow::default() };
        self.send(datagram, &[departure], false) == 0
    }

    /// A batch that was refused as a batch: one by one, where that may help.
    fn retry(&self, slab: &[u8], failed: &Departure, error: &io::Error, wait: bool) -> bool {
        if failed.range.len() <= failed.stride {
            return false;
        }
        match error.raw_os_error() {
            Some(libc::EIO) => self.gso.store(false, Ordering::Relaxed),
            // Larger than the device's MTU, which need not be true of the last one.
            Some(libc::EINVAL | libc::EMSGSIZE) => {}
            _ => return false,
        }
        let singles: Vec<Departure> = failed
            .range
            .clone()
            .step_by(failed.stride)
            .map(|start| Departure {
                range: start..(start + failed.stride).min(failed.range.end),
                stride: failed.stride,
                target: failed.target,
                flow: failed.flow,
            })
            .collect();
        self.send(slab, &singles, wait) == 0
    }

    /// One `sendmmsg`: how many went, and the error that stopped it.
    fn send_call(&self, slab: &[u8], departures: &[Departure], wait: bool) -> (usize, Option<io::Error>) {
        if !self.has_gso()
            && let Some(at) = departures.iter().position(|departure| departure.range.len() > departure.stride)
        {
            if at == 0 {
                return (0, Some(io::Error::from_raw_os_error(libc::EIO)));
            }
            return self.send_call(slab, &departures[..at], wait);
        }
        let mut names = [Address::ZERO; CALL];
        let mut controls = [Control([0; CONTROL]); CALL];
        // SAFETY: an iovec and an mmsghdr of zeros are valid (null pointers, no lengths).
        let mut vectors: [libc::iovec; CALL] = unsafe { zeroed() };
        // SAFETY: as above.
        let mut messages: [libc::mmsghdr; CALL] = unsafe { zeroed() };
        for (index, departure) in departures.iter().enumerate() {
            let bytes = &slab[departure.range.clone()];
            let (name, name_length) = Address::of(&departure.target);
            names[index] = name;
            vectors[index] = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
            let message = &mut messages[index].msg_hdr;
            message.msg_name = (&raw mut names[index]).cast();
            message.msg_namelen = name_length;
            message.msg_iov = &raw mut vectors[index];
            message.msg_iovlen = 1;
            if bytes.len() > departure.stride {
                message.msg_control = controls[index].0.as_mut_ptr().cast();
                message.msg_controllen = write_segment(&mut controls[index], departure.stride as u16);
            }
        }
        let flags = if wait { 0 } else { libc::MSG_DONTWAIT };
        // SAFETY: every pointer in the first `departures.len()` messages leads to a live local or into `slab`, with its
        // true length, and the kernel only reads from them.
        let result = check(unsafe {
            libc::sendmmsg(
                self.fd.as_raw_fd(),
                messages.as_mut_ptr(),
                departures.len().min(CALL) as libc::c_uint,
                flags,
            )
        });
        match result {
            Ok(sent) => (sent as usize, None),
            Err(error) => (0, Some(error)),
        }
    }
}

/// Room for control messages, aligned as `struct cmsghdr` asks.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Control([u8; CONTROL]);

const HEADER: usize = size_of::<libc::cmsghdr>();

/// Writes one `UDP_SEGMENT` message; returns its length.
fn write_segment(control: &mut Control, stride: u16) -> usize {
    let bytes = &mut control.0;
    bytes[..size_of::<usize>()].copy_from_slice(&(HEADER + size_of::<u16>()).to_ne_bytes());
    bytes[HEADER - 8..HEADER - 4].copy_from_slice(&libc::SOL_UDP.to_ne_bytes());
    bytes[HEADER - 4..HEADER].copy_from_slice(&libc::UDP_SEGMENT.to_ne_bytes());
    bytes[HEADER..HEADER + 2].copy_from_slice(&stride.to_ne_bytes());
    (HEADER + size_of::<u16>()).next_multiple_of(align_of::<libc::cmsghdr>())
}

/// Segment size of `UDP_GRO` and the kernel's time stamp.
fn read_control(message: &libc::msghdr) -> (Option<usize>, u64) {
    let mut stride = None;
    let mut stamp = 0;
    // SAFETY: the kernel filled `msg_control` with `msg_controllen` bytes of whole control messages; CMSG_FIRSTHDR and
    // CMSG_NXTHDR stay inside them, and the buffer is still alive.
    unsafe {
        let mut next = libc::CMSG_FIRSTHDR(message);
        while let Some(header) = next.as_ref() {
            let data = libc::CMSG_DATA(header);
            match (header.cmsg_level, header.cmsg_type) {
                (libc::SOL_UDP, libc::UDP_GRO) => {
                    let value = data.cast::<libc::c_int>().read_unaligned();
                    stride = usize::try_from(value).ok().filter(|&value| value > 0);
                }
                (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) => {
                    let time = data.cast::<libc::timespec>().read_unaligned();
                    stamp = time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64;
                }
                _ => {}
            }
            next = libc::CMSG_NXTHDR(message, header);
        }
    }
    (stride, stamp)
}

/// `T`: what `name` asks for, plain data.
fn set<T>(fd: &OwnedFd, level: libc::c_int, name: libc::c_int, value: T) -> io::Result<()> {
    let length = size_of::<T>() as libc::socklen_t;
    // SAFETY: `value` is alive and has the length given; the kernel only reads it.
    check(unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), length) })?;
    Ok(())
}
