//! The detecting function for roles: a change of a trust policy is judged, reported if it violates
//! the rules, and an order goes to the remediator either way. Roles are read here, never written.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::build::{announced, cause, grantees, show_difference};
use crate::alert::{Alert, actor_words, one_line};
use crate::check::Finding;
use crate::cloudtrail::{Activity, Document, Record, RoleDeletion, TrustChange};
use crate::detect::{
    Judgement, Reading, Verdict, guard_tampered, judge_trust_read, own_role_opened,
    unreadable_event,
};
use crate::handlers::detect::alert::{alerted, event_alert, incident_of, unreadable_record};
use crate::handlers::detect::chains::{Chains, chains_of_change};
use crate::handlers::publish::Delivery;
use crate::handlers::{HandleError, Handled};
use crate::model::{Cause, LiveRole, Resource, RoleRef, document_digest, seconds_between};
use crate::order::{Order, RoleChange, RoleOrder, Task};
use crate::ports::{Clock, Orders, Roles, World};
use crate::state::incident::Schema;
use crate::state::sweep_state::{ReportedDocument, findings_digest};

/// Handles an event of `role-trust`: CreateRole, UpdateAssumeRolePolicy, DeleteRole.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn role_trust<W: World>(
    world: &W,
    guard: &GuardConfig,
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

/// A change of a trust policy, judged as far as it can be.
struct JudgedChange {
    /// As the event carried it, byte for byte.
    sent: Option<String>,
    /// As it was read from IAM, where the event did not carry it.
    live: Option<LiveRole>,
    judgement: Option<Judgement>,
    /// Why there is no judgement.
    why: &'static str,
}

impl JudgedChange {
    fn document(&self) -> Option<&str> {
        let live = self.live.as_ref().map(|role| role.document.as_str());
        self.sent.as_deref().or(live)
    }

    fn is_approved(&self) -> bool {
        let judgement = self.judgement.as_ref();
        judgement.is_some_and(|judgement| judgement.verdict == Verdict::Approved)
    }
}

async fn trust_change<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    change: &TrustChange,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let cause = cause(record, now);
    let mut findings = Vec::new();
    if by_remediator(guard, &cause) {
        match own_write(world, guard, change, cause.event_time).await {
            Own::Yes => return Ok(Handled::OwnWrite),
            Own::No => findings.push(tampering(guard, change)),
            // Who did it proves nothing; it is judged like anyone's.
            Own::Unknown => {}
        }
    }
    let judged = judge_change(world, guard, change, cause.event_time, now).await;
    match &judged.judgement {
        Some(judgement) => {
            let role = RoleRef::named(guard.account.clone(), change.role.clone());
            let opened = own_role_opened(&guard.rules, &guard.own_roles, &role, judgement);
            findings.extend(opened);
            findings.extend(judgement.findings.iter().cloned());
        }
        None => findings.push(unreadable_event(&guard.rules, judged.why, false)),
    }
    let chains = match &judged.judgement {
        Some(judgement) => chains_of_change(world, guard, change, judgement, now).await,
        None => Chains::default(),
    };
    findings.extend(chains.findings.iter().cloned());
    let what = role_order(guard, change, &cause, &judged, &findings);
    let task = if judged.is_approved() {
        Task::Observe(what)
    } else {
        Task::Remediate(what)
    };
    let order = Order::new(guard, task, now);
    if findings.is_empty() {
        world.orders().send_order(&order).await?;
        return Ok(Handled::Approved);
    }
    let mut alert = change_alert(guard, record, change, &judged, &findings, now);
    if let Some(document) = judged.document() {
        alert.judges(document);
        alert
            .notes
            .extend(approved_for_a_while(world, guard, change, &judged, document).await);
    }
    if let Some(document) = judged.document()
        && let Some(old) = newest_approved(world, guard, change).await
    {
        show_difference(guard, &mut alert, &old, document, now);
    }
    alert.notes.extend(chains.note.clone());
    let handled = alerted(world, guard, alert, Some(order)).await?;
    if !was_out(&handled) {
        chains.told(world).await;
    }
    let tells = tells_of(&handled, &judged);
    if let (Some(document), Some(judgement)) = (judged.document(), &judged.judgement)
        && tells
    {
        let reported = ReportedDocument {
            schema: Schema,
            account: guard.account.clone(),
            role: change.role.clone(),
            digest: document_digest(document),
            findings: findings_digest(&judgement.findings),
            event_time: cause.event_time,
            actor: Some(one_line(&actor_words(&cause.actor), 400)),
            reported_at: world.clock().now(),
            incident: incident_of(guard, &cause, ""),
        };
        // Without it the sweep reports it once more: better than an event that is handled again.
        let _ = world.state().save_reported_document(&reported).await;
    }
    Ok(handled)
}

/// An alert that was out before told of what stood then, where the event does not carry the
/// document.
fn tells_of(handled: &Handled, judged: &JudgedChange) -> bool {
    judged.sent.is_some() || !was_out(handled)
}

/// An earlier try published the alert, with what it had found by then.
fn was_out(handled: &Handled) -> bool {
    matches!(handled, Handled::Alerted { reported, .. } if *reported == Delivery::Before)
}

fn sent(change: &TrustChange) -> Option<&str> {
    match &change.document {
        Document::Present(document) => Some(document),
        Document::Omitted | Document::Missing => None,
    }
}

/// Judges the document that the event carried, or else the live one.
async fn judge_change<W: World>(
    world: &W,
    guard: &GuardConfig,
    change: &TrustChange,
    called_at: Timestamp,
    now: Timestamp,
) -> JudgedChange {
    let mut judged = JudgedChange {
        sent: sent(change).map(str::to_owned),
        live: None,
        judgement: None,
        why: "the event lacks the trust policy",
    };
    if judged.sent.is_none() {
        match world.roles().read_role(&change.role).await {
            Ok(Some(role)) => judged.live = Some(role),
            Ok(None) => {
                judged.why = "the event lacks the trust policy, and the role is not there";
            }
            Err(_) => {
                judged.why = "the event lacks the trust policy, and the role could not be read";
            }
        }
    }
    let Some(document) = judged.document() else {
        return judged;
    };
    let live_path = judged.live.as_ref().map(|role| role.path.clone());
    let mut role = RoleRef {
        account: guard.account.clone(),
        name: Some(change.role.clone()),
        path: change.path.clone().or(live_path),
    };
    // What the event carries was open from its call on, though it be closed by now.
    let from = match skip!("from-the-call") {
        true => now,
        false => now.min(called_at),
    };
    let reading = match judged.sent {
        Some(_) if !skip!("as-sent") => Reading::sent(from),
        _ => Reading::shown(from),
    };
    let mut judgement = judge_trust_read(&guard.rules, &role, document, reading, now);
    if role.path.is_none()
        && judgement.depends_on_path()
        // UpdateAssumeRolePolicy's event does not name the path. A role that cannot be read keeps
        // the judgement of one whose path is not known.
        && let Ok(Some(found)) = world.roles().read_role(&change.role).await
    {
        role.path = Some(found.path);
        judgement = judge_trust_read(&guard.rules, &role, document, reading, now);
    }
    judged.judgement = Some(judgement);
    judged
}

fn role_order(
    guard: &GuardConfig,
    change: &TrustChange,
    cause: &Cause,
    judged: &JudgedChange,
    findings: &[Finding],
) -> RoleOrder {
    RoleOrder {
        role: change.role.clone(),
        cause: cause.clone(),
        change: if change.created {
            RoleChange::Created
        } else {
            RoleChange::Changed
        },
        // A padded document would burst the queue's message; the remediator reads the live one.
        document: judged
            .sent
            .clone()
            .filter(|sent| sent.len() <= DOCUMENT_BYTES_SENT),
        // What is approved has no incident: should the order to observe it meet a violation, that
        // is a story of its own, even if the same event once violated other rules.
        incident: (!judged.is_approved()).then(|| incident_of(guard, cause, "")),
        findings: findings.iter().take(FINDINGS_SENT).cloned().collect(),
    }
}

fn change_alert(
    guard: &GuardConfig,
    record: &Record,
    change: &TrustChange,
    judged: &JudgedChange,
    findings: &[Finding],
    now: Timestamp,
) -> Alert {
    let title = trust_title(change, findings);
    let live = judged.live.as_ref();
    let arn = change.arn.clone().or(live.map(|role| role.arn.clone()));
    let id = live.map(|role| role.role_id.clone());
    let subject = Resource::new("role", &change.role).known_as(arn, change.role_id.clone().or(id));
    let mut alert = event_alert(guard, record, subject, title, findings, "", now);
    if let Some(judgement) = &judged.judgement {
        alert.grantees = grantees(&guard.rules, judgement);
    }
    if !judged.is_approved() {
        let since = alert.cause.as_ref().map_or(now, |cause| cause.event_time);
        alert.open_seconds = Some(seconds_between(since, now));
        alert.outcome = Some(announced(guard, judged.judgement.as_ref()));
    }
    if live.is_some() {
        alert
            .notes
            .push("CloudTrail did not carry the trust policy; it was read from IAM".to_owned());
    }
    alert
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

/// A person approved this document of this role for a while: the remediator leaves it. Without state,
/// and while IAM does not show the role, the alert goes out without saying so.
async fn approved_for_a_while<W: World>(
    world: &W,
    guard: &GuardConfig,
    change: &TrustChange,
    judged: &JudgedChange,
    document: &str,
) -> Option<String> {
    let judgement = judged.judgement.as_ref()?;
    let digest = document_digest(document);
    let state = world.state();
    let approval = state.approval(&guard.account, &change.role, &digest);
    let approval = approval.await.ok()??;
    let role = world.roles().read_role(&change.role).await.ok()??;
    let now = world.clock().now();
    approval
        .covers(&role.role_id, &digest, &judgement.findings, now)
        .then(|| format!("this document is {}", approval.in_words()))
}

/// The newest approved document, to show what changed: a help for the reader. Without state the
/// alert goes out without it.
async fn newest_approved<W: World>(
    world: &W,
    guard: &GuardConfig,
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

fn by_remediator(guard: &GuardConfig, cause: &Cause) -> bool {
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
    guard: &GuardConfig,
    change: &TrustChange,
    event_time: Timestamp,
) -> Own {
    let state = world.state();
    let Ok(history) = state.role_history(&guard.account, &change.role).await else {
        return Own::Unknown;
    };
    let wrote = |sent| {
        let digest = document_digest(sent);
        history.is_some_and(|history| history.wrote_about(&digest, event_time))
    };
    match sent(change).is_some_and(wrote) {
        true => Own::Yes,
        false => Own::No,
    }
}

fn tampering(guard: &GuardConfig, change: &TrustChange) -> Finding {
    let wrote = format!("wrote a trust policy of role {} that", change.role);
    guard_tampered(&guard.rules, &wrote)
}

async fn role_deleted<W: World>(
    world: &W,
    guard: &GuardConfig,
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
    world
        .orders()
        .send_order(&Order::new(guard, task, now))
        .await?;
    Ok(Handled::Approved)
}
