//! A thread that serves until the data plane stops: begun by the first who has something for it, ended once for all.

use super::core::Core;
use super::thread;
use mio::{Poll, Token, Waker};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// Of the waker..
const WAKE: Token = Token(0);

/// One thread, begun or not. `T`: what others reach it by.
pub struct Worker<T> {
    state: Mutex<State<T>>,
}

struct State<T> {
    running: Option<(JoinHandle<()>, T)>,
    stopped: bool,
}

impl<T> Default for Worker<T> {
    fn default() -> Worker<T> {
        Worker { state: Mutex::new(State { running: None, stopped: false }) }
    }
}

impl<T> Worker<T> {
    /// Begins the thread if none runs, and acts, one caller at a time. `None`: it was stopped.
    pub fn begin<R>(
        &self,
        begin: impl FnOnce() -> io::Result<(JoinHandle<()>, T)>,
        act: impl FnOnce(Option<&T>) -> R,
    ) -> io::Result<R> {
        let mut state = self.lock();
        if state.running.is_none() && !state.stopped {
            state.running = Some(begin()?);
        }
        Ok(act(state.running.as_ref().map(|(_, reached)| reached)))
    }

    /// Acts if the thread runs.
    pub fn reach<R>(&self, act: impl FnOnce(&T) -> R) -> Option<R> {
        self.lock().running.as_ref().map(|(_, reached)| act(reached))
    }

    /// Ends the thread, which does so when it is told, and waits for it. No other is begun.
    pub fn stop(&self, tell: impl FnOnce(&T)) {
        let mut state = self.lock();
        state.stopped = true;
        let Some((handle, reached)) = state.running.take() else { return };
        drop(state);
        tell(&reached);
        // A panic inside was told as an event.
        let _ = handle.join();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Commands for a thread that waits on a poll.
pub struct Orders<C> {
    commands: Sender<C>,
    waker: Arc<Waker>,
}

impl<C: Send + 'static> Orders<C> {
    /// Starts a thread that takes them whenever its poll returns.
    pub fn start(
        name: &str,
        core: &Arc<Core>,
        run: impl FnOnce(&Core, Poll, &Receiver<C>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<(JoinHandle<()>, Orders<C>)> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKE)?);
        let (commands, taken) = channel();
        let held = waker.clone();
        let serve = move |core: &Core| {
            // Were it dropped elsewhere right after waking, the poll would never see it.
            let _held = held;
            run(core, poll, &taken)
        };
        let handle = thread::start(name, core, None, || false, serve)?;
        Ok((handle, Orders { commands, waker }))
    }

    /// A thread that failed, which told so, takes none any more.
    pub fn give(&self, command: C) -> io::Result<()> {
        match self.commands.send(command) {
            Ok(()) => self.waker.wake(),
            Err(_) => Ok(()),
        }
    }
}
