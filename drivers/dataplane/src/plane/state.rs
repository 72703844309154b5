//! Everything of a peer that changes seldom, behind its lock.

use super::core::random_u32;
use super::outbox::Route;
use super::prober::Prober;
use super::waiting::Waiting;
use crate::endpoint::Endpoint;
use crate::session::control::Control;
use crate::session::{Association, INITIATION, Keypair, Millis, PeerKind};
use crate::table::Prefix;
use std::sync::Arc;

/// One peer's handshake, sessions, control, probes and ways.
pub struct State {
    pub association: Association,
    pub control: Control,
    pub prober: Prober,
    pub prefixes: Vec<Prefix>,
    pub kind: PeerKind,
    pub keypair: Option<Arc<Keypair>>,
    /// Chosen by the caller.
    pub used: Used,
    /// Those of them that carry packets now; the first carries everything that is no flow.
    pub active: Vec<Route>,
    /// Where the session was proved, or an echo came from since.
    pub standing: Option<Route>,
    /// Where the running handshake's message 1 goes; empty for one that began by itself.
    pub targets: Vec<Route>,
    pub message: Option<Box<[u8; INITIATION]>>,
    pub attempts: usize,
    pub waiting: Waiting,
    pub wanted: Option<Millis>,
    pub told: Told,
    pub scheduled: Option<Millis>,
    pub measured: bool,
    pub removed: bool,
}

/// Paths that the caller chose, and those among them that went silent since.
#[derive(Default)]
pub struct Used {
    pub active: Vec<Route>,
    pub standby: Vec<Route>,
    pub silent: Vec<Endpoint>,
}

impl State {
    /// `mtu`: of the realm's TUN.
    pub fn new(kind: PeerKind, association: Association, mtu: u16) -> State {
        State {
            association,
            control: Control::new(random_u32()),
            prober: Prober::new(mtu),
            prefixes: Vec::new(),
            kind,
            keypair: None,
            used: Used::default(),
            active: Vec::new(),
            standing: None,
            targets: Vec::new(),
            message: None,
            attempts: 0,
            waiting: Waiting::default(),
            wanted: None,
            told: Told::default(),
            scheduled: None,
            measured: false,
            removed: false,
        }
    }
}

/// Endpoints remembered of a peer that is heard from many.
const REMEMBERED: usize = 64;

/// Endpoints that were told as `heard`, each with the moment.
#[derive(Default)]
pub struct Told {
    told: Vec<(Endpoint, Millis)>,
}

impl Told {
    /// Whether this one may be told now: once a minute each.
    pub fn take(&mut self, endpoint: Endpoint, now: Millis) -> bool {
        self.told.retain(|(_, at)| now < at + 60_000);
        if self.told.iter().any(|(known, _)| *known == endpoint) || self.told.len() >= REMEMBERED {
            return false;
        }
        self.told.push((endpoint, now));
        true
    }
}
