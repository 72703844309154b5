//! One direction of the line: what happens to each frame, and when it is through. Knows no clock: times are arguments,
//! in nanoseconds.

use crate::chance::Chance;
use crate::frame::{Frame, Pool};
use crate::impairment::Impairment;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fmt;

/// Frames on their way, and what decides about the next ones.
pub struct Direction {
    impairment: Impairment,
    chance: Chance,
    /// Until when the rate is used up.
    free_at: u64,
    /// When the last of those that keep their order is through.
    latest: u64,
    /// Within a burst of losses.
    is_bad: bool,
    under_way: BinaryHeap<Reverse<UnderWay>>,
    entered: u64,
    counters: Counters,
}

impl Direction {
    pub fn new(seed: u64) -> Direction {
        Direction {
            impairment: Impairment::default(),
            chance: Chance::new(seed),
            free_at: 0,
            latest: 0,
            is_bad: false,
            under_way: BinaryHeap::new(),
            entered: 0,
            counters: Counters::default(),
        }
    }

    /// Does this to frames from now on; those under way arrive as it was said before.
    pub fn set(&mut self, impairment: Impairment) {
        self.impairment = impairment;
        self.free_at = 0;
        self.latest = 0;
    }

    /// A frame came in at `now`.
    pub fn enter(&mut self, frame: Frame, now: u64, pool: &mut Pool) {
        if self.under_way.len() >= MOST_UNDER_WAY {
            self.counters.overrun += 1;
            return pool.give(frame);
        }
        let Some(through) = self.pass_rate(frame.on_line(), now) else {
            self.counters.full += 1;
            return pool.give(frame);
        };
        // Lost on the line, behind the queue: it has used its part of the rate.
        if frame.is_ip() && self.loses() {
            self.counters.lost += 1;
            return pool.give(frame);
        }
        let copy = self.chance.happens(self.impairment.duplicate).then(|| {
            let mut copy = pool.take();
            copy.length = frame.length;
            copy.bytes[..frame.length].copy_from_slice(&frame.bytes[..frame.length]);
            copy
        });
        self.send_off(frame, through);
        if let Some(copy) = copy {
            self.counters.duplicated += 1;
            self.send_off(copy, through);
        }
    }

    /// The next frame that is through at `now`.
    pub fn leave(&mut self, now: u64) -> Option<Frame> {
        if self.next_due()? > now {
            return None;
        }
        let Reverse(UnderWay { frame, .. }) = self.under_way.pop()?;
        self.counters.passed += 1;
        self.counters.bytes += frame.on_line() as u64;
        Some(frame)
    }

    /// When the next frame is through.
    pub fn next_due(&self) -> Option<u64> {
        self.under_way.peek().map(|Reverse(next)| next.due)
    }

    /// Frames were dropped because the machine was too slow for the line.
    pub fn note_overrun(&mut self, frames: u64) {
        self.counters.overrun += frames;
    }

    /// What happened since they were taken before.
    pub fn take_counters(&mut self) -> Counters {
        std::mem::take(&mut self.counters)
    }

    /// Waits for the rate; when its last bit has left, or nothing where the queue is full.
    fn pass_rate(&mut self, bytes: usize, now: u64) -> Option<u64> {
        let Impairment { rate, queue, .. } = self.impairment;
        if rate == 0 {
            return Some(now);
        }
        let begin = self.free_at.max(now);
        let waits = begin - now;
        if waits > queue * MICRO {
            return None;
        }
        self.counters.waited += 1;
        self.counters.wait_sum += waits;
        self.counters.wait_peak = self.counters.wait_peak.max(waits);
        self.free_at = begin + (bytes as u64 * 8 * SECOND).div_ceil(rate);
        Some(self.free_at)
    }

    fn loses(&mut self) -> bool {
        let Impairment { loss, burst, .. } = self.impairment;
        if burst < 1.0 || loss >= 1.0 {
            return self.chance.happens(loss);
        }
        // Two states with geometric stays: bad ones of `burst` frames, and as many good ones as make the share right.
        let turns = if self.is_bad { 1.0 / burst } else { loss / (1.0 - loss) / burst };
        if self.chance.happens(turns) {
            self.is_bad = !self.is_bad;
        }
        self.is_bad
    }

    fn send_off(&mut self, frame: Frame, through: u64) {
        let Impairment { delay, jitter, late, lateness, .. } = self.impairment;
        let mut due = through + delay * MICRO + self.chance.up_to(jitter * MICRO);
        if self.chance.happens(late) {
            self.counters.late += 1;
            due += lateness * MICRO;
        } else {
            due = due.max(self.latest);
            self.latest = due;
        }
        self.entered += 1;
        self.under_way.push(Reverse(UnderWay { due, number: self.entered, frame }));
    }
}

/// What happened to frames; times in nanoseconds. Shown as JSON, with times in microseconds.
#[derive(Debug, Default, PartialEq)]
pub struct Counters {
    passed: u64,
    bytes: u64,
    lost: u64,
    /// Dropped because the queue was full.
    full: u64,
    late: u64,
    duplicated: u64,
    /// Dropped because the machine was too slow: what was measured is worth nothing.
    overrun: u64,
    /// Frames that a rate held, how long all of them and the one that waited longest.
    waited: u64,
    wait_sum: u64,
    wait_peak: u64,
}

impl fmt::Display for Counters {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { passed, bytes, lost, full, late, duplicated, overrun, .. } = self;
        let (mean, peak) =
            (self.wait_sum.checked_div(self.waited).unwrap_or(0) / MICRO, self.wait_peak / MICRO);
        write!(
            out,
            "{{\"passed\":{passed},\"bytes\":{bytes},\"lost\":{lost},\"full\":{full},\"late\":{late},\
             \"duplicated\":{duplicated},\"overrun\":{overrun},\"waitMeanMicros\":{mean},\"waitPeakMicros\":{peak}}}"
        )
    }
}

struct UnderWay {
    due: u64,
    /// Decides among those that are due together.
    number: u64,
    frame: Frame,
}

impl Ord for UnderWay {
    fn cmp(&self, other: &UnderWay) -> Ordering {
        (self.due, self.number).cmp(&(other.due, other.number))
    }
}

impl PartialOrd for UnderWay {
    fn partial_cmp(&self, other: &UnderWay) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for UnderWay {
    fn eq(&self, other: &UnderWay) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for UnderWay {}

const MICRO: u64 = 1000;
const SECOND: u64 = 1_000_000_000;
/// More than a gigabit per second at a fifth of a second; bounds the memory.
const MOST_UNDER_WAY: usize = 32_768;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::HEADER;

    const MILLI: u64 = 1000 * MICRO;

    /// Numbers of the frames that come out, with the times, when one of 1,000 bytes comes in each `every` nanoseconds.
    fn run(direction: &mut Direction, count: u32, every: u64) -> Vec<(u32, u64)> {
        let mut pool = Pool::default();
        for number in 0..count {
            direction.enter(frame(number), u64::from(number) * every, &mut pool);
        }
        let mut out = Vec::new();
        while let Some(due) = direction.next_due() {
            assert!(due == 0 || direction.leave(due - 1).is_none());
            let left = direction.leave(due).expect("it is due");
            let number = left.bytes[HEADER + 14..HEADER + 18].try_into().expect("four bytes");
            out.push((u32::from_be_bytes(number), due));
        }
        out
    }

    fn frame(number: u32) -> Frame {
        let mut frame = Pool::default().take();
        frame.length = HEADER + 1000;
        frame.bytes[HEADER + 12..HEADER + 14].copy_from_slice(&[0x08, 0x00]);
        frame.bytes[HEADER + 14..HEADER + 18].copy_from_slice(&number.to_be_bytes());
        frame
    }

    fn with(impairment: Impairment) -> Direction {
        let mut direction = Direction::new(7);
        direction.set(impairment);
        direction
    }

    #[test]
    fn a_line_without_anything_passes_all_at_once_in_order() {
        let out = run(&mut with(Impairment::default()), 100, MILLI);
        assert_eq!(out, (0..100).map(|number| (number, u64::from(number) * MILLI)).collect::<Vec<_>>());
    }

    #[test]
    fn every_frame_takes_the_delay_and_a_part_of_the_jitter_and_keeps_its_place() {
        let out =
            run(&mut with(Impairment { delay: 10_000, jitter: 5000, ..Impairment::default() }), 2000, MILLI);
        assert!(out.is_sorted_by_key(|&(number, _)| number));
        let took: Vec<u64> = out.iter().map(|&(number, due)| due - u64::from(number) * MILLI).collect();
        assert!(took.iter().all(|took| (10 * MILLI..=15 * MILLI).contains(took)));
        assert!(took.iter().max() > Some(&(14 * MILLI)) && took.iter().min() < Some(&(11 * MILLI)));
    }

    #[test]
    fn the_share_that_is_lost_is_the_one_asked_for_alone_or_in_bursts() {
        for burst in [0.0, 1.0, 4.0, 20.0] {
            let count = 30_000;
            let out = run(&mut with(Impairment { loss: 0.3, burst, ..Impairment::default() }), count, MICRO);
            let lost = f64::from(count) - out.len() as f64;
            assert!((lost / f64::from(count) - 0.3).abs() < 0.025, "{burst}: {lost}");
            let gaps = out.windows(2).filter(|pair| pair[1].0 - pair[0].0 > 1).count();
            let mean = lost / gaps as f64;
            // Losses by themselves fall side by side at times.
            let expected = if burst == 0.0 { 1.43 } else { burst };
            assert!((mean / expected - 1.0).abs() < 0.15, "{burst}: {mean}");
        }
    }

    #[test]
    fn the_same_seed_loses_the_same_frames() {
        let impairment = Impairment { loss: 0.3, jitter: 100, ..Impairment::default() };
        assert_eq!(run(&mut with(impairment), 500, MILLI), run(&mut with(impairment), 500, MILLI));
    }

    #[test]
    fn address_resolution_is_never_lost() {
        let mut direction = with(Impairment { loss: 1.0, ..Impairment::default() });
        let mut question = frame(1);
        question.bytes[HEADER + 13] = 0x06;
        direction.enter(question, 0, &mut Pool::default());
        direction.enter(frame(2), 0, &mut Pool::default());
        assert!(direction.leave(0).is_some());
        assert!(direction.leave(0).is_none());
    }

    #[test]
    fn the_rate_is_held_and_what_finds_the_queue_full_is_dropped() {
        let mut direction = with(Impairment { rate: 8_000_000, queue: 20_000, ..Impairment::default() });
        // A frame takes a millisecond; they come twice as fast.
        let out = run(&mut direction, 1000, MILLI / 2);
        assert!(out.windows(2).all(|pair| pair[1].1 - pair[0].1 == MILLI));
        let counters = direction.take_counters();
        assert_eq!(counters.full + counters.passed, 1000);
        assert!((470..=480).contains(&counters.full), "{counters:?}");
        assert!(counters.wait_peak <= 20 * MILLI && counters.wait_peak > 18 * MILLI);
        assert_eq!(direction.take_counters(), Counters::default());
    }

    #[test]
    fn late_ones_are_overtaken_and_others_are_not() {
        let mut direction =
            with(Impairment { late: 0.1, lateness: 5000, delay: 1000, ..Impairment::default() });
        let out = run(&mut direction, 1000, MILLI);
        assert_eq!(out.len(), 1000);
        let late = out.iter().filter(|&&(number, due)| due - u64::from(number) * MILLI == 6 * MILLI).count();
        assert_eq!(late as u64, direction.take_counters().late);
        assert!((70..130).contains(&late));
        assert!(!out.is_sorted_by_key(|&(number, _)| number));
    }

    #[test]
    fn some_come_twice() {
        let mut direction = with(Impairment { duplicate: 0.5, ..Impairment::default() });
        let out = run(&mut direction, 1000, MILLI);
        let twice = out.windows(2).filter(|pair| pair[0].0 == pair[1].0).count();
        assert_eq!(out.len(), 1000 + twice);
        assert!((440..560).contains(&twice));
    }

    #[test]
    fn what_is_under_way_is_bounded() {
        let mut direction = with(Impairment { delay: 10_000_000, ..Impairment::default() });
        let mut pool = Pool::default();
        for number in 0..MOST_UNDER_WAY as u32 + 10 {
            direction.enter(frame(number), 0, &mut pool);
        }
        assert_eq!(direction.take_counters().overrun, 10);
    }

    #[test]
    fn a_shorter_delay_holds_from_the_next_frame_on() {
        let mut direction = with(Impairment { delay: 1_000_000, ..Impairment::default() });
        let mut pool = Pool::default();
        direction.enter(frame(1), 0, &mut pool);
        direction.set(Impairment { delay: 1000, ..Impairment::default() });
        direction.enter(frame(2), 0, &mut pool);
        assert_eq!(direction.next_due(), Some(MILLI));
    }
}
