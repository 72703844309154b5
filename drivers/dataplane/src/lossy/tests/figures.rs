//! What the link brings about on bad and on narrow lines.

use super::line::Line;
use super::world::{FULL, World};
use crate::lossy::{FlowKind, Micros};

/// Mbit/s of TCP over a line of 400 Mbit/s and 20 ms that loses this share in each direction.
fn tcp_with(loss: f64, seed: u64) -> f64 {
    let line = Line { rate: 400.0 / 8.0, buffer: 50_000, ..Line::losing(loss) };
    let mut world = World::new(line, seed);
    let talk = world.tcp(false);
    world.run(2_000_000);
    world.megabits(talk, 3.0)
}

/// [P13] [P14] One TCP stream keeps nearly its rate while the line loses one packet in a hundred, twenty or ten.
#[test]
fn tcp_does_not_feel_the_loss() {
    for (loss, least) in [(0.0, 340.0), (0.01, 250.0), (0.05, 190.0), (0.1, 160.0)] {
        let reached = tcp_with(loss, 3);
        assert!(reached >= least, "{reached:.0} Mbit/s at {loss}");
    }
}

/// What applications that speak UDP send: bytes, and how often, in microseconds.
const CALL: (usize, Micros) = (200, 20_000);
const GAME: (usize, Micros) = (200, 10_000);
const VIDEO: (usize, Micros) = (1_200, 4_800);
const FILM: (usize, Micros) = (1_200, 1_200);
const TRANSFER: (usize, Micros) = (1_200, 250);

/// [P13] [P14] At 10 % loss hardly a UDP packet is missing, none comes twice, and 98 of 100 take a round trip more at most.
/// What that takes falls with the packets in a round trip.
#[test]
fn udp_hardly_feels_the_loss() {
    let cases = [
        (20_000, CALL, 1.35),
        (20_000, GAME, 1.05),
        (20_000, VIDEO, 0.6),
        (20_000, FILM, 0.35),
        (20_000, TRANSFER, 0.4),
        (60_000, CALL, 0.75),
        (60_000, GAME, 0.5),
        (60_000, VIDEO, 0.37),
        (60_000, FILM, 0.43),
    ];
    for (rtt, (size, every), most) in cases {
        let mut world = World::new(Line { delay: rtt / 2, ..Line::losing(0.1) }, 5);
        let talk = world.steady(size, every, FlowKind::Other);
        world.run(3_000 * every + 5_000_000);
        world.talks[talk].until = world.now;
        world.run(world.now + 500_000);
        let sent = world.ends[0].condition().sent.bytes as f64;
        let counts = world.counts(talk);
        let name = format!("{size} bytes each {every} µs at {rtt} µs");
        assert!(counts.missing() <= 0.005, "{name}: {} missing", counts.missing());
        assert_eq!(counts.twice, 0);
        assert!(counts.delay(0.98) <= rtt / 2 + rtt + 500, "{name}: {} µs", counts.delay(0.99));
        let more = sent / (counts.sent * (size as u64 + 12)) as f64 - 1.0;
        assert!(more <= most, "{name}: {more:.2} more sent");
    }
}

/// [P14] At 1 % loss a tenth more keeps a film whole, and a call costs little more than half as much again.
#[test]
fn a_little_loss_costs_little() {
    for ((size, every), most) in [(FILM, 0.15), (VIDEO, 0.35), (CALL, 0.6)] {
        let mut world = World::new(Line::losing(0.01), 7);
        let talk = world.steady(size, every, FlowKind::Other);
        world.run(5_000 * every);
        world.talks[talk].until = world.now;
        world.run(world.now + 500_000);
        let sent = world.ends[0].condition().sent.bytes as f64;
        let counts = world.counts(talk);
        let more = sent / (counts.sent * (size as u64 + 12)) as f64 - 1.0;
        assert!(more <= most && counts.missing() <= 0.001, "{more:.2} more for {size} bytes each {every} µs");
        assert!(counts.delay(0.99) <= 10_000 + 20_000, "{} µs", counts.delay(0.99));
    }
}

/// [P14] Packets that come in bursts, as the frames of a video do, are restored when a burst is over.
#[test]
fn bursts_are_restored_when_they_are_over() {
    let mut world = World::new(Line::losing(0.1), 5);
    let talk = world.bursts(1_200, 8, 33_333);
    world.run(60_000_000);
    world.talks[talk].until = world.now;
    world.run(61_000_000);
    let sent = world.ends[0].condition().sent.bytes as f64;
    let counts = world.counts(talk);
    let more = sent / (counts.sent * 1_212) as f64 - 1.0;
    assert!(counts.delay(0.985) <= 10_000 + 8_000, "{} µs", counts.delay(0.985));
    assert!(more <= 0.6 && counts.missing() <= 0.001, "{more:.2} more, {} missing", counts.missing());
}

/// [P13] A narrow line is filled and its queue stays short.
#[test]
fn a_narrow_line_is_filled_without_a_queue() {
    for loss in [0.0, 0.02] {
        let mut world = World::new(Line { loss, ..Line::narrow(30.0, 200_000) }, 1);
        let talk = world.tcp(false);
        world.run(3_000_000);
        let first = world.lines[0].longest();
        let reached = world.megabits(talk, 10.0);
        let queue = world.lines[0].longest();
        // What is around a packet takes its share, what is lost as well, and parity.
        let most = 30.0 * FULL as f64 / (FULL + 77) as f64 * (1.0 - 6.0 * loss);
        assert!(reached >= 0.95 * most, "{reached:.1} of {most:.1} Mbit/s at {loss}");
        assert!(first < 50_000 && queue < 50_000, "{first} and {queue} µs");
    }
}

/// [P13] A plain TCP stream beside the link gets its share of a narrow line, and so does the link.
#[test]
fn a_narrow_line_is_shared() {
    for buffer in [25_000, 50_000, 100_000] {
        let mut world = World::new(Line::narrow(30.0, buffer), 2);
        let mine = world.tcp(false);
        world.run(3_000_000);
        let other = world.tcp(true);
        world.run(8_000_000);
        let before = world.whole(other);
        let mine = world.megabits(mine, 20.0);
        let other = f64::from(world.whole(other) - before) * FULL as f64 * 8.0 / 20e6;
        assert!(mine > 0.3 * other && other > 0.3 * mine, "{mine:.1} and {other:.1} Mbit/s at {buffer}");
        assert!(mine + other > 24.0, "{mine:.1} and {other:.1} Mbit/s at {buffer}");
    }
}

/// [P13] [P14] On a line that loses nothing no parity is sent any more, and nothing twice.
#[test]
fn a_clean_line_costs_nothing() {
    let mut world = World::new(Line::CLEAN, 4);
    let talk = world.steady(1_300, 500, FlowKind::Tcp);
    world.run(11_000_000);
    let before = world.ends[0].condition().sent;
    world.run(14_000_000);
    let after = world.ends[0].condition().sent;
    assert_eq!((after.parities, after.repeats), (before.parities, before.repeats));
    assert!(before.parities < 600, "{} parities", before.parities);
    assert_eq!(world.counts(talk).delay(0.99), 10_000);
}

/// [P14] Parity comes back when the line begins to lose.
#[test]
fn parity_comes_with_the_loss() {
    let mut world = World::new(Line::CLEAN, 6);
    world.steady(1_300, 200, FlowKind::Tcp);
    world.run(12_000_000);
    let before = world.ends[0].condition().sent.parities;
    world.lines[0].line.loss = 0.05;
    world.run(13_000_000);
    let after = world.ends[0].condition().sent.parities;
    assert!(after > before + 300, "{before}, then {after}");
}

/// [P13] A transfer that follows a quiet time is as fast as any.
#[test]
fn a_transfer_after_a_quiet_time_is_fast_at_once() {
    for (every, size) in [(500_000, 100), (50_000, 120), (20_000, 1_300)] {
        let mut world = World::new(Line { rate: 50.0, buffer: 50_000, ..Line::losing(0.01) }, 21);
        world.steady(size, every, FlowKind::Other);
        world.run(15_000_000);
        let talk = world.tcp(false);
        world.run(17_000_000);
        let reached = world.megabits(talk, 2.0);
        assert!(reached > 250.0, "{reached:.0} Mbit/s after {size} bytes each {every} µs");
    }
}

/// [P13] A line that becomes wider is used within seconds.
#[test]
fn a_line_that_widens_is_used() {
    let mut world = World::new(Line { rate: 0.25, buffer: 200_000, ..Line::CLEAN }, 22);
    let talk = world.steady(1_300, 100, FlowKind::Other);
    world.run(10_000_000);
    world.lines[0].line.rate = 25.0;
    world.run(13_000_000);
    let before = world.counts(talk).came;
    world.run(14_000_000);
    let came = world.counts(talk).came - before;
    assert!(came as f64 * 1_300.0 * 8.0 > 0.75 * 104e6, "{came} in a second");
}
