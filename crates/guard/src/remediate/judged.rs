//! A document judged as that of a live role.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::detect::{Judgement, Reading, Verdict, judge_trust, judge_trust_without_witnesses};
use crate::model::{LiveRole, RoleRef};
use crate::remediate::plan::Judging;
use crate::remediate::task::RoleTask;
use crate::rules::Rules;

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

/// Judges documents as those of a role.
#[derive(Debug, Clone)]
pub struct AsRole<'a> {
    /// By these rules.
    pub rules: &'a Rules,
    /// The role.
    pub role: RoleRef,
    /// The rules lower some findings to alerts, and what those are about may stay.
    pub tolerating: bool,
    /// Now.
    pub now: Timestamp,
}

impl<'a> AsRole<'a> {
    /// As those of a live role.
    pub(crate) fn live(task: RoleTask<'a>, live: &LiveRole, tolerating: bool) -> Self {
        Self {
            rules: &task.guard.rules,
            role: reference(task.guard, live),
            tolerating,
            now: task.now,
        }
    }

    fn judged(&self, document: &str) -> Judgement {
        let reading = Reading::sent(self.now);
        judge_trust_without_witnesses(self.rules, &self.role, document, reading, self.now)
    }
}

impl Judging for AsRole<'_> {
    fn complies(&self, document: &str) -> bool {
        let judged = self.judged(document);
        let mut violations = judged.violations();
        match judged.verdict {
            Verdict::Approved => true,
            Verdict::Violation => {
                self.tolerating && violations.all(|finding| self.rules.lowers(finding))
            }
            Verdict::Unreadable => false,
        }
    }

    fn third_parties(&self, document: &str) -> BTreeSet<String> {
        self.judged(document).third_parties()
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
