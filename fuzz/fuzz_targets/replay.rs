//! Any bytes as a log: told by the keys that count or by the parser alone, whole or as a stream, the
//! same records are irrelevant, matter, or are unreadable.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (lines, bytes) = match bytes.split_first() {
        Some((first, rest)) => (first & 1 == 1, rest),
        None => (false, bytes),
    };
    trustwarden_cli::replay::same_both_ways(bytes, lines);
});
