//! What the filter costs one core per packet, and how long its rules take to set: `cargo run --release --example filter`.

use std::hint::black_box;
use std::io::{self, Write};
use std::net::IpAddr;
use std::time::Instant;

use starmesh_dataplane::filter::{Filter, Glance, Protocol, Rule};
use starmesh_dataplane::table::{Memo, Prefix, Table};

const ROUNDS: u32 = 20;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "ns per packet, one core")?;
    writeln!(
        out,
        "{:>7}{:>8}{:>9}{:>11}{:>10}{:>9}",
        "rules", "stream", "mixture", "new flow", "refused", "set ms"
    )?;
    for rules in [0, 100, 10_000] {
        let rules = rules_of(rules);
        let begun = Instant::now();
        let filter = Filter::new(&rules, false, None);
        let millis = begun.elapsed().as_secs_f64() * 1e3;
        let open = Filter::new(&[], true, None);
        let new = if rules.is_empty() { &open } else { &filter };
        writeln!(
            out,
            "{:>7}{:>8.1}{:>9.1}{:>11.1}{:>10.1}{millis:>9.1}",
            rules.len(),
            stream(&filter),
            mixture(&filter),
            opened(new, 443),
            opened(&filter, 9)
        )?;
    }
    let (look, again) = look();
    writeln!(out, "a look into a table of 5,000 routes: {look:.1}, again for the same address {again:.1}")
}

/// One TCP stream's packets, 512 a millisecond.
fn stream(filter: &Filter) -> f64 {
    let mut glance = Glance::default();
    filter.outbound(&packet(1, 50_000, 443, true), 1, &mut glance);
    let packet = packet(1, 50_000, 443, false);
    best(131_072, |at| assert!(filter.inbound(black_box(&packet), u64::from(at) / 512, &mut glance)))
}

/// Packets of 1,000 flows in turns.
fn mixture(filter: &Filter) -> f64 {
    let mut glance = Glance::default();
    let packets: Vec<Vec<u8>> = (0..1_000).map(|port| packet(1, 40_000 + port, 443, false)).collect();
    (0..1_000).for_each(|port| filter.outbound(&packet(1, 40_000 + port, 443, true), 1, &mut glance));
    best(20_000, |at| assert!(filter.inbound(black_box(&packets[at as usize % 1_000]), 2, &mut glance)))
}

/// The first packets of flows from ever other ports; those to 443 are let in by the last rule.
fn opened(filter: &Filter, to: u16) -> f64 {
    let mut packet = turned(&packet(9_998, to, 443, true));
    let mut glance = Glance::default();
    let mut port = 0u16;
    best(20_000, |_| {
        port = port.wrapping_add(1);
        packet[20..22].copy_from_slice(&port.to_be_bytes());
        black_box(filter.inbound(black_box(&packet), 1, &mut glance));
    })
}

/// For ever other addresses, and for the one that a thread remembers.
fn look() -> (f64, f64) {
    let mut table = Table::default();
    for number in 0..5_000u32 {
        table = table.with(prefix(number << 8, 24), Some(number));
    }
    let address = |number: u32| {
        IpAddr::from((0x0a00_0000 | (number.wrapping_mul(2_654_435_761) % 5_000) << 8 | 7).to_be_bytes())
    };
    let mut memo = Memo::default();
    (
        best(20_000, |at| assert!(table.find(black_box(address(at))).is_some())),
        best(20_000, |_| assert!(memo.find(&table, black_box(address(1)), |found| found.is_some()))),
    )
}

/// Nanoseconds of one call, the best of some rounds.
fn best(calls: u32, mut call: impl FnMut(u32)) -> f64 {
    let mut best = f64::MAX;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        (0..calls).for_each(&mut call);
        best = best.min(begun.elapsed().as_nanos() as f64 / f64::from(calls));
    }
    best
}

/// A host each, some with ports; of 10.0.39.14 (number 9,998) everything to 443 is let in.
fn rules_of(count: u32) -> Vec<Rule> {
    let rule = |number: u32| Rule {
        from: vec![prefix(if number + 1 == count { 9_998 } else { number }, 32)],
        to: if number.is_multiple_of(2) { vec![] } else { vec![prefix(0, 8)] },
        protocol: Protocol::Number(6),
        ports: if number + 1 == count { vec![(443, 443)] } else { vec![(1_000, 1_000 + number as u16)] },
        allow: true,
    };
    (0..count).map(rule).collect()
}

fn prefix(number: u32, length: u8) -> Prefix {
    let [_, a, b, c] = number.to_be_bytes();
    format!("10.{a}.{b}.{c}/{length}").parse().expect("a prefix")
}

/// TCP from this machine, 10.255.0.1, to 10.0.0.0 + `host`; back unless it opens a connection.
fn packet(host: u32, port: u16, to: u16, opens: bool) -> Vec<u8> {
    let mut packet = vec![0u8; 1_400];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&1_400u16.to_be_bytes());
    packet[9] = 6;
    packet[12..16].copy_from_slice(&[10, 255, 0, 1]);
    packet[16..20].copy_from_slice(&(0x0a00_0000 | host).to_be_bytes());
    packet[20..22].copy_from_slice(&port.to_be_bytes());
    packet[22..24].copy_from_slice(&to.to_be_bytes());
    packet[32..34].copy_from_slice(&[0x50, if opens { 2 } else { 16 }]);
    if opens { packet } else { turned(&packet) }
}

fn turned(packet: &[u8]) -> Vec<u8> {
    let mut turned = packet.to_vec();
    turned[12..16].copy_from_slice(&packet[16..20]);
    turned[16..20].copy_from_slice(&packet[12..16]);
    turned[20..22].copy_from_slice(&packet[22..24]);
    turned[22..24].copy_from_slice(&packet[20..22]);
    turned
}
