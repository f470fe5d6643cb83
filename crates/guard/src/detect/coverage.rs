//! What covers a grant, or why nothing does.

use policy::{Grant, Restriction, Values, Who};
use serde::{Deserialize, Serialize};

use crate::check::Check;

/// The rule that covers a grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case")]
pub enum Coverage {
    /// It is our own account's.
    OwnAccount,
    /// Its account is one of the organization's, or a trusted one.
    OurAccount {
        /// The account.
        account: String,
        /// Its name, which may be empty.
        name: String,
    },
    /// It is limited to our organization.
    OwnOrganization,
    /// It is an AWS service's.
    Service {
        /// As `ec2.amazonaws.com`.
        service: String,
        /// On whose behalf.
        on_behalf_of: OnBehalfOf,
    },
    /// IAM Identity Center enters a role of its own by it.
    IdentityCenter,
    /// It is a registered vendor's.
    Vendor {
        /// The vendor.
        name: String,
        /// The account it comes from.
        account: String,
    },
    /// It is a registered identity provider's.
    IdentityProvider {
        /// The provider.
        provider: String,
    },
    /// It is limited to networks that the rules name.
    Network,
    /// It violates the rules, and the rules accept that.
    Exempted {
        /// The outside account.
        account: String,
        /// Why.
        reason: String,
    },
}

/// On whose behalf a service may enter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBehalfOf {
    /// A condition limits that, or the service acts for its own account alone.
    Limited,
    /// Anyone, and the service is known to act across accounts.
    Anyone,
    /// An account or an organization that is not ours.
    External(String),
    /// Machines outside AWS that the account registered, and no rule names it.
    Machines,
}

/// Why nothing covers a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Uncovered {
    pub(super) check: Check,
    pub(super) message: String,
    pub(super) vendor: Option<String>,
    pub(super) fix: Option<String>,
    /// The conditions that the rule asks for and the grant does not.
    pub(super) unmet: Vec<Unmet>,
    /// Of a grant to any service: the one that the rule does not admit.
    pub(super) service: Option<&'static str>,
}

/// A condition key, and the patterns (or networks) of which a rule admits its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unmet {
    pub(super) key: String,
    pub(super) admitted: Vec<String>,
}

impl Uncovered {
    pub(super) fn new(check: Check, message: String) -> Self {
        Self {
            check,
            message,
            vendor: None,
            fix: None,
            unmet: Vec::new(),
            service: None,
        }
    }
}

/// A condition of a grant, if it holds for every request. Conditions are ANDed: those of a grant that
/// was not decided hold all the same.
pub(super) fn restriction<'a>(grant: &'a Grant, key: &str) -> Option<&'a Restriction> {
    grant.restriction(key).filter(|found| !found.may_be_absent)
}

/// The values of a condition, where they are a list that a request must be in.
pub(super) fn listed<'a>(grant: &'a Grant, key: &str) -> Option<&'a [String]> {
    match &restriction(grant, key)?.values {
        Values::OneOf(values) if !values.is_empty() => Some(values),
        _ => None,
    }
}

/// The account that a grant is about.
pub(super) fn account_of(who: &Who) -> Option<String> {
    match who {
        Who::Account { account } | Who::Principal { account, .. } => Some(account.clone()),
        Who::Federated { account, .. } => account.clone(),
        _ => None,
    }
}
