//! Replays the fuzz corpus, so that what was once found stays found without cargo-fuzz.

use std::fs;
use std::path::Path;

#[path = "../fuzz/drive.rs"]
mod drive;

/// [P05] Every file of the corpus, whole, cut short at each byte and with each byte changed.
#[test]
fn the_session_survives_its_corpus() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/session");
    let mut files = 0;
    for entry in fs::read_dir(folder).expect("the corpus") {
        let bytes = fs::read(entry.expect("a file").path()).expect("a file");
        files += 1;
        drive::session(&bytes);
        for at in 0..bytes.len() {
            drive::session(&bytes[..at]);
            let mut changed = bytes.clone();
            changed[at] ^= 0xff;
            drive::session(&changed);
        }
    }
    assert!(files >= 8, "the corpus is there");
}
