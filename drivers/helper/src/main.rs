//! Starmesh's privileged helper on Linux and macOS. An engine without rights asks it, over a unix socket, for an interface,
//! addresses, routes and the few other changes of the system that a network needs; it checks who asks and what for, and undoes
//! all of it when that engine is gone.

mod answer;
mod caller;
mod connection;
mod conversation;
mod domain;
mod envelope;
mod frame;
mod listener;
mod prefix;

#[cfg(any(target_os = "macos", test))]
#[cfg_attr(not(target_os = "macos"), allow(dead_code, reason = "elsewhere its tests alone use it"))]
mod darwin;

#[cfg(target_os = "linux")]
mod dns;
#[cfg(target_os = "linux")]
mod exit;
#[cfg(target_os = "linux")]
mod firewall;
#[cfg(target_os = "linux")]
mod link;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod netlink;
#[cfg(target_os = "linux")]
mod nft;
#[cfg(target_os = "linux")]
mod outside;
#[cfg(target_os = "linux")]
mod passage;
#[cfg(target_os = "linux")]
mod program;
#[cfg(target_os = "linux")]
mod record;
#[cfg(target_os = "linux")]
mod request;
#[cfg(target_os = "linux")]
mod session;
#[cfg(target_os = "linux")]
mod setting;
#[cfg(target_os = "linux")]
mod tun;
#[cfg(target_os = "linux")]
mod verbs;

use std::process::ExitCode;

#[cfg(target_os = "macos")]
use darwin::verbs;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match verbs::run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            eprintln!("starmesh-helper: {complaint}");
            ExitCode::FAILURE
        }
    }
}
