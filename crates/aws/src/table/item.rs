//! Keys and items. Every key begins with the account, every item carries `schema`.
//!
//! | item | partition key | sort key | kept for |
//! |---|---|---|---|
//! | a role's history | `ACCOUNT/role-id/AROA…` | `history` | ever |
//! | what a role's name points to | `ACCOUNT/role/NAME` (lower case) | `pointer` | ever |
//! | what a role or user was lawfully given, own writes | `ACCOUNT/permissions/AROA…` or `AIDA…` | `permissions` | ever |
//! | a document that was overwritten | `ACCOUNT/incident/TW-…` | `document` | ever |
//! | an alert: in progress, then the incident | `ACCOUNT/incident/TW-…` | `alert/STAGE` | 400 days |
//! | how far an order came | `ACCOUNT/order/ID` | `progress` | 30 days |
//! | a window's count | `ACCOUNT/fold/CLASS/START` | `count` | 7 days |
//! | an alert counted in it | the same | `member/INCIDENT` | 7 days |
//! | that a person restored a role | `ACCOUNT/role-id/AROA…` | `restored/TIME` | ever |
//! | how far the sweep is | `ACCOUNT/sweep` | `progress` | ever |
//! | that a sweep was asked for | `ACCOUNT/sweep` | `request` | ever |
//! | a role as the sweep saw it last | `ACCOUNT/sweep` | `role/AROA…` | ever, 30 days once it is gone |
//! | a violating document that was told | `ACCOUNT/role/NAME` (lower case) | `told/DIGEST` | 400 days |
//!
//! Nothing is ever deleted by a function (their roles have no permission to): what has a term goes
//! by the table's time to live.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use guard::ports::StateError;
use guard::state::digest_window::FoldWindow;
use guard::state::incident::{AlertKey, SCHEMA};
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::value::{from_attribute, to_attribute};

const DAY: i64 = 24 * 60 * 60;
/// A year's audit asks for the year before.
pub(super) const INCIDENTS_KEPT: i64 = 400 * DAY;
/// A message lives 14 days in the queue, and 14 more in its dead-letter queue.
pub(super) const PROGRESS_KEPT: i64 = 30 * DAY;
/// The digest is due within minutes; its message may wait in the dead-letter queue for a while.
pub(super) const FOLDS_KEPT: i64 = 7 * DAY;

/// As long as the alert that told of it.
pub(super) const TOLD_KEPT: i64 = INCIDENTS_KEPT;
/// A role that is listed again after all is known again for so long.
pub(super) const GONE_KEPT: i64 = 30 * DAY;

/// A partition key and a sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) pk: String,
    pub(super) sk: String,
}

impl Key {
    pub(super) fn history(account: &str, role_id: &str) -> Self {
        Self {
            pk: format!("{account}/role-id/{role_id}"),
            sk: "history".to_owned(),
        }
    }

    pub(super) fn permissions(account: &str, id: &str) -> Self {
        Self {
            pk: format!("{account}/permissions/{id}"),
            sk: "permissions".to_owned(),
        }
    }

    pub(super) fn pointer(account: &str, role: &str) -> Self {
        let name = role.to_ascii_lowercase();
        Self {
            pk: format!("{account}/role/{name}"),
            sk: "pointer".to_owned(),
        }
    }

    pub(super) fn kept(account: &str, incident: &str) -> Self {
        Self {
            pk: format!("{account}/incident/{incident}"),
            sk: "document".to_owned(),
        }
    }

    pub(super) fn alert(key: &AlertKey) -> Self {
        let AlertKey {
            account,
            incident,
            stage,
        } = key;
        Self {
            pk: format!("{account}/incident/{incident}"),
            sk: format!("alert/{stage}"),
        }
    }

    pub(super) fn order(account: &str, order: &str) -> Self {
        Self {
            pk: format!("{account}/order/{order}"),
            sk: "progress".to_owned(),
        }
    }

    pub(super) fn count(window: &FoldWindow) -> Self {
        Self {
            pk: format!("{}/fold/{}", window.account, window.id()),
            sk: "count".to_owned(),
        }
    }

    pub(super) fn member(window: &FoldWindow, incident: &str) -> Self {
        Self {
            sk: format!("{MEMBER}{incident}"),
            ..Self::count(window)
        }
    }

    #[cfg(feature = "live")]
    pub(super) fn restored(account: &str, role_id: &str, at: Timestamp) -> Self {
        Self {
            sk: format!("restored/{at}"),
            ..Self::history(account, role_id)
        }
    }

    pub(super) fn sweep(account: &str) -> Self {
        Self {
            pk: format!("{account}/sweep"),
            sk: "progress".to_owned(),
        }
    }

    pub(super) fn sweep_request(account: &str) -> Self {
        Self {
            sk: "request".to_owned(),
            ..Self::sweep(account)
        }
    }

    pub(super) fn swept(account: &str, role_id: &str) -> Self {
        Self {
            sk: format!("{SWEPT}{role_id}"),
            ..Self::sweep(account)
        }
    }

    pub(super) fn told(account: &str, role: &str, digest: &str) -> Self {
        Self {
            sk: format!("told/{digest}"),
            ..Self::pointer(account, role)
        }
    }

    pub(super) fn attributes(&self) -> HashMap<String, AttributeValue> {
        HashMap::from([
            ("pk".to_owned(), AttributeValue::S(self.pk.clone())),
            ("sk".to_owned(), AttributeValue::S(self.sk.clone())),
        ])
    }
}

/// What the sort keys of the roles that the sweep saw begin with.
pub(super) const SWEPT: &str = "role/";
/// What the sort keys of a window's members begin with.
pub(super) const MEMBER: &str = "member/";

/// An item as it is read or written.
#[derive(Debug, Default)]
pub(super) struct Item(pub(super) HashMap<String, AttributeValue>);

impl Item {
    pub(super) fn new(key: &Key) -> Self {
        Self(key.attributes()).with("schema", number(SCHEMA))
    }

    pub(super) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Adds what the item is about, whole.
    pub(super) fn holding<T: Serialize>(self, what: &str, data: &T) -> Result<Self, StateError> {
        let data = serde_json::to_value(data).map_err(|error| StateError::Unreadable {
            what: what.to_owned(),
            source: error.into(),
        })?;
        Ok(self.with("data", to_attribute(data)))
    }

    /// What the item is about. A schema that this build does not know is refused by the types
    /// themselves.
    pub(super) fn held<T: DeserializeOwned>(&self, what: &str) -> Result<T, StateError> {
        let unreadable = |source| StateError::Unreadable {
            what: what.to_owned(),
            source,
        };
        let data = self.0.get("data").and_then(from_attribute);
        let data = data.ok_or_else(|| unreadable("the item holds no data".into()))?;
        serde_json::from_value(data).map_err(|error| unreadable(error.into()))
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_s().ok().map(String::as_str)
    }

    pub(super) fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.0.get(name)?.as_n().ok()?.parse().ok()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.0
            .get(name)
            .and_then(|value| value.as_bool().ok())
            .is_some_and(|flag| *flag)
    }

    /// A moment as [`moment`] wrote it.
    pub(super) fn moment(&self, name: &str) -> Option<Timestamp> {
        Timestamp::from_nanosecond(self.number(name)?).ok()
    }
}

pub(super) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(super) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A moment as a number of nanoseconds: comparable in conditions, exact for equality.
pub(super) fn moment(at: Timestamp) -> AttributeValue {
    number(at.as_nanosecond())
}

/// The time-to-live attribute's value.
pub(super) fn expiry(at: Timestamp, kept: i64) -> AttributeValue {
    number(at.as_second().saturating_add(kept))
}
