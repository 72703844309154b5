//! Paths are proved, measured and lost under a clock of the test's own.

use super::*;

fn endpoint(last: u8) -> Endpoint {
    Endpoint::direct(([10, 0, 0, last], 7743).into())
}

/// A prober, a clock, and a line that answers for some endpoints.
struct World {
    prober: Prober,
    budget: Budget,
    now: Millis,
    answering: Vec<Endpoint>,
    rtt: Millis,
    /// Largest probe that passes.
    mtu: usize,
    /// One in so many is lost, as chance will have it; 0 for none.
    lossy: u32,
    chance: u32,
    routes: Vec<Endpoint>,
    traffic: Traffic,
    under_way: Vec<(Millis, Echo)>,
    seen: Vec<(Millis, ProbeOutput)>,
    sent: Vec<(Millis, Endpoint, usize)>,
    /// Datagrams of ours and of the peer's that the other end counted.
    counts: Counts,
}

impl World {
    fn new(paths: &[(Endpoint, Millis)]) -> World {
        let mut prober = Prober::default();
        prober.set_paths(paths, 0);
        World {
            prober,
            budget: Budget::default(),
            now: 0,
            answering: paths.iter().map(|path| path.0).collect(),
            rtt: 20,
            mtu: 1_500,
            lossy: 0,
            chance: 1,
            routes: paths.first().map(|path| path.0).into_iter().collect(),
            traffic: Traffic::default(),
            under_way: Vec::new(),
            seen: Vec::new(),
            sent: Vec::new(),
            counts: Counts { sent: 0, received: 0 },
        }
    }

    /// The same while a hundred packets a second leave by every path.
    fn run_with_packets(&mut self, until: Millis) {
        while self.now < until {
            for way in self.prober.ways() {
                way.sent.fetch_add(10, Ordering::Relaxed);
            }
            self.run((self.now + 100).min(until));
        }
    }

    fn run(&mut self, until: Millis) {
        while self.now < until {
            let mut out = Vec::new();
            let arriving = self.under_way.iter().position(|probe| probe.0 <= self.now);
            if let Some(at) = arriving {
                let echo = self.under_way.remove(at).1;
                assert!(self.prober.handle_echo(
                    Echo { nanos: self.now * 1_000_000, ..echo },
                    self.now,
                    &mut out
                ));
            }
            let Traffic { sent, received } = self.traffic;
            let around = Around {
                routes: &self.routes,
                session: true,
                traffic: Traffic { sent, received },
                budget: &self.budget,
            };
            self.prober.handle_timeout(self.now, &around, &mut out);
            for output in out {
                if let ProbeOutput::Send { id, endpoint, size } = output {
                    self.sent.push((self.now, endpoint, size));
                    self.prober.stamp(id, self.now * 1_000_000);
                    self.chance = self.chance.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    let lost = self.lossy > 0 && (self.chance >> 8).is_multiple_of(self.lossy);
                    if self.answering.contains(&endpoint) && size <= self.mtu && !lost {
                        let echo = Echo { id, from: endpoint, counts: Some(self.counts), size, nanos: 0 };
                        self.under_way.push((self.now + self.rtt, echo));
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

    fn lost(&self) -> Vec<Millis> {
        let lost =
            |(at, output): &(Millis, ProbeOutput)| matches!(output, ProbeOutput::Lost { .. }).then_some(*at);
        self.seen.iter().filter_map(lost).collect()
    }

    fn proved(&self) -> Vec<Millis> {
        let proved = |(at, output): &(Millis, ProbeOutput)| {
            matches!(output, ProbeOutput::Proved { .. }).then_some(*at)
        };
        self.seen.iter().filter_map(proved).collect()
    }

    fn measure(&self) -> Measure {
        self.prober.paths[0].measure()
    }

    fn hear(&self) {
        self.prober.paths[0].way.hear(10, self.now);
    }
}

/// [C19] A path which only carries small packets is never called good.
#[test]
fn a_path_is_proved_once_a_full_packet_came_back() {
    let mut world = World::new(&[(endpoint(1), 500)]);
    world.run(100);
    assert_eq!(world.seen[0], (40, ProbeOutput::Proved { endpoint: endpoint(1), rtt_millis: 20.0 }));
    let news = world.prober.take_news();
    assert_eq!((news[0].rtt_millis, news[0].min_rtt_millis, news[0].loss), (Some(20.0), Some(20.0), 0.0));
    assert_eq!(news[0].mtu, Some(1_400));
    assert!(!world.prober.has_news());

    let mut narrow = World::new(&[(endpoint(1), 500)]);
    narrow.mtu = 600;
    narrow.run(20_000);
    assert!(narrow.seen.is_empty(), "{:?}", narrow.seen);
}

#[test]
fn a_narrow_path_is_proved_with_the_size_that_passes() {
    let mut world = World::new(&[(endpoint(1), 500)]);
    world.mtu = 1_140;
    world.run(900);
    assert!(world.proved()[0] < 900, "{:?}", world.seen);
    assert!(world.measure().mtu.is_none());
    world.run(4_000);
    let found = world.measure().mtu.expect("found");
    assert!((1_137..=1_140).contains(&found), "{found}");
    assert_eq!(world.prober.mtu(&endpoint(1)), found);
}

#[test]
fn three_unanswered_probes_lose_a_path_and_a_full_echo_regains_it() {
    let mut world = World::new(&[(endpoint(1), 200)]);
    world.run(1_001);
    world.answering.clear();
    world.run(3_000);
    // Sent at 1200 and 1400 and, as a large one was lost as well, between them; each is given the round trip and more.
    assert!((1_520..=1_720).contains(&world.lost()[0]), "{:?}", world.lost());
    world.answering.push(endpoint(1));
    world.run(4_000);
    assert!(world.proved().len() == 2 && world.proved()[1] <= 3_240, "{:?}", world.proved());
}

/// [C08]
#[test]
fn two_are_enough_when_the_peer_owed_traffic_an_answer() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(1_001);
    world.answering.clear();
    world.traffic = Traffic { sent: 1_150, received: 1_050 };
    world.run(3_000);
    assert_eq!(world.lost(), [1_320]);
}

/// [W10] [C08] However many other paths carry the rest: what flowed by this one and stopped is left within 0.4 s.
#[test]
fn two_are_enough_when_packets_came_by_the_path_and_stopped() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    while world.now < 1_001 {
        world.hear();
        world.run(world.now + 10);
    }
    world.answering.clear();
    world.traffic = Traffic { sent: 9_000, received: 9_000 };
    // The echo of the last probe was lost as well, though packets came until a moment after it left.
    world.under_way.clear();
    world.run(1_010);
    world.hear();
    world.run(3_000);
    assert_eq!(world.lost(), [1_320]);
}

#[test]
fn a_path_that_packets_come_by_is_alive_though_its_probes_are_late() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(1_001);
    // A queue of a second and a half.
    world.rtt = 1_500;
    world.traffic = Traffic { sent: 1_000, received: 0 };
    while world.now < 6_000 {
        world.hear();
        world.run(world.now + 10);
    }
    assert_eq!(world.lost(), [0; 0]);
    // Yet what is dead in one direction is dead.
    world.answering.clear();
    world.under_way.clear();
    while world.now < 10_000 {
        world.hear();
        world.run(world.now + 10);
    }
    let lost = world.lost();
    assert!(lost.len() == 1 && (6_900..8_600).contains(&lost[0]), "{lost:?}");
}

#[test]
fn a_lossy_path_is_not_a_dead_one_but_a_dead_one_is_noticed() {
    let mut world = World::new(&[(endpoint(1), 1_000)]);
    world.lossy = 5;
    world.run(1_200_000);
    assert!(world.lost().len() <= 3, "{:?}", world.lost());
    assert!((0.05..=0.4).contains(&world.measure().loss));
    assert_eq!(world.measure().mtu, Some(1_400));
    let before = world.lost().len();
    world.answering.clear();
    world.run(1_212_000);
    assert_eq!(world.lost().len(), before + 1);
}

#[test]
fn what_punching_lost_does_not_count_against_a_path() {
    let mut world = World::new(&[(endpoint(1), 250)]);
    world.answering.clear();
    world.run(5_000);
    assert!(world.measure().loss > 0.9);
    world.answering.push(endpoint(1));
    world.run(6_500);
    assert_eq!(world.measure().loss, 0.0);
}

#[test]
fn loss_is_counted_over_the_last_twenty_and_a_late_echo_corrects_it() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(901);
    world.answering.clear();
    world.run(1_900);
    world.prober.take_news();
    world.run(1_950);
    let before = world.measure().loss;
    assert!((0.4..=0.6).contains(&before), "{before}");
    let mut out = Vec::new();
    let late = world.prober.outstanding.oldest().expect("a late probe");
    let echo = Echo { id: late.id, from: endpoint(1), counts: None, size: late.size, nanos: 1_950_000_000 };
    assert!(world.prober.handle_echo(echo, 1_950, &mut out));
    assert!(world.measure().loss < before);
}

/// [E06]
#[test]
fn loss_is_told_per_direction() {
    let mut world = World::new(&[(endpoint(1), 500)]);
    for _ in 0..60 {
        // Of a hundred each way, ten are lost on the way there and thirty on the way here.
        let way = world.prober.paths[0].way.clone();
        way.sent.fetch_add(100, Ordering::Relaxed);
        way.hear(70, world.now);
        world.counts.received += 90;
        world.counts.sent += 100;
        world.run(world.now + 500);
    }
    let Measure { loss_out: Some(out), loss_in: Some(back), .. } = world.measure() else { panic!("counted") };
    assert!((out - 0.1).abs() < 0.02 && (back - 0.3).abs() < 0.02, "{out} {back}");
    // An end that counts anew.
    world.counts = Counts { sent: 0, received: 0 };
    world.run(world.now + 1_000);
    assert_eq!(world.measure().loss_out, None);
}

/// [P16]
#[test]
fn what_arrives_a_second_is_told_as_long_as_more_goes_than_comes() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(3_000);
    let mut second = |(ours, theirs): (u64, u64)| {
        for _ in 0..10 {
            let way = world.prober.paths[0].way.clone();
            way.sent.fetch_add(ours, Ordering::Relaxed);
            way.sent_bytes.fetch_add(ours * 1_400, Ordering::Relaxed);
            way.hear(theirs, world.now);
            // One in ten of ours is lost.
            world.counts.received += ours * 9 / 10;
            world.counts.sent += theirs;
            world.run(world.now + 100);
        }
        world.prober.take_news().first().expect("probed").delivered
    };
    second((0, 0));
    assert_eq!(second((0, 0)), None);
    second((100, 40));
    let delivered = second((100, 40)).expect("counted");
    assert!((delivered / 1_260_000.0 - 1.0).abs() < 0.05, "{delivered}");
    second((40, 100));
    assert_eq!(second((40, 100)), None);
}

#[test]
fn jitter_is_how_much_round_trips_differ() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(3_000);
    assert_eq!(world.measure().jitter_millis, Some(0.0));
    for at in 0..200 {
        world.rtt = if at % 2 == 0 { 20 } else { 30 };
        world.run(world.now + 100);
    }
    let jitter = world.measure().jitter_millis.expect("measured");
    assert!((7.0..=10.0).contains(&jitter), "{jitter}");
}

#[test]
fn every_fourth_probe_takes_one_of_full_size_along_but_not_more_than_one_a_second_and_few_at_rest() {
    let full = |interval, packets| {
        let mut world = World::new(&[(endpoint(1), interval)]);
        world.run(1_000);
        world.sent.clear();
        if packets {
            world.run_with_packets(121_000)
        } else {
            world.run(121_000)
        }
        world.sent.iter().filter(|sent| sent.2 == 1_400).count()
    };
    assert!((100..=120).contains(&full(100, true)), "{}", full(100, true));
    assert!((28..=30).contains(&full(1_000, true)), "{}", full(1_000, true));
    assert!((3..=5).contains(&full(1_000, false)), "{}", full(1_000, false));
}

#[test]
fn a_missed_probe_is_followed_by_others_soon() {
    let mut world = World::new(&[(endpoint(1), 1_000)]);
    world.run(10_000);
    world.answering.clear();
    let cut = world.now;
    while world.prober.is_proved(&endpoint(1)) {
        world.run(world.now + 10);
    }
    assert!(world.now - cut <= 1_800, "{}", world.now - cut);
}

/// [C19]
#[test]
fn a_path_that_became_narrow_is_searched_downwards_and_stays() {
    let mut world = World::new(&[(endpoint(1), 250)]);
    world.run(5_000);
    world.mtu = 1_240;
    world.run_with_packets(10_000);
    let found = world.measure().mtu.expect("found");
    assert!((1_237..=1_240).contains(&found), "{found}");
    assert_eq!(world.lost(), [0; 0]);
    // One that no size passes any more is lost though small probes pass.
    world.mtu = 100;
    world.run_with_packets(20_000);
    assert_eq!(world.lost().len(), 1);
}

#[test]
fn an_echo_from_elsewhere_or_of_another_size_proves_nothing() {
    let mut prober = Prober::default();
    let mut out = Vec::new();
    let budget = Budget::default();
    let around = Around { routes: &[], session: true, traffic: Traffic::default(), budget: &budget };
    prober.set_paths(&[(endpoint(1), 500)], 0);
    prober.handle_timeout(0, &around, &mut out);
    let [ProbeOutput::Send { id, size, .. }] = out[..] else { panic!("one probe") };
    let echo = Echo { id, from: endpoint(1), counts: None, size, nanos: 5 };
    assert!(!prober.handle_echo(Echo { from: endpoint(2), ..echo }, 5, &mut out));
    assert!(!prober.handle_echo(Echo { id: id + 1, ..echo }, 5, &mut out));
    assert!(!prober.handle_echo(Echo { size: size + 1, ..echo }, 5, &mut out));
    assert!(prober.handle_echo(echo, 5, &mut out));
    assert!(!prober.handle_echo(echo, 6, &mut out));
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

/// Whatever is asked for, a minute of probes has its limit, and paths in use come first.
#[test]
fn probing_keeps_to_its_budget() {
    let paths: Vec<(Endpoint, Millis)> = (1..=60).map(|last| (endpoint(last), 100)).collect();
    let mut world = World::new(&paths);
    world.traffic = Traffic { sent: 60_000, received: 60_000 };
    world.run(60_000);
    let bytes: usize = world.sent.iter().map(|sent| sent.2 + OUTER + HEADER + TAG).sum();
    assert!(bytes <= 600_000, "{bytes}");
    let probes = |last| world.sent.iter().filter(|sent| sent.1 == endpoint(last)).count();
    assert!(probes(1) > 550, "{}", probes(1));
    for last in 2..=60 {
        assert!(probes(last) > 10, "{} of path {last}", probes(last));
    }
}

#[test]
fn a_peer_whose_paths_are_not_probed_costs_no_timer() {
    let mut world = World::new(&[(endpoint(1), 500), (endpoint(2), 0)]);
    world.run(1_300);
    world.prober.set_paths(&[(endpoint(1), 0), (endpoint(2), 0)], 1_300);
    world.run(2_000);
    world.sent.clear();
    assert_eq!(world.prober.deadline(true), None);
    world.run(1_000_000);
    assert!(world.sent.is_empty());
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
    let budget = Budget::default();
    let routes = [endpoint(1)];
    let around = |session: bool| Around {
        routes: if session { &routes[..] } else { &[] },
        session,
        traffic: Traffic::default(),
        budget: &budget,
    };
    let mut prober = Prober::default();
    let mut out = Vec::new();
    prober.ping(1, 1, None, 0);
    prober.handle_timeout(0, &around(false), &mut out);
    assert_eq!(out, [ProbeOutput::Wanted]);
    out.clear();
    prober.handle_timeout(50, &around(true), &mut out);
    assert!(matches!(out[..], [ProbeOutput::Send { .. }]));
    let mut prober = Prober::default();
    prober.ping(2, 1, None, 0);
    out.clear();
    prober.handle_timeout(2_000, &around(false), &mut out);
    assert_eq!(out, [ProbeOutput::Pong { id: 2, sequence: 0, rtt_millis: None, endpoint: None }]);
}

#[test]
fn a_long_pause_causes_no_burst() {
    let mut world = World::new(&[(endpoint(1), 100)]);
    world.run(200);
    let before = world.sent.len();
    world.now = 60_000;
    world.run(60_050);
    assert!(world.sent.len() - before <= 2);
}
