//! Two ends without sockets: handshakes through loss, cookies, records.

use super::record::OVERHEAD;
use super::*;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// As a data plane uses it: a server that keeps nothing before the cookie.
struct Server {
    stack: Stack,
    handshake: Option<Handshake>,
    keys: Option<Keys>,
}

impl Server {
    fn new() -> Server {
        Server { stack: Stack::new(&[7; 32]).expect("set up"), handshake: None, keys: None }
    }

    fn take(&mut self, datagram: &[u8], now: Instant, out: &mut VecDeque<Vec<u8>>) {
        let send = &mut |datagram: &[u8]| out.push_back(datagram.to_vec());
        let known = self.handshake.as_ref().map(|handshake| *handshake.random());
        if let Some(hello) = Hello::parse(datagram).filter(|hello| known != Some(hello.random())) {
            match self.stack.cookies.check(b"place", &hello, 1_000_000) {
                None => send(&hello.ask(&self.stack.cookies.make(b"place", &hello, 1_000_000))),
                Some(cookie) => {
                    let with = (&self.stack, &self.stack.certificate);
                    self.handshake = Handshake::answer(with, (&hello, &cookie), now, send);
                }
            }
            return;
        }
        if let Some(handshake) = &mut self.handshake
            && let Progress::Done(keys) = handshake.take(datagram, send)
        {
            self.keys = Some(*keys);
        }
    }
}

/// Runs a handshake; `loses` says of each datagram whether it is lost. Both ends' keys, and the datagrams of the client.
fn shake(mut loses: impl FnMut(usize) -> bool) -> (Keys, Keys, Vec<Vec<u8>>) {
    let stack = Stack::new(&[9; 32]).expect("set up");
    let mut server = Server::new();
    let mut now = Instant::now();
    let (mut there, mut back, mut sent) = (VecDeque::new(), VecDeque::new(), Vec::new());
    let mut call = Handshake::call(&stack, now, &mut |datagram| there.push_back(datagram.to_vec()))
        .expect("a ClientHello leaves");
    let (mut keys, mut count) = (None, 0);
    let mut lost = || {
        count += 1;
        loses(count)
    };
    for _ in 0..1_000 {
        while !there.is_empty() || !back.is_empty() {
            if let Some(datagram) = there.pop_front() {
                sent.push(datagram.clone());
                if !lost() {
                    server.take(&datagram, now, &mut back);
                }
            }
            if let Some(datagram) = back.pop_front()
                && !lost()
                && let Progress::Done(made) = call.take(&datagram, &mut |out| there.push_back(out.to_vec()))
            {
                keys = Some(*made);
            }
        }
        if keys.is_some() && server.keys.is_some() {
            break;
        }
        now += Duration::from_millis(20);
        if call.due() <= now {
            call.handle_timeout(now, &mut |out| there.push_back(out.to_vec()));
        }
        if let Some(handshake) = server.handshake.as_mut().filter(|handshake| handshake.due() <= now) {
            handshake.handle_timeout(now, &mut |out| back.push_back(out.to_vec()));
        }
    }
    (keys.expect("the client is done"), server.keys.expect("the server is done"), sent)
}

fn seal(keys: &mut Keys, payload: &[u8]) -> Vec<u8> {
    let mut record = vec![0; HEADER];
    record.extend_from_slice(payload);
    assert!(keys.seal(Content::Data, &mut record, 0));
    record
}

/// [P06]
#[test]
fn a_handshake_gives_both_ends_keys_that_fit_and_no_record_is_taken_twice_or_changed() {
    let (mut client, mut server, _) = shake(|_| false);
    for (from, to) in [(0, 1), (1, 0)] {
        let ends = [&mut client, &mut server];
        let mut record = seal(ends[from], b"something");
        assert_eq!(record.len(), 9 + OVERHEAD);
        let again = record.clone();
        let (content, range) = ends[to].open(&mut record).expect("authentic");
        assert_eq!((content, &record[range]), (Content::Data, &b"something"[..]));
        assert!(ends[to].open(&mut again.clone()).is_none(), "a replay");
        assert!(ends[from].open(&mut again.clone()).is_none(), "its own");
        let changed = seal(ends[from], b"something else");
        for at in 0..changed.len() {
            let mut changed = changed.clone();
            changed[at] ^= 1;
            assert!(ends[to].open(&mut changed).is_none(), "byte {at} was changed");
        }
        assert!(ends[to].open(&mut changed.clone()).is_some());
    }
}

#[test]
fn records_that_a_line_puts_in_another_order_are_all_taken() {
    let (mut client, mut server, _) = shake(|_| false);
    let mut records: Vec<Vec<u8>> = (0..2_000u16).map(|at| seal(&mut client, &at.to_be_bytes())).collect();
    records.reverse();
    for record in &mut records {
        assert!(server.open(record).is_some());
    }
}

/// [P06]
#[test]
fn a_handshake_comes_through_whichever_datagram_is_lost() {
    for lost in 1..=12 {
        shake(|count| count == lost);
    }
    // Every third one, again and again.
    shake(|count| count % 3 == 0);
}

#[test]
fn the_first_answer_is_no_longer_than_the_question_and_needs_a_good_cookie() {
    let (_, _, sent) = shake(|_| false);
    let server = Server::new();
    let cookies = &server.stack.cookies;
    let first = Hello::parse(&sent[0]).expect("a ClientHello");
    assert!(first.cookie().is_empty());
    let cookie = cookies.make(b"place", &first, 60_000);
    assert!(first.ask(&cookie).len() <= sent[0].len());
    let second = Hello::parse(&sent[1]).expect("another");
    assert_eq!(second.first(), sent[0], "what it began with can be told");
    let ages = [1_000_000, 1_030_000, 1_060_000];
    assert_eq!(ages.map(|now| cookies.check(b"place", &second, now).is_some()), [true, true, false]);
    assert!(cookies.check(b"Place", &second, 1_000_000).is_none(), "from elsewhere");
    assert!(cookies.check(b"place", &first, 1_000_000).is_none(), "none at all");
    let other = Stack::new(&[8; 32]).expect("set up");
    assert!(other.cookies.check(b"place", &second, 1_000_000).is_none(), "of another process");
}

#[test]
fn the_first_bytes_are_those_of_any_dtls_client() {
    let (_, _, sent) = shake(|_| false);
    // A handshake record of DTLS 1.2 (or 1.0, as many say first), epoch 0, number 0.
    assert!(matches!(sent[0][..], [22, 0xfe, 0xfd | 0xff, 0, 0, 0, 0, 0, 0, 0, 0, ..]));
    // It offers SRTP (RFC 5764), as every browser's does.
    assert!(sent[0].windows(2).any(|pair| pair == [0, 14]));
}

/// [C08]
#[test]
fn a_certificate_serves_with_its_own_ecdsa_key_alone() {
    let pem = |algorithm| {
        let key = rcgen::KeyPair::generate_for(algorithm).expect("drawn");
        let params = rcgen::CertificateParams::new(vec!["starmesh".to_string()]).expect("named");
        let text = |name: &str, der: &[u8]| {
            let body = BASE64_STANDARD.encode(der);
            format!("-----BEGIN {name}-----\n{body}\n-----END {name}-----\n")
        };
        let certificate = params.self_signed(&key).expect("signed");
        (text("CERTIFICATE", certificate.der()), text("PRIVATE KEY", &key.serialize_der()))
    };
    let p256 = pem(&rcgen::PKCS_ECDSA_P256_SHA256);
    let p384 = pem(&rcgen::PKCS_ECDSA_P384_SHA384);
    for (certificate, key) in [&p256, &p384] {
        assert!(Certificate::parse(certificate, key).is_ok());
    }
    let edwards = pem(&rcgen::PKCS_ED25519);
    for (certificate, key) in [
        (&p256.0, &p384.1),
        (&p256.0, &pem(&rcgen::PKCS_ECDSA_P256_SHA256).1),
        (&edwards.0, &edwards.1),
        (&p256.1, &p256.1),
        (&p256.0, &p256.0),
        (&String::new(), &p256.1),
    ] {
        assert!(Certificate::parse(certificate, key).is_err());
    }
}

proptest! {
    #[test]
    fn any_datagram_is_refused_or_read(datagram in proptest::collection::vec(any::<u8>(), 0..400)) {
        if let Some(hello) = Hello::parse(&datagram) {
            read(&hello);
        }
    }

    #[test]
    fn a_hello_with_any_byte_changed_is_refused_or_read(at in 0usize..400, to in any::<u8>(), cut in 0usize..400) {
        let stack = Stack::new(&[1; 32]).expect("set up");
        let mut datagram = Vec::new();
        Handshake::call(&stack, Instant::now(), &mut |out| datagram = out.to_vec()).expect("called");
        let length = datagram.len();
        datagram[at % length] = to;
        if cut % 2 == 0 {
            datagram.truncate(cut);
        }
        if let Some(hello) = Hello::parse(&datagram) {
            read(&hello);
            let cookie = stack.cookies.make(b"place", &hello, 1);
            // Whatever the library makes of it, it fails in peace.
            let with = (&stack, &stack.certificate);
            let _ = Handshake::answer(with, (&hello, &cookie), Instant::now(), &mut |_| {});
        }
    }

    #[test]
    fn any_record_is_refused(mut record in proptest::collection::vec(any::<u8>(), 0..100), head in any::<bool>()) {
        let mut keys = Keys::of(b"something", true);
        if head && record.len() >= 13 {
            record[..5].copy_from_slice(&[23, 0xfe, 0xfd, 0, 1]);
            let length = (record.len() - 13) as u16;
            record[11..13].copy_from_slice(&length.to_be_bytes());
        }
        prop_assert!(keys.open(&mut record).is_none());
    }
}

fn read(hello: &Hello<'_>) {
    assert!(hello.ask(&[1; 32]).len() <= hello.datagram().len());
    let first = hello.first();
    assert!(first.len() + hello.cookie().len() == hello.datagram().len());
}
