//! Looking up the vendors that a user holds access keys for.

use policy::glob::matches_ignoring_case;

use super::load::{Rules, key_and_value};
use super::users::{UserEntry, UserVendor};

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

    /// Whether any user holds access keys for a vendor, or may have some by its name: if not, what
    /// users and groups may do is no question.
    pub fn concerns_users(&self) -> bool {
        self.names_users()
            || !self.access_keys().allow_users.is_empty()
            || self
                .head
                .exemptions
                .iter()
                .any(|exempt| exempt.user.is_some())
    }

    /// The users that the rules name one by one as holding keys for a vendor, in small letters.
    pub fn users_of_vendors(&self) -> Vec<String> {
        let table = self.bytes.get(self.table.clone()).unwrap_or_default();
        // The lines are sorted by their keys, and those of users come last.
        let lines = table.trim_ascii_end().rsplit(|&byte| byte == b'\n');
        lines
            .map_while(|line| {
                let (key, _) = key_and_value(line)?;
                let user = key.strip_prefix(b"user/")?;
                String::from_utf8(user.to_vec()).ok()
            })
            .collect()
    }

    /// Whether any user holds access keys for a vendor.
    fn names_users(&self) -> bool {
        !self.head.user_patterns.is_empty() || !self.users_of_vendors().is_empty()
    }
}
