//! Masked datagrams on their way in: of known sources in batches, of strangers by trying.

use super::masks::Trial;
use super::outbox::Route;
use super::receive::{Batch, Receiver, relay_label};
use crate::mask::{Form, Mask};
use crate::os::SEGMENTS;
use crate::refusals::Cause;
use crate::session;
use crate::stun;
use std::ops::Range;
use std::sync::Arc;

/// Datagrams that are uncovered together.
const BATCH: usize = SEGMENTS;

/// Takes datagrams of one source: a range of the slab, cut by its stride. What is not masked goes on as it came, for
/// nobody is refused for going bare.
pub fn take(
    receiver: &mut Receiver<'_>,
    slab: &mut [u8],
    (range, stride): (Range<usize>, usize),
    batch: Batch,
) {
    let (core, route) = (receiver.core, &batch.route);
    if core.masks.is_empty() || !route.endpoint.is_bare() {
        return receiver.take_batch(slab, range, stride, batch);
    }
    let source = route.endpoint.address;
    let known = route.port.hops.find(source);
    // What goes bare pays for one look.
    if known.is_none() && is_bare(&slab[range.start..(range.start + stride).min(range.end)]) {
        return receiver.take_batch(slab, range, stride, batch);
    }
    let known = known.as_ref().map_or(&[][..], |hop| &hop.masks);
    for start in range.clone().step_by(stride * BATCH) {
        let block = start..(start + stride * BATCH).min(range.end);
        let mut run = Run::new(block, stride);
        known.iter().for_each(|mask| run.uncover(slab, mask));
        if let Some(datagram) = run.stranger(slab) {
            match core.masks.try_on(&slab[datagram], source, batch.now) {
                Trial::Under(mask) => run.uncover(slab, &mask),
                Trial::Bare => {}
                // What may be DTLS or QUIC is judged there.
                Trial::Refused if matches!(slab[run.block.start], 20..=127 | 192..=255) => {}
                Trial::Refused => core.refusals.count(Cause::MaskRate),
            }
        }
        run.hand_on(receiver, slab, &batch);
    }
}

/// Up to [`BATCH`] datagrams, and what they turned out to be.
struct Run {
    block: Range<usize>,
    stride: usize,
    count: usize,
    forms: [Form; BATCH],
    /// Under which of the masks, by its place.
    under: [u8; BATCH],
    masks: Vec<Arc<Mask>>,
}

impl Run {
    fn new(block: Range<usize>, stride: usize) -> Run {
        let count = block.len().div_ceil(stride);
        let forms = [const { Form::Foreign }; BATCH];
        Run { block, stride, count, forms, under: [0; BATCH], masks: Vec::new() }
    }

    /// Uncovers what is left and known to this mask.
    fn uncover(&mut self, slab: &mut [u8], mask: &Arc<Mask>) {
        let forms = &mut self.forms[..self.count];
        let place = self.masks.len() as u8;
        let left: [bool; BATCH] = std::array::from_fn(|at| forms.get(at) == Some(&Form::Foreign));
        if !left.contains(&true) {
            return;
        }
        mask.uncover(&mut slab[self.block.clone()], self.stride, forms);
        self.masks.push(mask.clone());
        for (at, form) in forms.iter().enumerate() {
            if left[at] && *form != Form::Foreign {
                self.under[at] = place;
            }
        }
    }

    /// The first datagram that may be masked in a way that its source is not known for.
    fn stranger(&self, slab: &[u8]) -> Option<Range<usize>> {
        let foreign = (0..self.count).filter(|at| self.forms[*at] == Form::Foreign);
        foreign.map(|at| self.datagram(at)).find(|datagram| !is_bare(&slab[datagram.clone()]))
    }

    /// Hands on what is alike together.
    fn hand_on(&self, receiver: &mut Receiver<'_>, slab: &mut [u8], batch: &Batch) {
        let mut at = 0;
        while at < self.count {
            let first = self.datagram(at);
            let mut end = at + 1;
            if let Form::Whole(inner) = &self.forms[at] {
                let inner = first.start + inner.start..first.start + inner.end;
                receiver.take_batch(slab, inner.clone(), inner.len(), self.batch(at, batch));
            } else {
                while end < self.count
                    && self.forms[end] == self.forms[at]
                    && self.under[end] == self.under[at]
                {
                    end += 1;
                }
                let all = first.start..self.datagram(end - 1).end;
                receiver.take_batch(slab, all, self.stride, self.batch(at, batch));
            }
            at = end;
        }
    }

    fn batch(&self, at: usize, batch: &Batch) -> Batch {
        let masked = self.forms[at] != Form::Foreign;
        let mask = self.masks.get(usize::from(self.under[at])).filter(|_| masked).cloned();
        Batch { route: Route { mask, ..batch.route.clone() }, nanos: batch.nanos, now: batch.now }
    }

    fn datagram(&self, at: usize) -> Range<usize> {
        let start = self.block.start + at * self.stride;
        start..(start + self.stride).min(self.block.end)
    }
}

/// Whether a datagram is certainly none that is masked: it has the look of ours, or is of nobody's.
fn is_bare(datagram: &[u8]) -> bool {
    session::classify(datagram).is_some()
        || relay_label(datagram).is_some()
        || stun::parse(datagram).is_some()
        || datagram.len() <= crate::mask::PRELUDE
}
