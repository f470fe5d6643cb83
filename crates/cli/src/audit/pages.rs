//! Which pages of an export were given, and whether one is missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::export::PageEnd;

/// The pages of all accounts.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    /// Some page could tell of users.
    pub(crate) users: bool,
    /// Accounts whose objects the page at hand has; those of the page before it, where it has none.
    accounts: BTreeSet<String>,
    ended: bool,
    /// By account, and whether it is of `list-roles`.
    chains: BTreeMap<(String, bool), Chain>,
}

/// The pages of one account. Files are read by their names, so pages come in any order.
#[derive(Debug, Default)]
struct Chain {
    last: bool,
    /// The file of the newest page that says that another one follows.
    goes_on: Option<Arc<str>>,
}

impl Pages {
    /// The page at hand has an object of this account.
    pub(crate) fn account(&mut self, account: &str) {
        if std::mem::take(&mut self.ended) {
            self.accounts.clear();
        }
        if !self.accounts.contains(account) {
            self.accounts.insert(account.to_owned());
        }
    }

    /// The page at hand ends.
    pub(crate) fn end(&mut self, page: PageEnd, file: &Arc<str>) {
        self.users |= !page.listed;
        self.ended = true;
        if self.accounts.is_empty() {
            self.accounts.insert(String::new());
        }
        for account in &self.accounts {
            let key = (account.clone(), page.listed);
            let chain = self.chains.entry(key).or_default();
            if page.goes_on {
                chain.goes_on = Some(Arc::clone(file));
            } else {
                chain.last = true;
            }
        }
    }

    /// The files with pages that others should follow, and none does.
    pub(crate) fn unfinished(&self) -> Vec<Arc<str>> {
        let any_last = self.chains.values().any(|chain| chain.last);
        let open = self.chains.iter().filter(|((account, _), chain)| {
            // A page of AWS's own policies may be anyone's.
            !(chain.last || account.is_empty() && any_last)
        });
        let files: BTreeSet<_> = open
            .filter_map(|(_, chain)| chain.goes_on.clone())
            .collect();
        files.into_iter().collect()
    }
}
