//! Orders that wait for their time: in a group of their own, so that nothing behind them waits, too.

use jiff::{SignedDuration, Timestamp};

use crate::handlers::HandleError;
use crate::model::seconds_between;
use crate::order::{Ack, LaterOrder, Order, RoleOrder, Task, WAITING_SECONDS};
use crate::ports::{Clock, Orders, SendOrderError, World};
use crate::remediate::task::RoleTask;
use crate::state::incident::incident_id;

/// Pauses shorter than this hold up what is behind: to send an order anew takes as long.
const SHORT_SECONDS: u64 = 10;

/// Waits on, or sends the order that waited to the end of its own group.
pub(super) async fn wait<W: World>(
    world: &W,
    order: &Order,
    later: &LaterOrder,
) -> Result<Ack, HandleError> {
    let now = world.clock().now();
    let left = u64::try_from(seconds_between(now, later.at)).unwrap_or(0);
    let due = left == 0 || has_waited(world, order, later, now).await;
    if !due && let Some(wait) = order.waits(left, now) {
        return Ok(Ack::in_seconds(wait));
    }
    let fresh = Order {
        issued_at: now,
        task: Task::Later(LaterOrder {
            due,
            ..later.clone()
        }),
        ..order.clone()
    };
    world.orders().send_order(&fresh).await?;
    Ok(Ack::Done)
}

/// A short wait is over when its message comes again: the queue has kept the time. Without state the
/// clock does.
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

/// Looks again after so many seconds. An order about a role goes to the end of its group for that,
/// for a newer change of the role may stand behind it.
pub(super) async fn again<W: World>(world: &W, order: &Order, seconds: u64) -> Ack {
    let about_role = matches!(order.task, Task::Observe(_) | Task::Remediate(_));
    if seconds < SHORT_SECONDS || !about_role {
        return Ack::in_seconds(seconds);
    }
    let now = world.clock().now();
    let pause = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    let at = now.checked_add(pause).unwrap_or(now);
    match world.orders().send_order(&order.later(at, now)).await {
        Ok(()) => Ack::Done,
        // Then it waits where it is.
        Err(_) => Ack::in_seconds(seconds),
    }
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
