//! The remediator: one order at a time per role. It looks at the live role, and remembers what
//! complies or remediates what does not.
//!
//! Nothing here is held in memory between two effects that state does not know as well: an order
//! that comes again, after a crash or just so, is picked up from the history and from what is
//! live, never from what the first attempt had in mind.

mod finish;
mod key;
mod later;
mod permissions;
mod role;
mod session_denial;
mod write;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::outcome::{key_alert, permissions_alert, role_alert};
use crate::detect::Verdict;
use crate::handlers::HandleError;
use crate::handlers::publish::publish_interim;
use crate::handlers::remediator::finish::{Ended, finish};
use crate::handlers::remediator::key::deactivate;
use crate::handlers::remediator::later::{digest, wait};
use crate::handlers::remediator::permissions::{remember_permissions, undo_change};
use crate::handlers::remediator::role::remediate;
use crate::handlers::remediator::session_denial::lift_session_denial;
use crate::model::seconds_between;
use crate::order::{Ack, Order, Task};
use crate::ports::{Clock, Roles, StateError, World, WritePermissions};
use crate::remediate::judged::judge;
use crate::remediate::task::{STATE_SECONDS, awaits_deploy};
use crate::remediate::{Assignment, Ending, OutcomeKind};

/// Carries out one order. The answer says what becomes of its message.
///
/// # Errors
/// [`HandleError`]: the message has to come again after its visibility time-out, and after enough
/// of that belongs in the dead-letter queue.
pub async fn carry_out<W: World<Roles: WritePermissions>>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
) -> Result<Ack, HandleError> {
    let now = world.clock().now();
    let order = order.received(&guard.account, now)?;
    let waiting = match &order.task {
        Task::Digest(window) => Some(digest(world, guard, order, window).await?),
        Task::Later(later) if !later.due => Some(wait(world, order, later).await?),
        _ => None,
    };
    if let Some(ended) = waiting {
        return finish(world, guard, order, ended).await;
    }
    if let Some(seconds) = awaits_deploy(guard, order, now) {
        return Ok(Ack::in_seconds(seconds));
    }
    let attempt = async {
        let id = order.id();
        let progress = world.state().begin_order(&order.account, &id, now).await?;
        if progress.done {
            return Ok(Ack::Done);
        }
        let task = Assignment {
            guard,
            order,
            about: &(),
            attempts: progress.attempts,
            first_at: progress.first_at,
            now,
        };
        let ended = attempt(world, task).await?;
        finish(world, guard, order, ended).await
    };
    match attempt.await {
        // Somebody else saved the history: what was decided here no longer counts.
        Err(HandleError::State(StateError::Conflict { .. })) => Ok(Ack::in_seconds(1)),
        Err(HandleError::State(error)) => without_state(world, guard, order, error, now).await,
        other => other,
    }
}

/// Reads, decides and acts, once.
async fn attempt<W: World<Roles: WritePermissions>>(
    world: &W,
    task: Assignment<'_, ()>,
) -> Result<Ended, HandleError> {
    match &task.order.task {
        Task::Observe(role) | Task::Remediate(role) => remediate(world, task.about(role)).await,
        Task::DeactivateKey(key) => deactivate(world, task.about(key)).await,
        Task::LiftSessionDenial(lift) => lift_session_denial(world, task.about(lift)).await,
        Task::Detach(change) => undo_change(world, task.about(change)).await,
        Task::RememberPermissions(held) => remember_permissions(world, task.about(held)).await,
        Task::Digest(_) | Task::Later(_) => Ok(Ended::Silently),
    }
}

/// Without state nothing is written. For a while the order waits; then people are called, and it
/// goes on waiting: what comes of it is reported as ever, unless it ends in the dead-letter queue.
/// Nobody is called for a role that complies by now.
async fn without_state<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    error: StateError,
    now: Timestamp,
) -> Result<Ack, HandleError> {
    if skip!("wait-for-state") {
        return Ok(Ack::Done);
    }
    let unreadable = matches!(error, StateError::Unreadable { .. });
    if seconds_between(order.issued_at, now) < STATE_SECONDS && !unreadable {
        return Ok(Ack::in_seconds(60));
    }
    let text = format!(
        "nothing yet: {error}, and without it nothing is written. It is retried, and the outcome \
         will be reported; until then, manual action is required"
    );
    let ending = Ending::live(OutcomeKind::Failed, text, true);
    let task = Assignment {
        guard,
        order,
        about: &(),
        attempts: 0,
        first_at: now,
        now,
    };
    let alert = match &order.task {
        Task::Remediate(role) => {
            let live = world.roles().read_role(&role.role).await.ok().flatten();
            let seen = live.as_ref().map(|live| {
                let judgement = judge(guard, live, &live.document, now);
                (live, judgement)
            });
            let seen = seen.as_ref().map(|(live, judgement)| (*live, judgement));
            let exposed = seen.is_none_or(|(_, judgement)| judgement.verdict != Verdict::Approved);
            exposed.then(|| role_alert(task.about(role), seen, &ending))
        }
        Task::DeactivateKey(key) => Some(key_alert(task.about(key), &ending)),
        Task::Detach(change) => Some(permissions_alert(task.about(change), None, &ending)),
        Task::Observe(_)
        | Task::Digest(_)
        | Task::Later(_)
        | Task::LiftSessionDenial(_)
        | Task::RememberPermissions(_) => None,
    };
    if let Some(alert) = alert {
        publish_interim(world, guard, &alert).await?;
    }
    Err(error.into())
}
