//! Which stream a packet belongs to, for whoever spreads streams over paths or orders each by itself.

use super::ip::{Header, TCP, UDP, Version};

/// The stream of a packet, as far as a link needs to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// Equal for packets of one stream and mostly different for those of others; 0 where nothing is known.
    pub id: u32,
    /// TCP wants its packets in order; everything else wants them soon.
    pub is_tcp: bool,
}

impl Flow {
    /// Reads it from a packet with its header.
    pub fn of(header: &Header, packet: &[u8]) -> Flow {
        let hash = hash(header, packet);
        Flow { id: (hash ^ hash >> 32) as u32, is_tcp: header.protocol == TCP && !header.fragment }
    }
}

/// Hash of addresses and protocol and, where every packet of the flow has them, ports.
pub fn hash(header: &Header, packet: &[u8]) -> u64 {
    let addresses = match header.version {
        Version::V4 => &packet[12..20],
        Version::V6 => &packet[8..40],
    };
    let ported = matches!(header.protocol, TCP | UDP) && !header.fragment;
    let ports = packet.get(header.length..header.length + 4).filter(|_| ported).unwrap_or(&[]);
    let bytes = addresses.iter().chain(ports).chain([&header.protocol]);
    // FNV-1a; users spread what it leaves uneven.
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(packet: &[u8]) -> Flow {
        Flow::of(&Header::parse(packet).expect("an IP packet"), packet)
    }

    #[test]
    fn packets_of_one_stream_have_one_flow_and_ports_tell_streams_apart() {
        let mut packet = vec![0u8; 60];
        packet[0] = 0x45;
        packet[3] = 60;
        packet[9] = TCP;
        packet[20..24].copy_from_slice(&[0, 80, 1, 2]);
        let first = of(&packet);
        assert!(first.is_tcp);
        packet[24] = 9;
        assert_eq!(of(&packet), first, "a sequence number is no other stream");
        packet[23] = 3;
        assert_ne!(of(&packet).id, first.id);
        // Fragments have no ports, and TCP cannot order them.
        packet[6] = 0x20;
        assert!(!of(&packet).is_tcp);
        packet[6] = 0;
        packet[9] = UDP;
        assert!(!of(&packet).is_tcp);
    }
}
