//! A link that is wanted: opened, and opened again for as long as it is.

use super::channel::{Channel, Loss};
use super::hub::Hub;
use super::identity::Expected;
use super::tuning;
use crate::plane::core::random_u32;
use crate::session::Millis;
use quinn_proto::ClientConfig;
use std::net::SocketAddr;
use std::sync::Arc;

/// How long one try may take.
const TRY: Millis = 5_000;
/// Between two tries, at first and at most; while nothing ever stood, at most the latter.
const RETRY: Millis = 250;
const LONGEST: Millis = 30_000;
const LONGEST_AT_FIRST: Millis = 1_000;
/// A link stands for those who asked once it carries a full packet, or after this: its size is found within a few round trips.
const GROWTH: Millis = 400;
const FULL: usize = 1_432;

/// What somebody asked for.
pub struct Wish {
    pub hub: Arc<Hub>,
    pub remote: SocketAddr,
    /// How long the first link may take.
    pub patience: Millis,
    pub expected: Arc<Expected>,
    /// As the other end's certificate may be named; an address is not told.
    pub server_name: String,
    /// Connections that share the load.
    pub channels: usize,
}

/// A wish with what became of it so far.
pub struct Wanted {
    pub hub: Arc<Hub>,
    pub remote: SocketAddr,
    expected: Arc<Expected>,
    server_name: String,
    config: ClientConfig,
    slots: Vec<Slot>,
    /// Until when somebody waits for the first.
    until: Option<Millis>,
    /// As it was told last.
    is_up: bool,
    /// How its last connection that failed did so.
    loss: Option<Loss>,
}

/// One of its connections.
struct Slot {
    state: State,
    /// Tries since one stood.
    failures: u32,
}

enum State {
    Waiting(Millis),
    Trying(Arc<Channel>),
    Standing(Arc<Channel>, Millis),
}

/// What whoever asked has to hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Up,
    /// Why not, or not any more.
    Down(&'static str),
    /// Not any more, and it is not tried again.
    Over(&'static str),
}

impl Wanted {
    /// `None` where TLS is not to be had.
    pub fn new(wish: Wish, now: Millis) -> Option<Wanted> {
        let config = tuning::client(&wish.expected, &wish.remote)?;
        let slot = |_| Slot { state: State::Waiting(now), failures: 0 };
        Some(Wanted {
            slots: (0..wish.channels).map(slot).collect(),
            hub: wish.hub,
            remote: wish.remote,
            expected: wish.expected,
            server_name: wish.server_name,
            config,
            until: Some(now + wish.patience),
            is_up: false,
            loss: None,
        })
    }

    /// Whether it stands, as far as was told.
    pub fn is_up(&self) -> bool {
        self.is_up
    }

    /// Somebody waits for it again, until then.
    pub fn hurry(&mut self, until: Millis) {
        self.until = Some(until.max(self.until.unwrap_or(0)));
    }

    /// Tries what is due. What is begun has to be driven.
    pub fn step(&mut self, now: Millis) -> Vec<Arc<Channel>> {
        let mut begun = Vec::new();
        for slot in &mut self.slots {
            if let State::Trying(channel) = &slot.state
                && now > channel.began + TRY
            {
                channel.close();
                slot.fail(self.until.is_some(), now);
            }
            if let State::Waiting(at) = slot.state
                && at <= now
            {
                match self.hub.connect(self.config.clone(), self.remote, &self.server_name) {
                    Ok(channel) => {
                        begun.push(channel.clone());
                        slot.state = State::Trying(channel);
                    }
                    Err(_) => slot.fail(self.until.is_some(), now),
                }
            }
        }
        begun
    }

    /// One of its connections may stand now.
    pub fn handle_connected(&mut self, channel: &Arc<Channel>, now: Millis) {
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.holds(channel)) {
            slot.state = State::Standing(channel.clone(), now);
        }
    }

    /// One of its connections is over.
    pub fn handle_lost(&mut self, channel: &Arc<Channel>, loss: Loss, now: Millis) {
        let is_first = self.until.is_some();
        if let Some(slot) = self.slots.iter_mut().find(|slot| slot.holds(channel)) {
            if let State::Standing(_, since) = slot.state
                && now > since + TRY
            {
                slot.failures = 0;
            }
            slot.fail(is_first, now);
            self.loss = Some(loss);
        }
    }

    /// What changed since it was asked last.
    pub fn news(&mut self, now: Millis) -> Option<News> {
        let carries = |slot: &Slot| match &slot.state {
            State::Standing(channel, since) => channel.largest() >= FULL || now >= since + GROWTH,
            State::Waiting(_) | State::Trying(_) => false,
        };
        let stands = |slot: &Slot| matches!(slot.state, State::Standing(..));
        if self.expected.is_refused() {
            return Some(News::Over("certificate"));
        }
        if !self.is_up && self.slots.iter().any(carries) {
            (self.is_up, self.until, self.loss) = (true, None, None);
            return Some(News::Up);
        }
        if self.is_up && !self.slots.iter().any(stands) {
            self.is_up = false;
            return Some(News::Down(reason(self.loss)));
        }
        if self.until.is_some_and(|until| now >= until) {
            return Some(News::Over(reason(self.loss)));
        }
        None
    }

    /// Ends what was begun and does not stand.
    pub fn give_up(&self) {
        for slot in &self.slots {
            match &slot.state {
                State::Trying(channel) | State::Standing(channel, _) => channel.close(),
                State::Waiting(_) => {}
            }
        }
    }

    /// Whether all of it stands and was told.
    pub fn is_quiet(&self) -> bool {
        self.is_up && self.slots.iter().all(|slot| matches!(slot.state, State::Standing(..)))
    }
}

impl Slot {
    fn holds(&self, channel: &Arc<Channel>) -> bool {
        match &self.state {
            State::Trying(known) | State::Standing(known, _) => Arc::ptr_eq(known, channel),
            State::Waiting(_) => false,
        }
    }

    fn fail(&mut self, is_first: bool, now: Millis) {
        let longest = if is_first { LONGEST_AT_FIRST } else { LONGEST };
        self.state = State::Waiting(now + pause(self.failures, longest, random_u32()));
        self.failures = self.failures.saturating_add(1);
    }
}

fn reason(loss: Option<Loss>) -> &'static str {
    match loss {
        Some(Loss::Closed) => "closed",
        Some(Loss::Refused) => "refused",
        Some(Loss::Silence) | None => "timeout",
    }
}

/// How long to wait before the next try, so that many who lost one router do not come back at once.
fn pause(failures: u32, longest: Millis, chance: u32) -> Millis {
    let full = (RETRY << failures.min(10)).min(longest);
    full / 2 + u64::from(chance) * full / 2 / u64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// [W13]
    #[test]
    fn tries_grow_rarer_up_to_a_limit_and_differ() {
        assert_eq!((pause(0, LONGEST, 0), pause(0, LONGEST, u32::MAX)), (125, 250));
        assert_eq!((pause(3, LONGEST, 0), pause(3, LONGEST, u32::MAX)), (1_000, 2_000));
        assert_eq!((pause(3, LONGEST_AT_FIRST, 0), pause(3, LONGEST_AT_FIRST, u32::MAX)), (500, 1_000));
        assert_eq!((pause(60, LONGEST, 0), pause(u32::MAX, LONGEST, u32::MAX)), (15_000, 30_000));
    }
}
