//! What one order is about, how often and how long it is tried, and which roles are never written.

use jiff::Timestamp;

use crate::handlers::Guard;
use crate::handlers::alert_builder::seconds_between;
use crate::model::{LiveRole, RoleRef};
use crate::order::{Order, RoleOrder};
use crate::state::incident::incident_id;

/// How long an order waits for state before people are told that nothing will happen.
pub(in crate::handlers) const STATE_SECONDS: i64 = 10 * 60;

/// How often what IAM shows is doubted: after looks at 0, 30 and 90 seconds it is believed.
const LOOKS: u32 = 3;

/// However often it was looked at meanwhile, for another reason, a shorter time proves nothing.
const LOOKS_SECONDS: i64 = 90;

/// How often a call that fails is tried again: for about eleven minutes.
pub(in crate::handlers) const TRIES: u32 = 8;

/// What one order is about, once for all steps.
#[derive(Debug, Clone, Copy)]
pub(in crate::handlers) struct Assignment<'a> {
    pub(in crate::handlers) guard: &'a Guard,
    pub(in crate::handlers) order: &'a Order,
    pub(in crate::handlers) role: &'a RoleOrder,
    pub(in crate::handlers) remediate: bool,
    pub(in crate::handlers) attempts: u32,
    pub(in crate::handlers) first_at: Timestamp,
    pub(in crate::handlers) now: Timestamp,
}

/// So often, and for so short a time, has an order been looked at that what IAM shows may be what
/// was there before.
pub(in crate::handlers) fn doubted(attempts: u32, first_at: Timestamp, now: Timestamp) -> bool {
    attempts < LOOKS || seconds_between(first_at, now) < LOOKS_SECONDS
}

impl Assignment<'_> {
    /// The sender judged by other rules, and waiting did not help.
    pub(in crate::handlers) fn skewed(&self) -> bool {
        self.order.rules != self.guard.rules.hash()
    }

    /// What IAM shows may be what was there before the change that the order is about.
    pub(in crate::handlers) fn doubts(&self) -> bool {
        doubted(self.attempts, self.first_at, self.now)
    }

    pub(in crate::handlers) fn order_id(&self) -> String {
        self.order.id()
    }

    /// The incident; an order to observe has one of its own only if the guard has to write.
    pub(in crate::handlers) fn incident(&self) -> String {
        self.role.incident.clone().unwrap_or_else(|| {
            incident_id(
                &self.guard.account,
                &format!("{}/observe", self.role.cause.event_id),
            )
        })
    }
}

/// For how long after an own write the document it replaced is taken for a stale read.
pub(in crate::handlers) const STALE_SECONDS: i64 = 60;

/// Why a role is never written, if so.
pub(in crate::handlers) fn untouchable(guard: &Guard, live: &LiveRole) -> Option<&'static str> {
    let role = RoleRef {
        account: guard.account.clone(),
        name: Some(live.name.clone()),
        path: Some(live.path.clone()),
    };
    if guard
        .own_roles
        .iter()
        .any(|own| own.eq_ignore_ascii_case(&live.arn) || role.is(own))
    {
        Some("it is one of the guard's own roles, which it never writes")
    } else if role.is_reserved() {
        Some("AWS keeps this role, and nobody else can write it")
    } else if guard.rules.protects(&role) {
        Some("the rules protect this role (remediation.protected_roles)")
    } else {
        None
    }
}
