//! A session of Wintun on an adapter that somebody else made: whole packets in two rings that are shared with the driver.

use super::waker::Waker;
use crate::packet::vnet::Vnet;
use std::ffi::c_void;
use std::io;
use std::ops::Range;
use std::ptr::NonNull;
use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_MORE_ITEMS, GetLastError, HANDLE};
use windows_sys::Win32::System::LibraryLoader::{GetModuleHandleW, GetProcAddress};
use windows_sys::core::w;

/// Bytes of each ring: a power of two from 128 kB to 64 MB.
const RING: u32 = 0x40_0000;

/// A running session; the adapter is the caller's and outlives it.
pub struct Tun {
    calls: Calls,
    session: NonNull<c_void>,
    /// Set when the driver has put packets into an empty ring.
    readable: HANDLE,
}

// SAFETY: Wintun's calls on a session may come from several threads at once (wintun.h: "thread-safe").
unsafe impl Send for Tun {}
// SAFETY: as above.
unsafe impl Sync for Tun {}

impl Tun {
    /// Starts the session of an adapter, by the handle that `WintunCreateAdapter` or `WintunOpenAdapter` gave to this
    /// process. There are no offloads.
    pub fn adopt(adapter: i64, _offload: bool) -> io::Result<Tun> {
        let calls = Calls::find()?;
        let adapter = adapter as usize as *mut c_void;
        if adapter.is_null() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        // SAFETY: the caller's word is that the handle is an open adapter; the size is one that Wintun takes.
        let session =
            NonNull::new(unsafe { (calls.start)(adapter, RING) }).ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the session runs; the event is closed with it, not by us.
        let readable = unsafe { (calls.event)(session.as_ptr()) };
        Ok(Tun { calls, session, readable })
    }

    /// Packets have no vnet headers.
    pub fn has_offload(&self) -> bool {
        false
    }

    /// Joined UDP datagrams are not taken.
    pub fn takes_datagrams(&self) -> bool {
        false
    }

    /// Reads one packet into `room`; `None` when none is there.
    pub fn read(&self, room: &mut [u8]) -> io::Result<Option<(Vnet, usize)>> {
        let mut length = 0;
        // SAFETY: the session runs, and the length is written to a live number.
        let packet = unsafe { (self.calls.receive)(self.session.as_ptr(), &raw mut length) };
        let Some(packet) = NonNull::new(packet) else {
            // SAFETY: it reads the calling thread's last error.
            return match unsafe { GetLastError() } {
                ERROR_NO_MORE_ITEMS => Ok(None),
                _ => Err(io::Error::last_os_error()),
            };
        };
        let taken = (length as usize).min(room.len());
        // SAFETY: Wintun lends `length` bytes until they are released below; `room` is elsewhere and has the room.
        unsafe {
            std::ptr::copy_nonoverlapping(packet.as_ptr(), room.as_mut_ptr(), taken);
            (self.calls.release)(self.session.as_ptr(), packet.as_ptr());
        }
        Ok(Some((Vnet::default(), taken)))
    }

    /// Waits until a packet can be read (true) or the waker was woken (false).
    pub fn wait(&self, waker: &Waker) -> io::Result<bool> {
        // SAFETY: the event lives as long as the session, which this holds.
        unsafe { waker.wait(self.readable) }
    }

    /// Writes one packet whose pieces lie in `slab`. A full ring loses the packet, as a wire would.
    pub fn write(
        &self,
        slab: &[u8],
        _vnet: Vnet,
        first: Range<usize>,
        more: &[Range<usize>],
    ) -> io::Result<()> {
        let pieces = || std::iter::once(&first).chain(more).map(|piece| &slab[piece.clone()]);
        let length = pieces().map(<[u8]>::len).sum::<usize>();
        let size = u32::try_from(length).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the session runs; a length that Wintun does not take is refused.
        let room = unsafe { (self.calls.allocate)(self.session.as_ptr(), size) };
        let Some(room) = NonNull::new(room) else {
            // SAFETY: it reads the calling thread's last error.
            return match unsafe { GetLastError() } {
                ERROR_BUFFER_OVERFLOW => Err(io::ErrorKind::WouldBlock.into()),
                _ => Err(io::Error::last_os_error()),
            };
        };
        let mut at = 0;
        for piece in pieces() {
            // SAFETY: Wintun lends `length` bytes until they are sent; the pieces together have just that length.
            unsafe { std::ptr::copy_nonoverlapping(piece.as_ptr(), room.as_ptr().add(at), piece.len()) };
            at += piece.len();
        }
        // SAFETY: what was lent above is given back once.
        unsafe { (self.calls.send)(self.session.as_ptr(), room.as_ptr()) };
        Ok(())
    }
}

impl Drop for Tun {
    fn drop(&mut self) {
        // SAFETY: the session was started by us and nobody has a packet of it any more.
        unsafe { (self.calls.end)(self.session.as_ptr()) };
    }
}

/// What a library gives for a name.
type Found = unsafe extern "system" fn() -> isize;
type Start = unsafe extern "system" fn(*mut c_void, u32) -> *mut c_void;
type End = unsafe extern "system" fn(*mut c_void);
type Event = unsafe extern "system" fn(*mut c_void) -> HANDLE;
type Receive = unsafe extern "system" fn(*mut c_void, *mut u32) -> *mut u8;
type Allocate = unsafe extern "system" fn(*mut c_void, u32) -> *mut u8;
type Give = unsafe extern "system" fn(*mut c_void, *mut u8);

/// Wintun's calls (wintun.h of 0.14).
struct Calls {
    start: Start,
    end: End,
    event: Event,
    receive: Receive,
    release: Give,
    allocate: Allocate,
    send: Give,
}

impl Calls {
    /// In the library that the caller loaded to make the adapter.
    fn find() -> io::Result<Calls> {
        // SAFETY: a constant name that ends in zero. The library stays loaded while an adapter of it is open.
        let library = unsafe { GetModuleHandleW(w!("wintun.dll")) };
        if library.is_null() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let find = |name: &'static std::ffi::CStr| {
            // SAFETY: the library is loaded, the name ends in zero.
            unsafe { GetProcAddress(library, name.as_ptr().cast()) }.ok_or(io::ErrorKind::Unsupported)
        };
        // SAFETY: the types are those of wintun.h, by the names of its functions.
        unsafe {
            Ok(Calls {
                start: std::mem::transmute::<Found, Start>(find(c"WintunStartSession")?),
                end: std::mem::transmute::<Found, End>(find(c"WintunEndSession")?),
                event: std::mem::transmute::<Found, Event>(find(c"WintunGetReadWaitEvent")?),
                receive: std::mem::transmute::<Found, Receive>(find(c"WintunReceivePacket")?),
                release: std::mem::transmute::<Found, Give>(find(c"WintunReleaseReceivePacket")?),
                allocate: std::mem::transmute::<Found, Allocate>(find(c"WintunAllocateSendPacket")?),
                send: std::mem::transmute::<Found, Give>(find(c"WintunSendPacket")?),
            })
        }
    }
}
