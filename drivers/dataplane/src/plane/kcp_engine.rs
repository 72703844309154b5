//! What numbers, repeats and paces the datagrams of one `kcp` link: the link for lossy lines, or KCP as it is known.

use super::kcp_plain::Plain;
use crate::lossy::{self, FlowKind, Lossy, Micros};
use crate::packet::flow::Flow;

/// How a link treats what it carries; its caller chooses for both ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// Short delays at the price of traffic.
    Fast,
    #[default]
    Balanced,
    /// Little traffic at the price of delay.
    Saving,
    /// KCP as others speak it, for comparison.
    Plain,
}

impl Profile {
    /// All of them; each lies at its number on the wire.
    pub const ALL: [Profile; 4] = [Profile::Fast, Profile::Balanced, Profile::Saving, Profile::Plain];

    /// As callers name it.
    pub fn name(self) -> &'static str {
        match self {
            Profile::Fast => "fast",
            Profile::Balanced => "balanced",
            Profile::Saving => "saving",
            Profile::Plain => "plain",
        }
    }
}

impl std::str::FromStr for Profile {
    type Err = ();

    fn from_str(text: &str) -> Result<Profile, ()> {
        Profile::ALL.into_iter().find(|profile| profile.name() == text).ok_or(())
    }
}

/// One end of a link inside its DTLS.
pub enum Engine {
    Lossy(Box<Lossy>),
    Plain(Box<Plain>),
}

impl Engine {
    /// `seed`: random. `size`: of the longest record. `now` as everywhere here: microseconds.
    pub fn new(profile: Profile, seed: u64, size: usize, now: Micros) -> Engine {
        let profile = match profile {
            Profile::Fast => lossy::Profile::Fast,
            Profile::Balanced => lossy::Profile::Balanced,
            Profile::Saving => lossy::Profile::Saving,
            Profile::Plain => return Engine::Plain(Box::new(Plain::new(size))),
        };
        let mut lossy = Lossy::new(profile, seed, now);
        lossy.set_record_size(size);
        Engine::Lossy(Box::new(lossy))
    }

    /// A datagram to send; false when it was dropped.
    pub fn push(&mut self, datagram: &[u8], flow: Flow, now: Micros) -> bool {
        match self {
            Engine::Lossy(lossy) => {
                let kind = if flow.is_tcp { FlowKind::Tcp } else { FlowKind::Other };
                lossy.push(datagram, lossy::Flow { id: flow.id, kind }, now)
            }
            Engine::Plain(plain) => plain.push(datagram),
        }
    }

    /// A record that came; false when it is none.
    pub fn receive(&mut self, record: &[u8], now: Micros, deliver: &mut dyn FnMut(&[u8])) -> bool {
        match self {
            Engine::Lossy(lossy) => lossy.receive(record, now, deliver).is_ok(),
            Engine::Plain(plain) => plain.receive(record, deliver),
        }
    }

    /// Writes the next record to send now over `out`; false when there is none.
    pub fn transmit(&mut self, now: Micros, out: &mut Vec<u8>) -> bool {
        match self {
            Engine::Lossy(lossy) => lossy.transmit(now, out),
            Engine::Plain(plain) => plain.transmit(out),
        }
    }

    /// When it wants to be called without cause.
    pub fn deadline(&self) -> Option<Micros> {
        match self {
            Engine::Lossy(lossy) => lossy.deadline(),
            Engine::Plain(plain) => Some(plain.deadline()),
        }
    }

    /// Does what is due.
    pub fn handle_deadline(&mut self, now: Micros, deliver: &mut dyn FnMut(&[u8])) {
        match self {
            Engine::Lossy(lossy) => lossy.handle_deadline(now, deliver),
            Engine::Plain(plain) => plain.handle_deadline(now),
        }
    }
}
