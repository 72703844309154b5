//! The link for lossy lines, without clock, sockets and randomness of its own: datagrams in, records out, and back.
//!
//! Records travel inside DTLS, which keeps others from reading or making them. The owner calls [`Lossy::push`] for each
//! datagram, sends what [`Lossy::transmit`] gives, hands over what arrives to [`Lossy::receive`], and comes back at
//! [`Lossy::deadline`].

mod profile;
mod record;

pub use profile::Profile;
pub use record::Malformed;

use record::{HEADER, Header};
use std::collections::VecDeque;

/// A moment or a span, in microseconds of a clock that never goes back.
pub type Micros = u64;

/// Bytes of a record unless told otherwise: with DTLS, UDP and IPv6 they fill 1,500 bytes.
pub const RECORD: usize = 1_400;
/// Datagrams that wait for their turn.
const ENTRY: usize = 512;

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

/// One end of a link.
pub struct Lossy {
    record: usize,
    next: u32,
    waiting: VecDeque<Vec<u8>>,
}

impl Lossy {
    /// A link that nothing has passed yet. `seed`: any number, another one for each link.
    pub fn new(_profile: Profile, seed: u64, _now: Micros) -> Lossy {
        Lossy { record: RECORD, next: seed as u32, waiting: VecDeque::new() }
    }

    /// How long records may be from now on; the longest datagram is [`Lossy::longest`].
    pub fn set_record_size(&mut self, bytes: usize) {
        self.record = bytes;
    }

    /// The longest datagram that it carries.
    pub fn longest(&self) -> usize {
        self.record - HEADER - record::PREFIX
    }

    /// Takes a datagram to be sent; false when it is dropped: too long, or too much waits already.
    pub fn push(&mut self, datagram: &[u8], _flow: Flow, _now: Micros) -> bool {
        let fits = datagram.len() <= self.longest() && self.waiting.len() < ENTRY;
        if fits {
            self.waiting.push_back(datagram.to_vec());
        }
        fits
    }

    /// Writes the next record to be sent now over what is in `out`; false when there is none.
    pub fn transmit(&mut self, _now: Micros, out: &mut Vec<u8>) -> bool {
        let Some(datagram) = self.waiting.pop_front() else { return false };
        out.clear();
        Header { record: self.next, unit: self.next }.write(out);
        out.extend_from_slice(&datagram);
        self.next = self.next.wrapping_add(1);
        true
    }

    /// Takes a record that came; hands over the datagrams that are due with it.
    pub fn receive(
        &mut self,
        record: &[u8],
        _now: Micros,
        deliver: &mut dyn FnMut(&[u8]),
    ) -> Result<(), Malformed> {
        let (_, payload) = Header::parse(record)?;
        deliver(payload);
        Ok(())
    }

    /// When [`Lossy::transmit`] and [`Lossy::handle_deadline`] want to be called next, if nothing happens before.
    pub fn deadline(&self) -> Option<Micros> {
        (!self.waiting.is_empty()).then_some(0)
    }

    /// Does what is due by now: hands over packets that waited long enough for those before them.
    pub fn handle_deadline(&mut self, _now: Micros, _deliver: &mut dyn FnMut(&[u8])) {}
}
