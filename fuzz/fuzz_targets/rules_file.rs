//! See `hostile::rules_file::rules_file`.
#![no_main]

#[path = "../hostile/bounds.rs"]
mod bounds;
#[path = "../hostile/rules_file.rs"]
mod rules_file;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bounds::within_bounds(rules_file::rules_file, bytes));
