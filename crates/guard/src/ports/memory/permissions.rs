//! Identity policies in memory.

use crate::model::{HeldPolicy, HolderKind, LivePermissions};
use crate::permissions::Undo;
use crate::ports::iam_permissions::{HoldersPage, ListOf, ReadPermissions};
use crate::ports::memory::InMemory;
use crate::ports::{IamError, IamErrorKind, Roles as _, WritePermissions};

impl InMemory {
    /// Sets what a role may do; the role itself is put by [`InMemory::put_role`].
    pub fn put_role_permissions(&self, held: LivePermissions) {
        let name = held.name.to_ascii_lowercase();
        self.inside().role_permissions.insert(name, held);
    }

    /// Sets what a user may do.
    pub fn put_user_permissions(&self, held: LivePermissions) {
        let name = held.name.to_ascii_lowercase();
        self.inside().user_permissions.insert(name, held);
    }

    /// Creates a managed policy, or puts another version of it in force.
    pub fn put_managed_policy(&self, policy: HeldPolicy) {
        let arn = policy.arn.clone().unwrap_or_default();
        let version = policy.version.clone().unwrap_or_default();
        let mut inside = self.inside();
        inside.default_versions.insert(arn.clone(), version.clone());
        inside.managed.insert((arn, version), policy);
    }

    /// Adds a user to a group.
    pub fn put_in_group(&self, group: &str, user: &str) {
        let mut inside = self.inside();
        let users = inside.groups.entry(group.to_owned()).or_default();
        users.push(user.to_owned());
    }

    /// What is held, managed policies in the version that is in force.
    fn current(&self, mut held: LivePermissions) -> LivePermissions {
        let inside = self.inside();
        for policy in held.policies.iter_mut().chain(&mut held.boundary) {
            let Some(arn) = &policy.arn else { continue };
            if let Some(version) = inside.default_versions.get(arn)
                && let Some(now) = inside.managed.get(&(arn.clone(), version.clone()))
            {
                policy.version.clone_from(&now.version);
                policy.document.clone_from(&now.document);
            }
        }
        held
    }
}

impl ReadPermissions for InMemory {
    async fn role_permissions(&self, role: &str) -> Result<Option<LivePermissions>, IamError> {
        let Ok(Some(live)) = self.read_role(role).await else {
            return Ok(None);
        };
        let known = self
            .inside()
            .role_permissions
            .get(&role.to_ascii_lowercase())
            .cloned();
        let held = LivePermissions {
            name: live.name,
            arn: live.arn,
            id: live.role_id,
            ..known.unwrap_or_default()
        };
        Ok(Some(self.current(held)))
    }

    async fn user_permissions(&self, user: &str) -> Result<Option<LivePermissions>, IamError> {
        let known = self
            .inside()
            .user_permissions
            .get(&user.to_ascii_lowercase())
            .cloned();
        Ok(known.map(|held| self.current(held)))
    }

    async fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        let inside = self.inside();
        let version = version.or(inside.default_versions.get(arn).map(String::as_str));
        let key = (arn.to_owned(), version.unwrap_or_default().to_owned());
        Ok(inside.managed.get(&key).cloned())
    }

    async fn holders(&self, of: ListOf<'_>, _: Option<&str>) -> Result<HoldersPage, IamError> {
        let inside = self.inside();
        Ok(match of {
            ListOf::UsersIn(group) => HoldersPage {
                users: inside.groups.get(group).cloned().unwrap_or_default(),
                ..HoldersPage::default()
            },
            ListOf::HoldersOf(arn) => {
                let holds = |held: &&LivePermissions| {
                    let mut all = held.policies.iter().chain(&held.boundary);
                    all.any(|policy| policy.arn.as_deref() == Some(arn))
                };
                let names = |all: Vec<&LivePermissions>| {
                    all.into_iter().map(|held| held.name.clone()).collect()
                };
                HoldersPage {
                    roles: names(inside.role_permissions.values().filter(holds).collect()),
                    users: names(inside.user_permissions.values().filter(holds).collect()),
                    ..HoldersPage::default()
                }
            }
        })
    }
}

impl WritePermissions for InMemory {
    async fn undo(&self, kind: HolderKind, name: &str, undo: &Undo) -> Result<(), IamError> {
        let mut inside = self.inside();
        let not_there = || {
            let kind = IamErrorKind::NoSuchEntity;
            IamError::new("change the policies of", name, kind, "no such policy")
        };
        if let Undo::SetDefaultVersion { arn, version } = undo {
            let known = inside.managed.contains_key(&(arn.clone(), version.clone()));
            if !known {
                return Err(not_there());
            }
            inside.default_versions.insert(arn.clone(), version.clone());
            return Ok(());
        }
        let holders = match kind {
            HolderKind::Role => &mut inside.role_permissions,
            HolderKind::User => &mut inside.user_permissions,
        };
        let held = holders
            .get_mut(&name.to_ascii_lowercase())
            .ok_or_else(not_there)?;
        let there = |policy: &HeldPolicy| match undo {
            Undo::Detach { arn } => policy.arn.as_ref() == Some(arn),
            Undo::DeleteInline { name } => policy.arn.is_none() && policy.name == *name,
            _ => true,
        };
        let takes = matches!(undo, Undo::Detach { .. } | Undo::DeleteInline { .. });
        if takes && !held.policies.iter().any(there) {
            return Err(not_there());
        }
        *held = undo.applied(held, None);
        Ok(())
    }
}
