//! TCP sockets as the system gives them: listening, connecting from the same port, and tuned for datagrams.

use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Connections that wait to be accepted.
const BACKLOG: i32 = 128;
/// How often a free IPv4 port may be taken on IPv6.
const TRIES: usize = 16;
/// Bytes that the kernel takes beyond what it has sent: what waits longer waits in a queue that drops.
#[cfg(target_os = "linux")]
const UNSENT: u32 = 128 << 10;
/// A connection whose other end acknowledges nothing for so long is over.
#[cfg(target_os = "linux")]
const SILENCE: std::time::Duration = std::time::Duration::from_secs(15);

/// Listens on both families, or the one of `address`. A machine without IPv6 gets IPv4 only.
pub fn listen(number: u16, address: Option<IpAddr>) -> io::Result<Vec<TcpListener>> {
    if let Some(address) = address {
        return Ok(vec![listener(SocketAddr::new(address, number))?]);
    }
    for _ in 0..TRIES {
        let v4 = listener((Ipv4Addr::UNSPECIFIED, number).into())?;
        match listener((Ipv6Addr::UNSPECIFIED, v4.local_addr()?.port()).into()) {
            Ok(v6) => return Ok(vec![v4, v6]),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && number == 0 => {}
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(_) => return Ok(vec![v4]),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Begins to connect from a port that listens.
pub fn connect(local: SocketAddr, remote: SocketAddr) -> io::Result<TcpStream> {
    let socket = open(local)?;
    match socket.connect(&remote.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// Nothing waits for more to send, little waits in the kernel, and loss alone does not slow it down where the system has
/// BBR. What a system does not have is done without.
pub fn tune(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    #[cfg(target_os = "linux")]
    {
        let socket = socket2::SockRef::from(stream);
        let _ = socket.set_tcp_congestion(b"bbr");
        let _ = socket.set_tcp_notsent_lowat(UNSENT);
        let _ = socket.set_tcp_user_timeout(Some(SILENCE));
    }
}

/// The same for a connection of the caller's, which besides is over after three seconds without a sign of life.
#[cfg(target_os = "linux")]
pub fn tune_descriptor(descriptor: std::os::fd::RawFd) {
    // SAFETY: it is only borrowed for the calls below, each of which fails harmlessly on what is no TCP socket; the
    // caller holds it open meanwhile, since it waits here.
    let socket = unsafe { std::os::fd::BorrowedFd::borrow_raw(descriptor) };
    let socket = socket2::SockRef::from(&socket);
    let step = std::time::Duration::from_secs(1);
    let keepalive = socket2::TcpKeepalive::new().with_time(step).with_interval(step).with_retries(2);
    let _ = socket.set_tcp_congestion(b"bbr");
    let _ = socket.set_tcp_notsent_lowat(UNSENT);
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = socket.set_tcp_user_timeout(Some(3 * step));
}

/// IPv6 flow labels are left out.
pub fn canonical(mut remote: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(v6) = &mut remote {
        v6.set_flowinfo(0);
    }
    remote
}

fn listener(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(taken_by_nobody(address)?)?;
    socket.listen(BACKLOG)?;
    Ok(TcpListener::from_std(socket.into()))
}

/// The address with the port that it gets. On Windows a socket that shares its port would take the port of another program,
/// which one that does not share is refused.
#[cfg(windows)]
fn taken_by_nobody(address: SocketAddr) -> io::Result<SocketAddr> {
    std::net::TcpListener::bind(address)?.local_addr()
}

#[cfg(not(windows))]
fn taken_by_nobody(address: SocketAddr) -> io::Result<SocketAddr> {
    Ok(address)
}

/// Bound so that one socket may listen at the address while others connect from it.
fn open(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    crate::os::mark(&socket);
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    #[cfg(unix)]
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    if error.raw_os_error() == Some(libc::EINPROGRESS) {
        return true;
    }
    error.kind() == io::ErrorKind::WouldBlock
}
