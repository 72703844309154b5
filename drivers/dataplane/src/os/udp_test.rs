//! One suite for every UDP implementation: what leaves as a batch arrives as the same datagrams, in order.

use super::*;
use crate::packet::flow::Flow;
use std::net::SocketAddr;

macro_rules! suite {
    ($name:ident, $udp:ty) => {
        mod $name {
            use super::*;

            fn pair(address: &str) -> ($udp, $udp) {
                let address: SocketAddr = address.parse().expect("an address");
                (
                    <$udp>::bind(address, None, 1 << 20).expect("bound"),
                    <$udp>::bind(address, None, 1 << 20).expect("bound"),
                )
            }

            fn collect(udp: &$udp, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
                let mut arrivals = Arrivals::new();
                let mut all = Vec::new();
                while all.len() < count {
                    udp.receive(&mut arrivals).expect("received");
                    for arrival in &arrivals.list {
                        let chunks = arrivals.slab[arrival.range.clone()].chunks(arrival.stride);
                        all.extend(chunks.map(|chunk| (arrival.source, chunk.to_vec())));
                    }
                }
                all
            }

            fn batches(address: &str) {
                let (one, two) = pair(address);
                let slab: Vec<u8> = (0..4000u32).map(|at| (at % 251) as u8).collect();
                let target = two.local();
                let departures = [
                    Departure { range: 0..1000, stride: 1000, target, flow: Flow::default() },
                    Departure { range: 1000..3500, stride: 300, target, flow: Flow::default() },
                    Departure { range: 3500..4000, stride: 100, target, flow: Flow::default() },
                ];
                assert_eq!(one.send(&slab, &departures, true), 0);
                let expected: Vec<(SocketAddr, Vec<u8>)> = departures
                    .iter()
                    .flat_map(|departure| slab[departure.range.clone()].chunks(departure.stride))
                    .map(|chunk| (one.local(), chunk.to_vec()))
                    .collect();
                assert_eq!(collect(&two, expected.len()), expected);
            }

            #[test]
            fn batches_arrive_whole_over_ipv4() {
                batches("127.0.0.1:0");
            }

            #[test]
            fn batches_arrive_whole_over_ipv6() {
                batches("[::1]:0");
            }

            #[test]
            fn shutting_ends_a_wait() {
                let (one, _) = pair("127.0.0.1:0");
                std::thread::scope(|scope| {
                    let waiting = scope.spawn(|| one.receive(&mut Arrivals::new()));
                    one.shut();
                    waiting.join().expect("no panic").expect("no error");
                });
            }

            #[test]
            fn a_taken_address_is_refused() {
                let (one, _) = pair("127.0.0.1:0");
                let error = <$udp>::bind(one.local(), None, 1 << 20).err().expect("refused");
                assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
            }
        }
    };
}

#[cfg(target_os = "linux")]
suite!(batching, super::Udp);
suite!(portable_fallback, super::portable::udp::Udp);

#[cfg(target_os = "linux")]
#[test]
fn without_gso_the_same_datagrams_leave_one_by_one() {
    let address: SocketAddr = "127.0.0.1:0".parse().expect("an address");
    let one = Udp::bind(address, None, 1 << 20).expect("bound");
    let two = Udp::bind(address, None, 1 << 20).expect("bound");
    let slab = vec![5u8; 64];
    one.without_gso();
    let departure = Departure { range: 0..64, stride: 10, target: two.local(), flow: Flow::default() };
    assert_eq!(one.send(&slab, &[departure], true), 0);
    let mut arrivals = Arrivals::new();
    let mut lengths = Vec::new();
    while lengths.len() < 7 {
        two.receive(&mut arrivals).expect("received");
        for arrival in &arrivals.list {
            lengths.extend(arrivals.slab[arrival.range.clone()].chunks(arrival.stride).map(<[u8]>::len));
        }
    }
    assert_eq!(lengths, [10, 10, 10, 10, 10, 10, 4]);
    assert!(!one.has_gso());
}
