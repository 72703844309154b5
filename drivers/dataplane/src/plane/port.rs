//! A named pair of UDP sockets, one per address family, on one port; one extra socket beside such a pair; or its links of one transport.

use super::hops::Hops;
use super::links::Links;
use super::quic::Hub;
use crate::dtls::Certificate;
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::os::{Departure, Udp};
use crate::session::Millis;
use arc_swap::ArcSwapOption;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Kernel queue of each socket, in bytes of the kernel's own counting. Measured: README, "Buffers".
const QUEUE: usize = 4 << 20;
/// The same of an extra socket that nothing came to yet.
const SMALL_QUEUE: usize = 128 << 10;
/// How often a free IPv4 port may be taken on IPv6.
const TRIES: usize = 16;

/// Where a port listens and what its datagrams leave by.
pub enum Place {
    /// Both families, every interface.
    Everywhere,
    /// One address, and its family only.
    Address(IpAddr),
    /// Both families of one interface, by name, whatever addresses it has at the time.
    Device(String),
}

impl From<Option<IpAddr>> for Place {
    fn from(address: Option<IpAddr>) -> Place {
        address.map_or(Place::Everywhere, Place::Address)
    }
}

/// The sockets; empty once closed, whoever still holds the port.
pub struct Port {
    pub name: Arc<str>,
    /// The port number of both.
    pub number: u16,
    /// What endpoints met here are reached by.
    pub carrier: Carrier,
    /// Whether plain datagrams come and go here, and not only those of links over these sockets.
    plain: Arc<AtomicBool>,
    /// When an authentic datagram came last; 0 before the first. Kept for extra sockets only.
    heard: AtomicU64,
    /// The interface that all of it is bound to.
    device: Option<Arc<str>>,
    v4: ArcSwapOption<Udp>,
    v6: ArcSwapOption<Udp>,
    /// Of a port of links: those, and where it listens.
    pub links: Links,
    locals: Vec<SocketAddr>,
    /// Who is masked on the other side.
    pub hops: Hops,
    /// The ports of the links beside this one, by transport.
    beside: [ArcSwapOption<Port>; Transport::ALL.len()],
    /// QUIC by these sockets, once there is some.
    quic: ArcSwapOption<Hub>,
    /// Of a port of `kcp` links: what it shows; `None` for what is made for the process.
    pub shown: ArcSwapOption<Certificate>,
}

impl Port {
    /// Opens both families, or the one of an address. A machine without IPv6 gets IPv4 only.
    pub fn open(name: &str, number: u16, place: Place) -> io::Result<Port> {
        let device = match &place {
            Place::Device(device) => Some(device.as_str()),
            Place::Everywhere | Place::Address(_) => None,
        };
        let port = |v4: Option<Udp>, v6: Option<Udp>| Port {
            number: v4.iter().chain(&v6).map(|udp| udp.local().port()).max().unwrap_or(number),
            device: device.map(Into::into),
            v4: ArcSwapOption::from_pointee(v4),
            v6: ArcSwapOption::from_pointee(v6),
            ..Port::closed(name.into())
        };
        let bind = |ip: IpAddr, number| Udp::bind(SocketAddr::new(ip, number), device, QUEUE);
        match place {
            Place::Address(ip @ IpAddr::V4(_)) => return Ok(port(Some(bind(ip, number)?), None)),
            Place::Address(ip @ IpAddr::V6(_)) => return Ok(port(None, Some(bind(ip, number)?))),
            Place::Everywhere | Place::Device(_) => {}
        }
        for _ in 0..TRIES {
            let v4 = bind(Ipv4Addr::UNSPECIFIED.into(), number)?;
            match bind(Ipv6Addr::UNSPECIFIED.into(), v4.local().port()) {
                Ok(v6) => return Ok(port(Some(v4), Some(v6))),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && number == 0 => {}
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
                Err(_) => return Ok(port(Some(v4), None)),
            }
        }
        Err(io::ErrorKind::AddrInUse.into())
    }

    /// An IPv4 socket more, on a free port of the address that `main` has.
    pub fn extra(main: &Port, number: NonZeroU32) -> io::Result<Port> {
        let v4 = main.v4.load();
        let ip = v4.as_ref().ok_or(io::ErrorKind::AddrNotAvailable)?.local().ip();
        let udp = Udp::bind(SocketAddr::new(ip, 0), main.device.as_deref(), SMALL_QUEUE)?;
        Ok(Port {
            number: udp.local().port(),
            carrier: Carrier::Extra(number),
            plain: main.plain.clone(),
            device: main.device.clone(),
            v4: ArcSwapOption::from_pointee(udp),
            ..Port::closed(main.name.clone())
        })
    }

    /// Links of a transport beside `main`, from where it listens.
    pub fn of_links(main: &Port, transport: Transport, number: u16, locals: Vec<SocketAddr>) -> Port {
        Port { number, carrier: Carrier::Link(transport), locals, ..Port::closed(main.name.clone()) }
    }

    /// No socket at all: what an endpoint is sent to whose socket is gone.
    pub fn closed(name: Arc<str>) -> Port {
        Port {
            name,
            number: 0,
            carrier: Carrier::Main,
            plain: Arc::new(AtomicBool::new(true)),
            heard: AtomicU64::new(0),
            device: None,
            v4: ArcSwapOption::empty(),
            v6: ArcSwapOption::empty(),
            links: Links::default(),
            locals: Vec::new(),
            hops: Hops::default(),
            beside: Default::default(),
            quic: ArcSwapOption::empty(),
            shown: ArcSwapOption::empty(),
        }
    }

    /// Whether plain datagrams come and go here.
    pub fn is_plain(&self) -> bool {
        self.plain.load(Ordering::Relaxed)
    }

    /// From now on plain datagrams come and go here and by the extra sockets beside, or nothing but links over these sockets.
    pub fn set_plain(&self, on: bool) {
        self.plain.store(on, Ordering::Relaxed);
    }

    /// As which endpoint the sender of what came in here is known.
    pub fn endpoint(&self, source: SocketAddr) -> Endpoint {
        Endpoint { carrier: self.carrier, ..Endpoint::direct(source) }
    }

    /// The port of a transport's links beside this one, while there are such.
    pub fn beside(&self, transport: Transport) -> Option<Arc<Port>> {
        self.beside[transport as usize].load_full()
    }

    pub fn set_beside(&self, transport: Transport, port: Option<Arc<Port>>) {
        self.beside[transport as usize].store(port);
    }

    /// QUIC by these sockets, while there is some.
    pub fn quic(&self) -> Option<Arc<Hub>> {
        self.quic.load_full()
    }

    /// Returns what there was.
    pub fn set_quic(&self, hub: Option<Arc<Hub>>) -> Option<Arc<Hub>> {
        self.quic.swap(hub)
    }

    /// Where it listens in the family of `remote`.
    pub fn local(&self, remote: &SocketAddr) -> Option<SocketAddr> {
        self.locals.iter().find(|local| local.is_ipv4() == remote.is_ipv4()).copied()
    }

    /// An authentic datagram came from there.
    pub fn note_authentic(&self, source: SocketAddr, now: Millis) {
        match self.carrier {
            Carrier::Main => {}
            Carrier::Extra(_) if self.heard.load(Ordering::Relaxed) == now => {}
            Carrier::Extra(_) => self.heard.store(now, Ordering::Relaxed),
            Carrier::Link(_) => self.links.note_authentic(source, now),
        }
    }

    /// When an authentic datagram came to this extra socket last.
    pub fn heard(&self) -> Option<Millis> {
        Some(self.heard.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    /// From now on it carries a peer's traffic.
    pub fn widen(&self) {
        self.sockets().for_each(|udp| udp.set_queue(QUEUE));
    }

    /// The sockets there are.
    pub fn sockets(&self) -> impl Iterator<Item = Arc<Udp>> {
        [self.v4.load_full(), self.v6.load_full()].into_iter().flatten()
    }

    /// Sends batches that lie in `slab`, each by its family's socket. `wait`: block while a queue is full, else drop.
    /// Returns how many were refused.
    pub fn send(&self, slab: &[u8], departures: &[Departure], wait: bool) -> usize {
        match self.carrier {
            Carrier::Link(_) => self.links.send(slab, departures),
            _ if !self.is_plain() => departures.len(),
            _ => self.send_beneath(slab, departures, wait),
        }
    }

    /// The same of datagrams of a link over these sockets.
    pub fn send_beneath(&self, slab: &[u8], departures: &[Departure], wait: bool) -> usize {
        let families = departures.chunk_by(|one, other| one.target.is_ipv4() == other.target.is_ipv4());
        families.map(|run| self.with(run[0].target, run.len(), |udp| udp.send(slab, run, wait))).sum()
    }

    /// Sends one datagram; false when it was refused.
    pub fn send_one(&self, datagram: &[u8], target: SocketAddr) -> bool {
        if let Carrier::Link(_) = self.carrier {
            return self.links.find(target).is_some_and(|link| link.send(&mut std::iter::once(datagram)));
        }
        self.is_plain() && self.send_one_beneath(datagram, target)
    }

    /// The same of a datagram of a link over these sockets.
    pub fn send_one_beneath(&self, datagram: &[u8], target: SocketAddr) -> bool {
        self.with(target, 1, |udp| usize::from(!udp.send_one(datagram, target))) == 0
    }

    pub fn is_closed(&self) -> bool {
        self.v4.load().is_none() && self.v6.load().is_none()
    }

    /// Closes the sockets. Readers end; the descriptors are gone when this returns, except where a send is under way.
    pub fn close(&self) {
        for slot in [&self.v4, &self.v6] {
            if let Some(udp) = slot.swap(None) {
                udp.shut();
            }
        }
    }

    fn with(&self, target: SocketAddr, without: usize, send: impl FnOnce(&Udp) -> usize) -> usize {
        let slot = if target.is_ipv4() { &self.v4 } else { &self.v6 };
        slot.load().as_deref().map_or(without, send)
    }
}
