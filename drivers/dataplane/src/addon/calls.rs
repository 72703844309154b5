//! `start` and the calls of the data plane as a whole and of its sockets. A panic inside one becomes an error of code `EPANIC`.

use super::text::read_endpoint;
use super::values::{self, Fields};
use crate::events::Events;
use crate::plane::{self, CallError, Place, Plane};
use napi::bindgen_prelude::{Function, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

/// An error as JavaScript gets it: `code` is an errno name.
pub type Refused = napi::Error<&'static str>;

/// Weak: a data plane alone does not keep Node alive.
type Wake = ThreadsafeFunction<(), Unknown<'static>, Vec<Fields>, napi::Status, false, true>;

/// Turns what went wrong into an error with a code.
pub fn guard<T>(call: impl FnOnce() -> Result<T, CallError>) -> Result<T, Refused> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Refused::new(error.code, error.message)),
        Err(panic) => Err(Refused::new("EPANIC", plane::panic_text(panic.as_ref()))),
    }
}

#[napi]
pub struct DataPlane {
    pub(super) plane: Plane,
    wake: Arc<Mutex<Option<Wake>>>,
}

#[napi]
pub fn start(events: Function<'_, Vec<Fields>, Unknown<'static>>) -> Result<DataPlane, Refused> {
    let wake: Arc<Mutex<Option<Wake>>> = Arc::default();
    let waking = wake.clone();
    let queue = Arc::new(Events::new(move || {
        if let Some(wake) = &*waking.lock().unwrap_or_else(PoisonError::into_inner) {
            wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }));
    let taken = queue.clone();
    let threadsafe = events
        .build_threadsafe_function::<()>()
        .weak::<true>()
        .build_callback(move |_| Ok(taken.take().into_iter().map(values::event).collect::<Vec<Fields>>()))
        .map_err(|error| Refused::new("EINVAL", error.reason.to_string()))?;
    *wake.lock().unwrap_or_else(PoisonError::into_inner) = Some(threadsafe);
    let plane = guard(|| Plane::start(queue))?;
    Ok(DataPlane { plane, wake })
}

#[napi]
impl DataPlane {
    #[napi]
    pub fn bind(&self, name: String, port: u32, address: Option<String>) -> Result<u32, Refused> {
        guard(|| {
            let place = match address {
                None => Place::Everywhere,
                // No name of an interface reads as an address: colons are not allowed in it, and who calls it 10.0.0.1
                // gets the address.
                Some(text) => text.parse().map_or_else(|_| Place::Device(text), Place::Address),
            };
            self.plane.bind(&name, read_port(port)?, place).map(u32::from)
        })
    }

    #[napi]
    pub fn unbind(&self, name: String) -> Result<(), Refused> {
        guard(|| self.plane.unbind(&name))
    }

    #[napi]
    pub fn mark_by(&self, fd: i32) {
        #[cfg(target_os = "linux")]
        // SAFETY: the caller gives the descriptor away, as the call says.
        crate::os::mark_by(unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) });
        #[cfg(not(target_os = "linux"))]
        let _ = fd;
    }

    #[napi]
    pub fn speak_plain(&self, name: String, on: bool) -> Result<(), Refused> {
        guard(|| self.plane.speak_plain(&name, on))
    }

    #[napi]
    pub fn stun(&self, socket: String, server: String) -> Result<(), Refused> {
        guard(|| {
            let server = read_endpoint(&server)?;
            if server.channel.is_some() {
                return Err(CallError::invalid("a STUN server is not behind a relay"));
            }
            self.plane.stun(&socket, server)
        })
    }

    #[napi]
    pub fn packets(&self) -> Result<f64, Refused> {
        guard(|| self.plane.packets().map(|packets| packets as f64))
    }

    #[napi]
    pub fn counters(&self) -> Result<Fields, Refused> {
        guard(|| self.plane.counters().map(values::counters))
    }

    #[napi]
    pub fn stop(&self) -> Result<(), Refused> {
        let stopped = guard(|| {
            self.plane.stop();
            Ok(())
        });
        if let Some(wake) = self.wake.lock().unwrap_or_else(PoisonError::into_inner).take() {
            abort(wake);
        }
        stopped
    }
}

/// A number of JavaScript as a port.
pub fn read_port(port: u32) -> Result<u16, CallError> {
    u16::try_from(port).map_err(|_| CallError::invalid(format!("{port} is no port")))
}

#[expect(deprecated, reason = "a mere release would let calls that wait through after stop")]
fn abort(wake: Wake) {
    // Closing already is as good.
    let _ = wake.abort();
}
