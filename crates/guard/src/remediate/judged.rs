//! A document judged as that of a live role.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::check::Finding;
use crate::detect::{Judgement, Reading, Verdict, judge_trust, judge_trust_without_witnesses};
use crate::model::{LiveRole, RoleRef};
use crate::remediate::plan::Judging;
use crate::rules::Mode;

/// Judges a document that IAM shows as that of this role.
pub(crate) fn judge(
    guard: &GuardConfig,
    live: &LiveRole,
    document: &str,
    now: Timestamp,
) -> Judgement {
    judge_trust(&guard.rules, &reference(guard, live), document, now)
}

/// Judges a document that was sent, or is to be, as that of this role: for who asks whether it is
/// compliant and tells nobody who can assume the role by it.
pub(crate) fn judge_without_witnesses(
    guard: &GuardConfig,
    live: &LiveRole,
    document: &str,
    now: Timestamp,
) -> Judgement {
    let role = reference(guard, live);
    judge_trust_without_witnesses(&guard.rules, &role, document, Reading::sent(now), now)
}

fn reference(guard: &GuardConfig, live: &LiveRole) -> RoleRef {
    RoleRef::from_arn(&live.arn).unwrap_or_else(|| RoleRef {
        account: guard.account.clone(),
        name: Some(live.name.clone()),
        path: Some(live.path.clone()),
    })
}

/// Judges documents as those of a live role. `tolerating`: the rules lower some findings to alerts,
/// and what those are about may stay.
#[derive(Clone, Copy)]
pub(crate) struct AsLive<'a> {
    pub(crate) guard: &'a GuardConfig,
    pub(crate) live: &'a LiveRole,
    pub(crate) tolerating: bool,
    pub(crate) now: Timestamp,
}

impl Judging for AsLive<'_> {
    fn complies(&self, document: &str) -> bool {
        let Self { guard, live, .. } = *self;
        let lowered = |finding: &Finding| guard.rules.mode_for(finding) == Mode::Alert;
        let judged = judge_without_witnesses(guard, live, document, self.now);
        match judged.verdict {
            Verdict::Approved => true,
            Verdict::Violation => self.tolerating && judged.violations().all(lowered),
            Verdict::Unreadable => false,
        }
    }

    fn third_parties(&self, document: &str) -> BTreeSet<String> {
        judge_without_witnesses(self.guard, self.live, document, self.now).third_parties()
    }
}

/// Every rule covers it.
pub(crate) fn approved(
    guard: &GuardConfig,
    live: &LiveRole,
    document: &str,
    now: Timestamp,
) -> bool {
    judge_without_witnesses(guard, live, document, now).verdict == Verdict::Approved
}
