//! Ends a wait from another thread.

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use windows_sys::Win32::Foundation::{HANDLE, WAIT_FAILED, WAIT_OBJECT_0};
use windows_sys::Win32::System::Threading::{CreateEventW, INFINITE, SetEvent, WaitForMultipleObjects};

/// An event; once woken it stays so.
pub struct Waker {
    event: OwnedHandle,
}

impl Waker {
    pub fn new() -> io::Result<Waker> {
        let none = std::ptr::null();
        // SAFETY: no attributes and no name; reset by nobody, not set at first.
        let event = unsafe { CreateEventW(none, 1, 0, none.cast()) };
        if event.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the handle was made just now and belongs to nobody else.
        Ok(Waker { event: unsafe { OwnedHandle::from_raw_handle(event.cast()) } })
    }

    /// Ends the wait now and every later one.
    pub fn wake(&self) {
        // SAFETY: a handle of our own, which is open.
        unsafe { SetEvent(self.event.as_raw_handle().cast()) };
    }

    /// Waits until `other` is set (true) or this was woken (false).
    ///
    /// # Safety
    /// `other` is open for as long as this waits.
    pub(super) unsafe fn wait(&self, other: HANDLE) -> io::Result<bool> {
        let handles = [self.event.as_raw_handle().cast(), other];
        // SAFETY: the array is alive and of the length given; the handles are open, the second by the caller's word.
        match unsafe { WaitForMultipleObjects(2, handles.as_ptr(), 0, INFINITE) } {
            WAIT_FAILED => Err(io::Error::last_os_error()),
            first => Ok(first != WAIT_OBJECT_0),
        }
    }
}
