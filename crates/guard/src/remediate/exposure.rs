//! A role or user as it is now: who from outside can use it, and what it may do.

use std::sync::Arc;

use jiff::Timestamp;
use permissions::{Effective, effective};

use crate::GuardConfig;
use crate::account::{Access, AuditedRole, LastUsed, Party, accesses};
use crate::check::{Finding, Remedy};
use crate::detect::{Judgement, Verdict};
use crate::model::{LivePermissions, LiveRole, RoleRef};
use crate::permissions::{is_third_party, judge_permissions, judge_user_permissions};
use crate::remediate::judged::judge;
use crate::rules::{Mode, UserVendor};

/// What has been read of a role or user.
#[derive(Debug)]
pub struct Exposure {
    /// Its policies.
    pub live: LivePermissions,
    /// The role, and the judgement of its trust policy; none for a user.
    pub role: Option<(LiveRole, Judgement)>,
    /// Who from outside can assume the role.
    pub third_parties: Vec<Access>,
    /// The vendors that hold the user's keys.
    pub vendors: Vec<UserVendor>,
    /// When it was read.
    pub now: Timestamp,
}

impl Exposure {
    /// A user's: its vendors hold its keys.
    pub fn of_user(guard: &GuardConfig, live: LivePermissions, now: Timestamp) -> Self {
        Self {
            vendors: guard.rules.user_vendors(&live.name),
            third_parties: Vec::new(),
            role: None,
            live,
            now,
        }
    }

    /// A role's: whoever its trust policy lets assume it.
    pub fn of_role(
        guard: &GuardConfig,
        role: LiveRole,
        live: LivePermissions,
        now: Timestamp,
    ) -> Self {
        let judgement = judge(guard, &role, &role.document, now);
        Self {
            third_parties: third_parties(guard, &role, &judgement),
            role: Some((role, judgement)),
            vendors: Vec::new(),
            live,
            now,
        }
    }

    /// What violates the rules and could be undone, if the role or user held this; nothing where no
    /// third party can use it.
    pub(crate) fn remediable(&self, guard: &GuardConfig, held: &LivePermissions) -> Vec<Finding> {
        self.judged(guard, &effective(&held.policies()))
    }

    /// Those of them that do not rest on a condition that may not be met.
    pub(crate) fn certain(&self, guard: &GuardConfig, held: &LivePermissions) -> Vec<Finding> {
        self.judged(guard, &effective(&held.policies()).certain())
    }

    fn judged(&self, guard: &GuardConfig, effective: &Effective) -> Vec<Finding> {
        let third_parties: Vec<&Access> = self.third_parties.iter().collect();
        let mut findings = judge_permissions(&guard.rules, &third_parties, effective, self.now);
        findings.extend(judge_user_permissions(
            &guard.rules,
            &self.vendors,
            effective,
        ));
        findings.retain(remediable);
        findings
    }

    /// What may be done about a finding, as far as the rules go.
    pub(crate) fn mode_for(&self, guard: &GuardConfig, found: &Finding) -> Mode {
        let of_vendor = self
            .vendors
            .iter()
            .find(|vendor| found.vendor.as_ref() == Some(&vendor.name))
            .and_then(|vendor| vendor.mode);
        let mode = guard.rules.mode_for(found);
        of_vendor.map_or(mode, |of_vendor| mode.min(of_vendor))
    }
}

/// Whether a finding may be undone at all.
pub(crate) fn remediable(found: &Finding) -> bool {
    found.code.remedy() == Remedy::Permissions
}

/// Who from outside can assume a role; somebody, where its trust policy cannot be read.
pub(crate) fn third_parties(
    guard: &GuardConfig,
    role: &LiveRole,
    judgement: &Judgement,
) -> Vec<Access> {
    let reference = RoleRef::from_arn(&role.arn)
        .unwrap_or_else(|| RoleRef::named(guard.account.clone(), role.name.clone()));
    let audited = Arc::new(AuditedRole {
        role: reference,
        arn: Some(role.arn.as_str().into()),
        created: role.created,
        last_used: LastUsed::Unknown,
    });
    let mut third_parties = accesses(&guard.rules, &audited, judgement);
    third_parties.retain(is_third_party);
    if judgement.verdict == Verdict::Unreadable && third_parties.is_empty() {
        third_parties.push(Access {
            party: Party::Anyone,
            name: None,
            role: audited,
            ways: Arc::from([]),
            rule: None,
            allowed: false,
            findings: Vec::new(),
        });
    }
    third_parties
}
