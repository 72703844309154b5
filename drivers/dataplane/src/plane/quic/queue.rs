//! What waits for its turn on a connection: bounded in time and bytes, so that who sends feels a full line at once.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long a datagram may wait.
const PATIENCE: Duration = Duration::from_millis(25);
/// Bytes that may wait, whatever the rate.
const LIMIT: usize = 8 << 20;
/// Datagrams are copied into blocks of so many bytes.
const BLOCK: usize = 64 << 10;

/// Datagrams in the order they came, each with its moment.
#[derive(Default)]
pub struct Queue {
    waiting: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    block: BytesMut,
}

impl Queue {
    /// Adds datagrams of 1 to `largest` bytes; false when one was dropped.
    pub fn push(&mut self, datagrams: &mut dyn Iterator<Item = &[u8]>, largest: usize, now: Instant) -> bool {
        self.forget(now);
        let mut complete = true;
        for datagram in datagrams {
            if datagram.is_empty() || datagram.len() > largest || self.bytes + datagram.len() > LIMIT {
                complete = false;
                continue;
            }
            if self.block.capacity() < datagram.len() {
                self.block = BytesMut::with_capacity(BLOCK.max(datagram.len()));
            }
            self.block.extend_from_slice(datagram);
            self.bytes += datagram.len();
            self.waiting.push_back((now, self.block.split().freeze()));
        }
        complete
    }

    /// The next that did not wait too long.
    pub fn pop(&mut self, now: Instant) -> Option<Bytes> {
        self.forget(now);
        let (_, datagram) = self.waiting.pop_front()?;
        self.bytes -= datagram.len();
        Some(datagram)
    }

    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Drops what waited too long.
    fn forget(&mut self, now: Instant) {
        while let Some((since, datagram)) = self.waiting.front() {
            if now.saturating_duration_since(*since) <= PATIENCE {
                return;
            }
            self.bytes -= datagram.len();
            self.waiting.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn push(queue: &mut Queue, sizes: &[usize], largest: usize, now: Instant) -> bool {
        let datagrams: Vec<Vec<u8>> = sizes.iter().map(|size| vec![*size as u8; *size]).collect();
        queue.push(&mut datagrams.iter().map(Vec::as_slice), largest, now)
    }

    proptest! {
        /// [W13]
        #[test]
        fn what_waits_comes_out_in_order_or_not_at_all(
            steps in proptest::collection::vec((proptest::collection::vec(0usize..2_000, 0..60), 0u64..20, 0usize..60), 1..40),
        ) {
            let mut queue = Queue::default();
            let mut now = Instant::now();
            let (mut kept, mut taken) = (VecDeque::new(), 0);
            for (sizes, wait, pops) in steps {
                now += Duration::from_millis(wait);
                let fits = |size: &&usize| (1..=1_400).contains(*size);
                prop_assert_eq!(push(&mut queue, &sizes, 1_400, now), sizes.iter().all(|size| fits(&size)));
                kept.extend(sizes.iter().filter(fits).map(|size| (now, *size)));
                for _ in 0..pops {
                    while kept.front().is_some_and(|(since, _)| now - *since > PATIENCE) {
                        kept.pop_front();
                    }
                    let expected = kept.pop_front().map(|(_, size)| vec![size as u8; size]);
                    prop_assert_eq!(queue.pop(now).map(|datagram| datagram.to_vec()), expected);
                    taken += 1;
                }
            }
            prop_assert!(taken <= 40 * 60);
            now += PATIENCE * 2;
            prop_assert!(queue.pop(now).is_none() && queue.is_empty());
            prop_assert_eq!(queue.bytes, 0);
        }
    }

    #[test]
    fn no_more_bytes_wait_than_allowed() {
        let mut queue = Queue::default();
        let now = Instant::now();
        let mut taken = 0;
        while push(&mut queue, &[1_400], 1_400, now) {
            taken += 1_400;
            assert!(taken <= LIMIT);
        }
        assert!(taken > LIMIT - 2_800);
    }
}
