//! What one input may cost: more is a finding like a panic.

use std::alloc::System;
use std::time::Duration;

use cap::Cap;
use cpu_time::ThreadTime;

/// A quarter of what the functions have. Inputs are a few kilobytes.
const BYTES: usize = 32 << 20;
const TIME: Duration = Duration::from_secs(1);

/// Refuses to go beyond, which ends the process.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, BYTES);

/// Runs a target on an input, and panics if it took too long by the processor's own account.
pub fn within_bounds(target: fn(&[u8]), bytes: &[u8]) {
    let began = ThreadTime::now();
    target(bytes);
    let took = began.elapsed();
    assert!(took < TIME, "{} bytes took {took:?}", bytes.len());
}
