//! macOS: interfaces are those of `utun`, changed by the system's own tools; launchd starts the helper when it is asked.
//! What only reads and words is compiled on Linux for its tests, so that it cannot rot.

pub mod callers;
pub mod names;
pub mod request;
pub mod route;

#[cfg(target_os = "macos")]
pub mod account;
#[cfg(target_os = "macos")]
pub mod install;
#[cfg(target_os = "macos")]
pub mod launchd;
#[cfg(target_os = "macos")]
pub mod link;
#[cfg(target_os = "macos")]
pub mod session;
#[cfg(target_os = "macos")]
pub mod tool;
#[cfg(target_os = "macos")]
pub mod utun;
#[cfg(target_os = "macos")]
pub mod verbs;
