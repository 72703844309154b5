//! One peer of one realm: what the packet threads read of it without locks, and the door to the rest.

use super::core::{Core, millis, now, unix_nanos};
use super::drive::Drive;
use super::only::Only;
use super::outbox::Route;
use super::quota::Relayed;
use super::realm::Realm;
use super::recent::Recent;
use super::spread::Spread;
use super::state::State;
use crate::endpoint::Endpoint;
use crate::events::{Event, Measured};
use crate::mask::Mask;
use crate::packet::vnet::Vnet;
use crate::session::part::{Halves, Part};
use crate::session::{Association, Key, Millis, Opened, PeerKind};
use crate::table::Table;
use arc_swap::{ArcSwap, ArcSwapOption};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// A peer. Its state is driven by one thread at a time; packets pass beside it.
pub struct Peer {
    pub key: Key,
    pub realm: Arc<Realm>,
    /// Session and ways out of IP packets; `None` while there is none.
    pub outgoing: ArcSwapOption<Spread>,
    /// Where the peer proved to be; where the relay channels that lead to it end.
    pub proven: ArcSwapOption<Route>,
    /// Everywhere it proved to be lately, with the moment; it may use its relay channels from there.
    places: ArcSwap<Vec<(Endpoint, Millis)>>,
    /// Prefixes it may send from although others are asked for them; `None`: none.
    pub sources: ArcSwapOption<Table<()>>,
    /// Said to be out of reach, and not heard since: packets for it are answered.
    pub down: AtomicBool,
    /// What carries datagrams to and from it.
    pub only: Only,
    /// What was relayed for it.
    pub relayed: Relayed,
    pub traffic: Traffic,
    /// Roams with every authentic datagram.
    pub is_stock: AtomicBool,
    /// Its packets for other peers, and theirs for it, are passed on here.
    pub forward: AtomicBool,
    /// A router's own mask; what goes to it is masked so.
    pub mask: ArcSwapOption<Mask>,
    /// What goes again when its path turns out to be dead.
    pub recent: Recent,
    halves: Mutex<Halves>,
    state: Mutex<State>,
}

/// Counters, and the moments of the last packets.
#[derive(Default)]
pub struct Traffic {
    pub rx_bytes: AtomicU64,
    pub tx_bytes: AtomicU64,
    pub rx_packets: AtomicU64,
    pub tx_packets: AtomicU64,
    /// Monotonic; 0 before the first.
    pub received: AtomicU64,
    pub sent: AtomicU64,
}

impl Traffic {
    pub fn count_sent(&self, packets: usize, bytes: usize, now: Millis) {
        self.tx_packets.fetch_add(packets as u64, Ordering::Relaxed);
        self.tx_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        self.sent.store(now, Ordering::Relaxed);
    }

    pub fn count_received(&self, packets: u64, bytes: u64) {
        self.rx_packets.fetch_add(packets, Ordering::Relaxed);
        self.rx_bytes.fetch_add(bytes, Ordering::Relaxed);
    }
}

impl Peer {
    pub fn new(realm: &Arc<Realm>, key: Key, kind: PeerKind, association: Association) -> Arc<Peer> {
        Arc::new(Peer {
            key,
            realm: realm.clone(),
            outgoing: ArcSwapOption::empty(),
            proven: ArcSwapOption::empty(),
            places: ArcSwap::default(),
            sources: ArcSwapOption::empty(),
            down: AtomicBool::new(false),
            only: Only::default(),
            relayed: Relayed::default(),
            traffic: Traffic::default(),
            is_stock: AtomicBool::new(kind == PeerKind::Stock),
            forward: AtomicBool::new(false),
            mask: ArcSwapOption::empty(),
            recent: Recent::default(),
            halves: Mutex::default(),
            state: Mutex::new(State::new(kind, association, realm.mtu())),
        })
    }

    /// Has the state to itself for a moment; afterwards what it wants done is done and its next deadline is set.
    /// `from`: where the datagram that is being handled came from.
    pub fn drive<R>(
        self: &Arc<Peer>,
        core: &Core,
        from: Option<&Route>,
        act: impl FnOnce(&mut Drive<'_>) -> R,
    ) -> R {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut drive = Drive::new(core, self, from, &mut state, now());
        let result = act(&mut drive);
        drive.finish();
        result
    }

    /// A packet of the TUN while there is no session or way: it waits, and the caller is told once.
    pub fn hold(self: &Arc<Peer>, core: &Core, vnet: Vnet, packet: &[u8]) {
        self.drive(core, None, |drive| drive.hold(vnet, packet));
    }

    /// A packet that came in two parts; `None` while one of them is missing.
    pub fn join(&self, part: Part<'_>, now: Millis) -> Option<Vec<u8>> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner).take(part, now)
    }

    /// Whether the peer proved to be there lately.
    pub fn is_at(&self, endpoint: &Endpoint) -> bool {
        self.places.load().iter().any(|(place, _)| place == endpoint)
    }

    /// Where the peer proved to be lately, each place with the moment.
    pub fn places(&self) -> Arc<Vec<(Endpoint, Millis)>> {
        self.places.load_full()
    }

    /// The peer answered there, or made its session there.
    pub fn note_place(&self, endpoint: &Endpoint, now: Millis) {
        let fresh = |(place, at): &(Endpoint, Millis)| place == endpoint && now < at + PLACE_FRESH;
        if endpoint.channel.is_some() || self.places.load().iter().any(fresh) {
            return;
        }
        self.places.rcu(|places| {
            let others = places.iter().filter(|(place, _)| place != endpoint);
            let mut places: Vec<_> = others.copied().collect();
            if places.len() == PLACES {
                places.remove(0);
            }
            places.push((*endpoint, now));
            places
        });
    }

    /// Nowhere any more.
    pub fn forget_places(&self) {
        self.proven.store(None);
        self.places.store(Arc::default());
    }

    /// A timer fired.
    pub fn handle_timer(self: &Arc<Peer>, core: &Core, at: Millis) {
        self.drive(core, None, |drive| drive.handle_timer(at));
    }

    /// A sealed or opened packet says that the association's timers changed.
    pub fn wake(self: &Arc<Peer>, core: &Core) {
        self.drive(core, None, |drive| drive.handle_session_timeout());
    }

    /// An authentic datagram came over `route`; `opened` is the first of its batch that wants something.
    pub fn heard(self: &Arc<Peer>, core: &Core, route: &Route, local_index: u32, opened: Heard, now: Millis) {
        self.note_alive(now);
        let current = self.outgoing.load();
        let expected = current.as_ref().is_some_and(|spread| {
            let first = &spread.first().route;
            first.endpoint == route.endpoint && Arc::ptr_eq(&first.port, &route.port)
                || spread.way(&route.endpoint).is_some()
        });
        drop(current);
        if expected && !opened.confirms && !opened.wake {
            return;
        }
        self.drive(core, Some(route), |drive| {
            if opened.confirms {
                drive.handle_confirmed(local_index);
            }
            if opened.wake {
                drive.handle_session_timeout();
            }
            if !expected {
                drive.handle_heard(route);
            }
        });
    }
}

/// Places remembered of one peer, the latest; the moment of one is renewed after so long.
const PLACES: usize = 8;
const PLACE_FRESH: Millis = 10_000;

/// What the datagrams of one batch want besides being read.
#[derive(Clone, Copy, Default)]
pub struct Heard {
    pub confirms: bool,
    pub wake: bool,
}

impl Heard {
    pub fn add(&mut self, opened: &Opened) {
        self.confirms |= opened.confirms;
        self.wake |= opened.wake;
    }
}

/// One summary of all these peers' paths.
pub fn tell_measured(core: &Core, peers: &[Weak<Peer>]) {
    let mut paths = Vec::new();
    let (now, unix) = (millis(), unix_nanos() / 1_000_000);
    for peer in peers.iter().filter_map(Weak::upgrade) {
        let measures = peer.drive(core, None, |drive| drive.take_measures());
        paths.extend(measures.into_iter().map(|measure| Measured {
            realm: peer.realm.name.clone(),
            peer: peer.key,
            last_echo_millis: measure.last_echo.map(|at| unix.saturating_sub(now.saturating_sub(at))),
            measure,
        }));
    }
    if !paths.is_empty() {
        core.tell(Event::Measured { paths });
    }
}
