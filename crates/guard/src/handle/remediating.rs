//! The remediator: one order at a time per role. It looks at the live role, and remembers what
//! is lawful or puts right what is not.
//!
//! Nothing here is held in memory between two effects that state does not know as well: an order
//! that comes again, after a crash or just so, is picked up from the history and from what is
//! live, never from what the first attempt had in mind.

use jiff::Timestamp;

use super::deactivating::deactivate;
use super::digesting::publish_digest;
use super::story::{Story, alert, grantees, seconds_between};
use super::telling::tell;
use super::writing::{conclude, put_right};
use super::{Guard, HandleError};
use crate::alert::{Alert, Resource};
use crate::check::Severity;
use crate::detect::{Judgement, RoleRef, Verdict, judge_trust};
use crate::history::{Baseline, OwnWrite, RoleHistory, WriteKind, WriteProgress, document_digest};
use crate::incident::{Stage, incident_id};
use crate::order::{Disposition, ForeignOrder, Order, RoleChange, RoleOrder, Task};
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::ChangedRole;
use crate::world::{Clock, Keys, LiveRole, Roles, State, StateError, World, WriteRoles};

/// How long the remediator waits for a deploy that is on its way to reach it, too.
const SKEW_SECONDS: i64 = 10 * 60;
/// How long an order waits for state before people are told that nothing will happen.
const STATE_SECONDS: i64 = 10 * 60;
/// How often what IAM shows is doubted: after looks at 0, 30 and 90 seconds it is believed.
const LOOKS: u32 = 3;
/// How often a call that fails is tried again: for about eleven minutes.
pub(super) const TRIES: u32 = 8;

/// What one order is about, once for all steps.
#[derive(Debug, Clone, Copy)]
pub(super) struct Assignment<'a> {
    pub(super) guard: &'a Guard,
    pub(super) order: &'a Order,
    pub(super) role: &'a RoleOrder,
    pub(super) remediate: bool,
    pub(super) attempts: u32,
    pub(super) now: Timestamp,
}

impl Assignment<'_> {
    /// The sender judged by other rules, and waiting did not help.
    pub(super) fn skewed(&self) -> bool {
        self.order.rules != self.guard.rules.hash()
    }

    pub(super) fn order_id(&self) -> String {
        self.order.id()
    }

    /// The incident; an order to observe has one of its own only if the guard has to write.
    pub(super) fn incident(&self) -> String {
        self.role.incident.clone().unwrap_or_else(|| {
            incident_id(
                &self.guard.account,
                &format!("{}/observe", self.role.cause.event_id),
            )
        })
    }
}

/// Carries out one order. The answer says what becomes of its message.
///
/// # Errors
/// [`HandleError`]: the message has to come again after its visibility time-out, and after enough
/// of that belongs in the dead-letter queue.
pub async fn carry_out<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    guard: &Guard,
    order: &Order,
) -> Result<Disposition, HandleError> {
    if order.account != guard.account {
        return Err(ForeignOrder {
            account: order.account.clone(),
        }
        .into());
    }
    let now = world.clock().now();
    if let Task::Digest(window) = &order.task {
        return publish_digest(world, guard, window).await;
    }
    let age = seconds_between(order.issued_at, now);
    if order.rules != guard.rules.hash() && age < SKEW_SECONDS {
        return Ok(Disposition::in_seconds(match age {
            ..30 => 30,
            30..90 => 60,
            _ => 120,
        }));
    }
    let progress = match world
        .state()
        .begin_order(&order.account, &order.id(), now)
        .await
    {
        Ok(progress) => progress,
        Err(error) => return without_state(world, guard, order, error, now).await,
    };
    if progress.done {
        return Ok(Disposition::Done);
    }
    let (role, remediate) = match &order.task {
        Task::Observe(role) => (role, false),
        Task::Remediate(role) => (role, true),
        Task::DeactivateKey(key) => {
            return deactivate(world, guard, order, key, progress.attempts).await;
        }
        Task::Digest(_) => return Ok(Disposition::Done),
    };
    let attempts = progress.attempts;
    let task = Assignment {
        guard,
        order,
        role,
        remediate,
        attempts,
        now,
    };
    match look_at_role(world, task).await {
        Err(HandleError::State(StateError::Conflict { .. })) => {
            // Somebody else saved the history: what was decided here no longer counts.
            Ok(Disposition::in_seconds(1))
        }
        Err(HandleError::State(error)) => without_state(world, guard, order, error, now).await,
        other => other,
    }
}

/// Without state nothing is written. For a while the order waits; then people are told, whatever
/// state says, and the order goes on to the dead-letter queue.
async fn without_state<W: World>(
    world: &W,
    guard: &Guard,
    order: &Order,
    error: StateError,
    now: Timestamp,
) -> Result<Disposition, HandleError> {
    let unreadable = matches!(error, StateError::Unreadable { .. });
    if seconds_between(order.issued_at, now) < STATE_SECONDS && !unreadable {
        return Ok(Disposition::in_seconds(60));
    }
    let text = format!("nothing: {error}, and without it nothing is written; people have to act");
    match &order.task {
        Task::Remediate(role) => {
            let task = Assignment {
                guard,
                order,
                role,
                remediate: true,
                attempts: 0,
                now,
            };
            let mut alert = role_alert(task, None, OutcomeKind::Failed, text, true);
            alert.severity = Severity::Critical;
            tell(world, guard, &alert).await?;
        }
        Task::DeactivateKey(key) => {
            let mut alert =
                super::deactivating::key_alert(guard, key, OutcomeKind::Failed, text, now);
            alert.severity = Severity::Critical;
            tell(world, guard, &alert).await?;
        }
        Task::Observe(_) | Task::Digest(_) => {}
    }
    Err(error.into())
}

async fn look_at_role<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
) -> Result<Disposition, HandleError> {
    let Assignment {
        guard,
        role,
        attempts,
        now,
        ..
    } = task;
    let live = match world.roles().read_role(&role.role).await {
        Ok(live) => live,
        Err(_) if attempts < TRIES => return Ok(Disposition::after_attempt(attempts)),
        Err(error) => {
            let text = format!("nothing: {error}");
            return end(world, task, None, OutcomeKind::Failed, text, true).await;
        }
    };
    let known = world
        .state()
        .role_history(&guard.account, &role.role)
        .await?;
    let Some(live) = live else {
        return gone(world, task, known).await;
    };
    let history = match known {
        Some(known) if known.role_id == live.role_id => {
            if role.change == RoleChange::Deleted && attempts < LOOKS {
                // A role that is deleted does not come back under its id: the read is stale.
                return Ok(Disposition::after_attempt(attempts));
            }
            // Thought to be gone by a stale read, if closed.
            RoleHistory {
                closed: None,
                ..known
            }
        }
        Some(known) => {
            let older = known
                .created
                .zip(live.created)
                .is_some_and(|(known, live)| live < known);
            if older && attempts < TRIES {
                // IAM still shows the role that was deleted before this one was created.
                return Ok(Disposition::after_attempt(attempts));
            }
            let mut next = RoleHistory::new(&guard.account, &live);
            // Late events of own writes are recognised, and the hour's writes count, for a role
            // that was deleted and created again under its name, too.
            next.writes.clone_from(&known.writes);
            if known.closed.is_none() {
                let closed = RoleHistory {
                    closed: Some(now),
                    ..known
                };
                world.state().save_role_history(&closed).await?;
            }
            next
        }
        None => RoleHistory::new(&guard.account, &live),
    };
    let judgement = judge(guard, &live, &live.document, now);
    match (task.remediate, judgement.verdict) {
        (false, _) => observe(world, task, history, &live, &judgement).await,
        (true, Verdict::Approved) => settled(world, task, history, &live, &judgement).await,
        (true, Verdict::Violation) => put_right(world, task, history, &live, &judgement).await,
        (true, Verdict::Unreadable) => {
            let text = "nothing: the live trust policy cannot be judged, so nothing can be shown \
                        to be right; people have to act";
            let live = Some((&live, &judgement));
            end(
                world,
                task,
                live,
                OutcomeKind::Failed,
                text.to_owned(),
                true,
            )
            .await
        }
    }
}

/// Judges a document as that of this role.
pub(super) fn judge(guard: &Guard, live: &LiveRole, document: &str, now: Timestamp) -> Judgement {
    let role = RoleRef::from_arn(&live.arn).unwrap_or_else(|| RoleRef {
        account: guard.account.clone(),
        name: Some(live.name.clone()),
        path: Some(live.path.clone()),
    });
    judge_trust(&guard.rules, &role, document, now)
}

/// Every rule covers it.
pub(super) fn approved(guard: &Guard, live: &LiveRole, document: &str, now: Timestamp) -> bool {
    judge(guard, live, document, now).verdict == Verdict::Approved
}

/// The role is not there, or not to be seen yet.
async fn gone<W: World>(
    world: &W,
    task: Assignment<'_>,
    known: Option<RoleHistory>,
) -> Result<Disposition, HandleError> {
    if task.role.change != RoleChange::Deleted && task.attempts < LOOKS {
        return Ok(Disposition::after_attempt(task.attempts));
    }
    if let Some(known) = known
        && known.closed.is_none()
    {
        let closed = RoleHistory {
            closed: Some(task.now),
            ..known
        };
        world.state().save_role_history(&closed).await?;
    }
    if task.remediate {
        let text = "nothing: the role is gone".to_owned();
        return end(world, task, None, OutcomeKind::Gone, text, false).await;
    }
    finish(world, task).await
}

/// A lawful change: what the event carried and what is live are remembered, if they are approved.
async fn observe<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Result<Disposition, HandleError> {
    let Assignment {
        guard, role, now, ..
    } = task;
    let live_digest = document_digest(&live.document);
    let by_guard = role.cause.actor.issuer.as_deref() == Some(guard.remediator_role.as_str());
    let sent = role
        .document
        .as_deref()
        .filter(|sent| approved(guard, live, sent, now))
        .map(|sent| (sent, document_digest(sent)))
        // What the guard wrote itself is no baseline, nor is a quarantine, whoever wrote it.
        .filter(|(_, digest)| !quarantined(digest) && !(by_guard && history.wrote(digest)));
    let before = history.clone();
    if let Some((document, digest)) = &sent {
        history.remember(Baseline {
            document: (*document).to_owned(),
            digest: digest.clone(),
            actor: role.cause.actor.arn.clone(),
            written_at: Some(role.cause.event_time),
            seen_at: now,
            seen_live: *digest == live_digest,
        });
    }
    let is_sent = sent
        .as_ref()
        .is_some_and(|(_, digest)| *digest == live_digest);
    remember_live(&mut history, live, judgement, is_sent, now);
    if history != before || history.version == 0 {
        history.version = world.state().save_role_history(&history).await?;
    }
    let Some((_, digest)) = sent.filter(|_| !is_sent) else {
        return finish(world, task).await;
    };
    match history.own_write(&live_digest) {
        Some(own) if run_over(guard, &history, own, &digest, role.cause.event_time) => {
            if task.attempts < 2 {
                // The read may be stale: perhaps the approved document is live already.
                return Ok(Disposition::after_attempt(task.attempts));
            }
            super::writing::put_back(world, task, history, live, &digest).await
        }
        _ => finish(world, task).await,
    }
}

fn quarantined(digest: &str) -> bool {
    digest == document_digest(crate::remediate::QUARANTINE)
}

/// A live approved document of which no event told is remembered as of now, unless it is the
/// guard's own.
fn remember_live(
    history: &mut RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
    told_by_event: bool,
    now: Timestamp,
) {
    let digest = document_digest(&live.document);
    let known = history.approved.iter().any(|kept| kept.digest == digest);
    if judgement.verdict == Verdict::Approved
        && !told_by_event
        && !known
        && !history.wrote(&digest)
        && !quarantined(&digest)
    {
        history.remember(Baseline {
            document: live.document.clone(),
            digest,
            actor: None,
            written_at: None,
            seen_at: now,
            seen_live: true,
        });
    }
}

/// An approved document of which the event tells is not live, because the guard wrote over it or
/// did not know of it when it wrote: at rest the newest approved document is live.
fn run_over(
    guard: &Guard,
    history: &RoleHistory,
    own: &OwnWrite,
    sent: &str,
    written_at: Timestamp,
) -> bool {
    let newest = history.newest().is_some_and(|newest| newest.digest == sent);
    newest
        && match own.kind {
            WriteKind::Revert | WriteKind::PutBack => true,
            // What was repaired is newer than what was there before the violation, unless the
            // rules would rather have had that.
            WriteKind::Repair | WriteKind::Quarantine => {
                written_at >= own.undoes
                    || guard.rules.remediation().changed_role == ChangedRole::Revert
            }
        }
}

/// An order to remediate finds the role lawful.
async fn settled<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Result<Disposition, HandleError> {
    let digest = document_digest(&live.document);
    let id = task.order_id();
    let own = history
        .writes
        .iter_mut()
        .rev()
        .find(|write| write.order == id);
    match own {
        Some(own) if own.digest == digest => {
            // An earlier attempt wrote it and was stopped before it could say so.
            own.progress = WriteProgress::Written;
            let own = own.clone();
            history.version = world.state().save_role_history(&history).await?;
            return conclude(world, task, history, &own, live, None).await;
        }
        Some(own) if own.progress == WriteProgress::Written => {
            let own = own.clone();
            let note = "the role has been changed since, and is lawful";
            return conclude(world, task, history, &own, live, Some(note)).await;
        }
        _ => {}
    }
    if task.attempts < LOOKS {
        return Ok(Disposition::after_attempt(task.attempts));
    }
    let before = history.clone();
    remember_live(&mut history, live, judgement, false, task.now);
    if history != before {
        world.state().save_role_history(&history).await?;
    }
    let text = "nothing: the role was changed again and is lawful now, as looks over 90 seconds \
                have shown";
    let live = Some((live, judgement));
    end(
        world,
        task,
        live,
        OutcomeKind::Superseded,
        text.to_owned(),
        false,
    )
    .await
}

/// The outcome's alert goes out, then the order is done.
pub(super) async fn end<W: World>(
    world: &W,
    task: Assignment<'_>,
    live: Option<(&LiveRole, &Judgement)>,
    kind: OutcomeKind,
    text: String,
    open: bool,
) -> Result<Disposition, HandleError> {
    let alert = role_alert(task, live, kind, text, open);
    end_with(world, task, &alert).await
}

/// Publishes an outcome and marks the order done. While another delivery holds the lease the
/// order waits, since its end must not come before its outcome.
pub(super) async fn end_with<W: World>(
    world: &W,
    task: Assignment<'_>,
    alert: &Alert,
) -> Result<Disposition, HandleError> {
    match tell(world, task.guard, alert).await {
        Ok(_) => finish(world, task).await,
        Err(HandleError::InProgress { .. }) => Ok(Disposition::in_seconds(60)),
        Err(error) => Err(error),
    }
}

pub(super) async fn finish<W: World>(
    world: &W,
    task: Assignment<'_>,
) -> Result<Disposition, HandleError> {
    let account = &task.order.account;
    world
        .state()
        .finish_order(account, &task.order_id(), world.clock().now())
        .await?;
    Ok(Disposition::Done)
}

/// The outcome of an order about a role.
pub(super) fn role_alert(
    task: Assignment<'_>,
    live: Option<(&LiveRole, &Judgement)>,
    kind: OutcomeKind,
    text: String,
    open: bool,
) -> Alert {
    let Assignment {
        guard, role, now, ..
    } = task;
    let incident = task.incident();
    // What the live document is found guilty of now, or else what the event was.
    let findings = match live {
        Some((_, judgement)) if open && !judgement.findings.is_empty() => &judgement.findings,
        _ => &role.findings,
    };
    let resource = Resource {
        kind: "role".to_owned(),
        name: live.map_or(&role.role, |(live, _)| &live.name).clone(),
        arn: live.map(|(live, _)| live.arn.clone()),
        id: live.map(|(live, _)| live.role_id.clone()),
    };
    let story = Story {
        stage: Stage::Outcome,
        incident: &incident,
        title: format!("role {}: {}", role.role, outcome_title(kind)),
        cause: Some(&role.cause),
        resource: Some(resource),
        findings,
        now,
    };
    let mut alert = alert(guard, story);
    if let Some((_, judgement)) = live {
        alert.grantees = grantees(judgement);
    }
    if matches!(
        kind,
        OutcomeKind::Refused | OutcomeKind::Failed | OutcomeKind::BudgetSpent
    ) {
        alert.severity = Severity::Critical;
    }
    alert.open_seconds = Some(seconds_between(role.cause.event_time, now));
    alert.outcome = Some(Outcome {
        kind,
        text,
        open,
        dropped: Vec::new(),
        document: None,
    });
    if task.skewed() {
        alert.notes.push(
            "the order was judged by other rules than these; after 10 minutes the remediator \
             used its own"
                .to_owned(),
        );
    }
    alert
}

pub(super) fn outcome_title(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Ordered => "an order was sent",
        OutcomeKind::Reverted => "the approved trust policy is back",
        OutcomeKind::Repaired => "what violated the rules was taken out",
        OutcomeKind::Quarantined => "quarantined, nobody can enter",
        OutcomeKind::Deactivated => "deactivated",
        OutcomeKind::PutBack => "an approved trust policy that the guard ran over is back",
        OutcomeKind::WouldRevert => "mode alert, still open; would have been reverted",
        OutcomeKind::WouldRepair => "mode alert, still open; would have been repaired",
        OutcomeKind::WouldQuarantine => "mode alert, still open; would have been quarantined",
        OutcomeKind::WouldDeactivate => "mode alert, still active; would have been deactivated",
        OutcomeKind::Superseded => "changed again, and lawful now",
        OutcomeKind::Gone => "gone",
        OutcomeKind::NotTouched => "STILL OPEN, the guard never writes here",
        OutcomeKind::LeftAlone => "STILL OPEN, the rules leave it to people",
        OutcomeKind::Refused => "STILL OPEN, IAM refused the write",
        OutcomeKind::Failed => "STILL OPEN, it could not be put right",
        OutcomeKind::BudgetSpent => "STILL OPEN, the hour's writes are spent",
    }
}
