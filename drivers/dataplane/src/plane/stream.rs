//! What a link's bytes flow through: a TCP connection, or one end of a pair whose other end the caller holds.

pub use crate::os::FarEnd;
use crate::os::NearEnd;
use mio::event::Source;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::Shutdown;

/// Read and written without waiting.
pub enum Stream {
    Tcp(TcpStream),
    Pair(NearEnd),
}

impl Stream {
    /// A pair of connected ends; the second one is the caller's.
    pub fn pair() -> io::Result<(Stream, FarEnd)> {
        let (near, far) = crate::os::pair()?;
        Ok((Stream::Pair(near), far))
    }

    /// Ends it in both directions.
    pub fn shut(&self) {
        // It may be over already.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            Stream::Pair(near) => near.shut(),
        };
    }
}

impl Read for &Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).read(room),
            Stream::Pair(near) => near.read(room),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).write(bytes),
            Stream::Pair(near) => near.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.register(registry, token, interest),
            Stream::Pair(near) => near.register(registry, token, interest),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.reregister(registry, token, interest),
            Stream::Pair(near) => near.reregister(registry, token, interest),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.deregister(registry),
            Stream::Pair(near) => near.deregister(registry),
        }
    }
}
