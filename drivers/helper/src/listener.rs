//! Where clients connect.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::caller::{Allowed, Caller};

/// Opens the socket. Everybody may connect; who is no caller is let go at once. With a group, its members alone may.
#[cfg(target_os = "linux")]
pub fn open(path: &std::path::Path, group: Option<u32>) -> std::io::Result<UnixListener> {
    use std::os::unix::fs::{PermissionsExt, chown};
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let _ = std::fs::remove_file(path);
    let listener = UnixListener::bind(path)?;
    let mode = if group.is_some() { 0o660 } else { 0o666 };
    chown(path, None, group)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    Ok(listener)
}

/// Serves whoever may ask, each in a thread of its own, for ever.
pub fn serve_all(
    listener: &UnixListener,
    allowed: &Allowed,
    serve: impl Fn(OwnedFd, u32) + Send + Sync + 'static,
) -> Result<(), String> {
    let serve = Arc::new(serve);
    let open = Arc::new(AtomicUsize::new(0));
    listener.set_nonblocking(false).map_err(|error| error.to_string())?;
    loop {
        let Ok((connection, _)) = listener.accept() else {
            // A client that went away again; or no descriptor is left, and then trying at once would be for nothing.
            std::thread::sleep(std::time::Duration::from_millis(50));
            continue;
        };
        let connection = OwnedFd::from(connection);
        let Ok(caller) = Caller::of(&connection) else { continue };
        if !allowed.holds(&caller) || open.load(Ordering::Relaxed) >= MOST_CLIENTS {
            continue;
        }
        open.fetch_add(1, Ordering::Relaxed);
        let (serve, open) = (Arc::clone(&serve), Arc::clone(&open));
        std::thread::spawn(move || {
            serve(connection, caller.uid);
            open.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

const MOST_CLIENTS: usize = 64;
