//! What Trustwarden decides. Pure: no clock, environment, files or network; what it needs from
//! the world are a few traits.

mod check;
pub mod cloudtrail;

pub use check::{Check, Finding, Remedy, Severity, UnknownCheck, UnknownSeverity};
