//! See `hostile::guard::compiled_rules`.
#![no_main]

#[path = "../hostile/bounds.rs"]
mod bounds;
#[allow(dead_code, reason = "each target is one of its functions")]
#[path = "../hostile/guard.rs"]
mod guard;

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| bounds::within_bounds(guard::compiled_rules, bytes));
