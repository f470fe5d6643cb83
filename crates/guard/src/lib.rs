//! What Trustwarden decides. Pure: no clock, environment, files or network; what it needs from
//! the world are a few traits.
// A longer body is split by what it does; a table says so in its reason (clippy.toml: 80 lines).
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

/// Whether the effect or check of this name is turned off: never, in all that is shipped.
#[cfg(not(feature = "faults"))]
macro_rules! skip {
    ($fault:literal) => {
        false
    };
}
#[cfg(feature = "faults")]
macro_rules! skip {
    ($fault:literal) => {
        $crate::faults::armed($fault)
    };
}

pub mod account;
pub mod alert;
mod check;
pub mod cloudtrail;
mod config;
pub mod detect;
#[cfg(feature = "faults")]
pub mod faults;
pub mod guardrail;
pub mod handlers;
pub mod incidents;
mod known_accounts;
pub mod lru;
pub mod model;
pub mod order;
pub mod permissions;
pub mod ports;
pub mod remediate;
pub mod rules;
pub mod state;
pub mod story;
pub mod template;
pub mod watch;

pub use check::{Check, ExemptionOf, Finding, Remedy, Severity, UnknownCheck, UnknownSeverity};
pub use config::GuardConfig;
pub use known_accounts::{KnownAccount, KnownKind, known_account};
pub use state::incident::incident_id;
