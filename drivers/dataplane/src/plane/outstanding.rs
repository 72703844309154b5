//! Probes that wait for their echo, of all paths and pings of one peer together.

use crate::endpoint::Endpoint;
use crate::session::Millis;
use std::collections::VecDeque;

/// The oldest are forgotten beyond this.
const MOST: usize = 512;
/// So long an echo that comes late still finds its probe.
const REMEMBERED: Millis = 10_000;

/// A probe that left.
pub struct Probe {
    pub id: u64,
    pub endpoint: Endpoint,
    pub purpose: Purpose,
    /// Bytes of it.
    pub size: usize,
    pub sent: Millis,
    /// Monotonic nanoseconds as near to the wire as can be.
    pub stamp_nanos: u64,
    /// Datagrams sent by that path, this probe included.
    pub count: u64,
    /// Bytes of them.
    pub bytes: u64,
    deadline: Millis,
    pub late: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Purpose {
    /// Small.
    Path,
    /// Of the size in use.
    Full,
    /// Of a size that is tried; the search counts its tries itself.
    Search,
    /// To an endpoint outside the list of paths.
    Challenge,
    Ping {
        id: u32,
        sequence: u32,
    },
}

/// The probes, oldest first.
#[derive(Default)]
pub struct Outstanding {
    list: VecDeque<Probe>,
    last_id: u64,
}

impl Outstanding {
    /// Adds one that is missed after `timeout`; its id.
    pub fn add(
        &mut self,
        (endpoint, size): (Endpoint, usize),
        purpose: Purpose,
        timeout: Millis,
        now: Millis,
    ) -> u64 {
        if self.list.len() >= MOST {
            self.list.pop_front();
        }
        self.last_id += 1;
        self.list.push_back(Probe {
            id: self.last_id,
            endpoint,
            purpose,
            size,
            sent: now,
            stamp_nanos: 0,
            count: 0,
            bytes: 0,
            deadline: now + timeout,
            late: false,
        });
        self.last_id
    }

    pub fn find(&mut self, id: u64) -> Option<&mut Probe> {
        self.list.iter_mut().rev().find(|probe| probe.id == id)
    }

    /// Takes out the one whose echo of `size` bytes came from there.
    pub fn take(&mut self, id: u64, from: &Endpoint, size: usize) -> Option<Probe> {
        let fits = |probe: &Probe| probe.id == id && probe.endpoint == *from && probe.size == size;
        let at = self.list.iter().position(fits)?;
        self.list.remove(at)
    }

    /// Whether an endpoint is being asked to prove itself.
    pub fn challenges(&self, endpoint: &Endpoint) -> bool {
        let open = |it: &Probe| it.purpose == Purpose::Challenge && it.endpoint == *endpoint && !it.late;
        self.list.iter().any(open)
    }

    /// The next one whose echo did not come in time, once each. It is kept: an echo that comes late still proves the path
    /// and corrects the loss.
    pub fn expire(&mut self, now: Millis) -> Option<&Probe> {
        let probe = self.list.iter_mut().find(|probe| !probe.late && probe.deadline <= now)?;
        probe.late = true;
        Some(probe)
    }

    /// Forgets those whose echo will not come any more.
    pub fn forget(&mut self, now: Millis) {
        let before = now.saturating_sub(REMEMBERED);
        while self.list.front().is_some_and(|probe| probe.late && probe.sent < before) {
            self.list.pop_front();
        }
    }

    pub fn deadline(&self) -> Option<Millis> {
        self.list.iter().filter(|probe| !probe.late).map(|probe| probe.deadline).min()
    }

    #[cfg(test)]
    pub fn oldest(&self) -> Option<&Probe> {
        self.list.front()
    }
}
