//! What the log says of messages that went out, each by its incident.

use guard::alert::Alert;
use guard::order::Order;
use guard::story::{About, Measured, measured, outcome_of, why_of};
use jiff::Timestamp;
use lambda_runtime::tracing::info;

pub(crate) fn order_sent(order: &Order) {
    let About {
        incident,
        event,
        subject,
    } = About::order(order);
    let order_id = order.id();
    info!(
        incident,
        event,
        subject,
        order_id,
        outcome = "ordered",
        "order sent"
    );
}

/// The alert, and each line of a digest.
pub(crate) fn alert_published(alert: &Alert) {
    let About {
        incident,
        event,
        subject,
    } = About::alert(alert);
    let (outcome, why) = (outcome_of(alert), why_of(alert));
    info!(incident, event, subject, outcome, why, "alert published");
    let now = Timestamp::now();
    if let Some(measured) = measured(alert, now) {
        let (name, value) = match measured {
            Measured::Delay(seconds) => ("AlertDelay", seconds),
            Measured::BySweep => ("AlertsBySweep", 1),
        };
        crate::metric::report(&alert.stack, name, value, &alert.incident, now);
    }
    for line in alert.digest.iter().flat_map(|digest| &digest.lines) {
        let (digest, why) = (&alert.incident, &line.line);
        let (incident, subject) = (&line.incident, &line.subject);
        info!(
            incident,
            subject,
            digest,
            outcome = "in-digest",
            why,
            "alert published in a digest"
        );
    }
}
