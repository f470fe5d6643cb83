//! What identity providers were known by, each time that a change was reported: who swaps a
//! certificate can be told from who writes the same again, and what was there before can be put back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::Schema;
use super::keys;
use super::ledger::{Ledger, item};
use crate::cloudtrail::Metadata;
use crate::ports::{StateError, Store};

/// A longer document is not kept, its fingerprints are: an item of the table holds 400 KB.
const LONGEST_DOCUMENT: usize = 300_000;

/// What a provider was known by after a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderSeen {
    /// Always there.
    pub schema: Schema,
    /// When the change was.
    pub at: Timestamp,
    /// The id of its event.
    pub event: String,
    /// What it was known by.
    pub metadata: Metadata,
}

/// A provider that the sweep has seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptProvider {
    /// Always there.
    pub schema: Schema,
    /// Its ARN.
    pub provider: String,
    /// What it is known by that nobody reported, and since when: its event may yet come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<(Timestamp, Metadata)>,
}

impl<S: Store> Ledger<'_, S> {
    /// The providers that the sweep has seen; one that cannot be read is left out.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn swept_providers(&self, account: &str) -> Result<Vec<SweptProvider>, StateError> {
        let partition = keys::sweep(account).pk;
        let items = self.0.query(&partition, keys::SWEPT_PROVIDER, None).await?;
        let seen = items.iter().filter_map(|item| item.held("a provider").ok());
        Ok(seen.collect())
    }

    /// Remembers that the sweep has seen a provider.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_swept_provider(
        &self,
        account: &str,
        provider: &SweptProvider,
    ) -> Result<(), StateError> {
        let key = keys::swept_provider(account, &provider.provider);
        self.put(key, item().holding("a provider as it was swept", provider)?)
            .await
    }

    /// What a provider was known by before a change, as far as is known.
    ///
    /// # Errors
    /// `Unavailable`. What cannot be read is none: somebody wrote it.
    pub async fn provider_before(
        &self,
        account: &str,
        provider: &str,
        at: Timestamp,
        event: &str,
    ) -> Result<Option<ProviderSeen>, StateError> {
        let key = keys::provider(account, provider, at, event);
        let items = self.0.query(&key.pk, keys::METADATA, None).await?;
        let seen = items.iter().filter_map(|item| {
            let seen: ProviderSeen = item.held("what a provider was known by").ok()?;
            ((seen.at, seen.event.as_str()) < (at, event)).then_some(seen)
        });
        Ok(seen.max_by(|a, b| (a.at, &a.event).cmp(&(b.at, &b.event))))
    }

    /// Remembers what a provider is known by after a change.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_provider(
        &self,
        account: &str,
        provider: &str,
        seen: &ProviderSeen,
    ) -> Result<(), StateError> {
        let mut seen = seen.clone();
        let document = seen.metadata.document.take();
        seen.metadata.document = document.filter(|text| text.len() <= LONGEST_DOCUMENT);
        let key = keys::provider(account, provider, seen.at, &seen.event);
        let item = item().holding("what a provider is known by", &seen)?;
        self.put(key, item).await
    }
}
