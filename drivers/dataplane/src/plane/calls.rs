//! The calls of `drivers/dataplane.ts` that concern the whole: sockets, realms, counters, the end.

use super::core::{Core, millis};
use super::options::{
    CallError, Called, ConnectOptions, Counters, ListenOptions, PeerCounters, RealmOptions,
};
use super::peer::Peer;
use super::port::{Place, Port};
use super::realm::{Realm, TunLink};
use super::stream::FarEnd;
use super::{kcp, quic, receive, tcp, thread, transmit};
use crate::crypto::hardware_aes;
use crate::endpoint::{Carrier, Endpoint, Transport};
use crate::events::Events;
use crate::os::{Tun, Waker};
use crate::session::{Key, Local, LocalOptions, Millis, Suite, Suites};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// One data plane: threads, sockets, realms. Dropping it stops it.
pub struct Plane {
    pub(super) core: Arc<Core>,
    holdings: Mutex<Option<Holdings>>,
}

/// What must be given back at the end.
#[derive(Default)]
struct Holdings {
    ports: HashMap<String, Bound>,
    realms: HashMap<String, Opened>,
    timers: Option<JoinHandle<()>>,
}

struct Bound {
    port: Arc<Port>,
    threads: Vec<JoinHandle<()>>,
}

struct Opened {
    realm: Arc<Realm>,
    thread: Option<JoinHandle<()>>,
}

impl Plane {
    /// Starts the thread of the timers.
    pub fn start(events: Arc<Events>) -> Called<Plane> {
        let core = Arc::new(Core::new(events));
        let run = |core: &Core| {
            core.timers.run(core);
            Ok(())
        };
        let timers = thread::start("dp-timers", &core, None, || false, run).map_err(CallError::system)?;
        let holdings = Holdings { timers: Some(timers), ..Holdings::default() };
        Ok(Plane { core, holdings: Mutex::new(Some(holdings)) })
    }

    pub fn bind(&self, name: &str, number: u16, place: impl Into<Place>) -> Called<u16> {
        let mut holdings = self.holdings();
        let holdings = alive(&mut holdings)?;
        if holdings.ports.contains_key(name) {
            return Err(CallError::invalid(format!("a socket named {name} is bound already")));
        }
        let port = Arc::new(Port::open(name, number, place.into()).map_err(CallError::system)?);
        let mut bound = Bound { port: port.clone(), threads: Vec::new() };
        for udp in port.sockets() {
            let (own, closing) = (port.clone(), port.clone());
            let run = move |core: &Core| receive::run(core, &own, &udp);
            match thread::start("dp-udp", &self.core, None, move || closing.is_closed(), run) {
                Ok(thread) => bound.threads.push(thread),
                Err(error) => {
                    unbind(&self.core, bound);
                    return Err(CallError::system(error));
                }
            }
        }
        holdings.ports.insert(name.to_string(), bound);
        Ok(port.number)
    }

    pub fn unbind(&self, name: &str) -> Called<()> {
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.remove(name).ok_or_else(|| CallError::missing("socket", name))?;
        unbind(&self.core, bound);
        Ok(())
    }

    /// Whether plain datagrams come and go by these sockets, as they do at first, or links over them alone.
    pub fn speak_plain(&self, socket: &str, on: bool) -> Called<()> {
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.get(socket).ok_or_else(|| CallError::missing("socket", socket))?;
        bound.port.set_plain(on);
        if !on {
            self.core.punches.leave(&self.core, &bound.port);
            self.core.stun.forget(&self.core, &bound.port);
        }
        Ok(())
    }

    pub fn open_realm(&self, options: RealmOptions) -> Called<()> {
        let mut holdings = self.holdings();
        let holdings = alive(&mut holdings)?;
        if holdings.realms.contains_key(&options.realm) {
            return Err(CallError::invalid(format!("a realm named {} is open already", options.realm)));
        }
        let bound = holdings
            .ports
            .get(&options.socket)
            .ok_or_else(|| CallError::missing("socket", &options.socket))?;
        let local = Local::new(LocalOptions {
            private_key: options.private_key,
            prologue: options.prologue,
            kind: options.kind,
            suites: offered(options.suites.as_deref())?,
            stamp_floor_millis: options.stamp_floor_millis,
        });
        let tun = match options.tun {
            Some(tun) => {
                let adopted = Tun::adopt(tun.fd, tun.offload).map_err(CallError::system)?;
                Some(TunLink { tun: adopted, mtu: tun.mtu, waker: Waker::new().map_err(CallError::system)? })
            }
            None => None,
        };
        let realm = Arc::new(Realm::new(&options.realm, options.kind, bound.port.clone(), local, tun));
        let mut opened = Opened { realm: realm.clone(), thread: None };
        if realm.tun.is_some() {
            let own = realm.clone();
            let run = move |core: &Core| match &own.tun {
                Some(link) => transmit::run(core, &own, link),
                None => Ok(()),
            };
            let started = thread::start("dp-tun", &self.core, Some(realm.name.clone()), || false, run);
            opened.thread = Some(started.map_err(CallError::system)?);
        }
        holdings.realms.insert(options.realm, opened);
        self.publish(holdings);
        Ok(())
    }

    pub fn close_realm(&self, name: &str) -> Called<()> {
        let mut holdings = self.holdings();
        let holdings = alive(&mut holdings)?;
        let opened = holdings.realms.remove(name).ok_or_else(|| CallError::missing("realm", name))?;
        self.publish(holdings);
        close(&self.core, opened);
        Ok(())
    }

    /// Accepts links of a transport beside the UDP sockets of that name.
    pub fn listen_links(&self, socket: &str, transport: Transport, options: &ListenOptions) -> Called<u16> {
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.get(socket).ok_or_else(|| CallError::missing("socket", socket))?;
        match transport {
            Transport::Quic => quic::listen(&self.core, &bound.port, options),
            Transport::Kcp => kcp::listen(&self.core, &bound.port, options),
            _ if bound.port.beside(transport).is_some() => {
                Err(CallError::invalid(format!("{socket} takes {} links already", transport.name())))
            }
            Transport::Tcp => {
                tcp::listen(&self.core, &bound.port, options.port, options.address).map_err(CallError::system)
            }
            _ => Err(no_links(transport)),
        }
    }

    /// Opens a link from the port that takes those of its transport there.
    pub fn connect_link(
        &self,
        socket: &str,
        remote: Endpoint,
        options: impl Into<ConnectOptions>,
    ) -> Called<()> {
        let options: ConnectOptions = options.into();
        let Carrier::Link(transport) = remote.carrier else {
            return Err(CallError::invalid(format!("{remote} names no link")));
        };
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.get(socket).ok_or_else(|| CallError::missing("socket", socket))?;
        let begun = match transport {
            Transport::Tcp => tcp::connect(&self.core, &bound.port, remote.address, options.seconds)
                .map_err(CallError::system),
            Transport::Kcp => {
                let options = (options.seconds, options.profile);
                Ok(kcp::connect(&self.core, &bound.port, remote.address, options))
            }
            Transport::Quic => quic::connect(&self.core, &bound.port, remote.address, &options),
            _ => Err(no_links(transport)),
        };
        match begun? {
            true => Ok(()),
            false => Err(CallError::missing("socket that takes such links for this address", socket)),
        }
    }

    /// A link of `tls` or `wss` whose bytes the caller carries; returns the caller's end.
    pub fn open_stream(&self, socket: &str, remote: Endpoint) -> Called<FarEnd> {
        let Endpoint {
            carrier: Carrier::Link(transport @ (Transport::Tls | Transport::Wss)),
            channel: None,
            address,
        } = remote
        else {
            return Err(CallError::invalid(format!("{remote} names no link of tls or wss")));
        };
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.get(socket).ok_or_else(|| CallError::missing("socket", socket))?;
        tcp::open_stream(&self.core, &bound.port, transport, address).map_err(CallError::system)
    }

    /// A link is not wanted any more: one that was opened closes, one that is tried is given up.
    pub fn close_link(&self, socket: &str, remote: Endpoint) -> Called<()> {
        let Carrier::Link(transport) = remote.carrier else {
            return Err(CallError::invalid(format!("{remote} names no link")));
        };
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.get(socket).ok_or_else(|| CallError::missing("socket", socket))?;
        if transport == Transport::Quic {
            self.core.quic.close(&bound.port, remote.address);
        } else if let Some(link) =
            bound.port.beside(transport).and_then(|port| port.links.find(remote.address))
        {
            link.close();
        }
        Ok(())
    }

    /// Asks over UDP, or over a link.
    pub fn stun(&self, socket: &str, server: Endpoint) -> Called<()> {
        let mut holdings = self.holdings();
        let bound =
            alive(&mut holdings)?.ports.get(socket).ok_or_else(|| CallError::missing("socket", socket))?;
        if self.core.stun.ask(&self.core, self.core.route(&bound.port, server), millis()) {
            Ok(())
        } else {
            Err(CallError::busy("too many STUN questions are open"))
        }
    }

    /// IP packets that came from and went to all peers of all realms.
    pub fn packets(&self) -> Called<u64> {
        let mut holdings = self.holdings();
        let mut packets = 0;
        for opened in alive(&mut holdings)?.realms.values() {
            for peer in opened.realm.peers() {
                packets += peer.traffic.rx_packets.load(Ordering::Relaxed);
                packets += peer.traffic.tx_packets.load(Ordering::Relaxed);
            }
        }
        Ok(packets)
    }

    pub fn counters(&self) -> Called<Counters> {
        let mut holdings = self.holdings();
        let holdings = alive(&mut holdings)?;
        let moment = super::core::now();
        let unix = |millis: Millis| moment.unix_millis.saturating_sub(moment.millis.saturating_sub(millis));
        let mut peers = Vec::new();
        for opened in holdings.realms.values() {
            for peer in opened.realm.peers() {
                let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
                let (last_handshake_millis, suite) = peer.drive(&self.core, None, |drive| {
                    let association = &drive.state.association;
                    let suite = association.current(drive.now.millis).map(|keypair| keypair.suite() as u8);
                    (association.last_handshake_millis(), suite)
                });
                peers.push(PeerCounters {
                    realm: opened.realm.name.clone(),
                    peer: peer.key,
                    rx_bytes: read(&peer.traffic.rx_bytes),
                    tx_bytes: read(&peer.traffic.tx_bytes),
                    rx_packets: read(&peer.traffic.rx_packets),
                    tx_packets: read(&peer.traffic.tx_packets),
                    last_handshake_millis,
                    last_received_millis: Some(read(&peer.traffic.received)).filter(|at| *at > 0).map(unix),
                    suite,
                });
            }
        }
        let (relayed_datagrams, relayed_bytes) = self.core.relays.counters();
        Ok(Counters { peers, refused: self.core.refusals.list(), relayed_datagrams, relayed_bytes })
    }

    /// Joins all threads, closes all descriptors.
    pub fn stop(&self) {
        let Some(mut holdings) = self.holdings().take() else { return };
        self.core.stopped.store(true, Ordering::Release);
        self.core.realms.store(Arc::default());
        for (_, opened) in holdings.realms.drain() {
            close(&self.core, opened);
        }
        for (_, bound) in holdings.ports.drain() {
            unbind(&self.core, bound);
        }
        self.core.punches.stop(&self.core);
        self.core.tcp.stop();
        self.core.kcp.stop();
        self.core.quic.stop();
        self.core.mapped.stop();
        self.core.timers.stop();
        if let Some(timers) = holdings.timers.take() {
            join(timers);
        }
        self.core.events.take();
    }

    fn publish(&self, holdings: &Holdings) {
        let realms = holdings.realms.values().map(|opened| opened.realm.clone()).collect();
        self.core.realms.store(Arc::new(realms));
        self.core.masks.gather(&self.core.realms.load());
    }

    pub(super) fn realm(&self, name: &str) -> Called<Arc<Realm>> {
        let mut holdings = self.holdings();
        let opened =
            alive(&mut holdings)?.realms.get(name).ok_or_else(|| CallError::missing("realm", name))?;
        Ok(opened.realm.clone())
    }

    pub(super) fn peer(&self, realm: &str, key: &Key) -> Called<Arc<Peer>> {
        self.realm(realm)?.peer(key).ok_or_else(CallError::no_peer)
    }

    fn holdings(&self) -> MutexGuard<'_, Option<Holdings>> {
        self.holdings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        self.stop();
    }
}

fn alive(holdings: &mut Option<Holdings>) -> Called<&mut Holdings> {
    holdings
        .as_mut()
        .ok_or_else(|| CallError { code: "ESTOPPED", message: "the data plane was stopped".to_string() })
}

fn no_links(transport: Transport) -> CallError {
    CallError::invalid(format!("{} links are not opened here", transport.name()))
}

fn unbind(core: &Core, bound: Bound) {
    core.tcp.leave(&bound.port);
    core.kcp.leave(&bound.port);
    core.quic.leave(&bound.port);
    core.punches.leave(core, &bound.port);
    bound.port.close();
    bound.threads.into_iter().for_each(join);
    core.stun.forget(core, &bound.port);
}

fn close(core: &Core, opened: Opened) {
    if let Some(link) = &opened.realm.tun {
        link.waker.wake();
    }
    opened.thread.into_iter().for_each(join);
    let _changing = opened.realm.change();
    for peer in opened.realm.peers() {
        opened.realm.remove(&peer.key);
        forget(core, &opened.realm, &peer);
    }
}

/// Ends everything that leads to a peer.
pub(super) fn forget(core: &Core, realm: &Realm, peer: &Arc<Peer>) {
    core.relays.close(peer);
    core.punches.forget(core, peer);
    let prefixes = peer.drive(core, None, |drive| {
        drive.remove();
        std::mem::take(&mut drive.state.prefixes)
    });
    realm.assign(peer, &prefixes, &[]);
    realm.forwarding.note(peer.forward.swap(false, Ordering::Relaxed), false);
}

fn join(thread: JoinHandle<()>) {
    // A panic inside was told as an event.
    let _ = thread.join();
}

/// The suites to offer: those asked for, without AES where there is no hardware for it.
fn offered(asked: Option<&[u8]>) -> Called<Suites> {
    let mut suites = Vec::new();
    for number in asked.unwrap_or(&[1, 2]) {
        match number {
            1 if !hardware_aes() => {}
            1 => suites.push(Suite::Aes),
            2 => suites.push(Suite::ChaCha),
            _ => return Err(CallError::invalid(format!("there is no suite {number} to offer"))),
        }
    }
    Suites::of(&suites).ok_or_else(|| CallError::invalid("no suite is left to offer"))
}
