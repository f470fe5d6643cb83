//! What the fuzzers have kept, and every event under `events/`, through the functions that they
//! call: what one of them found stays mended.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

#[allow(unreachable_pub, reason = "the fuzz targets are binaries of their own")]
#[path = "../../../../fuzz/hostile/guard.rs"]
mod hostile;

use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(folder);
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn replay(target: fn(&[u8]), folder: &str) {
    for file in files(folder) {
        let bytes = std::fs::read(&file).unwrap();
        // Shown only if it fails.
        println!("{}", file.display());
        target(&bytes);
    }
}

#[test]
fn events_of_the_corpus_break_no_promise() {
    replay(hostile::event, "fuzz/corpus/event");
    for function in [
        "role-trust",
        "access-key",
        "root-activity",
        "role-permissions",
        "identity-provider",
        "resource-share",
    ] {
        replay(hostile::event, &format!("events/{function}"));
    }
}

#[test]
fn orders_of_the_corpus_break_no_promise() {
    replay(hostile::order, "fuzz/corpus/order");
}

#[test]
fn items_of_the_corpus_break_no_promise() {
    replay(hostile::state, "fuzz/corpus/state");
}

#[test]
fn alerts_of_the_corpus_break_no_promise() {
    replay(hostile::alert, "fuzz/corpus/alert");
}

#[test]
fn compiled_rules_of_the_corpus_break_no_promise() {
    replay(hostile::compiled_rules, "fuzz/corpus/compiled_rules");
}
