//! What one core pays per 1,420-byte packet and per handshake: `cargo run --release --example session_cost`.

use std::hint::black_box;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use starmesh_dataplane::session::{
    Association, Epoch, HEADER, Key, Keypair, Local, LocalOptions, Now, Output, PeerKind, PeerOptions,
    RealmKind, Suite, Suites, Surroundings, TAG,
};

const PAYLOAD: usize = 1_420 - HEADER - TAG;
const SEGMENTS: usize = 43;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "ns per datagram of 1,420 bytes, one core")?;
    writeln!(
        out,
        "{:<12}{:>8}{:>8}{:>18}{:>18}",
        "suite", "seal", "open", "seal 43 at once", "open 43 at once"
    )?;
    for (name, kind, suite) in [
        ("WireGuard", PeerKind::Stock, Suite::ChaCha),
        ("AES", PeerKind::Node, Suite::Aes),
        ("ChaCha", PeerKind::Node, Suite::ChaCha),
    ] {
        let (sender, receiver) = Pair::new(kind, suite).handshake();
        let single = measure(&sender, &receiver, 1);
        let batch = measure(&sender, &receiver, SEGMENTS);
        writeln!(out, "{name:<12}{:>8.0}{:>8.0}{:>18.0}{:>18.0}", single.0, single.1, batch.0, batch.1)?;
    }
    let handshakes = 2_000;
    let mut pair = Pair::new(PeerKind::Node, Suite::Aes);
    let begun = Instant::now();
    for _ in 0..handshakes {
        black_box(pair.handshake());
    }
    writeln!(
        out,
        "handshake, both ends: {:.0} µs",
        begun.elapsed().as_secs_f64() * 1e6 / f64::from(handshakes)
    )
}

/// Nanoseconds per datagram, sealing and opening, the best of some rounds.
fn measure(sender: &Keypair, receiver: &Keypair, segments: usize) -> (f64, f64) {
    let stride = sender.sealed_length(PAYLOAD);
    let rounds = 4_000 / segments;
    let mut buffers = vec![vec![0x45; stride * segments]; rounds];
    let (mut seal, mut open) = (f64::MAX, f64::MAX);
    for _ in 0..20 {
        let begun = Instant::now();
        for buffer in &mut buffers {
            let sealed = sender.seal_segments(1, 0, false, buffer, stride);
            assert!(sealed.is_ok());
        }
        seal = seal.min(begun.elapsed().as_nanos() as f64 / (rounds * segments) as f64);
        let begun = Instant::now();
        for buffer in &mut buffers {
            if segments == 1 {
                assert!(receiver.open_in_place(1, buffer).is_ok());
            } else {
                receiver.open_segments(1, buffer, stride, |opened| assert!(opened.is_ok()));
            }
        }
        open = open.min(begun.elapsed().as_nanos() as f64 / (rounds * segments) as f64);
    }
    (seal, open)
}

struct Pair {
    initiator: Association,
    responder: Association,
    responders: Arc<Local>,
    now: Now,
    chance: Counter,
}

impl Pair {
    fn new(kind: PeerKind, suite: Suite) -> Pair {
        let [a, b] = [[1; 32], [2; 32]].map(|private_key| {
            let suites = Suites::of(&[suite]).expect("a Starmesh suite");
            let kind = RealmKind::Network;
            let options =
                LocalOptions { private_key, prologue: [1; 32], kind, suites, stamp_floor_millis: 0 };
            let local = Local::new(options);
            local.set_epochs(&[Epoch { id: 1, key: [1; 32] }]);
            local
        });
        let options = |public_key: &Key| PeerOptions {
            public_key: *public_key,
            kind,
            prologue: None,
            preshared_key: None,
            keepalive_seconds: 0,
        };
        Pair {
            initiator: Association::new(Arc::clone(&a), options(b.public_key())).expect("a good key"),
            responder: Association::new(Arc::clone(&b), options(a.public_key())).expect("a good key"),
            responders: b,
            now: Now { millis: 1, unix_millis: 1 },
            chance: Counter(1),
        }
    }

    fn handshake(&mut self) -> (Arc<Keypair>, Arc<Keypair>) {
        // Message 1s closer together are taken for a flood.
        self.now = Now { millis: self.now.millis + 20, unix_millis: self.now.unix_millis + 20 };
        let (mut to_responder, mut to_initiator, mut done) = (Vec::new(), Vec::new(), Vec::new());
        assert!(self.initiator.start(self.now, true, &mut self.chance, &mut to_responder));
        for output in to_responder {
            if let Output::Initiation(message) = output {
                let initiation = self.responders.read_initiation(&*message, &mut self.chance).expect("opens");
                let answered = self.responder.handle_initiation(
                    initiation,
                    self.now,
                    &mut self.chance,
                    &mut to_initiator,
                );
                assert!(answered.is_ok());
            }
        }
        let mut theirs = None;
        for output in to_initiator {
            match output {
                Output::Install(keypair) => theirs = Some(keypair),
                Output::Response(message) => {
                    assert!(self.initiator.handle_response(&*message, self.now, &mut done).is_ok());
                }
                _ => {}
            }
        }
        let ours = self.initiator.current(self.now.millis).cloned().expect("a session");
        (ours, theirs.expect("an answer"))
    }
}

struct Counter(u64);

impl Surroundings for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.0 += 1;
        bytes.fill(self.0 as u8);
    }

    fn reserve_index(&mut self) -> u32 {
        self.0 += 1;
        self.0 as u32
    }
}
