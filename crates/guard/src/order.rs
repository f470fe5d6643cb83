//! Orders: what the detecting functions ask of the remediator, the one writer of each role.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::GuardConfig;
use crate::check::{Finding, Severity};
use crate::model::{Cause, HolderKind, seconds_between};
use crate::permissions::Undoable;
use crate::state::digest_window::FoldWindow;
use crate::state::incident::Schema;

/// How long one message that waits for its time stays in the queue before a fresh one takes its
/// place: less than the five minutes after which an order counts as late.
pub const WAITING_SECONDS: u64 = 200;

/// One message of the FIFO queue. JSON, well under SQS's 256 KB: the document inside is one that
/// CloudTrail carried (at most 100 KB).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Order {
    /// Always there.
    pub schema: Schema,
    /// The account it is about, 12 digits.
    pub account: String,
    /// What is asked.
    pub task: Task,
    /// Hash of the rules by which the sender judged; the remediator waits where its own differ.
    pub rules: String,
    /// When it was sent.
    pub issued_at: Timestamp,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Task {
    /// A role changed and the change looks compliant: look at it, and remember it if it is.
    Observe(RoleOrder),
    /// A role violates the rules: look at it, and put it right if it does.
    Remediate(RoleOrder),
    /// An access key that may not exist: deactivate it, where the rules ask for it.
    DeactivateKey(KeyOrder),
    /// Publish the digest of a window once the window is over: the message that waits in the
    /// queue so that a digest goes out even if no further event ever comes.
    Digest(FoldWindow),
    /// Take away the denial of a role's older sessions: they have expired.
    LiftSessionDenial(LiftOrder),
    /// A change gave a third party's role or user too much: undo it, where the rules ask for it.
    Detach(PermissionsOrder),
    /// What a third party's role or user may do changed and looks compliant: remember it if it is.
    RememberPermissions(HolderOrder),
    /// Carry out another order at a later time. Until then it waits in a group of its own, where it
    /// holds up nothing; then it joins the end of the other order's group.
    Later(LaterOrder),
}

/// An order that waits for its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LaterOrder {
    /// What is to be carried out then.
    pub order: Box<Order>,
    /// When.
    pub at: Timestamp,
    /// The time has come, and it stands in the other order's group.
    pub due: bool,
}

/// An order about a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleOrder {
    /// Its name, as the event had it.
    pub role: String,
    /// The event behind the order.
    pub cause: Cause,
    /// What the event did to the role.
    pub change: RoleChange,
    /// The trust document as the event carried it, byte for byte; `None` where it did not.
    pub document: Option<String>,
    /// The incident, for `remediate`.
    pub incident: Option<String>,
    /// What the sender found; shown in the outcome, never what the plan is made from.
    #[serde(default)]
    pub findings: Vec<Finding>,
}

/// What an event did to a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleChange {
    /// CreateRole.
    Created,
    /// UpdateAssumeRolePolicy.
    Changed,
    /// DeleteRole.
    Deleted,
}

/// An order about an access key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeyOrder {
    /// The IAM user.
    pub user: String,
    /// `AKIA…`.
    pub key_id: String,
    /// The event behind the order.
    pub cause: Cause,
    /// The incident.
    pub incident: String,
    /// What the sender found.
    pub findings: Vec<Finding>,
    /// The alert's severity.
    pub severity: Severity,
}

/// An order about the denial of a role's older sessions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiftOrder {
    /// The role's name.
    pub role: String,
    /// Sessions issued before this are denied, as the sweep read it from the role.
    pub denied_before: Timestamp,
}

/// An order about a change of permissions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionsOrder {
    /// A role or a user.
    #[serde(rename = "holder")]
    pub kind: HolderKind,
    /// Its name.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `AROA…` or `AIDA…`: another one of that name is none of it.
    pub id: String,
    /// The change.
    pub change: Undoable,
    /// The event behind the order.
    pub cause: Cause,
    /// The incident.
    pub incident: String,
    /// What the sender found; shown in the outcome, never what is decided from.
    pub findings: Vec<Finding>,
    /// The alert's severity.
    pub severity: Severity,
}

/// An order to remember what a role or user may do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HolderOrder {
    /// A role or a user.
    #[serde(rename = "holder")]
    pub kind: HolderKind,
    /// Its name.
    pub name: String,
    /// `AROA…` or `AIDA…`.
    pub id: String,
    /// The eventID of the event behind the order.
    pub event_id: String,
}

impl Order {
    /// What is asked now, by these rules.
    pub(crate) fn new(guard: &GuardConfig, task: Task, now: Timestamp) -> Self {
        Self {
            schema: Schema,
            account: guard.account.clone(),
            task,
            rules: guard.rules.hash().to_owned(),
            issued_at: now,
        }
    }

    /// Names the order: deduplication id in the queue, key of its progress in state. The event's
    /// id and the kind of task, so that a duplicate of the event makes the same order.
    pub fn id(&self) -> String {
        let id = match &self.task {
            Task::Observe(role) => format!("{}-observe", role.cause.event_id),
            Task::Remediate(role) => format!("{}-remediate", role.cause.event_id),
            Task::DeactivateKey(key) => format!("{}-deactivate", key.cause.event_id),
            Task::Digest(window) => {
                format!("{}-digest-{}", window.id(), self.turn())
            }
            Task::LiftSessionDenial(lift) => {
                let role = lift.role.to_ascii_lowercase();
                format!("{role}-{}-lift", lift.denied_before.as_second())
            }
            // One event may concern many.
            Task::Detach(task) => format!("{}-detach-{}", task.cause.event_id, task.id),
            Task::RememberPermissions(task) => format!("{}-permissions-{}", task.event_id, task.id),
            Task::Later(later) => {
                let (id, at) = (later.order.id(), later.at.as_second());
                let turn = match later.due {
                    true => "due".to_owned(),
                    false => self.turn().to_string(),
                };
                format!("{id}-later-{at}-{turn}")
            }
        };
        fitting_the_queue(&id)
    }

    /// A message that has waited is replaced by a fresh one, which is another.
    fn turn(&self) -> i64 {
        let age = WAITING_SECONDS.cast_signed();
        self.issued_at.as_second().div_euclid(age)
    }

    /// The order that is to be carried out: this one, or the one whose time has come by it.
    pub fn due(&self) -> &Self {
        match &self.task {
            Task::Later(later) if later.due => &later.order,
            _ => self,
        }
    }

    /// This order at a later time.
    pub(crate) fn later(&self, at: Timestamp, now: Timestamp) -> Self {
        Self {
            schema: Schema,
            account: self.account.clone(),
            rules: self.rules.clone(),
            issued_at: now,
            task: Task::Later(LaterOrder {
                order: Box::new(self.clone()),
                at,
                due: false,
            }),
        }
    }

    /// How long ago it was issued.
    pub fn age(&self, now: Timestamp) -> Duration {
        Duration::from_secs(u64::try_from(seconds_between(self.issued_at, now)).unwrap_or(0))
    }

    /// For how many seconds a message that has to wait until a moment may stay in the queue; `None`:
    /// a fresh one takes its place.
    pub(crate) fn waits(&self, seconds: u64, now: Timestamp) -> Option<u64> {
        let rest = WAITING_SECONDS.checked_sub(self.age(now).as_secs())?;
        (rest > 0).then_some(seconds.min(rest))
    }

    /// The FIFO group: one role, one user, one class of digest at a time. Role names are unique
    /// without regard to case, so the group ignores case as well.
    pub fn group(&self) -> String {
        let account = &self.account;
        let group = match &self.task {
            Task::Observe(role) | Task::Remediate(role) => {
                format!("{account}/role/{}", role.role.to_ascii_lowercase())
            }
            Task::LiftSessionDenial(lift) => {
                format!("{account}/role/{}", lift.role.to_ascii_lowercase())
            }
            Task::DeactivateKey(key) => {
                format!("{account}/user/{}", key.user.to_ascii_lowercase())
            }
            Task::Detach(PermissionsOrder { kind, name, .. })
            | Task::RememberPermissions(HolderOrder { kind, name, .. }) => {
                format!("{account}/{}/{}", kind.name(), name.to_ascii_lowercase())
            }
            Task::Digest(window) => format!("{account}/digest/{}", window.class.key()),
            Task::Later(later) if later.due => later.order.group(),
            Task::Later(later) => format!("{}/later", later.order.group()),
        };
        fitting_the_queue(&group)
    }
}

/// SQS takes 128 characters, letters, digits and ASCII punctuation, as group and deduplication
/// id. IAM's names always fit; what a hostile sender invents is hashed.
fn fitting_the_queue(text: &str) -> String {
    if text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        text.to_owned()
    } else {
        crate::model::sha256_hex(text.as_bytes())
    }
}

/// What becomes of an order's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// It may be deleted.
    Done,
    /// It comes back after this time: ChangeMessageVisibility, then report it as failed.
    LookAgain {
        /// Whole seconds, at most 900.
        after: Duration,
    },
}

impl Ack {
    /// Look again after so many seconds, at least one and at most 900.
    pub fn in_seconds(seconds: u64) -> Self {
        Self::LookAgain {
            after: Duration::from_secs(seconds.clamp(1, 900)),
        }
    }
}

/// In seconds, how long an order waits after it was looked at so often (1 for the first time).
pub(crate) fn pause_after(attempts: u32) -> u64 {
    match attempts {
        0 | 1 => 30,
        2 => 60,
        _ => 120,
    }
}

/// By how much the clocks of two functions may differ, in seconds; AWS's agree much better.
pub const CLOCKS_DIFFER_SECONDS: i64 = 300;

/// How long an order waits for its time at most, in seconds: until the hour's budget is free again.
const LATEST_SECONDS: i64 = 2 * 60 * 60;

/// An order that this guard does not carry out: it belongs in the dead-letter queue.
#[derive(Debug, thiserror::Error)]
pub enum RefusedOrder {
    /// It is for another account.
    #[error("an order for account {account} came to the guard of another one")]
    Foreign {
        /// The order's account.
        account: String,
    },
    /// It claims to be of later than now, or of a window that has not begun: no function sends it,
    /// and waiting for its time would never end.
    #[error("an order of {claims} came at {now}, so it is not for this guard")]
    FromTheFuture {
        /// When it claims to have been sent, or its window to begin.
        claims: Timestamp,
        /// When it came.
        now: Timestamp,
    },
}

impl Order {
    /// The order that the guard of an account is to carry out, if it is one of its own and can have
    /// been sent by now.
    ///
    /// # Errors
    /// [`RefusedOrder`].
    pub(crate) fn received(&self, account: &str, now: Timestamp) -> Result<&Self, RefusedOrder> {
        let order = self.due();
        if order.account != account {
            let account = order.account.clone();
            return Err(RefusedOrder::Foreign { account });
        }
        let begins = match &order.task {
            Task::Digest(window) => window.start,
            Task::Later(later) => later.at.as_second().saturating_sub(LATEST_SECONDS),
            _ => i64::MIN,
        };
        let latest = order.issued_at.as_second().max(begins);
        if latest.saturating_sub(now.as_second()) <= CLOCKS_DIFFER_SECONDS {
            return Ok(order);
        }
        let claims = Timestamp::from_second(latest).unwrap_or(Timestamp::MAX);
        Err(RefusedOrder::FromTheFuture { claims, now })
    }
}
