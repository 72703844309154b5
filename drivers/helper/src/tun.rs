//! Interfaces whose packets a program reads: `/dev/net/tun` (Documentation/networking/tuntap.rst).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

use crate::answer::Refusal;
use crate::request::Device;

/// An open interface.
#[derive(Debug)]
pub struct Tun {
    /// Its descriptor, by which it lives.
    pub fd: OwnedFd,
    /// `starmesh0`, `starmesh1`, …
    pub name: Device,
}

/// Opens the next free interface, down and without addresses, with as much segmentation as the kernel offers.
pub fn open() -> Result<Tun, Refusal> {
    let action = "create a network interface";
    let device = OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC)
        .open(PATH)
        .map_err(|error| refused(action, &error))?;
    let mut request = Interface::new(TEMPLATE);
    request.flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    // SAFETY: the structure is as large as the kernel's and outlives the call.
    check(unsafe { libc::ioctl(device.as_raw_fd(), SET_INTERFACE, &raw mut request) })
        .map_err(|error| refused(action, &error))?;
    let header: libc::c_int = VNET_HEADER;
    // SAFETY: the kernel reads one int.
    check(unsafe { libc::ioctl(device.as_raw_fd(), SET_HEADER, &raw const header) })
        .map_err(|error| refused(action, &error))?;
    for offload in OFFLOADS {
        // SAFETY: the argument is a number. Without any offload packets still flow, one at a time.
        if check(unsafe { libc::ioctl(device.as_raw_fd(), SET_OFFLOAD, offload) }).is_ok() {
            break;
        }
    }
    let name = request.device().ok_or_else(|| Refusal::of(action, "it has another name"))?;
    Ok(Tun { fd: device.into(), name })
}

/// Which interface of this network namespace a descriptor is; refused for everything else.
pub fn name_of(fd: OwnedFd) -> Result<Device, Refusal> {
    let action = "take an interface over";
    let device = File::from(fd);
    let rdev = device.metadata().map_err(|error| refused(action, &error))?.rdev();
    if (libc::major(rdev), libc::minor(rdev)) != (MISC, TUN_MINOR) {
        return Err(Refusal::of(action, "what came with the request is no interface"));
    }
    // Whoever has a namespace of their own can make an interface of any name in it.
    // SAFETY: the call has no argument and answers a descriptor, which is nobody else's.
    let raw = check(unsafe { libc::ioctl(device.as_raw_fd(), NAMESPACE) })
        .map_err(|error| refused(action, &error))?;
    // SAFETY: see above.
    let theirs = File::from(unsafe { OwnedFd::from_raw_fd(raw) });
    let ours = File::open("/proc/self/ns/net").map_err(|error| refused(action, &error))?;
    let inode = |file: &File| file.metadata().map(|data| (data.dev(), data.ino()));
    if inode(&theirs).ok() != inode(&ours).ok() || inode(&ours).is_err() {
        return Err(Refusal::of(action, "it is of another network namespace"));
    }
    let mut request = Interface::new("");
    // SAFETY: the structure is as large as the kernel's and outlives the call.
    check(unsafe { libc::ioctl(device.as_raw_fd(), READ_INTERFACE, &raw mut request) })
        .map_err(|error| refused(action, &error))?;
    request.device().ok_or_else(|| Refusal::of(action, "it is not an interface of ours"))
}

/// `struct ifreq` as far as it is used here.
#[repr(C)]
struct Interface {
    name: [u8; 16],
    flags: libc::c_short,
    rest: [u8; 22],
}

impl Interface {
    fn new(template: &str) -> Interface {
        let mut name = [0; 16];
        name[..template.len()].copy_from_slice(template.as_bytes());
        Interface { name, flags: 0, rest: [0; 22] }
    }

    fn device(&self) -> Option<Device> {
        let end = self.name.iter().position(|byte| *byte == 0)?;
        Device::try_from(String::from_utf8(self.name[..end].to_vec()).ok()?).ok()
    }
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

const PATH: &str = "/dev/net/tun";
const TEMPLATE: &str = "starmesh%d";
const VNET_HEADER: libc::c_int = 10;
const MISC: libc::c_uint = 10;
const TUN_MINOR: libc::c_uint = 200;
// include/uapi/linux/if_tun.h; alike on x86-64 and arm64.
const SET_INTERFACE: libc::Ioctl = 0x4004_54ca;
const READ_INTERFACE: libc::Ioctl = 0x8004_54d2;
const SET_OFFLOAD: libc::Ioctl = 0x4004_54d0;
const SET_HEADER: libc::Ioctl = 0x4004_54d8;
const NAMESPACE: libc::Ioctl = 0x54e3;
const IFF_TUN: libc::c_short = 0x0001;
const IFF_NO_PI: libc::c_short = 0x1000;
const IFF_VNET_HDR: libc::c_short = 0x4000;
const CHECKSUM: libc::c_ulong = 0x01;
/// TSO for IPv4, IPv6 and ECN.
const TCP: libc::c_ulong = CHECKSUM | 0x02 | 0x04 | 0x08;
/// USO for IPv4 and IPv6.
const UDP: libc::c_ulong = 0x20 | 0x40;
const OFFLOADS: [libc::c_ulong; 3] = [TCP | UDP, TCP, CHECKSUM];
