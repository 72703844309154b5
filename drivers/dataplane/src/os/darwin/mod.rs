//! macOS: utun for the interface; UDP by what other systems use as well.

pub mod clock;
#[cfg(target_os = "macos")]
pub mod device;
pub mod tun;
pub mod waker;
