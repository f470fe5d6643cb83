//! The function that watches the guard itself, by a path of its own: its queue, its topic, no table,
//! no order. Who can silence the rest has to silence this, too, and each tells of the other.

use jiff::Timestamp;
use serde_json::Value;

use crate::GuardConfig;
use crate::alert::build::{Story, alert as story_alert};
use crate::alert::pages::{arranged, pages};
use crate::alert::{Alert, Digest, DigestLine, actor_words, one_line};
use crate::check::{Check, Finding};
use crate::cloudtrail::Record;
use crate::detect::{OwnStack, Tampering, finding, tampering};
use crate::handlers::detect::alert::event_alert;
use crate::model::Resource;
use crate::ports::{Alerts, PublishError};
use crate::state::incident::Stage;

/// So many changes of a batch are reported one by one; more stand in one message, so that no flood
/// of them makes SNS suspend the subscriptions.
const ALONE: usize = 3;

/// Reports what of these events (as EventBridge sends them) changed the guard; says how many did.
///
/// # Errors
/// [`PublishError`]: the events have to come again. What was published then goes out twice.
pub async fn guard_tamper<A: Alerts>(
    topic: &A,
    guard: &GuardConfig,
    own: &OwnStack,
    events: &[&str],
    now: Timestamp,
) -> Result<usize, PublishError> {
    let mut alerts: Vec<Alert> = Vec::new();
    for event in events {
        let alert = tampering_alert(guard, own, event, now);
        // Two rules may hand on the same event: each would see that the other is switched off.
        let is_new = |alert: &Alert| alerts.iter().all(|one| one.incident != alert.incident);
        alerts.extend(alert.filter(is_new));
    }
    let found = alerts.len();
    if found <= ALONE {
        for alert in alerts {
            topic.publish_alert(&alert).await?;
        }
    } else {
        for page in pages(together(guard, &alerts, now)) {
            topic.publish_alert(&page).await?;
        }
    }
    Ok(found)
}

fn tampering_alert(
    guard: &GuardConfig,
    own: &OwnStack,
    event: &str,
    now: Timestamp,
) -> Option<Alert> {
    let record = Record::from_text(event).unwrap_or_default();
    let Ok(whole) = serde_json::from_str::<Value>(event) else {
        let unreadable = "an event for the guard's own watch is not JSON".to_owned();
        return Some(alert(guard, &record, "unknown", unreadable, now));
    };
    let detail = whole.get("detail").unwrap_or(&whole);
    let tampering = tampering(detail, own)?;
    let message = in_words(&tampering, own);
    let named = tampering.named.first().unwrap_or(&tampering.call);
    Some(alert(guard, &record, named, message, now))
}

fn alert(
    guard: &GuardConfig,
    record: &Record,
    named: &str,
    message: String,
    now: Timestamp,
) -> Alert {
    let found: Finding = finding(&guard.rules, Check::GuardTampered, message);
    let title = format!("{}: {}", found.code.title(), found.message);
    let name = named.rsplit([':', '/']).next().unwrap_or(named);
    let arn = named.starts_with("arn:").then(|| named.to_owned());
    let subject = Resource::new("guard", name).known_as(arn, None);
    event_alert(
        guard,
        record,
        subject,
        title,
        &[found],
        "/guard-tamper",
        now,
    )
}

/// `events:PutRule on trustwarden-RoleTrustRule-1ABC: the rule may match other events, or none`.
fn in_words(tampering: &Tampering, own: &OwnStack) -> String {
    let named = match tampering.named.as_slice() {
        [] => String::new(),
        [one] => format!(" on {one}"),
        [one, rest @ ..] => format!(" on {one} and {} more", rest.len()),
    };
    let unsure = if own.is_listed() || tampering.named.is_empty() {
        ""
    } else {
        " (the stack's resources could not be listed; this one is named after it)"
    };
    format!("{}{named}: {}{unsure}", tampering.call, tampering.effect)
}

/// One message for many changes; each has a line.
fn together(guard: &GuardConfig, alerts: &[Alert], now: Timestamp) -> Alert {
    let count = alerts.len() as u64;
    let time = |alert: &Alert| alert.cause.as_ref().map_or(now, |cause| cause.event_time);
    let from = alerts.iter().map(time).min().unwrap_or(now);
    let lines = alerts.iter().map(|alert| {
        let actor = alert.cause.as_ref().map(|cause| &cause.actor);
        // Each kind of change is a subject of its own: alike are those of one call on one thing.
        let what = alert.findings.first().map_or("", |found| &found.message);
        DigestLine {
            incident: alert.incident.clone(),
            at: time(alert),
            subject: one_line(what, 200),
            line: actor.map_or_else(String::new, |actor| one_line(&actor_words(actor), 200)),
            third_party: None,
            actor: actor.map(|actor| one_line(&actor.in_words(), 200)),
            open: false,
            also: Vec::new(),
        }
    });
    let digest = Digest {
        class: format!("{}/CRITICAL/detected", Check::GuardTampered),
        about: Some(format!("{count} changes to the guard at once.")),
        from,
        to: now,
        count,
        folded: count,
        lines: arranged(lines.collect()),
        ..Digest::default()
    };
    let message = format!("{count} changes to the guard at once");
    let found = finding(&guard.rules, Check::GuardTampered, message.clone());
    let first = alerts.first().map(|alert| alert.incident.clone());
    let story = Story {
        stage: Stage::Digest,
        incident: &first.unwrap_or_default(),
        title: message,
        cause: None,
        resource: None,
        findings: std::slice::from_ref(&found),
        now,
    };
    Alert {
        subject: format!("{count} {}", Check::GuardTampered),
        digest: Some(digest),
        ..story_alert(guard, story)
    }
}
