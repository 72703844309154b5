//! What the helper is started for on Linux, by the words that it is called with.

use std::io;
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::Arc;

use crate::caller::{Allowed, Caller, group};
use crate::machine::Machine;
use crate::{listener, outside, session};

/// Does it.
pub fn run(words: &[String]) -> Result<(), String> {
    let (verb, rest) = words.split_first().ok_or(USAGE)?;
    // Whoever may start it by pkexec, or by its file's capability, chooses its words: one verb, no options.
    let is_ours = nix::unistd::getuid().is_root() && std::env::var_os("PKEXEC_UID").is_none();
    match (verb.as_str(), rest) {
        ("stdin", []) => serve_stdin(),
        ("listen", options) if is_ours => serve_socket(&Options::parse(options)?),
        ("undo", options) if is_ours => {
            Machine::open(Some(Options::parse(options)?.folder)).clear();
            outside::close_all();
            Ok(())
        }
        _ => Err(USAGE.into()),
    }
}

struct Options {
    socket: PathBuf,
    folder: PathBuf,
    allowed: Allowed,
}

impl Options {
    fn parse(words: &[String]) -> Result<Options, String> {
        let mut options =
            Options { socket: SOCKET.into(), folder: FOLDER.into(), allowed: Allowed::default() };
        for pair in words.chunks(2) {
            let [name, value] = pair else { return Err(USAGE.into()) };
            match name.as_str() {
                "--socket" => options.socket = value.into(),
                "--folder" => options.folder = value.into(),
                "--user" => options.allowed.uids.push(value.parse().map_err(|_| USAGE)?),
                "--group" => options.allowed.group = Some(group(value)?),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }
}

/// Standard input is the connection, made by whom this process was started for.
fn serve_stdin() -> Result<(), String> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    let caller = Caller::of(&stdin).map_err(|_| "standard input is no connection of an engine")?;
    let user = match std::env::var("PKEXEC_UID") {
        Ok(text) => text.parse().map_err(|_| "PKEXEC_UID is no user")?,
        Err(_) => nix::unistd::getuid().as_raw(),
    };
    if caller.uid != user {
        return Err("the connection is another user's".into());
    }
    let folder = nix::unistd::geteuid().is_root().then(|| PathBuf::from(FOLDER));
    session::serve(&stdin, caller.uid, Arc::new(Machine::open(folder)));
    Ok(())
}

fn serve_socket(options: &Options) -> Result<(), String> {
    let Options { socket, folder, allowed } = options;
    let listener = match handed_over() {
        Some(listener) => listener,
        None => {
            listener::open(socket, allowed.group).map_err(|error| format!("{}: {error}", socket.display()))?
        }
    };
    let machine = Arc::new(Machine::open(Some(folder.clone())));
    listener::serve_all(&listener, allowed, move |connection, uid| {
        session::serve(&connection, uid, Arc::clone(&machine));
    })
}

/// The socket that systemd opened (sd_listen_fds(3)).
fn handed_over() -> Option<UnixListener> {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID")? != std::process::id() || number("LISTEN_FDS")? != 1 {
        return None;
    }
    // SAFETY: systemd gives this descriptor to this process, and it is taken once, here.
    Some(unsafe { OwnedFd::from_raw_fd(FIRST_HANDED_OVER) }.into())
}

const USAGE: &str = "usage: starmesh-helper stdin | listen [--socket PATH] [--folder DIR] [--user NUMBER]… [--group NAME] | undo";
const SOCKET: &str = "/run/starmesh/helper.sock";
/// Where records lie.
const FOLDER: &str = "/run/starmesh/records";
const FIRST_HANDED_OVER: i32 = 3;
