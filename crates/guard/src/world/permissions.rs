//! Reading what roles and users may do, and undoing it: for `role-permissions` and the remediator.

use std::future::Future;

use permissions::{Policies, Policy};
use serde::{Deserialize, Serialize};

use super::Keys;
use super::WriteRoles;
use super::errors::{ReadPermissionsError, StateError, UndoError};
use crate::permissions::{HolderKind, PermissionsHistory, Undo};

/// The policies of a role or user as IAM has them now (or had them seconds ago: reads may be
/// stale).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivePermissions {
    /// The role's or user's name, in IAM's own spelling.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `AROA…` or `AIDA…`.
    pub id: String,
    /// Managed and inline, those of a user's groups included.
    pub policies: Vec<HeldPolicy>,
    /// The permissions boundary.
    pub boundary: Option<HeldPolicy>,
    /// The groups that a user is in.
    pub groups: Vec<String>,
}

/// One policy of a role or user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPolicy {
    /// Its name.
    pub name: String,
    /// Of a managed policy.
    pub arn: Option<String>,
    /// The version in force of a managed policy, as `v2`, where it could be read.
    pub version: Option<String>,
    /// The group that it comes by.
    pub group: Option<String>,
    /// Its document, percent-decoding done; `None` where it could not be read.
    pub document: Option<String>,
}

impl HeldPolicy {
    /// A managed policy whose document is not known.
    pub fn managed(arn: &str) -> Self {
        Self {
            name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            arn: Some(arn.to_owned()),
            ..Self::default()
        }
    }

    fn as_policy(&self) -> Policy<'_> {
        Policy {
            name: &self.name,
            arn: self.arn.as_deref(),
            document: self.document.as_deref(),
        }
    }
}

impl LivePermissions {
    /// As they are worked out.
    pub fn policies(&self) -> Policies<'_> {
        Policies {
            policies: self.policies.iter().map(HeldPolicy::as_policy).collect(),
            boundary: self.boundary.as_ref().map(HeldPolicy::as_policy),
        }
    }
}

/// Of whom a list of roles and users is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOf<'a> {
    /// Whoever holds this managed policy, by its ARN, or has it as boundary.
    HoldersOf(&'a str),
    /// The users of this group.
    UsersIn(&'a str),
}

/// Some of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HoldersPage {
    /// Names of roles.
    pub roles: Vec<String>,
    /// Names of users.
    pub users: Vec<String>,
    /// Names of groups.
    pub groups: Vec<String>,
    /// How to ask for the rest, if there is one.
    pub next: Option<String>,
}

/// Reads what roles and users may do.
pub trait ReadPermissions: Sync {
    /// The policies of a role; a role that does not exist is `Ok(None)`. A policy whose document
    /// alone cannot be read is listed without it.
    ///
    /// # Errors
    /// [`ReadPermissionsError`].
    fn role_permissions(
        &self,
        role: &str,
    ) -> impl Future<Output = Result<Option<LivePermissions>, ReadPermissionsError>> + Send;

    /// The policies of a user and of its groups, likewise.
    ///
    /// # Errors
    /// [`ReadPermissionsError`].
    fn user_permissions(
        &self,
        user: &str,
    ) -> impl Future<Output = Result<Option<LivePermissions>, ReadPermissionsError>> + Send;

    /// A managed policy in one of its versions, or in that which is in force; `Ok(None)` where
    /// there is none such.
    ///
    /// # Errors
    /// [`ReadPermissionsError`].
    fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> impl Future<Output = Result<Option<HeldPolicy>, ReadPermissionsError>> + Send;

    /// The roles, users and groups that hold a policy, or the users of a group, page by page; an
    /// empty page where there is no such policy or group.
    ///
    /// # Errors
    /// [`ReadPermissionsError`].
    fn holders(
        &self,
        of: ListOf<'_>,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<HoldersPage, ReadPermissionsError>> + Send;
}

/// Writes what roles and users may do: only the remediator has it.
pub trait WritePermissions: ReadPermissions + WriteRoles + Keys {
    /// One write. What it takes away and is not there is [`UndoError::NotThere`].
    ///
    /// # Errors
    /// [`UndoError`].
    fn undo(
        &self,
        kind: HolderKind,
        name: &str,
        undo: &Undo,
    ) -> impl Future<Output = Result<(), UndoError>> + Send;
}

/// What the guard remembers of permissions. Each method fails with [`StateError`].
pub trait PermissionsState: Sync {
    /// What is remembered of a role or user, by its unique id.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn permissions_history(
        &self,
        account: &str,
        id: &str,
    ) -> impl Future<Output = Result<Option<PermissionsHistory>, StateError>> + Send;

    /// Saves it, if its `version` is the one that was read (0: it must not exist), as version + 1.
    /// Returns the new version.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    fn save_permissions_history(
        &self,
        history: &PermissionsHistory,
    ) -> impl Future<Output = Result<u64, StateError>> + Send;
}
