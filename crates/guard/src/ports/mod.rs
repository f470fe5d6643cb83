//! What the guard needs from the world: a few traits, implemented by `crates/aws`, by
//! [`memory::MemoryWorld`] and by the simulator of the tests.
//!
//! Reading and writing roles are different traits, so that a detecting function cannot even name
//! a write. Each method is one effect: a handler may be stopped before or after any of them, and
//! what it leaves behind must be picked up by the next delivery.

use std::future::Future;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::alert::Alert;
use crate::model::LiveRole;
use crate::order::Order;
use crate::state::digest_window::{Counted, FoldMember, FoldWindow};
use crate::state::history::{KeptDocument, RoleHistory};
use crate::state::incident::{AlertKey, Incident};

mod errors;
mod iam_permissions;
pub mod memory;
mod sweeping;

pub use errors::{
    DeactivateKeyError, DenySessionsError, PublishError, ReadPermissionsError, ReadRoleError,
    SendOrderError, Source, StateError, UndoError, WriteTrustPolicyError,
};
pub use iam_permissions::{
    HoldersPage, ListOf, PermissionsState, ReadPermissions, WritePermissions,
};
pub use sweeping::{ListRoles, ListRolesError, ListedRole, RolesPage, SweepState};

/// Who may publish an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lease {
    /// The caller, until the moment he named.
    Acquired,
    /// Another holder, who may have crashed: after this moment it can be acquired.
    InProgress {
        /// When his lease runs out.
        until: Timestamp,
    },
    /// Nobody: it is out.
    Done,
}

/// How far an order came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderProgress {
    /// How often it was begun, this time included.
    pub attempts: u32,
    /// When it was begun first.
    pub first_at: Timestamp,
    /// It was finished: a duplicate.
    pub done: bool,
}

/// Reads roles.
pub trait Roles: Sync {
    /// The role of this name in the account the guard watches, or none.
    ///
    /// # Errors
    /// [`ReadRoleError`]; a role that does not exist is `Ok(None)`.
    fn read_role(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<LiveRole>, ReadRoleError>> + Send;
}

/// Writes roles: only the remediator has it.
pub trait WriteRoles: Roles {
    /// UpdateAssumeRolePolicy.
    ///
    /// # Errors
    /// [`WriteTrustPolicyError`].
    fn write_trust_policy(
        &self,
        role: &str,
        document: &str,
    ) -> impl Future<Output = Result<(), WriteTrustPolicyError>> + Send;

    /// Puts the inline policy that denies everything to sessions issued before a moment. Putting
    /// it again moves the moment.
    ///
    /// # Errors
    /// [`DenySessionsError`].
    fn deny_sessions_before(
        &self,
        role: &str,
        before: Timestamp,
    ) -> impl Future<Output = Result<(), DenySessionsError>> + Send;

    /// Takes that inline policy away; none there is no error.
    ///
    /// # Errors
    /// [`DenySessionsError`].
    fn lift_session_denial(
        &self,
        role: &str,
    ) -> impl Future<Output = Result<(), DenySessionsError>> + Send;
}

/// Deactivates access keys: only the remediator has it.
pub trait Keys: Sync {
    /// UpdateAccessKey to `Inactive`. Doing it twice is no error.
    ///
    /// # Errors
    /// [`DeactivateKeyError`].
    fn deactivate_key(
        &self,
        user: &str,
        key_id: &str,
    ) -> impl Future<Output = Result<(), DeactivateKeyError>> + Send;
}

/// What the guard remembers. Account ids are part of every key; every read is a consistent one.
/// Each method fails with [`StateError`].
pub trait State: Sync {
    /// The history that the role's name (case ignored) points to: that of the incarnation saved
    /// last, closed or not.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn role_history(
        &self,
        account: &str,
        role: &str,
    ) -> impl Future<Output = Result<Option<RoleHistory>, StateError>> + Send;

    /// Saves a history whose `version` is the one that was read (0: it must not exist), as
    /// version + 1, and in the same step points the role's name to it. Returns the new version.
    ///
    /// # Errors
    /// `Conflict` when another version is stored; `Unavailable`.
    fn save_role_history(
        &self,
        history: &RoleHistory,
    ) -> impl Future<Output = Result<u64, StateError>> + Send;

    /// Keeps a document that is about to be overwritten. The first one of an incident stays.
    ///
    /// # Errors
    /// `Unavailable`.
    fn keep_document(
        &self,
        kept: &KeptDocument,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// The document that was overwritten in an incident.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn kept_document(
        &self,
        account: &str,
        incident: &str,
    ) -> impl Future<Output = Result<Option<KeptDocument>, StateError>> + Send;

    /// Counts one more attempt at an order (unless it is done) and says how far it came.
    ///
    /// # Errors
    /// `Unavailable`.
    fn begin_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<OrderProgress, StateError>> + Send;

    /// Marks an order done: duplicates of it do nothing.
    ///
    /// # Errors
    /// `Unavailable`.
    fn finish_order(
        &self,
        account: &str,
        order: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Asks for the right to publish an alert, until a moment. An expired lease can be taken.
    ///
    /// # Errors
    /// `Unavailable`.
    fn acquire_alert(
        &self,
        key: &AlertKey,
        now: Timestamp,
        until: Timestamp,
    ) -> impl Future<Output = Result<Lease, StateError>> + Send;

    /// Gives the right back after a failed publish, so that a retry need not wait; never turns
    /// `Done` back.
    ///
    /// # Errors
    /// `Unavailable`.
    fn release_alert(&self, key: &AlertKey) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Marks an alert as out and keeps what it was about.
    ///
    /// # Errors
    /// `Unavailable`.
    fn finish_alert(
        &self,
        incident: &Incident,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// Counts an alert in its window and keeps its line for the digest. Counting the same
    /// incident again changes nothing and gives the same position.
    ///
    /// # Errors
    /// `Unavailable`.
    fn count_alert(
        &self,
        window: &FoldWindow,
        member: &FoldMember,
    ) -> impl Future<Output = Result<Counted, StateError>> + Send;

    /// Records that the digest of a window has been ordered.
    ///
    /// # Errors
    /// `Unavailable`.
    fn digest_ordered(
        &self,
        window: &FoldWindow,
    ) -> impl Future<Output = Result<(), StateError>> + Send;

    /// All alerts counted in a window with their positions, in order of position.
    ///
    /// # Errors
    /// `Unavailable`, `Unreadable`.
    fn folded(
        &self,
        window: &FoldWindow,
    ) -> impl Future<Output = Result<Vec<(u32, FoldMember)>, StateError>> + Send;
}

/// The queue of orders.
pub trait Orders: Sync {
    /// Sends an order to its FIFO group ([`Order::group`]) under its deduplication id
    /// ([`Order::id`]).
    ///
    /// # Errors
    /// [`SendOrderError`].
    fn send_order(&self, order: &Order) -> impl Future<Output = Result<(), SendOrderError>> + Send;
}

/// The topic of alerts.
pub trait Alerts: Sync {
    /// Publishes one alert ([`Alert::bundle`] is what SNS takes).
    ///
    /// # Errors
    /// [`PublishError`].
    fn publish_alert(&self, alert: &Alert)
    -> impl Future<Output = Result<(), PublishError>> + Send;
}

/// The time.
pub trait Clock: Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// All of it together, as a handler takes it. Detecting handlers ask for no more than this; the
/// remediator's ask for `W: World<Roles: WritePermissions>`, the sweep's for
/// `W: World<Roles: ListRoles>`, that of `role-permissions` for
/// `W: World<Roles: ReadPermissions>`.
pub trait World: Sync {
    /// Reads roles, and writes them if it is the remediator's.
    type Roles: Roles;
    /// What the guard remembers.
    type State: State + SweepState + PermissionsState;
    /// The queue of orders.
    type Orders: Orders;
    /// The topic of alerts.
    type Alerts: Alerts;
    /// The time.
    type Clock: Clock;

    /// Reads roles, and writes them if it is the remediator's.
    fn roles(&self) -> &Self::Roles;
    /// What the guard remembers.
    fn state(&self) -> &Self::State;
    /// The queue of orders.
    fn orders(&self) -> &Self::Orders;
    /// The topic of alerts.
    fn alerts(&self) -> &Self::Alerts;
    /// The time.
    fn clock(&self) -> &Self::Clock;
}

/// A [`World`] put together from its parts.
#[derive(Debug, Clone)]
pub struct Assembled<R, S, O, A, C> {
    /// Reads roles, and writes them if it is the remediator's.
    pub roles: R,
    /// What the guard remembers.
    pub state: S,
    /// The queue of orders.
    pub orders: O,
    /// The topic of alerts.
    pub alerts: A,
    /// The time.
    pub clock: C,
}

impl<R: Roles, S: State + SweepState + PermissionsState, O: Orders, A: Alerts, C: Clock> World
    for Assembled<R, S, O, A, C>
{
    type Roles = R;
    type State = S;
    type Orders = O;
    type Alerts = A;
    type Clock = C;

    fn roles(&self) -> &R {
        &self.roles
    }

    fn state(&self) -> &S {
        &self.state
    }

    fn orders(&self) -> &O {
        &self.orders
    }

    fn alerts(&self) -> &A {
        &self.alerts
    }

    fn clock(&self) -> &C {
        &self.clock
    }
}
