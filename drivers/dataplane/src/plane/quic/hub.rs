//! QUIC of one UDP port: names the connection that each datagram belongs to.

use super::channel::Channel;
use super::identity::Identity;
use super::inbox::Inbox;
use super::schedule::Schedule;
use super::tuning::{self, VERSION};
use crate::os::Departure;
use crate::packet::flow::Flow;
use crate::plane::core::{Bucket, Core, millis};
use crate::plane::port::Port;
use crate::refusals::Cause;
use crate::session::Key;
use arc_swap::ArcSwapOption;
use bytes::BytesMut;
use quinn_proto::{
    ClientConfig, ConnectError, Connection, ConnectionEvent, ConnectionHandle, DatagramEvent, Endpoint,
    EndpointEvent, Incoming, ServerConfig, Transmit,
};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// Connections are not begun by shorter datagrams (RFC 9000 §14.1), nor other versions talked about.
const SHORTEST_BEGINNING: usize = 1_200;
/// Beginnings of connections that are looked at in a second: each costs a derivation of keys.
const BEGINNINGS: u64 = 4_096;

/// Shared by whoever sends, receives, and looks after the connections.
pub struct Hub {
    /// The sockets that all of it goes by.
    pub main: Arc<Port>,
    /// The links beside them.
    pub port: Arc<Port>,
    pub schedule: Arc<Schedule>,
    switch: Mutex<Switch>,
    servers: ArcSwapOption<Servers>,
    beginnings: Bucket,
}

struct Switch {
    endpoint: Endpoint,
    channels: HashMap<ConnectionHandle, Arc<Channel>>,
}

struct Servers {
    v4: Arc<ServerConfig>,
    v6: Arc<ServerConfig>,
}

impl Hub {
    /// Takes no connections yet. `secret`: known to nobody else.
    pub fn new(main: Arc<Port>, port: Arc<Port>, schedule: Arc<Schedule>, secret: &Key) -> Hub {
        let endpoint = Endpoint::new(Arc::new(tuning::endpoint(secret)), None, true, None);
        Hub {
            main,
            port,
            schedule,
            switch: Mutex::new(Switch { endpoint, channels: HashMap::new() }),
            servers: ArcSwapOption::empty(),
            beginnings: Bucket::new(BEGINNINGS),
        }
    }

    /// From now on connections are taken, with this certificate.
    pub fn serve(&self, identity: &Identity) {
        let servers = Servers { v4: tuning::server(identity, true), v6: tuning::server(identity, false) };
        let mut switch = self.lock();
        if switch.channels.is_empty() {
            let config = Arc::new(tuning::endpoint(&identity.secret));
            switch.endpoint = Endpoint::new(config, None, true, None);
        }
        switch.endpoint.set_server_config(Some(servers.v4.clone()));
        drop(switch);
        self.servers.store(Some(Arc::new(servers)));
    }

    /// Takes datagrams of one sender, back to back. What comes of them lies in `inbox`; handshakes go to the thread.
    pub fn receive(&self, core: &Core, bytes: &[u8], stride: usize, source: SocketAddr, inbox: &mut Inbox) {
        let now = Instant::now();
        let mut data = BytesMut::from(bytes);
        let mut switch = self.lock();
        while !data.is_empty() {
            let datagram = data.split_to(stride.min(data.len()));
            if !self.is_worth(&datagram) {
                core.refusals.count(Cause::Quic);
                continue;
            }
            let is_beginning = datagram[0] & LONG != 0 && datagram[0] & KIND == 0;
            inbox.answer.clear();
            match switch.endpoint.handle(now, source, None, None, datagram, &mut inbox.answer) {
                Some(DatagramEvent::ConnectionEvent(handle, event)) => {
                    if let Some(channel) = switch.channels.get(&handle) {
                        inbox.events.push((channel.clone(), event));
                    }
                }
                Some(DatagramEvent::NewConnection(incoming)) => inbox.incoming.push(incoming),
                Some(DatagramEvent::Response(transmit)) => self.send(&inbox.answer, &transmit),
                // A beginning in several datagrams waits for the thread to look at the first.
                None if is_beginning => {}
                None => core.refusals.count(Cause::Quic),
            }
        }
    }

    /// Takes a connection that somebody wants, or has the sender prove its address first.
    pub fn accept(self: &Arc<Self>, incoming: Incoming, prove: bool) -> Option<Arc<Channel>> {
        let mut answer = Vec::new();
        let servers = self.servers.load_full();
        let mut switch = self.lock();
        let Some(servers) = servers else {
            switch.endpoint.ignore(incoming);
            return None;
        };
        if prove && incoming.may_retry() {
            match switch.endpoint.retry(incoming, &mut answer) {
                Ok(transmit) => self.send(&answer, &transmit),
                Err(refused) => switch.endpoint.ignore(refused.into_incoming()),
            }
            return None;
        }
        let is_ipv4 = incoming.remote_address().is_ipv4();
        let server = if is_ipv4 { servers.v4.clone() } else { servers.v6.clone() };
        match switch.endpoint.accept(incoming, Instant::now(), &mut answer, Some(server)) {
            Ok((handle, connection)) => Some(self.add(&mut switch, handle, connection)),
            Err(refused) => {
                if let Some(transmit) = refused.response {
                    self.send(&answer, &transmit);
                }
                None
            }
        }
    }

    /// Drops a beginning without a word.
    pub fn ignore(&self, incoming: Incoming) {
        self.lock().endpoint.ignore(incoming);
    }

    /// Begins a connection.
    pub fn connect(
        self: &Arc<Self>,
        config: ClientConfig,
        remote: SocketAddr,
        name: &str,
    ) -> Result<Arc<Channel>, ConnectError> {
        let mut switch = self.lock();
        let (handle, connection) = switch.endpoint.connect(Instant::now(), config, remote, name)?;
        Ok(self.add(&mut switch, handle, connection))
    }

    /// What a connection says to its endpoint; what that answers.
    pub fn exchange(&self, handle: ConnectionHandle, event: EndpointEvent) -> Option<ConnectionEvent> {
        let mut switch = self.lock();
        if !switch.channels.contains_key(&handle) {
            return None;
        }
        if event.is_drained() {
            switch.channels.remove(&handle);
        }
        switch.endpoint.handle_event(handle, event)
    }

    /// All connections there are; none is known any more.
    pub fn take(&self) -> Vec<Arc<Channel>> {
        std::mem::take(&mut self.lock().channels).into_values().collect()
    }

    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.lock().channels.len()
    }

    /// Sends one or more equal datagrams. What the socket does not take is lost, as on any line.
    pub fn send(&self, slab: &[u8], transmit: &Transmit) {
        let stride = transmit.segment_size.unwrap_or(transmit.size);
        let (range, target) = (0..transmit.size, transmit.destination);
        let departure = Departure { range, stride, target, flow: Flow::default() };
        let _lost = self.main.send_beneath(slab, &[departure], false);
    }

    fn add(
        self: &Arc<Self>,
        switch: &mut Switch,
        handle: ConnectionHandle,
        connection: Connection,
    ) -> Arc<Channel> {
        let channel = Arc::new(Channel::new(self.clone(), handle, connection, millis()));
        switch.channels.insert(handle, channel.clone());
        channel
    }

    /// Nothing is answered that says little, and beginnings are looked at so often only.
    fn is_worth(&self, datagram: &[u8]) -> bool {
        let [first, a, b, c, d, ..] = *datagram else { return false };
        if first & LONG == 0 {
            return true;
        }
        let is_beginning = first & KIND == 0;
        let is_known = u32::from_be_bytes([a, b, c, d]) == VERSION;
        let is_long = datagram.len() >= SHORTEST_BEGINNING;
        (is_known || is_long) && (!is_beginning || is_long && self.beginnings.take(millis()))
    }

    fn lock(&self) -> MutexGuard<'_, Switch> {
        self.switch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Bits of a first byte (RFC 9000 §17): of long headers, and of their kind.
const LONG: u8 = 0x80;
const KIND: u8 = 0x30;
