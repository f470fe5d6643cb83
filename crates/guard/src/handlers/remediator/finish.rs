//! The end of an attempt at an order: its outcome is published, then it is done.

use jiff::SignedDuration;

use crate::GuardConfig;
use crate::alert::Alert;
use crate::handlers::HandleError;
use crate::handlers::publish::{Delivery, publish_once};
use crate::model::seconds_between;
use crate::order::{Ack, Order, Task};
use crate::ports::{Alerts, Clock, Orders, World};
use crate::remediate::task::STATE_SECONDS;

/// Pauses shorter than this hold up what is behind: to send an order anew takes as long.
const SHORT_SECONDS: u64 = 10;

/// What an attempt at an order came to.
pub(super) enum Ended {
    /// The order comes again after so many seconds.
    Again(u64),
    /// It is done, and there is nothing to report.
    Silently,
    /// It is done once this is out.
    Reported(Box<Alert>),
}

/// Publishes an outcome and marks the order done. While another delivery holds the lease the
/// order waits, since its end must not come before its outcome.
pub(super) async fn finish<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    ended: Ended,
) -> Result<Ack, HandleError> {
    let now = world.clock().now();
    // An order that only waits has no progress, and that of a digest ends with its window.
    let recorded = !matches!(order.task, Task::Digest(_) | Task::Later(_));
    let alert = match ended {
        Ended::Again(seconds) => return Ok(again(world, order, seconds).await),
        Ended::Silently => None,
        Ended::Reported(alert) => Some(alert),
    };
    if let Some(alert) = &alert {
        match publish_once(world, guard, alert).await {
            // After it went out somebody may have been called while state could not say that it
            // had: the last word is what is so.
            Ok(Delivery::Before)
                if recorded && seconds_between(order.issued_at, now) >= STATE_SECONDS =>
            {
                world.alerts().publish_alert(alert).await?;
            }
            Ok(_) => {}
            Err(HandleError::InProgress { .. }) => return Ok(Ack::in_seconds(60)),
            Err(_) if skip!("publish-first") => {}
            Err(error) => return Err(error),
        }
    }
    if !recorded {
        return Ok(Ack::Done);
    }
    let state = world.state();
    match state.finish_order(&order.account, &order.id(), now).await {
        Ok(()) => Ok(Ack::Done),
        // It is out. The order comes again and finds the same.
        Err(_) if alert.is_some() => Ok(Ack::in_seconds(60)),
        Err(error) => Err(error.into()),
    }
}

/// Looks again after so many seconds. An order about a role goes to the end of its group for that,
/// for a newer change of the role may stand behind it.
async fn again<W: World>(world: &W, order: &Order, seconds: u64) -> Ack {
    let about_role = matches!(order.task, Task::Observe(_) | Task::Remediate(_));
    if seconds < SHORT_SECONDS || !about_role || skip!("let-others-by") {
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
