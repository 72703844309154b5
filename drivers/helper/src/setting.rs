//! Settings of the kernel's network: `/proc/sys`.

use std::fs;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

use crate::answer::Refusal;
use crate::request::Setting;

/// What it is now.
pub fn read(setting: &Setting) -> Option<String> {
    fs::read_to_string(path_of(setting)).ok().map(|text| text.trim().to_owned())
}

/// Sets it.
pub fn write(setting: &Setting, value: &str) -> Result<(), Refusal> {
    let action = || format!("set {} to {value}", setting.name());
    fs::write(path_of(setting), value).map_err(|error| match error.raw_os_error() {
        Some(number) => Refusal::by_kernel(action(), Errno::from_raw(number)),
        None => Refusal::of(action(), error.to_string()),
    })
}

fn path_of(setting: &Setting) -> PathBuf {
    Path::new("/proc/sys").join(setting.name())
}
