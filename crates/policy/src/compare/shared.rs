//! External ids that stand in several documents.

use std::collections::{BTreeMap, BTreeSet};

use crate::answer::{Analysis, Who};

/// An external id that several roles accept, or several outside accounts send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedExternalId {
    /// The value.
    pub value: String,
    /// The roles that accept it, as the caller named them, sorted.
    pub roles: Vec<String>,
    /// The external accounts that have access by it, sorted. More than one: whoever runs one of them knows
    /// what opens the roles of the other.
    pub accounts: Vec<String>,
}

/// The external ids that more than one role accepts or more than one outside account sends, by
/// value. Each analysis comes with its role's name.
pub fn shared_external_ids<'a>(
    roles: impl IntoIterator<Item = (&'a str, &'a Analysis)>,
) -> Vec<SharedExternalId> {
    let mut known: BTreeMap<&str, (BTreeSet<&str>, BTreeSet<&str>)> = BTreeMap::new();
    for (role, analysis) in roles {
        for grant in &analysis.grants {
            let (Who::Account { account } | Who::Principal { account, .. }) = &grant.principal
            else {
                continue;
            };
            if !analysis.external_accounts.contains(account) {
                continue;
            }
            let values = grant
                .restriction("sts:ExternalId")
                .and_then(|found| found.values.fixed());
            for value in values.unwrap_or_default() {
                let (roles, accounts) = known.entry(value).or_default();
                roles.insert(role);
                accounts.insert(account);
            }
        }
    }
    let owned = |set: BTreeSet<&str>| set.into_iter().map(str::to_owned).collect();
    known
        .into_iter()
        .filter(|(_, (roles, accounts))| roles.len() > 1 || accounts.len() > 1)
        .map(|(value, (roles, accounts))| SharedExternalId {
            value: value.to_owned(),
            roles: owned(roles),
            accounts: owned(accounts),
        })
        .collect()
}
