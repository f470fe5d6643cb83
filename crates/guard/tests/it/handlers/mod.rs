//! The handlers over a world that can fail, lie and stop them anywhere. Each line of the safety
//! model (DESIGN, "Remediation: the safety model") has tests here that name it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod attacks;
mod budget;
mod chains;
mod crashes;
mod created_again;
mod credentials;
mod deciding;
mod detaching;
mod detecting;
mod ending;
mod folding;
mod heartbeat;
mod hidden;
mod incidents;
mod keys_and_root;
mod looking;
mod permissions;
mod providers;
mod scene;
mod session_denials;
mod sweep_runs;
mod sweeping;
mod swept_permissions;
mod tampering;
mod troubled;
mod users;
mod writing;
