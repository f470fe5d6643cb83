//! The plan: what to write, if anything. Pure: the same input gives the same plan.

use super::outcome::PlanKind;
use super::repair::repair;
use crate::rules::{ChangedRole, NewRole, Remediation};
use crate::state::history::{RoleHistory, WRITES_KEPT};

/// The one document that quarantine writes: nobody gets in. IAM refuses the bare `*` as
/// principal, so it is written as `{"AWS": "*"}`, which covers every principal all the same.
pub const QUARANTINE: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Sid":"TrustwardenQuarantine","Effect":"Deny","#,
    r#""Principal":{"AWS":"*"},"Action":["sts:AssumeRole","sts:AssumeRoleWithSAML","#,
    r#""sts:AssumeRoleWithWebIdentity"]}]}"#
);

/// What is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// How.
    pub kind: PlanKind,
    /// What: the whole document.
    pub document: String,
    /// What is said of it: what was taken out, of when the restored document is.
    pub details: String,
    /// Why it is not what the rules name first, if so.
    pub fallback: Option<String>,
}

/// Why nothing is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The rules switch it off.
    Off,
    /// The hour's writes are spent, or the last one is kept for something worse.
    BudgetSpent {
        /// Writes within the last hour.
        used: usize,
        /// How many there may be.
        most: usize,
    },
}

/// What the plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The live document, which violates the rules.
    pub live: &'a str,
    /// A remediable finding on it is CRITICAL.
    pub critical: bool,
    /// Other findings are left to people by the rules (a vendor's or a check's own mode): what
    /// they are about stays, so that the live document is repaired rather than replaced.
    pub tolerating: bool,
    /// The event created the role.
    pub created: bool,
    /// What is known of the role.
    pub history: &'a RoleHistory,
    /// What the rules want done.
    pub remediation: &'a Remediation,
    /// Own writes within the last hour.
    pub writes_used: usize,
}

/// Decides. `lawful` judges a document by today's rules: readable, and without a finding that is
/// to be remediated; nothing is planned that it does not call lawful, but for quarantine, which
/// lets nobody in.
///
/// # Errors
/// The [`Reason`] why nothing is to be written.
pub fn plan(situation: &Situation<'_>, lawful: impl Fn(&str) -> bool) -> Result<Plan, Reason> {
    let Situation {
        history,
        remediation,
        ..
    } = *situation;
    let new = situation.created && history.approved.is_empty();
    let first = if new {
        match remediation.new_role {
            NewRole::Off => return Err(Reason::Off),
            NewRole::Repair => PlanKind::Repair,
            NewRole::Quarantine => PlanKind::Quarantine,
        }
    } else {
        match remediation.changed_role {
            ChangedRole::Off => return Err(Reason::Off),
            ChangedRole::Revert if situation.tolerating => PlanKind::Repair,
            ChangedRole::Revert => PlanKind::Revert,
            ChangedRole::Repair => PlanKind::Repair,
            ChangedRole::Quarantine => PlanKind::Quarantine,
        }
    };
    // No more than are remembered can be counted.
    let most = usize::try_from(remediation.max_writes_per_role_per_hour)
        .map_or(WRITES_KEPT, |most| most.min(WRITES_KEPT));
    let used = situation.writes_used;
    match most.saturating_sub(used) {
        0 => Err(Reason::BudgetSpent { used, most }),
        1 if situation.critical && first != PlanKind::Quarantine => Ok(quarantine(Some(format!(
            "write {most} of {most} within an hour: the last one is kept for ending an exposure"
        )))),
        1 if !situation.critical => Err(Reason::BudgetSpent { used, most }),
        _ => Ok(first_that_works(first, situation, &lawful, None)),
    }
}

/// The plan after one that IAM did not take: revert falls back to repair, repair to quarantine.
/// `None` after quarantine.
pub fn fall_back(
    failed: PlanKind,
    why: &str,
    situation: &Situation<'_>,
    lawful: impl Fn(&str) -> bool,
) -> Option<Plan> {
    let next = match failed {
        PlanKind::Revert => PlanKind::Repair,
        PlanKind::Repair => PlanKind::Quarantine,
        PlanKind::None | PlanKind::Quarantine | PlanKind::Deactivate => return None,
    };
    Some(first_that_works(
        next,
        situation,
        &lawful,
        Some(why.to_owned()),
    ))
}

fn first_that_works(
    first: PlanKind,
    situation: &Situation<'_>,
    lawful: &impl Fn(&str) -> bool,
    mut fallback: Option<String>,
) -> Plan {
    let mut add = |why: &str| {
        let all = fallback.get_or_insert_default();
        if !all.is_empty() {
            all.push_str("; ");
        }
        all.push_str(why);
    };
    if first == PlanKind::Revert {
        let complying = situation
            .history
            .approved
            .iter()
            .rev()
            .find(|kept| lawful(&kept.document));
        match complying {
            Some(baseline) => {
                let of = match (baseline.written_at, &baseline.actor) {
                    (Some(at), Some(actor)) => format!("written at {at} by {actor}"),
                    (Some(at), None) => format!("written at {at}"),
                    (None, _) => format!("seen at {}", baseline.seen_at),
                };
                return Plan {
                    kind: PlanKind::Revert,
                    document: baseline.document.clone(),
                    details: format!("the newest approved trust policy that still complies, {of}"),
                    fallback,
                };
            }
            None if situation.history.approved.is_empty() => {
                add("no approved trust policy of this role is known");
            }
            None => add("no known trust policy of this role complies with today's rules"),
        }
    }
    if matches!(first, PlanKind::Revert | PlanKind::Repair) {
        if let Some(repaired) = repair(situation.live, lawful) {
            let principals: Vec<&str> = repaired
                .removed
                .iter()
                .map(|(_, principal)| principal.as_str())
                .collect();
            let details = match principals.as_slice() {
                [] => format!("{} statements taken out", repaired.removed_statements.len()),
                _ => format!("taken out: {}", principals.join(", ")),
            };
            return Plan {
                kind: PlanKind::Repair,
                document: repaired.document,
                details,
                fallback,
            };
        }
        add("no compliant statement would be left of the trust policy");
    }
    quarantine(fallback)
}

fn quarantine(fallback: Option<String>) -> Plan {
    Plan {
        kind: PlanKind::Quarantine,
        document: QUARANTINE.to_owned(),
        details: "nobody can assume the role; the old trust policy is kept, \
             docs/runbooks/quarantined-role.md says how to restore it"
            .to_owned(),
        fallback,
    }
}
