//! Orders that wait for their time: in a group of their own, so that nothing behind them waits,
//! too.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::digest::{digest_alert, seconds_until};
use crate::handlers::HandleError;
use crate::handlers::remediator::finish::Ended;
use crate::model::seconds_between;
use crate::order::{LaterOrder, Order, RoleOrder, Task, WAITING_SECONDS};
use crate::ports::{Clock, Orders, SendOrderError, World};
use crate::remediate::task::RoleTask;
use crate::state::digest_window::FoldWindow;
use crate::state::incident::incident_id;

/// Waits on, or sends the order that waited to the end of its own group.
pub(super) async fn wait<W: World>(
    world: &W,
    order: &Order,
    later: &LaterOrder,
) -> Result<Ended, HandleError> {
    let now = world.clock().now();
    let left = u64::try_from(seconds_between(now, later.at)).unwrap_or(0);
    let due = left == 0 || has_waited(world, order, later, now).await;
    let task = Task::Later(LaterOrder {
        due,
        ..later.clone()
    });
    stay(world, order, task, if due { 0 } else { left }, now).await
}

/// The digest of a window, once that is over. Each alert that is folded sends its order; the queue
/// keeps one, which waits there, so it needs no further event.
pub(super) async fn digest<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    window: &FoldWindow,
) -> Result<Ended, HandleError> {
    let now = world.clock().now();
    let left = seconds_until(window, now);
    if left > 0 {
        return stay(world, order, order.task.clone(), left, now).await;
    }
    let Ok(folded) = world.state().folded(window).await else {
        return Ok(Ended::Again(60));
    };
    let alert = digest_alert(guard, window, folded, now);
    Ok(alert.map_or(Ended::Silently, |alert| Ended::Reported(Box::new(alert))))
}

/// Stays in the queue; a message that has been there for a while is replaced by a fresh one, so
/// that an old one always means an order that is stuck.
async fn stay<W: World>(
    world: &W,
    order: &Order,
    task: Task,
    seconds: u64,
    now: Timestamp,
) -> Result<Ended, HandleError> {
    if let Some(wait) = order.waits(seconds, now).filter(|wait| *wait > 0) {
        return Ok(Ended::Again(wait));
    }
    let fresh = Order {
        issued_at: now,
        task,
        ..order.clone()
    };
    world.orders().send_order(&fresh).await?;
    Ok(Ended::Silently)
}

/// A short wait is over when its message comes again: the queue has kept the time. Without state
/// the clock does.
async fn has_waited<W: World>(
    world: &W,
    order: &Order,
    later: &LaterOrder,
    now: Timestamp,
) -> bool {
    let whole = u64::try_from(seconds_between(order.issued_at, later.at)).unwrap_or(0);
    if whole >= WAITING_SECONDS {
        return false;
    }
    let (state, id) = (world.state(), order.id());
    let begun = state.begin_order(&order.account, &id, now).await;
    begun.is_ok_and(|begun| begun.attempts > 1)
}

/// Orders the remediation of a role once more, when the budget is free again. However many orders
/// found it spent, one comes of it.
pub(super) async fn once_more<W: World>(
    world: &W,
    task: RoleTask<'_>,
    role_id: &str,
    at: Timestamp,
) -> Result<(), SendOrderError> {
    let mut role: RoleOrder = task.about.clone();
    role.cause.event_id = format!("again-{role_id}-{}", at.as_second());
    let account = &task.guard.account;
    role.incident = Some(incident_id(account, &role.cause.event_id));
    let order = Order {
        task: Task::Remediate(role),
        issued_at: at,
        rules: task.guard.rules.hash().to_owned(),
        ..task.order.clone()
    };
    let waiting = order.later(at, world.clock().now());
    world.orders().send_order(&waiting).await
}
