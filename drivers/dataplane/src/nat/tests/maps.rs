//! Prefixes mapped one for one.

use super::packets::{
    QUERY, complete, ends, is_right, network, one_zero, packet, unfinish, unreachable, wild,
};
use crate::nat::{Map, MasqueradeOptions, Nat, NatOptions, Outbound};
use crate::packet::fragment;
use crate::packet::ip::{Header, TCP, UDP};
use crate::packet::vnet::Vnet;
use proptest::prelude::*;
use std::net::{IpAddr, SocketAddr};

const NOW: u64 = 1_000_000;

fn nat(maps: &[(&str, &str)]) -> Nat {
    Nat::new(options(maps), None, 1).expect("they fit")
}

fn options(maps: &[(&str, &str)]) -> NatOptions {
    let map = |(inside, outside): &(&str, &str)| Map {
        inside: inside.parse().expect("a prefix"),
        outside: outside.parse().expect("a prefix"),
    };
    NatOptions { maps: maps.iter().map(map).collect(), masquerade: None }
}

/// Two sites with one LAN prefix in both families, each known by another one.
fn sites() -> (Nat, Nat) {
    let here = nat(&[("192.168.5.0/24", "10.7.0.0/24"), ("fd05::/64", "fd07:0:0:1::/64")]);
    let there = nat(&[("192.168.5.0/24", "10.7.1.0/24"), ("fd05::/64", "fd07:0:0:2::/64")]);
    (here, there)
}

/// A host of the first site with its outer address, and one of the second.
fn hosts(v6: bool, number: u8, other: u8) -> [IpAddr; 4] {
    let address = |text: String| text.parse().expect("an address");
    if v6 {
        [("fd05::", number), ("fd07:0:0:1::", number), ("fd05::", other), ("fd07:0:0:2::", other)]
            .map(|(prefix, number)| address(format!("{prefix}{number:x}")))
    } else {
        [("192.168.5", number), ("10.7.0", number), ("192.168.5", other), ("10.7.1", other)]
            .map(|(prefix, number)| address(format!("{prefix}.{number}")))
    }
}

proptest! {
    /// [C14] What a host sends arrives at the other site's host of the same prefix, whole and right, and what that answers or
    /// says of it comes back as if nothing had been translated.
    #[test]
    fn sites_of_one_prefix_speak_to_each_other(
        v6 in any::<bool>(),
        protocol in prop_oneof![Just(TCP), Just(UDP), Just(QUERY)],
        (number, other) in (1u8..255, 1u8..255),
        (port, other_port) in any::<(u16, u16)>(),
        payload in proptest::collection::vec(any::<u8>(), 0..300),
        partial in any::<bool>(),
        // No half of a checksum is quoted: nobody could put that right.
        quoted in (4usize..200).prop_map(|words| words * 2),
    ) {
        let (here, there) = sites();
        let [inner, outer, other_inner, other_outer] = hosts(v6, number, other);
        let mut sent = packet(protocol, (inner, port).into(), (other_outer, other_port).into(), &payload);
        let original = sent.clone();
        let partial = partial && protocol != QUERY;
        let vnet = if partial { unfinish(&mut sent) } else { Vnet::default() };
        prop_assert_eq!(here.outbound(&vnet, &mut sent, NOW), Outbound::Pass);
        prop_assert_eq!(ends(&sent).0.ip(), outer);
        prop_assert_eq!(ends(&sent).1.ip(), other_outer);
        prop_assert!(partial || is_right(&sent));
        prop_assert!(there.inbound(&mut sent, partial, NOW));
        prop_assert_eq!(ends(&sent).1.ip(), other_inner);
        if partial {
            complete(&mut sent);
        }
        prop_assert!(is_right(&sent));
        let expected = packet(protocol, (outer, port).into(), (other_inner, other_port).into(), &payload);
        prop_assert_eq!(&sent, &expected);

        let mut error = unreachable(other_inner, &sent, quoted);
        prop_assert_eq!(there.outbound(&Vnet::default(), &mut error, NOW), Outbound::Pass);
        prop_assert!(is_right(&error));
        prop_assert!(here.inbound(&mut error, false, NOW));
        prop_assert!(is_right(&error));
        // The host sees an error of the place that it asked, about the very packet that it sent. The checksum quoted is
        // changed twice, and may come back as the other of the two words that stand for nothing.
        prop_assert_eq!(one_zero(&error), one_zero(&unreachable(other_outer, &original, quoted)));
    }

    #[test]
    fn there_and_back_gives_the_same_packet(mut bytes in wild(), partial in any::<bool>()) {
        let here = nat(&[("192.168.5.0/24", "10.7.0.0/24"), ("::/1", "8000::/1")]);
        let back = nat(&[("10.7.0.0/24", "192.168.5.0/24"), ("8000::/1", "::/1")]);
        // A wild packet has any checksums; those that stand for the same number as another come back as that one.
        if Header::parse(&bytes).is_none() || bytes.chunks(2).any(|word| word == [0, 0] || word == [0xff, 0xff]) {
            return Ok(());
        }
        let sent = bytes.clone();
        let vnet = if partial { Vnet { flags: 1, checksum_start: 20, checksum_offset: 6, ..Vnet::default() } } else { Vnet::default() };
        if here.outbound(&vnet, &mut bytes, NOW) == Outbound::Pass && bytes != sent {
            // What is for the other half of all IPv6 is turned by the way back.
            if back.outbound(&vnet, &mut bytes, NOW) == Outbound::Pass {
                prop_assert_eq!(bytes, sent);
            }
        }
    }

    #[test]
    fn wild_packets_keep_their_length_and_never_panic(mut bytes in wild(), flags in any::<u8>(), start in 0u16..80, offset in 0u16..30) {
        let masquerade = Some(MasqueradeOptions {
            from: vec!["192.168.5.0/24".parse().expect("a prefix"), "::/1".parse().expect("a prefix")],
            address4: Some([10, 98, 0, 1].into()),
            address6: Some("fd98::1".parse().expect("an address")),
            full_cone: true,
        });
        let maps = options(&[("10.7.0.0/24", "10.8.0.0/24"), ("8000::/3", "c000::/3")]);
        let nat = Nat::new(NatOptions { masquerade, ..maps }, None, 1).expect("they fit");
        let length = bytes.len();
        let vnet = Vnet { flags, checksum_start: start, checksum_offset: offset, ..Vnet::default() };
        nat.outbound(&vnet, &mut bytes, NOW);
        nat.inbound(&mut bytes, flags & 1 != 0, NOW);
        nat.outbound(&vnet, &mut bytes, NOW);
        prop_assert_eq!(bytes.len(), length);
    }

    /// The pieces of a packet are translated one by one and make the packet that would have come whole.
    #[test]
    fn pieces_make_the_translated_packet(payload in proptest::collection::vec(any::<u8>(), 100..3000), size in 60usize..600) {
        let (here, _) = sites();
        let [inner, outer, _, other_outer] = hosts(false, 9, 7);
        let ends = |from: IpAddr| ((from, 5).into(), (other_outer, 6).into());
        let (from, to): (SocketAddr, SocketAddr) = ends(inner);
        let sent = packet(UDP, from, to, &payload);
        let mut got: Vec<u8> = Vec::new();
        for mut piece in fragment::cut(&sent, &Header::parse(&sent).expect("a packet"), size) {
            prop_assert_eq!(here.outbound(&Vnet::default(), &mut piece, NOW), Outbound::Pass);
            prop_assert_eq!(Header::parse(&piece).expect("a packet").source(&piece), outer);
            prop_assert_eq!(crate::packet::checksum::sum(&piece[..20], 0), 0xffff);
            got.extend(&piece[20..]);
        }
        let (from, to) = ends(outer);
        prop_assert_eq!(&got[..], &packet(UDP, from, to, &payload)[20..]);
    }
}

/// [C14]
#[test]
fn the_addresses_behind_a_map_are_reached_by_it_alone() {
    let (here, _) = sites();
    let remote: SocketAddr = "10.7.1.7:6".parse().expect("an address");
    let mut asked = packet(UDP, remote, "192.168.5.9:5".parse().expect("an address"), b"");
    assert!(!here.inbound(&mut asked, false, NOW), "an inner address means nothing outside");
    let own = packet(UDP, remote, "10.98.0.1:5".parse().expect("an address"), b"");
    assert!(here.inbound(&mut own.clone(), false, NOW), "everything else passes");
}

#[test]
fn a_host_is_reached_by_its_outer_address_from_its_own_site() {
    let (here, _) = sites();
    let ends = |from: &str, to: &str| {
        packet(UDP, from.parse().expect("an address"), to.parse().expect("an address"), b"")
    };
    let mut sent = ends("192.168.5.9:5", "10.7.0.8:6");
    assert_eq!(here.outbound(&Vnet::default(), &mut sent, NOW), Outbound::Turn);
    assert_eq!(sent, ends("10.7.0.9:5", "192.168.5.8:6"));
}

#[test]
fn the_longest_map_counts_and_what_does_not_fit_is_refused() {
    let nested = nat(&[("192.168.5.0/24", "10.7.0.0/24"), ("192.168.5.9/32", "10.99.1.1/32")]);
    let mut sent = packet(TCP, "192.168.5.9:1".parse().expect("ok"), "10.1.1.1:1".parse().expect("ok"), b"");
    nested.outbound(&Vnet::default(), &mut sent, NOW);
    assert_eq!(ends(&sent).0.to_string(), "10.99.1.1:1");
    for wrong in [
        &[("192.168.5.0/24", "10.7.0.0/23")][..],
        &[("192.168.5.0/24", "fd00::/24")],
        &[("192.168.5.0/24", "10.7.0.0/24"), ("192.168.6.0/24", "10.7.0.0/24")],
        &[("192.168.5.0/24", "10.7.0.0/24"), ("192.168.5.0/24", "10.8.0.0/24")],
    ] {
        assert!(Nat::new(options(wrong), None, 1).is_err(), "{wrong:?}");
    }
}

/// Behind IPv6 extension headers the checksum is found; of a UDP datagram over IPv4 without checksum there stays none.
#[test]
fn checksums_are_found_wherever_they_are() {
    let (here, _) = sites();
    let [inner, outer, _, other] = hosts(true, 9, 7);
    let plain = packet(UDP, (inner, 5).into(), (other, 6).into(), b"behind options");
    let mut extended = network((inner, other), 60, &[&[UDP, 0, 1, 4, 0, 0, 0, 0], &plain[40..]].concat());
    here.outbound(&Vnet::default(), &mut extended, NOW);
    assert!(is_right(&extended));
    assert_eq!(ends(&extended).0, (outer, 5).into());

    let mut bare = packet(UDP, "192.168.5.9:5".parse().expect("ok"), "10.7.1.7:6".parse().expect("ok"), b"");
    bare[26..28].fill(0);
    here.outbound(&Vnet::default(), &mut bare, NOW);
    assert_eq!((bare[26], bare[27]), (0, 0));
}

/// 0 says that there is no checksum, so one that comes out as 0 is written as the other word for it (RFC 768).
#[test]
fn a_checksum_does_not_vanish() {
    let (here, _) = sites();
    let (from, to) = ("192.168.5.9:5".parse().expect("ok"), "10.7.1.7:6".parse().expect("ok"));
    for word in 0..=u16::MAX {
        let mut sent = packet(UDP, from, to, &word.to_be_bytes());
        if sent[26..28] != [0, 0] {
            here.outbound(&Vnet::default(), &mut sent, NOW);
            assert_ne!(sent[26..28], [0, 0], "{word}");
        }
    }
}

/// What lies where the first piece of a packet has its ports and checksum is payload in the others.
#[test]
fn later_pieces_of_ipv6_keep_what_they_carry() {
    let (here, _) = sites();
    let [inner, outer, _, other] = hosts(true, 9, 7);
    let payload: Vec<u8> = (1..=64).collect();
    let mut piece = network((inner, other), 44, &[&[UDP, 0, 0, 16, 0, 0, 0, 9], &payload[..]].concat());
    assert_eq!(here.outbound(&Vnet::default(), &mut piece, NOW), Outbound::Pass);
    assert_eq!(Header::parse(&piece).expect("a packet").source(&piece), outer);
    assert_eq!(piece[48..], payload);
}
