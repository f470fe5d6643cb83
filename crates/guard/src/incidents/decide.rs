//! What follows a request: from who asks, what is kept of the incident and the rules to an approval,
//! a record, a refusal. Pure.

use jiff::{SignedDuration, Timestamp};

use super::caller::Caller;
use super::request::Refused;
use crate::GuardConfig;
use crate::alert::build::{Story, alert};
use crate::alert::{Alert, one_line};
use crate::check::Severity;
use crate::detect::{Judgement, Reading, Verdict, judge_trust_read};
use crate::model::{Cause, Resource, RoleRef, document_digest};
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::expiry;
use crate::state::approval::{Act, Approval, MOST, NEVER};
use crate::state::history::RoleHistory;
use crate::state::incident::{Schema, Stage, incident_id};
use crate::state::operators::WholeIncident;

/// How long an approval lasts unless said.
const UNLESS_SAID: SignedDuration = SignedDuration::from_hours(7 * 24);
const REASON: usize = 400;

/// Who asks, about what, when.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// How the function is set up.
    pub guard: &'a GuardConfig,
    /// Who asks.
    pub caller: &'a Caller,
    /// The incident's id.
    pub incident: &'a str,
    /// Why.
    pub reason: &'a str,
    /// What is kept of it.
    pub kept: &'a WholeIncident,
    /// The history that the role's name points to.
    pub history: Option<&'a RoleHistory>,
    /// Now.
    pub now: Timestamp,
}

/// What an incident says of the change behind it.
struct Change {
    role: String,
    role_id: Option<String>,
    arn: Option<String>,
    cause: Option<Cause>,
}

impl WholeIncident {
    /// The two alerts as they went out, the older first.
    fn alerts(&self) -> impl Iterator<Item = Alert> + '_ {
        let kept = self.detected.iter().chain(&self.outcome);
        kept.filter_map(|kept| serde_json::from_value(kept.alert.clone()).ok())
    }

    /// The trust document that violated the rules.
    pub fn document(&self) -> Option<&str> {
        let overwritten = self.overwritten.as_ref().map(|kept| kept.document.as_str());
        self.detected
            .as_ref()
            .and_then(|kept| kept.document.as_deref())
            .or(overwritten)
            .or_else(|| self.outcome.as_ref()?.document.as_deref())
    }

    fn change(&self) -> Option<Change> {
        let mut change: Option<Change> = None;
        for alert in self.alerts() {
            let Some(resource) = alert.resource.filter(|about| about.kind == "role") else {
                continue;
            };
            let before = change.take();
            change = Some(Change {
                role: resource.name,
                role_id: resource
                    .id
                    .or(before.as_ref().and_then(|before| before.role_id.clone())),
                arn: resource
                    .arn
                    .or(before.as_ref().and_then(|before| before.arn.clone())),
                cause: alert
                    .cause
                    .filter(Cause::is_event)
                    .or(before.and_then(|before| before.cause)),
            });
        }
        change
    }

    /// The name of the role it is about.
    pub fn role(&self) -> Option<String> {
        self.change().map(|change| change.role)
    }
}

fn forbidden(why: impl Into<String>) -> Refused {
    Refused::Forbidden(why.into())
}

impl Asked<'_> {
    /// The caller may decide, and did not make the change.
    fn second_person(&self) -> Result<Change, Refused> {
        if self.kept.detected.is_none() && self.kept.outcome.is_none() {
            let why = format!("there is no incident {}", one_line(self.incident, 40));
            return Err(Refused::Unknown(why));
        }
        if !self.caller.may_approve(self.guard.rules.operators()) {
            return Err(forbidden(format!(
                "the rules do not name {} among operators.approvers",
                self.caller.arn
            )));
        }
        if self.reason.trim().is_empty() {
            return Err(Refused::Malformed("a reason is needed".to_owned()));
        }
        let change = self.kept.change().ok_or_else(|| {
            forbidden("the incident is not about the trust policy of a role: write a rule instead")
        })?;
        if let Some(cause) = &change.cause
            && self.caller.may_be(&cause.actor)
        {
            return Err(forbidden(
                "you may be who made the change: a second person has to decide",
            ));
        }
        Ok(change)
    }

    fn judged(&self, change: &Change, document: &str) -> Judgement {
        let named = || RoleRef::named(self.guard.account.clone(), change.role.clone());
        let role = change.arn.as_deref().and_then(RoleRef::from_arn);
        let role = role.unwrap_or_else(named);
        let reading = Reading::sent(self.now);
        judge_trust_read(&self.guard.rules, &role, document, reading, self.now)
    }

    fn document(&self) -> Result<&str, Refused> {
        self.kept
            .document()
            .ok_or_else(|| forbidden("the document is not kept, so it cannot be judged"))
    }

    fn act(&self, what: &str, text: String) -> Act {
        Act {
            schema: Schema,
            account: self.guard.account.clone(),
            incident: self.incident.to_owned(),
            what: what.to_owned(),
            by: self.caller.arn.clone(),
            reason: one_line(self.reason, REASON),
            at: self.now,
            text,
        }
    }
}

/// Whether the document of an incident may stand for a while.
///
/// # Errors
/// [`Refused`].
pub fn approve(
    asked: Asked<'_>,
    digest: &str,
    expires: Option<&str>,
) -> Result<(Approval, Act), Refused> {
    let change = asked.second_person()?;
    let document = asked.document()?;
    if document_digest(document) != digest {
        return Err(forbidden(
            "the incident is about another document than the one that you name",
        ));
    }
    let expires = match expires {
        None => asked.now.checked_add(UNLESS_SAID).ok(),
        Some(text) => expiry(text),
    };
    let expires = expires.filter(|at| *at > asked.now && at.duration_since(asked.now) <= MOST);
    let Some(expires) = expires else {
        let why = "an approval ends on a day within the next 30 days, as 2027-03-31";
        return Err(Refused::Malformed(why.to_owned()));
    };
    let judged = asked.judged(&change, document);
    match judged.verdict {
        Verdict::Approved => {
            return Err(forbidden("the rules allow it: there is nothing to approve"));
        }
        Verdict::Unreadable => return Err(forbidden("the document cannot be judged")),
        Verdict::Violation => {}
    }
    if let Some(never) = judged.findings.iter().find(|one| NEVER.contains(&one.code)) {
        return Err(forbidden(format!(
            "nobody approves {}: only a rule in git can allow it",
            never.code
        )));
    }
    let known = asked
        .history
        .filter(|history| history.closed.is_none())
        .map(|history| history.role_id.clone());
    let Some(role_id) = change.role_id.clone().or(known) else {
        return Err(forbidden(
            "the role's id is not known yet: wait for the incident's outcome",
        ));
    };
    let approval = Approval {
        schema: Schema,
        account: asked.guard.account.clone(),
        role: change.role.clone(),
        role_id,
        digest: digest.to_owned(),
        incident: asked.incident.to_owned(),
        by: asked.caller.arn.clone(),
        reason: one_line(asked.reason, REASON),
        at: asked.now,
        expires,
    };
    let text = format!("role {}: {}", change.role, approval.in_words());
    Ok((approval, asked.act("approve", text)))
}

/// Whether what the guard overwrote may be written back by the caller: today's rules allow it, or an
/// approval does while it lasts.
///
/// # Errors
/// [`Refused`].
pub fn undo(asked: Asked<'_>, approval: Option<&Approval>) -> Result<Act, Refused> {
    let change = asked.second_person()?;
    let Some(kept) = &asked.kept.overwritten else {
        return Err(forbidden("the guard overwrote nothing in this incident"));
    };
    let judged = asked.judged(&change, &kept.document);
    let covered = approval.filter(|approval| {
        let digest = document_digest(&kept.document);
        judged.verdict == Verdict::Violation
            && approval.covers(&kept.role_id, &digest, &judged.findings, asked.now)
    });
    if judged.verdict != Verdict::Approved && covered.is_none() {
        return Err(forbidden(
            "today's rules do not allow the document that the guard overwrote: let a rule allow it, or \
             approve the incident first",
        ));
    }
    let why = covered.map_or_else(|| "today's rules allow it".to_owned(), Approval::in_words);
    let text = format!(
        "role {}: {} takes back what the guard did ({}); {why}",
        kept.role,
        asked.caller.arn,
        one_line(asked.reason, REASON)
    );
    Ok(asked.act("undo", text))
}

/// What is announced of an act.
pub fn announcement(guard: &GuardConfig, act: &Act, role: &str, now: Timestamp) -> Alert {
    let title = match act.what.as_str() {
        "approve" => format!(
            "role {role}: the violation of incident {} was approved for a while",
            act.incident
        ),
        _ => format!(
            "role {role}: the remediation of incident {} is taken back",
            act.incident
        ),
    };
    let id = format!("{}/{}/{}/{}", act.what, act.incident, act.by, act.at);
    let story = Story {
        stage: Stage::Outcome,
        incident: &incident_id(&guard.account, &id),
        title,
        cause: None,
        resource: Some(Resource::new("role", role)),
        findings: &[],
        now,
    };
    let mut alert = alert(guard, story);
    alert.severity = Severity::Medium;
    alert.outcome = Some(Outcome {
        kind: OutcomeKind::Approved,
        text: act.text.clone(),
        open: false,
        dropped: Vec::new(),
        document: None,
    });
    alert
}
