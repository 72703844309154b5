//! What the link for lossy lines brings about on simulated lines, what each of its parts is worth, and what it takes for
//! applications that send little. `cargo run --release --example lossy_parts`; the same figures each time.

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

#[path = "../src/lossy/tests/line.rs"]
mod line;
#[path = "../src/lossy/tests/tcp.rs"]
mod tcp;
#[allow(dead_code, reason = "the tests of the link use more of it")]
#[path = "../src/lossy/tests/world.rs"]
mod world;
mod lossy {
    pub use starmesh_dataplane::lossy::{Flow, FlowKind, Lossy, Micros, Parts, Profile};
}

use line::Line;
use lossy::{FlowKind, Micros, Parts, Profile};
use world::{AROUND, World};

const SECOND: Micros = 1_000_000;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |table: &str| arguments.is_empty() || arguments.iter().any(|argument| argument == table);
    if wanted("parts") {
        print_parts();
    }
    if wanted("applications") {
        print_applications();
    }
    if wanted("narrow") {
        print_narrow();
    }
}

fn print_parts() {
    println!(
        "Parts: 20 ms round trip. TCP: Mbit/s of one stream on 200 Mbit/s at 1, 5, 10 % loss each way. Film: 8 Mbit/s of UDP"
    );
    println!(
        "at 10 %: ms that 99 of 100 take more, bytes more, % missing. Gaps: 15 ms each 400 ms, ms that 98 of 100 take more,"
    );
    println!(
        "% missing. Narrow: 30 Mbit/s with 200 ms of queue, % used by TCP, ms of queue. Call: beside TCP on 10 Mbit/s,"
    );
    println!("ms that 9 of 10 take more.");
    println!("{:22} TCP  1 %   5 %  10 %   film ms  more  miss   gaps ms  miss   narrow   ms   call", "");
    let all = Parts::default();
    let cases = [
        ("all parts", all),
        ("without prompt acks", Parts { prompt: false, ..all }),
        ("without parity", Parts { parity: false, ..all }),
        ("without resends", Parts { resend: false, ..all }),
        ("without order", Parts { order: false, ..all }),
        ("without rate, pacing", Parts { rate: false, ..all }),
        ("without fair queue", Parts { fair: false, ..all }),
    ];
    for (name, parts) in cases {
        let tcp = [0.01, 0.05, 0.1]
            .map(|loss| stream(Line { rate: 25.0, buffer: 50_000, ..Line::losing(loss) }, parts));
        let film = udp((1_200, 1_200), Line::losing(0.1), parts);
        let gaps = udp((1_200, 500), Line { gap: 15_000, every: 400_000, ..Line::CLEAN }, parts);
        let narrow = Line::narrow(30.0, 200_000);
        let mut world = World::with(narrow, Profile::Balanced, parts, 3);
        let talk = world.tcp(false);
        world.run(3 * SECOND);
        world.lines[0].longest();
        let used = world.megabits(talk, 10.0) / 30.0;
        let queue = world.lines[0].longest();
        let mut world = World::with(Line::narrow(10.0, 200_000), Profile::Balanced, parts, 3);
        world.tcp(false);
        let call = world.steady(200, 20_000, FlowKind::Other);
        world.run(10 * SECOND);
        println!(
            "{name:22}    {:5.0} {:5.0} {:5.0}   {:7.1} {:4.0}% {:5.2}   {:7.1} {:5.2}   {:5.0}% {:5.0} {:6.0}",
            tcp[0],
            tcp[1],
            tcp[2],
            film.late(0.99),
            film.more * 100.0,
            film.missing * 100.0,
            gaps.late(0.98),
            gaps.missing * 100.0,
            used * 100.0,
            queue as f64 / 1e3,
            world.counts(call).delay(0.9) as f64 / 1e3 - 10.0,
        );
    }
}

fn print_applications() {
    println!(
        "Applications over UDP: more records on the line than without any repair; % missing; ms that 99 of 100 take more."
    );
    println!("{:26} loss   20 ms: more  missing    ms   60 ms: more  missing    ms", "");
    let applications = [
        ("call, 50 a second", (160, 20_000)),
        ("game, 100 a second", (200, 10_000)),
        ("video, 2 Mbit/s", (1_200, 4_800)),
        ("video, 8 Mbit/s", (1_200, 1_200)),
        ("transfer, 40 Mbit/s", (1_200, 240)),
    ];
    for (name, sends) in applications {
        for loss in [0.01, 0.05, 0.1] {
            let of = |rtt: Micros| {
                let seen = udp(sends, Line { delay: rtt / 2, ..Line::losing(loss) }, Parts::default());
                format!("{:11.0}% {:8.3} {:5.1}", seen.more * 100.0, seen.missing * 100.0, seen.late(0.99))
            };
            println!("{name:24} {:4.0} %  {}  {}", loss * 100.0, of(20_000), of(60_000));
        }
    }
}

fn print_narrow() {
    println!(
        "A line of 300 Mbit/s becomes one of 30 under way: ms of queue at most in each of the next half seconds, % used then;"
    );
    println!("and Mbit/s beside a plain TCP stream that comes later.");
    for (name, from, busy, buffer) in [
        ("while it is busy", 300.0, true, 100_000),
        ("while nothing passes", 300.0, false, 100_000),
        ("while it is busy, deep", 300.0, true, 250_000),
        ("half as wide", 60.0, true, 100_000),
        ("narrow from the start", 30.0, true, 25_000),
        ("narrow from the start", 30.0, true, 50_000),
        ("narrow from the start", 30.0, true, 100_000),
    ] {
        let mut world = World::with(Line::narrow(from, buffer), Profile::Balanced, Parts::default(), 2);
        let first = world.tcp(false);
        world.run(4 * SECOND);
        if !busy {
            world.talks[first].until = world.now;
            world.run(world.now + 2 * SECOND);
        }
        world.lines[0].line.rate = 30.0 / 8.0;
        let mine = if busy { first } else { world.tcp(false) };
        let mut queues = Vec::new();
        for _ in 0..10 {
            world.lines[0].longest();
            world.run(world.now + SECOND / 2);
            queues.push(world.lines[0].longest() / 1_000);
        }
        let used = world.megabits(mine, 5.0) / 30.0 * 100.0;
        let other = world.tcp(true);
        let mut shares = Vec::new();
        for _ in 0..4 {
            let before = world.whole(other);
            let mine = world.megabits(mine, 5.0);
            let other = f64::from(world.whole(other) - before) * 1_340.0 * 8.0 / 5e6;
            shares.push(format!("{mine:.1}:{other:.1}"));
        }
        println!(
            "{name:24} {:3} ms of buffer {queues:?} {used:.0} %, shared {}",
            buffer / 1_000,
            shares.join(" ")
        );
    }
}

/// Mbit/s of one TCP stream.
fn stream(line: Line, parts: Parts) -> f64 {
    let mut world = World::with(line, Profile::Balanced, parts, 3);
    let talk = world.tcp(false);
    world.run(2 * SECOND);
    world.megabits(talk, 3.0)
}

/// What became of a steady stream of UDP.
struct Seen {
    /// Bytes on the line beyond those without any repair.
    more: f64,
    missing: f64,
    delay: Micros,
    delays: Vec<Micros>,
}

impl Seen {
    /// Milliseconds beyond the line's own that this share stays below.
    fn late(&self, share: f64) -> f64 {
        let at = (self.delays.len() as f64 * share) as usize;
        self.delays.get(at).map_or(0.0, |delay| (delay - self.delay) as f64 / 1e3)
    }
}

/// 5,000 packets, but 12 s at least; bytes of each, and microseconds between them.
fn udp((size, every): (usize, Micros), line: Line, parts: Parts) -> Seen {
    let mut world = World::with(line, Profile::Balanced, parts, 5);
    let talk = world.steady(size, every, FlowKind::Other);
    world.run((5_000 * every).max(12 * SECOND));
    world.talks[talk].until = world.now;
    world.run(world.now + SECOND);
    let sent = world.ends[0].condition().sent;
    let records = sent.units + sent.repeats + sent.parities;
    let counts = world.counts(talk);
    let bytes = sent.bytes + records * AROUND as u64;
    let mut delays = counts.delays.clone();
    delays.sort_unstable();
    Seen {
        more: bytes as f64 / (counts.sent * (size + 12 + AROUND) as u64) as f64 - 1.0,
        missing: counts.missing(),
        delay: line.delay,
        delays,
    }
}
