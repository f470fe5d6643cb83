//! What is wrong with a vendor's rule.

use policy::external_id::quality;

use super::wide::OF_OWN_TASKS;
use super::{Level, PathSegment, Problems, at};
use crate::rules::file::Vendor;
use crate::rules::names::{arn_parts, fits_everybody, is_external_id, is_pattern, is_unique_id};

impl Vendor {
    /// The external ids that its rule names, once each.
    pub fn external_ids(&self) -> Vec<&str> {
        let of_roles = self
            .roles
            .iter()
            .filter_map(|role| role.external_id.as_deref());
        let own = self.external_id.values.iter().map(String::as_str);
        let mut ids: Vec<&str> = own.chain(of_roles).collect();
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    pub(super) fn problems(&self, index: usize, problems: &mut Problems) {
        let here = || at!["vendors", index];
        let at = |key: &str| at!["vendors", index, key];
        if self.name.trim().is_empty() {
            problems.error(at("name"), "a vendor needs a name");
        }
        if self.accounts.is_empty() && self.users.is_empty() {
            let hint = "name its accounts, or the users that hold keys for it";
            problems.warn(here(), "the vendor has no access", hint);
        }
        for (entry, account) in self.accounts.iter().enumerate() {
            problems.account(at!["vendors", index, "accounts", entry], account);
        }
        if self.roles.is_empty() && !self.accounts.is_empty() {
            let hint = "name the roles under `roles`";
            problems.warn(here(), "no role may trust this vendor", hint);
        }
        for (entry, role) in self.roles.iter().enumerate() {
            let path = at!["vendors", index, "roles", entry];
            problems.name_pattern(path.clone(), "role", &role.name);
            problems.roles_of(path.clone(), "vendor", &role.name, OF_OWN_TASKS);
            if let Some(id) = &role.external_id {
                self.external_id_problems(path, id, problems);
            }
        }
        for (entry, arn) in self.principals.iter().enumerate() {
            self.principal_problems(at!["vendors", index, "principals", entry], arn, problems);
        }
        for (entry, id) in self.external_id.values.iter().enumerate() {
            let path = at!["vendors", index, "external_id", "values", entry];
            self.external_id_problems(path, id, problems);
        }
        if !self.external_id.required && !self.accounts.is_empty() {
            let message = "a role may trust this vendor without an external id, so its other \
                           customers can have it assume your roles";
            let hint = "require it, unless the vendor takes none";
            problems.warn(at("external_id"), message, hint);
        }
        let any_unbound =
            self.roles.is_empty() || self.roles.iter().any(|role| role.external_id.is_none());
        if self.external_id.required
            && self.external_id.values.is_empty()
            && !self.accounts.is_empty()
            && any_unbound
        {
            let message = "any external id will do, so the vendor's other customers can have \
                           their own ids accepted";
            problems.warn(at("external_id"), message, "name it under `values`");
        }
        for (entry, user) in self.users.iter().enumerate() {
            let path = at!["vendors", index, "users", entry];
            problems.name_pattern(path.clone(), "user", user);
            if fits_everybody(user) {
                let message = "every user of the account passes for a holder of this vendor's keys";
                problems.warn(path, message, "name the users one by one");
            }
        }
        self.action_problems(index, problems);
        problems.expires(at("expires"), self.expires.as_deref());
    }

    fn action_problems(&self, index: usize, problems: &mut Problems) {
        for (entry, action) in self
            .permissions
            .iter()
            .flat_map(|p| p.allow.iter())
            .enumerate()
        {
            let known = action == "*"
                || action.split_once(':').is_some_and(|(prefix, name)| {
                    !name.is_empty()
                        && !prefix.is_empty()
                        && prefix
                            .bytes()
                            .all(|b| b.is_ascii_alphanumeric() || b == b'-')
                });
            if !known {
                let path = at!["vendors", index, "permissions", "allow", entry];
                problems.error(
                    path,
                    format!("`{action}` is not an action, such as ec2:Describe*"),
                );
            } else if permissions::expand(action).is_empty() {
                // AWS may have added it since.
                let path = at!["vendors", index, "permissions", "allow", entry];
                let message = format!("`{action}` fits no action that AWS is known to have");
                problems.warn(path, message, "check it for a typing error");
            }
        }
    }

    fn principal_problems(&self, path: Vec<PathSegment>, arn: &str, problems: &mut Problems) {
        if is_unique_id(arn) {
            return;
        }
        let Some((service, account, resource)) = arn_parts(arn) else {
            let hint = "write arn:aws:iam::123456789012:role/Name";
            let message = format!("`{arn}` is not a principal's ARN");
            problems.add(Level::Error, path, message, Some(hint.to_owned()));
            return;
        };
        let kind = resource.split('/').next().unwrap_or_default();
        if !matches!(
            (service, kind),
            ("iam", "role" | "user" | "root") | ("sts", "assumed-role" | "federated-user")
        ) {
            problems.error(path, format!("`{arn}` names no role, user or session"));
        } else if !self.accounts.iter().any(|own| own == account) {
            let message = format!("`{arn}` is in none of the vendor's accounts");
            let hint = Some("list its account under `accounts`, or correct the ARN".to_owned());
            problems.add(Level::Error, path, message, hint);
        } else if is_pattern(resource) {
            let message = format!(
                "whoever can name a {kind} of account {account} so comes as this vendor: `{arn}`"
            );
            let hint = "name the principals one by one, where the vendor's are fixed";
            problems.warn(path, message, hint);
        } else if resource == "root" {
            let hint = "leave `principals` out to allow the whole account";
            problems.warn(path, "root stands for the whole account", hint);
        }
    }

    fn external_id_problems(&self, path: Vec<PathSegment>, id: &str, problems: &mut Problems) {
        let fixed = id.replace(['*', '?'], "");
        if is_pattern(id) && fixed.is_empty() {
            let message = format!("`{id}` is any external id, of any customer of the vendor");
            let hint = "name yours, or write `required: false`".to_owned();
            problems.add(Level::Error, path, message, Some(hint));
        } else if is_pattern(id) && is_external_id(&fixed) {
            let message = format!("whoever has an external id like `{id}` comes as this vendor");
            let hint = "name the ids one by one, unless the vendor binds all of these to you";
            problems.warn(path, message, hint);
        } else if !is_external_id(id) {
            let message = "this cannot be an external id: one has 2 to 1,224 of the characters \
                 A-Z a-z 0-9 + = , . @ : / \\ - _";
            problems.error(path, message);
        } else if let Some(weakness) = quality(id, &[&self.name]) {
            let message = format!("the external id can be guessed: {weakness}");
            problems.warn(path, message, "use a random one, as a UUID");
        }
    }
}
