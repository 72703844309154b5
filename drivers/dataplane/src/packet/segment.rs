//! Cuts a super-packet of the TUN into the packets that go on the wire, and says what each packet's checksum lacks.

use super::checksum;
use super::ip::{Header, TCP, UDP, Version};
use super::vnet::{self, Vnet};

const TCP_FIN: u8 = 0x01;
const TCP_SYN: u8 = 0x02;
const TCP_PSH: u8 = 0x08;
const TCP_URG: u8 = 0x20;
const TCP_CWR: u8 = 0x80;
/// Smaller segments are not worth their headers.
const LEAST_SEGMENT: usize = 64;

/// How one packet read from the TUN becomes one or more packets on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub header: Header,
    /// Packets that come out; 1 for everything that is no super-packet.
    pub count: usize,
    /// Checksums hold the pseudo-header sum only, and the packets are plain TCP or UDP: the far end may finish them.
    pub partial: bool,
    /// Kernel left the checksum to us at this place (start, offset), whatever the packet is.
    unfinished: Option<(usize, usize)>,
    /// Bytes of network and transport headers that each segment repeats; unused when `count` is 1.
    headers: usize,
    segment: usize,
    /// Sum of the IPv4 header without length, id and checksum.
    network_sum: u16,
}

/// Why a packet of the TUN goes nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No whole IP packet.
    Malformed,
    /// A super-packet whose vnet header does not fit it.
    Offload,
}

impl Cut {
    /// Reads what the kernel handed over. `packet` starts at the IP header.
    pub fn plan(vnet: &Vnet, packet: &[u8]) -> Result<Cut, Refusal> {
        let header = Header::parse(packet).ok_or(Refusal::Malformed)?;
        let start = usize::from(vnet.checksum_start);
        let offset = usize::from(vnet.checksum_offset);
        let unfinished = (vnet.flags & vnet::NEEDS_CHECKSUM != 0).then_some((start, offset));
        if let Some((start, offset)) = unfinished
            && (start < header.length || start + offset + 2 > header.total)
        {
            return Err(Refusal::Offload);
        }
        let plain = unfinished == header.checksum_offset().map(|offset| (header.length, offset));
        let partial = unfinished.is_some() && plain;
        let whole = Cut { header, count: 1, partial, unfinished, headers: 0, segment: 0, network_sum: 0 };
        let transport = match vnet.gso & !vnet::GSO_ECN {
            vnet::GSO_NONE => return Ok(whole),
            vnet::GSO_TCP4 | vnet::GSO_TCP6 => TCP,
            vnet::GSO_UDP => UDP,
            _ => return Err(Refusal::Offload),
        };
        // Linux always leaves the checksum of a super-packet open. One behind IPv6 extension headers is not cut.
        if !partial || transport != header.protocol {
            return Err(Refusal::Offload);
        }
        let transport_length = match transport {
            TCP => usize::from(packet[header.length + 12] >> 4) * 4,
            _ => 8,
        };
        let headers = header.length + transport_length;
        let segment = usize::from(vnet.segment);
        if segment == 0 || headers > header.total || transport == TCP && transport_length < 20 {
            return Err(Refusal::Offload);
        }
        let count = (header.total - headers).div_ceil(segment).max(1);
        let network_sum = network_sum(packet, &header);
        Ok(if count == 1 { whole } else { Cut { count, headers, segment, network_sum, ..whole } })
    }

    /// The same packet cut into segments of at most `mtu` bytes; `None` when it is not ours to cut: no TCP of this machine's
    /// own kernel, or one whose segments must stay as they are.
    pub fn shrink(&self, packet: &[u8], mtu: usize) -> Option<Cut> {
        if !self.partial || self.header.protocol != TCP {
            return None;
        }
        let transport = packet.get(self.header.length..self.header.total)?;
        let transport_length = usize::from(transport.get(12)? >> 4) * 4;
        let headers = self.header.length + transport_length;
        if transport_length < 20 || headers >= self.header.total || transport[13] & (TCP_SYN | TCP_URG) != 0 {
            return None;
        }
        let segment = mtu.checked_sub(headers).filter(|segment| *segment >= LEAST_SEGMENT)?;
        let count = (self.header.total - headers).div_ceil(segment);
        let network_sum = network_sum(packet, &self.header);
        (count > 1).then_some(Cut { count, headers, segment, network_sum, ..*self })
    }

    /// Bytes of packet number `index`, from the IP header on. All but the last are equal.
    pub fn length(&self, index: usize) -> usize {
        if self.count == 1 {
            return self.header.total;
        }
        let payload = self.header.total - self.headers;
        self.headers + self.segment.min(payload - index * self.segment)
    }

    /// Bytes of all packets that come out.
    pub fn bytes(&self) -> usize {
        self.header.total + (self.count - 1) * self.headers
    }

    /// Writes packet number `index` into `out`, which has exactly `length(index)` bytes. Checksums stay as the kernel
    /// left them: see `partial` and `finish`.
    pub fn write(&self, packet: &[u8], index: usize, out: &mut [u8]) {
        if self.count == 1 {
            out.copy_from_slice(&packet[..self.header.total]);
            return;
        }
        let payload = self.headers + index * self.segment;
        let (head, body) = out.split_at_mut(self.headers);
        head.copy_from_slice(&packet[..self.headers]);
        body.copy_from_slice(&packet[payload..payload + body.len()]);
        let total = head.len() + body.len();
        let ip = self.header.length;
        match self.header.version {
            Version::V4 => {
                let id = u16::from_be_bytes([head[4], head[5]]).wrapping_add(index as u16);
                let sum = add(add(self.network_sum, total as u16), id);
                head[2..4].copy_from_slice(&(total as u16).to_be_bytes());
                head[4..6].copy_from_slice(&id.to_be_bytes());
                head[10..12].copy_from_slice(&(!sum).to_be_bytes());
            }
            Version::V6 => head[4..6].copy_from_slice(&((total - 40) as u16).to_be_bytes()),
        }
        let transport = &mut head[ip..];
        if self.header.protocol == TCP {
            let sequence = u32::from_be_bytes([transport[4], transport[5], transport[6], transport[7]]);
            let sequence = sequence.wrapping_add((index * self.segment) as u32);
            transport[4..8].copy_from_slice(&sequence.to_be_bytes());
            if index + 1 < self.count {
                transport[13] &= !(TCP_FIN | TCP_PSH);
            }
            if index > 0 {
                transport[13] &= !TCP_CWR;
            }
        } else {
            transport[4..6].copy_from_slice(&((total - ip) as u16).to_be_bytes());
        }
        let at = if self.header.protocol == TCP { 16 } else { 6 };
        let seed = u16::from_be_bytes([transport[at], transport[at + 1]]);
        // The field holds the pseudo-header sum over the super-packet's length: take that out, put this one's in.
        let seed = add(add(seed, !((self.header.total - ip) as u16)), (total - ip) as u16);
        transport[at..at + 2].copy_from_slice(&seed.to_be_bytes());
    }

    /// Completes the checksum of a packet that `write` made, for a receiver that takes no partial ones.
    pub fn finish(&self, out: &mut [u8]) {
        if let Some((start, offset)) = self.unfinished {
            checksum::complete(out, start, offset);
        }
    }
}

/// Sum of an IPv4 header without length, id and checksum.
fn network_sum(packet: &[u8], header: &Header) -> u16 {
    match header.version {
        Version::V4 => {
            let head = u16::from_be_bytes([packet[0], packet[1]]);
            checksum::sum(&packet[12..header.length], checksum::sum(&packet[6..10], head))
        }
        Version::V6 => 0,
    }
}

fn add(left: u16, right: u16) -> u16 {
    let (value, carry) = left.overflowing_add(right);
    value + u16::from(carry)
}
