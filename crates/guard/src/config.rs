//! How a function is set up.

use jiff::Timestamp;
use policy::{AnalysisContext, Origin};

use crate::cloudtrail::Watched;
use crate::rules::{Mode, Rules};

/// What a function knows from its start: who it guards, by which rules, and what it may do.
#[derive(Debug, Clone)]
pub struct GuardConfig {
    /// The account that is watched, 12 digits.
    pub account: String,
    /// The stack's name, shown in alerts.
    pub stack: String,
    /// The ceiling above the rules' own mode.
    pub mode: Mode,
    /// The access rules.
    pub rules: Rules,
    /// ARNs of the stack's own roles, which are never written.
    pub own_roles: Vec<String>,
    /// ARN of the remediator's role.
    pub remediator_role: String,
    /// Whether the stack may end sessions at all.
    pub revoke_sessions: bool,
    /// Whether the stack may take policies away at all.
    pub detach_policies: bool,
}

impl GuardConfig {
    /// Events of this account alone count.
    pub fn watched(&self) -> Watched {
        Watched::only(self.account.clone())
    }

    /// How two documents of the account are compared.
    pub(crate) fn comparing(&self, now: Timestamp) -> AnalysisContext<'_> {
        AnalysisContext {
            own_account: Some(&self.account),
            own_organization: self.rules.organization(),
            now,
            origin: Origin::Sent,
            witnesses: false,
            providers: self.rules.shared_providers(),
        }
    }

    /// What is done at most: the stack's mode is a ceiling above the rules'.
    pub fn ceiling(&self) -> Mode {
        self.mode.min(self.rules.mode())
    }
}
