//! The IAM users that still hold access keys for a third party.

use policy::glob::matches_ignoring_case;
use serde::{Deserialize, Serialize};

use super::file::{Mode, Permissions};
use super::load::Rules;

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

impl Rules {
    /// The vendors that a user holds access keys for.
    pub fn vendors_of_user(&self, user: &str) -> Vec<String> {
        let vendors = self.user_vendors(user).into_iter();
        vendors.map(|vendor| vendor.name).collect()
    }

    /// The vendors that a user holds access keys for, with what their rules say of it.
    pub fn user_vendors(&self, user: &str) -> Vec<UserVendor> {
        let entry: Option<UserEntry> = self
            .line(&format!("user/{}", user.to_lowercase()))
            .and_then(|line| serde_json::from_slice(line).ok());
        let UserEntry { vendors, terms } = entry.unwrap_or_default();
        let terms_of = |name: String| {
            let known = terms.iter().find(|vendor| vendor.name == name).cloned();
            known.unwrap_or(UserVendor {
                name,
                permissions: None,
                mode: None,
            })
        };
        let mut vendors: Vec<UserVendor> = vendors.into_iter().map(terms_of).collect();
        for by_pattern in &self.head.user_patterns {
            if matches_ignoring_case(&by_pattern.pattern, user)
                && !vendors
                    .iter()
                    .any(|vendor| vendor.name == by_pattern.vendor)
            {
                vendors.push(UserVendor {
                    name: by_pattern.vendor.clone(),
                    permissions: by_pattern.permissions.clone(),
                    mode: by_pattern.mode,
                });
            }
        }
        vendors
    }

    /// Whether any user holds access keys for a vendor: if not, what users and groups may do is no
    /// question.
    pub fn names_users(&self) -> bool {
        let table = self.bytes.get(self.table.clone()).unwrap_or_default();
        // The lines are sorted by their keys, and those of users come last.
        let last = table.trim_ascii_end().rsplit(|&byte| byte == b'\n').next();
        !self.head.user_patterns.is_empty() || last.is_some_and(|line| line.starts_with(b"\"user/"))
    }
}
