//! The list of roles and what the sweep remembers, as one invocation meets them.

use guard::ports::{ListRoles, ListRolesError, ListedRole, RolesPage, StateError, SweepState};
use guard::state::sweep_state::{SweepProgress, SweptRole, ToldDocument};
use jiff::Timestamp;

use super::Hand;

impl ListRoles for Hand {
    /// Two pages, so that a run can be interrupted between them.
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, ListRolesError> {
        let first = marker.is_none();
        let invocation = self.invocation;
        self.effect("list roles", |inside| {
            let showed = inside.showed();
            let mut names: Vec<String> = inside
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
                    role: inside.role_as_of(invocation, name, showed)?,
                    sessions_denied_before: inside
                        .account
                        .role_at(name, showed)?
                        .sessions_denied_before,
                })
            });
            RolesPage {
                roles: roles.collect(),
                next: first.then(|| "the rest".to_owned()),
            }
        })
        .await
        .map_err(|_| ListRolesError::Throttled {
            source: "Throttling: Rate exceeded".into(),
        })
    }
}

impl SweepState for Hand {
    async fn sweep_progress(&self, account: &str) -> Result<Option<SweepProgress>, StateError> {
        self.on_state(
            "read the sweep's progress",
            self.scene.state.sweep_progress(account),
        )
        .await
    }

    async fn save_sweep_progress(&self, progress: &SweepProgress) -> Result<u64, StateError> {
        self.on_state(
            "save the sweep's progress",
            self.scene.state.save_sweep_progress(progress),
        )
        .await
    }

    async fn swept_roles(&self, account: &str) -> Result<Vec<SweptRole>, StateError> {
        self.on_state("read swept roles", self.scene.state.swept_roles(account))
            .await
    }

    async fn save_swept_role(&self, role: &SweptRole) -> Result<(), StateError> {
        self.on_state("save swept role", self.scene.state.save_swept_role(role))
            .await
    }

    async fn save_told_document(&self, told: &ToldDocument) -> Result<(), StateError> {
        self.on_state(
            "save told document",
            self.scene.state.save_told_document(told),
        )
        .await
    }

    async fn told_document(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> Result<Option<ToldDocument>, StateError> {
        self.on_state(
            "read told document",
            self.scene.state.told_document(account, role, digest),
        )
        .await
    }

    async fn request_sweep(&self, account: &str, at: Timestamp) -> Result<(), StateError> {
        self.on_state("request sweep", self.scene.state.request_sweep(account, at))
            .await
    }

    async fn sweep_requested(&self, account: &str) -> Result<Option<Timestamp>, StateError> {
        self.on_state(
            "read request for a sweep",
            self.scene.state.sweep_requested(account),
        )
        .await
    }
}
