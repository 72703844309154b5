//! One `kcp` link as packet threads see it.

use super::kcp_inbox::Inbox;
use super::links::Carry;
use crate::packet::flow::Flow;
use crate::session::Millis;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// An open link: what is sent on it goes to the thread of all of them.
pub struct KcpLink {
    inbox: Arc<Inbox>,
    /// When an authentic datagram came last; 0 before the first.
    heard: AtomicU64,
    closed: AtomicBool,
}

impl KcpLink {
    pub fn new(inbox: Arc<Inbox>) -> Arc<KcpLink> {
        Arc::new(KcpLink { inbox, heard: AtomicU64::new(0), closed: AtomicBool::new(false) })
    }

    /// When an authentic datagram came last.
    pub fn heard(&self) -> Option<Millis> {
        Some(self.heard.load(Ordering::Relaxed)).filter(|at| *at > 0)
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }
}

impl Carry for KcpLink {
    fn remote(&self) -> SocketAddr {
        self.inbox.place.1
    }

    fn send(&self, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        self.send_flow(Flow::default(), datagrams)
    }

    fn send_flow(&self, flow: Flow, datagrams: &mut dyn Iterator<Item = &[u8]>) -> bool {
        !self.is_closed() && self.inbox.send(flow, datagrams)
    }

    fn note_authentic(&self, now: Millis) {
        if self.heard.load(Ordering::Relaxed) != now {
            self.heard.store(now, Ordering::Relaxed);
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.inbox.nudge();
    }
}
