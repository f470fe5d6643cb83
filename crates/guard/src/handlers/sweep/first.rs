//! The first run's one message: what violated the rules before the guard looked.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::alert::build::{Story, alert};
use crate::alert::{Digest, DigestLine};
use crate::check::{Check, Finding, Remedy, Severity};
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::handlers::sweep::{Run, second};
use crate::ports::{ListRoles, World};
use crate::rules::{ExistingViolations, Mode};
use crate::state::incident::{Stage, incident_id};
use crate::state::sweep_state::SweptRole;

impl<W: World<Roles: ListRoles>> Run<'_, W> {
    /// Publishes it, if there is anything to report; `chained` are the roles that third parties reach
    /// through others.
    pub(super) async fn report_existing(
        &mut self,
        chained: &[(String, Finding)],
    ) -> Result<(), HandleError> {
        let now = self.now();
        let guard = self.guard;
        let mut there: Vec<&SweptRole> = self
            .known
            .values()
            .filter(|role| role.existing && role.gone_at.is_none())
            .collect();
        there.sort_by(|one, other| {
            let rank = |role: &SweptRole| std::cmp::Reverse(role.severity);
            (rank(one), &one.name).cmp(&(rank(other), &other.name))
        });
        let mut findings = by_check(&there);
        findings.extend(by_check_chained(chained));
        findings.sort_by_key(|found| std::cmp::Reverse(found.severity));
        if findings.is_empty() {
            return Ok(());
        }
        let tally = self.progress.tally;
        let started = second(&self.progress);
        let story = Story {
            stage: Stage::Digest,
            incident: &incident_id(&guard.account, &format!("sweep-first-{started}")),
            title: format!(
                "first sweep of {} roles: {} have findings, {} violate the access rules",
                tally.roles,
                there.len() + chained.len(),
                tally.violating
            ),
            cause: None,
            resource: None,
            findings: &findings,
            now,
        };
        let existing = guard.rules.remediation().existing_violations;
        let left = existing == ExistingViolations::Leave || guard.ceiling() == Mode::Alert;
        let lines: Vec<DigestLine> = there
            .iter()
            .map(|role| line(&guard.account, role, left))
            .chain(
                chained
                    .iter()
                    .map(|(role, found)| chain_line(&guard.account, role, found, now)),
            )
            .collect();
        let mut alert = alert(guard, story);
        let count = lines.len() as u64;
        alert.subject = format!("{count} roles");
        alert.digest = Some(Digest {
            class: "existing-violations".to_owned(),
            about: Some(format!(
                "The first sweep checked {} roles of account {}; these {count} have findings that \
                 predate it:",
                tally.roles, guard.account
            )),
            from: self.progress.started_at,
            to: now,
            count,
            folded: count,
            open: lines.iter().filter(|line| line.open).count() as u64,
            lines,
            ..Digest::default()
        });
        alert.notes.push(what_follows(existing).to_owned());
        publish_once(self.world, guard, &alert).await.map(|_| ())
    }
}

/// A role as the digest shows it; of those that violate the rules people know that they stay
/// exposed where they are left as they are.
fn line(account: &str, role: &SweptRole, left: bool) -> DigestLine {
    let violates = |check: Check| check.remedy() == Remedy::TrustPolicy;
    DigestLine {
        incident: incident_id(account, &crate::handlers::sweep::role::event_id(role)),
        at: role.since,
        subject: format!("role/{}", role.name),
        line: role.line.clone(),
        third_party: role.third_party.clone(),
        actor: None,
        open: left && role.check.is_some_and(violates),
        also: Vec::new(),
    }
}

/// A role that third parties reach through others. The guard does not undo it.
fn chain_line(account: &str, role: &str, found: &Finding, now: Timestamp) -> DigestLine {
    DigestLine {
        incident: incident_id(account, &format!("chain-{role}-{}", found.message)),
        at: now,
        subject: format!("role/{role}"),
        line: format!("role {role}: {}", found.message),
        third_party: found.third_party.clone(),
        actor: None,
        open: false,
        also: Vec::new(),
    }
}

fn by_check_chained(chained: &[(String, Finding)]) -> Option<Finding> {
    let (_, first) = chained.first()?;
    let count = chained.len();
    let message = format!("{count} roles: {}", first.code.title());
    Some(Finding {
        message,
        third_party: None,
        vendor: None,
        fix: None,
        ..first.clone()
    })
}

/// How many roles violate which check, worst first.
fn by_check(there: &[&SweptRole]) -> Vec<Finding> {
    let mut checks: BTreeMap<(std::cmp::Reverse<Severity>, Check), u64> = BTreeMap::new();
    for role in there {
        if let Some((severity, check)) = role.severity.zip(role.check) {
            *checks
                .entry((std::cmp::Reverse(severity), check))
                .or_default() += 1;
        }
    }
    checks
        .iter()
        .map(|((severity, check), count)| {
            let message = format!("{count} roles: {}", check.title());
            Finding::new(*check, severity.0, message)
        })
        .collect()
}

fn what_follows(existing: ExistingViolations) -> &'static str {
    match existing {
        ExistingViolations::Leave => {
            "existing violations are not remediated in any mode until the rules say \
             remediation.existing_violations: remediate, or somebody changes the role. \
             Add a rule or an exemption for intended access"
        }
        ExistingViolations::Remediate => {
            "the rules say remediation.existing_violations: remediate, so in mode enforce \
             violations are remediated; a message for each role gives the outcome"
        }
    }
}
