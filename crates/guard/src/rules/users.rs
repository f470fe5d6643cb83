//! The IAM users that still hold access keys for a third party.

use serde::{Deserialize, Serialize};

use super::file::{Mode, Permissions};

/// A pattern of users that hold keys for a vendor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserPattern {
    pub(super) pattern: String,
    pub(super) vendor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) permissions: Option<Permissions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) mode: Option<Mode>,
}

/// The vendors that a user holds keys for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserEntry {
    pub(super) vendors: Vec<String>,
    /// What their rules say of it, for those whose rules say something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) terms: Vec<UserVendor>,
}

/// A vendor that holds the keys of a user, and what its rule says of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserVendor {
    /// Its name.
    pub name: String,
    /// The most that the user may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Its own mode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Mode>,
}
