//! What a link's bytes flow through: a TCP connection, or one end of a pair whose other end the caller holds.

use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use std::net::Shutdown;
#[cfg(unix)]
use std::os::fd::OwnedFd;

/// Bytes that wait in each direction of a pair: what 2 Gbit/s bring while the caller is busy for a millisecond.
#[cfg(unix)]
const QUEUE: usize = 256 << 10;

/// Read and written without waiting.
pub enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Pair(UnixStream),
}

impl Stream {
    /// A pair of connected ends; the second one is the caller's.
    #[cfg(unix)]
    pub fn pair() -> io::Result<(Stream, OwnedFd)> {
        let (near, far) = std::os::unix::net::UnixStream::pair()?;
        near.set_nonblocking(true)?;
        for end in [&near, &far] {
            socket2::SockRef::from(end).set_send_buffer_size(QUEUE)?;
        }
        Ok((Stream::Pair(UnixStream::from_std(near)), far.into()))
    }

    /// Ends it in both directions.
    pub fn shut(&self) {
        // It may be over already.
        let _ = match self {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Both),
            #[cfg(unix)]
            Stream::Pair(stream) => stream.shutdown(Shutdown::Both),
        };
    }
}

impl Read for &Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).read(room),
            #[cfg(unix)]
            Stream::Pair(stream) => (&mut &*stream).read(room),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => (&mut &*stream).write(bytes),
            #[cfg(unix)]
            Stream::Pair(stream) => (&mut &*stream).write(bytes),
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
            #[cfg(unix)]
            Stream::Pair(stream) => stream.register(registry, token, interest),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.reregister(registry, token, interest),
            #[cfg(unix)]
            Stream::Pair(stream) => stream.reregister(registry, token, interest),
        }
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.deregister(registry),
            #[cfg(unix)]
            Stream::Pair(stream) => stream.deregister(registry),
        }
    }
}
