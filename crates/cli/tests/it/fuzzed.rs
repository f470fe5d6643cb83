//! The rules files that the fuzzer has kept, through the function that it calls.
#[allow(unreachable_pub, reason = "the fuzz target is a binary of its own")]
#[path = "../../../../fuzz/hostile/rules_file.rs"]
mod hostile;

use std::path::Path;

#[test]
fn rules_files_of_the_corpus_are_understood_or_refused() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/rules_file");
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        println!("{}", file.display());
        hostile::rules_file(&std::fs::read(&file).unwrap());
        read += 1;
    }
    assert!(read > 0);
}
