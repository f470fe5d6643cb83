//! What people decided about an incident, for a while: an approval of one document of one role.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::{Check, Finding};
use crate::state::incident::Schema;

/// No approval lasts longer.
pub const MOST: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What no approval covers: a rule in git has to, or nothing does.
pub const NEVER: [Check; 2] = [Check::PublicTrust, Check::OpenIdentityProvider];

/// A person approved one trust document of one role, until a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// The role's name.
    pub role: String,
    /// `AROA…`: another role of that name is not approved.
    pub role_id: String,
    /// [`crate::model::document_digest`] of the document: another one is not approved.
    pub digest: String,
    /// The incident it was approved for.
    pub incident: String,
    /// ARN of who approved it, as AWS named them.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// From then on it is judged as if nobody had approved it.
    pub expires: Timestamp,
}

impl Approval {
    /// It covers what this document of this role is found guilty of at this moment.
    pub fn covers(
        &self,
        role_id: &str,
        digest: &str,
        findings: &[Finding],
        now: Timestamp,
    ) -> bool {
        self.role_id == role_id
            && self.digest == digest
            && self.at <= now
            && now < self.expires
            && self.expires.duration_since(self.at) <= MOST
            && !findings.iter().any(|found| NEVER.contains(&found.code))
    }

    /// Who approved it, until when and why.
    pub fn in_words(&self) -> String {
        format!(
            "approved by {} until {} ({}), incident {}",
            self.by, self.expires, self.reason, self.incident
        )
    }
}

/// What a person did about an incident, or asked the guard to record before they do it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// The incident it is about.
    pub incident: String,
    /// `approve`, `undo`.
    pub what: String,
    /// ARN of who did it, as AWS named them.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Timestamp,
    /// In a sentence.
    pub text: String,
}
