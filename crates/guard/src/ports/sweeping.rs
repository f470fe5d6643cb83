//! What the sweep needs from the world, beyond what every handler does.

use std::future::Future;

use jiff::Timestamp;

use crate::account::CredentialReport;
use crate::cloudtrail::{Metadata, ProviderType};
use crate::model::{HeldPolicy, LiveRole};
use crate::ports::{IamError, Roles};

/// Lists the account's roles: only the sweep has it.
pub trait ListRoles: Roles {
    /// One page of all roles, from a marker on (`None`: from the beginning). A page may be empty
    /// and not be the last.
    ///
    /// # Errors
    /// [`IamError`].
    fn list_roles(
        &self,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<RolesPage, IamError>> + Send;
}

/// Reads what users sign in with: only the sweep has it.
pub trait ReadCredentials: Roles {
    /// The credential report; `None` while AWS is making one, which takes it some seconds every four
    /// hours.
    ///
    /// # Errors
    /// [`IamError`].
    fn credentials(
        &self,
    ) -> impl Future<Output = Result<Option<CredentialReport>, IamError>> + Send;

    /// One page of all users' names, from a marker on. A page may be empty and not be the last.
    ///
    /// # Errors
    /// [`IamError`].
    fn list_users(
        &self,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<UsersPage, IamError>> + Send;

    /// A user's access keys; a user who does not exist has none.
    ///
    /// # Errors
    /// [`IamError`].
    fn access_keys(
        &self,
        user: &str,
    ) -> impl Future<Output = Result<Vec<UserKey>, IamError>> + Send;
}

/// Lists the account's identity providers: only the sweep has it.
pub trait ListProviders: Roles {
    /// All SAML and OIDC providers.
    ///
    /// # Errors
    /// [`IamError`].
    fn list_providers(&self) -> impl Future<Output = Result<Vec<LiveProvider>, IamError>> + Send;
}

/// An identity provider as IAM shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveProvider {
    /// What it is.
    pub provider: ProviderType,
    /// Its ARN.
    pub arn: String,
    /// When it was created.
    pub created: Option<Timestamp>,
    /// What it is known by.
    pub metadata: Metadata,
}

/// Some of the account's users.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsersPage {
    /// Their names, as IAM lists them.
    pub users: Vec<String>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<String>,
}

/// An access key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserKey {
    /// When it was created.
    pub created: Timestamp,
    /// Whether it can be used.
    pub active: bool,
}

/// Some of the account's roles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolesPage {
    /// As IAM lists them.
    pub roles: Vec<ListedRole>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<String>,
}

/// A role as it stands in the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRole {
    /// The role.
    pub role: LiveRole,
    /// The moment of the guard's inline policy that denies older sessions, if the role has it.
    pub sessions_denied_before: Option<Timestamp>,
    /// The policies that it holds, inline ones with their documents.
    pub policies: Vec<HeldPolicy>,
}
