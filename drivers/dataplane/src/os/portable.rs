//! Systems without a file of their own: UDP one datagram per call, no TUN yet.

use super::batch::{Arrival, Arrivals, Departure};
use crate::packet::vnet::Vnet;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a `receive` may go on after `shut`, where the datagram that wakes it is lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// A plain UDP socket behind the interface of the batching one.
pub struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    closed: AtomicBool,
}

impl Udp {
    /// Binds one family's socket. The kernel's own buffer sizes stay. An interface cannot be named here.
    pub fn bind(address: SocketAddr, device: Option<&str>, _buffer: usize) -> io::Result<Udp> {
        if device.is_some() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let socket = UdpSocket::bind(address)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let local = socket.local_addr()?;
        Ok(Udp { socket, local, closed: AtomicBool::new(false) })
    }

    /// Where it is bound.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Whether batches leave in one call.
    pub fn has_gso(&self) -> bool {
        false
    }

    /// The kernel's own sizes stay.
    pub fn set_queue(&self, _bytes: usize) {}

    /// Not yet: extra sockets are refused.
    pub fn watch(&self, _registry: &mio::Registry, _token: mio::Token) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn unwatch(&self, _registry: &mio::Registry) {}

    /// Nothing is watched, so nothing is there.
    pub fn receive_now(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        arrivals.list.clear();
        Ok(())
    }

    /// Ends a `receive` that waits, and makes every later one return at once with nothing.
    pub fn shut(&self) {
        self.closed.store(true, Ordering::Release);
        let mut own = self.local;
        if own.ip().is_unspecified() {
            own.set_ip(if own.is_ipv4() {
                [127, 0, 0, 1].into()
            } else {
                std::net::Ipv6Addr::LOCALHOST.into()
            });
        }
        // If this datagram is lost, the read timeout ends the wait.
        let _ = self.socket.send_to(&[0], own);
    }

    /// Waits for a datagram. A call that ends without one brings nothing.
    pub fn receive(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        arrivals.list.clear();
        if self.closed.load(Ordering::Acquire) {
            return Ok(());
        }
        match self.socket.recv_from(&mut arrivals.slab[..Arrivals::ROOM]) {
            Ok((length, source)) if length > 0 && !self.closed.load(Ordering::Acquire) => {
                arrivals.list.push(Arrival { range: 0..length, stride: length, source, stamp_nanos: 0 });
                Ok(())
            }
            Ok(_) => Ok(()),
            // Windows reports ICMP "unreachable" for an earlier send as a reset of this receive.
            Err(error) => match error.kind() {
                io::ErrorKind::Interrupted
                | io::ErrorKind::WouldBlock
                | io::ErrorKind::TimedOut
                | io::ErrorKind::ConnectionReset => Ok(()),
                _ => Err(error),
            },
        }
    }

    /// Sends each datagram of each departure; returns how many batches were refused.
    pub fn send(&self, slab: &[u8], departures: &[Departure], _wait: bool) -> usize {
        let mut refused = 0;
        for departure in departures {
            let sent = slab[departure.range.clone()]
                .chunks(departure.stride)
                .all(|datagram| self.socket.send_to(datagram, departure.target).is_ok());
            refused += usize::from(!sent);
        }
        refused
    }

    /// Sends one datagram; false when the system refused it.
    pub fn send_one(&self, datagram: &[u8], target: SocketAddr) -> bool {
        self.socket.send_to(datagram, target).is_ok()
    }
}

/// Ends a wait from another thread; once woken it stays so.
pub struct Waker {
    woken: Mutex<bool>,
    changed: Condvar,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        Ok(Waker { woken: Mutex::new(false), changed: Condvar::new() })
    }

    /// Ends the wait now and every later one.
    pub fn wake(&self) {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }
}

/// There is none here yet: a realm runs without, and says so when it is given one.
pub struct Tun {}

impl Tun {
    pub fn adopt(_fd: i32, _offload: bool) -> io::Result<Tun> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn has_offload(&self) -> bool {
        false
    }

    pub fn takes_datagrams(&self) -> bool {
        false
    }

    pub fn read(&self, _room: &mut [u8]) -> io::Result<Option<(Vnet, usize)>> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn wait(&self, waker: &Waker) -> io::Result<bool> {
        let woken = waker.woken.lock().unwrap_or_else(PoisonError::into_inner);
        drop(waker.changed.wait_while(woken, |woken| !*woken).unwrap_or_else(PoisonError::into_inner));
        Ok(false)
    }

    pub fn write(
        &self,
        _slab: &[u8],
        _vnet: Vnet,
        _first: Range<usize>,
        _more: &[Range<usize>],
    ) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Bytes on their way from one socket to another.
pub struct Pipe {
    bytes: Vec<u8>,
    given: usize,
    held: usize,
}

impl Pipe {
    pub fn new() -> io::Result<Pipe> {
        Ok(Pipe { bytes: vec![0; 256 << 10], given: 0, held: 0 })
    }

    /// Whether everything that was taken was given on.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes what a socket has; 0 at its end, `WouldBlock` when it has nothing now or there is no room.
    pub fn fill(&mut self, mut from: &mio::net::TcpStream) -> io::Result<usize> {
        if self.held > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.given = 0;
        self.held = from.read(&mut self.bytes)?;
        Ok(self.held)
    }

    /// Gives to a socket what it takes.
    pub fn drain(&mut self, mut to: &mio::net::TcpStream) -> io::Result<usize> {
        let moved = to.write(&self.bytes[self.given..self.given + self.held])?;
        self.given += moved;
        self.held -= moved;
        Ok(moved)
    }
}

/// Nanoseconds since some moment before the first call; time asleep counts where the system's clock does so.
pub fn boot_nanos() -> u64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed().as_nanos() as u64
}

/// Has the calling thread run sooner; nothing is known to do so here.
pub fn prefer_latency() {}
