//! Remediation: from the live document, the history and the rules to a plan, and the words for
//! what came of it. Pure.

mod decide;
mod diff;
mod edit;
pub(crate) mod judged;
mod outcome;
mod own_writes;
mod plan;
pub(crate) mod proof;
mod repair;
mod step;
pub(crate) mod task;

pub use decide::decide;
pub use diff::{DiffLine, DiffSign, diff};
pub use outcome::{Outcome, OutcomeKind, PlanKind};
pub use plan::{Plan, QUARANTINE, Reason, Situation, fall_back, plan};
pub use repair::{Repaired, repair, without_principal};
pub use step::{Action, Ending, Live, Seen, Step, Write};
pub use task::RoleTask;
