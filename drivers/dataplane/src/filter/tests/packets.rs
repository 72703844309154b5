//! Packets to ask a filter about.

use crate::packet::ip::{TCP, UDP};

/// What a packet shall be; hosts are numbers of one prefix.
#[derive(Clone, Debug)]
pub struct Packet {
    pub v6: bool,
    pub from: u8,
    pub to: u8,
    pub protocol: u8,
    pub body: Vec<u8>,
    /// Offset in units of eight bytes, whether more follow, and the id.
    pub fragment: Option<(u16, bool, u16)>,
    /// Empty hop-by-hop and destination headers before the transport, of IPv6.
    pub extensions: usize,
}

impl Packet {
    pub fn new(from: u8, to: u8, protocol: u8, body: Vec<u8>) -> Packet {
        Packet { v6: false, from, to, protocol, body, fragment: None, extensions: 0 }
    }

    pub fn udp((from, source): (u8, u16), (to, destination): (u8, u16)) -> Packet {
        let mut body = ports(source, destination);
        body.extend([0, 12, 0, 0, 1, 2, 3, 4]);
        Packet::new(from, to, UDP, body)
    }

    pub fn tcp((from, source): (u8, u16), (to, destination): (u8, u16), flags: u8) -> Packet {
        let mut body = ports(source, destination);
        body.extend([0, 0, 0, 1, 0, 0, 0, 1, 0x50, flags, 0, 0, 0, 0, 0, 0]);
        Packet::new(from, to, TCP, body)
    }

    /// An echo request, or its reply.
    pub fn echo(from: u8, to: u8, id: u16, reply: bool, v6: bool) -> Packet {
        let kind = match (v6, reply) {
            (false, false) => 8,
            (false, true) => 0,
            (true, false) => 128,
            (true, true) => 129,
        };
        let mut body = vec![kind, 0, 0, 0];
        body.extend(id.to_be_bytes());
        body.extend([0, 1]);
        Packet { v6, ..Packet::new(from, to, if v6 { 58 } else { 1 }, body) }
    }

    /// A host's error of this type about a packet, quoting so many bytes of it.
    pub fn error(from: u8, about: &Packet, kind: u8, quoted: usize) -> Packet {
        let mut body = vec![kind, 0, 0, 0, 0, 0, 0, 0];
        body.extend(about.bytes().iter().take(quoted));
        let protocol = if about.v6 { 58 } else { 1 };
        Packet { v6: about.v6, ..Packet::new(from, about.from, protocol, body) }
    }

    pub fn v6(self) -> Packet {
        Packet { v6: true, ..self }
    }

    pub fn bytes(&self) -> Vec<u8> {
        if self.v6 { self.bytes_v6() } else { self.bytes_v4() }
    }

    fn bytes_v4(&self) -> Vec<u8> {
        let mut bytes = vec![0u8; 20];
        bytes[0] = 0x45;
        bytes[2..4].copy_from_slice(&(20 + self.body.len() as u16).to_be_bytes());
        if let Some((offset, more, id)) = self.fragment {
            bytes[4..6].copy_from_slice(&id.to_be_bytes());
            bytes[6..8].copy_from_slice(&(offset | u16::from(more) << 13).to_be_bytes());
        }
        bytes[9] = self.protocol;
        bytes[12..20].copy_from_slice(&[10, 1, 0, self.from, 10, 1, 0, self.to]);
        bytes.extend(&self.body);
        bytes
    }

    fn bytes_v6(&self) -> Vec<u8> {
        let mut bytes = vec![0u8; 40];
        bytes[0] = 0x60;
        (bytes[8], bytes[23], bytes[24], bytes[39]) = (0xfd, self.from, 0xfd, self.to);
        // Where the number of the next header is written.
        let mut at = 6;
        for extension in 0..self.extensions {
            bytes[at] = if extension == 0 { 0 } else { 60 };
            at = bytes.len();
            bytes.extend([0, 0, 1, 4, 0, 0, 0, 0]);
        }
        if let Some((offset, more, id)) = self.fragment {
            bytes[at] = 44;
            at = bytes.len();
            bytes.extend([0, 0]);
            bytes.extend((offset << 3 | u16::from(more)).to_be_bytes());
            bytes.extend(u32::from(id).to_be_bytes());
        }
        bytes[at] = self.protocol;
        bytes.extend(&self.body);
        let length = bytes.len() as u16 - 40;
        bytes[4..6].copy_from_slice(&length.to_be_bytes());
        bytes
    }
}

fn ports(source: u16, destination: u16) -> Vec<u8> {
    [source.to_be_bytes(), destination.to_be_bytes()].concat()
}
