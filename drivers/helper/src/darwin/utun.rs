//! Interfaces whose packets a program reads: `utun`, a control of the kernel (sys/kern_control.h, net/if_utun.h).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use crate::answer::Refusal;
use crate::darwin::request::Device;

/// An open interface.
#[derive(Debug)]
pub struct Utun {
    /// Its descriptor, by which it lives.
    pub fd: OwnedFd,
    /// `utun0`, `utun1`, …
    pub name: Device,
}

/// Opens the next free interface, down and without addresses.
pub fn open() -> Result<Utun, Refusal> {
    let action = "create a network interface";
    // SAFETY: the call has no pointers; what it answers is nobody else's.
    let raw = check(unsafe { libc::socket(libc::PF_SYSTEM, libc::SOCK_DGRAM, libc::SYSPROTO_CONTROL) })
        .map_err(|error| refused(action, &error))?;
    // SAFETY: see above.
    let fd = unsafe { OwnedFd::from_raw_fd(raw) };
    // SAFETY: all zero is a value of these structures of numbers and bytes.
    let (mut info, mut address): (libc::ctl_info, libc::sockaddr_ctl) =
        unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
    for (to, from) in info.ctl_name.iter_mut().zip(CONTROL) {
        *to = from.cast_signed();
    }
    // SAFETY: the structure is the kernel's own and outlives the call.
    check(unsafe { libc::ioctl(raw, libc::CTLIOCGINFO, &raw mut info) })
        .map_err(|error| refused(action, &error))?;
    let length = size_of::<libc::sockaddr_ctl>();
    address.sc_len = u8::try_from(length).unwrap_or(0);
    address.sc_family = u8::try_from(libc::PF_SYSTEM).unwrap_or(0);
    address.ss_sysaddr = u16::try_from(libc::AF_SYS_CONTROL).unwrap_or(0);
    address.sc_id = info.ctl_id;
    // Zero: the next free one.
    address.sc_unit = 0;
    // SAFETY: the kernel reads `length` bytes of a structure that outlives the call.
    check(unsafe { libc::connect(raw, (&raw const address).cast(), length as libc::socklen_t) })
        .map_err(|error| refused(action, &error))?;
    for (command, value) in [(libc::F_SETFD, libc::FD_CLOEXEC), (libc::F_SETFL, libc::O_NONBLOCK)] {
        // SAFETY: the argument is a number.
        check(unsafe { libc::fcntl(raw, command, value) }).map_err(|error| refused(action, &error))?;
    }
    let name = name_of(&fd)?;
    Ok(Utun { fd, name })
}

/// Which interface a descriptor is; refused for everything else.
pub fn name_of(fd: &OwnedFd) -> Result<Device, Refusal> {
    let action = "take an interface over";
    let mut name = [0u8; 32];
    let mut length = name.len() as libc::socklen_t;
    // SAFETY: the kernel writes at most `length` bytes of the name; both outlive the call.
    check(unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SYSPROTO_CONTROL,
            libc::UTUN_OPT_IFNAME,
            name.as_mut_ptr().cast(),
            &raw mut length,
        )
    })
    .map_err(|error| refused(action, &error))?;
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    let text = String::from_utf8(name[..end].to_vec()).unwrap_or_default();
    Device::try_from(text).map_err(|reason| Refusal::of(action, reason))
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn refused(action: &str, error: &io::Error) -> Refusal {
    match error.raw_os_error() {
        Some(number) => Refusal::by_kernel(action, nix::errno::Errno::from_raw(number)),
        None => Refusal::of(action, error.to_string()),
    }
}

const CONTROL: &[u8] = b"com.apple.net.utun_control";
