//! The plan: what to write, if anything. Pure: the same input gives the same plan.

use std::collections::BTreeSet;

use super::outcome::PlanKind;
use super::repair::repair;
use crate::rules::{ChangedRole, NewRole, Remediation};
use crate::state::history::{Baseline, RoleHistory, WRITES_KEPT};

/// The one document that quarantine writes: nobody can assume the role. IAM refuses the bare `*` as
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
    /// The cause is a change of this role that an event reported. Where it is not (an expiry, other
    /// rules, the sweep), what stands is repaired rather than replaced by something older.
    pub changed: bool,
    /// What is known of the role.
    pub history: &'a RoleHistory,
    /// What the rules want done.
    pub remediation: &'a Remediation,
    /// Own writes within the last hour.
    pub writes_used: usize,
}

/// What a document comes to, for a plan.
pub trait Judging {
    /// It complies with today's rules: readable, and without a finding that is to be remediated.
    fn complies(&self, document: &str) -> bool;

    /// The third parties that have access by it, by name.
    fn third_parties(&self, document: &str) -> BTreeSet<String>;
}

/// Decides. Nothing is planned that does not comply, but for quarantine, which lets nobody in; and
/// nothing older is restored that lets a third party back in.
///
/// # Errors
/// The [`Reason`] why nothing is to be written.
pub fn plan(situation: &Situation<'_>, judging: &impl Judging) -> Result<Plan, Reason> {
    let kinds = kinds(situation)?;
    let closes = kinds.first() == Some(&PlanKind::Quarantine);
    let (most, used) = (most_writes(situation.remediation), situation.writes_used);
    match most.saturating_sub(used) {
        0 => Err(Reason::BudgetSpent { used, most }),
        1 if situation.critical && !closes => Ok(quarantine(Some(format!(
            "write {most} of {most} within an hour: the last one is kept for ending an exposure"
        )))),
        1 if !situation.critical => Err(Reason::BudgetSpent { used, most }),
        _ => Ok(first_that_works(kinds, situation, judging, None)),
    }
}

/// No more than are remembered can be counted.
pub(crate) fn most_writes(remediation: &Remediation) -> usize {
    usize::try_from(remediation.max_writes_per_role_per_hour)
        .map_or(WRITES_KEPT, |most| most.min(WRITES_KEPT))
}

/// What the rules want done, the best first.
fn kinds(situation: &Situation<'_>) -> Result<&'static [PlanKind], Reason> {
    use PlanKind::{Quarantine, Repair, Revert};
    let remediation = situation.remediation;
    if situation.created && situation.history.approved.is_empty() {
        return match remediation.new_role {
            NewRole::Off => Err(Reason::Off),
            NewRole::Repair => Ok(&[Repair, Quarantine]),
            NewRole::Quarantine => Ok(&[Quarantine]),
        };
    }
    match remediation.changed_role {
        ChangedRole::Off => Err(Reason::Off),
        ChangedRole::Revert if situation.tolerating => Ok(&[Repair, Quarantine]),
        ChangedRole::Revert if !situation.changed => Ok(&[Repair, Revert, Quarantine]),
        ChangedRole::Revert => Ok(&[Revert, Repair, Quarantine]),
        ChangedRole::Repair => Ok(&[Repair, Quarantine]),
        ChangedRole::Quarantine => Ok(&[Quarantine]),
    }
}

/// The plan after one that IAM did not take; `None` after quarantine.
pub fn fall_back(
    failed: PlanKind,
    why: &str,
    situation: &Situation<'_>,
    judging: &impl Judging,
) -> Option<Plan> {
    if failed == PlanKind::Quarantine {
        return None;
    }
    let kinds = kinds(situation).unwrap_or_default();
    let at = kinds.iter().position(|kind| *kind == failed);
    let rest = at.and_then(|at| kinds.get(at + 1..)).unwrap_or_default();
    Some(first_that_works(
        rest,
        situation,
        judging,
        Some(why.to_owned()),
    ))
}

fn first_that_works(
    kinds: &[PlanKind],
    situation: &Situation<'_>,
    judging: &impl Judging,
    mut fallback: Option<String>,
) -> Plan {
    for kind in kinds {
        let tried = match kind {
            PlanKind::Revert => revert(situation, judging),
            PlanKind::Repair => repaired(situation, judging),
            PlanKind::Quarantine | PlanKind::None | PlanKind::Deactivate => break,
        };
        match tried {
            Ok((document, details)) => {
                return Plan {
                    kind: *kind,
                    document,
                    details,
                    fallback,
                };
            }
            Err(why) => {
                let all = fallback.get_or_insert_default();
                if !all.is_empty() {
                    all.push_str("; ");
                }
                all.push_str(why);
            }
        }
    }
    quarantine(fallback)
}

/// The newest baseline that still complies, and lets nobody back in.
fn revert(
    situation: &Situation<'_>,
    judging: &impl Judging,
) -> Result<(String, String), &'static str> {
    let history = situation.history;
    if history.approved.is_empty() {
        return Err("no approved trust policy of this role is known");
    }
    let newest_first = history.approved.iter().rev();
    let mut complying = newest_first
        .filter(|kept| judging.complies(&kept.document))
        .peekable();
    if complying.peek().is_none() {
        return Err("no known trust policy of this role complies with today's rules");
    }
    let lets_nobody_back =
        |kept: &&Baseline| lets_nobody_back_in(kept, situation.live, history, judging);
    let Some(baseline) = complying.find(lets_nobody_back) else {
        return Err("every known trust policy that complies would let a third party back in");
    };
    let of = match (baseline.written_at, &baseline.actor) {
        (Some(at), Some(actor)) => format!("written at {at} by {actor}"),
        (Some(at), None) => format!("written at {at}"),
        (None, _) => format!("seen at {}", baseline.seen_at),
    };
    let details = format!("the newest approved trust policy that still complies, {of}");
    Ok((baseline.document.clone(), details))
}

/// Each third party that a baseline admits is admitted by the live document, or by the newest
/// baseline, whichever that is.
pub(crate) fn lets_nobody_back_in(
    kept: &Baseline,
    live: &str,
    history: &RoleHistory,
    judging: &impl Judging,
) -> bool {
    let mut newest = history
        .perhaps_newest()
        .filter(|newest| newest.digest != kept.digest)
        .peekable();
    if newest.peek().is_none() {
        return true;
    }
    let mut back = judging.third_parties(&kept.document);
    for party in judging.third_parties(live) {
        back.remove(&party);
    }
    newest.all(|newest| back.is_subset(&judging.third_parties(&newest.document)))
}

fn repaired(
    situation: &Situation<'_>,
    judging: &impl Judging,
) -> Result<(String, String), &'static str> {
    let complies = |document: &str| judging.complies(document);
    let Some(repaired) = repair(situation.live, complies) else {
        return Err("no compliant statement would be left of the trust policy");
    };
    let principals = repaired.removed.iter();
    let principals: Vec<&str> = principals
        .map(|(_, principal)| principal.as_str())
        .collect();
    let details = match principals.as_slice() {
        [] => format!("{} statements taken out", repaired.removed_statements.len()),
        _ => format!("taken out: {}", principals.join(", ")),
    };
    Ok((repaired.document, details))
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
