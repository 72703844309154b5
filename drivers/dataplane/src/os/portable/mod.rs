//! What several systems have in common: UDP by a library that knows their batches, bytes between sockets, a clock.

pub mod clock;
pub mod pipe;
pub mod udp;

#[cfg(target_os = "macos")]
use super::darwin::device::bind_device;
#[cfg(windows)]
use super::windows::device::bind_device;

/// Linux has a socket of its own; this one is there for the tests.
#[cfg(target_os = "linux")]
fn bind_device(_socket: &socket2::Socket, _domain: socket2::Domain, _name: &str) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
