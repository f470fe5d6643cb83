//! What the sweep needs from the world, beyond what every handler does.

use std::future::Future;

use jiff::Timestamp;

use crate::model::LiveRole;
use crate::ports::{Roles, Source};

/// Lists the account's roles: only the sweep has it.
pub trait ListRoles: Roles {
    /// One page of all roles, from a marker on (`None`: from the beginning). A page may be empty
    /// and not be the last.
    ///
    /// # Errors
    /// [`ListRolesError`].
    fn list_roles(
        &self,
        marker: Option<&str>,
    ) -> impl Future<Output = Result<RolesPage, ListRolesError>> + Send;
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
}

/// Why the roles could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum ListRolesError {
    /// A permission is missing, or a policy denies it.
    #[error("may not list the account's roles")]
    AccessDenied {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Too many calls: it goes on later.
    #[error("IAM asks to slow down")]
    Throttled {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// IAM no longer knows the marker: the list has to be read from its beginning.
    #[error("IAM no longer knows where the list of roles was interrupted")]
    InvalidMarker {
        /// What IAM said.
        #[source]
        source: Source,
    },
    /// Anything else: worth trying again.
    #[error("the account's roles could not be listed")]
    Other {
        /// What happened.
        #[source]
        source: Source,
    },
}
