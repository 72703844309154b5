//! Programs that go to the internet past the exit: they stand in control groups of ours (cgroups(7), version 2), and a program
//! of the kernel's (bpf(2)) marks each socket that is made there, as those are marked that carry the networks.
//!
//! The same as `src-main/system/linux-outside.ts` does for an engine that runs as root.

use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{UnixAddr, getpeername, getsockopt, sockopt};

use crate::answer::Refusal;
use crate::exit::MARK;

/// A program that goes past, with all that it started.
#[derive(Debug, PartialEq, Eq)]
pub struct Outside {
    /// The process that asked.
    pub process: i32,
    /// Its name, as the kernel keeps it.
    pub program: String,
}

/// Takes the process at the other end of a connection into a group of its own below the one of that name, which is made where
/// it is not there. Answers its number.
pub fn enter(name: &str, connection: &OwnedFd) -> Result<i32, Refusal> {
    let process = caller(connection)?;
    let folder = group_of(name)?;
    let own = folder.join(process.to_string());
    fs::create_dir_all(&own).map_err(refused)?;
    attach(&folder)?;
    fs::write(own.join(PROCESSES), process.to_string()).map_err(refused)?;
    Ok(process)
}

/// What runs in the group. What has ended there is taken away.
pub fn list(name: &str) -> Vec<Outside> {
    let Ok(folder) = group_of(name) else { return vec![] };
    let mut found: Vec<Outside> = groups_in(&folder)
        .into_iter()
        .filter_map(|(process, own)| match processes_in(&own).as_slice() {
            [] => {
                let _ = fs::remove_dir(&own);
                None
            }
            all @ [first, ..] => {
                let named = if all.contains(&process) { process } else { *first };
                Some(Outside { process, program: name_of(named) })
            }
        })
        .collect();
    found.sort_by_key(|each| each.process);
    found
}

/// What that process started goes the way of everything else, with the connections that it makes from now on.
pub fn leave(name: &str, process: i32) -> Result<(), Refusal> {
    let folder = group_of(name)?;
    empty(&folder.join(process.to_string()), &folder);
    Ok(())
}

/// Takes the group away where nothing runs in it.
pub fn sweep(name: &str) {
    if list(name).is_empty() {
        close(name);
    }
}

/// What runs in the group goes the way of everything else; done also when there is none.
pub fn close(name: &str) {
    let Ok(folder) = group_of(name) else { return };
    for (_, own) in groups_in(&folder) {
        empty(&own, &folder);
    }
    let _ = fs::remove_dir(folder);
}

/// Closes the groups of all engines that this helper, or one before it, did this for.
pub fn close_all() {
    let Some(entries) = root().and_then(|root| fs::read_dir(root).ok()) else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        if name.starts_with("starmesh_outside_u") {
            close(&name);
        }
    }
}

/// Who opened the other end, as the kernel says. An end that was opened from here, or bound, says nothing about who wants it.
fn caller(connection: &OwnedFd) -> Result<i32, Refusal> {
    let unknown = || Refusal::of(ACTION, "what came along is no connection of a program's");
    let peer: UnixAddr = getpeername(connection.as_raw_fd()).map_err(|_| unknown())?;
    let credentials = getsockopt(&connection.as_fd(), sockopt::PeerCredentials).map_err(|_| unknown())?;
    let process = credentials.pid();
    if !peer.is_unnamed() || process <= 1 {
        return Err(unknown());
    }
    match owner_of(process) {
        Some(owner) if owner == credentials.uid() => Ok(process),
        // Its number may be another's by now.
        _ => Err(Refusal::of(ACTION, "it is gone already")),
    }
}

/// User of a process, by whose rights it acts.
fn owner_of(process: i32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?.parse().ok()
}

/// Moves all processes of a group to the topmost one, and takes the group away. What they start meanwhile is moved next.
fn empty(own: &Path, folder: &Path) {
    let Some(root) = folder.parent() else { return };
    for _ in 0..MOST_TURNS {
        let all = processes_in(own);
        if all.is_empty() {
            break;
        }
        for process in all {
            let _ = fs::write(root.join(PROCESSES), process.to_string());
        }
    }
    let _ = fs::remove_dir(own);
}

fn groups_in(folder: &Path) -> Vec<(i32, PathBuf)> {
    let Ok(entries) = fs::read_dir(folder) else { return vec![] };
    let numbered = |path: PathBuf| Some((path.file_name()?.to_str()?.parse().ok()?, path));
    entries.flatten().filter_map(|entry| numbered(entry.path())).filter(|(_, path)| path.is_dir()).collect()
}

fn processes_in(group: &Path) -> Vec<i32> {
    let text = fs::read_to_string(group.join(PROCESSES)).unwrap_or_default();
    text.lines().filter_map(|line| line.parse().ok()).collect()
}

fn name_of(process: i32) -> String {
    let bytes = fs::read(format!("/proc/{process}/comm")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).chars().filter(|letter| !letter.is_control()).collect()
}

fn group_of(name: &str) -> Result<PathBuf, Refusal> {
    let root =
        root().ok_or_else(|| Refusal::of(ACTION, "this system shows no control groups of version 2"))?;
    Ok(root.join(name))
}

/// Where the topmost group lies; none where this process sees none of version 2.
fn root() -> Option<PathBuf> {
    topmost(&fs::read_to_string("/proc/self/mountinfo").ok()?)
}

/// Fields of proc_pid_mountinfo(5): what of the file system, where it lies; after a dash its kind.
fn topmost(mounts: &str) -> Option<PathBuf> {
    mounts.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let dash = fields.iter().position(|field| *field == "-")?;
        let is_group = fields.get(dash + 1) == Some(&"cgroup2") && fields.get(3) == Some(&"/");
        is_group.then(|| fields.get(4).map(PathBuf::from)).flatten()
    })
}

/// Has each socket that is made in the group marked. Done again, it takes the place of what was there.
fn attach(folder: &Path) -> Result<(), Refusal> {
    let group = fs::File::open(folder).map_err(refused)?;
    let program = load()?;
    let attributes = Attachment {
        target: group.as_raw_fd() as u32,
        program: program.as_raw_fd() as u32,
        kind: INET_SOCK_CREATE,
        ..Attachment::default()
    };
    // SAFETY: the structure is what the kernel reads for this command, and outlives the call.
    unsafe { bpf(ATTACH, &attributes) }.map(drop)
}

/// For each socket as it is made: its mark, and that it may be made (`struct bpf_sock`).
fn load() -> Result<OwnedFd, Refusal> {
    let program = [
        instruction(MOVE_32, 2, 0, MARK as i32),
        instruction(STORE_32, 1 | (2 << 4), MARK_OFFSET, 0),
        instruction(MOVE_64, 0, 0, 1),
        instruction(END, 0, 0, 0),
    ];
    let attributes = Load {
        kind: CGROUP_SOCK,
        count: program.len() as u32,
        instructions: program.as_ptr() as u64,
        licence: LICENCE.as_ptr() as u64,
        expected: INET_SOCK_CREATE,
        ..Load::default()
    };
    // SAFETY: the structure is what the kernel reads for this command; it and what it points to outlive the call.
    let descriptor = unsafe { bpf(LOAD, &attributes) }?;
    // SAFETY: the kernel has just made it, and nobody else knows of it.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// `struct bpf_insn`: code, registers, offset, value.
fn instruction(code: u8, registers: u8, offset: i16, value: i32) -> u64 {
    let ([low, high], [a, b, c, d]) = (offset.to_ne_bytes(), value.to_ne_bytes());
    u64::from_ne_bytes([code, registers, low, high, a, b, c, d])
}

/// What `BPF_PROG_LOAD` reads of `union bpf_attr`.
#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    count: u32,
    instructions: u64,
    licence: u64,
    log: [u32; 4],
    version: u32,
    flags: u32,
    name: [u8; 16],
    interface: u32,
    expected: u32,
}

/// What `BPF_PROG_ATTACH` reads.
#[repr(C)]
#[derive(Default)]
struct Attachment {
    target: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// # Safety
/// `attributes` is what the kernel reads for this command.
unsafe fn bpf<Attributes>(command: libc::c_int, attributes: &Attributes) -> Result<i32, Refusal> {
    let size = size_of::<Attributes>();
    // SAFETY: the caller's promise; the structure outlives the call.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, std::ptr::from_ref(attributes), size) };
    i32::try_from(result)
        .ok()
        .filter(|value| *value >= 0)
        .ok_or_else(|| Refusal::by_kernel(ACTION, Errno::last()))
}

fn refused(error: io::Error) -> Refusal {
    Refusal::by_kernel(ACTION, Errno::from_raw(error.raw_os_error().unwrap_or(0)))
}

const ACTION: &str = "let a program go past the exit";
const PROCESSES: &str = "cgroup.procs";
/// A program that starts others without end is left where it is.
const MOST_TURNS: usize = 16;
const LOAD: libc::c_int = 5;
const ATTACH: libc::c_int = 8;
const CGROUP_SOCK: u32 = 9;
const INET_SOCK_CREATE: u32 = 2;
const MOVE_32: u8 = 0xb4;
const STORE_32: u8 = 0x63;
const MOVE_64: u8 = 0xb7;
const END: u8 = 0x95;
const MARK_OFFSET: i16 = 16;
/// The program calls nothing of the kernel's.
const LICENCE: &std::ffi::CStr = c"Apache-2.0";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_topmost_group_is_found_among_mounts() {
        let line = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw\n";
        assert_eq!(topmost(line), Some(PathBuf::from("/sys/fs/cgroup")));
        assert_eq!(topmost("31 23 0:26 /part /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), None);
        assert_eq!(topmost("31 23 0:27 / /run rw - tmpfs tmpfs rw\n"), None);
    }

    #[test]
    fn nobody_is_taken_who_did_not_ask() {
        // Both ends of a pair are this process's own, as if it had asked itself.
        let (one, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
        assert_eq!(caller(&one.into()).ok(), Some(std::process::id() as i32));
        // At a connection that was opened from here, the other end is the service's, which asked for nothing.
        let path = std::env::temp_dir().join(format!("starmesh-outside-{}", std::process::id()));
        let _service = std::os::unix::net::UnixListener::bind(&path).expect("a service");
        let called = std::os::unix::net::UnixStream::connect(&path).expect("a connection");
        let _ = fs::remove_file(&path);
        assert!(caller(&called.into()).is_err());
        let (pipe, _end) = io::pipe().expect("a pipe");
        assert!(caller(&pipe.into()).is_err());
    }

    proptest! {
        #[test]
        fn no_list_of_mounts_makes_it_panic(text in "[ -/a-z0-9\n]{0,200}") {
            let _ = topmost(&text);
        }
    }
}
