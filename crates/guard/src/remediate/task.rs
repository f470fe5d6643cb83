//! What one order is about, how often and how long it is tried, and which roles are never written.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::model::{LiveRole, RoleRef, seconds_between};
use crate::order::{Order, RoleOrder, Task, pause_after};
use crate::state::incident::incident_id;

/// How long an order waits for state before people are told that nothing will happen.
pub(crate) const STATE_SECONDS: i64 = 10 * 60;

/// How long the remediator waits for a deploy that is on its way to reach it, too.
const SKEW_SECONDS: i64 = 10 * 60;

/// How often what IAM shows is doubted: after looks at 0, 30 and 90 seconds it is believed.
const LOOKS: u32 = 3;

/// However often it was looked at meanwhile, for another reason, a shorter time proves nothing.
const LOOKS_SECONDS: i64 = 90;

/// How often a call that fails is tried again: for about eleven minutes.
pub(crate) const TRIES: u32 = 8;

/// One attempt at an order, once for all steps.
#[derive(Debug)]
pub struct Assignment<'a, T> {
    /// How the function is set up.
    pub guard: &'a GuardConfig,
    /// The order.
    pub order: &'a Order,
    /// What it is about.
    pub about: &'a T,
    /// How often it was begun, this time included.
    pub attempts: u32,
    /// When it was begun first.
    pub first_at: Timestamp,
    /// Now.
    pub now: Timestamp,
}

/// An attempt at an order about a role.
pub type RoleTask<'a> = Assignment<'a, RoleOrder>;

impl<T> Clone for Assignment<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Assignment<'_, T> {}

impl<'a, T> Assignment<'a, T> {
    /// The same attempt, with what the order is about.
    pub(crate) fn about<U>(self, about: &'a U) -> Assignment<'a, U> {
        Assignment {
            guard: self.guard,
            order: self.order,
            about,
            attempts: self.attempts,
            first_at: self.first_at,
            now: self.now,
        }
    }
}

impl<T> Assignment<'_, T> {
    /// The sender judged by other rules, and waiting did not help.
    pub(crate) fn skewed(&self) -> bool {
        self.order.rules != self.guard.rules.hash()
    }

    /// So often, and for so short a time, has the order been looked at that what IAM shows may be
    /// what was there before the change that it is about.
    pub(crate) fn doubts(&self) -> bool {
        self.attempts < LOOKS || seconds_between(self.first_at, self.now) < LOOKS_SECONDS
    }

    /// In seconds, the pause that the number of attempts asks for.
    pub(crate) fn pause(&self) -> u64 {
        pause_after(self.attempts)
    }

    pub(crate) fn order_id(&self) -> String {
        self.order.id()
    }
}

impl RoleTask<'_> {
    /// To look and act, rather than to look only.
    pub(crate) fn remediates(&self) -> bool {
        matches!(self.order.task, Task::Remediate(_))
    }

    /// The incident; an order to observe has one of its own only if the guard has to write.
    pub(crate) fn incident(&self) -> String {
        self.about.incident.clone().unwrap_or_else(|| {
            incident_id(
                &self.guard.account,
                &format!("{}/observe", self.about.cause.event_id),
            )
        })
    }
}

/// For how many seconds an order waits whose sender judged by other rules.
pub(crate) fn awaits_deploy(guard: &GuardConfig, order: &Order, now: Timestamp) -> Option<u64> {
    let age = seconds_between(order.issued_at, now);
    if order.rules == guard.rules.hash() || skip!("wait-for-deploy") {
        return None;
    }
    match age {
        ..30 => Some(30),
        30..90 => Some(60),
        90..SKEW_SECONDS => Some(120),
        _ => None,
    }
}

/// For how long after an own write the document it replaced is taken for a stale read.
pub(crate) const STALE_SECONDS: i64 = 60;

/// Why a role is never written, if so.
pub(crate) fn untouchable(guard: &GuardConfig, live: &LiveRole) -> Option<&'static str> {
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
