//! What was changed for one client and outlives both ends of the connection: written down before it is done, so that also
//! the next helper after a kill can undo it.

use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};
use serde::{Deserialize, Serialize};

use crate::request::Setting;
use crate::{dns, exit, firewall, passage, setting};

/// A setting with what it was before.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Which.
    pub setting: Setting,
    /// What it was set to.
    pub value: String,
    /// What it was.
    pub before: String,
}

/// All that was changed; interfaces with their addresses and routes go with their descriptors.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Changes {
    version: u32,
    /// Network namespace: what was changed in another is none of this one's business.
    namespace: String,
    /// Settings of the kernel, in the order in which they were changed.
    pub settings: Vec<Changed>,
    /// Tables of packet rules.
    pub tables: Vec<String>,
    /// Marks of rules among those of other programs.
    pub firewalls: Vec<String>,
    /// An exit that is not to outlive its client.
    pub exit: bool,
    /// A server of ours in `/etc/resolv.conf`.
    pub dns_file: bool,
}

impl Changes {
    fn none() -> Changes {
        Changes {
            version: VERSION,
            namespace: namespace(),
            settings: vec![],
            tables: vec![],
            firewalls: vec![],
            exit: false,
            dns_file: false,
        }
    }

    /// Undoes all of it, last first; what somebody else has set since stays, what fails is left.
    pub fn undo(&self) {
        if self.dns_file {
            let _ = dns::remove_file();
        }
        if self.exit {
            exit::remove();
        }
        for change in self.settings.iter().rev() {
            change.undo();
        }
        for mark in &self.firewalls {
            let _ = firewall::close(mark);
        }
        for table in &self.tables {
            let _ = passage::remove(table);
        }
    }
}

impl Changed {
    /// What somebody else has set since stays.
    pub fn undo(&self) {
        if setting::read(&self.setting).as_deref() == Some(&self.value) {
            let _ = setting::write(&self.setting, &self.before);
        }
    }
}

/// The changes of one client, on disk where there is a folder. The lock on the file says that somebody undoes them.
#[derive(Debug)]
pub struct Record {
    changes: Changes,
    file: Option<(PathBuf, Flock<File>)>,
}

impl Record {
    /// A record without changes; `name` is this process's own.
    pub fn new(folder: Option<&Path>, name: &str) -> Record {
        let path = folder.map(|folder| folder.join(format!("{name}{ENDING}")));
        Record {
            changes: Changes::none(),
            file: path.and_then(|path| Some((path.clone(), lock(&path, true)?))),
        }
    }

    /// What was changed.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Notes a change before it is made, or after it was undone.
    pub fn note(&mut self, edit: impl FnOnce(&mut Changes)) {
        edit(&mut self.changes);
        if let Some((_, file)) = &self.file {
            save(file, &self.changes);
        }
    }

    /// Forgets all that was noted, with its file.
    pub fn forget(&mut self) {
        self.changes = Changes::none();
        if let Some((path, _file)) = self.file.take() {
            let _ = fs::remove_file(path);
        }
    }
}

/// Undoes what helpers have left that were killed: their records are locked by nobody.
pub fn undo_orphans(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if !path.to_string_lossy().ends_with(ENDING) {
            continue;
        }
        let Some(file) = lock(&path, false) else { continue };
        let changes: Option<Changes> = load(&file);
        if changes.as_ref().is_some_and(|changes| changes.namespace != namespace()) {
            continue;
        }
        if let Some(changes) = changes {
            changes.undo();
        }
        let _ = fs::remove_file(&path);
    }
}

/// Whose exit it is that stays on purpose when its client ends.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StrictExit {
    version: u32,
    namespace: String,
    /// The user who may change it, or take it away.
    pub uid: u32,
}

impl StrictExit {
    /// The one that was noted in this network namespace.
    pub fn read(folder: &Path) -> Option<StrictExit> {
        let kept: StrictExit = load(&File::open(folder.join(STRICT)).ok()?)?;
        (kept.namespace == namespace()).then_some(kept)
    }

    /// Notes whose it is; none: there is none any more.
    pub fn write(folder: &Path, uid: Option<u32>) {
        let path = folder.join(STRICT);
        let Some(uid) = uid else {
            let _ = fs::remove_file(path);
            return;
        };
        if let Some(file) = lock(&path, true) {
            save(&file, &StrictExit { version: VERSION, namespace: namespace(), uid });
        }
    }
}

fn lock(path: &Path, create: bool) -> Option<Flock<File>> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(create).truncate(false).mode(0o600);
    Flock::lock(options.open(path).ok()?, FlockArg::LockExclusiveNonblock).ok()
}

/// One line, written over the one before and then cut, so that a kill leaves one of them.
fn save(file: &File, content: &impl Serialize) {
    let Ok(text) = serde_json::to_string(content) else { return };
    let line = format!("{text}\n");
    if file.write_all_at(line.as_bytes(), 0).is_ok() {
        let _ = file.set_len(line.len() as u64);
    }
}

/// None where it is damaged, or empty because nothing was changed yet.
fn load<Content: for<'a> Deserialize<'a>>(mut file: &File) -> Option<Content> {
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(text.lines().next()?).ok()
}

fn namespace() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let link = fs::read_link("/proc/self/ns/net").unwrap_or_default();
    format!("{} {}", boot.trim(), link.display())
}

const VERSION: u32 = 1;
const ENDING: &str = ".record.json";
const STRICT: &str = "strict-exit.json";
