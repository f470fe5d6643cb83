//! What the sweep needs of the world in memory.

use std::collections::BTreeSet;

use crate::account::CredentialReport;
use crate::ports::memory::InMemory;
use crate::ports::{
    IamError, ListProviders, ListRoles, ListedRole, LiveProvider, ReadCredentials, RolesPage,
    UserKey, UsersPage,
};

/// How many roles stand on a page, if nobody says otherwise.
const PAGE: usize = 100;

impl ListRoles for InMemory {
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, IamError> {
        let inside = self.inside();
        let mut roles = inside
            .roles
            .iter()
            .skip_while(|(name, _)| marker.is_some_and(|marker| name.as_str() <= marker));
        let mut page = RolesPage::default();
        for (name, role) in roles.by_ref().take(inside.page.unwrap_or(PAGE)) {
            let held = inside.role_permissions.get(name);
            page.roles.push(ListedRole {
                role: role.clone(),
                sessions_denied_before: inside.denied_before.get(name).copied(),
                policies: held.map(|held| held.policies.clone()).unwrap_or_default(),
            });
            page.next = Some(name.clone());
        }
        if roles.next().is_none() {
            page.next = None;
        }
        Ok(page)
    }
}

impl InMemory {
    /// Creates an identity provider, or puts another in its place.
    pub fn put_provider(&self, provider: LiveProvider) {
        let mut inside = self.inside();
        inside.providers.insert(provider.arn.clone(), provider);
    }
}

impl ListProviders for InMemory {
    async fn list_providers(&self) -> Result<Vec<LiveProvider>, IamError> {
        Ok(self.inside().providers.values().cloned().collect())
    }
}

impl ReadCredentials for InMemory {
    async fn credentials(&self) -> Result<Option<CredentialReport>, IamError> {
        Ok(self.inside().credentials.clone())
    }

    async fn list_users(&self, marker: Option<&str>) -> Result<UsersPage, IamError> {
        let inside = self.inside();
        let may = inside.user_permissions.values().map(|held| &held.name);
        let with_keys = inside.keys.keys().map(|(user, _)| user);
        let names: BTreeSet<&String> = with_keys.chain(may).collect();
        let mut names = names
            .into_iter()
            .filter(|name| marker.is_none_or(|marker| name.as_str() > marker));
        let page = names.by_ref().take(inside.page.unwrap_or(PAGE));
        let users: Vec<String> = page.cloned().collect();
        let next = users.last().cloned().filter(|_| names.next().is_some());
        Ok(UsersPage { users, next })
    }

    async fn access_keys(&self, user: &str) -> Result<Vec<UserKey>, IamError> {
        let inside = self.inside();
        let keys = inside.keys.iter().filter(|((owner, _), _)| owner == user);
        Ok(keys
            .map(|(_, &(active, created))| UserKey { created, active })
            .collect())
    }
}

impl InMemory {
    /// What the credential report says; `None`: it is being made.
    pub fn put_credentials(&self, report: Option<CredentialReport>) {
        self.inside().credentials = report;
    }
}
