//! Cutting and joining undo each other, and leave every checksum right.

use super::super::segment::Cut;
use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Shape {
    v6: bool,
    tcp: bool,
    options: usize,
    payload: Vec<u8>,
    segment: usize,
    flags: u8,
    sequence: u32,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let payload = proptest::collection::vec(any::<u8>(), 1..9000);
    (
        any::<bool>(),
        any::<bool>(),
        0usize..=10,
        payload,
        200usize..1400,
        any::<u32>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(v6, tcp, options, payload, segment, sequence, push, congestion)| Shape {
            v6,
            tcp,
            options,
            payload,
            segment,
            flags: 0x10 | if push { TCP_PSH } else { 0 } | if congestion { TCP_CWR } else { 0 },
            sequence,
        })
}

/// A super-packet as the kernel gives it: pseudo-header sum in the checksum field, lengths of the whole.
fn super_packet(shape: &Shape) -> (Vnet, Vec<u8>) {
    let ip = if shape.v6 { 40 } else { 20 };
    let transport = if shape.tcp { 20 + shape.options * 4 } else { 8 };
    let total = ip + transport + shape.payload.len();
    let mut packet = vec![0u8; total];
    if shape.v6 {
        packet[0] = 0x60;
        packet[4..6].copy_from_slice(&((total - 40) as u16).to_be_bytes());
        packet[6] = if shape.tcp { TCP } else { UDP };
        packet[7] = 64;
        packet[8..40].copy_from_slice(&std::array::from_fn::<u8, 32, _>(|i| i as u8 + 1));
    } else {
        packet[0] = 0x45;
        packet[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        packet[4..6].copy_from_slice(&0xfff0u16.to_be_bytes());
        packet[6] = 0x40;
        packet[8] = 64;
        packet[9] = if shape.tcp { TCP } else { UDP };
        packet[12..20].copy_from_slice(&[10, 1, 0, 1, 10, 1, 0, 2]);
        checksum::write_ipv4(&mut packet, 20);
    }
    packet[ip..ip + 4].copy_from_slice(&[0x30, 0x39, 0x14, 0x51]);
    if shape.tcp {
        packet[ip + 4..ip + 8].copy_from_slice(&shape.sequence.to_be_bytes());
        packet[ip + 12] = (transport as u8 / 4) << 4;
        packet[ip + 13] = shape.flags;
        for (at, byte) in packet[ip + 20..ip + transport].iter_mut().enumerate() {
            *byte = at as u8;
        }
    } else {
        packet[ip + 4..ip + 6].copy_from_slice(&((total - ip) as u16).to_be_bytes());
    }
    packet[ip + transport..].copy_from_slice(&shape.payload);
    let header = Header::parse(&packet).expect("an IP packet");
    let offset = if shape.tcp { 16 } else { 6 };
    let seed = checksum::pseudo(&header, &packet, total - ip);
    packet[ip + offset..ip + offset + 2].copy_from_slice(&seed.to_be_bytes());
    let more = shape.payload.len() > shape.segment;
    let vnet = Vnet {
        flags: vnet::NEEDS_CHECKSUM,
        gso: match (more, shape.tcp, shape.v6) {
            (false, ..) => vnet::GSO_NONE,
            (_, false, _) => vnet::GSO_UDP,
            (_, _, false) => vnet::GSO_TCP4,
            (_, _, true) => vnet::GSO_TCP6,
        } | if more && shape.tcp && shape.flags & TCP_CWR != 0 { vnet::GSO_ECN } else { 0 },
        headers: if more { (ip + transport) as u16 } else { 0 },
        segment: if more { shape.segment as u16 } else { 0 },
        checksum_start: ip as u16,
        checksum_offset: offset as u16,
    };
    (vnet, packet)
}

fn cut(vnet: &Vnet, packet: &[u8], complete: bool) -> (Vec<u8>, Vec<Range<usize>>) {
    let cut = Cut::plan(vnet, packet).expect("a packet of the kernel");
    assert!(cut.partial);
    write(&cut, packet, complete)
}

fn write(cut: &Cut, packet: &[u8], complete: bool) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut slab = Vec::new();
    let mut ranges = Vec::new();
    for index in 0..cut.count {
        // A gap before each, as session headers leave one.
        let start = slab.len() + 16;
        let end = start + cut.length(index);
        slab.resize(end, 0xee);
        cut.write(packet, index, &mut slab[start..end]);
        if complete {
            cut.finish(&mut slab[start..end]);
        }
        ranges.push(start..end);
    }
    (slab, ranges)
}

/// Everything the TUN would be given, each as (vnet header, bytes).
fn join(slab: &mut [u8], ranges: &[Range<usize>], partial: bool) -> Vec<(Vnet, Vec<u8>)> {
    let mut written = Vec::new();
    let mut write = |slab: &[u8], vnet: Vnet, first: Range<usize>, more: &[Range<usize>]| {
        let mut bytes = slab[first].to_vec();
        more.iter().for_each(|piece| bytes.extend_from_slice(&slab[piece.clone()]));
        written.push((vnet, bytes));
    };
    let mut run = Run::default();
    for range in ranges {
        let header = Header::parse(&slab[range.clone()]).expect("an IP packet");
        if !run.push(slab, range.clone(), header, partial, true) {
            run.finish(slab, &mut write);
            assert!(run.push(slab, range.clone(), header, partial, true));
        }
    }
    run.finish(slab, &mut write);
    written
}

proptest! {
    #[test]
    fn joining_undoes_cutting(shape in shapes()) {
        let (vnet, packet) = super_packet(&shape);
        let (mut slab, ranges) = cut(&vnet, &packet, false);
        prop_assert_eq!(ranges.len(), shape.payload.len().div_ceil(shape.segment));
        let written = join(&mut slab, &ranges, true);
        prop_assert_eq!(written.len(), 1);
        prop_assert_eq!(written[0].0, vnet);
        prop_assert_eq!(&written[0].1, &packet);
    }

    #[test]
    fn every_segment_is_a_right_packet_once_finished(shape in shapes()) {
        let (vnet, packet) = super_packet(&shape);
        let (mut slab, ranges) = cut(&vnet, &packet, true);
        for range in &ranges {
            let bytes = &slab[range.clone()];
            let header = Header::parse(bytes).expect("an IP packet");
            prop_assert_eq!(header.total, bytes.len());
            prop_assert!(checksum_holds(bytes, &header));
            prop_assert!(header.version == Version::V6 || checksum::sum(&bytes[..20], 0) == 0xffff);
        }
        // Complete checksums are checked before joining, and give the same super-packet.
        let written = join(&mut slab, &ranges, false);
        prop_assert_eq!(written.len(), 1);
        if ranges.len() > 1 {
            prop_assert_eq!(&written[0].1, &packet);
        }
    }

    #[test]
    fn segments_cut_smaller_fit_and_make_the_same_stream(shape in shapes(), mtu in 300usize..1400, complete in any::<bool>()) {
        let (vnet, packet) = super_packet(&shape);
        let plan = Cut::plan(&vnet, &packet).expect("a packet of the kernel");
        let smaller = plan.shrink(&packet, mtu);
        prop_assert_eq!(smaller.is_some(), shape.tcp && packet.len() > mtu);
        if let Some(smaller) = smaller {
            let (mut slab, ranges) = write(&smaller, &packet, complete);
            for range in &ranges {
                let bytes = &slab[range.clone()];
                let header = Header::parse(bytes).expect("an IP packet");
                prop_assert!(bytes.len() <= mtu && header.total == bytes.len());
                prop_assert!(!complete || checksum_holds(bytes, &header));
                prop_assert!(header.version == Version::V6 || checksum::sum(&bytes[..20], 0) == 0xffff);
            }
            let written = join(&mut slab, &ranges, !complete);
            prop_assert_eq!(written.len(), 1);
            prop_assert_eq!(&written[0].1, &packet);
        }
    }

    #[test]
    fn a_damaged_segment_is_never_joined(shape in shapes(), at in any::<prop::sample::Index>()) {
        let (vnet, packet) = super_packet(&shape);
        let (mut slab, ranges) = cut(&vnet, &packet, true);
        let victim = ranges[at.index(ranges.len())].clone();
        slab[victim.end - 1] ^= 0x40;
        let damaged = slab[victim].to_vec();
        let written = join(&mut slab, &ranges, false);
        // Written alone and unchanged, so that the kernel sees the bad sum itself.
        prop_assert!(written.iter().any(|(vnet, bytes)| *vnet == Vnet::default() && *bytes == damaged));
    }

    #[test]
    fn random_headers_are_refused_or_in_bounds(
        bytes in proptest::collection::vec(any::<u8>(), 10..200),
        version in prop::sample::select(vec![0x45u8, 0x46, 0x60]),
        protocol in prop::sample::select(vec![TCP, UDP]),
    ) {
        let (head, packet) = bytes.split_at(10);
        let mut packet = packet.to_vec();
        if packet.len() >= 40 {
            let length = packet.len() as u16;
            packet[0] = version;
            if version == 0x60 {
                packet[4..6].copy_from_slice(&(length - 40).to_be_bytes());
                packet[6] = protocol;
            } else {
                packet[2..4].copy_from_slice(&length.to_be_bytes());
                packet[6..8].fill(0);
                packet[9] = protocol;
            }
        }
        let mut vnet = Vnet::parse(head.try_into().expect("ten bytes"));
        for gso in [vnet::GSO_NONE, vnet::GSO_TCP4, vnet::GSO_TCP6, vnet::GSO_UDP, vnet.gso] {
            vnet.gso = gso;
            let planned = Cut::plan(&vnet, &packet).ok();
            for cut in [planned, planned.and_then(|cut| cut.shrink(&packet, 90))].into_iter().flatten() {
                for index in 0..cut.count {
                    let mut out = vec![0; cut.length(index)];
                    cut.write(&packet, index, &mut out);
                    cut.finish(&mut out);
                }
            }
        }
        if let Some(header) = Header::parse(&packet) {
            let mut run = Run::default();
            run.push(&packet, 0..packet.len(), header, false, true);
            run.push(&packet, 0..packet.len(), header, false, true);
            run.finish(&mut packet, |_, _, _, _| ());
        }
    }
}

#[test]
fn another_flow_or_a_gap_begins_a_new_run() {
    let shape = Shape {
        v6: false,
        tcp: true,
        options: 3,
        payload: vec![7; 3000],
        segment: 1000,
        flags: 0x10,
        sequence: 9,
    };
    let (vnet, packet) = super_packet(&shape);
    let (mut slab, ranges) = cut(&vnet, &packet, false);
    let gap = [ranges[0].clone(), ranges[2].clone()];
    assert_eq!(join(&mut slab, &gap, true).len(), 2);
    slab[ranges[1].start + 20] ^= 1;
    assert_eq!(join(&mut slab, &ranges, true).len(), 3);
}
