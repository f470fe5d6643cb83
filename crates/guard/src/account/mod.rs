//! A whole account, as opposed to one event or one document: who from outside can enter which of
//! its roles, what they must prove, which rule says so, and what only shows when all roles, rules and
//! credentials are seen together.
//!
//! Pure, as the rest of the crate: whoever reads the account gives roles one by one to
//! [`accesses`], keeps what comes of them, and asks [`Together`] at the end.

mod access;
mod chain;
mod credential_report;
mod credentials;
mod external_ids;
mod proof;
mod rules_unused;
mod unused_role;

use crate::check::Finding;

pub use access::{Access, AuditedRole, LastUsed, Party, RuleOfParty, Way, accesses};
pub use chain::{ChainLink, Held, Parties, Reached, Trusting, judge_chains, judge_links};
pub use credential_report::{CredentialReport, CredentialReportError, read_credential_report};
pub use credentials::{
    Answer, Credentials, DAYS_UNUSED, Key, PolicyHolder, judge_credentials, judge_policy_holder,
};
pub use external_ids::judge_external_ids;
pub use proof::{Proof, ProofKind};
pub use rules_unused::{SeenByRules, judge_rules};
pub use unused_role::judge_use;

/// A finding about something of the account.
#[derive(Debug, Clone, PartialEq)]
pub struct AccountFinding {
    /// 12 digits; `None` where it is about no single account, as a rule is.
    pub account: Option<String>,
    /// As `role/NAME`, `user/NAME`, `root` or `rule/NAME`.
    pub subject: String,
    /// What is wrong.
    pub finding: Finding,
}
