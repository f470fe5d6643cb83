//! The list of roles and what the sweep remembers, as one invocation meets them.

use guard::ports::{IamError, ListRoles, ListedRole, RolesPage};

use super::Ports;

impl ListRoles for Ports {
    /// Two pages, so that a run can be interrupted between them.
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, IamError> {
        let first = marker.is_none();
        let invocation = self.invocation;
        let state = &mut *self.shared.lock();
        let showed = state.showed();
        let mut names: Vec<String> = state
            .account
            .roles
            .iter()
            .map(|role| role.name.clone())
            .collect();
        names.sort();
        names.dedup();
        let half = names.len().div_ceil(2);
        let names = if first {
            names.get(..half)
        } else {
            names.get(half..)
        };
        let roles = names.unwrap_or_default().iter().filter_map(|name| {
            Some(ListedRole {
                role: state.role_as_of(invocation, name, showed)?,
                sessions_denied_before: state.account.role_at(name, showed)?.sessions_denied_before,
                policies: Vec::new(),
            })
        });
        Ok(RolesPage {
            roles: roles.collect(),
            next: first.then(|| "the rest".to_owned()),
        })
    }
}
