//! Who is asked for names on this machine: systemd-resolved, or the servers that `/etc/resolv.conf` names.

use std::fs::{self, OpenOptions};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::FileExt;
use std::process::Command;

use crate::answer::Refusal;
use crate::domain::Domain;
use crate::program;
use crate::request::Device;

/// Where an engine answers for all of this machine, on loopback; the same as in `engine/name-service.ts`.
pub const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 83, 77, 53));

/// systemd-resolved asks a server by an interface for these domains, or for everything.
pub fn set_link(
    device: &Device,
    server: IpAddr,
    domains: &[Domain],
    everything: bool,
) -> Result<(), Refusal> {
    let device = device.as_ref();
    let mut routed: Vec<String> = domains.iter().map(|domain| format!("~{domain}")).collect();
    if everything {
        routed.push("~.".to_owned());
    }
    let mut ask: Vec<&str> = vec!["domain", device];
    ask.extend(routed.iter().map(String::as_str));
    resolvectl(&["dns", device, &server.to_string()])?;
    resolvectl(&ask)?;
    resolvectl(&["default-route", device, if everything { "yes" } else { "no" }])?;
    // Nobody above signs names that exist in this network alone.
    resolvectl(&["dnssec", device, "no"])
}

/// With its interface it is gone by itself; without systemd-resolved, too.
pub fn remove_link(device: &Device) {
    let _ = resolvectl(&["revert", device.as_ref()]);
}

/// The file names a server of ours before all others.
pub fn set_file() -> Result<(), Refusal> {
    let text = fs::read_to_string(FILE).unwrap_or_default();
    let wanted = with_server(&text);
    if wanted == text { Ok(()) } else { write(&wanted) }
}

/// Done also when it does not.
pub fn remove_file() -> Result<(), Refusal> {
    let text = fs::read_to_string(FILE).unwrap_or_default();
    let wanted = without_server(&text);
    if wanted == text { Ok(()) } else { write(&wanted) }
}

/// Written over and then cut, never emptied first, so that a crash leaves servers in it at any moment. The file itself
/// stays: it may be a link into another program's folder, or mounted.
fn write(text: &str) -> Result<(), Refusal> {
    let open = OpenOptions::new().write(true).create(true).truncate(false).open(FILE);
    open.and_then(|file| {
        file.write_all_at(text.as_bytes(), 0)?;
        file.set_len(text.len() as u64)
    })
    .map_err(|error| match error.kind() {
        std::io::ErrorKind::PermissionDenied => Refusal::NoPrivilege,
        _ => Refusal::of(format!("change {FILE}"), error.to_string()),
    })
}

/// The others stay: should ours be gone, they are asked.
fn with_server(text: &str) -> String {
    let rest = without_server(text);
    let names_others = rest.lines().any(|line| line.trim_start().starts_with("nameserver"));
    let others = if names_others { "" } else { "nameserver 127.0.0.1\n" };
    format!("{FIRST_LINE}\nnameserver {LOCAL}\n{others}{LAST_LINE}\n{rest}")
}

/// The text as it is without a server of ours, whatever else has been written into it since.
fn without_server(text: &str) -> String {
    let mut lines: Vec<&str> = text.split('\n').collect();
    while let Some(first) = lines.iter().position(|line| *line == FIRST_LINE) {
        let last = lines[first..].iter().position(|line| *line == LAST_LINE);
        // Where the end is missing, the first line alone is surely ours.
        lines.drain(first..=first + last.unwrap_or(0));
    }
    lines.join("\n")
}

fn resolvectl(arguments: &[&str]) -> Result<(), Refusal> {
    let refused = |detail: String| Refusal::of("look names up", detail);
    let program = program::find("resolvectl").ok_or_else(|| refused("resolvectl is missing".into()))?;
    let ended = Command::new(program)
        .args(arguments)
        .env_clear()
        .output()
        .map_err(|error| refused(error.to_string()))?;
    if ended.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(refused(said.trim().lines().next().unwrap_or("resolvectl failed").to_owned()))
}

const FILE: &str = "/etc/resolv.conf";
/// The same as in `src-main/system/resolver-file.ts`, so that either takes back what the other wrote.
const FIRST_LINE: &str =
    "# Starmesh answers first while it runs, and asks the servers below for all other names.";
const LAST_LINE: &str = "# End of what Starmesh wrote.";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_there_comes_back(lines in proptest::collection::vec("(nameserver 10.0.0.1|search a|# x|)", 0..6)) {
            let text = lines.join("\n");
            let changed = with_server(&text);
            prop_assert_eq!(without_server(&changed), text);
            prop_assert_eq!(with_server(&changed), changed);
        }
    }
}
