//! What all detecting functions share: the alert about an event goes out, then the order.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::Alert;
use crate::alert::build::{Story, alert, cause};
use crate::check::Finding;
use crate::cloudtrail::{Record, Unreadable};
use crate::detect::unreadable_event;
#[cfg(feature = "faults")]
use crate::handlers::publish::Delivery;
use crate::handlers::publish::publish_once;
use crate::handlers::{HandleError, Handled};
use crate::model::{Cause, Resource, seconds_between};
use crate::order::Order;
use crate::ports::{Clock, Orders, World};
use crate::state::incident::{Stage, incident_id};

/// The alert about an event.
pub(in crate::handlers) fn event_alert(
    guard: &GuardConfig,
    record: &Record,
    subject: Resource,
    title: String,
    findings: &[Finding],
    function: &str,
    now: Timestamp,
) -> Alert {
    let cause = cause(record, now);
    let incident = incident_of(guard, &cause, function);
    let story = Story {
        stage: Stage::Detected,
        incident: &incident,
        title,
        cause: Some(&cause),
        resource: Some(subject),
        findings,
        now,
    };
    alert(guard, story)
}

pub(in crate::handlers) fn incident_of(
    guard: &GuardConfig,
    cause: &Cause,
    function: &str,
) -> String {
    incident_id(&guard.account, &format!("{}{function}", cause.event_id))
}

/// The alert goes out, then the order. The order goes out even if the alert does not: closing
/// the remediation must not wait for the topic. Whichever failed, the event comes again.
pub(in crate::handlers) async fn alerted<W: World>(
    world: &W,
    guard: &GuardConfig,
    alert: Alert,
    order: Option<Order>,
) -> Result<Handled, HandleError> {
    let reported = publish_once(world, guard, &alert).await;
    #[cfg(feature = "faults")]
    let reported = reported.or_else(|error| {
        skip!("retry-alert")
            .then_some(Delivery::Before)
            .ok_or(error)
    });
    if let Some(order) = order {
        world.orders().send_order(&order).await?;
    }
    Ok(Handled::Alerted {
        incident: alert.incident,
        reported: reported?,
    })
}

pub(in crate::handlers) async fn unreadable_record<W: World>(
    world: &W,
    guard: &GuardConfig,
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
    let subject = Resource::new(kind, "unknown");
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
        // Only a look at all roles finds out which one it was.
        world.state().request_sweep(&guard.account, now).await?;
    }
    handled
}
