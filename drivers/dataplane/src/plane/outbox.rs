//! Seals packets for their peers and sends them in as few calls as order allows.

use super::core::fill_random;
use super::port::Port;
use super::spread::Way;
use crate::endpoint::{Carrier, Endpoint};
use crate::mask::{Mask, PADDING, PRELUDE, SMALL};
use crate::os::{Departure, LARGEST, SEGMENTS};
use crate::packet::flow::Flow;
use crate::packet::segment::Cut;
use crate::session::{HEADER, Keypair, Millis, Refused, Suite, TAG, part};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sealed bytes after which a batch leaves, so that the far end can begin.
const FLUSH: usize = 32 << 10;
/// Room for what is flushed late: one super-packet more.
const ROOM: usize = FLUSH + 2 * LARGEST;

/// Packets sealed together: few enough to stay in the nearest cache between writing and sealing.
const BLOCK: usize = 16;

/// Names the next packet that goes in two parts, to whomever.
static NEXT_PART: AtomicU32 = AtomicU32::new(0);

/// How packets of one path leave now: the session, where to, and in what size.
pub struct Outgoing {
    pub keypair: Arc<Keypair>,
    pub route: Route,
    /// What is counted of the path; `None` for one that is not probed.
    pub way: Option<Arc<Way>>,
    /// Largest inner packet that passes whole.
    pub mtu: u16,
    /// Lane of the counters of what the TUN's thread seals.
    pub lane: u8,
    /// The path's own random number, by which flows are spread.
    pub salt: u64,
}

impl Outgoing {
    /// For one payload of whatever size over a path of which nothing is counted.
    pub fn plain(keypair: Arc<Keypair>, route: Route) -> Outgoing {
        Outgoing { keypair, route, way: None, mtu: u16::MAX, lane: 0, salt: 0 }
    }
}

/// A way out: a socket of ours and an endpoint.
#[derive(Clone)]
pub struct Route {
    pub port: Arc<Port>,
    pub endpoint: Endpoint,
    /// What covers it; without one, what goes to a relay is covered as its own datagrams are.
    pub mask: Option<Arc<Mask>>,
}

impl Route {
    /// Without a mask of its own.
    pub fn bare(port: Arc<Port>, endpoint: Endpoint) -> Route {
        Route { port, endpoint, mask: None }
    }

    /// The mask of a relay on the way, which tells it by its own datagrams.
    pub fn relay_mask(&self) -> Option<Arc<Mask>> {
        let asked = self.mask.is_none() && self.endpoint.channel.is_some() && self.endpoint.is_bare();
        asked.then(|| self.port.hops.answer(self.endpoint.address)).flatten()
    }
}

/// One thread's sealed datagrams that have not left yet.
pub struct Outbox {
    slab: Vec<u8>,
    used: usize,
    departures: Vec<Departure>,
    /// Of the last departure: whose it is, datagrams in it; `None` when nothing may be added.
    open: Option<(Arc<Outgoing>, usize)>,
    /// Of what is appended now; links alone ask for it.
    flow: Flow,
    port: Option<Arc<Port>>,
    /// `None`: each path's own.
    lane: Option<u8>,
    /// Whether sending may wait for room in the socket's queue.
    wait: bool,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pushed {
    /// The peer's association wants to look at its timers.
    pub wake: bool,
    /// Batches that the system refused on the way.
    pub refused: usize,
}

impl Pushed {
    pub fn add(&mut self, more: Pushed) {
        self.wake |= more.wake;
        self.refused += more.refused;
    }
}

impl Outbox {
    /// `lane`: of this thread's counters, `None` for the one of each path.
    pub fn new(lane: Option<u8>, wait: bool) -> Outbox {
        Outbox {
            slab: vec![0; ROOM],
            used: 0,
            departures: Vec::new(),
            open: None,
            flow: Flow::default(),
            port: None,
            lane,
            wait,
        }
    }

    /// Seals every packet of one TUN read and appends them; sends what is full.
    pub fn push(
        &mut self,
        outgoing: &Arc<Outgoing>,
        cut: &Cut,
        packet: &[u8],
        now: Millis,
    ) -> Result<Pushed, Refused> {
        let stock = outgoing.keypair.suite() == Suite::WireGuard;
        let partial = cut.partial && !stock;
        let largest = if stock || outgoing.route.endpoint.channel.is_some() { 1 } else { BLOCK };
        let on_link = matches!(outgoing.route.endpoint.carrier, Carrier::Link(_));
        self.flow = if on_link { Flow::of(&cut.header, packet) } else { Flow::default() };
        let mut pushed = Pushed::default();
        let mut index = 0;
        while index < cut.count {
            let block = index..(index + largest).min(cut.count);
            index = block.end;
            let write = |at: usize, out: &mut [u8]| {
                cut.write(packet, block.start + at, out);
                if !partial {
                    cut.finish(out);
                }
            };
            let length = cut.length(block.start);
            let last = cut.length(block.end - 1);
            let added = self.append(outgoing, block.len(), (length, last), (partial, false), now, write)?;
            pushed.add(added);
        }
        if self.used >= FLUSH {
            pushed.refused += self.flush();
        }
        Ok(pushed)
    }

    /// Seals one inner payload (control, probe, keepalive, finished packet) and appends it: in two parts where it is larger
    /// than its path.
    pub fn push_inner(
        &mut self,
        outgoing: &Arc<Outgoing>,
        payload: &[u8],
        now: Millis,
    ) -> Result<Pushed, Refused> {
        self.flow = Flow::default();
        if payload.len() <= usize::from(outgoing.mtu) {
            let lengths = (payload.len(), payload.len());
            let write = |_, out: &mut [u8]| out.copy_from_slice(payload);
            return self.append(outgoing, 1, lengths, (false, true), now, write);
        }
        let id = NEXT_PART.fetch_add(1, Ordering::Relaxed);
        let (first, second) = payload.split_at(payload.len().div_ceil(2));
        let mut pushed = Pushed::default();
        for (is_second, bytes) in [(false, first), (true, second)] {
            let length = part::HEADER + bytes.len();
            let write = |_, out: &mut [u8]| part::write(out, id, is_second, bytes);
            pushed.add(self.append(outgoing, 1, (length, length), (false, true), now, write)?);
        }
        Ok(pushed)
    }

    /// Sends everything. Returns how many batches the system refused.
    pub fn flush(&mut self) -> usize {
        self.open = None;
        self.used = 0;
        let Some(port) = self.port.take() else { return 0 };
        let refused = port.send(&self.slab, &self.departures, self.wait);
        self.departures.clear();
        refused
    }

    /// Seals `count` payloads of equal length, but for the last, at the end of the slab. `alone`: no part of a stream, so that
    /// its size may be hidden.
    fn append(
        &mut self,
        outgoing: &Arc<Outgoing>,
        count: usize,
        (length, last): (usize, usize),
        (partial, alone): (bool, bool),
        now: Millis,
        write: impl Fn(usize, &mut [u8]),
    ) -> Result<Pushed, Refused> {
        let Outgoing { keypair, route, lane, way, .. } = &**outgoing;
        let lane = self.lane.unwrap_or(*lane);
        let overhead = route.endpoint.overhead();
        let stride = overhead + keypair.sealed_length(length);
        let total = (count - 1) * stride + overhead + keypair.sealed_length(last);
        let relay = route.relay_mask();
        let mask = route.mask.as_ref().or(relay.as_ref());
        let wrap = mask.filter(|_| alone && total <= overhead + SMALL);
        let refused = self.make_room(route, total + wrap.map_or(0, |_| PRELUDE + PADDING));
        let start = self.used;
        let buffer = &mut self.slab[start..start + total];
        let sealed = if count == 1 {
            if overhead > 0 {
                buffer[..overhead].copy_from_slice(&route.endpoint.prefix());
            }
            let sealed = &mut buffer[overhead..];
            write(0, &mut sealed[HEADER..HEADER + length]);
            keypair.seal_in_place(now, lane, partial, sealed, length)?
        } else {
            for (at, message) in buffer.chunks_mut(stride).enumerate() {
                let end = message.len() - TAG;
                write(at, &mut message[HEADER..end]);
            }
            keypair.seal_segments(now, lane, partial, buffer, stride)?
        };
        let wrapped = wrap.map(|mask| {
            let room = &mut self.slab[start..start + total + PRELUDE + PADDING];
            mask.wrap(room, total, 0..=PADDING, &mut fill_random)
        });
        if let (Some(mask), None) = (mask, wrapped) {
            mask.cover(&mut self.slab[start..start + total], stride);
        }
        self.used += wrapped.unwrap_or(total);
        if let Some(way) = way {
            way.sent.fetch_add(count as u64, Ordering::Relaxed);
            way.sent_bytes.fetch_add(total as u64, Ordering::Relaxed);
        }
        let stride = wrapped.unwrap_or(stride);
        for at in 0..count {
            let start = start + at * stride;
            self.book(outgoing, start, (start + stride).min(self.used));
        }
        Ok(Pushed { wake: sealed.wake, refused })
    }

    fn make_room(&mut self, route: &Route, needed: usize) -> usize {
        let other_port = self.port.as_ref().is_some_and(|port| !Arc::ptr_eq(port, &route.port));
        let refused = if other_port || self.used + needed > ROOM { self.flush() } else { 0 };
        if self.port.is_none() {
            self.port = Some(route.port.clone());
        }
        refused
    }

    /// Adds the datagram at `start..end` to the last departure, or begins one.
    fn book(&mut self, outgoing: &Arc<Outgoing>, start: usize, end: usize) {
        let length = end - start;
        if let (Some((open, count)), Some(last)) = (&mut self.open, self.departures.last_mut())
            && Arc::ptr_eq(open, outgoing)
            && length <= last.stride
            && self.flow == last.flow
            && *count < SEGMENTS
            && end - last.range.start <= LARGEST
        {
            last.range.end = end;
            *count += 1;
            if length < last.stride {
                self.open = None;
            }
            return;
        }
        self.departures.push(Departure {
            range: start..end,
            stride: length,
            target: outgoing.route.endpoint.address,
            flow: self.flow,
        });
        self.open = Some((outgoing.clone(), 1));
    }
}
