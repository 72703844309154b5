//! The interface that a socket sends by, whatever the routes say.

use socket2::{Domain, Socket};
use std::io;
use std::mem::size_of;
use std::os::windows::io::AsRawSocket;
use windows_sys::Win32::NetworkManagement::IpHelper::{
    ConvertInterfaceAliasToLuid, ConvertInterfaceLuidToIndex,
};
use windows_sys::Win32::NetworkManagement::Ndis::NET_LUID_LH;
use windows_sys::Win32::Networking::WinSock::{
    IP_UNICAST_IF, IPPROTO_IP, IPPROTO_IPV6, IPV6_UNICAST_IF, SOCKET, setsockopt,
};

/// Binds what leaves by the socket to the interface of that name (`Ethernet`).
pub fn bind_device(socket: &Socket, domain: Domain, name: &str) -> io::Result<()> {
    let index = index_of(name).ok_or(io::ErrorKind::NotFound)?;
    // IPv4 takes it in network order, IPv6 in the machine's.
    let (level, option, value) = if domain == Domain::IPV4 {
        (IPPROTO_IP, IP_UNICAST_IF, index.to_be())
    } else {
        (IPPROTO_IPV6, IPV6_UNICAST_IF, index)
    };
    let length = size_of::<u32>() as i32;
    // SAFETY: the socket is open, the value alive and of the length given.
    let refused = unsafe {
        setsockopt(socket.as_raw_socket() as SOCKET, level, option, (&raw const value).cast(), length)
    };
    if refused == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn index_of(name: &str) -> Option<u32> {
    let name = name.encode_utf16().chain([0]).collect::<Vec<_>>();
    let mut luid = NET_LUID_LH { Value: 0 };
    let mut index = 0;
    // SAFETY: the name ends in zero; both results are alive.
    let found = unsafe {
        ConvertInterfaceAliasToLuid(name.as_ptr(), &raw mut luid) == 0
            && ConvertInterfaceLuidToIndex(&raw const luid, &raw mut index) == 0
    };
    found.then_some(index)
}
