//! What all clients of a helper share: the one exit of the machine, and where records are kept.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::answer::Refusal;
use crate::exit;
use crate::record::{StrictExit, undo_orphans};
use crate::request::Exit;

/// The machine, or its network namespace.
#[derive(Debug)]
pub struct Machine {
    folder: Option<PathBuf>,
    is_root: bool,
    exit: Mutex<Option<Holder>>,
}

/// Whose the exit is.
#[derive(Debug, Clone, Copy)]
struct Holder {
    uid: u32,
    /// None when that client is gone.
    client: Option<u64>,
    strict: bool,
}

impl Machine {
    /// Undoes what helpers before this one have left; a strict exit stays, for its user.
    pub fn open(folder: Option<PathBuf>) -> Machine {
        let folder = folder.filter(|folder| std::fs::create_dir_all(folder).is_ok());
        if let Some(folder) = &folder {
            undo_orphans(folder);
        }
        let kept = folder.as_deref().and_then(StrictExit::read);
        let exit = kept.map(|kept| Holder { uid: kept.uid, client: None, strict: true });
        let is_root = nix::unistd::geteuid().is_root();
        Machine { folder, is_root, exit: Mutex::new(exit) }
    }

    /// Where records are kept; none: nowhere.
    pub fn folder(&self) -> Option<&std::path::Path> {
        self.folder.as_deref()
    }

    /// Whether this process may do all; else interfaces and routes alone.
    pub fn is_root(&self) -> bool {
        self.is_root
    }

    /// Makes this the exit, unless it is another user's.
    pub fn set_exit(&self, uid: u32, client: u64, wish: &Exit) -> Result<(), Refusal> {
        let mut holder = self.holder();
        self.demand_exit(uid, *holder)?;
        // Noted before it is done, and forgotten when it is undone.
        if let Some(folder) = self.folder.as_deref().filter(|_| wish.strict) {
            StrictExit::write(folder, Some(uid));
        }
        exit::set(wish)?;
        if let Some(folder) = self.folder.as_deref().filter(|_| !wish.strict) {
            StrictExit::write(folder, None);
        }
        *holder = Some(Holder { uid, client: Some(client), strict: wish.strict });
        Ok(())
    }

    /// Takes the exit away; nothing where there is none of any client's.
    pub fn remove_exit(&self, uid: u32) -> Result<(), Refusal> {
        let mut holder = self.holder();
        if holder.is_none() {
            return Ok(());
        }
        self.demand_exit(uid, *holder)?;
        self.clear_exit(&mut holder);
        Ok(())
    }

    /// A client is gone: its exit goes with it, unless it was strict.
    pub fn leave(&self, client: u64) {
        let mut holder = self.holder();
        match &mut *holder {
            Some(held) if held.client == Some(client) && held.strict => held.client = None,
            Some(held) if held.client == Some(client) => self.clear_exit(&mut holder),
            _ => {}
        }
    }

    /// Takes away a strict exit that was left, whoever's it is.
    pub fn clear(&self) {
        let mut holder = self.holder();
        if holder.is_some() {
            self.clear_exit(&mut holder);
        }
    }

    fn clear_exit(&self, holder: &mut Option<Holder>) {
        exit::remove();
        if let Some(folder) = &self.folder {
            StrictExit::write(folder, None);
        }
        *holder = None;
    }

    fn demand_exit(&self, uid: u32, holder: Option<Holder>) -> Result<(), Refusal> {
        let is_others = match holder {
            Some(held) => held.uid != uid,
            // Of an engine that runs as root and needs no helper. Without records there is no telling.
            None => self.folder.is_some() && exit::is_there(),
        };
        if is_others && uid != 0 {
            let action = "send what goes to the internet through a member";
            return Err(Refusal::of(action, "another user's Starmesh on this machine does that already"));
        }
        Ok(())
    }

    fn holder(&self) -> MutexGuard<'_, Option<Holder>> {
        self.exit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
