//! The tests of the crate, in one binary.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test ends by panicking"
)]

mod channel;
mod iam;
mod listing;
mod live;
mod messages;
mod permissions;
mod state;
mod support;
mod untouched;
mod webhook;
