//! What each role has to do with chains. Few roles have: the others have no item.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::keys::{self, LINK};
use super::ledger::Ledger;
use crate::account::ChainLink;
use crate::ports::{Condition, StateError, Store, Update};

/// What people were told of a role that third parties reach through others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReport {
    /// The finding's message, hashed: who reaches the role, and by which way. Empty: nobody does.
    pub digest: String,
    /// When it was first seen.
    pub seen_at: Timestamp,
    /// When people were told.
    pub reported_at: Option<Timestamp>,
}

/// A link, and what was told of its role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownLink {
    /// The link.
    pub link: ChainLink,
    /// What was told.
    pub report: ChainReport,
}

impl<S: Store> Ledger<'_, S> {
    /// All links of an account. What cannot be read is none: the sweep writes it anew.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn chain_links(&self, account: &str) -> Result<Vec<KnownLink>, StateError> {
        let pk = keys::chain(account, "").pk;
        let items = self.0.query(&pk, LINK, None).await?;
        let known = items.iter().filter_map(|item| {
            let report = item.0.get("report").cloned();
            Some(KnownLink {
                link: item.held("the link of a chain").ok()?,
                report: report
                    .and_then(|report| serde_json::from_value(report).ok())
                    .unwrap_or_default(),
            })
        });
        Ok(known.collect())
    }

    /// Remembers what a role has to do with chains; what was told of it stays.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_chain_link(&self, link: &ChainLink) -> Result<(), StateError> {
        let data = serde_json::to_value(link).unwrap_or_default();
        self.set_of_link(link, ("data", data)).await
    }

    /// Records what was told of a role.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_chain_report(
        &self,
        link: &ChainLink,
        report: &ChainReport,
    ) -> Result<(), StateError> {
        let report = serde_json::to_value(report).unwrap_or_default();
        self.set_of_link(link, ("report", report)).await
    }

    async fn set_of_link(
        &self,
        link: &ChainLink,
        set: (&'static str, serde_json::Value),
    ) -> Result<(), StateError> {
        let update = Update {
            set: vec![set],
            ..Update::default()
        };
        let key = keys::chain(&link.account, &link.role);
        self.update(&key, update, Condition::Always).await.map(drop)
    }
}
