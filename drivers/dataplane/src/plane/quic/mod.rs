//! QUIC links (RFC 9000, RFC 9221): sealed datagrams in the datagrams of QUIC connections, by the UDP port that all else
//! goes by.
//!
//! Whoever has something for a connection drives it: the thread of a TUN what leaves, the one of the socket what arrives. One
//! thread more makes handshakes, waits for deadlines, and opens what is wanted for as long as it is.

mod channel;
mod hub;
mod identity;
mod inbox;
mod link;
mod queue;
mod schedule;
mod service;
mod tuning;
mod wanted;

use super::core::{Core, fill_random};
use super::options::{CallError, Called, ConnectOptions, ListenOptions};
use super::port::Port;
use super::thread;
use super::worker::Worker;
use crate::endpoint::Transport;
use crate::session::Key;
pub use hub::Hub;
use identity::{Expected, Identity};
pub use inbox::Inbox;
use schedule::{Schedule, Work};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use wanted::Wish;

#[cfg(test)]
pub fn client_of_anybody(remote: &SocketAddr) -> quinn_proto::ClientConfig {
    tuning::client(&Expected::new(None), remote).expect("TLS")
}

/// All QUIC links of this process.
#[derive(Default)]
pub struct Quic {
    worker: Worker<()>,
    schedule: Arc<Schedule>,
}

/// Takes connections by the sockets of `main`; asked again: with this certificate from now on. Returns the port.
pub fn listen(core: &Arc<Core>, main: &Arc<Port>, options: &ListenOptions) -> Called<u16> {
    if ![0, main.number].contains(&options.port) {
        return Err(CallError::invalid("QUIC has the port of UDP"));
    }
    let identity = match (&options.certificate, &options.key) {
        (Some(certificate), Some(key)) => Identity::parse(certificate, key),
        (None, None) => Identity::make(),
        _ => return Err(CallError::invalid("a certificate and its key go together")),
    }
    .map_err(CallError::invalid)?;
    core.quic.hub(core, main).map_err(CallError::system)?.serve(&identity);
    Ok(main.number)
}

/// Opens a link, and again whenever it is lost, until it is closed; ends in one `link` event, and tells later when it is lost
/// and stands again.
pub fn connect(
    core: &Arc<Core>,
    main: &Arc<Port>,
    remote: SocketAddr,
    options: &ConnectOptions,
) -> Called<bool> {
    if !main.sockets().any(|udp| udp.local().is_ipv4() == remote.is_ipv4()) {
        return Ok(false);
    }
    if !(1..=service::MOST_CHANNELS).contains(&options.channels) {
        return Err(CallError::invalid(format!("a link has 1 to {} channels", service::MOST_CHANNELS)));
    }
    let hub = core.quic.hub(core, main).map_err(CallError::system)?;
    let wish = Wish {
        hub,
        remote,
        patience: u64::from(options.seconds) * 1_000,
        expected: Expected::new(options.pin),
        server_name: options.server_name.clone().unwrap_or_else(|| remote.ip().to_string()),
        channels: options.channels,
    };
    core.quic.schedule.hand(Work::Connect(wish));
    Ok(true)
}

impl Quic {
    /// The link to there is not wanted any more.
    pub fn close(&self, main: &Port, remote: SocketAddr) {
        if let Some(hub) = main.quic() {
            self.schedule.hand(Work::Forget(hub, remote));
        }
    }

    /// The sockets close: so do their links.
    pub fn leave(&self, main: &Port) {
        let Some(hub) = main.set_quic(None) else { return };
        main.set_beside(Transport::Quic, None);
        let (answer, closed) = sync_channel(1);
        if self.worker.reach(|()| self.schedule.hand(Work::Close(hub, answer))).is_some() {
            // A thread that failed or stopped has dropped the other end.
            let _ = closed.recv();
        }
    }

    /// Ends everything.
    pub fn stop(&self) {
        self.worker.stop(|()| self.schedule.stop());
    }

    /// QUIC by the sockets of `main`, from the first use on.
    fn hub(&self, core: &Arc<Core>, main: &Arc<Port>) -> io::Result<Arc<Hub>> {
        let begin = || {
            let schedule = self.schedule.clone();
            let run = move |core: &Core| {
                let _ended = End(&schedule);
                service::run(core, &schedule);
                Ok(())
            };
            Ok((thread::start("dp-quic", core, None, || false, run)?, ()))
        };
        self.worker.begin(begin, |_| main.quic().unwrap_or_else(|| self.open(main)))
    }

    fn open(&self, main: &Arc<Port>) -> Arc<Hub> {
        let mut secret = Key::default();
        fill_random(&mut secret);
        let port = Arc::new(Port::of_links(main, Transport::Quic, main.number, Vec::new()));
        let hub = Arc::new(Hub::new(main.clone(), port.clone(), self.schedule.clone(), &secret));
        main.set_quic(Some(hub.clone()));
        main.set_beside(Transport::Quic, Some(port));
        hub
    }
}

/// However the thread ends, nobody waits for it.
struct End<'a>(&'a Schedule);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
