//! Paths are proved, measured and lost under a clock of the test's own.

use super::*;

fn endpoint(last: u8) -> Endpoint {
    Endpoint::direct(([10, 0, 0, last], 7743).into())
}

/// A prober, a clock, and a line that answers for some endpoints.
struct World {
    prober: Prober,
    now: Millis,
    answering: Vec<Endpoint>,
    rtt: Millis,
    route: Option<Endpoint>,
    traffic: Traffic,
    under_way: Vec<(Millis, u64, Endpoint)>,
    seen: Vec<(Millis, ProbeOutput)>,
    sent: usize,
}

impl World {
    fn new(paths: &[(Endpoint, Millis)]) -> World {
        let mut prober = Prober::default();
        prober.set_paths(paths, 0);
        World {
            prober,
            now: 0,
            answering: paths.iter().map(|path| path.0).collect(),
            rtt: 20,
            route: paths.first().map(|path| path.0),
            traffic: Traffic::default(),
            under_way: Vec::new(),
            seen: Vec::new(),
            sent: 0,
        }
    }

    fn run(&mut self, until: Millis) {
        while self.now < until {
            let mut out = Vec::new();
            let arriving = self.under_way.iter().position(|probe| probe.0 <= self.now);
            if let Some(at) = arriving {
                let (_, id, from) = self.under_way.swap_remove(at);
                assert!(self.prober.handle_echo(id, from, self.now * 1_000_000, self.now, &mut out));
            }
            self.prober.handle_timeout(self.now, self.route, true, self.traffic, &mut out);
            for output in out {
                if let ProbeOutput::Send { id, endpoint } = output {
                    self.sent += 1;
                    self.prober.stamp(id, self.now * 1_000_000);
                    if self.answering.contains(&endpoint) {
                        self.under_way.push((self.now + self.rtt, id, endpoint));
                    }
                } else {
                    self.seen.push((self.now, output));
                }
            }
            if arriving.is_none() {
                let next = self.under_way.iter().map(|probe| probe.0).chain(self.prober.deadline(true)).min();
                self.now = next.unwrap_or(until).clamp(self.now + 1, until);
            }
        }
    }
}

#[test]
fn the_first_echo_proves_a_path_at_once() {
    let mut world = World::new(&[(endpoint(1), 500)]);
    world.run(100);
    assert_eq!(world.seen, [(20, ProbeOutput::Proved { endpoint: endpoint(1), rtt_millis: 20.0 })]);
    let news = world.prober.take_news();
    assert_eq!((news[0].rtt_millis, news[0].min_rtt_millis, news[0].loss), (Some(20.0), Some(20.0), 0.0));
    assert!(!world.prober.has_news());
}

#[test]
fn three_unanswered_probes_lose_a_path_and_one_echo_regains_it() {
    let mut world = World::new(&[(endpoint(1), 200)]);
    world.run(1_001);
    world.answering.clear();
    world.run(3_000);
    // Sent at 1200, 1400 and 1600; each is given the shortest timeout.
    assert_eq!(world.seen.last(), Some(&(1_700, ProbeOutput::Lost { endpoint: endpoint(1) })));
    world.answering.push(endpoint(1));
    world.run(4_000);
    assert!(matches!(world.seen.last(), Some((3_020, ProbeOutput::Proved { .. }))));
}

#[test]
fn two_are_enough_when_the_peer_owed_traffic_an_answer() {
    let mut world = World::new(&[(endpoint(1), 200)]);
    world.run(1_001);
    world.answering.clear();
    world.traffic = Traffic { sent: 1_250, received: 1_100 };
    world.run(3_000);
    assert_eq!(world.seen.last(), Some(&(1_500, ProbeOutput::Lost { endpoint: endpoint(1) })));
}

#[test]
fn loss_is_counted_over_the_last_twenty_and_a_late_echo_corrects_it() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(901);
    world.answering.clear();
    world.run(1_900);
    world.prober.take_news();
    world.run(1_950);
    let before = world.prober.paths[0].measure().loss;
    assert!((0.4..=0.5).contains(&before), "{before}");
    let mut out = Vec::new();
    let late = world.prober.outstanding.front().expect("a late probe").id;
    assert!(world.prober.handle_echo(late, endpoint(1), 1_950_000_000, 1_950, &mut out));
    assert!(world.prober.paths[0].measure().loss < before);
}

#[test]
fn an_echo_from_elsewhere_proves_nothing() {
    let mut prober = Prober::default();
    let mut out = Vec::new();
    prober.set_paths(&[(endpoint(1), 500)], 0);
    prober.handle_timeout(0, None, true, Traffic::default(), &mut out);
    let [ProbeOutput::Send { id, .. }] = out[..] else { panic!("one probe") };
    assert!(!prober.handle_echo(id, endpoint(2), 5, 5, &mut out));
    assert!(!prober.handle_echo(id + 1, endpoint(1), 5, 5, &mut out));
    assert!(prober.handle_echo(id, endpoint(1), 5, 5, &mut out));
    assert!(!prober.handle_echo(id, endpoint(1), 6, 6, &mut out));
}

#[test]
fn a_path_that_stays_keeps_its_measurements() {
    let mut world = World::new(&[(endpoint(1), 500), (endpoint(2), 500)]);
    world.run(1_000);
    world.prober.set_paths(&[(endpoint(2), 100), (endpoint(3), 100)], 1_000);
    assert_eq!(world.prober.paths[0].smoothed, Some(20.0));
    assert_eq!(world.prober.paths[1].smoothed, None);
    assert!(!world.prober.is_path(&endpoint(1)));
}

#[test]
fn pings_end_in_one_pong_each() {
    let mut world = World::new(&[]);
    world.answering.push(endpoint(1));
    world.prober.ping(7, 2, Some(endpoint(1)), 0);
    world.prober.ping(8, 1, Some(endpoint(2)), 0);
    world.run(5_000);
    let pong = |at, id, sequence, rtt_millis, last| {
        (at, ProbeOutput::Pong { id, sequence, rtt_millis, endpoint: Some(endpoint(last)) })
    };
    let expected =
        [pong(20, 7, 0, Some(20.0), 1), pong(1_020, 7, 1, Some(20.0), 1), pong(2_000, 8, 0, None, 2)];
    assert_eq!(world.seen, expected);
    assert_eq!(world.prober.deadline(true), None);
}

#[test]
fn a_ping_without_session_waits_for_one_and_then_gives_up() {
    let mut prober = Prober::default();
    let mut out = Vec::new();
    prober.ping(1, 1, None, 0);
    prober.handle_timeout(0, None, false, Traffic::default(), &mut out);
    assert_eq!(out, [ProbeOutput::Wanted]);
    out.clear();
    prober.handle_timeout(50, Some(endpoint(1)), true, Traffic::default(), &mut out);
    assert!(matches!(out[..], [ProbeOutput::Send { .. }]));
    let mut prober = Prober::default();
    prober.ping(2, 1, None, 0);
    out.clear();
    prober.handle_timeout(2_000, None, false, Traffic::default(), &mut out);
    assert_eq!(out, [ProbeOutput::Pong { id: 2, sequence: 0, rtt_millis: None, endpoint: None }]);
}

#[test]
fn a_long_pause_causes_no_burst() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(100);
    let before = world.sent;
    world.now = 60_000;
    world.run(60_050);
    assert_eq!(world.sent, before + 1);
}
