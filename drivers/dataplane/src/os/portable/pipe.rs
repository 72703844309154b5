//! Bytes from one socket to another, through memory.

use std::io::{self, Read, Write};

/// Bytes on their way from one socket to another.
pub struct Pipe {
    bytes: Vec<u8>,
    given: usize,
    held: usize,
}

impl Pipe {
    pub fn new() -> io::Result<Pipe> {
        Ok(Pipe { bytes: vec![0; 256 << 10], given: 0, held: 0 })
    }

    /// Whether everything that was taken was given on.
    pub fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// Takes what a socket has; 0 at its end, `WouldBlock` when it has nothing now or there is no room.
    pub fn fill(&mut self, mut from: &mio::net::TcpStream) -> io::Result<usize> {
        if self.held > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.given = 0;
        self.held = from.read(&mut self.bytes)?;
        Ok(self.held)
    }

    /// Gives to a socket what it takes.
    pub fn drain(&mut self, mut to: &mio::net::TcpStream) -> io::Result<usize> {
        let moved = to.write(&self.bytes[self.given..self.given + self.held])?;
        self.given += moved;
        self.held -= moved;
        Ok(moved)
    }
}
