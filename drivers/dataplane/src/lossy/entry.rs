//! What waits for its turn: flows are served in rounds (after RFC 8290), none delays another; what stays too long is dropped,
//! so that the inner sender slows down.

use super::buffers::Buffers;
use super::codel::{Codel, Stay};
use super::record::{self, PREFIX};
use super::{Flow, FlowKind, Micros};
use std::collections::VecDeque;

const BUCKETS: usize = 128;
/// Bytes that a flow sends in a round.
const QUANTUM: i32 = 1_514;
/// Bytes that may wait in any case, and for how long at the present rate.
const LEAST: usize = 64 << 10;
const PATIENCE: f64 = 30_000.0;
/// Fewer bytes than these behind a packet make no queue.
const FEW: usize = 1_514;

pub struct Entry {
    fair: bool,
    salt: u32,
    buckets: Vec<Bucket>,
    /// Flows that just began to send are served first, then the others, in rounds.
    fresh: VecDeque<u8>,
    rounds: VecDeque<u8>,
    bytes: usize,
    limit: usize,
    stay: Stay,
    dropped: u64,
}

#[derive(Default)]
struct Bucket {
    waiting: VecDeque<Waiting>,
    bytes: usize,
    deficit: i32,
    codel: Codel,
    listed: bool,
}

struct Waiting {
    shard: Vec<u8>,
    flow: Flow,
    at: Micros,
}

/// The datagrams of a unit that may be sent, in a shard that is not finished.
pub struct Taken {
    pub shard: Vec<u8>,
    pub flow: Flow,
    pub bundle: bool,
}

impl Entry {
    pub fn new(fair: bool, seed: u64) -> Entry {
        Entry {
            fair,
            salt: (seed >> 32) as u32 | 1,
            buckets: (0..BUCKETS).map(|_| Bucket::default()).collect(),
            fresh: VecDeque::new(),
            rounds: VecDeque::new(),
            bytes: 0,
            limit: LEAST,
            stay: Stay::on(0),
            dropped: 0,
        }
    }

    /// `rate`: bytes a microsecond at which it is emptied.
    pub fn set_line(&mut self, rate: f64, rtt: Micros) {
        self.stay = Stay::on(rtt);
        self.limit = LEAST.max((rate * PATIENCE) as usize);
    }

    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Datagrams dropped so far because too much waited, or for too long.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Takes a datagram; false when it is dropped itself rather than another one.
    pub fn push(&mut self, datagram: &[u8], flow: Flow, now: Micros, buffers: &mut Buffers) -> bool {
        if !self.fair && self.bytes + datagram.len() > self.limit {
            self.dropped += 1;
            return false;
        }
        let mut shard = buffers.take();
        record::begin_shard(&mut shard);
        shard.extend_from_slice(datagram);
        let at = self.bucket(flow);
        let bucket = &mut self.buckets[usize::from(at)];
        self.bytes += datagram.len();
        bucket.bytes += datagram.len();
        bucket.waiting.push_back(Waiting { shard, flow, at: now });
        if !bucket.listed {
            bucket.listed = true;
            bucket.deficit = QUANTUM;
            self.fresh.push_back(at);
        }
        while self.bytes > self.limit {
            self.drop_longest(buffers);
        }
        true
    }

    /// What is sent next; small datagrams of a flow together, up to `room` bytes of payload.
    pub fn take(&mut self, room: usize, now: Micros, buffers: &mut Buffers) -> Option<Taken> {
        loop {
            let is_fresh = !self.fresh.is_empty();
            let at = *if is_fresh { self.fresh.front() } else { self.rounds.front() }?;
            let bucket = &mut self.buckets[usize::from(at)];
            if self.fair && bucket.deficit <= 0 {
                bucket.deficit += QUANTUM;
                self.leave(is_fresh);
                self.rounds.push_back(at);
                continue;
            }
            let Some(first) = self.pop(at, now, buffers) else {
                self.leave(is_fresh);
                // A flow that has just been served waits behind the others before it counts as new again.
                if is_fresh && !self.rounds.is_empty() {
                    self.rounds.push_back(at);
                } else {
                    self.buckets[usize::from(at)].listed = false;
                }
                continue;
            };
            return Some(self.bundle(first, at, room, now, buffers));
        }
    }

    fn leave(&mut self, is_fresh: bool) {
        if is_fresh {
            self.fresh.pop_front()
        } else {
            self.rounds.pop_front()
        };
    }

    fn bundle(&mut self, first: Waiting, at: u8, room: usize, now: Micros, buffers: &mut Buffers) -> Taken {
        let fits = |bytes: usize, next: &Waiting| bytes + 2 + next.shard.len() - PREFIX <= room;
        let flow = first.flow;
        let mut shard = first.shard;
        let mut bundle = false;
        loop {
            let bytes = shard.len() - PREFIX + if bundle { 0 } else { 2 };
            let next = self.buckets[usize::from(at)].waiting.front();
            if !next.is_some_and(|next| next.flow == flow && fits(bytes, next)) {
                break;
            }
            let Some(next) = self.pop(at, now, buffers) else { break };
            if next.flow != flow || !fits(bytes, &next) {
                // What was to follow was dropped, and this one does not fit: back to its place.
                self.unpop(at, next);
                break;
            }
            if !bundle {
                bundle = true;
                let mut whole = buffers.take();
                record::begin_shard(&mut whole);
                append(&mut whole, &shard[PREFIX..]);
                buffers.put(std::mem::replace(&mut shard, whole));
            }
            append(&mut shard, &next.shard[PREFIX..]);
            buffers.put(next.shard);
        }
        Taken { shard, flow, bundle }
    }

    fn pop(&mut self, at: u8, now: Micros, buffers: &mut Buffers) -> Option<Waiting> {
        let bucket = &mut self.buckets[usize::from(at)];
        while let Some(next) = bucket.waiting.pop_front() {
            let length = next.shard.len() - PREFIX;
            self.bytes -= length;
            bucket.bytes -= length;
            let few = bucket.bytes < FEW;
            if self.fair && bucket.codel.drops(now.saturating_sub(next.at), few, (self.stay, now)) {
                self.dropped += 1;
                buffers.put(next.shard);
                continue;
            }
            bucket.deficit -= length as i32;
            return Some(next);
        }
        None
    }

    fn unpop(&mut self, at: u8, next: Waiting) {
        let bucket = &mut self.buckets[usize::from(at)];
        let length = next.shard.len() - PREFIX;
        self.bytes += length;
        bucket.bytes += length;
        bucket.deficit += length as i32;
        bucket.waiting.push_front(next);
    }

    fn drop_longest(&mut self, buffers: &mut Buffers) {
        let longest = self.buckets.iter_mut().max_by_key(|bucket| bucket.bytes);
        if let Some(bucket) = longest
            && let Some(first) = bucket.waiting.pop_front()
        {
            let length = first.shard.len() - PREFIX;
            bucket.bytes -= length;
            self.bytes -= length;
            self.dropped += 1;
            buffers.put(first.shard);
        }
    }

    fn bucket(&self, flow: Flow) -> u8 {
        if !self.fair {
            return 0;
        }
        let kind = u32::from(flow.kind == FlowKind::Tcp);
        ((flow.id ^ kind ^ self.salt).wrapping_mul(0x9e37_79b1) >> 25) as u8
    }
}

fn append(shard: &mut Vec<u8>, datagram: &[u8]) {
    shard.extend_from_slice(&(datagram.len() as u16).to_be_bytes());
    shard.extend_from_slice(datagram);
}
