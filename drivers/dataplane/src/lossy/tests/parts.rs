//! What each part is worth: without it, something is worse.

use super::line::Line;
use super::world::World;
use crate::lossy::{FlowKind, Parts, Profile};

fn tcp(line: Line, parts: Parts) -> f64 {
    let mut world = World::with(line, Profile::Balanced, parts, 3);
    let talk = world.tcp(false);
    world.run(2_000_000);
    world.megabits(talk, 3.0)
}

fn lossy(loss: f64) -> Line {
    Line { rate: 25.0, buffer: 50_000, ..Line::losing(loss) }
}

/// [P14] Without parity TCP is slower and UDP late.
#[test]
fn parity_pays() {
    let without = Parts { parity: false, ..Parts::default() };
    let (on, off) = (tcp(lossy(0.05), Parts::default()), tcp(lossy(0.05), without));
    assert!(on > 1.1 * off, "{on:.0} with, {off:.0} Mbit/s without");
    let late = |parts| {
        let mut world = World::with(Line::losing(0.1), Profile::Balanced, parts, 3);
        let talk = world.steady(1_200, 500, FlowKind::Other);
        world.run(5_000_000);
        world.counts(talk).delay(0.95)
    };
    let (on, off) = (late(Parts::default()), late(without));
    assert!(on + 8_000 < off, "{on} with, {off} µs without");
}

/// [P13] Without sending again what a gap swallows is gone.
#[test]
fn sending_again_pays() {
    let missing = |parts| {
        let line = Line { gap: 15_000, every: 400_000, ..Line::CLEAN };
        let mut world = World::with(line, Profile::Balanced, parts, 3);
        let talk = world.steady(1_200, 500, FlowKind::Other);
        world.run(10_000_000);
        world.talks[talk].until = world.now;
        world.run(11_000_000);
        world.counts(talk).missing()
    };
    let (on, off) = (missing(Parts::default()), missing(Parts { resend: false, ..Parts::default() }));
    assert!(on * 10.0 < off, "{on:.4} with, {off:.4} missing without");
}

/// [P13] Without order TCP takes what is restored for lost.
#[test]
fn order_pays() {
    let without = Parts { order: false, ..Parts::default() };
    let (on, off) = (tcp(lossy(0.02), Parts::default()), tcp(lossy(0.02), without));
    assert!(on > 1.5 * off, "{on:.0} with, {off:.0} Mbit/s without");
}

/// [P13] Without a rate a narrow line drops and delays.
#[test]
fn the_rate_pays() {
    let queue = |parts| {
        let mut world = World::with(Line::narrow(30.0, 200_000), Profile::Balanced, parts, 3);
        world.tcp(false);
        world.run(3_000_000);
        world.lines[0].longest();
        world.run(8_000_000);
        world.lines[0].longest()
    };
    let (on, off) = (queue(Parts::default()), queue(Parts { rate: false, ..Parts::default() }));
    assert!(on * 3 < off, "{on} with, {off} µs without");
}

/// [P13] Without the fair queue a call waits behind a transfer.
#[test]
fn the_fair_queue_pays() {
    let late = |parts| {
        let mut world = World::with(Line::narrow(10.0, 200_000), Profile::Balanced, parts, 3);
        world.tcp(false);
        let call = world.steady(200, 20_000, FlowKind::Other);
        world.run(10_000_000);
        world.counts(call).delay(0.9)
    };
    let (on, off) = (late(Parts::default()), late(Parts { fair: false, ..Parts::default() }));
    assert!(on + 15_000 < off, "{on} with, {off} µs without");
}

/// [P13] Without prompt acknowledgements what is sent again comes later.
#[test]
fn prompt_acknowledgements_pay() {
    let late = |parts| {
        let line = Line { gap: 15_000, every: 400_000, ..Line::CLEAN };
        let mut world = World::with(line, Profile::Balanced, parts, 3);
        let talk = world.steady(1_200, 500, FlowKind::Other);
        world.run(10_000_000);
        world.counts(talk).delay(0.98)
    };
    let (on, off) = (late(Parts::default()), late(Parts { prompt: false, ..Parts::default() }));
    assert!(on + 2_500 < off, "{on} with, {off} µs without");
}

/// [P13] The profiles weigh traffic against delay.
#[test]
fn profiles_differ() {
    let of = |profile| {
        let mut world = World::with(Line::losing(0.1), profile, Parts::default(), 3);
        let talk = world.steady(1_200, 500, FlowKind::Other);
        world.run(8_000_000);
        (world.ends[0].condition().sent.bytes, world.counts(talk).delay(0.99))
    };
    let [fast, balanced, saving] = [Profile::Fast, Profile::Balanced, Profile::Saving].map(of);
    assert!(fast.0 > balanced.0 && balanced.0 > saving.0, "{fast:?} {balanced:?} {saving:?}");
    assert!(fast.1 <= balanced.1 && balanced.1 < saving.1, "{fast:?} {balanced:?} {saving:?}");
}
