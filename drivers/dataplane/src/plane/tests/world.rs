//! Data planes to test with: what they told, and socket pairs for their TUNs.

use crate::crypto::public_key;
use crate::endpoint::Endpoint;
use crate::events::{Event, Events};
use crate::packet::checksum;
use crate::packet::ip::{Header, UDP};
use crate::plane::{PeerOptions, Plane, RealmOptions, TunOptions, Use};
use crate::session::{Epoch, Key, PeerKind, RealmKind};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub const NETWORK: Key = [7; 32];
pub const ROUTER: Key = [9; 32];
/// Long enough for a machine that has other things to do.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A data plane on a loopback socket `node`, with one realm `net`.
pub struct Node {
    pub plane: Plane,
    pub key: Key,
    pub endpoint: Endpoint,
    /// Our end of the TUN.
    pub tun: Option<UnixDatagram>,
    ears: Arc<Ears>,
}

/// What the data plane told and nobody asked for yet.
struct Ears {
    heard: Mutex<Vec<Event>>,
    woken: Condvar,
    events: Mutex<Option<Arc<Events>>>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum TunKind {
    None,
    Plain,
    Offload,
}

impl Node {
    /// Number `number` is 10.1.0.number in the network.
    pub fn new(number: u8, tun: TunKind) -> Node {
        let node = Node::bound();
        node.with_realm("net", number, tun, RealmKind::Network)
    }

    /// A router's realm instead of a network's.
    pub fn router(number: u8) -> Node {
        let node = Node::bound();
        node.with_realm("net", number, TunKind::None, RealmKind::Router)
    }

    fn bound() -> Node {
        let ears =
            Arc::new(Ears { heard: Mutex::default(), woken: Condvar::new(), events: Mutex::new(None) });
        let waking = ears.clone();
        let events = Arc::new(Events::new(move || {
            let events = waking.events.lock().expect("no poison").clone();
            let mut heard = waking.heard.lock().expect("no poison");
            heard.extend(events.map(|events| events.take()).unwrap_or_default());
            waking.woken.notify_all();
        }));
        *ears.events.lock().expect("no poison") = Some(events.clone());
        let plane = Plane::start(events).expect("started");
        let port = plane.bind("node", 0, Some(Ipv4Addr::LOCALHOST.into())).expect("bound");
        let endpoint = Endpoint::direct((Ipv4Addr::LOCALHOST, port).into());
        Node { plane, key: Key::default(), endpoint, tun: None, ears }
    }

    fn with_realm(mut self, name: &str, number: u8, tun: TunKind, kind: RealmKind) -> Node {
        let pair = (tun != TunKind::None).then(|| UnixDatagram::pair().expect("a pair"));
        let options = RealmOptions {
            tun: pair.as_ref().map(|(_, far)| TunOptions {
                fd: far.as_raw_fd().into(),
                mtu: 1_400,
                offload: tun == TunKind::Offload,
            }),
            ..realm(name, number, kind)
        };
        self.plane.open_realm(options).expect("opened");
        self.plane.set_epochs(name, &[epoch(5)]).expect("set");
        self.key = public_key(&[number; 32]);
        self.tun = pair.map(|(near, _)| {
            near.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            near
        });
        self
    }

    /// Waits for the first event that fits, and takes it out.
    pub fn wait<T>(&self, mut fits: impl FnMut(&Event) -> Option<T>) -> T {
        let limit = Instant::now() + PATIENCE;
        let mut heard = self.ears.heard.lock().expect("no poison");
        loop {
            if let Some((at, found)) =
                heard.iter().enumerate().find_map(|(at, event)| Some((at, fits(event)?)))
            {
                heard.remove(at);
                return found;
            }
            let left = limit.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "what was waited for did not come; there is {heard:?}");
            heard = self.ears.woken.wait_timeout(heard, left).expect("no poison").0;
        }
    }

    /// What was told so far and not taken.
    pub fn told(&self) -> Vec<Event> {
        self.ears.heard.lock().expect("no poison").clone()
    }

    pub fn wait_session(&self) -> (Endpoint, u8, bool) {
        self.wait(|event| match event {
            Event::Session { endpoint, suite, initiator, .. } => Some((*endpoint, *suite, *initiator)),
            _ => None,
        })
    }

    /// Makes `other` a peer with that number's address.
    pub fn know(&self, other: &Node, number: u8, kind: PeerKind) {
        self.plane.set_peer("net", peer(other.key, number, kind)).expect("set");
    }

    pub fn refused(&self, cause: &str) -> u64 {
        let counters = self.plane.counters().expect("alive");
        counters.refused.iter().find(|(name, _)| *name == cause).map_or(0, |(_, number)| *number)
    }

    /// Waits until that many were refused for this cause, and no more: counted after a whole batch, which may be later
    /// than what the batch sent is received.
    pub fn has_refused(&self, cause: &str, number: u64) {
        until(cause, || self.refused(cause) >= number);
        assert_eq!(self.refused(cause), number, "{cause}");
    }
}

/// A NAT on loopback with one address behind it at a time.
pub struct Nat {
    /// What the host behind it takes for the other end.
    pub endpoint: Endpoint,
    shared: Arc<Mapping>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Mapping {
    near: UdpSocket,
    host: Mutex<Option<SocketAddr>>,
    outer: Mutex<UdpSocket>,
    target: SocketAddr,
    closed: AtomicBool,
}

impl Nat {
    pub fn before(target: SocketAddr) -> Nat {
        let near = loopback();
        let endpoint = Endpoint::direct(near.local_addr().expect("bound"));
        let outer = Mutex::new(loopback());
        let shared =
            Arc::new(Mapping { near, host: Mutex::new(None), outer, target, closed: AtomicBool::new(false) });
        let nat = Nat { endpoint, shared: shared.clone(), threads: Mutex::default() };
        nat.spawn(move || {
            let mut room = [0u8; 70_000];
            while !shared.closed.load(Ordering::Relaxed) {
                if let Ok((length, host)) = shared.near.recv_from(&mut room) {
                    *shared.host.lock().expect("no poison") = Some(host);
                    let outer = shared.outer.lock().expect("no poison");
                    outer.send_to(&room[..length], shared.target).expect("sent");
                }
            }
        });
        nat.carry_back();
        nat
    }

    /// Another outer address from now on; nothing comes in by the old one any more.
    pub fn move_on(&self) {
        *self.shared.outer.lock().expect("no poison") = loopback();
        self.carry_back();
    }

    fn carry_back(&self) {
        let shared = self.shared.clone();
        let outer = shared.outer.lock().expect("no poison").try_clone().expect("cloned");
        let address = outer.local_addr().expect("bound");
        let is_current = move |shared: &Mapping| {
            let outer = shared.outer.lock().expect("no poison");
            outer.local_addr().expect("bound") == address
        };
        self.spawn(move || {
            let mut room = [0u8; 70_000];
            while !shared.closed.load(Ordering::Relaxed) && is_current(&shared) {
                let Ok(length) = outer.recv(&mut room) else { continue };
                if let Some(host) = *shared.host.lock().expect("no poison") {
                    shared.near.send_to(&room[..length], host).expect("sent");
                }
            }
        });
    }

    fn spawn(&self, run: impl FnOnce() + Send + 'static) {
        self.threads.lock().expect("no poison").push(std::thread::spawn(run));
    }
}

impl Drop for Nat {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Relaxed);
        for thread in std::mem::take(&mut *self.threads.lock().expect("no poison")) {
            thread.join().expect("ends well");
        }
    }
}

/// A socket whose reader looks up now and then.
fn loopback() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.set_read_timeout(Some(Duration::from_millis(20))).expect("set");
    socket
}

/// Waits until something holds that nobody tells of.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let limit = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < limit, "waited in vain until {what}");
        // Not at once: what is waited for needs the processor, too.
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn realm(name: &str, number: u8, kind: RealmKind) -> RealmOptions {
    RealmOptions {
        realm: name.to_string(),
        socket: "node".to_string(),
        kind,
        private_key: [number; 32],
        prologue: if kind == RealmKind::Network { NETWORK } else { ROUTER },
        tun: None,
        stamp_floor_millis: 0,
        suites: None,
    }
}

pub fn peer(public_key: Key, number: u8, kind: PeerKind) -> PeerOptions {
    let allowed = if kind == PeerKind::Router { vec![] } else { vec![format!("10.1.0.{number}/32")] };
    PeerOptions {
        public_key,
        kind,
        allowed: allowed.iter().map(|prefix| prefix.parse().expect("a prefix")).collect(),
        sources: vec![],
        prologue: (kind == PeerKind::Router).then_some(ROUTER),
        preshared_key: None,
        mask: None,
        keepalive_seconds: 0,
        forward: false,
    }
}

pub fn epoch(id: u8) -> Epoch {
    Epoch { id, key: [id; 32] }
}

/// Two nodes, 1 and 2, that know each other as such a kind of peer and have a session.
pub fn joined(tun: TunKind, kind: PeerKind) -> (Node, Node) {
    let (one, two) = (Node::new(1, tun), Node::new(2, tun));
    one.know(&two, 2, kind);
    two.know(&one, 1, kind);
    one.plane.handshake("net", &two.key, &[two.endpoint], false).expect("begun");
    one.wait_session();
    two.wait_session();
    (one, two)
}

/// The machine of a node sends a packet.
pub fn send(from: &Node, packet: &[u8]) {
    from.tun.as_ref().expect("a TUN").send(packet).expect("sent");
}

/// The next packet that a node delivers to its machine.
pub fn receive(at: &Node) -> Vec<u8> {
    let mut room = vec![0u8; 70_000];
    let length = at.tun.as_ref().expect("a TUN").recv(&mut room).expect("a packet");
    room.truncate(length);
    room
}

/// One path carries everything.
pub fn used_by(endpoint: Endpoint) -> Use {
    Use { active: vec![endpoint], standby: vec![] }
}

/// A UDP packet from 10.1.0.`from` to 10.1.0.`to` with a right checksum.
pub fn datagram(from: u8, to: u8, payload: &[u8]) -> Vec<u8> {
    let total = 28 + payload.len();
    let mut packet = vec![0u8; total];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
    packet[8] = 64;
    packet[9] = UDP;
    packet[12..20].copy_from_slice(&[10, 1, 0, from, 10, 1, 0, to]);
    checksum::write_ipv4(&mut packet, 20);
    packet[20..24].copy_from_slice(&[0x30, 0x39, 0x14, 0x51]);
    packet[24..26].copy_from_slice(&((8 + payload.len()) as u16).to_be_bytes());
    packet[28..].copy_from_slice(payload);
    let header = Header::parse(&packet).expect("an IP packet");
    let seed = checksum::pseudo(&header, &packet, total - 20);
    packet[26..28].copy_from_slice(&seed.to_be_bytes());
    checksum::complete(&mut packet, 20, 6);
    packet
}
