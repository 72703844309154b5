//! The filter as a whole, packet by packet.

mod glance;
mod model;
mod packets;
mod tcp;
mod trouble;

use super::{Filter, Glance, Protocol, Rule};
use crate::session::Millis;
use packets::Packet;

/// A filter and a clock.
struct World {
    filter: Filter,
    now: Millis,
}

impl World {
    fn new(rules: &[Rule]) -> World {
        World { filter: Filter::new(rules, false, None), now: 1_000_000 }
    }

    fn replace(&mut self, rules: &[Rule]) {
        self.filter = Filter::new(rules, false, Some(&self.filter));
    }

    fn wait(&mut self, seconds: u64) {
        self.now += seconds * 1_000;
    }

    fn send(&mut self, packet: &Packet) {
        self.filter.outbound(&packet.bytes(), self.now, &mut Glance::default());
    }

    fn receive(&mut self, packet: &Packet) -> bool {
        self.filter.inbound(&packet.bytes(), self.now, &mut Glance::default())
    }
}

/// Lets in what goes to these ports.
fn to_ports(protocol: u8, first: u16, last: u16) -> Rule {
    let protocol = Protocol::Number(protocol);
    Rule { from: vec![], to: vec![], protocol, ports: vec![(first, last)], allow: true }
}
