//! The remediator: one order at a time per role. It looks at the live role, and remembers what
//! is lawful or puts right what is not.
//!
//! Nothing here is held in memory between two effects that state does not know as well: an order
//! that comes again, after a crash or just so, is picked up from the history and from what is
//! live, never from what the first attempt had in mind.

mod conclude;
mod deactivate_key;
mod digest;
mod finish;
mod lift_session_denial;
mod observe;
mod remember_permissions;
pub(super) mod task;
mod undo_permissions;
mod violation;
mod write;

use jiff::Timestamp;

use crate::check::Severity;
use crate::detect::Verdict;
use crate::handlers::alert_builder::seconds_between;
use crate::handlers::judged::judge;
use crate::handlers::publish::call_meanwhile;
use crate::handlers::remediator::deactivate_key::{deactivate, key_alert};
use crate::handlers::remediator::digest::publish_digest;
use crate::handlers::remediator::finish::{end, finish, role_alert};
use crate::handlers::remediator::lift_session_denial::lift_session_denial;
use crate::handlers::remediator::observe::{observe, settled};
use crate::handlers::remediator::remember_permissions::remember_permissions;
use crate::handlers::remediator::task::{Assignment, STATE_SECONDS, TRIES};
use crate::handlers::remediator::undo_permissions::{detach, permissions_alert};
use crate::handlers::remediator::violation::put_right;
use crate::handlers::{Guard, HandleError};
use crate::model::LiveRole;
use crate::order::{Disposition, ForeignOrder, Order, RoleChange, RoleOrder, Task};
use crate::ports::{Clock, Keys, Roles, State, StateError, World, WritePermissions, WriteRoles};
use crate::remediate::OutcomeKind;
use crate::state::history::RoleHistory;

/// How long the remediator waits for a deploy that is on its way to reach it, too.
const SKEW_SECONDS: i64 = 10 * 60;
/// Carries out one order. The answer says what becomes of its message.
///
/// # Errors
/// [`HandleError`]: the message has to come again after its visibility time-out, and after enough
/// of that belongs in the dead-letter queue.
pub async fn carry_out<W: World<Roles: WritePermissions>>(
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
    order.has_been_sent_by(now)?;
    if let Task::Digest(window) = &order.task {
        return publish_digest(world, guard, order, window).await;
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
    let attempts = progress.attempts;
    let about_permissions = match &order.task {
        Task::Detach(task) => Some(detach(world, guard, order, task, progress).await),
        Task::RememberPermissions(holder) => {
            Some(remember_permissions(world, guard, order, holder, attempts).await)
        }
        _ => None,
    };
    if let Some(done) = about_permissions {
        return unless_state_fails(world, guard, order, now, done).await;
    }
    let (role, remediate) = match &order.task {
        Task::Observe(role) => (role, false),
        Task::Remediate(role) => (role, true),
        Task::DeactivateKey(key) => {
            return deactivate(world, guard, order, key, progress.attempts).await;
        }
        Task::LiftSessionDenial(lift) => {
            return lift_session_denial(world, guard, order, lift, progress.attempts).await;
        }
        Task::Digest(_) | Task::Detach(_) | Task::RememberPermissions(_) => {
            return Ok(Disposition::Done);
        }
    };
    let task = Assignment {
        guard,
        order,
        role,
        remediate,
        attempts,
        first_at: progress.first_at,
        now,
    };
    let done = look_at_role(world, task).await;
    unless_state_fails(world, guard, order, now, done).await
}

async fn unless_state_fails<W: World>(
    world: &W,
    guard: &Guard,
    order: &Order,
    now: Timestamp,
    done: Result<Disposition, HandleError>,
) -> Result<Disposition, HandleError> {
    match done {
        Err(HandleError::State(StateError::Conflict { .. })) => {
            // Somebody else saved the history: what was decided here no longer counts.
            Ok(Disposition::in_seconds(1))
        }
        Err(HandleError::State(error)) => without_state(world, guard, order, error, now).await,
        other => other,
    }
}

/// Without state nothing is written. For a while the order waits; then people are called, and it goes
/// on waiting: what comes of it is told as ever, unless it ends in the dead-letter queue. Nobody is
/// called for a role that is lawful by now.
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
    let text = format!(
        "nothing yet: {error}, and without it nothing is written. It is retried, and the outcome \
         will be reported; until then, manual action is required"
    );
    match &order.task {
        Task::Remediate(role) => {
            let task = Assignment {
                guard,
                order,
                role,
                remediate: true,
                attempts: 0,
                first_at: now,
                now,
            };
            let live = world.roles().read_role(&role.role).await.ok().flatten();
            let seen = live.as_ref().map(|live| {
                let judgement = judge(guard, live, &live.document, now);
                (live, judgement)
            });
            let seen = seen.as_ref().map(|(live, judgement)| (*live, judgement));
            if seen.is_none_or(|(_, judgement)| judgement.verdict != Verdict::Approved) {
                let alert = role_alert(task, seen, OutcomeKind::Failed, text, true);
                call_meanwhile(world, guard, &alert).await?;
            }
        }
        Task::DeactivateKey(key) => {
            let mut alert = key_alert(guard, key, OutcomeKind::Failed, text, now);
            alert.severity = Severity::Critical;
            call_meanwhile(world, guard, &alert).await?;
        }
        Task::Detach(task) => {
            let kind = OutcomeKind::Failed;
            let alert = permissions_alert(guard, task, None, kind, text, true, now);
            call_meanwhile(world, guard, &alert).await?;
        }
        Task::Observe(_)
        | Task::Digest(_)
        | Task::LiftSessionDenial(_)
        | Task::RememberPermissions(_) => {}
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
    if shows_the_predecessor(role, &live) && attempts < TRIES {
        return Ok(Disposition::after_attempt(attempts));
    }
    let history = match known {
        Some(known) if known.role_id == live.role_id => {
            // A late event of an older role of this name says nothing about this one.
            let older = live
                .created
                .is_some_and(|created| created > role.cause.event_time);
            if role.change == RoleChange::Deleted && !older && task.doubts() {
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
            next.recreated = true;
            next.writes.clone_from(&known.writes);
            next.written.clone_from(&known.written);
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
            let text = "nothing: the live trust policy cannot be judged, so no document can be \
                 shown to be compliant; manual action required";
            let live = Some((&live, &judgement));
            end(
                world,
                task,
                live,
                OutcomeKind::Unjudged,
                text.to_owned(),
                true,
            )
            .await
        }
    }
}

/// The event created a role, and IAM still shows the one that had its name before: it is older than
/// the event, by more than clocks differ.
fn shows_the_predecessor(role: &RoleOrder, live: &LiveRole) -> bool {
    let older = |created| seconds_between(created, role.cause.event_time) > 1;
    role.change == RoleChange::Created && role.cause.is_event() && live.created.is_some_and(older)
}

/// The role is not there, or not to be seen yet.
async fn gone<W: World>(
    world: &W,
    task: Assignment<'_>,
    known: Option<RoleHistory>,
) -> Result<Disposition, HandleError> {
    if task.role.change != RoleChange::Deleted && task.doubts() {
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
