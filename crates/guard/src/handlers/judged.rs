//! A document judged as that of a live role.

use jiff::Timestamp;

use crate::detect::{Judgement, Verdict, judge_trust, judge_trust_without_witnesses};
use crate::handlers::Guard;
use crate::model::{LiveRole, RoleRef};

/// Judges a document as that of this role.
pub(super) fn judge(guard: &Guard, live: &LiveRole, document: &str, now: Timestamp) -> Judgement {
    judge_trust(&guard.rules, &reference(guard, live), document, now)
}

/// As [`judge`], for who asks whether a document is lawful and tells nobody who gets in by it.
pub(super) fn weigh(guard: &Guard, live: &LiveRole, document: &str, now: Timestamp) -> Judgement {
    judge_trust_without_witnesses(&guard.rules, &reference(guard, live), document, now)
}

fn reference(guard: &Guard, live: &LiveRole) -> RoleRef {
    RoleRef::from_arn(&live.arn).unwrap_or_else(|| RoleRef {
        account: guard.account.clone(),
        name: Some(live.name.clone()),
        path: Some(live.path.clone()),
    })
}

/// Every rule covers it.
pub(super) fn approved(guard: &Guard, live: &LiveRole, document: &str, now: Timestamp) -> bool {
    weigh(guard, live, document, now).verdict == Verdict::Approved
}
