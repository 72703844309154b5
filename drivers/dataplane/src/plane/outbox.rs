//! Seals packets for their peers and sends them in as few calls as order allows.

use super::port::Port;
use crate::endpoint::Endpoint;
use crate::os::{Departure, LARGEST, SEGMENTS};
use crate::packet::segment::Cut;
use crate::session::{HEADER, Keypair, Millis, Refused, Suite, TAG};
use std::sync::Arc;

/// Sealed bytes after which a batch leaves, so that the far end can begin.
const FLUSH: usize = 32 << 10;
/// Room for what is flushed late: one super-packet more.
const ROOM: usize = FLUSH + 2 * LARGEST;

/// Packets sealed together: few enough to stay in the nearest cache between writing and sealing.
const BLOCK: usize = 16;

/// How packets for one peer leave now: the session, and where to.
pub struct Outgoing {
    pub keypair: Arc<Keypair>,
    pub route: Route,
}

/// A way out: a socket of ours and an endpoint.
#[derive(Clone)]
pub struct Route {
    pub port: Arc<Port>,
    pub endpoint: Endpoint,
}

/// One thread's sealed datagrams that have not left yet.
pub struct Outbox {
    slab: Vec<u8>,
    used: usize,
    departures: Vec<Departure>,
    /// Of the last departure: whose it is, datagrams in it; `None` when nothing may be added.
    open: Option<(Arc<Outgoing>, usize)>,
    port: Option<Arc<Port>>,
    lane: u8,
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

impl Outbox {
    /// `lane`: of this thread's counters.
    pub fn new(lane: u8, wait: bool) -> Outbox {
        Outbox { slab: vec![0; ROOM], used: 0, departures: Vec::new(), open: None, port: None, lane, wait }
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
            let added = self.append(outgoing, block.len(), (length, last), partial, now, write)?;
            pushed.wake |= added.wake;
            pushed.refused += added.refused;
        }
        if self.used >= FLUSH {
            pushed.refused += self.flush();
        }
        Ok(pushed)
    }

    /// Seals one inner payload (control, probe, keepalive) and appends it.
    pub fn push_inner(
        &mut self,
        outgoing: &Arc<Outgoing>,
        payload: &[u8],
        now: Millis,
    ) -> Result<Pushed, Refused> {
        let lengths = (payload.len(), payload.len());
        self.append(outgoing, 1, lengths, false, now, |_, out| out.copy_from_slice(payload))
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

    /// Seals `count` payloads of equal length, but for the last, at the end of the slab.
    fn append(
        &mut self,
        outgoing: &Arc<Outgoing>,
        count: usize,
        (length, last): (usize, usize),
        partial: bool,
        now: Millis,
        write: impl Fn(usize, &mut [u8]),
    ) -> Result<Pushed, Refused> {
        let Outgoing { keypair, route } = &**outgoing;
        let overhead = route.endpoint.overhead();
        let stride = overhead + keypair.sealed_length(length);
        let total = (count - 1) * stride + overhead + keypair.sealed_length(last);
        let refused = self.make_room(route, total);
        let start = self.used;
        let buffer = &mut self.slab[start..start + total];
        let sealed = if count == 1 {
            if overhead > 0 {
                buffer[..overhead].copy_from_slice(&route.endpoint.prefix());
            }
            let sealed = &mut buffer[overhead..];
            write(0, &mut sealed[HEADER..HEADER + length]);
            keypair.seal_in_place(now, self.lane, partial, sealed, length)?
        } else {
            for (at, message) in buffer.chunks_mut(stride).enumerate() {
                let end = message.len() - TAG;
                write(at, &mut message[HEADER..end]);
            }
            keypair.seal_segments(now, self.lane, partial, buffer, stride)?
        };
        self.used += total;
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
        });
        self.open = Some((outgoing.clone(), 1));
    }
}
