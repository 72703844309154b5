//! Programs of macOS that are called, by their whole path, with words and without a shell.

use std::process::Command;

use crate::answer::Refusal;

/// Runs one; what it printed.
pub fn run<Word: AsRef<str>>(action: &str, path: &str, words: &[Word]) -> Result<String, Refusal> {
    let ended = Command::new(path)
        .args(words.iter().map(AsRef::as_ref))
        .env_clear()
        .output()
        .map_err(|error| Refusal::of(action, error.to_string()))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    Err(Refusal::of(action, said.trim().lines().next().unwrap_or("it was refused")))
}

/// Addresses and settings of interfaces.
pub const IFCONFIG: &str = "/sbin/ifconfig";
/// Routes.
pub const ROUTE: &str = "/sbin/route";
/// Services.
pub const LAUNCHCTL: &str = "/bin/launchctl";
/// Users and groups.
pub const DSCL: &str = "/usr/bin/dscl";
