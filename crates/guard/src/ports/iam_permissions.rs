//! Reading what roles and users may do, and undoing it: for `role-permissions` and the remediator.

use std::future::Future;

use crate::model::{HeldPolicy, HolderKind, LivePermissions};
use crate::permissions::Undo;
use crate::ports::errors::IamError;
use crate::ports::{Keys, WriteRoles};

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
    /// [`IamError`].
    fn role_permissions(
        &self,
        role: &str,
    ) -> impl Future<Output = Result<Option<LivePermissions>, IamError>> + Send;

    /// The policies of a user and of its groups, likewise.
    ///
    /// # Errors
    /// [`IamError`].
    fn user_permissions(
        &self,
        user: &str,
    ) -> impl Future<Output = Result<Option<LivePermissions>, IamError>> + Send;

    /// A managed policy in one of its versions, or in that which is in force; `Ok(None)` where
    /// there is none such.
    ///
    /// # Errors
    /// [`IamError`].
    fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> impl Future<Output = Result<Option<HeldPolicy>, IamError>> + Send;

    /// The roles, users and groups that hold a policy, or the users of a group, page by page; an
    /// empty page where there is no such policy or group.
    ///
    /// # Errors
    /// [`IamError`].
    fn holders(
        &self,
        of: ListOf<'_>,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<HoldersPage, IamError>> + Send;
}

/// Writes what roles and users may do: only the remediator has it.
pub trait WritePermissions: ReadPermissions + WriteRoles + Keys {
    /// One write. What it takes away and is not there is
    /// [`IamErrorKind::NoSuchEntity`](crate::ports::IamErrorKind::NoSuchEntity).
    ///
    /// # Errors
    /// [`IamError`].
    fn undo(
        &self,
        kind: HolderKind,
        name: &str,
        undo: &Undo,
    ) -> impl Future<Output = Result<(), IamError>> + Send;
}
