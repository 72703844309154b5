//! Pings that users asked for: a probe a second, each ended by an answer or by silence.

use crate::endpoint::Endpoint;
use crate::session::Millis;

const INTERVAL: Millis = 1_000;
/// A ping without answer ends after this; so does one that cannot be sent.
pub const TIMEOUT: Millis = 2_000;
/// A ping that cannot be sent for want of a session or path looks again after this.
const RETRY: Millis = 50;

/// Pings of one peer.
#[derive(Default)]
pub struct Pings {
    list: Vec<Ping>,
}

struct Ping {
    id: u32,
    sequence: u32,
    left: u32,
    /// `None`: the route of that moment.
    endpoint: Option<Endpoint>,
    due: Millis,
    next: Millis,
}

/// What becomes of one that is due.
pub enum Turn {
    Send {
        id: u32,
        sequence: u32,
        endpoint: Endpoint,
    },
    /// It waited in vain for a session.
    Missed {
        id: u32,
        sequence: u32,
    },
    /// It waits.
    Wanted,
}

impl Pings {
    /// `count` of them, one second apart.
    pub fn add(&mut self, id: u32, count: u32, endpoint: Option<Endpoint>, now: Millis) {
        if count > 0 {
            self.list.push(Ping { id, sequence: 0, left: count, endpoint, due: now, next: now });
        }
    }

    /// Those that are due. `route`: where packets go.
    pub fn due(&mut self, now: Millis, route: Option<Endpoint>, session: bool) -> Vec<Turn> {
        let mut turns = Vec::new();
        for mut ping in std::mem::take(&mut self.list) {
            while ping.next <= now && ping.left > 0 {
                let (id, sequence) = (ping.id, ping.sequence);
                match ping.endpoint.or(route).filter(|_| session) {
                    Some(endpoint) => turns.push(Turn::Send { id, sequence, endpoint }),
                    None if now < ping.due + TIMEOUT => {
                        turns.push(Turn::Wanted);
                        ping.next = now + RETRY;
                        break;
                    }
                    None => turns.push(Turn::Missed { id, sequence }),
                }
                ping.sequence += 1;
                ping.left -= 1;
                ping.due = now.max(ping.due + INTERVAL);
                ping.next = ping.due;
            }
            if ping.left > 0 {
                self.list.push(ping);
            }
        }
        turns
    }

    pub fn deadline(&self) -> Option<Millis> {
        self.list.iter().map(|ping| ping.next).min()
    }
}
