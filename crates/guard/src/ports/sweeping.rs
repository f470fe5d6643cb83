//! What the sweep needs from the world, beyond what every handler does.

use std::future::Future;

use jiff::Timestamp;

use crate::model::LiveRole;
use crate::ports::{Roles, Source, StateError};
use crate::state::sweep_state::{SweepProgress, SweptRole, ToldDocument};

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

/// What the sweep remembers, and what it is told. Each method fails with [`StateError`].
pub trait SweepState: Sync {
    /// How far the sweep is; `None` before the first one.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn sweep_progress(
        &self,
        account: &str,
    ) -> impl Future<Output = Result<Option<SweepProgress>, StateError>> + Send;

    /// Saves it, if its `version` is the one that was read (0: it must not exist), as version + 1.
    /// Returns the new version.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    fn save_sweep_progress(
        &self,
        progress: &SweepProgress,
    ) -> impl Future<Output = Result<u64, StateError>> + Send;

    /// All roles that the sweep remembers, in any order. An item that cannot be read is left out:
    /// its role is one the sweep does not know, and is looked at as such.
    ///
    /// # Errors
    /// `Unavailable`.
    fn swept_roles(
        &self,
        account: &str,
    ) -> impl Future<Output = Result<Vec<SweptRole>, StateError>> + Send;

    /// Remembers a role as it was seen.
    ///
    /// # Errors
    /// `Unavailable`.
    fn save_swept_role(
        &self,
        role: &SweptRole,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Records that people have been told of a role's document; the last telling stays.
    ///
    /// # Errors
    /// `Unavailable`.
    fn save_told_document(
        &self,
        told: &ToldDocument,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// When and how people were told of a document of the role of this name (case ignored).
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn told_document(
        &self,
        account: &str,
        role: &str,
        digest: &str,
    ) -> impl Future<Output = Result<Option<ToldDocument>, StateError>> + Send;

    /// Asks for a sweep at once: an event hides which role it changed.
    ///
    /// # Errors
    /// `Unavailable`.
    fn request_sweep(
        &self,
        account: &str,
        at: Timestamp,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// When a sweep was last asked for.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn sweep_requested(
        &self,
        account: &str,
    ) -> impl Future<Output = Result<Option<Timestamp>, StateError>> + Send;
}
