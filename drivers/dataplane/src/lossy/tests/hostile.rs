//! Whatever comes is read or refused; it costs no more memory than a busy link.

use super::line::{Line, Random};
use super::world::World;
use crate::lossy::record::{self, Ack, Mix, Parity, Record, SPAN, Unit};
use crate::lossy::{Flow, FlowKind, Lossy, Profile};
use proptest::prelude::*;

const MOST: usize = 40 << 20;

/// Records of a running link.
fn records() -> Vec<Vec<u8>> {
    let mut link = Lossy::new(Profile::Balanced, 1, 0);
    let mut records = Vec::new();
    let mut out = Vec::new();
    for step in 0..200u64 {
        let flow = Flow { id: 1, kind: if step % 3 == 0 { FlowKind::Tcp } else { FlowKind::Other } };
        link.push(&vec![step as u8; 60 + step as usize * 6], flow, step * 500);
        link.handle_deadline(step * 500, &mut |_| {});
        while link.transmit(step * 500, &mut out) {
            records.push(out.clone());
        }
    }
    let ack = Ack { largest: 50, delay: 1_000, before: [0x5555_5555_5555_5555; SPAN / 64] };
    ack.write(300, &mut out);
    records.push(out);
    records
}

proptest! {
    /// [P13] Nothing that can be received makes the link fail or grow.
    #[test]
    fn anything_may_come(records in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 0..50)) {
        let mut link = Lossy::new(Profile::Balanced, 3, 0);
        for (at, record) in records.iter().enumerate() {
            let _ = link.receive(record, at as u64, &mut |_| {});
            link.handle_deadline(at as u64 * 1_000, &mut |_| {});
        }
        prop_assert!(link.held() < MOST);
    }

    /// [P13] The same for records of ours that were changed, repeated and shuffled.
    #[test]
    fn changed_records_may_come(seed in any::<u64>()) {
        let records = records();
        let mut random = Random::new(seed);
        let mut link = Lossy::new(Profile::Balanced, seed, 0);
        let mut out = Vec::new();
        for at in 0..600u64 {
            let mut record = records[random.next() as usize % records.len()].clone();
            for _ in 0..random.next() % 4 {
                let place = random.next() as usize % record.len().min(20);
                record[place] = random.next() as u8;
            }
            if random.next().is_multiple_of(8) {
                record.truncate(random.next() as usize % record.len());
            }
            let now = at * 300;
            let _ = link.receive(&record, now, &mut |_| {});
            link.push(&record, Flow { id: at as u32, kind: FlowKind::Tcp }, now);
            link.handle_deadline(now, &mut |_| {});
            while link.transmit(now, &mut out) {}
        }
        prop_assert!(link.held() < MOST);
    }

    /// [P13] What is written is read as it was.
    #[test]
    fn records_are_read_as_written(
        record in any::<u32>(), unit in any::<u32>(), previous in any::<u16>(), hold in 0..63u64,
        covered in any::<bool>(), payload in proptest::collection::vec(any::<u8>(), 1..300),
    ) {
        let mut shard = Vec::new();
        record::begin_shard(&mut shard);
        shard.extend_from_slice(&payload);
        record::finish_shard(&mut shard, previous, false);
        let header = Unit { record, unit, previous, hold: hold * 8_000, covered, bundle: false };
        let mut out = Vec::new();
        header.write(&shard, &mut out);
        let Ok(Record::Unit(read, read_payload)) = record::parse(&out) else { panic!("not a unit") };
        prop_assert_eq!(read, header);
        prop_assert_eq!(read_payload, &payload[..]);
        prop_assert_eq!(record::shard_length(&shard), Some(shard.len()));
    }
}

/// [P13] Numbers that jump about make no work without end.
#[test]
fn jumping_numbers_are_bounded() {
    let mut link = Lossy::new(Profile::Balanced, 3, 0);
    let mut out = Vec::new();
    for at in 0..400u32 {
        let number = at.wrapping_mul(0x3333_3333);
        let header =
            Unit { record: number, unit: number, previous: 900, hold: 500_000, covered: true, bundle: false };
        header.write(&[0, 0, 0, 4, 1, 2, 3, 4], &mut out);
        link.receive(&out, u64::from(at), &mut |_| {}).expect("a unit");
        let parity =
            Parity { record: number.wrapping_add(1), first: number, units: 128, index: 0, parities: 64 };
        parity.write(&[0; 1_000], &mut out);
        link.receive(&out, u64::from(at), &mut |_| {}).expect("a parity");
        for seed in 0..100 {
            let first = number.wrapping_sub(100);
            let mix = Mix { record: number.wrapping_add(2 + u32::from(seed)), first, units: 128, seed };
            mix.write(&[seed; 1_000], &mut out);
            link.receive(&out, u64::from(at), &mut |_| {}).expect("a mix");
        }
    }
    assert!(link.held() < MOST);
}

/// [P13] A datagram that is too long or empty is refused, the longest is carried.
#[test]
fn the_longest_datagram_is_carried() {
    let world = World::new(Line::CLEAN, 1);
    let [mut link, mut other] = world.ends;
    let flow = Flow { id: 1, kind: FlowKind::Other };
    for size in [64, 600, 1_201, 1_400, 9_001] {
        link.set_record_size(size);
        let longest = link.longest();
        assert!(!link.push(&vec![1; longest + 1], flow, 0) && !link.push(&[], flow, 0));
        assert!(link.push(&vec![1; longest], flow, 0));
        let mut out = Vec::new();
        let mut came = Vec::new();
        let mut now = 0;
        while came.is_empty() {
            now += 1_000;
            while link.transmit(now, &mut out) {
                assert!(out.len() <= size, "{} of {size}", out.len());
                other.receive(&out, now, &mut |datagram| came.push(datagram.len())).expect("a record");
            }
        }
        assert_eq!(came, [longest]);
    }
}
