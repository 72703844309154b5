//! One TCP connection that is carried on to a target: bytes both ways, each way's end by itself, a break to both.

use crate::os::Pipe;
use mio::net::TcpStream;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

/// Moves of one direction before others get their turn.
const MOVES: usize = 32;
/// A silent connection is asked whether it lives.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Where a connection is after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It waits for either end.
    Waits,
    /// There may be more to move.
    Again,
    /// Both ways are over.
    Over,
    /// It broke: whoever is left is told by a reset.
    Broken,
}

/// Who asked, and the target.
pub struct Stream {
    near: TcpStream,
    far: TcpStream,
    /// The target took the connection.
    stands: bool,
    there: Way,
    back: Way,
}

struct Way {
    pipe: Pipe,
    /// No more comes; and everything was given on, and the end, too.
    ended: bool,
    over: bool,
}

impl Stream {
    /// Begins to connect to the target.
    pub fn open(near: TcpStream, target: SocketAddr) -> io::Result<Stream> {
        let far = TcpStream::connect(target)?;
        for end in [&near, &far] {
            let _ = end.set_nodelay(true);
            let keepalive = TcpKeepalive::new().with_time(KEEPALIVE);
            let _ = SockRef::from(end).set_tcp_keepalive(&keepalive);
        }
        Ok(Stream { near, far, stands: false, there: Way::new()?, back: Way::new()? })
    }

    /// To be registered under tokens of their own.
    pub fn ends(&mut self) -> [&mut TcpStream; 2] {
        [&mut self.near, &mut self.far]
    }

    /// Its ends are closed in order from now on, not by a reset.
    pub fn keep(&self) {
        let _ = SockRef::from(&self.near).set_linger(None);
    }

    /// Moves what there is to move.
    pub fn run(&mut self) -> Turn {
        match self.try_run() {
            Ok(turn) => turn,
            Err(_) => {
                self.reset();
                Turn::Broken
            }
        }
    }

    /// Closes it so that both ends know it did not end well.
    pub fn reset(&self) {
        for end in [&self.near, &self.far] {
            let _ = SockRef::from(end).set_linger(Some(Duration::ZERO));
        }
    }

    fn try_run(&mut self) -> io::Result<Turn> {
        if !self.stands {
            if let Some(error) = self.far.take_error()? {
                return Err(error);
            }
            match self.far.peer_addr() {
                Ok(_) => self.stands = true,
                Err(error) if error.kind() == io::ErrorKind::NotConnected => return Ok(Turn::Waits),
                Err(error) => return Err(error),
            }
        }
        let there = self.there.carry(&self.near, &self.far)?;
        let back = self.back.carry(&self.far, &self.near)?;
        Ok(match (self.there.over && self.back.over, there || back) {
            (true, _) => Turn::Over,
            (false, true) => Turn::Again,
            (false, false) => Turn::Waits,
        })
    }
}

impl Way {
    fn new() -> io::Result<Way> {
        Ok(Way { pipe: Pipe::new()?, ended: false, over: false })
    }

    /// True if its turn ended before there was nothing more to move.
    fn carry(&mut self, from: &TcpStream, to: &TcpStream) -> io::Result<bool> {
        for _ in 0..MOVES {
            if self.over {
                return Ok(false);
            }
            let mut moved = false;
            if !self.ended
                && let Some(taken) = now(|| self.pipe.fill(from))?
            {
                self.ended = taken == 0;
                moved = true;
            }
            while !self.pipe.is_empty()
                && let Some(given) = now(|| self.pipe.drain(to))?
            {
                moved |= given > 0;
            }
            if self.ended && self.pipe.is_empty() {
                to.shutdown(Shutdown::Write)?;
                self.over = true;
            }
            if !moved {
                return Ok(false);
            }
        }
        Ok(!self.over)
    }
}

/// `None`: not now.
fn now(mut moving: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match moving() {
            Ok(moved) => return Ok(Some(moved)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
