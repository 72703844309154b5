//! The `kcp` links: DTLS on the UDP sockets themselves, and inside it what copes with lossy lines. One thread for all.

use super::core::{Core, fill_random, millis};
use super::kcp_engine::Profile;
use super::kcp_inbox::{Bell, Inbox, Place};
use super::kcp_service::Service;
use super::kcp_source::place_of;
use super::options::{CallError, Called, ListenOptions};
use super::port::Port;
use super::thread;
use super::worker::Worker;
use crate::dtls::{Certificate, Hello, Stack};
use crate::endpoint::Transport;
use crate::refusals::Cause;
use crate::session::Millis;
use arc_swap::ArcSwap;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

/// All `kcp` links of this process.
#[derive(Default)]
pub struct Kcp {
    pub(super) bell: Arc<Bell>,
    /// Read for each batch that comes; changed when links and handshakes come and go.
    pub(super) inboxes: ArcSwap<HashMap<Place, Arc<Inbox>>>,
    stack: OnceLock<Arc<Stack>>,
    worker: Worker<()>,
}

/// What the thread is told.
pub enum Command {
    Connect(Attempt),
    /// Closes everything of the port, then answers.
    Close(Arc<Port>, SyncSender<()>),
    Stop,
}

/// Connecting until it works or the time is over.
pub struct Attempt {
    pub main: Arc<Port>,
    pub port: Arc<Port>,
    pub remote: SocketAddr,
    pub profile: Profile,
    pub until: Millis,
    /// Since when the other end of a link that is there was asked whether it still is.
    pub asked: Option<Millis>,
}

/// Takes links on the UDP sockets of `main`; asked again: with this certificate from now on. Returns their port.
pub fn listen(core: &Arc<Core>, main: &Arc<Port>, options: &ListenOptions) -> Called<u16> {
    if ![0, main.number].contains(&options.port) {
        return Err(CallError::invalid("kcp links share the port of their sockets"));
    }
    let shown = match (&options.certificate, &options.key) {
        (Some(certificate), Some(key)) => {
            Some(Arc::new(Certificate::parse(certificate, key).map_err(CallError::invalid)?))
        }
        (None, None) => None,
        _ => return Err(CallError::invalid("a certificate and its key go together")),
    };
    core.kcp.begin(core).map_err(CallError::system)?;
    let port = main.beside(Transport::Kcp).unwrap_or_else(|| {
        let locals = main.sockets().map(|udp| udp.local()).collect();
        let port = Arc::new(Port::of_links(main, Transport::Kcp, main.number, locals));
        main.set_beside(Transport::Kcp, Some(port.clone()));
        port
    });
    port.shown.store(shown);
    Ok(main.number)
}

/// Connects from the sockets of `main`; ends in one `link` event. False: they take no links, or not in that family.
pub fn connect(
    core: &Core,
    main: &Arc<Port>,
    remote: SocketAddr,
    (seconds, profile): (u32, Profile),
) -> bool {
    let Some(port) = main.beside(Transport::Kcp).filter(|port| port.local(&remote).is_some()) else {
        return false;
    };
    let until = millis() + Millis::from(seconds) * 1_000;
    let main = main.clone();
    core.kcp.bell.command(Command::Connect(Attempt { main, port, remote, profile, until, asked: None }));
    true
}

impl Kcp {
    /// Datagrams of one source whose first bytes are those of DTLS, as a socket of `main` received them.
    pub fn take(&self, core: &Core, main: &Arc<Port>, source: SocketAddr, datagrams: &[u8], stride: usize) {
        let Some(port) = main.beside(Transport::Kcp) else {
            return core.refusals.add(Cause::Dtls, datagrams.len().div_ceil(stride) as u64);
        };
        if let Some(inbox) = self.inboxes.load().get(&(main.number, source)) {
            if !inbox.receive(datagrams, stride) {
                core.refusals.count(Cause::Dtls);
            }
            return;
        }
        for datagram in datagrams.chunks(stride) {
            let (Some(hello), Some(stack)) = (Hello::parse(datagram), self.stack.get()) else {
                core.refusals.count(Cause::Dtls);
                continue;
            };
            let (place, now) = (place_of(&port, source), millis());
            if stack.cookies.check(&place, &hello, now).is_none() {
                main.send_one_beneath(&hello.ask(&stack.cookies.make(&place, &hello, now)), source);
            } else if !self.bell.hello(main, source, datagram) {
                core.refusals.count(Cause::Dtls);
            }
        }
    }

    /// The sockets whose port it shares close: so do its links.
    pub fn leave(&self, main: &Port) {
        let Some(port) = main.beside(Transport::Kcp) else { return };
        main.set_beside(Transport::Kcp, None);
        let (answer, closed) = sync_channel(1);
        if self.worker.reach(|()| self.bell.command(Command::Close(port, answer))).is_some() {
            // A thread that failed has dropped the other end, and everything with it.
            let _ = closed.recv();
        }
    }

    /// Ends everything.
    pub fn stop(&self) {
        self.worker.stop(|()| self.bell.command(Command::Stop));
    }

    fn begin(&self, core: &Arc<Core>) -> io::Result<()> {
        let begin = || {
            let mut secret = [0; 32];
            fill_random(&mut secret);
            let stack = Arc::new(Stack::new(&secret)?);
            let given = stack.clone();
            let run = move |core: &Core| Service::new(core, given).run();
            let handle = thread::start("dp-kcp", core, None, || false, run)?;
            // Set once: there is one thread in a process's life.
            let _ = self.stack.set(stack);
            Ok((handle, ()))
        };
        self.worker.begin(begin, |_| ())
    }
}
