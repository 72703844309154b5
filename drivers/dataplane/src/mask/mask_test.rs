use super::*;
use crate::session::{COOKIE_REPLY, INITIATION, RESPONSE};
use crate::stun;
use proptest::prelude::*;
use std::collections::HashSet;

fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system's generator");
}

/// A datagram of a kind: its fixed bytes are as on the wire, the rest looks enciphered.
fn datagram(kind: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0u8; length];
    random(&mut bytes);
    match kind {
        0 => return stun::request(&[7; 12]),
        1..=3 => bytes[..4].copy_from_slice(&[kind, 0, 0, 0]),
        _ => bytes[..4].copy_from_slice(&[DATA, 0, 0, 0]),
    }
    if kind == 1 {
        // mac2 without a cookie.
        bytes[INITIATION - 16..].fill(0);
    }
    bytes
}

fn framed(datagram: &[u8]) -> Vec<u8> {
    [&[FRAME, 0, 0, 0, 1, 2, 3, 4], datagram].concat()
}

/// Every kind of datagram that is covered whole, bare and in a relay frame.
fn whole_kinds() -> Vec<Vec<u8>> {
    let bare = [(0, 44), (1, INITIATION), (2, RESPONSE), (3, COOKIE_REPLY), (4, 32), (4, 57), (4, SMALL)]
        .map(|(kind, length)| datagram(kind, length));
    bare.iter().cloned().chain(bare.iter().skip(1).map(|it| framed(it))).collect()
}

fn wrap(mask: &Mask, datagram: &[u8], padding: RangeInclusive<usize>) -> Vec<u8> {
    let mut room = vec![0u8; datagram.len() + PRELUDE + PADDING];
    room[..datagram.len()].copy_from_slice(datagram);
    let length = mask.wrap(&mut room, datagram.len(), padding, &mut random);
    room.truncate(length);
    room
}

fn one(mask: &Mask, datagram: &mut [u8]) -> Form {
    let mut forms = [Form::Foreign];
    mask.uncover(datagram, datagram.len().max(1), &mut forms);
    let [form] = forms;
    form
}

proptest! {
    /// [C02]
    #[test]
    fn what_is_covered_whole_comes_out_as_it_was(key in any::<[u8; 32]>(), least in 0usize..60, more in 0usize..200) {
        let (mask, other) = (Mask::new(&key), Mask::new(&key.map(|byte| byte ^ 1)));
        for datagram in whole_kinds() {
            let mut covered = wrap(&mask, &datagram, least..=least + more);
            prop_assert!(covered.len() >= datagram.len() + PRELUDE + least);
            prop_assert!(covered.len() <= datagram.len() + PRELUDE + PADDING.min(least + more));
            prop_assert!(mask.recognises(&covered) && !other.recognises(&covered));
            let before = covered.clone();
            prop_assert_eq!(one(&other, &mut covered), Form::Foreign);
            prop_assert_eq!(&covered, &before);
            let Form::Whole(range) = one(&mask, &mut covered) else { panic!("not recognised") };
            prop_assert_eq!(&covered[range], &datagram);
        }
    }

    /// [C02]
    #[test]
    fn headers_of_a_batch_are_covered_in_place_and_come_out_as_they_were(
        key in any::<[u8; 32]>(),
        lengths in (32usize..1_500, 1usize..140).prop_flat_map(|(stride, count)| (Just(stride), Just(count), 32..=stride)),
        relayed in any::<bool>(),
    ) {
        let (stride, count, last) = lengths;
        let (mask, other) = (Mask::new(&key), Mask::new(&key.map(|byte| byte ^ 1)));
        let chunk = |at| datagram(4, if at + 1 == count { last } else { stride });
        let bare: Vec<u8> = (0..count).flat_map(|at| if relayed { framed(&chunk(at)) } else { chunk(at) }).collect();
        let stride = if relayed { stride + RELAY } else { stride };
        let mut covered = bare.clone();
        mask.cover(&mut covered, stride);
        prop_assert_eq!(covered.len(), bare.len());
        for (covered, bare) in covered.chunks(stride).zip(bare.chunks(stride)) {
            let headers = if relayed { HEADER + RELAY } else { HEADER };
            prop_assert_ne!(&covered[..headers], &bare[..headers]);
            prop_assert_eq!(&covered[headers..], &bare[headers..]);
            prop_assert!(mask.recognises(covered) && !other.recognises(covered));
        }
        let mut forms = vec![Form::Foreign; count];
        let before = covered.clone();
        other.uncover(&mut covered, stride, &mut forms);
        prop_assert!(forms.iter().all(|form| *form == Form::Foreign) && covered == before);
        mask.uncover(&mut covered, stride, &mut forms);
        prop_assert!(forms.iter().all(|form| *form == Form::Headers));
        prop_assert_eq!(covered, bare);
    }

    /// [C02] Whatever comes in is taken or refused; what is refused is as it came.
    #[test]
    fn any_bytes_are_left_alone(key in any::<[u8; 32]>(), bytes in proptest::collection::vec(any::<u8>(), 0..400), stride in 1usize..200) {
        let mask = Mask::new(&key);
        let mut forms = vec![Form::Foreign; bytes.len().div_ceil(stride)];
        let mut taken = bytes.clone();
        mask.uncover(&mut taken, stride, &mut forms);
        prop_assert!(forms.iter().all(|form| *form == Form::Foreign));
        prop_assert_eq!(taken, bytes);
    }

    /// [C02] One byte that was changed on the way: another datagram comes out or none, never a panic or a range outside.
    #[test]
    fn tampering_brings_nothing_down(key in any::<[u8; 32]>(), at in any::<prop::sample::Index>(), flip in 1u8..) {
        let mask = Mask::new(&key);
        let wholes = whole_kinds().into_iter().map(|datagram| wrap(&mask, &datagram, 0..=PADDING));
        let headers = [datagram(4, 300), framed(&datagram(4, 300))].into_iter().map(|mut datagram| {
            let stride = datagram.len();
            mask.cover(&mut datagram, stride);
            datagram
        });
        for mut covered in wholes.chain(headers) {
            let place = at.index(covered.len());
            covered[place] ^= flip;
            let length = covered.len();
            if let Form::Whole(range) = one(&mask, &mut covered) {
                prop_assert!(!range.is_empty() && range.end <= length);
            }
            covered.truncate(place);
            if !covered.is_empty() {
                one(&mask, &mut covered);
            }
        }
    }
}

/// [C02] Chi-square over 255 degrees of freedom: 400 is exceeded by chance about once in 50 million times.
fn assert_uniform(counts: &[u32; 256], of: u32, what: &str) {
    let expected = f64::from(of) / 256.0;
    let square: f64 = counts.iter().map(|count| (f64::from(*count) - expected).powi(2) / expected).sum();
    assert!(square < 400.0, "{what}: {square}");
}

/// [C02]
#[test]
fn ten_thousand_handshakes_show_no_fixed_byte_and_no_fixed_length() {
    const MANY: u32 = 10_000;
    let mask = Mask::new(&[3; 32]);
    for (kind, length) in [(1, INITIATION), (2, RESPONSE), (3, COOKIE_REPLY), (4, 32)] {
        let plain = datagram(kind, length);
        let mut places = vec![[0u32; 256]; PRELUDE + length];
        let mut lengths = HashSet::new();
        for _ in 0..MANY {
            let covered = wrap(&mask, &plain, 0..=INITIATION - length.min(92));
            lengths.insert(covered.len());
            for (counts, byte) in places.iter_mut().zip(&covered) {
                counts[usize::from(*byte)] += 1;
            }
        }
        for (at, counts) in places.iter().enumerate() {
            assert_uniform(counts, MANY, &format!("byte {at} of kind {kind}"));
        }
        assert_eq!(lengths.len(), INITIATION - length.min(92) + 1, "every length occurs");
    }
}

/// [C02]
#[test]
fn ten_thousand_data_headers_show_no_fixed_byte() {
    const MANY: u32 = 10_000;
    let mask = Mask::new(&[3; 32]);
    for relayed in [false, true] {
        let mut places = [[0u32; 256]; HEADER + RELAY];
        for _ in 0..MANY {
            let mut bytes = datagram(4, 100);
            bytes[4..HEADER].fill(9);
            let mut bytes = if relayed { framed(&bytes) } else { bytes };
            let stride = bytes.len();
            mask.cover(&mut bytes, stride);
            for (counts, byte) in places.iter_mut().zip(&bytes) {
                counts[usize::from(*byte)] += 1;
            }
        }
        for (at, counts) in places.iter().enumerate() {
            assert_uniform(counts, MANY, &format!("byte {at}"));
        }
    }
}

#[test]
fn the_header_mask_is_the_one_of_rfc_9001() {
    // Appendix A.2: the client's header protection key and sample; its mask begins with 437b9aec36.
    let mut key = [0u8; 32];
    key[..16].copy_from_slice(&0x9f50449e04a0e810283a1e9933adedd2u128.to_be_bytes());
    let mut bytes = [0u8; 48];
    bytes[0] = DATA;
    bytes[32..].copy_from_slice(&0xd1b1c98dd7689fb8ec11d242b123dc9bu128.to_be_bytes());
    Mask::new(&key).cover(&mut bytes, 48);
    assert_eq!(bytes[..5], [0x43 ^ DATA, 0x7b, 0x9a, 0xec, 0x36]);
}
