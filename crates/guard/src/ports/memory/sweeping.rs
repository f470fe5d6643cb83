//! What the sweep needs of the world in memory.

use jiff::Timestamp;

use crate::ports::memory::{MemoryWorld, name_key};
use crate::ports::{ListRoles, ListRolesError, ListedRole, RolesPage, StateError, SweepState};
use crate::state::sweep_state::{SweepProgress, SweptRole, ToldDocument};

/// How many roles stand on a page.
const PAGE: usize = 100;

impl ListRoles for MemoryWorld {
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, ListRolesError> {
        let inside = self.inside();
        let mut roles = inside
            .roles
            .iter()
            .skip_while(|(name, _)| marker.is_some_and(|marker| name.as_str() <= marker));
        let mut page = RolesPage::default();
        for (name, role) in roles.by_ref().take(PAGE) {
            page.roles.push(ListedRole {
                role: role.clone(),
                sessions_denied_before: inside.denied_before.get(name).copied(),
            });
            page.next = Some(name.clone());
        }
        if roles.next().is_none() {
            page.next = None;
        }
        Ok(page)
    }
}

impl SweepState for MemoryWorld {
    async fn sweep_progress(&self, account: &str) -> Result<Option<SweepProgress>, StateError> {
        Ok(self.inside().sweeps.get(account).cloned())
    }

    async fn save_sweep_progress(&self, progress: &SweepProgress) -> Result<u64, StateError> {
        let mut inside = self.inside();
        let stored = inside
            .sweeps
            .get(&progress.account)
            .map_or(0, |stored| stored.version);
        if stored != progress.version {
            return Err(StateError::Conflict {
                what: "the sweep's progress".to_owned(),
            });
        }
        let version = stored + 1;
        let saved = SweepProgress {
            version,
            ..progress.clone()
        };
        inside.sweeps.insert(progress.account.clone(), saved);
        Ok(version)
    }

    async fn swept_roles(&self, account: &str) -> Result<Vec<SweptRole>, StateError> {
        let inside = self.inside();
        let roles = inside.swept.values().filter(|role| role.account == account);
        Ok(roles.cloned().collect())
    }

    async fn save_swept_role(&self, role: &SweptRole) -> Result<(), StateError> {
        let key = (role.account.clone(), role.role_id.clone());
        self.inside().swept.insert(key, role.clone());
        Ok(())
    }

    async fn save_told_document(&self, told: &ToldDocument) -> Result<(), StateError> {
        let (account, role) = name_key(&told.account, &told.role);
        self.inside()
            .told
            .insert((account, role, told.digest.clone()), told.clone());
        Ok(())
    }

    async fn told_document(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> Result<Option<ToldDocument>, StateError> {
        let (account, role) = name_key(account, role);
        let key = (account, role, digest.to_owned());
        Ok(self.inside().told.get(&key).cloned())
    }

    async fn request_sweep(&self, account: &str, at: Timestamp) -> Result<(), StateError> {
        self.inside().requests.insert(account.to_owned(), at);
        Ok(())
    }

    async fn sweep_requested(&self, account: &str) -> Result<Option<Timestamp>, StateError> {
        Ok(self.inside().requests.get(account).copied())
    }
}
