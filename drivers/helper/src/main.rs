//! Starmesh's privileged helper on Linux. An engine without rights asks it, over a unix socket, for an interface, addresses,
//! routes and the few other changes of the system that a network needs; it checks who asks and what for, and undoes all of
//! it when that engine is gone.

mod answer;
mod caller;
mod connection;
mod dns;
mod exit;
mod firewall;
mod link;
mod machine;
mod netlink;
mod nft;
mod outside;
mod passage;
mod prefix;
mod program;
mod record;
mod request;
mod session;
mod setting;
mod tun;

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::socket::{AddressFamily, Backlog, SockFlag, SockType, UnixAddr, accept4, bind, listen, socket};

use caller::{Allowed, Caller};
use machine::Machine;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("starmesh-helper: {complaint}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[String]) -> Result<(), String> {
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
    let listener = match handed_over() {
        Some(listener) => listener,
        None => open_socket(options).map_err(|error| format!("{}: {error}", options.socket.display()))?,
    };
    let machine = Arc::new(Machine::open(Some(options.folder.clone())));
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        let Ok(raw) = accept4(listener.as_raw_fd(), SockFlag::SOCK_CLOEXEC) else {
            // A client that went away again; or no descriptor is left, and then trying at once would be for nothing.
            std::thread::sleep(std::time::Duration::from_millis(50));
            continue;
        };
        // SAFETY: the kernel has just made it, and nobody else knows of it.
        let connection = unsafe { OwnedFd::from_raw_fd(raw) };
        let Ok(caller) = Caller::of(&connection) else { continue };
        if !options.allowed.holds(&caller) || open.load(Ordering::Relaxed) >= MOST_CLIENTS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (machine, open) = (Arc::clone(&machine), Arc::clone(&open));
        std::thread::spawn(move || {
            session::serve(&connection, caller.uid, machine);
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// The socket that systemd opened (sd_listen_fds(3)).
fn handed_over() -> Option<OwnedFd> {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    if number("LISTEN_PID")? != std::process::id() || number("LISTEN_FDS")? != 1 {
        return None;
    }
    // SAFETY: systemd gives this descriptor to this process, and it is taken once, here.
    Some(unsafe { OwnedFd::from_raw_fd(FIRST_HANDED_OVER) })
}

/// Everybody may connect; who is no caller is let go at once. With a group, its members alone may.
fn open_socket(options: &Options) -> io::Result<OwnedFd> {
    let path: &Path = &options.socket;
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let _ = std::fs::remove_file(path);
    let listener = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    bind(listener.as_raw_fd(), &UnixAddr::new(path)?)?;
    let mode = if options.allowed.group.is_some() { 0o660 } else { 0o666 };
    chown(path, None, options.allowed.group)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    listen(&listener, Backlog::new(16)?)?;
    Ok(listener)
}

fn group(name: &str) -> Result<u32, String> {
    let found = nix::unistd::Group::from_name(name).map_err(|errno| errno.to_string())?;
    found.map(|group| group.gid.as_raw()).ok_or_else(|| format!("there is no group {name}"))
}

const USAGE: &str = "usage: starmesh-helper stdin | listen [--socket PATH] [--folder DIR] [--user NUMBER]… [--group NAME] | undo";
const SOCKET: &str = "/run/starmesh/helper.sock";
/// Where records lie.
const FOLDER: &str = "/run/starmesh/records";
const FIRST_HANDED_OVER: i32 = 3;
const MOST_CLIENTS: usize = 64;
