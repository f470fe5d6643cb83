//! What is remembered of users that may have access keys: the newest change, and the newest key.

use super::keys;
use super::ledger::{Ledger, item};
use crate::detect::{KeySeen, UserChange};
use crate::ports::{Condition, Put, StateError, Store, Test, moment};

impl<S: Store> Ledger<'_, S> {
    /// Records a change of a user (the case of the name is ignored), unless a newer one is recorded.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_user_change(
        &self,
        account: &str,
        user: &str,
        change: &UserChange,
    ) -> Result<(), StateError> {
        let at = moment(change.at);
        let put = Put {
            key: keys::user_change(account, user),
            item: item()
                .with("at", at)
                .holding(&format!("the change of user {user}"), change)?,
            condition: Condition::AbsentOr(vec![Test::AtMost("at", at)]),
        };
        self.0.put_if(put).await.map(drop)
    }

    /// The newest change of a user.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn user_change(
        &self,
        account: &str,
        user: &str,
    ) -> Result<Option<UserChange>, StateError> {
        let key = keys::user_change(account, user);
        self.read(key, &format!("the change of user {user}")).await
    }

    /// Records a user's access key, in place of the one before.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_key_seen(
        &self,
        account: &str,
        user: &str,
        key: &KeySeen,
    ) -> Result<(), StateError> {
        let item = item().holding(&format!("the access key of user {user}"), key)?;
        self.put(keys::user_key(account, user), item).await
    }

    /// The access key of a user that was recorded last.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn key_seen(&self, account: &str, user: &str) -> Result<Option<KeySeen>, StateError> {
        let key = keys::user_key(account, user);
        self.read(key, &format!("the access key of user {user}"))
            .await
    }
}
