//! A role or user as it is now: who from outside can use it, and what it may do.

use std::sync::Arc;

use jiff::Timestamp;
use permissions::effective;

use crate::GuardConfig;
use crate::account::{Access, AuditedRole, LastUsed, Party, accesses};
use crate::check::{Finding, Remedy};
use crate::detect::{Judgement, Verdict};
use crate::model::{HolderKind, LivePermissions, LiveRole, RoleRef};
use crate::permissions::{is_outsider, judge_permissions, judge_user_permissions};
use crate::ports::{ReadPermissions, Roles, Source, World};
use crate::remediate::judged::judge;
use crate::rules::{Mode, UserVendor};

/// What a look shows.
pub(super) struct Looked {
    /// Its policies.
    pub(super) live: LivePermissions,
    /// The role, and the judgement of its trust policy; none for a user.
    pub(super) role: Option<(LiveRole, Judgement)>,
    outsiders: Vec<Access>,
    vendors: Vec<UserVendor>,
    now: Timestamp,
}

/// Why there is nothing to see.
#[derive(Debug, thiserror::Error)]
#[error("it could not be read: {0}")]
pub(super) struct NotRead(Source);

/// Reads a role or user; `None` where there is none.
pub(super) async fn look_at<W: World<Roles: ReadPermissions>>(
    world: &W,
    guard: &GuardConfig,
    kind: HolderKind,
    name: &str,
    now: Timestamp,
) -> Result<Option<Looked>, NotRead> {
    let roles = world.roles();
    let mut looked = Looked {
        live: LivePermissions::default(),
        role: None,
        outsiders: Vec::new(),
        vendors: Vec::new(),
        now,
    };
    let live = match kind {
        HolderKind::User => {
            looked.vendors = guard.rules.user_vendors(name);
            roles.user_permissions(name).await
        }
        HolderKind::Role => {
            let role = roles.read_role(name).await;
            let Some(role) = role.map_err(|error| NotRead(error.into()))? else {
                return Ok(None);
            };
            let judgement = judge(guard, &role, &role.document, now);
            looked.outsiders = entering(guard, &role, &judgement);
            looked.role = Some((role, judgement));
            roles.role_permissions(name).await
        }
    };
    let live = live.map_err(|error| NotRead(error.into()))?;
    Ok(live.map(|live| Looked { live, ..looked }))
}

/// Who from outside can enter a role; somebody, where its trust policy cannot be read.
pub(super) fn entering(guard: &GuardConfig, role: &LiveRole, judgement: &Judgement) -> Vec<Access> {
    let reference = RoleRef::from_arn(&role.arn)
        .unwrap_or_else(|| RoleRef::named(guard.account.clone(), role.name.clone()));
    let audited = Arc::new(AuditedRole {
        role: reference,
        arn: Some(role.arn.clone()),
        created: role.created,
        last_used: LastUsed::Unknown,
    });
    let mut entering = accesses(&guard.rules, &audited, judgement);
    entering.retain(is_outsider);
    if judgement.verdict == Verdict::Unreadable && entering.is_empty() {
        entering.push(Access {
            party: Party::Anyone,
            name: None,
            role: audited,
            ways: Arc::from([]),
            rule: None,
            allowed: false,
            findings: Vec::new(),
        });
    }
    entering
}

impl Looked {
    /// What violates the rules and could be undone, if the role or user held this; nothing where no
    /// outsider can use it.
    pub(super) fn remediable(&self, guard: &GuardConfig, held: &LivePermissions) -> Vec<Finding> {
        let effective = effective(&held.policies());
        let entering: Vec<&Access> = self.outsiders.iter().collect();
        let mut findings = judge_permissions(&guard.rules, &entering, &effective, self.now);
        findings.extend(judge_user_permissions(
            &guard.rules,
            &self.vendors,
            &effective,
        ));
        findings.retain(remediable);
        findings
    }

    /// What may be done about a finding, as far as the rules go.
    pub(super) fn mode_for(&self, guard: &GuardConfig, found: &Finding) -> Mode {
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
pub(super) fn remediable(found: &Finding) -> bool {
    found.code.remedy() == Remedy::Permissions
}
