//! Which of our accounts an entry of the rules is about.

use policy::glob::matches_ignoring_case;

use super::file::OrganizationAccount;
use super::names::is_account_id;
use super::problems::{PathSegment, Problems};

/// An entry names an account by its id, its name or its path of organizational units.
fn names(entry: &str, account: &OrganizationAccount) -> bool {
    entry == account.id
        || [&account.name, &account.path]
            .into_iter()
            .any(|text| !text.is_empty() && matches_ignoring_case(entry, text))
}

/// The ids of the accounts that entries name; `None` where there is no entry, so that the rule is
/// about each of ours.
pub(super) fn resolved(
    entries: &[String],
    accounts: &[OrganizationAccount],
) -> Option<Vec<String>> {
    if entries.is_empty() {
        return None;
    }
    // An id counts whether or not the organization lists it: trusted accounts are ours as well.
    let ids = entries.iter().filter(|entry| is_account_id(entry)).cloned();
    let listed = accounts.iter();
    let listed = listed.filter(|account| entries.iter().any(|entry| names(entry, account)));
    let mut ids: Vec<String> = ids
        .chain(listed.map(|account| account.id.clone()))
        .collect();
    ids.sort_unstable();
    ids.dedup();
    Some(ids)
}

/// An account is among those that a rule is about.
pub(crate) fn about(ours: Option<&[String]>, account: &str) -> bool {
    ours.is_none_or(|ours| ours.iter().any(|one| one == account))
}

impl Problems {
    /// Entries that name none of the organization's accounts.
    pub(super) fn accounts_of_ours(
        &mut self,
        path: &[PathSegment],
        entries: &[String],
        accounts: &[OrganizationAccount],
    ) {
        for (index, entry) in entries.iter().enumerate() {
            if is_account_id(entry) || accounts.iter().any(|account| names(entry, account)) {
                continue;
            }
            let mut path = path.to_vec();
            path.extend(["accounts_of_ours".into(), index.into()]);
            let (message, hint) = if accounts.is_empty() {
                (
                    format!("`{entry}` is no account id, and no accounts file says which it fits"),
                    "name the file under organization.accounts_file: \
                     `trustwarden rules accounts --live` writes it",
                )
            } else {
                (
                    format!("`{entry}` fits no account's id, name or path in the accounts file"),
                    "as long as it fits none, the rule is about none of your accounts by it",
                )
            };
            self.warn(path, message, hint);
        }
    }
}
