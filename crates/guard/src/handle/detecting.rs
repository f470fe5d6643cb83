//! The detecting function for roles, and what all of them share: an event comes in; if it violates the rules an alert goes out, and
//! an order to the remediator. They read roles and never write them.

use jiff::Timestamp;

use super::story::{Story, alert, cause, grantees, seconds_between, tell_difference};
use super::telling::tell;
use super::{Guard, HandleError, Handled};
use crate::alert::{Alert, Cause, Resource};
use crate::check::{Check, Finding};
use crate::cloudtrail::{Activity, Document, Record, RoleDeletion, TrustChange, Unreadable};
use crate::detect::{Judgement, RoleRef, Verdict, judge_trust, unreadable_event};
use crate::history::document_digest;
use crate::incident::{Schema, Stage, incident_id};
use crate::order::{Order, RoleChange, RoleOrder, Task};
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::Mode;
use crate::swept::{ToldDocument, findings_digest};
use crate::world::{Clock, LiveRole, Orders, Roles, State, SweepState, World};

/// Handles an event of `role-trust`: CreateRole, UpdateAssumeRolePolicy, DeleteRole.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn role_trust<W: World>(
    world: &W,
    guard: &Guard,
    record: &Record,
) -> Result<Handled, HandleError> {
    match record.activity(&guard.watched()) {
        Activity::TrustChange(change) => trust_change(world, guard, record, &change).await,
        Activity::RoleDeleted(deletion) => role_deleted(world, guard, record, &deletion).await,
        Activity::Failed(_) => Ok(Handled::FailedCall),
        Activity::Unreadable(unreadable) => {
            unreadable_record(world, guard, record, &unreadable, "").await
        }
        _ => Ok(Handled::Irrelevant),
    }
}

/// How much of an event goes with an order: SQS takes 256 KB, and JSON may double a document.
const DOCUMENT_BYTES_SENT: usize = 64 * 1024;
const FINDINGS_SENT: usize = 50;

/// What an alert is about.
pub(super) struct Subject<'a> {
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
    pub(super) arn: Option<String>,
    pub(super) id: Option<String>,
}

pub(super) fn event_alert(
    guard: &Guard,
    record: &Record,
    subject: Subject<'_>,
    title: String,
    findings: &[Finding],
    function: &str,
    now: Timestamp,
) -> Alert {
    let cause = cause(record, now);
    let resource = Resource {
        kind: subject.kind.to_owned(),
        name: subject.name.to_owned(),
        arn: subject.arn,
        id: subject.id,
    };
    let incident = incident_of(guard, &cause, function);
    let story = Story {
        stage: Stage::Detected,
        incident: &incident,
        title,
        cause: Some(&cause),
        resource: Some(resource),
        findings,
        now,
    };
    alert(guard, story)
}

fn incident_of(guard: &Guard, cause: &Cause, function: &str) -> String {
    incident_id(&guard.account, &format!("{}{function}", cause.event_id))
}

/// The alert goes out, then the order. The order goes out even if the alert does not: closing
/// the door must not wait for the topic. Whichever failed, the event comes again.
pub(super) async fn alerted<W: World>(
    world: &W,
    guard: &Guard,
    alert: Alert,
    order: Option<Order>,
) -> Result<Handled, HandleError> {
    let told = tell(world, guard, &alert).await;
    if let Some(order) = order {
        world.orders().send_order(&order).await?;
    }
    Ok(Handled::Alerted {
        incident: alert.incident,
        told: told?,
    })
}

pub(super) fn order(guard: &Guard, task: Task, now: Timestamp) -> Order {
    Order {
        schema: Schema,
        account: guard.account.clone(),
        task,
        rules: guard.rules.hash().to_owned(),
        issued_at: now,
    }
}

async fn trust_change<W: World>(
    world: &W,
    guard: &Guard,
    record: &Record,
    change: &TrustChange,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let cause = cause(record, now);
    let sent = match &change.document {
        Document::Present(document) => Some(document.clone()),
        Document::Omitted | Document::Missing => None,
    };
    let mut findings = Vec::new();
    let mut known = None;
    if by_remediator(guard, &cause) {
        match own_write(world, guard, change, sent.as_deref()).await {
            Own::Yes => return Ok(Handled::OwnWrite),
            Own::No => findings.push(tampering(guard, change)),
            // Who did it proves nothing; it is judged like anyone's.
            Own::Unknown => {}
        }
    }
    let mut live: Option<LiveRole> = None;
    if sent.is_none() {
        match world.roles().read_role(&change.role).await {
            Ok(Some(role)) => live = Some(role),
            Ok(None) => known = Some("the event lacks the trust policy, and the role is not there"),
            Err(_) => {
                known = Some("the event lacks the trust policy, and the role could not be read")
            }
        }
    }
    let document = sent
        .as_deref()
        .or(live.as_ref().map(|role| role.document.as_str()));
    let mut role = RoleRef {
        account: guard.account.clone(),
        name: Some(change.role.clone()),
        path: change
            .path
            .clone()
            .or(live.as_ref().map(|role| role.path.clone())),
    };
    let mut judgement = document.map(|document| judge_trust(&guard.rules, &role, document, now));
    if let (Some(document), Some(judgement)) = (document, &mut judgement)
        && role.path.is_none()
        && judgement.hangs_on_the_path()
    {
        // UpdateAssumeRolePolicy's event does not tell the path. A role that cannot be read keeps
        // the judgement of one whose path is not known.
        if let Ok(Some(found)) = world.roles().read_role(&change.role).await {
            role.path = Some(found.path);
            *judgement = judge_trust(&guard.rules, &role, document, now);
        }
    }
    match (&judgement, known) {
        (Some(judgement), _) => findings.extend(judgement.findings.iter().cloned()),
        (None, why) => {
            let why = why.unwrap_or("the event lacks the trust policy");
            findings.push(unreadable_event(&guard.rules, why, false));
        }
    }
    let incident = incident_of(guard, &cause, "");
    let approved = judgement
        .as_ref()
        .is_some_and(|judgement| judgement.verdict == Verdict::Approved);
    let what = RoleOrder {
        role: change.role.clone(),
        cause: cause.clone(),
        change: if change.created {
            RoleChange::Created
        } else {
            RoleChange::Changed
        },
        // A padded document would burst the queue's message; the remediator reads the live one.
        document: sent
            .clone()
            .filter(|sent| sent.len() <= DOCUMENT_BYTES_SENT),
        incident: Some(incident.clone()),
        findings: findings.iter().take(FINDINGS_SENT).cloned().collect(),
    };
    let task = if approved {
        Task::Observe(what)
    } else {
        Task::Remediate(what)
    };
    let order = order(guard, task, now);
    if findings.is_empty() {
        world.orders().send_order(&order).await?;
        return Ok(Handled::Approved);
    }
    let title = trust_title(change, &findings);
    let subject = Subject {
        kind: "role",
        name: &change.role,
        arn: change
            .arn
            .clone()
            .or(live.as_ref().map(|role| role.arn.clone())),
        id: change
            .role_id
            .clone()
            .or(live.as_ref().map(|role| role.role_id.clone())),
    };
    let mut alert = event_alert(guard, record, subject, title, &findings, "", now);
    if let Some(judgement) = &judgement {
        alert.grantees = grantees(judgement);
    }
    if !approved {
        alert.open_seconds = Some(seconds_between(cause.event_time, now));
        alert.outcome = Some(announced(guard, judgement.as_ref()));
    }
    if live.is_some() {
        alert
            .notes
            .push("CloudTrail did not carry the trust policy; it was read from IAM".to_owned());
    }
    if let Some(document) = document
        && let Some(old) = newest_approved(world, guard, change).await
    {
        tell_difference(guard, &mut alert, &old, document, now);
    }
    let handled = alerted(world, guard, alert, Some(order)).await?;
    if let (Some(document), Some(judgement)) = (document, &judgement) {
        let told = ToldDocument {
            schema: Schema,
            account: guard.account.clone(),
            role: change.role.clone(),
            digest: document_digest(document),
            findings: findings_digest(&judgement.findings),
            event_time: cause.event_time,
            told_at: world.clock().now(),
            incident,
        };
        // Without it the sweep tells it once more: better than an event that is handled again.
        let _ = world.state().save_told_document(&told).await;
    }
    Ok(handled)
}

fn trust_title(change: &TrustChange, findings: &[Finding]) -> String {
    let what = findings
        .iter()
        .max_by_key(|finding| finding.severity)
        .map_or("", |worst| worst.code.title());
    if change.created {
        format!("role {} was created: {what}", change.role)
    } else {
        format!(
            "the trust policy of role {} was changed: {what}",
            change.role
        )
    }
}

/// The newest approved document, to show what changed: a help for the reader. Without state the
/// alert goes out without it.
async fn newest_approved<W: World>(
    world: &W,
    guard: &Guard,
    change: &TrustChange,
) -> Option<String> {
    if change.created {
        return None;
    }
    let history = world
        .state()
        .role_history(&guard.account, &change.role)
        .await
        .ok()??;
    history.newest().map(|newest| newest.document.clone())
}

pub(super) fn announced(guard: &Guard, judgement: Option<&Judgement>) -> Outcome {
    let violates = judgement.is_some_and(|judgement| judgement.verdict == Verdict::Violation);
    let text = match (violates, guard.ceiling()) {
        (true, Mode::Enforce) => {
            "an order to put it right was sent; a second message says what came of it"
        }
        (true, Mode::Alert) => {
            "mode alert: nothing is written; a second message says what would have been done"
        }
        (false, _) => "the role is looked at again; a second message says what came of it",
    };
    Outcome {
        kind: OutcomeKind::Ordered,
        text: text.to_owned(),
        open: true,
        dropped: Vec::new(),
        document: None,
    }
}

fn by_remediator(guard: &Guard, cause: &Cause) -> bool {
    cause.actor.issuer.as_deref() == Some(guard.remediator_role.as_str())
}

enum Own {
    Yes,
    No,
    Unknown,
}

/// Whether the guard wrote exactly this: an intent is recorded before each of its writes.
async fn own_write<W: World>(
    world: &W,
    guard: &Guard,
    change: &TrustChange,
    sent: Option<&str>,
) -> Own {
    match (
        world
            .state()
            .role_history(&guard.account, &change.role)
            .await,
        sent,
    ) {
        (Ok(Some(history)), Some(sent)) if history.wrote(&document_digest(sent)) => Own::Yes,
        (Ok(_), _) => Own::No,
        (Err(_), _) => Own::Unknown,
    }
}

fn tampering(guard: &Guard, change: &TrustChange) -> Finding {
    let code = Check::GuardTampered;
    Finding {
        code,
        severity: guard.rules.severity(code),
        message: format!(
            "the guard's own role wrote a trust policy of role {} that the guard never planned",
            change.role
        ),
        statement: None,
        third_party: None,
        vendor: None,
        witness: None,
        fix: Some("find out who uses the remediator's role, and end its sessions".to_owned()),
    }
}

async fn role_deleted<W: World>(
    world: &W,
    guard: &Guard,
    record: &Record,
    deletion: &RoleDeletion,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let task = Task::Observe(RoleOrder {
        role: deletion.role.clone(),
        cause: cause(record, now),
        change: RoleChange::Deleted,
        document: None,
        incident: None,
        findings: Vec::new(),
    });
    world.orders().send_order(&order(guard, task, now)).await?;
    Ok(Handled::Approved)
}

pub(super) async fn unreadable_record<W: World>(
    world: &W,
    guard: &Guard,
    record: &Record,
    unreadable: &Unreadable,
    function: &str,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let findings = [unreadable_event(
        &guard.rules,
        unreadable.why,
        unreadable.role_hidden,
    )];
    let title = if unreadable.role_hidden {
        "a role's trust policy was changed, and the event hides which role".to_owned()
    } else {
        "an event that may matter could not be read".to_owned()
    };
    let kind = if unreadable.role_hidden {
        "role"
    } else {
        "event"
    };
    let subject = Subject {
        kind,
        name: "unknown",
        arn: None,
        id: None,
    };
    let mut alert = event_alert(guard, record, subject, title, &findings, function, now);
    if unreadable.role_hidden {
        // The link would lead to a role of that name.
        alert
            .links
            .retain(|link| !link.url.contains("/roles/details/"));
        alert.open_seconds = Some(seconds_between(
            alert.cause.as_ref().map_or(now, |cause| cause.event_time),
            now,
        ));
    }
    let handled = alerted(world, guard, alert, None).await;
    if unreadable.role_hidden {
        // Which role it was, only a look at all of them can tell.
        world.state().request_sweep(&guard.account, now).await?;
    }
    handled
}
