//! Datagrams on their way in and out of a UDP socket, many per system call.

use crate::packet::flow::Flow;
use std::net::SocketAddr;
use std::ops::Range;

/// Largest payload of a UDP datagram over IPv4, and of a batch that leaves in one call.
pub const LARGEST: usize = 65_507;
/// Most equal datagrams in one batch (`UDP_MAX_SEGMENTS` of the kernels we meet).
pub const SEGMENTS: usize = 64;

/// One or more datagrams from one sender, back to back in the slab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Where they lie in [`Arrivals::slab`].
    pub range: Range<usize>,
    /// Bytes of each datagram; the last may be shorter. Never 0.
    pub stride: usize,
    /// Where they came from; IPv6 flow labels are left out.
    pub source: SocketAddr,
    /// When the kernel took them, nanoseconds since 1970; 0 where it does not say.
    pub stamp_nanos: u64,
}

/// Room for one receive call, and what it brought.
pub struct Arrivals {
    /// Received bytes.
    pub slab: Vec<u8>,
    /// What lies in the slab.
    pub list: Vec<Arrival>,
}

impl Arrivals {
    /// Batches per receive call.
    pub const BATCHES: usize = 8;
    /// Bytes that one batch may have.
    pub const ROOM: usize = 65_536;

    /// Empty, with all its room.
    pub fn new() -> Arrivals {
        Arrivals { slab: vec![0; Self::BATCHES * Self::ROOM], list: Vec::with_capacity(Self::BATCHES) }
    }
}

/// Equal datagrams to one receiver, back to back; leaves in one call where the system can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Where they lie in the slab given with them: at most [`SEGMENTS`] datagrams and [`LARGEST`] bytes.
    pub range: Range<usize>,
    /// Bytes of each datagram; the last may be shorter.
    pub stride: usize,
    /// Where they go.
    pub target: SocketAddr,
    /// Of all of them, for links that order each by itself; the default for sockets, which do not.
    pub flow: Flow,
}
