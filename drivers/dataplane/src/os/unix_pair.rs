//! A pair of connected unix sockets, of which the second leaves this crate.

use mio::event::Source;
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::OwnedFd;

/// Bytes that wait in each direction: what 2 Gbit/s bring while the caller is busy for a millisecond.
const QUEUE: usize = 256 << 10;

/// The caller's end: a descriptor that it owns.
pub type FarEnd = OwnedFd;

/// Our end, read and written without waiting.
pub struct NearEnd(UnixStream);

/// A new pair.
pub fn pair() -> io::Result<(NearEnd, FarEnd)> {
    let (near, far) = std::os::unix::net::UnixStream::pair()?;
    near.set_nonblocking(true)?;
    for end in [&near, &far] {
        socket2::SockRef::from(end).set_send_buffer_size(QUEUE)?;
    }
    Ok((NearEnd(UnixStream::from_std(near)), far.into()))
}

impl NearEnd {
    /// Ends it in both directions.
    pub fn shut(&self) -> io::Result<()> {
        self.0.shutdown(Shutdown::Both)
    }

    pub fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(room)
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }
}

impl Source for NearEnd {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.0.register(registry, token, interest)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.0.reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.0.deregister(registry)
    }
}
