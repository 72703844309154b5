//! One handshake, at either end, without sockets or clock.

use super::certificate::Certificate;
use super::cookie::Cookie;
use super::hello::Hello;
use super::record::Keys;
use super::stack::{Stack, with_cookie};
use dimpl::{Dtls, Output};
use std::time::Instant;

/// A handshake under way, and what still has to be repeated of one that is done.
pub struct Handshake {
    dtls: Dtls,
    is_client: bool,
    random: [u8; 32],
    due: Instant,
    room: Vec<u8>,
}

/// How far it is.
pub enum Progress {
    Going,
    /// The other end may not know so yet: it is kept until a record of the link came.
    Done(Box<Keys>),
    Failed,
}

impl Handshake {
    /// Begins one. `send` takes the datagrams.
    pub fn call(stack: &Stack, now: Instant, send: &mut dyn FnMut(&[u8])) -> Option<Handshake> {
        let mut handshake = Handshake::new((stack, &stack.certificate), true, now);
        handshake.dtls.set_active(true);
        handshake.dtls.handle_timeout(now).ok()?;
        let mut random = None;
        let progress = handshake.poll(&mut |datagram| {
            random = random.or(Hello::parse(datagram).map(|hello| hello.random()));
            send(datagram);
        });
        handshake.random = random?;
        matches!(progress, Progress::Going).then_some(handshake)
    }

    /// Answers a ClientHello whose cookie was found good, with that certificate.
    pub fn answer(
        (stack, shown): (&Stack, &Certificate),
        (hello, cookie): (&Hello<'_>, &Cookie),
        now: Instant,
        send: &mut dyn FnMut(&[u8]),
    ) -> Option<Handshake> {
        let mut handshake = Handshake::new((stack, shown), false, now);
        handshake.random = hello.random();
        handshake.dtls.handle_timeout(now).ok()?;
        with_cookie(cookie, || {
            // A server of the library counts from the first ClientHello on; its answer to that was sent long ago.
            handshake.dtls.handle_packet(&hello.first()).ok()?;
            let asked = handshake.poll(&mut |_| {});
            matches!(asked, Progress::Going).then_some(())?;
            handshake.dtls.handle_packet(hello.datagram()).ok()
        })?;
        matches!(handshake.poll(send), Progress::Going).then_some(handshake)
    }

    /// Whether this end began it.
    pub fn is_client(&self) -> bool {
        self.is_client
    }

    /// What the client drew for it.
    pub fn random(&self) -> &[u8; 32] {
        &self.random
    }

    /// When `handle_timeout` is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// A datagram of the other end that is no record of the link.
    pub fn take(&mut self, datagram: &[u8], send: &mut dyn FnMut(&[u8])) -> Progress {
        match self.dtls.handle_packet(datagram) {
            Ok(()) => self.poll(send),
            Err(_) => Progress::Failed,
        }
    }

    /// Repeats what was not answered.
    pub fn handle_timeout(&mut self, now: Instant, send: &mut dyn FnMut(&[u8])) -> Progress {
        match self.dtls.handle_timeout(now) {
            Ok(()) => self.poll(send),
            Err(_) => Progress::Failed,
        }
    }

    fn new((stack, shown): (&Stack, &Certificate), is_client: bool, now: Instant) -> Handshake {
        let dtls = Dtls::new_12(stack.config.clone(), shown.0.clone(), now);
        Handshake { dtls, is_client, random: [0; 32], due: now, room: vec![0; ROOM] }
    }

    fn poll(&mut self, send: &mut dyn FnMut(&[u8])) -> Progress {
        let mut progress = Progress::Going;
        loop {
            match self.dtls.poll_output(&mut self.room) {
                Output::Packet(datagram) => send(datagram),
                Output::KeyingMaterial(exported, _) => {
                    progress = Progress::Done(Box::new(Keys::of(&exported, self.is_client)));
                }
                Output::Timeout(due) => {
                    self.due = due;
                    return progress;
                }
                Output::CloseNotify | Output::BufferTooSmall { .. } => return Progress::Failed,
                // The certificate proves nothing that is asked here, and no data passes by the library.
                _ => {}
            }
        }
    }
}

/// No flight has larger datagrams, and no certificate is larger.
const ROOM: usize = 16 << 10;
