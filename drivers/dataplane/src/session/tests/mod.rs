//! Two ends of a session joined by a simulated line: a clock that jumps from event to event, delay and loss.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use super::*;

mod control;
mod cookies;
mod data;
mod fuzz;
mod handshake;
mod interop;
pub mod stranger;
mod timers;
mod window;
mod wire;

pub(super) const NETWORK: Key = [0x4e; 32];
pub(super) const SOURCE: &[u8] = b"192.0.2.1:7743";

/// A moment of the simulated clocks.
pub(super) fn at(millis: Millis) -> Now {
    Now { millis, unix_millis: 1_800_000_000_000 + millis }
}

/// Repeatable randomness (SplitMix64), and the indices in use.
pub(super) struct Seeded {
    state: u64,
    pub(super) indices: HashSet<u32>,
}

impl Seeded {
    pub(super) fn new(seed: u64) -> Seeded {
        Seeded { state: seed, indices: HashSet::new() }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

impl Surroundings for Seeded {
    fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }

    fn reserve_index(&mut self) -> u32 {
        loop {
            let index = self.next() as u32;
            if self.indices.insert(index) {
                return index;
            }
        }
    }
}

/// What an end was told to report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Established { suite: Suite, initiator: bool, rekey: bool },
    Ended(EndReason),
}

/// One end: does with an association's outputs what the data plane does.
pub(super) struct End {
    pub(super) local: Arc<Local>,
    pub(super) association: Association,
    pub(super) chance: Seeded,
    pub(super) keypairs: HashMap<u32, Arc<Keypair>>,
    pub(super) current: Option<Arc<Keypair>>,
    pub(super) wire: Vec<Vec<u8>>,
    pub(super) events: Vec<Event>,
    pub(super) heard: Vec<Vec<u8>>,
    pub(super) under_load: bool,
}

impl End {
    pub(super) fn new(local: Arc<Local>, peer: PeerOptions, seed: u64) -> End {
        End {
            association: Association::new(Arc::clone(&local), peer).expect("a peer with a good key"),
            local,
            chance: Seeded::new(seed),
            keypairs: HashMap::new(),
            current: None,
            wire: Vec::new(),
            events: Vec::new(),
            heard: Vec::new(),
            under_load: false,
        }
    }

    pub(super) fn start(&mut self, now: Millis) -> bool {
        self.begin(now, false)
    }

    pub(super) fn force(&mut self, now: Millis) -> bool {
        self.begin(now, true)
    }

    fn begin(&mut self, now: Millis, force: bool) -> bool {
        let mut out = Vec::new();
        let began = self.association.start(at(now), force, &mut self.chance, &mut out);
        self.perform(out, now);
        began
    }

    /// Takes a datagram from the wire.
    pub(super) fn receive(&mut self, datagram: &[u8], now: Millis) -> Result<(), Refused> {
        let mut out = Vec::new();
        let result = match classify(datagram).ok_or(Refused::Malformed)? {
            Message::Data { receiver, .. } => return self.receive_data(receiver, datagram, now),
            Message::Cookie { .. } => self.association.handle_cookie(datagram, at(now)),
            message => match self.local.admit(now, datagram, SOURCE, self.under_load, &mut self.chance) {
                Admission::Refuse(refused) => Err(refused),
                Admission::Reply(reply) => {
                    self.wire.push(reply.to_vec());
                    Ok(())
                }
                Admission::Proceed if matches!(message, Message::Initiation { .. }) => {
                    let initiation = self.local.read_initiation(datagram, &mut self.chance)?;
                    self.association.handle_initiation(initiation, at(now), &mut self.chance, &mut out)
                }
                Admission::Proceed => self.association.handle_response(datagram, at(now), &mut out),
            },
        };
        self.perform(out, now);
        result
    }

    fn receive_data(&mut self, receiver: u32, datagram: &[u8], now: Millis) -> Result<(), Refused> {
        let keypair = Arc::clone(self.keypairs.get(&receiver).ok_or(Refused::Index)?);
        let mut buffer = datagram.to_vec();
        let opened = keypair.open_in_place(now, &mut buffer)?;
        if opened.confirms {
            let mut out = Vec::new();
            self.association.handle_confirmed(receiver, at(now), &mut out);
            self.perform(out, now);
        }
        if opened.wake {
            assert!(self.association.deadline().is_some());
        }
        if !opened.payload.is_empty() {
            self.heard.push(buffer[opened.payload].to_vec());
        }
        Ok(())
    }

    /// Sends a payload on the current keypair.
    pub(super) fn send(&mut self, payload: &[u8], now: Millis) -> Result<Sealed, Refused> {
        let keypair = self.association.current(now).cloned().ok_or(Refused::Expired)?;
        let mut buffer = vec![0; keypair.sealed_length(payload.len())];
        buffer[HEADER..HEADER + payload.len()].copy_from_slice(payload);
        let sealed = keypair.seal_in_place(now, 0, false, &mut buffer, payload.len())?;
        buffer.truncate(sealed.length);
        self.wire.push(buffer);
        Ok(sealed)
    }

    /// Runs the timers that are due. A keepalive that they send may find that a rekey is; nothing asks a third time.
    pub(super) fn tick(&mut self, now: Millis) {
        for _ in 0..2 {
            let mut out = Vec::new();
            self.association.handle_timeout(at(now), &mut self.chance, &mut out);
            self.perform(out, now);
            if self.association.deadline().is_none_or(|deadline| deadline > now) {
                return;
            }
        }
        panic!("a timer spins");
    }

    pub(super) fn drop_sessions(&mut self, now: Millis) {
        let mut out = Vec::new();
        self.association.drop_sessions(&mut out);
        self.perform(out, now);
    }

    pub(super) fn perform(&mut self, outputs: Vec<Output>, now: Millis) {
        for output in outputs {
            match output {
                Output::Initiation(message) => self.wire.push(message.to_vec()),
                Output::Response(message) => self.wire.push(message.to_vec()),
                Output::Install(keypair) => {
                    assert!(self.chance.indices.contains(&keypair.local_index()));
                    self.keypairs.insert(keypair.local_index(), keypair);
                }
                Output::Release(index) => {
                    assert!(self.chance.indices.remove(&index), "an index is released once");
                    self.keypairs.remove(&index);
                }
                Output::Current(keypair) => self.current = keypair,
                Output::Established { suite, initiator, rekey } => {
                    self.events.push(Event::Established { suite, initiator, rekey });
                }
                Output::Keepalive => {
                    self.send(&[], now).expect("a keepalive goes out on a session that stands");
                }
                Output::Ended(reason) => self.events.push(Event::Ended(reason)),
            }
        }
    }

    pub(super) fn suite(&self) -> Option<Suite> {
        self.current.as_ref().map(|keypair| keypair.suite())
    }
}

/// Sender and datagram → whether it is lost.
type Loss = dyn FnMut(usize, &[u8]) -> bool;

/// Two ends and what is under way between them.
pub(super) struct Line {
    pub(super) ends: [End; 2],
    pub(super) now: Millis,
    pub(super) delay: Millis,
    /// Whether a datagram of this end is lost.
    pub(super) loses: Box<Loss>,
    /// Arrival and order → receiver and bytes.
    under_way: BTreeMap<(Millis, u64), (usize, Vec<u8>)>,
    order: u64,
    pub(super) refused: Vec<(usize, Refused)>,
    /// (time, sender, first byte) of every datagram.
    pub(super) log: Vec<(Millis, usize, u8)>,
}

impl Line {
    pub(super) fn new(a: End, b: End) -> Line {
        Line {
            ends: [a, b],
            now: 1_000,
            delay: 10,
            loses: Box::new(|_, _| false),
            under_way: BTreeMap::new(),
            order: 0,
            refused: Vec::new(),
            log: Vec::new(),
        }
    }

    /// Two nodes of one network with one epoch.
    pub(super) fn nodes(a: Suites, b: Suites) -> Line {
        let epochs = [Epoch { id: 7, key: [0xe7; 32] }];
        let (a, b) = (local(1, RealmKind::Network, a), local(2, RealmKind::Network, b));
        a.set_epochs(&epochs);
        b.set_epochs(&epochs);
        Line::between(a, b)
    }

    /// Two nodes with these realms.
    pub(super) fn between(a: Arc<Local>, b: Arc<Local>) -> Line {
        let (a_key, b_key) = (*a.public_key(), *b.public_key());
        Line::new(End::new(a, peer(b_key, PeerKind::Node), 11), End::new(b, peer(a_key, PeerKind::Node), 12))
    }

    /// Two WireGuard peers.
    pub(super) fn stock(psk: [Option<Key>; 2]) -> Line {
        let locals = [1, 2].map(|seed| local(seed, RealmKind::Network, all()));
        let [a_key, b_key] = [0, 1].map(|end: usize| *locals[end].public_key());
        let [a, b] = locals;
        let options = |key, psk| PeerOptions { preshared_key: psk, ..peer(key, PeerKind::Stock) };
        Line::new(End::new(a, options(b_key, psk[0]), 11), End::new(b, options(a_key, psk[1]), 12))
    }

    /// Lets time pass until `until`, event by event.
    pub(super) fn run(&mut self, until: Millis) {
        loop {
            self.collect();
            let arrival = self.under_way.keys().next().map(|(time, _)| *time);
            let deadlines = self.ends.iter().filter_map(|end| end.association.deadline());
            let Some(next) = deadlines.chain(arrival).min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            if let Some(entry) = self.under_way.first_entry()
                && entry.key().0 <= self.now
            {
                let (to, datagram) = entry.remove();
                if let Err(refused) = self.ends[to].receive(&datagram, self.now) {
                    self.refused.push((to, refused));
                }
                continue;
            }
            for end in &mut self.ends {
                if end.association.deadline().is_some_and(|deadline| deadline <= self.now) {
                    end.tick(self.now);
                }
            }
        }
        self.now = until;
    }

    /// Lets this much time pass.
    pub(super) fn pass(&mut self, time: Millis) {
        self.run(self.now + time);
    }

    /// A payload each way arrives.
    pub(super) fn assert_carries(&mut self) {
        for from in [0, 1] {
            let payload = [0x40 + from as u8; 100];
            self.ends[1 - from].heard.clear();
            self.ends[from].send(&payload, self.now).expect("a session stands");
            self.pass(2 * self.delay + 1);
            let heard: Vec<&[u8]> = self.ends[1 - from].heard.iter().map(|heard| &heard[..100]).collect();
            assert_eq!(heard, [&payload]);
        }
    }

    fn collect(&mut self) {
        for from in [0, 1] {
            for datagram in std::mem::take(&mut self.ends[from].wire) {
                self.log.push((self.now, from, datagram[0]));
                if !(self.loses)(from, &datagram) {
                    self.order += 1;
                    self.under_way.insert((self.now + self.delay, self.order), (1 - from, datagram));
                }
            }
        }
    }

    /// When an end sent datagrams of this type.
    pub(super) fn times(&self, from: usize, kind: u8) -> Vec<Millis> {
        self.log
            .iter()
            .filter(|(_, end, first)| (*end, *first) == (from, kind))
            .map(|(time, ..)| *time)
            .collect()
    }
}

/// Ends without leaks: every index that was reserved came back.
impl Drop for Line {
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        for end in &mut self.ends {
            end.drop_sessions(self.now);
            assert!(end.chance.indices.is_empty(), "indices leak");
            assert!(end.keypairs.is_empty() && end.current.is_none());
            assert_eq!(end.association.deadline(), None);
        }
    }
}

pub(super) fn local(seed: u8, kind: RealmKind, suites: Suites) -> Arc<Local> {
    local_of(seed, kind, suites, NETWORK)
}

pub(super) fn local_of(seed: u8, kind: RealmKind, suites: Suites, prologue: Key) -> Arc<Local> {
    Local::new(LocalOptions { private_key: [seed; 32], prologue, kind, suites, stamp_floor_millis: 0 })
}

pub(super) fn peer(public_key: Key, kind: PeerKind) -> PeerOptions {
    PeerOptions { public_key, kind, prologue: None, preshared_key: None, keepalive_seconds: 0 }
}

pub(super) fn all() -> Suites {
    Suites::of(&[Suite::Aes, Suite::ChaCha]).expect("two suites")
}

pub(super) fn only(suite: Suite) -> Suites {
    Suites::of(&[suite]).expect("one suite")
}

/// A line on which a session stands.
pub(super) fn joined(mut line: Line) -> Line {
    assert!(line.ends[0].start(line.now));
    line.pass(100);
    assert!(line.ends.iter().all(|end| end.current.is_some()), "a session stands");
    line
}

pub(super) fn joined_nodes(suite: Suite) -> Line {
    joined(Line::nodes(only(suite), only(suite)))
}
