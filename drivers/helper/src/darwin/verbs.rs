//! What the helper is started for on macOS, by the words that it is called with.

use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::caller::{Allowed, group};
use crate::darwin::callers::Callers;
use crate::darwin::{install, launchd, names, session};
use crate::listener;

/// Does it.
pub fn run(words: &[String]) -> Result<(), String> {
    // Started by an administrator's leave it is root in effect alone, and programs that it calls look at more.
    nix::unistd::setuid(nix::unistd::ROOT).map_err(|_| "this needs root")?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (verb, rest) = words.split_first().ok_or(USAGE)?;
    let (service, rest) = match rest {
        ["--service", rest @ ..] => (true, rest),
        _ => (false, rest),
    };
    let callers = Callers::parse(rest).ok_or(USAGE)?;
    match *verb {
        "listen" if !service => listen(&callers),
        "install" => install::install(&callers, service),
        "uninstall" => install::uninstall(&callers, service),
        _ => Err(USAGE.into()),
    }
}

/// What helpers before this one have left is taken away: there is but one, and launchd starts it.
fn listen(callers: &Callers) -> Result<(), String> {
    let group = callers.group.as_deref().map(group).transpose()?;
    let allowed = Allowed { uids: callers.users.clone(), group };
    let listener = launchd::handed_over().ok_or("launchd alone starts this")?;
    names::remove_all(Path::new(names::FOLDER));
    listener::serve_all(&UnixListener::from(listener), &allowed, |connection, _| session::serve(&connection))
}

const USAGE: &str = "usage: starmesh-helper install|uninstall [--service] [--user NUMBER]… | listen [--user NUMBER]… [--group NAME]";
