//! An incident: one event that violates the rules, told in two messages. Its id follows from the
//! event's id, so that a duplicate of the event is the same incident.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The version of every item, order and alert that this build writes.
pub const SCHEMA: u32 = 1;

/// The `schema` field: written as [`SCHEMA`], read as that or the one before. Anything newer or
/// older is refused, never guessed at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Schema;

impl Serialize for Schema {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(SCHEMA)
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let schema = u32::deserialize(deserializer)?;
        // There is no schema 0: the first one has none before it.
        if schema == 0 || schema > SCHEMA || schema + 1 < SCHEMA {
            return Err(serde::de::Error::custom(format_args!(
                "schema {schema} is not readable by this version, which knows {SCHEMA} and the one before"
            )));
        }
        Ok(Self)
    }
}

/// The id of the incident that an event makes: `TW-` and 12 characters of a hash over account
/// and event id. Short enough to say on the phone; the same for every delivery of the event.
pub fn incident_id(account: &str, event_id: &str) -> String {
    // Without the letters and digits that are mistaken for one another.
    const ALPHABET: [char; 32] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H',
        'J', 'K', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
    ];
    let mut hash = Sha256::new();
    hash.update(account.as_bytes());
    hash.update([0]);
    hash.update(event_id.as_bytes());
    let text: String = hash
        .finalize()
        .iter()
        .take(12)
        .filter_map(|byte| ALPHABET.get(usize::from(byte & 31)))
        .collect();
    format!("TW-{text}")
}

/// Which of an incident's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// At once: what was seen.
    Detected,
    /// When it is over: what was done.
    Outcome,
    /// Many of a class, together.
    Digest,
    /// A marked alert through every channel.
    Test,
}

impl Stage {
    /// As in keys and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Detected => "detected",
            Self::Outcome => "outcome",
            Self::Digest => "digest",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Names one alert: what a lease is taken for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertKey {
    /// 12 digits.
    pub account: String,
    /// As [`incident_id`] makes it; for a digest the key of its window.
    pub incident: String,
    /// Which of its messages.
    pub stage: Stage,
}

/// What is kept of an alert once it is out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Always there.
    pub schema: Schema,
    /// Which alert.
    pub key: AlertKey,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// The alert's severity, uppercase.
    pub severity: crate::Severity,
    /// One line.
    pub title: String,
    /// When it went out.
    pub published_at: Timestamp,
    /// It is still exposed, as far as this alert knows.
    #[serde(default)]
    pub open: bool,
    /// The alert itself, without what is long; null in items of before this was kept.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub alert: Value,
    /// The trust document that it judged, if it is no longer than IAM takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

/// An incident in the list of its day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentLine {
    /// Always there.
    pub schema: Schema,
    /// As [`incident_id`] makes it.
    pub incident: String,
    /// Which of its messages.
    pub stage: Stage,
    /// When it went out.
    pub at: Timestamp,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// The alert's severity.
    pub severity: crate::Severity,
    /// One line.
    pub title: String,
    /// It is still exposed, as far as this message knows.
    pub open: bool,
}

impl IncidentLine {
    pub(super) fn of(incident: &Incident) -> Self {
        Self {
            schema: Schema,
            incident: incident.key.incident.clone(),
            stage: incident.key.stage,
            at: incident.published_at,
            subject: incident.subject.clone(),
            severity: incident.severity,
            title: incident.title.clone(),
            open: incident.open,
        }
    }
}
