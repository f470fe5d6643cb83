//! The table in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::ports::errors::StateError;
use crate::ports::store::{Condition, Item, Key, Put, Store, Update};
use crate::state::history::RoleHistory;
use crate::state::incident::{AlertKey, Incident};
use crate::state::keys;

/// A [`Store`] in memory: it never fails. Its clones are the same table.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(Arc<Mutex<BTreeMap<Key, Item>>>);

impl MemoryStore {
    fn items(&self) -> MutexGuard<'_, BTreeMap<Key, Item>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A stored history, by RoleId.
    pub fn history(&self, account: &str, role_id: &str) -> Option<RoleHistory> {
        let item = self.item(&keys::history(account, role_id))?;
        item.held("a history").ok()
    }

    /// What is recorded of an alert that is out.
    pub fn incident(&self, key: &AlertKey) -> Option<Incident> {
        self.item(&keys::alert(key))?.held("an alert").ok()
    }

    fn item(&self, key: &Key) -> Option<Item> {
        self.items().get(key).cloned()
    }
}

impl Store for MemoryStore {
    async fn get(&self, key: &Key) -> Result<Option<Item>, StateError> {
        Ok(self.item(key))
    }

    async fn put_if(&self, put: Put) -> Result<bool, StateError> {
        self.transact(vec![put]).await
    }

    async fn update_if(
        &self,
        key: &Key,
        update: Update,
        condition: Condition,
    ) -> Result<Option<Item>, StateError> {
        let mut items = self.items();
        let stored = items.get(key);
        if !condition.holds(stored) {
            return Ok(None);
        }
        let item = update.applied(stored);
        items.insert(key.clone(), item.clone());
        Ok(Some(item))
    }

    async fn query(
        &self,
        pk: &str,
        sk_begins_with: &str,
        first: Option<u16>,
    ) -> Result<Vec<Item>, StateError> {
        let items = self.items();
        let from = Key {
            pk: pk.to_owned(),
            sk: sk_begins_with.to_owned(),
        };
        let found = items
            .range(from..)
            .take_while(|(key, _)| key.pk == pk && key.sk.starts_with(sk_begins_with))
            .take(first.map_or(usize::MAX, usize::from));
        Ok(found.map(|(_, item)| item.clone()).collect())
    }

    async fn transact(&self, puts: Vec<Put>) -> Result<bool, StateError> {
        let mut items = self.items();
        let hold = |put: &Put| put.condition.holds(items.get(&put.key));
        if !puts.iter().all(hold) {
            return Ok(false);
        }
        items.extend(puts.into_iter().map(|put| (put.key, put.item)));
        Ok(true)
    }
}
