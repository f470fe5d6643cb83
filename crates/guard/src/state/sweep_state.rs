//! What the sweep remembers: how far it is, what each role looked like when it came by, and which
//! documents people have been told of.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::check::{Check, Finding, Severity};
use crate::state::incident::Schema;

/// How far the sweep of an account is. One item an account, saved whole under an optimistic
/// version, so that of two invocations one goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepProgress {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// What was deployed when the run began: rules, mode and version. Another one starts a run.
    pub deployed: String,
    /// It is the first one: what violates the rules already is told in one digest.
    pub first: bool,
    /// When the very first run began; `None` where that was before this was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
    /// That digest waits: nobody had subscribed to the alerts yet.
    #[serde(default)]
    pub untold: bool,
    /// An event hid which role it changed: no other one is waited for.
    #[serde(default)]
    pub asked: bool,
    /// When the run began.
    pub started_at: Timestamp,
    /// Where the listing goes on; `None`: at its beginning, or it is over.
    pub marker: Option<String>,
    /// RoleIds that the run has seen before this invocation: those it does not see are gone.
    #[serde(default)]
    pub seen: Vec<String>,
    /// The run is over.
    pub finished_at: Option<Timestamp>,
    /// When the next run is due.
    pub due_at: Timestamp,
    /// Until when an invocation is at it.
    pub held_until: Option<Timestamp>,
    /// What this run has found so far.
    pub tally: SweepTally,
    /// The last run that came to its end.
    pub last: Option<FinishedSweep>,
    /// Optimistic version: 0 for one that was never saved. The state raises it with each save.
    pub version: u64,
}

/// What a run found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepTally {
    /// Roles looked at.
    pub roles: u64,
    /// Of them, those that violate the rules.
    pub violating: u64,
    /// Of them, those whose document could not be judged.
    pub unreadable: u64,
    /// Orders sent to the remediator.
    pub orders: u64,
    /// Alerts made, those that stand in a digest included.
    pub alerts: u64,
    /// Roles that are gone.
    pub gone: u64,
}

/// A run that came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinishedSweep {
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// What it found.
    pub tally: SweepTally,
}

/// A role as the sweep saw it last. One item a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptRole {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// `AROA…`; with the account, the key.
    pub role_id: String,
    /// Its name.
    pub name: String,
    /// [`crate::model::document_digest`] of its trust document.
    pub digest: String,
    /// [`findings_digest`] of what was wrong with it; empty: nothing.
    pub findings: String,
    /// The worst finding's check.
    pub check: Option<Check>,
    /// The worst finding's severity.
    pub severity: Option<Severity>,
    /// The alert's title: what was wrong with it, in one line.
    pub line: String,
    /// Who has access by it, where it is about access.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<String>,
    /// When this document was first seen with these findings; names the incident.
    pub since: Timestamp,
    /// The role was created after the sweep before that.
    #[serde(default)]
    pub new: bool,
    /// When people were told; an event's alert counts.
    pub reported_at: Option<Timestamp>,
    /// It violated the rules when the guard looked for the first time.
    pub existing: bool,
    /// What policies it held then, each as [`crate::permissions::held_mark`] says it: an event about
    /// one of them tells of no change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<String>,
    /// When the remediator was last asked to put it right.
    pub ordered_at: Option<Timestamp>,
    /// How often it was asked again since, because the role was still exposed.
    pub tries: u32,
    /// When it was seen to be gone.
    pub gone_at: Option<Timestamp>,
}

/// A violating document that people have been told of, so that the sweep does not tell them
/// again. One item a role's name and document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportedDocument {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// The role's name.
    pub role: String,
    /// [`crate::model::document_digest`] of the document.
    pub digest: String,
    /// [`findings_digest`] of what was said to be wrong with it.
    pub findings: String,
    /// When the event that told of it was made.
    pub event_time: Timestamp,
    /// Who made it, in a few words, where the event said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When people were told.
    pub reported_at: Timestamp,
    /// The incident.
    pub incident: String,
}

/// What is wrong, in 32 hexadecimal digits: the same for the same checks about the same
/// statements and third parties, whatever the wording. Empty where nothing is wrong.
pub fn findings_digest(findings: &[Finding]) -> String {
    let mut parts: Vec<String> = findings
        .iter()
        .map(|finding| {
            format!(
                "{} {} {:?} {:?} {:?}",
                finding.code,
                finding.severity,
                finding.statement,
                finding.third_party,
                finding.vendor
            )
        })
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    parts.sort_unstable();
    parts.dedup();
    let mut text = String::with_capacity(32);
    for byte in Sha256::digest(parts.join("\n")).iter().take(16) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
