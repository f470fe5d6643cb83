//! The tests of the crate, in one binary: most of them run the program as a person or a script would.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test ends by panicking, and says why"
)]

use std::path::PathBuf;

mod audit;
mod change;
mod documents;
mod drift;
mod formats;
mod fuzzed;
mod inputs;
#[cfg(feature = "live")]
mod live;
mod look;
mod published;
mod same_as_the_functions;
mod streams;
mod templates;
mod transcripts;
mod vendor;
mod vendor_change;

/// The folder of the crate.
fn here() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
