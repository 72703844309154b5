//! Joins consecutive segments of one flow into a super-packet for the TUN (receive offload in user space).
//!
//! Packets lie where they were opened, in the receive buffer; a run remembers ranges and rewrites only the first
//! packet's headers. A run is one flow's uninterrupted segments, so nothing is ever reordered: a sender's super-packet
//! arrives as one run.

use super::checksum;
use super::ip::{Header, TCP, UDP, Version};
use super::vnet::{self, Vnet};
use std::ops::Range;

/// Segments of the longest run; as many as one `UDP_SEGMENT` send carries.
const SEGMENTS: usize = 64;
const LARGEST: usize = 65_535;

const TCP_FIN: u8 = 0x01;
const TCP_SYN: u8 = 0x02;
const TCP_RST: u8 = 0x04;
const TCP_PSH: u8 = 0x08;
const TCP_URG: u8 = 0x20;
const TCP_CWR: u8 = 0x80;

/// One packet, or several joined, to be written to the TUN in one call.
#[derive(Default)]
pub struct Run {
    first: Option<First>,
    /// Payloads of the packets after the first.
    more: Vec<Range<usize>>,
    /// Bytes of the whole run, headers once.
    total: usize,
    /// TCP: the sequence number that continues the run.
    next: u32,
    /// TCP flags of the last segment that stay on the joined packet.
    flags: u8,
    /// No segment may follow (a short one or a PSH came).
    closed: bool,
    /// The first packet's own checksum was checked, or is partial.
    verified: bool,
}

struct First {
    packet: Range<usize>,
    header: Header,
    /// Bytes of network and transport headers.
    headers: usize,
    /// Payload bytes of each segment; 0 where nothing can be joined.
    segment: usize,
    partial: bool,
}

impl Run {
    /// Takes a packet into the run. `packet` lies in `slab`, `header` was parsed from it, `partial` is the
    /// authenticated flag (and only set where the header has a checksum offset). `datagrams`: the TUN takes joined UDP.
    /// False when it does not continue the run: write the run first.
    pub fn push(
        &mut self,
        slab: &[u8],
        packet: Range<usize>,
        header: Header,
        partial: bool,
        datagrams: bool,
    ) -> bool {
        let bytes = &slab[packet.clone()];
        let Some(first) = &self.first else {
            let (headers, segment, closed) = joinable(bytes, &header, datagrams);
            self.total = header.total;
            self.closed = closed;
            self.verified = partial;
            if header.protocol == TCP && segment > 0 {
                self.next = sequence(bytes, &header).wrapping_add(segment as u32);
                self.flags = bytes[header.length + 13];
            }
            self.first = Some(First { packet, header, headers, segment, partial });
            return true;
        };
        if self.closed || self.more.len() + 1 >= SEGMENTS || first.partial != partial {
            return false;
        }
        let before = &slab[first.packet.clone()];
        let (headers, segment, _) = joinable(bytes, &header, datagrams);
        if segment == 0
            || headers != first.headers
            || segment > first.segment
            || self.total + segment > LARGEST
            || !same_flow(before, bytes, &first.header, &header)
        {
            return false;
        }
        let transport = header.length;
        if header.protocol == TCP {
            let flags = bytes[transport + 13];
            let stable = !(TCP_FIN | TCP_PSH);
            if sequence(bytes, &header) != self.next
                || flags & TCP_CWR != 0
                || flags & stable != before[transport + 13] & stable & !TCP_CWR
                || before[transport + 8..transport + 12] != bytes[transport + 8..transport + 12]
                || before[transport + 20..headers] != bytes[transport + 20..headers]
            {
                return false;
            }
        }
        if !partial {
            if !self.verified {
                if !checksum_holds(before, &first.header) {
                    return false;
                }
                self.verified = true;
            }
            if !checksum_holds(bytes, &header) {
                return false;
            }
        }
        self.closed = segment < first.segment;
        if header.protocol == TCP {
            let flags = bytes[transport + 13];
            self.closed |= flags & (TCP_FIN | TCP_PSH) != 0;
            self.flags |= flags & (TCP_FIN | TCP_PSH);
            self.next = self.next.wrapping_add(segment as u32);
        }
        self.total += segment;
        self.more.push(packet.start + headers..packet.start + header.total);
        true
    }

    /// Ends the run: rewrites the first packet's headers in `slab` for what was joined, hands the vnet header and the
    /// pieces in order to `write`, and is empty again. Does nothing when it is empty.
    pub fn finish(
        &mut self,
        slab: &mut [u8],
        write: impl FnOnce(&[u8], Vnet, Range<usize>, &[Range<usize>]),
    ) {
        let Some(first) = self.first.take() else { return };
        let header = first.header;
        let start = first.packet.start;
        let mut vnet = Vnet::default();
        if first.partial || !self.more.is_empty() {
            vnet.flags = vnet::NEEDS_CHECKSUM;
            vnet.checksum_start = header.length as u16;
            vnet.checksum_offset = if header.protocol == TCP { 16 } else { 6 };
        }
        if !self.more.is_empty() {
            vnet.headers = first.headers as u16;
            vnet.segment = first.segment as u16;
            vnet.gso = match (header.protocol, header.version) {
                (UDP, _) => vnet::GSO_UDP,
                (_, Version::V4) => vnet::GSO_TCP4,
                (_, Version::V6) => vnet::GSO_TCP6,
            };
            if header.protocol == TCP && self.flags & TCP_CWR != 0 {
                vnet.gso |= vnet::GSO_ECN;
            }
            join_headers(&mut slab[start..start + first.headers], &header, self.total, self.flags);
        }
        write(slab, vnet, start..start + header.total, &self.more);
        self.more.clear();
    }
}

/// Header bytes, payload bytes (0: not joinable) and whether nothing may follow.
fn joinable(packet: &[u8], header: &Header, datagrams: bool) -> (usize, usize, bool) {
    const NOT: (usize, usize, bool) = (0, 0, true);
    // IPv4 options and extension headers stay alone, as do fragments.
    if header.fragment || header.version == Version::V4 && header.length != 20 {
        return NOT;
    }
    let transport = &packet[header.length..header.total];
    match header.protocol {
        TCP if transport.len() >= 20 => {
            let length = usize::from(transport[12] >> 4) * 4;
            let flags = transport[13];
            if length < 20 || length >= transport.len() || flags & (TCP_SYN | TCP_RST | TCP_URG) != 0 {
                return NOT;
            }
            let closed = flags & (TCP_FIN | TCP_PSH) != 0;
            (header.length + length, transport.len() - length, closed)
        }
        UDP if datagrams && transport.len() > 8 => {
            let stated = usize::from(u16::from_be_bytes([transport[4], transport[5]]));
            // No checksum (IPv4 only) must stay none.
            if stated != transport.len() || transport[6..8] == [0, 0] {
                return NOT;
            }
            (header.length + 8, transport.len() - 8, false)
        }
        _ => NOT,
    }
}

/// Same addresses, ports, traffic class, hop limit and fragment bits.
fn same_flow(one: &[u8], other: &[u8], header: &Header, second: &Header) -> bool {
    if header.version != second.version || header.protocol != second.protocol {
        return false;
    }
    let network = match header.version {
        Version::V4 => one[..2] == other[..2] && one[6..10] == other[6..10] && one[12..20] == other[12..20],
        Version::V6 => one[..4] == other[..4] && one[6..40] == other[6..40],
    };
    network && one[header.length..header.length + 4] == other[header.length..header.length + 4]
}

fn sequence(packet: &[u8], header: &Header) -> u32 {
    let at = header.length + 4;
    u32::from_be_bytes([packet[at], packet[at + 1], packet[at + 2], packet[at + 3]])
}

fn checksum_holds(packet: &[u8], header: &Header) -> bool {
    let transport = &packet[header.length..header.total];
    checksum::sum(transport, checksum::pseudo(header, packet, transport.len())) == 0xffff
}

fn join_headers(head: &mut [u8], header: &Header, total: usize, flags: u8) {
    let ip = header.length;
    match header.version {
        Version::V4 => {
            head[2..4].copy_from_slice(&(total as u16).to_be_bytes());
            checksum::write_ipv4(head, ip);
        }
        Version::V6 => head[4..6].copy_from_slice(&((total - 40) as u16).to_be_bytes()),
    }
    let at = if header.protocol == TCP {
        head[ip + 13] = flags;
        16
    } else {
        head[ip + 4..ip + 6].copy_from_slice(&((total - ip) as u16).to_be_bytes());
        6
    };
    let seed = checksum::pseudo(header, head, total - ip);
    head[ip + at..ip + at + 2].copy_from_slice(&seed.to_be_bytes());
}

#[cfg(test)]
#[path = "coalesce_test.rs"]
mod tests;
