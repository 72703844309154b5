//! OS threads that end with an event instead of the process when they fail.

use super::core::Core;
use crate::events::Event;
use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Starts a thread. An error or panic of `run` becomes a `failed` event of `realm`, unless the core is stopping or
/// `expected` says that the failure was caused on purpose.
pub fn start(
    name: &str,
    core: &Arc<Core>,
    realm: Option<Arc<str>>,
    expected: impl Fn() -> bool + Send + 'static,
    run: impl FnOnce(&Core) -> io::Result<()> + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let core = core.clone();
    Builder::new().name(name.to_string()).spawn(move || {
        let message = match catch_unwind(AssertUnwindSafe(|| run(&core))) {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(panic) => format!("bug: {}", panic_text(panic.as_ref())),
        };
        if !core.is_stopped() && !expected() {
            core.tell(Event::Failed { realm, message });
        }
    })
}

/// What a panic said.
pub fn panic_text(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_string(),
        (_, Some(text)) => text.clone(),
        _ => "panic".to_string(),
    }
}
