//! What address translation costs per packet: `cargo run --release --example nat`.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use starmesh_dataplane::nat::{Map, MasqueradeOptions, Nat, NatOptions};

const ROUNDS: u32 = 200_000;
/// Flows that take turns.
const FLOWS: u16 = 1_000;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "ns per packet of 1,400 bytes, one core, {FLOWS} flows, the best of ten")?;
    let map =
        Map { inside: "192.168.5.0/24".parse().expect("ok"), outside: "10.7.0.0/24".parse().expect("ok") };
    let mapped = Nat::new(NatOptions { maps: vec![map], masquerade: None }, None, 1).expect("they fit");
    let masquerade = MasqueradeOptions {
        from: vec!["192.168.5.0/24".parse().expect("ok")],
        address4: Some([10, 98, 0, 1].into()),
        address6: None,
        full_cone: false,
    };
    let shared =
        Nat::new(NatOptions { maps: vec![], masquerade: Some(masquerade) }, None, 1).expect("they fit");
    let host = [192, 168, 5, 9];
    let (outer, own, far) = ([10, 7, 0, 9], [10, 98, 0, 1], [10, 98, 0, 2]);
    for (name, nat, from, back) in [
        ("mapped", &mapped, host, outer),
        ("masqueraded", &shared, host, own),
        ("none of a host's", &shared, own, own),
    ] {
        let leaving = measure(from, far, |packet| {
            black_box(nat.outbound(&Default::default(), packet, 1));
        });
        let entering = measure(far, back, |packet| {
            black_box(nat.inbound(packet, false, 1));
        });
        writeln!(out, "{name:<18} out {leaving:>5.1}   in {entering:>5.1}")?;
    }
    Ok(())
}

/// Of UDP between ports 5000 and up, one for each flow, and 443.
fn measure(from: [u8; 4], to: [u8; 4], mut translate: impl FnMut(&mut [u8])) -> f64 {
    let is_answer = from == [10, 98, 0, 2];
    let packets: Vec<Vec<u8>> = (0..FLOWS)
        .map(|flow| {
            let mut packet = vec![0u8; 1_400];
            packet[0] = 0x45;
            packet[2..4].copy_from_slice(&1_400u16.to_be_bytes());
            packet[8] = 64;
            packet[9] = 17;
            packet[12..16].copy_from_slice(&from);
            packet[16..20].copy_from_slice(&to);
            let (port, service) = ((5_000 + flow).to_be_bytes(), 443u16.to_be_bytes());
            packet[20..22].copy_from_slice(if is_answer { &service } else { &port });
            packet[22..24].copy_from_slice(if is_answer { &port } else { &service });
            packet[24..26].copy_from_slice(&1_380u16.to_be_bytes());
            packet[26..28].copy_from_slice(&[1, 2]);
            packet
        })
        .collect();
    let mut best = f64::MAX;
    for _ in 0..10 {
        let mut copies = packets.clone();
        let begun = Instant::now();
        for round in 0..ROUNDS {
            let at = round as usize % copies.len();
            // A header as it came, for a packet whose rest is cold.
            copies[at][..28].copy_from_slice(&packets[at][..28]);
            translate(&mut copies[at]);
        }
        best = best.min(begun.elapsed().as_nanos() as f64 / f64::from(ROUNDS));
    }
    best
}
