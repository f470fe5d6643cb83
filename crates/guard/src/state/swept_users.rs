//! What the sweep remembers of passwords and keys, and which of their changes an event reported.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::incident::Schema;
use super::keys::{self, CREDENTIAL, CREDENTIALS_KEPT, SWEPT_USER};
use super::ledger::{Ledger, expiry, item};
use crate::ports::{StateError, Store};

/// What a user could sign in with when the sweep last read the credential report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweptUser {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// The user's name; [`ROOT`] for the root user.
    pub user: String,
    /// When each of its keys was created or last changed, and whether it is active.
    pub keys: Vec<(Timestamp, bool)>,
    /// When its console password was set, if it has one.
    pub password: Option<Timestamp>,
    /// When the root user last signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_in: Option<Timestamp>,
    /// When this was seen.
    pub seen_at: Timestamp,
}

/// As the credential report names the root user; no IAM user can be called so.
pub const ROOT: &str = "<root_account>";

/// A kind of change that an event reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialChange {
    /// An access key was created, or made active.
    Key,
    /// A console password was set.
    Password,
    /// The root user signed in.
    SignIn,
}

impl CredentialChange {
    /// As keys and incidents name it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Password => "password",
            Self::SignIn => "sign-in",
        }
    }
}

/// An event about a credential that was handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CredentialEvent {
    /// Always there.
    pub schema: Schema,
    /// What it told of.
    pub change: CredentialChange,
    /// Its eventTime.
    pub at: Timestamp,
}

impl<S: Store> Ledger<'_, S> {
    /// All users that the sweep remembers; one that cannot be read is left out, and is as new.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn swept_users(&self, account: &str) -> Result<Vec<SweptUser>, StateError> {
        let partition = keys::sweep(account).pk;
        let items = self.0.query(&partition, SWEPT_USER, None).await?;
        let users = items
            .iter()
            .filter_map(|item| item.held("a swept user").ok());
        Ok(users.collect())
    }

    /// Remembers a user as it was seen.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn save_swept_user(&self, user: &SweptUser) -> Result<(), StateError> {
        let key = keys::swept_user(&user.account, &user.user);
        let item = item().holding(&format!("user {} as it was swept", user.user), user)?;
        self.put(key, item).await
    }

    /// Records that an event about a user's credential was handled.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn record_credential_event(
        &self,
        account: &str,
        user: &str,
        event: CredentialEvent,
    ) -> Result<(), StateError> {
        let item = item()
            .with("expires_at", expiry(event.at, CREDENTIALS_KEPT))
            .holding(&format!("an event about user {user}"), &event)?;
        let (second, change) = (event.at.as_second(), event.change.word());
        let key = keys::credential_event(account, user, second, change);
        self.put(key, item).await
    }

    /// The events about a user's credentials that were handled within the last days.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn credential_events(
        &self,
        account: &str,
        user: &str,
    ) -> Result<Vec<CredentialEvent>, StateError> {
        let partition = keys::user_change(account, user).pk;
        let items = self.0.query(&partition, CREDENTIAL, None).await?;
        let events = items.iter().filter_map(|item| item.held("an event").ok());
        Ok(events.collect())
    }
}
