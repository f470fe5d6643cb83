//! The handlers: what each function does with an event or an order, as code over a
//! [`World`](crate::ports::World). The functions' binaries only call these; so do the histories
//! and `replay`.
//!
//! A handler may be stopped between any two of its effects, and what it was given comes again.
//! So each effect either is harmless twice, or is announced in state before it happens.

mod detect;
mod incidents;
mod publish;
mod remediator;
mod sweep;
mod watch;

use crate::order::RefusedOrder;
use crate::ports::{IamError, PublishError, SendOrderError, StateError};

pub use detect::{
    access_key, guard_tamper, identity_provider, resource_share, role_permissions, role_trust,
    root_activity,
};
pub use incidents::incidents;
pub use publish::{Delivery, LEASE};
pub use remediator::carry_out;
pub use sweep::{
    CredentialsSwept, GRACE_SECONDS, KeysSwept, MOST_ROLES, MOST_USERS, PermissionsSwept,
    ProvidersSwept, Swept, sweep, sweep_credentials, sweep_keys, sweep_permissions,
    sweep_providers,
};
pub use watch::{Surroundings, Watched, answer_heartbeat, watch};

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// Nothing for the guard: nothing was asked, sent or kept.
    Irrelevant,
    /// A call that failed: nothing changed.
    FailedCall,
    /// The guard's own write came back.
    OwnWrite,
    /// Compliant; an order to remember it was sent, where there is something to remember.
    Approved,
    /// An alert is out (or another delivery of the event has put it out).
    Alerted {
        /// The incident.
        incident: String,
        /// How it went out.
        reported: Delivery,
    },
}

/// Why an event or an order has to come again.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// Another delivery of the event is publishing the alert, or died doing so.
    #[error("alert {incident} is being published by another delivery")]
    InProgress {
        /// The incident.
        incident: String,
    },
    /// IAM does not show yet what an event names.
    #[error("{what} is not to be seen yet")]
    NotSeenYet {
        /// As `role X`.
        what: String,
    },
    /// The alert did not go out.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The order did not go out.
    #[error(transparent)]
    SendOrder(#[from] SendOrderError),
    /// State did not answer.
    #[error(transparent)]
    State(#[from] StateError),
    /// The account's roles could not be listed.
    #[error(transparent)]
    ListRoles(#[from] IamError),
    /// An order that is not for this guard: it belongs in the dead-letter queue.
    #[error(transparent)]
    Refused(#[from] RefusedOrder),
}
