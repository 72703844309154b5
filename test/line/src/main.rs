//! A line between two interfaces: frames that come in at one go out at the other, as late and as few as it is told.
//!
//! `line DEVICE DEVICE SEED`; `there` is from the first to the second. It prints `ready`, then answers each line of its
//! standard input (`command.rs`) with one of its own, and ends with that input.

mod chance;
mod command;
mod direction;
mod frame;
mod impairment;
mod packet;
mod system;

use command::{Command, parse};
use direction::Direction;
use frame::{Frame, Pool};
use packet::PacketSocket;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use system::Wake;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [one, other, seed] = arguments.as_slice() else {
        eprintln!("line DEVICE DEVICE SEED");
        return ExitCode::from(2);
    };
    let Ok(seed) = seed.parse() else {
        eprintln!("the seed is a number");
        return ExitCode::from(2);
    };
    match Line::open(one, other, seed).and_then(|mut line| line.run()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

struct Line {
    /// Of the first and the second interface.
    sockets: [PacketSocket; 2],
    /// What goes from the first to the second, and back.
    directions: [Direction; 2],
    pool: Pool,
    /// Where the next frames are read into.
    inbox: Vec<Frame>,
    outbox: Vec<Frame>,
    input: File,
    /// What was read of a line that is not whole yet.
    typed: Vec<u8>,
}

impl Line {
    fn open(one: &str, other: &str, seed: u64) -> io::Result<Line> {
        let mut pool = Pool::default();
        Ok(Line {
            sockets: [PacketSocket::open(one)?, PacketSocket::open(other)?],
            directions: [Direction::new(seed.wrapping_mul(2)), Direction::new(seed.wrapping_mul(2) + 1)],
            inbox: (0..BATCH).map(|_| pool.take()).collect(),
            outbox: Vec::with_capacity(BATCH),
            // Unbuffered: what was read already would wake nobody.
            input: File::from(io::stdin().as_fd().try_clone_to_owned()?),
            typed: Vec::new(),
            pool,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        system::be_precise()?;
        say("ready")?;
        loop {
            let mut passes = false;
            for side in 0..2 {
                passes |= self.take_in(side)?;
                passes |= self.let_out(side)?;
            }
            // Under load frames come in batches, which is what keeps this cheap.
            if passes {
                system::rest(REST_NANOS);
            }
            let due = self.directions.iter().filter_map(Direction::next_due).min();
            let wake = system::wait([self.sockets[0].fd(), self.sockets[1].fd()], due)?;
            if wake == Wake::Typed && !self.obey()? {
                return Ok(());
            }
        }
    }

    /// Reads what came in at one side; true when anything did.
    fn take_in(&mut self, side: usize) -> io::Result<bool> {
        let mut came = false;
        loop {
            let now = system::now();
            let count = self.sockets[side].receive(&mut self.inbox)?;
            for place in &mut self.inbox[..count] {
                let frame = std::mem::replace(place, self.pool.take());
                self.directions[side].enter(frame, now, &mut self.pool);
            }
            came |= count > 0;
            if count < BATCH {
                return Ok(came);
            }
        }
    }

    /// Sends what is due at the other side; true when anything was.
    fn let_out(&mut self, side: usize) -> io::Result<bool> {
        let mut went = false;
        loop {
            let now = system::now();
            while self.outbox.len() < BATCH
                && let Some(frame) = self.directions[side].leave(now)
            {
                self.outbox.push(frame);
            }
            if self.outbox.is_empty() {
                return Ok(went);
            }
            went = true;
            let refused = self.sockets[1 - side].send(&self.outbox)?;
            self.directions[side].note_overrun(refused as u64);
            self.outbox.drain(..).for_each(|frame| self.pool.give(frame));
        }
    }

    /// Reads and answers lines; false at their end.
    fn obey(&mut self) -> io::Result<bool> {
        let mut bytes = [0; 4096];
        let count = self.input.read(&mut bytes)?;
        self.typed.extend_from_slice(&bytes[..count]);
        while let Some(end) = self.typed.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = self.typed.drain(..=end).collect();
            let answer = match parse(&String::from_utf8_lossy(&line)) {
                Ok(command) => self.answer(command)?,
                Err(refusal) => format!("refused: {refusal}"),
            };
            say(&answer)?;
        }
        Ok(count > 0 && self.typed.len() < MAX_LINE)
    }

    fn answer(&mut self, command: Command) -> io::Result<String> {
        match command {
            Command::Set { there, back, impairment } => {
                let chosen = [there, back];
                for (direction, _) in self.directions.iter_mut().zip(chosen).filter(|(_, chosen)| *chosen) {
                    direction.set(impairment);
                }
                Ok("done".into())
            }
            Command::Counters => {
                for (direction, socket) in self.directions.iter_mut().zip(&self.sockets) {
                    direction.note_overrun(socket.missed()?);
                }
                let [there, back] = &mut self.directions;
                Ok(format!("{{\"there\":{},\"back\":{}}}", there.take_counters(), back.take_counters()))
            }
        }
    }
}

fn say(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Frames that one system call moves.
const BATCH: usize = 64;
const REST_NANOS: u64 = 50_000;
const MAX_LINE: usize = 4096;
