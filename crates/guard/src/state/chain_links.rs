//! What each role has to do with chains. Few roles have: the others have no item.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::SCHEMA;
use super::keys::{self, NAMING, PARTY};
use super::ledger::Ledger;
use crate::account::ChainLink;
use crate::ports::{Condition, StateError, Store, Test, Update};

/// What people were told of a role that third parties reach through others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainReport {
    /// Who reaches the role through others.
    pub parties: BTreeSet<String>,
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
    /// The links of an account, or at most so many of each kind. What cannot be read is none: the
    /// sweep writes it anew.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn chain_links(
        &self,
        account: &str,
        most: Option<u16>,
    ) -> Result<Vec<KnownLink>, StateError> {
        let mut known = self.links_of_kind(account, PARTY, most).await?;
        // A role that has both says what it says now by the second.
        known.extend(self.links_of_kind(account, NAMING, most).await?);
        Ok(known)
    }

    /// The links of roles that name others: however many roles third parties can assume, these are
    /// few.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn naming_links(
        &self,
        account: &str,
        most: Option<u16>,
    ) -> Result<Vec<KnownLink>, StateError> {
        self.links_of_kind(account, NAMING, most).await
    }

    async fn links_of_kind(
        &self,
        account: &str,
        kind: &str,
        most: Option<u16>,
    ) -> Result<Vec<KnownLink>, StateError> {
        let pk = keys::chain(account, kind, "").pk;
        let items = self.0.query(&pk, kind, most).await?;
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
        if link.principals.is_empty() {
            let named_before = Condition::All(vec![Test::Is("schema", SCHEMA.into())]);
            self.set_of_link(link, NAMING, ("data", data.clone()), named_before)
                .await?;
            return self
                .set_of_link(link, PARTY, ("data", data), Condition::Always)
                .await;
        }
        self.set_of_link(link, NAMING, ("data", data), Condition::Always)
            .await
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
        self.set_of_link(link, NAMING, ("report", report), Condition::Always)
            .await
    }

    async fn set_of_link(
        &self,
        link: &ChainLink,
        kind: &str,
        set: (&'static str, serde_json::Value),
        condition: Condition,
    ) -> Result<(), StateError> {
        let update = Update {
            set: vec![set],
            ..Update::default()
        };
        let key = keys::chain(&link.account, kind, &link.role);
        self.update(&key, update, condition).await.map(drop)
    }
}
