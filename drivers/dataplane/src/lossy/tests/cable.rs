//! A cable: hardly any delay, and what the far end has no room for is lost in lumps.

use super::line::Line;
use super::world::World;

/// [P13] Lumps that are lost on a cable do not end it, in either direction.
#[test]
fn lumps_lost_on_a_cable_do_not_end_it() {
    let line = Line { delay: 50, gap: 5_000, every: 300_000, ..Line::CLEAN };
    let mut world = World::new(line, 21);
    let talk = world.tcp(false);
    for second in 0..3 {
        let reached = world.megabits(talk, 1.0);
        assert!(reached > 100.0, "{reached:.0} Mbit/s in second {second}");
    }
}
