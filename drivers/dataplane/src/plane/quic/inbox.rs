//! What one receiving thread keeps of QUIC between the batches it takes.

use super::channel::Channel;
use super::hub::Hub;
use super::schedule::Work;
use crate::os::boot_nanos;
use crate::os::{Arrival, Arrivals, LARGEST, SEGMENTS};
use crate::plane::core::{Core, unix_nanos};
use crate::plane::port::Port;
use quinn_proto::{ConnectionEvent, Incoming};
use std::net::SocketAddr;
use std::sync::Arc;

/// Empty but for its room after each round.
#[derive(Default)]
pub struct Inbox {
    /// What the datagrams of connections carried, and the port of links it came by.
    arrivals: Option<Arrivals>,
    port: Option<Arc<Port>>,
    filled: usize,
    /// Connections that may have something to answer.
    touched: Vec<Arc<Channel>>,
    pub(super) events: Vec<(Arc<Channel>, ConnectionEvent)>,
    pub(super) incoming: Vec<Incoming>,
    pub(super) answer: Vec<u8>,
}

impl Inbox {
    /// Takes QUIC datagrams of one sender, back to back. `nanos`: when the kernel had them, monotonic.
    pub fn take(
        &mut self,
        core: &Core,
        hub: &Arc<Hub>,
        (bytes, stride): (&[u8], usize),
        source: SocketAddr,
        nanos: u64,
    ) {
        hub.receive(core, bytes, stride, source, self);
        for incoming in self.incoming.drain(..) {
            hub.schedule.hand(Work::Incoming(hub.clone(), incoming));
        }
        let stamp = unix_nanos().saturating_sub(boot_nanos().saturating_sub(nanos));
        let mut events = std::mem::take(&mut self.events);
        let mut run = events.drain(..).peekable();
        while let Some((channel, event)) = run.next() {
            if !channel.stands() {
                hub.schedule.hand(Work::Handshake(channel, event));
                continue;
            }
            let same = std::iter::from_fn(|| {
                run.next_if(|(other, _)| Arc::ptr_eq(other, &channel)).map(|(_, event)| event)
            });
            self.handle(&channel, std::iter::once(event).chain(same), stamp);
        }
        drop(run);
        self.events = events;
    }

    /// Has a connection take what came for it.
    pub fn handle(
        &mut self,
        channel: &Arc<Channel>,
        events: impl Iterator<Item = ConnectionEvent>,
        stamp_nanos: u64,
    ) {
        let arrivals = self.arrivals.get_or_insert_with(Arrivals::new);
        let filled = &mut self.filled;
        let begin = arrivals.list.len();
        let source = channel.name();
        channel.receive(events, |datagram| {
            append(arrivals, begin, filled, datagram, (source, stamp_nanos));
        });
        self.port = Some(channel.port().clone());
        if !self.touched.iter().any(|known| Arc::ptr_eq(known, channel)) {
            self.touched.push(channel.clone());
        }
    }

    /// What the datagrams carried; give it back by `clear`.
    pub fn open(&mut self) -> Option<(Arc<Port>, Arrivals)> {
        Some((self.port.take()?, self.arrivals.take()?))
    }

    /// Has the connections answer.
    pub fn answer(&mut self) {
        for channel in self.touched.drain(..) {
            channel.advance();
        }
    }

    /// Empty again.
    pub fn clear(&mut self, mut arrivals: Arrivals) {
        arrivals.list.clear();
        self.filled = 0;
        self.arrivals = Some(arrivals);
    }
}

/// Puts a datagram behind the others, into the batch of the last one where it fits; nothing of another call's, before
/// `begin`, is added to. What has no room is dropped.
fn append(
    arrivals: &mut Arrivals,
    begin: usize,
    filled: &mut usize,
    datagram: &[u8],
    (source, stamp_nanos): (SocketAddr, u64),
) {
    let (start, end) = (*filled, *filled + datagram.len());
    if datagram.is_empty() || end > arrivals.slab.len() {
        return;
    }
    arrivals.slab[start..end].copy_from_slice(datagram);
    *filled = end;
    let fits = |last: &Arrival| {
        last.range.len().is_multiple_of(last.stride)
            && datagram.len() <= last.stride
            && last.range.len() < SEGMENTS * last.stride
            && end - last.range.start <= LARGEST
    };
    match arrivals.list[begin..].last_mut() {
        Some(last) if fits(last) => last.range.end = end,
        _ => {
            arrivals.list.push(Arrival { range: start..end, stride: datagram.len(), source, stamp_nanos });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// [W13]
        #[test]
        fn batches_hold_what_came_in_order(
            calls in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(1_432usize), 1usize..1_500], 0..80), 0..4),
        ) {
            let (mut arrivals, mut filled) = (Arrivals::new(), 0);
            let mut all = Vec::new();
            for (at, sizes) in calls.iter().enumerate() {
                let begin = arrivals.list.len();
                let source = SocketAddr::from(([10, 0, 0, at as u8], 1));
                for size in sizes {
                    let datagram = vec![all.len() as u8; *size];
                    append(&mut arrivals, begin, &mut filled, &datagram, (source, 0));
                    all.push((source, datagram));
                }
            }
            let mut taken = Vec::new();
            for arrival in &arrivals.list {
                prop_assert!(arrival.range.len().div_ceil(arrival.stride) <= SEGMENTS);
                prop_assert!(arrival.range.len() <= LARGEST);
                let datagrams = arrivals.slab[arrival.range.clone()].chunks(arrival.stride);
                taken.extend(datagrams.map(|datagram| (arrival.source, datagram.to_vec())));
            }
            prop_assert_eq!(taken, all);
        }
    }
}
