//! The thread of one UDP socket: names each datagram, opens data, passes relayed frames on, answers STUN.

use super::core::{Core, millis, unix_nanos};
use super::deliver::Delivery;
use super::handshakes;
use super::masks::wrapped;
use super::outbox::Route;
use super::port::Port;
use super::quic::Inbox;
use super::relay::{Lookup, SHORTEST};
use super::stun::ANSWER_PADDING;
use super::uncover;
use crate::endpoint::{Carrier, RELAY_HEADER};
use crate::os::{Arrivals, Udp, boot_nanos, prefer_latency};
use crate::refusals::Cause;
use crate::session::{self, Keypair, Message, Millis, Opened, Refused};
use crate::stun::{self, Stun};
use std::io;
use std::num::NonZeroU32;
use std::ops::Range;
use std::sync::Arc;

type Opens = Vec<Result<Opened, Refused>>;

/// Reads until the socket is shut. Ends with an error when it fails.
pub fn run(core: &Core, port: &Arc<Port>, udp: &Udp) -> io::Result<()> {
    prefer_latency();
    let mut arrivals = Arrivals::new();
    let mut receiver = Receiver::new(core);
    while !port.is_closed() {
        udp.receive(&mut arrivals)?;
        receiver.take(port, &mut arrivals);
    }
    Ok(())
}

/// One datagram that did not come by a socket of ours.
pub fn receive_one(core: &Core, from: &Route, datagram: &[u8]) {
    let mut slab = datagram.to_vec();
    let mut receiver = Receiver::new(core);
    let arrival = Batch { route: from.clone(), nanos: boot_nanos(), now: millis() };
    let length = slab.len();
    if length > 0 {
        receiver.take_sealed(&mut slab, 0..length, length, &arrival);
        receiver.delivery.flush(core, &mut slab);
    }
}

/// What one thread keeps between the batches it takes.
pub struct Receiver<'a> {
    pub core: &'a Core,
    opens: Opens,
    delivery: Delivery,
    quic: Inbox,
}

/// Where and when a batch came.
pub struct Batch {
    pub route: Route,
    /// Monotonic nanoseconds at which the kernel took it.
    pub nanos: u64,
    pub now: Millis,
}

impl<'a> Receiver<'a> {
    pub fn new(core: &'a Core) -> Receiver<'a> {
        Receiver { core, opens: Opens::new(), delivery: Delivery::default(), quic: Inbox::default() }
    }

    /// Takes what one socket of the port received.
    pub fn take(&mut self, port: &Arc<Port>, arrivals: &mut Arrivals) {
        if arrivals.list.is_empty() {
            return;
        }
        let (nanos, unix) = (boot_nanos(), unix_nanos());
        for at in 0..arrivals.list.len() {
            let arrival = arrivals.list[at].clone();
            // What the datagram waited in the socket is no part of a round trip.
            let waited = if arrival.stamp_nanos == 0 { 0 } else { unix.saturating_sub(arrival.stamp_nanos) };
            let waited = if waited > 1_000_000_000 { 0 } else { waited };
            let route = Route::bare(port.clone(), port.endpoint(arrival.source));
            let batch = Batch { route, nanos: nanos - waited, now: nanos / 1_000_000 };
            let (slab, cut) = (&mut arrivals.slab, (arrival.range, arrival.stride));
            if port.is_plain() {
                uncover::take(self, slab, cut, batch);
            } else {
                self.take_beneath(slab, cut, &batch);
            }
        }
        self.delivery.flush(self.core, &mut arrivals.slab);
        self.finish_quic();
    }

    /// Datagrams of one source, none of them masked any more; runs of one protocol are taken together.
    pub fn take_batch(&mut self, slab: &mut [u8], range: Range<usize>, stride: usize, mut batch: Batch) {
        let mut start = range.start;
        while start < range.end {
            let label = relay_label(&slab[start..(start + stride).min(range.end)]);
            let mut end = (start + stride).min(range.end);
            while end < range.end && relay_label(&slab[end..(end + stride).min(range.end)]) == label {
                end = (end + stride).min(range.end);
            }
            match label {
                None => self.take_direct(slab, start..end, stride, &batch),
                Some(label) => self.take_relayed(slab, start..end, stride, label, &mut batch),
            }
            start = end;
        }
    }

    /// Where nothing but links is taken: what cannot be theirs is not looked at.
    fn take_beneath(&mut self, slab: &mut [u8], (range, stride): (Range<usize>, usize), batch: &Batch) {
        let may_be = |byte: u8| matches!(byte, 20..=63) || byte & 0x40 != 0;
        let mut start = range.start;
        while start < range.end {
            let theirs = may_be(slab[start]);
            let mut end = (start + stride).min(range.end);
            while end < range.end && may_be(slab[end]) == theirs {
                end = (end + stride).min(range.end);
            }
            if theirs {
                self.take_direct(slab, start..end, stride, batch);
            } else {
                self.core.refusals.add(Cause::Carrier, (start..end).len().div_ceil(stride) as u64);
            }
            start = end;
        }
    }

    /// Frames under one label: of a channel of ours they go on, otherwise they are for this node.
    fn take_relayed(
        &mut self,
        slab: &mut [u8],
        range: Range<usize>,
        stride: usize,
        label: u32,
        batch: &mut Batch,
    ) {
        let shortest = (range.len() - 1) % stride + 1;
        if stride.min(shortest) < SHORTEST {
            self.core.refusals.count(Cause::Relay);
            return;
        }
        match self.core.relays.find(label, &batch.route.endpoint, batch.now) {
            Lookup::Forward(onward) => {
                let arrived = range.len().div_ceil(stride);
                let datagrams = self.core.relays.admit(&onward, arrived, stride);
                self.core.refusals.add(Cause::RelayQuota, (arrived - datagrams) as u64);
                if datagrams == 0 {
                    return;
                }
                let range = range.start..(range.start + datagrams * stride).min(range.end);
                let departure = onward.relabel(slab, range.clone(), stride);
                if onward.send(slab, departure) {
                    self.core.relays.count(datagrams, range.len());
                } else {
                    self.core.refusals.add(Cause::RelayTarget, datagrams as u64);
                }
            }
            Lookup::Nowhere => self.core.refusals.count(Cause::RelayTarget),
            Lookup::Foreign => {
                let direct = batch.route.endpoint;
                batch.route.endpoint.channel = NonZeroU32::new(label);
                for start in range.clone().step_by(stride) {
                    let end = (start + stride).min(range.end);
                    self.take_sealed(slab, start + RELAY_HEADER..end, stride, batch);
                }
                batch.route.endpoint = direct;
            }
        }
    }

    /// Anything but relay frames, from the sender itself.
    fn take_direct(&mut self, slab: &mut [u8], range: Range<usize>, stride: usize, batch: &Batch) {
        let mut start = range.start;
        while start < range.end {
            let mut end = (start + stride).min(range.end);
            match slab[start] {
                0..=3 => match stun::parse(&slab[start..end]) {
                    Some(stun) => self.take_stun(stun, end - start, batch),
                    None => self.take_sealed(slab, start..end, stride, batch),
                },
                4 => {
                    while end < range.end && slab[end] == 4 {
                        end = (end + stride).min(range.end);
                    }
                    self.take_sealed(slab, start..end, stride, batch);
                }
                20..=63 => {
                    while end < range.end && matches!(slab[end], 20..=63) {
                        end = (end + stride).min(range.end);
                    }
                    let (port, source) = (&batch.route.port, batch.route.endpoint.address);
                    self.core.kcp.take(self.core, port, source, &slab[start..end], stride);
                }
                byte if byte & 0x40 != 0 => {
                    while end < range.end && slab[end] & 0x40 != 0 {
                        end = (end + stride).min(range.end);
                    }
                    self.take_quic(&slab[start..end], stride, batch);
                }
                _ => self.core.refusals.count(Cause::Unknown),
            }
            start = end;
        }
    }

    /// Datagrams of QUIC connections; what they carried is taken at the end of the batch.
    fn take_quic(&mut self, bytes: &[u8], stride: usize, batch: &Batch) {
        let port = &batch.route.port;
        match port.quic().filter(|_| port.carrier == Carrier::Main) {
            Some(hub) => {
                let source = batch.route.endpoint.address;
                self.quic.take(self.core, &hub, (bytes, stride), source, batch.nanos);
            }
            None => self.core.refusals.add(Cause::Quic, bytes.len().div_ceil(stride) as u64),
        }
    }

    fn finish_quic(&mut self) {
        if let Some((port, mut arrivals)) = self.quic.open() {
            self.take(&port, &mut arrivals);
            self.quic.clear(arrivals);
        }
        self.quic.answer();
    }

    fn take_stun(&mut self, stun: Stun, length: usize, batch: &Batch) {
        let source = batch.route.endpoint.address;
        match stun {
            Stun::Request(transaction) => {
                let answer = stun::response(&transaction, source);
                if answer.len() <= length || self.core.short_stun.take(batch.now) {
                    match &batch.route.mask {
                        Some(mask) => {
                            let covered = wrapped(mask, &answer, 0..=ANSWER_PADDING);
                            batch.route.port.send_one(&covered, source)
                        }
                        None => batch.route.port.send_one(&answer, source),
                    };
                } else {
                    self.core.refusals.count(Cause::StunRate);
                }
            }
            Stun::Response(transaction, mapped)
                if self.core.stun.handle(self.core, &transaction, batch.route.endpoint, mapped) => {}
            Stun::Response(..) | Stun::Other => self.core.refusals.count(Cause::Stun),
        }
    }

    /// Handshake and data messages. Data of one keypair are opened together.
    fn take_sealed(&mut self, slab: &mut [u8], range: Range<usize>, stride: usize, batch: &Batch) {
        let mut start = range.start;
        while start < range.end {
            let end = (start + stride).min(range.end);
            match session::classify(&slab[start..end]) {
                Some(Message::Data { receiver, .. }) => {
                    let end = same_receiver(slab, start, range.end, stride);
                    self.take_data(slab, start..end, stride, receiver, batch);
                    start = end;
                    continue;
                }
                Some(message) => {
                    handshakes::take(self.core, message, &slab[start..end], &batch.route, batch.now)
                }
                None if slab[start] > 5 => self.core.refusals.count(Cause::Unknown),
                None => self.core.refusals.count(Cause::Session(Refused::Malformed)),
            }
            start = end;
        }
    }

    fn take_data(
        &mut self,
        slab: &mut [u8],
        range: Range<usize>,
        stride: usize,
        receiver: u32,
        batch: &Batch,
    ) {
        let entry = self.core.index.find(receiver);
        let Some((peer, keypair)) = entry.and_then(|entry| Some((entry.peer, entry.keypair?))) else {
            let datagrams = range.len().div_ceil(stride) as u64;
            self.core.refusals.add(Cause::Session(Refused::Index), datagrams);
            return;
        };
        if !peer.only.allows(batch.route.endpoint.carrier) {
            self.core.refusals.add(Cause::Carrier, range.len().div_ceil(stride) as u64);
            return;
        }
        self.open(slab, range.clone(), stride, &keypair, batch.now);
        self.delivery.take(self.core, slab, range.start, &self.opens, (&peer, &keypair), batch);
    }

    fn open(&mut self, slab: &mut [u8], range: Range<usize>, stride: usize, keypair: &Keypair, now: Millis) {
        self.opens.clear();
        let opens = &mut self.opens;
        keypair.open_segments(now, &mut slab[range], stride, |opened| opens.push(opened));
    }
}

/// The label of a relay frame; `None` for anything else.
pub fn relay_label(datagram: &[u8]) -> Option<u32> {
    match datagram {
        [5, 0, 0, 0, a, b, c, d, ..] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
        _ => None,
    }
}

/// Where the run of data messages to the receiver of the one at `start` ends.
fn same_receiver(slab: &[u8], start: usize, limit: usize, stride: usize) -> usize {
    let head = |at: usize| slab.get(at..at + 8).map(|head| (head[0], &head[4..]));
    let first = head(start);
    let mut end = start;
    while end < limit && (end == start || limit - end >= session::HEADER && head(end) == first) {
        end = (end + stride).min(limit);
    }
    end
}
