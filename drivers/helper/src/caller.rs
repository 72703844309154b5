//! Who is at the other end of a connection, as the kernel says, and who may ask at all.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

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
    pub fn of(socket: &impl AsFd) -> io::Result<Caller> {
        let credentials = getsockopt(socket, sockopt::PeerCredentials)?;
        let mut groups = peer_groups(socket)?;
        groups.push(credentials.gid());
        Ok(Caller { uid: credentials.uid(), groups })
    }
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

/// More than any system gives (`NGROUPS_MAX`).
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
