//! What the link for lossy lines costs: pushes datagrams through two ends and a line in this process, under a clock of its
//! own, and prints the time both ends take. `cargo run --release --example lossy -- [PERCENT LOST] [MBIT/S] [SECONDS]`

#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use starmesh_dataplane::lossy::{Flow, FlowKind, Lossy, Micros, Profile};
use std::collections::VecDeque;
use std::time::Instant;

const DELAY: Micros = 10_000;
const STEP: Micros = 250;
const SIZE: usize = 1_380;

struct Line {
    loss: f64,
    random: u64,
    coming: VecDeque<(Micros, Vec<u8>)>,
    free: Vec<Vec<u8>>,
}

impl Line {
    fn carry(&mut self, record: &[u8], now: Micros) {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        if (self.random >> 11) as f64 / (1u64 << 53) as f64 >= self.loss {
            let mut copy = self.free.pop().unwrap_or_default();
            copy.clear();
            copy.extend_from_slice(record);
            self.coming.push_back((now + DELAY, copy));
        }
    }
}

fn main() {
    let arguments: Vec<f64> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let loss = arguments.first().copied().unwrap_or(10.0) / 100.0;
    let megabits = arguments.get(1).copied().unwrap_or(250.0);
    let seconds = arguments.get(2).copied().unwrap_or(10.0);
    let line = |random| Line { loss, random, coming: VecDeque::new(), free: Vec::new() };
    let mut lines = [line(0x1234_5678_9abc_def1), line(0x0fed_cba9_8765_4321)];
    let mut ends = [Lossy::new(Profile::Balanced, 1, 0), Lossy::new(Profile::Balanced, 2, 0)];
    let datagram = vec![7; SIZE];
    let flow = Flow { id: 1, kind: FlowKind::Tcp };
    let (mut record, mut pushed, mut delivered) = (Vec::new(), 0u64, 0u64);
    let end = (seconds * 1e6) as Micros;
    let began = Instant::now();
    for now in (0..end).step_by(STEP as usize) {
        while pushed as f64 * SIZE as f64 * 8.0 < now as f64 * megabits {
            ends[0].push(&datagram, flow, now);
            pushed += 1;
        }
        for side in 0..2 {
            while lines[1 - side].coming.front().is_some_and(|(at, _)| *at <= now)
                && let Some((_, bytes)) = lines[1 - side].coming.pop_front()
            {
                // Only what the other end made comes here.
                let _ = ends[side].receive(&bytes, now, &mut |_| delivered += 1);
                lines[1 - side].free.push(bytes);
            }
            if ends[side].deadline().is_some_and(|deadline| deadline <= now) {
                ends[side].handle_deadline(now, &mut |_| delivered += 1);
            }
            while ends[side].transmit(now, &mut record) {
                lines[side].carry(&record, now);
            }
        }
    }
    let taken = began.elapsed().as_secs_f64();
    let megabits = delivered as f64 * SIZE as f64 * 8.0 / 1e6;
    println!(
        "{:.1} % lost: {:.0} Mbit/s carried, {:.2} % not delivered; both ends {:.2} µs a packet, {:.0} Mbit/s a core",
        loss * 100.0,
        megabits / seconds,
        100.0 - 100.0 * delivered as f64 / pushed as f64,
        taken * 1e6 / delivered as f64,
        megabits / taken,
    );
    println!("{:?}", ends[0].condition());
}
