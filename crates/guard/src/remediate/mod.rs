//! Remediation: from what is live, the history and the rules to the next step, and the words for
//! what came of it. Pure: `decide` for trust policies, `decide_undo` for permissions, `left_active`
//! for access keys, `lift_is_due` for denials of sessions, `refusal` for what IAM does not take.

mod decide;
mod diff;
mod edit;
pub(crate) mod exposure;
pub(crate) mod judged;
pub(crate) mod key;
mod outcome;
pub(crate) mod own_writes;
mod plan;
pub(crate) mod proof;
pub(crate) mod refusal;
mod repair;
pub(crate) mod session_denial;
mod step;
pub(crate) mod task;
pub(crate) mod undo;

pub use decide::decide;
pub use diff::{DiffLine, DiffSign, diff};
pub use exposure::Exposure;
pub use judged::AsRole;
pub use key::{left_active, too_old};
pub use outcome::{Outcome, OutcomeKind, PlanKind};
pub use plan::{Judging, Plan, QUARANTINE, Reason, Situation, fall_back, plan};
pub use refusal::{Refusal, refusal};
pub use repair::{Repaired, repair, without_principal};
pub use session_denial::{SESSION_DENIAL, denied_before, lift_is_due, session_denial};
pub use step::{Action, Ending, Live, Seen, Step, Write};
pub use task::{Assignment, RoleTask};
pub use undo::{Candidate, SeenHolder, UndoWrite, decide_undo};
