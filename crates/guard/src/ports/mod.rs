//! What the guard needs from the world: a few traits, implemented by `crates/aws`, by
//! [`memory::InMemory`] and by the histories.
//!
//! Reading and writing roles are different traits, so that a detecting function cannot even name
//! a write. Each method is one effect: a handler may be stopped before or after any of them, and
//! what it leaves behind must be picked up by the next delivery.

use std::future::Future;

use jiff::Timestamp;

use crate::alert::Alert;
use crate::model::LiveRole;
use crate::order::Order;
use crate::state::Ledger;

mod errors;
mod faulty;
mod iam_permissions;
pub mod memory;
mod store;
mod sweeping;

pub use errors::{IamError, IamErrorKind, PublishError, SendOrderError, Source, StateError, chain};
pub use faulty::{Call, Fault, Faults, Port, Sent};
pub use iam_permissions::{HoldersPage, ListOf, ReadPermissions, WritePermissions};
pub use store::{Condition, Item, Key, Put, Store, Test, Update, moment};
pub use sweeping::{
    ListProviders, ListRoles, ListedRole, LiveProvider, ReadCredentials, RolesPage, UserKey,
    UsersPage,
};

/// Reads roles.
pub trait Roles: Sync {
    /// The role of this name in the account the guard watches, or none.
    ///
    /// # Errors
    /// [`IamError`]; a role that does not exist is `Ok(None)`.
    fn read_role(
        &self,
        name: &str,
    ) -> impl Future<Output = Result<Option<LiveRole>, IamError>> + Send;
}

/// Writes roles: only the remediator has it.
pub trait WriteRoles: Roles {
    /// UpdateAssumeRolePolicy.
    ///
    /// # Errors
    /// [`IamError`].
    fn write_trust_policy(
        &self,
        role: &str,
        document: &str,
    ) -> impl Future<Output = Result<(), IamError>> + Send;

    /// Puts the inline policy that denies everything to sessions issued before a moment. Putting
    /// it again moves the moment.
    ///
    /// # Errors
    /// [`IamError`].
    fn deny_sessions_before(
        &self,
        role: &str,
        before: Timestamp,
    ) -> impl Future<Output = Result<(), IamError>> + Send;

    /// Takes that inline policy away; none there is no error.
    ///
    /// # Errors
    /// [`IamError`].
    fn lift_session_denial(&self, role: &str) -> impl Future<Output = Result<(), IamError>> + Send;
}

/// Deactivates access keys: only the remediator has it.
pub trait Keys: Sync {
    /// When a user's key was created; a key or user that does not exist is `Ok(None)`.
    ///
    /// # Errors
    /// [`IamError`].
    fn key_created(
        &self,
        user: &str,
        key_id: &str,
    ) -> impl Future<Output = Result<Option<Timestamp>, IamError>> + Send;

    /// UpdateAccessKey to `Inactive`. Doing it twice is no error.
    ///
    /// # Errors
    /// [`IamError`].
    fn deactivate_key(
        &self,
        user: &str,
        key_id: &str,
    ) -> impl Future<Output = Result<(), IamError>> + Send;
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

    /// Whether anybody hears what is published: `false` only if it is known that nobody has confirmed
    /// a subscription yet.
    fn is_heard(&self) -> impl Future<Output = bool> + Send;
}

/// Makes the calls of the heartbeat: only the function that watches the guard itself has it.
pub trait Heartbeats: Sync {
    /// Makes one call, as `iam:DeleteRole`, on something that does not exist. The id that AWS gave it,
    /// whatever AWS said to it.
    ///
    /// # Errors
    /// AWS gave no answer, or there is no such call.
    fn beat(&self, call: &str) -> impl Future<Output = Result<String, Source>> + Send;
}

/// What a look at the deployed stack came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Differences {
    /// What is other than it was deployed, or cannot be read, each as a sentence.
    pub found: Vec<String>,
    /// Some other region's stack is there.
    pub forwards: bool,
}

/// Holds the deployed stack against its template: only the function that watches the guard itself has it.
pub trait Deployed: Sync {
    /// Looks. `forwarded`: some other region's stack was there at an earlier look.
    fn differences(&self, forwarded: bool) -> impl Future<Output = Differences> + Send;
}

/// The time.
pub trait Clock: Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Comes back when this moment has come; where time is told and not passing, at once.
    fn wait_until(&self, _moment: Timestamp) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

/// All of it together, as a handler takes it. Detecting handlers ask for no more than this; the
/// remediator's ask for `W: World<Roles: WritePermissions>`, the sweep's for
/// `W: World<Roles: ListRoles>`, that of `role-permissions` for
/// `W: World<Roles: ReadPermissions>`.
pub trait World: Sync {
    /// Reads roles, and writes them if it is the remediator's.
    type Roles: Roles;
    /// The table in which everything is remembered.
    type Store: Store;
    /// The queue of orders.
    type Orders: Orders;
    /// The topic of alerts.
    type Alerts: Alerts;
    /// The time.
    type Clock: Clock;

    /// Reads roles, and writes them if it is the remediator's.
    fn roles(&self) -> &Self::Roles;
    /// The table in which everything is remembered.
    fn store(&self) -> &Self::Store;
    /// What the guard remembers.
    fn state(&self) -> Ledger<'_, Self::Store> {
        Ledger::new(self.store())
    }
    /// The queue of orders.
    fn orders(&self) -> &Self::Orders;
    /// The topic of alerts.
    fn alerts(&self) -> &Self::Alerts;
    /// The time.
    fn clock(&self) -> &Self::Clock;
}

/// One type may be all of it.
impl<T: Roles + Store + Orders + Alerts + Clock> World for T {
    type Roles = Self;
    type Store = Self;
    type Orders = Self;
    type Alerts = Self;
    type Clock = Self;

    fn roles(&self) -> &Self {
        self
    }

    fn store(&self) -> &Self {
        self
    }

    fn orders(&self) -> &Self {
        self
    }

    fn alerts(&self) -> &Self {
        self
    }

    fn clock(&self) -> &Self {
        self
    }
}

/// A [`World`] put together from its parts.
#[derive(Debug, Clone)]
pub struct Assembled<R, S, O, A, C> {
    /// Reads roles, and writes them if it is the remediator's.
    pub roles: R,
    /// The table in which everything is remembered.
    pub store: S,
    /// The queue of orders.
    pub orders: O,
    /// The topic of alerts.
    pub alerts: A,
    /// The time.
    pub clock: C,
}

impl<R: Roles, S: Store, O: Orders, A: Alerts, C: Clock> World for Assembled<R, S, O, A, C> {
    type Roles = R;
    type Store = S;
    type Orders = O;
    type Alerts = A;
    type Clock = C;

    fn roles(&self) -> &R {
        &self.roles
    }

    fn store(&self) -> &S {
        &self.store
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
