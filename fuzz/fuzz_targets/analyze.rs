//! See `hostile::policy::analyze`.
#![no_main]

#[allow(dead_code, reason = "each target is one of its functions")]
#[path = "../hostile/policy.rs"]
mod hostile;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| hostile::analyze(bytes));
