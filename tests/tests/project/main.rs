//! The project itself: its crates' arrows and circles, and the commands that its documents print.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod circles;
mod house;
mod readme;
mod vendor;
