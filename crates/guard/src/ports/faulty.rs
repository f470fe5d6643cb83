//! A store whose every call somebody else may delay, refuse or make the last one: for the
//! histories and the tests.

use std::future::Future;

use super::errors::StateError;
use super::store::{Condition, Item, Key, Put, Store, Update};

/// What becomes of the calls to a store. Whatever says so is a [`Store`] with these faults.
pub trait Faults: Sync {
    /// The store that the calls reach.
    type Inner: Store;

    /// The store that the calls reach.
    fn inner(&self) -> &Self::Inner;

    /// Makes a call of this name (`read history`, `save history`, `begin order`, …), or fails.
    fn call<T: Send>(
        &self,
        name: &'static str,
        call: impl Future<Output = Result<T, StateError>> + Send,
    ) -> impl Future<Output = Result<T, StateError>> + Send;
}

/// The names of calls by what they are about: reading, putting, updating.
const NAMES: [(&str, [&str; 3]); 10] = [
    ("pointer", ["read history", "save history", ""]),
    ("history", ["read history", "save history", ""]),
    ("restored/", ["", "record restoration", ""]),
    (
        "permissions",
        ["read permissions history", "save permissions history", ""],
    ),
    ("document", ["read kept document", "keep document", ""]),
    ("alert/", ["acquire lease", "finish alert", "acquire lease"]),
    ("alone/", ["", "count alert", ""]),
    ("member/", ["", "count alert", ""]),
    ("request", ["read request for a sweep", "", "request sweep"]),
    ("told/", ["read told document", "save told document", ""]),
];

/// A call's name. Two items share the sort key `progress`, and some updates differ by what they
/// set.
fn name(key: &Key, column: usize) -> &'static str {
    if key.sk == "progress" {
        let sweep = key.pk.ends_with("/sweep");
        return match (sweep, column) {
            (true, 0) => "read the sweep's progress",
            (true, _) => "save the sweep's progress",
            (false, _) => "begin order",
        };
    }
    if key.sk.starts_with("role/") {
        return match column {
            0 => "read swept role",
            _ => "save swept role",
        };
    }
    NAMES
        .iter()
        .find(|(sk, _)| key.sk.starts_with(sk))
        .and_then(|(_, names)| names.get(column))
        .copied()
        .unwrap_or("state")
}

fn name_of_update(key: &Key, update: &Update) -> &'static str {
    let sets = |name| update.set.iter().any(|(set, _)| *set == name);
    match name(key, 2) {
        "begin order" if sets("done") => "finish order",
        "acquire lease" if !sets("done") => "release lease",
        other => other,
    }
}

impl<F: Faults> Store for F {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StateError> {
        self.call(name(key, 0), self.inner().get(key)).await
    }

    async fn put_if(&self, put: Put) -> Result<bool, StateError> {
        let name = name(&put.key, 1);
        self.call(name, self.inner().put_if(put)).await
    }

    async fn update_if(
        &self,
        key: &Key,
        update: Update,
        condition: Condition,
    ) -> Result<Option<Item>, StateError> {
        let name = name_of_update(key, &update);
        let call = self.inner().update_if(key, update, condition);
        self.call(name, call).await
    }

    async fn query(
        &self,
        pk: &str,
        sk_begins_with: &str,
        first: Option<u16>,
    ) -> Result<Vec<Item>, StateError> {
        let name = match sk_begins_with {
            "alone/" => "count alert",
            "member/" => "read window",
            _ => "read swept roles",
        };
        let call = self.inner().query(pk, sk_begins_with, first);
        self.call(name, call).await
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<bool, StateError> {
        let name = puts.first().map_or("state", |put| name(&put.key, 1));
        self.call(name, self.inner().transact(puts)).await
    }
}
