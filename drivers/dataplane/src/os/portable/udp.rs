//! UDP with the batches that a system has, by `quinn-udp`: segmentation by the stack on Windows, don't-fragment on all.

use super::super::batch::{Arrival, Arrivals, Departure};
use mio::{Events, Interest, Poll, Registry, Token, Waker};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a sender waits for room in the socket's queue, as on Linux, and how often it looks.
const PATIENCE: Duration = Duration::from_millis(500);
const LOOK: Duration = Duration::from_micros(200);
const READABLE: Token = Token(0);
const WAKE: Token = Token(1);

/// One family's UDP socket.
pub struct Udp {
    socket: UdpSocket,
    /// `None` where the system has not what the library needs (Wine): then it is one datagram a call.
    state: Option<UdpSocketState>,
    local: SocketAddr,
    /// Held by the one thread that receives.
    waiting: Mutex<Option<Waiting>>,
    /// Ends that thread's wait.
    waker: Mutex<Option<Arc<Waker>>>,
    /// What somebody else's poll knows of the socket.
    watched: Mutex<Option<mio::net::UdpSocket>>,
    closed: AtomicBool,
}

/// A poll of the socket's own.
struct Waiting {
    poll: Poll,
    events: Events,
    socket: mio::net::UdpSocket,
}

impl Udp {
    /// Binds with kernel queues of `buffer` bytes. `device`: the name of the interface that everything leaves by.
    pub fn bind(address: SocketAddr, device: Option<&str>, buffer: usize) -> io::Result<Udp> {
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        if address.is_ipv6() {
            socket.set_only_v6(true)?;
        }
        if let Some(name) = device {
            super::bind_device(&socket, domain, name)?;
        }
        socket.bind(&address.into())?;
        let socket = UdpSocket::from(socket);
        let state = UdpSocketState::new((&socket).into()).ok();
        socket.set_nonblocking(true)?;
        let local = socket.local_addr()?;
        let udp = Udp {
            socket,
            state,
            local,
            waiting: Mutex::default(),
            waker: Mutex::default(),
            watched: Mutex::default(),
            closed: AtomicBool::new(false),
        };
        udp.set_queue(buffer);
        Ok(udp)
    }

    /// Where it is bound.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Bytes of each kernel queue from now on; the system may give less.
    pub fn set_queue(&self, bytes: usize) {
        let socket = SockRef::from(&self.socket);
        // A smaller queue only loses more under load.
        let _ = socket.set_recv_buffer_size(bytes);
        let _ = socket.set_send_buffer_size(bytes);
    }

    /// Has a poll tell when there is something to receive.
    pub fn watch(&self, registry: &Registry, token: Token) -> io::Result<()> {
        let mut socket = mio::net::UdpSocket::from_std(self.socket.try_clone()?);
        registry.register(&mut socket, token, Interest::READABLE)?;
        *lock(&self.watched) = Some(socket);
        Ok(())
    }

    /// Ends `watch`.
    pub fn unwatch(&self, registry: &Registry) {
        if let Some(mut socket) = lock(&self.watched).take() {
            // It is closed next, which ends it as well.
            let _ = registry.deregister(&mut socket);
        }
    }

    /// Ends a `receive` that waits, and makes every later one return at once with nothing.
    pub fn shut(&self) {
        self.closed.store(true, Ordering::Release);
        if let Some(waker) = &*lock(&self.waker) {
            // It fails where the poll is gone, and then nobody waits.
            let _ = waker.wake();
        }
    }

    /// Waits for datagrams and fills `arrivals` with what is there. A call that ends without any brings nothing.
    pub fn receive(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        arrivals.list.clear();
        let mut waiting = lock(&self.waiting);
        let Waiting { poll, events, socket } = match &mut *waiting {
            Some(waiting) => waiting,
            none => none.insert(self.begin_waiting()?),
        };
        while !self.closed.load(Ordering::Acquire) {
            match harmless(socket.try_io(|| self.take(arrivals)))? {
                Some(()) => return Ok(()),
                None => match poll.poll(events, None) {
                    Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                    _ => {}
                },
            }
        }
        Ok(())
    }

    /// Fills `arrivals` with what is there, perhaps nothing, without waiting.
    pub fn receive_now(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        arrivals.list.clear();
        // By the one that the poll knows: it tells again only once it saw that nothing is left.
        let taken = match &*lock(&self.watched) {
            Some(socket) => socket.try_io(|| self.take(arrivals)),
            None => self.take(arrivals),
        };
        harmless(taken).map(|_| ())
    }

    /// Sends the departures in order, each a batch of `slab`. `wait`: block while the socket's queue is full, else drop.
    /// Returns how many batches were refused.
    pub fn send(&self, slab: &[u8], departures: &[Departure], wait: bool) -> usize {
        departures.iter().filter(|departure| !self.send_batch(slab, departure, wait)).count()
    }

    /// Sends one datagram; false when the system refused it.
    pub fn send_one(&self, datagram: &[u8], target: SocketAddr) -> bool {
        self.put(datagram, None, target, false)
    }

    fn begin_waiting(&self) -> io::Result<Waiting> {
        let poll = Poll::new()?;
        let mut socket = mio::net::UdpSocket::from_std(self.socket.try_clone()?);
        poll.registry().register(&mut socket, READABLE, Interest::READABLE)?;
        *lock(&self.waker) = Some(Arc::new(Waker::new(poll.registry(), WAKE)?));
        Ok(Waiting { poll, events: Events::with_capacity(2), socket })
    }

    /// What the socket has now; `WouldBlock`: nothing.
    fn take(&self, arrivals: &mut Arrivals) -> io::Result<()> {
        let Some(state) = &self.state else {
            let (length, source) = self.socket.recv_from(&mut arrivals.slab[..Arrivals::ROOM])?;
            if length > 0 {
                arrivals.list.push(Arrival {
                    range: 0..length,
                    stride: length,
                    source: plain(source),
                    stamp_nanos: 0,
                });
            }
            return Ok(());
        };
        let mut metas = [RecvMeta::default(); Arrivals::BATCHES];
        let mut rooms =
            arrivals.slab.chunks_exact_mut(Arrivals::ROOM).map(IoSliceMut::new).collect::<Vec<_>>();
        let count = state.recv((&self.socket).into(), &mut rooms, &mut metas)?;
        for (index, meta) in metas[..count].iter().enumerate().filter(|(_, meta)| meta.len > 0) {
            let start = index * Arrivals::ROOM;
            let range = start..start + meta.len.min(Arrivals::ROOM);
            let stride = meta.stride.clamp(1, range.len());
            arrivals.list.push(Arrival { range, stride, source: plain(meta.addr), stamp_nanos: 0 });
        }
        Ok(())
    }

    fn send_batch(&self, slab: &[u8], departure: &Departure, wait: bool) -> bool {
        let Departure { range, stride, target, .. } = departure;
        let at_once = self.state.as_ref().map_or(1, UdpSocketState::max_gso_segments).max(1) * stride;
        slab[range.clone()].chunks(at_once).all(|part| {
            let segment = (part.len() > *stride).then_some(*stride);
            self.put(part, segment, *target, wait)
                // A driver may refuse to cut what the stack said it could.
                || segment.is_some() && part.chunks(*stride).all(|one| self.put(one, None, *target, wait))
        })
    }

    fn put(&self, contents: &[u8], segment_size: Option<usize>, destination: SocketAddr, wait: bool) -> bool {
        let transmit = Transmit { destination, ecn: None, contents, segment_size, src_ip: None };
        let begin = Instant::now();
        loop {
            let sent = match &self.state {
                Some(state) => state.try_send((&self.socket).into(), &transmit),
                None => self.socket.send_to(contents, destination).map(|_| ()),
            };
            match sent {
                Ok(()) => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock && wait => {
                    if begin.elapsed() > PATIENCE || self.closed.load(Ordering::Acquire) {
                        return false;
                    }
                    std::thread::sleep(LOOK);
                }
                Err(_) => return false,
            }
        }
    }
}

/// `None`: there was nothing, or an error that says nothing about this socket.
fn harmless(taken: io::Result<()>) -> io::Result<Option<()>> {
    match taken {
        Ok(()) => Ok(Some(())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        // Windows reports ICMP "unreachable" for an earlier send as a failure of this receive, and a datagram that is too
        // large: it is gone, and there may be others behind it.
        Err(error) => match error.kind() {
            io::ErrorKind::Interrupted | io::ErrorKind::TimedOut | io::ErrorKind::ConnectionReset => {
                Ok(Some(()))
            }
            _ if cfg!(windows) && HARMLESS.contains(&error.raw_os_error().unwrap_or(0)) => Ok(Some(())),
            _ => Err(error),
        },
    }
}

/// WSAEMSGSIZE, WSAENETRESET.
const HARMLESS: [i32; 2] = [10_040, 10_052];

/// IPv6 flow labels are left out.
fn plain(mut source: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(source) = &mut source {
        source.set_flowinfo(0);
    }
    source
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
