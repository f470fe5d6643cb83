//! What each line of a log says beside its message, so that an incident can be followed from its
//! event to its outcome.

use std::fmt;

use jiff::Timestamp;
use serde_json::Value;

use crate::alert::Alert;
use crate::cloudtrail::Record;
use crate::handlers::{Delivery, Handled};
use crate::model::{HolderKind, seconds_between};
use crate::order::{Order, Task};
use crate::state::incident::{Stage, incident_id};

/// What a line is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct About {
    /// As [`incident_id`] makes it, in every function the same for one event.
    pub incident: Option<String>,
    /// The `eventID` of CloudTrail, or what the sweep has in its place.
    pub event: Option<String>,
    /// As `role/ObserverProd`, `user/ci`, `root`.
    pub subject: String,
}

impl About {
    /// What an event is about. Names are the caller's and may be of any length and kind.
    pub fn event(account: &str, record: &Record, handled: Option<&Handled>) -> Self {
        let incident = match handled {
            Some(Handled::Alerted { incident, .. }) => incident.clone(),
            _ => incident_id(account, &record.event_id),
        };
        let named = |field: &str| record.request.get(field).and_then(Value::as_str);
        let of_kind = |kind: &str, name: &str| short(&format!("{kind}/{name}"));
        let subject = if let Some(role) = named("roleName") {
            of_kind("role", role)
        } else if let Some(user) = named("userName") {
            of_kind("user", user)
        } else if record.identity.kind.as_deref() == Some("Root") {
            "root".to_owned()
        } else {
            String::new()
        };
        Self {
            incident: Some(incident),
            event: Some(record.event_id.clone()),
            subject,
        }
    }

    /// What an order is about.
    pub fn order(order: &Order) -> Self {
        let of = |incident: Option<&String>, event: &str, subject: String| Self {
            incident: incident.cloned(),
            event: Some(event.to_owned()),
            subject,
        };
        match &order.task {
            Task::Observe(role) | Task::Remediate(role) => {
                let id = incident_id(&order.account, &role.cause.event_id);
                let incident = role.incident.as_ref().unwrap_or(&id);
                of(
                    Some(incident),
                    &role.cause.event_id,
                    format!("role/{}", role.role),
                )
            }
            Task::DeactivateKey(key) => {
                let subject = format!("access-key/{}", key.user);
                of(Some(&key.incident), &key.cause.event_id, subject)
            }
            Task::Detach(task) => {
                let subject = holder(task.kind, &task.name);
                of(Some(&task.incident), &task.cause.event_id, subject)
            }
            Task::RememberPermissions(task) => {
                let id = incident_id(&order.account, &task.event_id);
                of(Some(&id), &task.event_id, holder(task.kind, &task.name))
            }
            Task::LiftSessionDenial(lift) => Self {
                subject: format!("role/{}", lift.role),
                ..Self::default()
            },
            Task::Digest(window) => Self {
                incident: Some(window.id()),
                ..Self::default()
            },
            Task::Later(later) => Self::order(&later.order),
        }
    }

    /// What an alert is about.
    pub fn alert(alert: &Alert) -> Self {
        Self {
            incident: Some(alert.incident.clone()),
            event: alert.cause.as_ref().map(|cause| cause.event_id.clone()),
            subject: short(&alert.subject),
        }
    }
}

/// What an alert that goes out says of how well the guard sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measured {
    /// So many seconds lie between its event and now.
    Delay(i64),
    /// No event led to it: the sweep found it.
    BySweep,
}

/// What to measure by an alert that goes out now: the first word of an incident alone. What waited for a
/// digest waited for that.
pub fn measured(alert: &Alert, now: Timestamp) -> Option<Measured> {
    let about_the_guard = alert.resource.as_ref().is_some_and(|it| it.kind == "guard");
    match (&alert.cause, alert.stage) {
        (Some(cause), Stage::Detected) => {
            Some(Measured::Delay(seconds_between(cause.event_time, now)))
        }
        (None, Stage::Detected) if !about_the_guard => Some(Measured::BySweep),
        _ => None,
    }
}

/// What became of an alert's incident by it, in one word: the outcome's, or else the stage's.
pub fn outcome_of(alert: &Alert) -> String {
    let outcome = alert.outcome.as_ref();
    let word = outcome.map_or_else(
        || json_word(&alert.stage),
        |outcome| json_word(&outcome.kind),
    );
    word.unwrap_or_default()
}

/// Why: what is said of the outcome, or else the alert's title.
pub fn why_of(alert: &Alert) -> &str {
    let outcome = alert.outcome.as_ref();
    outcome.map_or(&alert.title, |outcome| &outcome.text)
}

fn json_word(value: &impl serde::Serialize) -> Option<String> {
    let word = serde_json::to_value(value).ok()?;
    word.as_str().map(str::to_owned)
}

fn holder(kind: HolderKind, name: &str) -> String {
    let kind = match kind {
        HolderKind::Role => "role",
        HolderKind::User => "user",
    };
    format!("{kind}/{name}")
}

fn short(text: &str) -> String {
    text.chars().take(200).collect()
}

/// One word for a log.
impl fmt::Display for Handled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Irrelevant => "irrelevant",
            Self::FailedCall => "failed-call",
            Self::OwnWrite => "own-write",
            Self::Approved => "approved",
            Self::Alerted { reported, .. } => match reported {
                Delivery::Alone => "alerted",
                Delivery::Before => "alerted-before",
                Delivery::InDigest => "in-digest",
                Delivery::Unleased => "alerted-without-state",
            },
        })
    }
}
