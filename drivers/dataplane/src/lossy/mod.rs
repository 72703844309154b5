//! The link for lossy lines, without clock, sockets and randomness of its own: datagrams in, records out, and back.
//!
//! Records travel inside DTLS, which keeps others from reading or making them. The owner calls [`Lossy::push`] for each
//! datagram, sends what [`Lossy::transmit`] gives until it gives nothing, hands what arrives to [`Lossy::receive`], and
//! comes back at [`Lossy::deadline`]: first to [`Lossy::handle_deadline`], then to [`Lossy::transmit`].
//!
//! Units of datagrams are numbered (`outgoing`), acknowledged (`arrivals`), covered by parity and sent again (`repair`): by
//! parity over blocks while they follow closely, by mixes of the last ones (`mixes`) while they do not; at a rate that follows what the line delivers (`flight`, `rate`, `pacer`), out of a fair queue (`entry`).
//! At the other end they are restored (`restore`, `equations`) and put in order (`incoming`).

mod arrivals;
mod buffers;
mod code;
mod codel;
mod entry;
mod equations;
mod field;
mod flight;
mod incoming;
mod loss;
mod mixes;
mod outgoing;
mod pacer;
mod profile;
mod rate;
mod record;
mod repair;
mod restore;
#[cfg(test)]
mod tests;

pub use outgoing::Counts;
pub use profile::{Parts, Profile};
pub use record::Malformed;

use arrivals::Arrivals;
use incoming::Incoming;
use outgoing::Outgoing;
use record::Record;

/// A moment or a span, in microseconds of a clock that never goes back.
pub type Micros = u64;

/// Bytes of a record unless told otherwise: with DTLS, UDP and IPv6 they fill 1,500 bytes.
pub const RECORD: usize = 1_400;
/// The least and the most that they may have.
const RECORD_LEAST: usize = 64;
const RECORD_MOST: usize = 16_000;
/// Nothing passed for so long: memory is given back.
const IDLE: Micros = 1_000_000;

/// Whether the order of a flow's packets matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlowKind {
    /// Kept in order, a missing packet is waited for a little: TCP takes disorder for loss.
    Tcp,
    /// Handed over as it comes.
    Other,
}

/// Which conversation a datagram belongs to, as its inner packet tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// The same for all packets of a conversation in one direction; two of them sharing one is no harm.
    pub id: u32,
    /// Of all its packets.
    pub kind: FlowKind,
}

/// What a link knows about its line and what it has done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Condition {
    /// Smoothed round trip, once known.
    pub rtt: Option<Micros>,
    /// How much of it records wait in the line.
    pub queue: Micros,
    /// Share of the records sent that are lost, before repair.
    pub loss: f64,
    /// Bytes a microsecond at which it sends.
    pub pace: f64,
    /// What was sent.
    pub sent: Counts,
}

/// One end of a link.
pub struct Lossy {
    outgoing: Outgoing,
    incoming: Incoming,
    arrivals: Arrivals,
    /// When something passed last, until memory was given back.
    passed: Option<Micros>,
}

impl Lossy {
    /// A link that nothing has passed yet. `seed`: any number, another one for each link.
    pub fn new(profile: Profile, seed: u64, now: Micros) -> Lossy {
        Lossy::with_parts(profile, Parts::default(), seed, now)
    }

    /// The same with some of its parts switched off, to see what they are worth.
    pub fn with_parts(profile: Profile, parts: Parts, seed: u64, now: Micros) -> Lossy {
        let mut outgoing = Outgoing::new(parts, profile.measures(), seed, now);
        outgoing.set_record_size(RECORD);
        let incoming = Incoming::new(parts.order);
        Lossy { outgoing, incoming, arrivals: Arrivals::new(parts.prompt), passed: None }
    }

    /// How long records may be from now on.
    pub fn set_record_size(&mut self, bytes: usize) {
        self.outgoing.set_record_size(bytes.clamp(RECORD_LEAST, RECORD_MOST));
    }

    /// The longest datagram that it carries.
    pub fn longest(&self) -> usize {
        self.outgoing.longest()
    }

    /// What it knows about the line.
    pub fn condition(&self) -> Condition {
        let (rtt, queue, loss) = self.outgoing.line();
        Condition { rtt, queue, loss, pace: self.outgoing.pace(), sent: self.outgoing.counts() }
    }

    /// Takes a datagram to be sent; false when it is dropped: empty, too long, or too much waits already.
    pub fn push(&mut self, datagram: &[u8], flow: Flow, now: Micros) -> bool {
        self.passed = Some(now);
        self.outgoing.push(datagram, flow, now)
    }

    /// Writes the next record to be sent now over what is in `out`; false when there is none.
    pub fn transmit(&mut self, now: Micros, out: &mut Vec<u8>) -> bool {
        if self.arrivals.deadline().is_some_and(|deadline| deadline <= now) {
            self.arrivals.write(now, out);
            return true;
        }
        self.outgoing.transmit(now, out)
    }

    /// Takes a record that came; hands over the datagrams that are due with it.
    pub fn receive(
        &mut self,
        record: &[u8],
        now: Micros,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        match record::parse(record)? {
            Record::Unit(unit, payload) => {
                self.passed = Some(now);
                if self.arrivals.note(unit.record, now) {
                    self.incoming.take(&unit, payload, now, deliver);
                }
            }
            Record::Parity(parity, shard) => {
                if self.arrivals.note(parity.record, now) {
                    self.incoming.take_parity(&parity, shard, now, deliver);
                }
            }
            Record::Mix(mix, shard) => {
                if self.arrivals.note(mix.record, now) {
                    self.incoming.take_mix(&mix, shard, now, deliver);
                }
            }
            Record::Ack(ack) => self.outgoing.acknowledge(&ack, now),
        }
        Ok(())
    }

    /// When [`Lossy::handle_deadline`] and [`Lossy::transmit`] want to be called next, if nothing happens before.
    pub fn deadline(&self) -> Option<Micros> {
        let rest = self.passed.map(|at| at + IDLE);
        let deadlines = [self.outgoing.deadline(), self.arrivals.deadline(), self.incoming.deadline(), rest];
        deadlines.into_iter().flatten().min()
    }

    /// About how many bytes it holds.
    #[cfg(test)]
    fn held(&self) -> usize {
        self.outgoing.held() + self.incoming.held()
    }

    /// Does what is due by now: hands over packets that waited long enough for those before them.
    pub fn handle_deadline(&mut self, now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        self.incoming.handle_deadline(now, deliver);
        self.outgoing.handle_deadline(now);
        if self.passed.is_some_and(|at| now >= at + IDLE) {
            self.passed = None;
            self.outgoing.rest();
            self.incoming.rest(now);
        }
    }
}
