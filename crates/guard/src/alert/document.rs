//! The alert document: JSON for machines, `schema: 1`, published as `docs/alert.schema.json`.
//! Texts in it are as they came, except that control characters are gone; whoever shows them
//! escapes them for their medium.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::shown::one_line;
use crate::check::{Finding, Remedy, Severity};
use crate::model::{Cause, Resource, document_digest};
use crate::remediate::{DiffLine, Outcome, OutcomeKind};
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
    /// Names the trust document it judges: what an approval of the incident binds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_digest: Option<String>,
    /// That document, kept with the incident and never sent.
    #[serde(skip)]
    pub document: Option<String>,
    /// What is wrong, worst first.
    pub findings: Vec<Finding>,
    /// Who can assume the role now, from outside; empty where the alert is not about a role.
    #[serde(default)]
    pub grantees: Vec<Grantee>,
    /// What was done, or would be done; for *detected* what is about to happen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// How long the role was exposed, in seconds: from the change to its undoing, or to now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open_seconds: Option<i64>,
    /// What the change, or the guard's write, means for who can assume the role: "now also …", "no
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

impl Alert {
    /// The alert judges this trust document.
    pub(crate) fn judges(&mut self, document: &str) {
        self.document_digest = Some(document_digest(document));
        self.document = Some(document.to_owned());
    }

    /// A person has to act: nothing that the guard still does will close it.
    pub fn needs_person(&self) -> bool {
        self.outcome
            .as_ref()
            .is_some_and(|outcome| match outcome.kind {
                OutcomeKind::Ordered => false,
                OutcomeKind::Refused | OutcomeKind::Failed => true,
                _ => outcome.open,
            })
    }

    /// The third parties that its findings name.
    pub(crate) fn third_parties(&self) -> Option<String> {
        third_parties(&self.findings)
    }

    /// It is still exposed, and not because an order is on its way that will close it.
    pub(crate) fn is_open(&self) -> bool {
        let writes = self.mode == "enforce";
        self.outcome.as_ref().is_some_and(|outcome| {
            outcome.open && !(writes && outcome.kind == OutcomeKind::Ordered)
        })
    }
}

/// The accounts, vendors and other principals that findings name.
pub(crate) fn third_parties(findings: &[Finding]) -> Option<String> {
    let mut parties: Vec<&str> = Vec::new();
    for found in findings {
        let account = found.third_party.as_deref();
        let named = account.or(found.vendor.as_deref());
        // Where a trust policy admits no account, its finding names the principal.
        let said = found.code.remedy() == Remedy::TrustPolicy;
        let party = named.or(said.then_some(found.message.as_str()));
        parties.extend(party.filter(|party| !parties.contains(party)));
    }
    (!parties.is_empty()).then(|| one_line(&parties.join(", "), 400))
}

/// Someone who can assume the role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grantee {
    /// In words: who, and what they must show.
    pub text: String,
    /// Their account, if the document tells it.
    pub account: Option<String>,
    /// The registered vendor's name, where the rules know the account.
    pub vendor: Option<String>,
    /// Who answers for the vendor on our side, as the rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Where the vendor was approved, as the rules say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ticket: Option<String>,
    /// The name under which the account is publicly known: a hint, never an approval.
    pub known_as: Option<String>,
}

/// Many alerts of one class, in one message or several.
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
    /// How many of them are told here for the first time, in all messages of the digest.
    pub folded: u64,
    /// How many of all are still exposed, as far as is known.
    #[serde(default)]
    pub open: u64,
    /// Which of its messages this is, from 1.
    #[serde(default = "one")]
    pub page: u64,
    /// How many messages it has.
    #[serde(default = "one")]
    pub pages: u64,
    /// How many alerts no message names.
    #[serde(default)]
    pub left: u64,
    /// In the first message: the third parties and actors of all alerts of the window; what is
    /// still exposed first, then the newest of each third party.
    #[serde(default)]
    pub groups: Vec<DigestGroup>,
    /// How many more groups there are.
    #[serde(default)]
    pub more_groups: u64,
    /// The partition key under which the table keeps each alert of the window, for 7 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<String>,
    /// How many of the alerts of this message each subject had, the most first.
    pub subjects: Vec<(String, u64)>,
    /// The alerts of this message, what is still exposed first, then the newest of each third
    /// party.
    pub lines: Vec<DigestLine>,
}

fn one() -> u64 {
    1
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            class: String::new(),
            about: None,
            from: Timestamp::UNIX_EPOCH,
            to: Timestamp::UNIX_EPOCH,
            count: 0,
            folded: 0,
            open: 0,
            page: 1,
            pages: 1,
            left: 0,
            groups: Vec::new(),
            more_groups: 0,
            kept: None,
            subjects: Vec::new(),
            lines: Vec::new(),
        }
    }
}

/// Alerts of one third party and actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestGroup {
    /// Who has access by them; none where they are not about access.
    pub third_party: Option<String>,
    /// Who did it; none where that is not known.
    pub actor: Option<String>,
    /// How many there are.
    pub count: u64,
    /// How many of them are still exposed, as far as is known.
    pub open: u64,
    /// The newest subjects, each once.
    pub subjects: Vec<String>,
}

/// One alert within a digest, or several of one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DigestLine {
    /// Its incident; of several the newest.
    pub incident: String,
    /// When.
    pub at: Timestamp,
    /// `role/NAME`, `user/NAME`, `root`.
    pub subject: String,
    /// What.
    pub line: String,
    /// Who has access by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<String>,
    /// Who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// It is still exposed, as far as is known.
    #[serde(default)]
    pub open: bool,
    /// The incidents of the other alerts of this subject, third party and actor, newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<String>,
}

impl DigestLine {
    /// How many alerts it is.
    pub fn count(&self) -> u64 {
        self.also.len() as u64 + 1
    }

    /// Their incidents, newest first.
    pub fn incidents(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.incident)
            .chain(&self.also)
            .map(String::as_str)
    }
}

/// Where to look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// As `the role in the console`.
    pub text: String,
    /// https.
    pub url: String,
}
