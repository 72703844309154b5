//! What the thread of the `kcp` links works with: the moment, what it sends, what it delivers.

use super::core::Core;
use super::gather::gather;
use super::port::Port;
use super::receive::Receiver;
use crate::dtls::{Content, HEADER, Keys, Stack};
use crate::lossy::Micros;
use crate::os::{Arrivals, Departure, LARGEST, SEGMENTS, boot_nanos};
use crate::packet::flow::Flow;
use crate::refusals::Cause;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes that leave in one go.
const FULL: usize = 256 << 10;

/// One for the thread.
pub struct Desk<'a> {
    pub core: &'a Core,
    pub stack: Arc<Stack>,
    /// The moment, on both clocks.
    pub now: Micros,
    pub instant: Instant,
    /// For one record before it is sealed.
    pub record: Vec<u8>,
    slab: Vec<u8>,
    departures: Vec<Departure>,
    arrivals: Arrivals,
    receiver: Receiver<'a>,
}

impl<'a> Desk<'a> {
    pub fn new(core: &'a Core, stack: Arc<Stack>) -> Desk<'a> {
        let mut desk = Desk {
            core,
            stack,
            now: 0,
            instant: Instant::now(),
            record: Vec::new(),
            slab: Vec::new(),
            departures: Vec::new(),
            arrivals: Arrivals::new(),
            receiver: Receiver::new(core),
        };
        desk.look_at_the_clock();
        desk
    }

    pub fn look_at_the_clock(&mut self) {
        self.now = boot_nanos() / 1_000;
        self.instant = Instant::now();
    }

    /// When that is, on the clock of `now`.
    pub fn micros_of(&self, instant: Instant) -> Micros {
        let left = instant.saturating_duration_since(self.instant).min(FAR);
        self.now + left.as_micros() as Micros
    }

    /// A datagram as it is.
    pub fn add(&mut self, target: SocketAddr, datagram: &[u8]) {
        let start = self.slab.len();
        self.slab.extend_from_slice(datagram);
        self.book(target, start);
    }

    /// A record around what is given; false when the keys are used up.
    pub fn seal(&mut self, target: SocketAddr, keys: &mut Keys, content: Content, payload: &[u8]) -> bool {
        let start = self.slab.len();
        self.slab.resize(start + HEADER, 0);
        self.slab.extend_from_slice(payload);
        let sealed = keys.seal(content, &mut self.slab, start);
        if sealed {
            self.book(target, start);
        } else {
            self.slab.truncate(start);
        }
        sealed
    }

    /// Whether enough waits to be sent.
    pub fn is_full(&self) -> bool {
        self.slab.len() >= FULL
    }

    /// Sends what waits.
    pub fn send(&mut self, main: &Port) {
        let refused = main.send_beneath(&self.slab, &self.departures, false);
        self.core.refusals.add(Cause::Send, refused as u64);
        self.slab.clear();
        self.departures.clear();
    }

    /// Opens what a record holds with `open`, which is given where its datagrams go.
    pub fn delivering<R>(
        &mut self,
        port: &Arc<Port>,
        source: SocketAddr,
        open: impl FnOnce(&mut dyn FnMut(&[u8])) -> R,
    ) -> R {
        let Desk { receiver, arrivals, .. } = self;
        open(&mut |datagram| deliver((receiver, arrivals), port, source, datagram))
    }

    /// Passes on what was delivered.
    pub fn hand_over(&mut self, port: &Arc<Port>) {
        self.receiver.take(port, &mut self.arrivals);
        self.arrivals.list.clear();
    }

    fn book(&mut self, target: SocketAddr, start: usize) {
        let end = self.slab.len();
        if let Some(last) = self.departures.last_mut()
            && last.target == target
            && end - start <= last.stride
            && last.range.len().is_multiple_of(last.stride)
            && last.range.len() < SEGMENTS * last.stride
            && end - last.range.start <= LARGEST
        {
            last.range.end = end;
            return;
        }
        let stride = end - start;
        self.departures.push(Departure { range: start..end, stride, target, flow: Flow::default() });
    }
}

fn deliver(
    (receiver, arrivals): (&mut Receiver<'_>, &mut Arrivals),
    port: &Arc<Port>,
    source: SocketAddr,
    datagram: &[u8],
) {
    if !gather(arrivals, datagram, source) {
        receiver.take(port, arrivals);
        arrivals.list.clear();
        // Longer than all the room there is: nothing that was sent.
        let _ = gather(arrivals, datagram, source);
    }
}

const FAR: Duration = Duration::from_secs(3_600);
