//! What the sweep needs of the world in memory.

use crate::account::CredentialReport;
use crate::ports::memory::InMemory;
use crate::ports::{IamError, ListRoles, ListedRole, ReadCredentials, RolesPage};

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

impl ReadCredentials for InMemory {
    async fn credentials(&self) -> Result<Option<CredentialReport>, IamError> {
        Ok(self.inside().credentials.clone())
    }
}

impl InMemory {
    /// What the credential report says; `None`: it is being made.
    pub fn put_credentials(&self, report: Option<CredentialReport>) {
        self.inside().credentials = report;
    }
}
