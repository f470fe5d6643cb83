//! The tests of the crate, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a test ends by panicking, and a run tells what it saw"
)]

// By the name that the fuzz targets know the crate by.
extern crate trustwarden_policy as policy;

mod analyze_compare;
mod analyze_sweep;
mod analyze_worst;
mod corpus;
mod evaluate_tables;
mod fuzzed;
mod generate;
mod parse_edits;
mod parse_errors;
mod parse_identity;
mod parse_saving;
mod parse_worst;
mod properties;
mod small_world;

/// How many cases a property sees that sees so many in a full run. `TRUSTWARDEN_CASES` is what one
/// of 300 sees: 75 if it is not set, 300 in `make test`.
fn cases(full: u32) -> u32 {
    let of_300 = std::env::var("TRUSTWARDEN_CASES").map_or(75, |text| text.parse().unwrap());
    u32::try_from(u64::from(full) * of_300 / 300).unwrap()
}

/// All of what takes long in a full run, else one in four.
fn some<T>(all: Vec<T>) -> impl Iterator<Item = T> {
    all.into_iter()
        .step_by(if cases(300) < 300 { 4 } else { 1 })
}

/// What this thread has cost the processor so far. Bounds are held on it and not on the clock: a
/// busy machine makes a test late, but not its work dear.
fn cpu_time() -> std::time::Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    std::time::Duration::new(
        u64::try_from(now.tv_sec).unwrap(),
        u32::try_from(now.tv_nsec).unwrap(),
    )
}
