//! The alert document: JSON for machines, `schema: 1`, published as `docs/alert.schema.json`.
//! Texts in it are as they came, except that control characters are gone; whoever shows them
//! escapes them for his medium.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{Finding, Severity};
use crate::model::{Cause, Resource};
use crate::remediate::{DiffLine, Outcome};
use crate::state::incident::{Schema, Stage};

/// The `$id` of the published JSON schema.
pub const ALERT_SCHEMA_ID: &str = "https://trustwarden.dev/schema/alert-1.json";

/// One alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Always there.
    pub schema: Schema,
    /// Which message of the incident.
    pub stage: Stage,
    /// As [`crate::incident_id`] makes it; both messages of an incident carry the same.
    pub incident: String,
    /// The worst finding's.
    pub severity: Severity,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// What happened, in one line.
    pub title: String,
    /// The account it happened in, 12 digits.
    pub account: String,
    /// The stack that says so.
    pub stack: String,
    /// When the alert was made.
    pub at: Timestamp,
    /// The stack's mode: `alert` or `enforce`.
    pub mode: String,
    /// Hash of the rules it was judged by.
    pub rules: String,
    /// The event behind it; none for digests and tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The role, user or key it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<Resource>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// Who can get in now, from outside; empty where the alert is not about a role.
    #[serde(default)]
    pub grantees: Vec<Grantee>,
    /// What was done, or would be done; for *detected* what is about to happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// For how long the door was open, in seconds: from the change to its undoing, or to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_seconds: Option<i64>,
    /// What the change, or the guard's write, means for who can get in: "now also …", "no
    /// longer …".
    #[serde(default)]
    pub changes: Vec<String>,
    /// What the change did to the trust document, or what the guard did to it.
    #[serde(default)]
    pub diff: Vec<DiffLine>,
    /// The digest's content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// Further remarks: rules that differ, details left out.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Where to look.
    #[serde(default)]
    pub links: Vec<Link>,
}

/// Someone who can get in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grantee {
    /// In words: who, and what he must show.
    pub text: String,
    /// His account, if the document tells it.
    pub account: Option<String>,
    /// The registered vendor's name, where the rules know the account.
    pub vendor: Option<String>,
    /// The name under which the account is publicly known: a hint, never an approval.
    pub known_as: Option<String>,
}

/// Many alerts of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// As `root-sign-in-failed/MEDIUM/detected`.
    pub class: String,
    /// What it tells, in one sentence, where it is not the alerts of a window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// When its window began.
    pub from: Timestamp,
    /// When it ended.
    pub to: Timestamp,
    /// How many alerts the window had, those sent alone included.
    pub count: u64,
    /// How many of them are told here for the first time.
    pub folded: u64,
    /// How many of them each subject had, the most first.
    pub subjects: Vec<(String, u64)>,
    /// Some of them, in order; all of them where they fit.
    pub lines: Vec<DigestLine>,
}

/// One alert within a digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Its incident.
    pub incident: String,
    /// When.
    pub at: Timestamp,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// What.
    pub line: String,
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// As `the role in the console`.
    pub text: String,
    /// https.
    pub url: String,
}
