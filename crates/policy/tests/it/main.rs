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

mod analyse_compare;
mod analyse_sweep;
mod analyse_worst;
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
