//! Lines that fail, stutter and disorder, for a moment or for a day.

use super::line::Line;
use super::world::World;
use crate::lossy::{FlowKind, Micros};

/// [P13] After two seconds without anything the stream runs again at once.
#[test]
fn a_dead_line_that_comes_back_is_used_at_once() {
    let mut world = World::new(Line { down: (4_000_000, 6_000_000), ..Line::narrow(100.0, 50_000) }, 8);
    let talk = world.steady(1_300, 200, FlowKind::Tcp);
    world.run(5_900_000);
    let before = world.counts(talk).came;
    world.run(7_000_000);
    let came = world.counts(talk).came - before;
    assert!(came > 3_500, "{came} in the second after it came back");
}

/// [P13] [P14] What a short gap swallows is sent again.
#[test]
fn gaps_are_filled() {
    let line = Line { gap: 15_000, every: 400_000, ..Line::CLEAN };
    let mut world = World::new(line, 11);
    let talk = world.steady(1_200, 1_000, FlowKind::Other);
    world.run(20_000_000);
    world.talks[talk].until = world.now;
    world.run(21_000_000);
    let counts = world.counts(talk);
    assert!(counts.missing() <= 0.002, "{} missing", counts.missing());
    assert_eq!(counts.twice, 0);
}

/// [P13] A line that disorders packets is not taken for one that loses them.
#[test]
fn disorder_is_no_loss() {
    let mut world = World::new(Line { jitter: 5_000, ..Line::narrow(100.0, 100_000) }, 12);
    let talk = world.tcp(false);
    world.run(2_000_000);
    let before = world.ends[0].condition().sent;
    let reached = world.megabits(talk, 4.0);
    let after = world.ends[0].condition().sent;
    assert!(reached > 80.0, "{reached:.0} Mbit/s");
    let again = (after.repeats - before.repeats) as f64 / (after.units - before.units) as f64;
    assert!(again < 0.01, "{again:.3} sent again");
}

/// [P13] [E11] A day of a line that comes and goes: it always runs again, and nothing piles up.
#[test]
fn a_day_of_flapping_leaves_nothing_behind() {
    const HOUR: Micros = 3_600_000_000;
    let line = Line { loss: 0.05, gap: 20_000_000, every: 180_000_000, ..Line::CLEAN };
    let mut world = World::new(line, 13);
    let talk = world.steady(400, 200_000, FlowKind::Tcp);
    let mut held = Vec::new();
    let mut came = 0;
    for hour in 1..=24 {
        world.run(hour * HOUR);
        let now = world.counts(talk).came;
        assert!(now - came > 15_500, "{} in hour {hour}", now - came);
        came = now;
        held.push(world.ends[0].held() + world.ends[1].held());
    }
    let (first, last) = (held[1], held[23]);
    assert!(held.iter().all(|held| *held < 400_000), "{held:?}");
    assert!(last < first * 2, "{first} bytes after two hours, {last} after a day");
    assert_eq!(world.counts(talk).twice, 0);
}

/// [P13] What a burst took is given back when nothing passes any more.
#[test]
fn an_idle_link_holds_little() {
    let mut world = World::new(Line { rate: 50.0, buffer: 50_000, ..Line::losing(0.05) }, 14);
    let talk = world.steady(1_300, 60, FlowKind::Tcp);
    world.run(3_000_000);
    let busy = world.ends[0].held() + world.ends[1].held();
    world.talks[talk].until = world.now;
    world.run(8_000_000);
    let idle = world.ends[0].held() + world.ends[1].held();
    assert!(busy > 1_000_000 && idle < 150_000, "{busy} bytes, then {idle}");
    assert!(world.ends.iter().all(|end| end.deadline().is_none()), "it sleeps");
}
