//! What is asked of nftables through its program `nft`, always with all that it is to do as one transaction.

use std::io::Write;
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Output, Stdio};

use nix::sys::socket::{AddressFamily, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, socket};

use crate::answer::Refusal;
use crate::program;

/// Carries out commands of nft(8), all or none.
pub fn load(text: &str) -> Result<(), Refusal> {
    let ended = run(&["-f", "-"], text)?;
    let said = String::from_utf8_lossy(&ended.stderr);
    if ended.status.success() {
        Ok(())
    } else if said.contains("Operation not permitted") {
        Err(Refusal::NoPrivilege)
    } else {
        Err(refused(said.lines().next().unwrap_or_default().to_owned()))
    }
}

/// What a list command of nft(8) prints as JSON, with handles; none when it was refused.
pub fn list(command: &[&str]) -> Result<Option<Vec<u8>>, Refusal> {
    let words: Vec<&str> = ["--json", "--handle"].iter().chain(command).copied().collect();
    let ended = run(&words, "")?;
    Ok(ended.status.success().then_some(ended.stdout))
}

/// A socket that the kernel tells of every change of rules (include/uapi/linux/netfilter/nfnetlink.h). Whoever gets it can ask
/// for nothing by it that it may not ask for anyway.
pub fn watch() -> Result<OwnedFd, Refusal> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let protocol = SockProtocol::NetlinkNetFilter;
    let open = || {
        let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
        bind(socket.as_raw_fd(), &NetlinkAddr::new(0, RULE_CHANGES))?;
        Ok(socket)
    };
    open().map_err(|errno| Refusal::by_kernel("hear of changes of packet rules", errno))
}

fn run(words: &[&str], input: &str) -> Result<Output, Refusal> {
    let nft = program::find("nft")
        .ok_or_else(|| refused("the program nft is missing; install the package nftables".into()))?;
    let mut child = Command::new(nft)
        .args(words)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| refused(error.to_string()))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A child that ended early says why.
        let _ = pipe.write_all(input.as_bytes());
    }
    child.wait_with_output().map_err(|error| refused(error.to_string()))
}

fn refused(detail: String) -> Refusal {
    Refusal::of("set rules for packets that pass through", detail)
}

/// The group NFNLGRP_NFTABLES, the seventh.
const RULE_CHANGES: u32 = 0x40;
