//! KCP as it is known (`github.com/skywind3000/kcp`): every datagram a message, all in one order, all repeated until they
//! are there. Kept to compare with.

use crate::lossy::Micros;
use kcp::Kcp;
use std::collections::VecDeque;
use std::io::{self, Write};

/// Nobody else talks inside this link's DTLS.
const CONVERSATION: u32 = 1;
/// Packets under way and at the receiver, as PoleVPN has them; twice as many may wait.
const WINDOW: u16 = 1_024;
/// Its own steps.
const STEP: i32 = 10;
/// Bytes of the longest datagram.
const LONGEST: usize = 65_536;

/// One end.
pub struct Plain {
    kcp: Kcp<Packets>,
    sent: Shared,
    room: Vec<u8>,
    next: Micros,
}

type Shared = std::rc::Rc<std::cell::RefCell<VecDeque<Vec<u8>>>>;

struct Packets(Shared);

impl Write for Packets {
    fn write(&mut self, packet: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().push_back(packet.to_vec());
        Ok(packet.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Plain {
    /// `size`: of the longest record.
    pub fn new(size: usize) -> Plain {
        let sent = Shared::default();
        let mut kcp = Kcp::new(CONVERSATION, Packets(sent.clone()));
        // Refused only below 50 bytes.
        let _ = kcp.set_mtu(size);
        // Its fastest: no wait for acknowledgements, two duplicates are a loss, no window of congestion.
        kcp.set_nodelay(true, STEP, 2, true);
        kcp.set_wndsize(WINDOW, WINDOW);
        Plain { kcp, sent, room: vec![0; LONGEST], next: 0 }
    }

    pub fn push(&mut self, datagram: &[u8]) -> bool {
        let fits = self.kcp.wait_snd() < 2 * usize::from(WINDOW);
        fits && !datagram.is_empty() && self.kcp.send(datagram).is_ok()
    }

    pub fn receive(&mut self, record: &[u8], deliver: &mut dyn FnMut(&[u8])) -> bool {
        let taken = self.kcp.input(record).is_ok();
        while let Ok(length) = self.kcp.recv(&mut self.room) {
            deliver(&self.room[..length]);
        }
        taken
    }

    pub fn transmit(&mut self, out: &mut Vec<u8>) -> bool {
        let Some(packet) = self.sent.borrow_mut().pop_front() else { return false };
        out.clear();
        out.extend_from_slice(&packet);
        true
    }

    pub fn deadline(&self) -> Micros {
        self.next
    }

    pub fn handle_deadline(&mut self, now: Micros) {
        let millis = (now / 1_000) as u32;
        // It fails where its writer does, and that never does.
        let _ = self.kcp.update(millis);
        self.next = now + 1_000 * Micros::from(self.kcp.check(millis).max(1));
    }
}
