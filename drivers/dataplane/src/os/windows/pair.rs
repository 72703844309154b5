//! A named pipe whose other end the caller opens: Windows hands no socket over to Node.

use mio::event::Source;
use mio::windows::NamedPipe;
use mio::{Interest, Registry, Token};
use std::io::{self, Read, Write};
use windows_sys::Win32::Foundation::ERROR_PIPE_LISTENING;

/// The caller's end: the name of a pipe, which nobody can guess and which it opens once.
pub type FarEnd = String;

/// Our end, read and written without waiting; before the caller is there it takes nothing.
pub struct NearEnd(NamedPipe);

/// A new pair.
pub fn pair() -> io::Result<(NearEnd, FarEnd)> {
    let mut secret = [0; 16];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let name = format!(r"\\.\pipe\starmesh-{:032x}", u128::from_ne_bytes(secret));
    Ok((NearEnd(NamedPipe::new(&name)?), name))
}

impl NearEnd {
    /// Ends it in both directions.
    pub fn shut(&self) -> io::Result<()> {
        self.0.disconnect()
    }

    pub fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        waiting((&self.0).read(room))
    }

    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        waiting((&self.0).write(bytes))
    }
}

/// As long as nobody opened the other end, there is nothing now.
fn waiting(done: io::Result<usize>) -> io::Result<usize> {
    match done {
        Err(error) if error.raw_os_error() == Some(ERROR_PIPE_LISTENING as i32) => {
            Err(io::ErrorKind::WouldBlock.into())
        }
        done => done,
    }
}

impl Source for NearEnd {
    fn register(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.0.register(registry, token, interest)?;
        match self.0.connect() {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(()),
        }
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interest: Interest) -> io::Result<()> {
        self.0.reregister(registry, token, interest)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.0.deregister(registry)
    }
}
