//! Ports of this machine that lead elsewhere.

use super::world::{Node, PATIENCE, TunKind, until};
use crate::plane::{MappedProtocol, PortMap};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

/// More than all buffers on the way hold.
const MUCH: usize = 16 << 20;

fn map(node: &Node, protocol: MappedProtocol, target: SocketAddr) -> (u32, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let id = node.plane.map_port(&PortMap { protocol, listen: free, target }).expect("mapped");
    (id, free)
}

fn connect(to: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(to).expect("connected");
    stream.set_read_timeout(Some(PATIENCE)).expect("set");
    stream
}

fn udp() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("bound");
    socket.set_read_timeout(Some(PATIENCE)).expect("set");
    socket
}

fn bytes() -> Vec<u8> {
    (0..MUCH).map(|at| (at / 7 + at) as u8).collect()
}

/// [Z13] Everything arrives both ways, and the end of one way is no end of the other.
#[test]
fn a_mapped_port_carries_connections_with_their_ends() {
    let node = Node::new(1, TunKind::None);
    let target = TcpListener::bind("127.0.0.1:0").expect("bound");
    let (_, port) = map(&node, MappedProtocol::Tcp, target.local_addr().expect("bound"));
    let asking = std::thread::spawn(move || {
        let mut near = connect(port);
        near.write_all(&bytes()).expect("sent");
        near.shutdown(Shutdown::Write).expect("ended");
        let mut answer = Vec::new();
        near.read_to_end(&mut answer).expect("answered");
        answer
    });
    let (mut far, _) = target.accept().expect("accepted");
    let mut asked = Vec::new();
    far.read_to_end(&mut asked).expect("asked");
    assert!(asked == bytes());
    asked.reverse();
    far.write_all(&asked).expect("sent");
    drop(far);
    assert!(asking.join().expect("ends well") == asked);
}

/// [Z13] Whoever connects learns that nobody is there, or that the target broke off.
#[test]
fn a_break_reaches_the_other_end() {
    let node = Node::new(1, TunKind::None);
    let target = TcpListener::bind("127.0.0.1:0").expect("bound");
    let place = target.local_addr().expect("bound");
    let (_, port) = map(&node, MappedProtocol::Tcp, place);
    let is_reset =
        |mut near: TcpStream| near.read(&mut [0]).expect_err("broken").kind() == ErrorKind::ConnectionReset;
    let near = connect(port);
    let (far, _) = target.accept().expect("accepted");
    socket2::SockRef::from(&far).set_linger(Some(Duration::ZERO)).expect("set");
    drop(far);
    assert!(is_reset(near));
    drop(target);
    let refused = TcpStream::connect(port).map(|near| {
        near.set_read_timeout(Some(PATIENCE)).expect("set");
        is_reset(near)
    });
    assert!(refused.unwrap_or(true), "nobody is there");
}

/// [Z13] Each who asks gets the answers that are for it.
#[test]
fn a_mapped_port_carries_datagrams_of_many() {
    let node = Node::new(1, TunKind::None);
    let target = udp();
    let (_, port) = map(&node, MappedProtocol::Udp, target.local_addr().expect("bound"));
    let clients = [udp(), udp(), udp()];
    let mut room = [0u8; 2_000];
    for round in 0..3u8 {
        for (number, client) in clients.iter().enumerate() {
            client.send_to(&[number as u8, round], port).expect("sent");
        }
        for _ in &clients {
            let (length, from) = target.recv_from(&mut room).expect("asked");
            target.send_to(&[&room[..length], b" heard"].concat(), from).expect("answered");
        }
        for (number, client) in clients.iter().enumerate() {
            let (length, from) = client.recv_from(&mut room).expect("answered");
            assert_eq!(
                (&room[..length], from),
                (&[&[number as u8, round], &b" heard"[..]].concat()[..], port)
            );
        }
    }
}

#[test]
fn an_unmapped_port_is_free_and_its_connections_are_over() {
    let node = Node::new(1, TunKind::None);
    let target = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let place = target.local_addr().expect("bound");
    let (id, port) = map(&node, MappedProtocol::Tcp, place);
    let again =
        || node.plane.map_port(&PortMap { protocol: MappedProtocol::Tcp, listen: port, target: place });
    assert_eq!(again().expect_err("taken").code, "EADDRINUSE");
    let mut near = connect(port);
    let (mut far, _) = target.accept().expect("accepted");
    far.write_all(b"x").expect("sent");
    near.read_exact(&mut [0]).expect("it stands");
    node.plane.unmap_port(id).expect("unmapped");
    assert_eq!(near.read(&mut [0]).expect_err("over").kind(), ErrorKind::ConnectionReset);
    until("nobody listens", || TcpStream::connect(port).is_err());
    assert_eq!(node.plane.unmap_port(id).expect_err("gone").code, "ENOENT");
    again().expect("free");
}
