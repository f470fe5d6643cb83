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
mod remember_permissions;
mod undo_permissions;
mod write;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::check::Severity;
use crate::detect::Verdict;
use crate::handlers::HandleError;
use crate::handlers::publish::call_meanwhile;
use crate::handlers::remediator::conclude::conclude;
use crate::handlers::remediator::deactivate_key::{deactivate, key_alert};
use crate::handlers::remediator::digest::publish_digest;
use crate::handlers::remediator::finish::{finish, publish_and_finish, role_alert};
use crate::handlers::remediator::lift_session_denial::lift_session_denial;
use crate::handlers::remediator::remember_permissions::remember_permissions;
use crate::handlers::remediator::undo_permissions::{detach, permissions_alert};
use crate::handlers::remediator::write::{Written, write};
use crate::model::seconds_between;
use crate::order::{Disposition, ForeignOrder, Order, Task};
use crate::ports::{Clock, Keys, Roles, StateError, World, WritePermissions, WriteRoles};
use crate::remediate::judged::judge;
use crate::remediate::task::{RoleTask, STATE_SECONDS};
use crate::remediate::{Action, Ending, Live, OutcomeKind, Seen, decide};

/// How long the remediator waits for a deploy that is on its way to reach it, too.
const SKEW_SECONDS: i64 = 10 * 60;
/// Carries out one order. The answer says what becomes of its message.
///
/// # Errors
/// [`HandleError`]: the message has to come again after its visibility time-out, and after enough
/// of that belongs in the dead-letter queue.
pub async fn carry_out<W: World<Roles: WritePermissions>>(
    world: &W,
    guard: &GuardConfig,
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
    let task = RoleTask {
        guard,
        order,
        role,
        remediate,
        attempts,
        first_at: progress.first_at,
        now,
    };
    let done = carry_out_on_role(world, task).await;
    unless_state_fails(world, guard, order, now, done).await
}

async fn unless_state_fails<W: World>(
    world: &W,
    guard: &GuardConfig,
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
    guard: &GuardConfig,
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
            let task = RoleTask {
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
                let alert = role_alert(task, seen, &Ending::live(OutcomeKind::Failed, text, true));
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

/// Reads what there is to see of the role, decides, and does what the step says.
async fn carry_out_on_role<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
) -> Result<Disposition, HandleError> {
    let RoleTask { guard, role, .. } = task;
    let read = world.roles().read_role(&role.role).await;
    let (live, known) = match &read {
        Err(error) => (Live::Unread(error.to_string()), None),
        Ok(live) => {
            let known = world
                .state()
                .role_history(&guard.account, &role.role)
                .await?;
            (live.as_ref().map_or(Live::Absent, Live::Role), known)
        }
    };
    let step = decide(&Seen { task, live, known });
    if let Some(closed) = &step.close {
        world.state().save_role_history(closed).await?;
    }
    let mut history = step.history;
    if let Some(history) = history.as_mut().filter(|_| step.save) {
        history.version = world.state().save_role_history(history).await?;
    }
    let live = read.ok().flatten();
    let seen = live.as_ref().zip(step.judgement.as_ref());
    let alert = match (step.action, history, live.as_ref()) {
        (Action::Wait(seconds), ..) => return Ok(Disposition::in_seconds(seconds)),
        (Action::Finish(None), ..) => return finish(world, task).await,
        (Action::Finish(Some(ending)), ..) => role_alert(task, seen, &ending),
        (Action::Conclude { own, note }, Some(mut history), Some(live)) => {
            conclude(world, task, &mut history, &own, live, note).await?
        }
        (Action::Write(wanted), Some(mut history), Some(live)) => {
            match write(world, task, live, &mut history, wanted).await? {
                Written::Again(seconds) => return Ok(Disposition::in_seconds(seconds)),
                Written::Not(ending) => role_alert(task, seen, &ending),
                Written::Stands(own, live) => {
                    conclude(world, task, &mut history, &own, &live, None).await?
                }
            }
        }
        // Neither is decided without a live role and its history.
        (Action::Conclude { .. } | Action::Write(_), ..) => return finish(world, task).await,
    };
    publish_and_finish(world, guard, task.order, &alert).await
}
