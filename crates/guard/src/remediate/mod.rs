//! Remediation: from the live document, the history and the rules to a plan, and the words for
//! what came of it. Pure.

mod diff;
mod edit;
mod outcome;
mod plan;
mod repair;

pub use diff::{DiffLine, DiffSign, diff};
pub use outcome::{Outcome, OutcomeKind, PlanKind};
pub use plan::{Plan, QUARANTINE, Reason, Situation, fall_back, plan};
pub use repair::{Repaired, repair, without_principal};
