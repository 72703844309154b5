//! Replays the fuzz corpus, so that what was once found stays found without cargo-fuzz.

use std::fs;
use std::path::Path;

#[path = "../fuzz/drive.rs"]
mod drive;

#[path = "../fuzz/packets.rs"]
mod packets;

/// [P05]
#[test]
fn the_session_survives_its_corpus() {
    replay("session", 8, drive::session);
}

/// [W04]
#[test]
fn the_filter_survives_its_corpus() {
    replay("filter", 6, packets::filter);
}

/// Every file of a corpus, whole, cut short at each byte and with each byte changed.
fn replay(name: &str, least: usize, run: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let bytes = fs::read(entry.expect("a file").path()).expect("a file");
        files += 1;
        run(&bytes);
        for at in 0..bytes.len() {
            run(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            run(&changed);
        }
    }
    assert!(files >= least, "the corpus is there");
}
