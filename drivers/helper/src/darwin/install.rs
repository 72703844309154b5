//! Lays the helper for launchd, and takes it away: called by root alone.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;

use crate::answer::Refusal;
use crate::darwin::callers::{Callers, LABEL, PROGRAM, SOCKET};
use crate::darwin::tool::{LAUNCHCTL, run};
use crate::darwin::{account, names};

/// Lets these ask, too. `service`: also the user of an engine that is a service, who is made.
pub fn install(callers: &Callers, service: bool) -> Result<(), String> {
    if service {
        account::make().map_err(said)?;
    }
    let all = present().with(callers).with(&of_service(service));
    if all.is_empty() {
        return Err("nobody is named who may ask".into());
    }
    lay(&all)
}

/// These ask no more; without anybody left the helper goes.
pub fn uninstall(callers: &Callers, service: bool) -> Result<(), String> {
    let left = present().without(callers).without(&of_service(service));
    if service {
        account::remove();
    }
    if !left.is_empty() {
        return lay(&left);
    }
    unload();
    for path in [LIST, PROGRAM, SOCKET] {
        let _ = fs::remove_file(path);
    }
    names::remove_all(Path::new(names::FOLDER));
    Ok(())
}

fn of_service(service: bool) -> Callers {
    Callers { users: vec![], group: service.then(|| account::NAME.to_owned()) }
}

fn present() -> Callers {
    fs::read_to_string(LIST).map(|list| Callers::read(&list)).unwrap_or_default()
}

fn lay(callers: &Callers) -> Result<(), String> {
    unload();
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    if own != Path::new(PROGRAM) {
        let bytes = fs::read(own).map_err(|error| error.to_string())?;
        write(PROGRAM, &bytes, 0o755).map_err(|error| format!("{PROGRAM}: {error}"))?;
    }
    write(LIST, callers.property_list().as_bytes(), 0o644).map_err(|error| format!("{LIST}: {error}"))?;
    // What was unloaded may take a moment to go, and is in the way until then.
    let load = || run("start the helper", LAUNCHCTL, &["bootstrap", "system", LIST]);
    let mut loaded = load();
    for _ in 0..TRIES {
        if loaded.is_ok() {
            break;
        }
        std::thread::sleep(PAUSE);
        loaded = load();
    }
    loaded.map(drop).map_err(said)
}

fn unload() {
    let _ = run("stop the helper", LAUNCHCTL, &["bootout", &format!("system/{LABEL}")]);
}

/// In one step, and root's.
fn write(path: &str, bytes: &[u8], mode: u32) -> io::Result<()> {
    let path = Path::new(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let fresh = path.with_extension("new");
    let _ = fs::remove_file(&fresh);
    fs::write(&fresh, bytes)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(mode))?;
    chown(&fresh, Some(0), Some(0))?;
    fs::rename(&fresh, path)
}

fn said(refusal: Refusal) -> String {
    match refusal {
        Refusal::System { action, detail } => format!("cannot {action}: {detail}"),
        _ => "this needs root".into(),
    }
}

const TRIES: u32 = 20;
const PAUSE: std::time::Duration = std::time::Duration::from_millis(250);
const LIST: &str = "/Library/LaunchDaemons/io.starmesh.helper.plist";
