//! Hands bytes to everything of the session that reads what came from the wire, also behind the checks that would
//! stop them first. Nothing may panic, and nothing may be believed.

use std::cell::RefCell;
use std::sync::Arc;

use starmesh_dataplane::session::control::Control;
use starmesh_dataplane::session::{
    Association, Epoch, INITIATION, Keypair, Local, LocalOptions, Message, Now, Output, PeerKind,
    PeerOptions, RESPONSE, RealmKind, Suites, Surroundings, classify, part, probe,
};

/// Runs one input.
pub fn session(bytes: &[u8]) {
    ENDS.with_borrow_mut(|ends| ends.run(bytes));
}

thread_local! {
    static ENDS: RefCell<Ends> = RefCell::new(Ends::new());
}

/// An initiator with a session and a new handshake under way, and a responder with its end of the session.
struct Ends {
    initiator: Association,
    attempt: [u8; 4],
    keypairs: [Arc<Keypair>; 2],
    local: Arc<Local>,
    control: Control,
    halves: part::Halves,
    chance: Counter,
}

const NOW: Now = Now { millis: 1_000, unix_millis: 1_000 };

impl Ends {
    fn new() -> Ends {
        let [a, b] = [[1; 32], [2; 32]].map(|private_key| {
            let kind = RealmKind::Network;
            let suites = Suites::here();
            let options =
                LocalOptions { private_key, prologue: [1; 32], kind, suites, stamp_floor_millis: 0 };
            let local = Local::new(options);
            local.set_epochs(&[Epoch { id: 1, key: [1; 32] }]);
            local
        });
        let peer = |local: &Local| PeerOptions {
            public_key: *local.public_key(),
            kind: PeerKind::Node,
            prologue: None,
            preshared_key: None,
            keepalive_seconds: 0,
        };
        let mut initiator = Association::new(Arc::clone(&a), peer(&b)).expect("a good key");
        let mut responder = Association::new(Arc::clone(&b), peer(&a)).expect("a good key");
        let (mut chance, mut out) = (Counter(0), Vec::new());
        let message = initiator.message(NOW, &mut chance, &mut out).expect("an epoch is held");
        let initiation = b.read_initiation(&message, &mut chance).expect("message 1");
        responder.handle_initiation(initiation, NOW, &mut chance, &mut out).expect("fresh");
        let mut theirs = None;
        for output in out.split_off(0) {
            match output {
                Output::Install(keypair) => theirs = Some(keypair),
                Output::Response(message) => {
                    initiator.handle_response(&*message, NOW, &mut out).expect("message 2");
                }
                _ => {}
            }
        }
        let ours = Arc::clone(initiator.current(NOW.millis).expect("a session"));
        let message = initiator.message(NOW, &mut chance, &mut out).expect("another handshake");
        let mut attempt = [0; 4];
        attempt.copy_from_slice(&message[4..8]);
        Ends {
            initiator,
            attempt,
            keypairs: [ours, theirs.expect("an answer")],
            local: b,
            control: Control::new(0),
            halves: part::Halves::default(),
            chance,
        }
    }

    fn run(&mut self, bytes: &[u8]) {
        let class = classify(bytes);
        for under_load in [false, true] {
            self.local.admit(NOW.millis, bytes, b"source", under_load, &mut self.chance);
        }
        assert!(self.local.read_initiation(bytes, &mut self.chance).is_err());
        assert_eq!(
            matches!(class, Some(Message::Initiation { .. })),
            bytes.len() == INITIATION && bytes[0] == 1
        );

        let mut out = Vec::new();
        let aimed = aimed(bytes, 8, self.attempt, Some(RESPONSE));
        assert!(self.initiator.handle_response(&aimed, NOW, &mut out).is_err());
        let aimed = self::aimed(bytes, 4, self.attempt, None);
        assert!(self.initiator.handle_cookie(&aimed, NOW).is_err());
        assert!(out.is_empty() && self.initiator.is_handshaking());

        for keypair in &self.keypairs {
            let mut aimed = self::aimed(bytes, 4, keypair.local_index().to_le_bytes(), None);
            assert!(keypair.open_in_place(NOW.millis, &mut aimed.clone()).is_err());
            let stride = bytes.last().map_or(0, |byte| usize::from(*byte));
            keypair.open_segments(NOW.millis, &mut aimed, stride, |opened| assert!(opened.is_err()));
        }

        let mut out = Vec::new();
        self.control.handle(bytes, NOW.millis, &mut out);
        self.control.handle_timeout(NOW.millis + 100_000, &mut out);
        if let Some(part) = part::read(bytes) {
            assert!(self.halves.take(part, NOW.millis).is_none_or(|whole| whole.len() <= 2_048));
        }
        if probe::into_echo(&mut bytes.to_vec(), None) {
            assert!(matches!(probe::read(bytes), Some(probe::Probe::Ask(_))));
        }
    }
}

/// The bytes with an index that exists, so that they get past the look-up.
fn aimed(bytes: &[u8], at: usize, index: [u8; 4], length: Option<usize>) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes.resize(length.unwrap_or(bytes.len()), 0);
    if let Some(field) = bytes.get_mut(at..at + 4) {
        field.copy_from_slice(&index);
    }
    bytes
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
