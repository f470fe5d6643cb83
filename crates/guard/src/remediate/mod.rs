//! Remediation: from the live document, the history and the rules to a plan, and the words for
//! what came of it. Pure.

mod diff;
mod outcome;

pub use diff::{DiffLine, DiffSign, diff};
pub use outcome::{Outcome, OutcomeKind, PlanKind};
