//! Calls, packets and timers all at once: nothing locks up, nothing is left over.

use super::world::{Node, TunKind, datagram, epoch, joined, peer, realm, until, used_by};
use crate::plane::PathOptions;
use crate::session::{PeerKind, RealmKind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

#[test]
fn calls_and_traffic_at_once_neither_lock_up_nor_break_the_session() {
    let (one, two) = joined(TunKind::Offload, PeerKind::Node);
    let router = Node::router(3);
    for (node, number) in [(&one, 1), (&two, 2)] {
        node.know(&router, 3, PeerKind::Router);
        router.know(node, number, PeerKind::Node);
    }
    let done = AtomicBool::new(false);
    let arrived = AtomicUsize::new(0);
    let end = Instant::now() + Duration::from_millis(1_500);
    let stranger = crate::crypto::public_key(&[99; 32]);
    let calls: [&(dyn Fn() + Sync); 6] = [
        &|| one.plane.handshake("net", &two.key, &[two.endpoint], true).expect("begun"),
        &|| two.plane.handshake("net", &one.key, &[one.endpoint], true).expect("begun"),
        &|| {
            let paths = [PathOptions { endpoint: two.endpoint, probe_millis: 5 }];
            one.plane.set_paths("net", &two.key, &paths, &used_by(two.endpoint)).expect("set");
            one.plane.ping("net", &two.key, 1, None).expect("sent");
            one.know(&two, 2, PeerKind::Node);
            one.plane.counters().expect("alive");
        },
        &|| {
            for node in [&one, &two] {
                node.plane.handshake("net", &router.key, &[router.endpoint], true).expect("begun");
            }
            // Refused while an end has no session.
            let _ = router.plane.open_channel("net", (&one.key, &two.key), None);
            router.plane.close_channels("net", &one.key).expect("closed");
            router.plane.drop_sessions("net", None).expect("dropped");
        },
        &|| {
            one.plane.set_peer("net", peer(stranger, 77, PeerKind::Node)).expect("set");
            one.plane.handshake("net", &stranger, &[two.endpoint], true).expect("begun");
            one.plane.remove_peer("net", &stranger).expect("removed");
        },
        &|| {
            two.plane.open_realm(realm("other", 50, RealmKind::Network)).expect("opened");
            two.plane.set_epochs("other", &[epoch(5)]).expect("set");
            two.plane.close_realm("other").expect("closed");
            two.plane.bind("other", 0, None).expect("bound");
            two.plane.unbind("other").expect("unbound");
        },
    ];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let packet = [&[0u8; 10][..], &datagram(1, 2, &[7; 600])].concat();
            while !done.load(Ordering::Relaxed) {
                // A full pair refuses: that is no failure here.
                let _ = one.tun.as_ref().expect("a TUN").send(&packet);
                std::thread::yield_now();
            }
        });
        scope.spawn(|| {
            let tun = two.tun.as_ref().expect("a TUN");
            tun.set_read_timeout(Some(Duration::from_millis(50))).expect("set");
            let mut room = vec![0u8; 70_000];
            while !done.load(Ordering::Relaxed) {
                arrived.fetch_add(usize::from(tun.recv(&mut room).is_ok()), Ordering::Relaxed);
            }
        });
        for call in calls {
            scope.spawn(move || {
                while Instant::now() < end {
                    call();
                }
            });
        }
        scope.spawn(|| {
            until("the time is over", || Instant::now() >= end);
            let before = arrived.load(Ordering::Relaxed);
            until("packets still arrive", || arrived.load(Ordering::Relaxed) > before);
            done.store(true, Ordering::Relaxed);
        });
    });
}
