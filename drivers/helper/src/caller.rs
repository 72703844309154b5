//! Who is at the other end of a connection, as the kernel says, and who may ask at all.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

#[cfg(target_os = "linux")]
use nix::sys::socket::{getsockopt, sockopt};

/// The user who opened the other end.
#[derive(Debug, Clone)]
pub struct Caller {
    /// User.
    pub uid: u32,
    /// All groups of that process.
    pub groups: Vec<u32>,
}

/// Who may ask, besides root.
#[derive(Debug, Clone, Default)]
pub struct Allowed {
    /// Users.
    pub uids: Vec<u32>,
    /// Members of a group.
    pub group: Option<u32>,
}

impl Caller {
    /// Of a connected socket.
    #[cfg(target_os = "linux")]
    pub fn of(socket: &impl AsFd) -> io::Result<Caller> {
        let credentials = getsockopt(socket, sockopt::PeerCredentials)?;
        let mut groups = peer_groups(socket)?;
        groups.push(credentials.gid());
        Ok(Caller { uid: credentials.uid(), groups })
    }

    /// Of a connected socket: what getpeereid(3) says, and the groups beside it (`LOCAL_PEERCRED`).
    #[cfg(target_os = "macos")]
    pub fn of(socket: &impl AsFd) -> io::Result<Caller> {
        // SAFETY: all zero is a value of this structure of numbers.
        let mut credentials: libc::xucred = unsafe { std::mem::zeroed() };
        let mut length = size_of::<libc::xucred>() as libc::socklen_t;
        // SAFETY: the kernel writes at most `length` bytes of its own structure; both outlive the call.
        let result = unsafe {
            libc::getsockopt(
                socket.as_fd().as_raw_fd(),
                SOL_LOCAL,
                libc::LOCAL_PEERCRED,
                (&raw mut credentials).cast(),
                &raw mut length,
            )
        };
        if result < 0 {
            return Err(io::Error::last_os_error());
        }
        // The rest of the list is zero, which would be a group, too.
        let count = usize::try_from(credentials.cr_ngroups).unwrap_or(0);
        let groups = credentials.cr_groups.iter().take(count).copied().collect();
        Ok(Caller { uid: credentials.cr_uid, groups })
    }
}

/// Number of a group.
pub fn group(name: &str) -> Result<u32, String> {
    let found = nix::unistd::Group::from_name(name).map_err(|errno| errno.to_string())?;
    found.map(|group| group.gid.as_raw()).ok_or_else(|| format!("there is no group {name}"))
}

impl Allowed {
    /// Whether this one may.
    pub fn holds(&self, caller: &Caller) -> bool {
        caller.uid == 0
            || self.uids.contains(&caller.uid)
            || self.group.is_some_and(|group| caller.groups.contains(&group))
    }
}

/// Supplementary groups (`SO_PEERGROUPS`).
#[cfg(target_os = "linux")]
fn peer_groups(socket: &impl AsFd) -> io::Result<Vec<u32>> {
    let mut groups = vec![0u32; MOST];
    let mut length = (MOST * size_of::<u32>()) as libc::socklen_t;
    let fd = socket.as_fd().as_raw_fd();
    // SAFETY: the buffer has `length` bytes, of which the kernel fills as many as it then says; both outlive the call.
    let result = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_PEERGROUPS,
            groups.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    groups.truncate(length as usize / size_of::<u32>());
    Ok(groups)
}

/// Level of options of unix sockets (sys/un.h).
#[cfg(target_os = "macos")]
const SOL_LOCAL: libc::c_int = 0;

/// More than any system gives (`NGROUPS_MAX`).
#[cfg(target_os = "linux")]
const MOST: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_the_named_and_the_group_may_and_nobody_else() {
        let allowed = Allowed { uids: vec![1000], group: Some(77) };
        let caller = |uid, groups: &[u32]| Caller { uid, groups: groups.to_vec() };
        assert!(allowed.holds(&caller(0, &[])));
        assert!(allowed.holds(&caller(1000, &[])));
        assert!(allowed.holds(&caller(1001, &[5, 77])));
        assert!(!allowed.holds(&caller(1001, &[5])));
        assert!(!Allowed::default().holds(&caller(1001, &[0])));
    }

    #[test]
    fn the_kernel_says_who_it_is() {
        let (one, _other) = std::os::unix::net::UnixStream::pair().expect("a pair");
        assert_eq!(Caller::of(&one).expect("a caller").uid, nix::unistd::getuid().as_raw());
    }
}
