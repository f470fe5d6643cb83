//! What the sweep remembers of what third parties may do by a role, and which changes of it an event
//! reported.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::Schema;
use super::keys::{self, PERMISSIONS_EVENT, PERMISSIONS_EVENTS_KEPT, SWEPT_PERMISSIONS};
use super::ledger::{Ledger, expiry, item};
use crate::check::Finding;
use crate::model::sha256_hex;
use crate::ports::{StateError, Store};

/// A role that third parties can assume, as the sweep last read its policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptPermissions {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// `AROA…`; with the account, the key.
    pub role_id: String,
    /// The hash of the rules it was judged by.
    pub rules: String,
    /// What was wrong and is known, each finding as [`finding_mark`] says it.
    pub known: Vec<String>,
    /// What was seen to be wrong since then, and since when: its event may yet come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<(Timestamp, Vec<String>)>,
}

/// A finding, in 16 hexadecimal digits.
pub fn finding_mark(finding: &Finding) -> String {
    let text = format!("{} {}", finding.code, finding.message);
    sha256_hex(text.as_bytes()).chars().take(16).collect()
}

/// What an event's alert reported of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PermissionsEvent {
    /// Always there.
    pub schema: Schema,
    /// The role's id.
    pub role_id: String,
    /// When.
    pub at: Timestamp,
    /// Each finding, as [`finding_mark`] says it.
    pub reported: Vec<String>,
}

impl<S: Store> Ledger<'_, S> {
    /// All roles whose permissions the sweep remembers; one that cannot be read is left out, and is as
    /// new.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn swept_permissions(
        &self,
        account: &str,
    ) -> Result<Vec<SweptPermissions>, StateError> {
        let partition = keys::sweep(account).pk;
        let items = self.0.query(&partition, SWEPT_PERMISSIONS, None).await?;
        let roles = items.iter().filter_map(|item| item.held("a role").ok());
        Ok(roles.collect())
    }

    /// Remembers what a role may do as it was read.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_swept_permissions(&self, role: &SweptPermissions) -> Result<(), StateError> {
        let key = keys::swept_permissions(&role.account, &role.role_id);
        let what = format!("what role {} may do as it was swept", role.role_id);
        self.put(key, item().holding(&what, role)?).await
    }

    /// Records what an event's alert reports of a role.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_permissions_event(
        &self,
        account: &str,
        event: &PermissionsEvent,
    ) -> Result<(), StateError> {
        let what = format!("an event about role {}", event.role_id);
        let item = item()
            .with("expires_at", expiry(event.at, PERMISSIONS_EVENTS_KEPT))
            .holding(&what, event)?;
        let key = keys::permissions_event(account, &event.role_id, event.at.as_second());
        self.put(key, item).await
    }

    /// What events' alerts reported within the last days.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn permissions_events(
        &self,
        account: &str,
    ) -> Result<Vec<PermissionsEvent>, StateError> {
        let partition = keys::sweep(account).pk;
        let items = self.0.query(&partition, PERMISSIONS_EVENT, None).await?;
        let events = items.iter().filter_map(|item| item.held("an event").ok());
        Ok(events.collect())
    }
}
