//! Ports of this machine that lead to a member's port, for whoever reaches this machine from outside: TCP and UDP, carried by
//! plain sockets on one thread.

mod datagrams;
mod service;
mod stream;

use super::calls::Plane;
use super::core::Core;
use super::options::{CallError, Called};
use super::worker::{Orders, Worker};
use service::Service;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Ports at one time.
const MOST: usize = 1_024;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;

/// What [`Plane::map_port`] takes.
pub struct PortMap {
    pub protocol: MappedProtocol,
    /// Where it is taken; port 0 is none.
    pub listen: SocketAddr,
    /// Where it leads.
    pub target: SocketAddr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappedProtocol {
    Tcp,
    Udp,
}

/// All mapped ports of this process.
#[derive(Default)]
pub struct MappedPorts {
    worker: Worker<Orders<Command>>,
    /// Held while ports come and go.
    ids: Mutex<Vec<u32>>,
}

enum Command {
    Map(u32, Listening, SocketAddr),
    /// Closes it and its connections, then answers.
    Unmap(u32, SyncSender<()>),
    Stop,
}

enum Listening {
    Tcp(TcpListener),
    Udp(UdpSocket),
}

impl Plane {
    /// Carries what comes to a port of this machine to another place; the id ends it.
    pub fn map_port(&self, map: &PortMap) -> Called<u32> {
        if map.listen.port() == 0 || map.target.port() == 0 {
            return Err(CallError::invalid("a mapped port has a number on both sides"));
        }
        let mut ids = self.core.mapped.ids();
        if ids.len() >= MOST {
            return Err(CallError::busy("too many ports are mapped"));
        }
        let listening = listen(map).map_err(CallError::system)?;
        let id = self.core.next_id();
        let command = Command::Map(id, listening, map.target);
        self.core.mapped.command(&self.core, command).map_err(CallError::system)?;
        ids.push(id);
        Ok(id)
    }

    /// Ends a mapped port and its connections.
    pub fn unmap_port(&self, id: u32) -> Called<()> {
        let mut ids = self.core.mapped.ids();
        let at = ids.iter().position(|known| *known == id);
        ids.remove(at.ok_or_else(|| CallError::missing("mapped port", &id.to_string()))?);
        let (answer, closed) = sync_channel(1);
        self.core.mapped.command(&self.core, Command::Unmap(id, answer)).map_err(CallError::system)?;
        drop(ids);
        // A thread that failed has dropped the other end, and everything with it.
        let _ = closed.recv();
        Ok(())
    }
}

impl MappedPorts {
    /// Ends everything.
    pub fn stop(&self) {
        // The thread looks at its commands again before long.
        self.worker.stop(|orders| drop(orders.give(Command::Stop)));
    }

    fn command(&self, core: &Arc<Core>, command: Command) -> io::Result<()> {
        let begin = || Orders::start("dp-mapped", core, |_, poll, commands| Service::new(poll).run(commands));
        self.worker.begin(begin, |orders| orders.map_or(Ok(()), |orders| orders.give(command)))?
    }

    fn ids(&self) -> MutexGuard<'_, Vec<u32>> {
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listen(map: &PortMap) -> io::Result<Listening> {
    let (kind, protocol) = match map.protocol {
        MappedProtocol::Tcp => (Type::STREAM, Protocol::TCP),
        MappedProtocol::Udp => (Type::DGRAM, Protocol::UDP),
    };
    let socket = Socket::new(Domain::for_address(map.listen), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if map.listen.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    #[cfg(unix)]
    if map.protocol == MappedProtocol::Tcp {
        // A port that was mapped a moment ago may be mapped again.
        socket.set_reuse_address(true)?;
    }
    socket.bind(&map.listen.into())?;
    Ok(match map.protocol {
        MappedProtocol::Tcp => {
            socket.listen(BACKLOG)?;
            Listening::Tcp(socket.into())
        }
        MappedProtocol::Udp => Listening::Udp(socket.into()),
    })
}
