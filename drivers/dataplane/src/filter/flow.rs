//! One flow: who began it, how far it is, how long it may be silent.

use super::subject::{ACK, Ends, FIN, Nature, RST, SYN, Subject, is_icmp};
use crate::packet::ip::{TCP, UDP};
use crate::session::Millis;
use std::hash::{Hash, Hasher};

/// Two ends in whatever order, as all packets of a flow share them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    v6: bool,
    protocol: u8,
    low: (u128, u16),
    high: (u128, u16),
}

impl Key {
    pub fn of(ends: &Ends) -> Key {
        let source = (ends.source, ends.source_port);
        let destination = (ends.destination, ends.destination_port);
        let (low, high) = if source <= destination { (source, destination) } else { (destination, source) };
        Key { v6: ends.v6, protocol: ends.protocol, low, high }
    }

    /// Spreads keys, well enough to choose a shard by.
    pub fn fold(&self) -> u64 {
        let ((low, low_port), (high, high_port)) = (self.low, self.high);
        let addresses = low ^ high.rotate_left(64);
        let ports = u64::from(low_port) << 32 ^ u64::from(high_port) << 16 ^ u64::from(self.protocol);
        (addresses as u64 ^ (addresses >> 64) as u64).rotate_left(23) ^ ports
    }
}

impl Hash for Key {
    /// In few pieces: each costs the hasher time.
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ((low, low_port), (high, high_port)) = (self.low, self.high);
        let ports = u64::from(low_port) << 16 | u64::from(high_port);
        state.write_u128(low);
        state.write_u128(high);
        state.write_u64(ports << 16 | u64::from(self.protocol) << 8 | u64::from(self.v6));
    }
}

/// A flow, from its first packet on.
#[derive(Clone, Copy, Debug)]
pub struct Flow {
    /// As its first packet had them.
    opened: Ends,
    /// Came from a peer: it lasts while the rules let it in.
    inbound: bool,
    /// Of the rules that it was held against last.
    pub generation: u64,
    /// The other end was heard, too.
    answered: bool,
    stage: Stage,
    seen: Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The other end did not answer yet.
    Opening,
    Open,
    /// Whether the end that opened it has said its last, and whether the other one has.
    Closing(bool, bool),
    /// Reset.
    Closed,
    /// New rules refuse what the old ones let in.
    Ended,
}

impl Flow {
    pub fn new(subject: &Subject, inbound: bool, generation: u64, now: Millis) -> Flow {
        // TCP whose beginning was not seen stands already.
        let stage = match subject.nature {
            Nature::Tcp(flags) if flags & SYN == 0 => Stage::Open,
            _ => Stage::Opening,
        };
        let mut flow = Flow { opened: subject.ends, inbound, generation, answered: false, stage, seen: now };
        flow.take(subject, now);
        flow
    }

    /// Whether the rules have a say in it, and the ends by which they have.
    pub fn judged(&self) -> Option<&Ends> {
        (self.inbound && self.stage != Stage::Ended).then_some(&self.opened)
    }

    pub fn end(&mut self, now: Millis) {
        (self.stage, self.seen) = (Stage::Ended, now);
    }

    pub fn is_ended(&self) -> bool {
        self.stage == Stage::Ended
    }

    /// Among which it is kept: 0 and 1 for what peers began, unanswered and answered; 2 and 3 for what was begun here.
    pub fn lane(&self) -> usize {
        usize::from(!self.inbound) * 2 + usize::from(self.answered)
    }

    /// Whether the packet begins another connection between the same ends.
    pub fn is_reopened(&self, subject: &Subject) -> bool {
        let over = matches!(self.stage, Stage::Closing(true, true) | Stage::Closed);
        subject.is_opening() && (over || self.stage != Stage::Opening && !self.is_forward(subject))
    }

    /// Another packet of it.
    pub fn take(&mut self, subject: &Subject, now: Millis) {
        self.seen = now;
        let forward = self.is_forward(subject);
        self.answered |= !forward;
        let Nature::Tcp(flags) = subject.nature else {
            if !forward {
                self.stage = Stage::Open;
            }
            return;
        };
        let (said, heard) = match self.stage {
            _ if flags & RST != 0 => {
                self.stage = Stage::Closed;
                return;
            }
            Stage::Closing(said, heard) => (said, heard),
            // A connection opened from both ends at once has no answer but two openings.
            Stage::Opening if !forward && flags & (SYN | ACK) != 0 => {
                self.stage = Stage::Open;
                (false, false)
            }
            Stage::Opening | Stage::Open => (false, false),
            Stage::Closed | Stage::Ended => return,
        };
        if flags & FIN != 0 {
            self.stage = Stage::Closing(said || forward, heard || !forward);
        }
    }

    /// Silent for longer than its kind may be.
    pub fn is_over(&self, now: Millis) -> bool {
        now > self.seen + self.patience()
    }

    /// Milliseconds (RFC 5382, RFC 4787, RFC 5508).
    fn patience(&self) -> Millis {
        const SECOND: Millis = 1_000;
        let seconds = match (self.opened.protocol, self.stage) {
            (TCP, Stage::Ended) => 3_600,
            (TCP, Stage::Open | Stage::Closing(true, false) | Stage::Closing(false, true)) => 7_440,
            (TCP, Stage::Closed) => 10,
            (TCP, _) => 240,
            (UDP, Stage::Open) => 300,
            (UDP, _) => 120,
            (protocol, _) if is_icmp(self.opened.v6, protocol) => 60,
            _ => 600,
        };
        seconds * SECOND
    }

    fn is_forward(&self, subject: &Subject) -> bool {
        subject.ends == self.opened
    }
}
