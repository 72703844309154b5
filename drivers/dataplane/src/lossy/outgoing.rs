//! The sending half: takes datagrams, numbers and paces records, repairs what gets lost.

use super::buffers::Buffers;
use super::entry::Entry;
use super::flight::{Flight, Load, Settled};
use super::loss::Loss;
use super::pacer::Pacer;
use super::profile::{Measures, Parts};
use super::rate::Rate;
use super::record::{self, Ack, HEADER, PREFIX};
use super::repair::{Repair, Writing};
use super::{Flow, FlowKind, Micros};

/// Bytes around a record on its way: DTLS, UDP and IP.
const AROUND: usize = 65;
/// Bytes on their way when no rate is looked for.
const FIXED_WINDOW: u64 = 1_024 * 1_500;
/// How long TCP packets wait for the ones before them, in half round trips, but at least a round trip and this.
const HOLD: Micros = 5;
const HOLD_LEAST: Micros = 12_000;
/// The round trip before it is known.
const RTT: Micros = 50_000;
/// Flows of which the last unit is remembered; two may share a place.
const FLOWS: usize = 1_024;

pub struct Outgoing {
    parts: Parts,
    room: usize,
    entry: Entry,
    flight: Flight,
    repair: Repair,
    loss: Loss,
    rate: Rate,
    pacer: Pacer,
    /// The last unit of each flow.
    last: Vec<u64>,
    settled: Vec<Settled>,
    buffers: Buffers,
    counts: Counts,
}

/// What was sent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records with new units.
    pub units: u64,
    /// Records with units that were sent before.
    pub repeats: u64,
    /// Records with parity, mixes among them.
    pub parities: u64,
    /// Bytes of all of them.
    pub bytes: u64,
    /// Datagrams dropped at the entry, because too much waited or for too long.
    pub dropped: u64,
}

impl Outgoing {
    pub fn new(parts: Parts, measures: Measures, seed: u64, now: Micros) -> Outgoing {
        Outgoing {
            parts,
            room: 0,
            entry: Entry::new(parts.fair, seed),
            flight: Flight::new(seed),
            repair: Repair::new(parts, measures, seed),
            loss: Loss::new(measures.residual, now),
            rate: Rate::new(now),
            pacer: Pacer::new(now),
            last: Vec::new(),
            settled: Vec::new(),
            buffers: Buffers::default(),
            counts: Counts::default(),
        }
    }

    /// How long records may be.
    pub fn set_record_size(&mut self, bytes: usize) {
        // Shards have even lengths.
        self.room = (bytes.saturating_sub(HEADER) & !1).saturating_sub(PREFIX);
    }

    /// The longest datagram.
    pub fn longest(&self) -> usize {
        self.room
    }

    pub fn counts(&self) -> Counts {
        Counts { dropped: self.entry.dropped(), ..self.counts }
    }

    /// The smoothed round trip, how much of it records wait in the line, and the share of records that are lost.
    pub fn line(&self) -> (Option<Micros>, Micros, f64) {
        (self.flight.rtt(), self.rate.queue(), self.loss.share())
    }

    /// Bytes a microsecond at which it sends.
    pub fn pace(&self) -> f64 {
        self.rate.pacing()
    }

    pub fn push(&mut self, datagram: &[u8], flow: Flow, now: Micros) -> bool {
        let fits = !datagram.is_empty() && datagram.len() <= self.room;
        fits && self.entry.push(datagram, flow, now, &mut self.buffers)
    }

    /// Takes an acknowledgement.
    pub fn acknowledge(&mut self, ack: &Ack, now: Micros) {
        let sample = self.flight.acknowledge(ack, now, &mut self.settled);
        self.settle(now);
        if let Some(sample) = sample {
            self.rate.update(&sample, now);
            let rtt = self.flight.rtt().unwrap_or(0);
            self.entry.set_line(self.rate.pacing(), rtt);
            self.repair.set_line(rtt, self.loss.share());
        }
    }

    /// Takes for lost what has had no answer, and closes a block whose time is over.
    pub fn handle_deadline(&mut self, now: Micros) {
        self.flight.expire(now, &mut self.settled);
        self.settle(now);
        self.close(now);
    }

    /// Writes the next record that may be sent now.
    pub fn transmit(&mut self, now: Micros, out: &mut Vec<u8>) -> bool {
        self.close(now);
        if !self.has_window() || (self.parts.rate && !self.pacer.allows(now)) {
            return false;
        }
        let writing = Writing { record: self.flight.next(), hold: self.hold() };
        let repaired = self.repair.write_next(writing, out, &mut self.buffers);
        if let Some(load) = repaired {
            match load {
                Load::Unit(_) => self.counts.repeats += 1,
                Load::Parity(_) | Load::Mix(_) => self.counts.parities += 1,
            }
            self.send(load, out.len(), now);
            return true;
        }
        let room = self.room;
        let taken = if self.repair.has_room() { self.entry.take(room, now, &mut self.buffers) } else { None };
        let Some(taken) = taken else {
            if self.entry.is_empty() {
                self.flight.note_limited();
                self.pacer.pause();
            }
            return false;
        };
        let mut shard = taken.shard;
        let previous = self.previous(taken.flow);
        record::finish_shard(&mut shard, previous, taken.bundle);
        let covered = self.parts.parity && self.loss.is_worth_parity(now);
        let covered = covered.then_some(taken.flow.kind);
        let number = self.repair.add(shard, covered, now, &mut self.buffers);
        self.repair.write_unit(number, writing, out);
        self.counts.units += 1;
        self.send(Load::Unit(number), out.len(), now);
        self.close(now);
        true
    }

    /// When it wants to be called next.
    pub fn deadline(&self) -> Option<Micros> {
        let something = self.repair.is_waiting() || (!self.entry.is_empty() && self.repair.has_room());
        let sends = something && self.has_window();
        let sends = sends.then(|| if self.parts.rate { self.pacer.deadline() } else { 0 });
        [sends, self.flight.deadline(), self.repair.deadline()].into_iter().flatten().min()
    }

    #[cfg(test)]
    pub fn held(&self) -> usize {
        self.repair.held() + self.flight.held() + self.buffers.held() + self.settled.capacity()
    }

    /// Nothing passes: gives memory back.
    pub fn rest(&mut self) {
        if self.entry.is_empty() && self.flight.bytes() == 0 {
            self.repair.rest(&mut self.buffers);
            self.buffers.rest();
        }
    }

    fn has_window(&self) -> bool {
        let window = if self.parts.rate { self.rate.window() } else { FIXED_WINDOW };
        !self.flight.is_full() && self.flight.bytes() < window
    }

    fn send(&mut self, load: Load, bytes: usize, now: Micros) {
        let size = bytes + AROUND;
        let calm = self.rate.is_calm(self.flight.is_limited());
        self.flight.send(load, size, calm, now);
        self.pacer.send(size, self.rate.pacing(), now);
        self.counts.bytes += bytes as u64;
    }

    fn close(&mut self, now: Micros) {
        self.repair.mix(now, &mut self.buffers);
        if !self.repair.is_due(self.loss.is_worth_parity(now), now) {
            return;
        }
        let worth = self.parts.parity && self.loss.is_worth_parity(now);
        let parities = if worth { self.loss.parities(self.repair.open_units()) } else { 0 };
        self.repair.close(parities, now, &mut self.buffers);
    }

    fn settle(&mut self, now: Micros) {
        let mut settled = std::mem::take(&mut self.settled);
        for Settled { load, arrived, late, calm } in settled.drain(..) {
            self.loss.note(arrived, late, now);
            if !late {
                self.rate.note(arrived, calm);
            }
            self.repair.settle(load, arrived, late, now, &mut self.buffers);
        }
        self.settled = settled;
    }

    fn hold(&self) -> Micros {
        let rtt = self.flight.rtt().unwrap_or(RTT);
        (HOLD * rtt / 2).max(rtt + self.repair.span() + HOLD_LEAST)
    }

    /// How many numbers before the next unit the last of this flow is, if it may have to wait for that one.
    fn previous(&mut self, flow: Flow) -> u16 {
        if flow.kind != FlowKind::Tcp || !self.parts.order {
            return 0;
        }
        if self.last.is_empty() {
            self.last = vec![0; FLOWS];
        }
        let next = self.repair.next();
        let place = &mut self.last[(flow.id.wrapping_mul(0x9e37_79b1) >> 22) as usize];
        let before = std::mem::replace(place, next);
        if !self.repair.is_missing(before) {
            return 0;
        }
        u16::try_from(next - before).unwrap_or(0)
    }
}
