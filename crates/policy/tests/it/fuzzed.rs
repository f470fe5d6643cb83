//! What the fuzzers have kept, through the functions that they call: what one of them found stays
//! mended.

#[allow(unreachable_pub, reason = "the fuzz targets are binaries of their own")]
#[path = "../../../../fuzz/hostile/policy.rs"]
mod hostile;

use std::path::Path;

fn replay(target: fn(&[u8]), corpus: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(corpus);
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    for file in files {
        // Shown only if it fails.
        println!("{}", file.display());
        target(&std::fs::read(&file).unwrap());
    }
}

#[test]
fn texts_of_the_corpus_are_read_and_printed() {
    replay(hostile::parse, "parse");
}

#[test]
fn requests_of_the_corpus_are_decided_in_any_order() {
    replay(hostile::evaluate, "evaluate");
}

#[test]
fn documents_of_the_corpus_are_answered_with_and_without_guesses() {
    replay(hostile::analyze, "analyze");
}
