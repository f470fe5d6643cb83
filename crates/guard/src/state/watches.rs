//! What the watch over the guard itself remembers, in the ledger.

use super::keys::{self, ANSWER};
use super::ledger::{Ledger, item};
use super::watch_state::{Answer, Watch};
use crate::ports::{Condition, Put, StateError, Store, Test, moment};

impl<S: Store> Ledger<'_, S> {
    /// How far the watch is; one that was never saved before the first.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    pub async fn watch(&self, account: &str) -> Result<Watch, StateError> {
        let watch = self.read(keys::watch(account), "the watch").await?;
        Ok(watch.unwrap_or_else(|| Watch {
            account: account.to_owned(),
            ..Watch::default()
        }))
    }

    /// Saves it, if its `version` is the one that was read, as version + 1.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    pub async fn save_watch(&self, watch: &Watch) -> Result<(), StateError> {
        let what = "the watch".to_owned();
        let saved = Watch {
            version: watch.version + 1,
            ..watch.clone()
        };
        let item = item().holding(&what, &saved)?;
        let key = keys::watch(&watch.account);
        self.put_next(key, item, watch.version, what)
            .await
            .map(drop)
    }

    /// What came back last, to each function. One that cannot be read did not come back.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn heartbeat_answers(&self, account: &str) -> Result<Vec<Answer>, StateError> {
        let items = self.0.query(&keys::watch(account).pk, ANSWER, None).await?;
        let answers = items.iter();
        Ok(answers
            .filter_map(|item| item.held("a heartbeat").ok())
            .collect())
    }

    /// Keeps it, unless it or a newer one came back before: events overtake each other, and come twice.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_heartbeat_answer(
        &self,
        account: &str,
        answer: &Answer,
    ) -> Result<(), StateError> {
        let at = moment(answer.event_time);
        let item = item().with("event_at", at).holding("a heartbeat", answer)?;
        let put = Put {
            key: keys::answer(account, &answer.function, &answer.call),
            item,
            condition: Condition::AbsentOr(vec![Test::AtMost("event_at", at.saturating_sub(1))]),
        };
        self.0.put_if(put).await.map(drop)
    }
}
