//! What Trustwarden decides. Pure: no clock, environment, files or network; what it needs from
//! the world are a few traits.

pub mod account;
pub mod alert;
mod check;
pub mod cloudtrail;
pub mod detect;
pub mod fold;
pub mod guardrail;
pub mod handle;
pub mod history;
pub mod incident;
mod known_accounts;
pub mod order;
pub mod permissions;
pub mod recent;
pub mod remediate;
pub mod rules;
pub mod slack;
pub mod swept;
pub mod world;

pub use check::{Check, Finding, Remedy, Severity, UnknownCheck, UnknownSeverity};
pub use incident::incident_id;
pub use known_accounts::{KnownAccount, KnownKind, known_account};
