//! Keys, and for how long what stands under them is kept. Every key begins with the account, every
//! item carries `schema`.
//!
//! | item | partition key | sort key | kept for |
//! |---|---|---|---|
//! | a role's history | `ACCOUNT/role-id/AROA…` | `history` | ever |
//! | what a role's name points to | `ACCOUNT/role/NAME` (lower case) | `pointer` | ever |
//! | what a role or user held while it complied, own writes | `ACCOUNT/permissions/AROA…` or `AIDA…` | `permissions` | ever |
//! | a document that was overwritten | `ACCOUNT/incident/TW-…` | `document` | ever |
//! | an alert: in progress, then the incident | `ACCOUNT/incident/TW-…` | `alert/STAGE` | 400 days |
//! | what a person did about an incident | `ACCOUNT/incident/TW-…` | `act/SECOND-WHAT` | 400 days |
//! | an approved document of a role, for a while | `ACCOUNT/role/NAME` (lower case) | `approval/DIGEST` | until it expires |
//! | an incident in the list of its day | `ACCOUNT/incidents/2026-11-30` | `at/TIME/TW-…/STAGE` | 400 days |
//! | how far an order came | `ACCOUNT/order/ID` | `progress` | 30 days |
//! | an alert of a window that went out by itself | `ACCOUNT/fold/CLASS/START` | `alone/NUMBER` | 7 days |
//! | one that waits for the window's digest | the same | `member/INCIDENT` | 7 days |
//! | one message of a second, so that SNS suspends no subscription | `ACCOUNT/pace/SECOND` | `slot/NUMBER` | 7 days |
//! | how far the sweep is | `ACCOUNT/sweep` | `progress` | ever |
//! | that a sweep was asked for | `ACCOUNT/sweep` | `request` | ever |
//! | a role as the sweep saw it last | `ACCOUNT/sweep` | `role/AROA…` | ever, 30 days once it is gone |
//! | what a user could sign in with when the sweep saw it last | the same | `user/NAME` | ever |
//! | when a user was created, or its permissions changed | `ACCOUNT/user/NAME` (lower case) | `change` | ever |
//! | the newest access key of a user | the same | `key` | ever |
//! | an event about a user's key or password that was handled | the same | `credential/SECOND-CHANGE` | 30 days |
//! | a role's part in chains, and what was reported of it | `ACCOUNT/chain` | `naming/NAME`, `party/NAME` (lower case) | ever |
//! | which heartbeat was sent last, and what was reported of the guard's blindness | `ACCOUNT/heartbeat` | `watch` | ever |
//! | the newest heartbeat that came back to a function | the same | `answer/FUNCTION/CALL` | ever |
//! | what an identity provider was known by after a change | `ACCOUNT/provider/ARN` | `metadata/SECOND-EVENT` | ever |
//! | a violating document that was reported | `ACCOUNT/role/NAME` (lower case) | `reported/DIGEST` | 400 days |
//!
//! Nothing is ever deleted by a function (their roles have no permission to): what has a term goes
//! by the table's time to live.

use jiff::Timestamp;

use super::approval::Act;
use super::digest_window::FoldWindow;
use super::incident::AlertKey;
use crate::ports::Key;

const DAY: i64 = 24 * 60 * 60;
/// A year's audit asks for the year before.
pub(super) const INCIDENTS_KEPT: i64 = 400 * DAY;
/// A message lives 14 days in the queue, and 14 more in its dead-letter queue.
pub(super) const PROGRESS_KEPT: i64 = 30 * DAY;
/// The digest is due within minutes; its message may wait in the dead-letter queue for a while.
pub(super) const FOLDS_KEPT: i64 = 7 * DAY;
/// As long as the alert that reported it.
pub(super) const TOLD_KEPT: i64 = INCIDENTS_KEPT;
/// A role that is listed again after all is known again for so long.
pub(super) const GONE_KEPT: i64 = 30 * DAY;

/// What the sort keys of the roles that the sweep saw begin with.
pub(super) const SWEPT: &str = "role/";
/// What a role that names roles or users of its own account has to do with chains.
pub(super) const NAMING: &str = "naming/";
/// The same of a role that names none, and that third parties can assume.
pub(super) const PARTY: &str = "party/";
/// What the sort keys of the users that the sweep saw begin with.
pub(super) const SWEPT_USER: &str = "user/";
/// What the sort keys of events about a user's credentials begin with.
pub(super) const CREDENTIAL: &str = "credential/";
/// Much longer than a credential report is old.
pub(super) const CREDENTIALS_KEPT: i64 = 30 * DAY;
/// What the sort keys of the roles begin with whose policies the sweep read.
pub(super) const SWEPT_PERMISSIONS: &str = "may/";
/// What the sort keys of the identity providers begin with that the sweep has seen.
pub(super) const SWEPT_PROVIDER: &str = "provider/";
/// What the sort keys of events about a role's policies begin with.
pub(super) const PERMISSIONS_EVENT: &str = "changed/";
/// Longer than from one look to the second.
pub(super) const PERMISSIONS_EVENTS_KEPT: i64 = 2 * DAY;
/// What the sort keys of heartbeats that came back begin with.
pub(super) const ANSWER: &str = "answer/";
/// What the sort keys of a window's members begin with.
pub(super) const ALONE: &str = "alone/";
pub(super) const MEMBER: &str = "member/";

fn key(pk: String, sk: impl Into<String>) -> Key {
    Key { pk, sk: sk.into() }
}

pub(crate) fn history(account: &str, role_id: &str) -> Key {
    key(format!("{account}/role-id/{role_id}"), "history")
}

pub(super) fn slot(account: &str, second: i64, slot: u16) -> Key {
    key(format!("{account}/pace/{second}"), format!("slot/{slot}"))
}

pub(super) fn permissions(account: &str, id: &str) -> Key {
    key(format!("{account}/permissions/{id}"), "permissions")
}

fn role(account: &str, name: &str) -> String {
    format!("{account}/role/{}", name.to_ascii_lowercase())
}

pub(super) fn pointer(account: &str, name: &str) -> Key {
    key(role(account, name), "pointer")
}

pub(super) fn chain(account: &str, kind: &str, role: &str) -> Key {
    key(
        format!("{account}/chain"),
        format!("{kind}{}", role.to_ascii_lowercase()),
    )
}

pub(super) fn user_change(account: &str, name: &str) -> Key {
    key(
        format!("{account}/user/{}", name.to_ascii_lowercase()),
        "change",
    )
}

pub(super) fn user_key(account: &str, name: &str) -> Key {
    key(user_change(account, name).pk, "key")
}

pub(super) fn credential_event(account: &str, name: &str, second: i64, change: &str) -> Key {
    let partition = user_change(account, name).pk;
    key(partition, format!("{CREDENTIAL}{second}-{change}"))
}

pub(super) fn swept_permissions(account: &str, role_id: &str) -> Key {
    key(sweep(account).pk, format!("{SWEPT_PERMISSIONS}{role_id}"))
}

pub(super) fn swept_provider(account: &str, arn: &str) -> Key {
    key(sweep(account).pk, format!("{SWEPT_PROVIDER}{arn}"))
}

pub(super) fn permissions_event(account: &str, role_id: &str, second: i64) -> Key {
    let partition = sweep(account).pk;
    key(partition, format!("{PERMISSIONS_EVENT}{role_id}/{second}"))
}

pub(super) fn swept_user(account: &str, name: &str) -> Key {
    key(sweep(account).pk, format!("{SWEPT_USER}{name}"))
}

/// What the sort keys of what people did about an incident begin with.
pub(super) const ACT: &str = "act/";

pub(super) fn act(act: &Act) -> Key {
    let Act {
        account,
        incident,
        what,
        at,
        ..
    } = act;
    key(
        kept(account, incident).pk,
        format!("{ACT}{:012}-{what}", at.as_second()),
    )
}

pub(super) fn approval(account: &str, name: &str, digest: &str) -> Key {
    key(role(account, name), format!("approval/{digest}"))
}

pub(super) fn reported(account: &str, name: &str, digest: &str) -> Key {
    key(role(account, name), format!("told/{digest}"))
}

pub(super) fn kept(account: &str, incident: &str) -> Key {
    key(format!("{account}/incident/{incident}"), "document")
}

pub(crate) fn alert(alert: &AlertKey) -> Key {
    let AlertKey {
        account,
        incident,
        stage,
    } = alert;
    key(
        format!("{account}/incident/{incident}"),
        format!("alert/{stage}"),
    )
}

/// What the sort keys of a day's list begin with.
pub(super) const LINE: &str = "at/";

/// The list of a day's incidents.
pub(super) fn incidents(account: &str, at: Timestamp) -> String {
    format!("{account}/incidents/{}", at.strftime("%F"))
}

pub(super) fn incident_line(alert: &AlertKey, at: Timestamp) -> Key {
    let AlertKey {
        account,
        incident,
        stage,
    } = alert;
    key(
        incidents(account, at),
        format!("{LINE}{}/{incident}/{stage}", at.strftime("%T")),
    )
}

pub(super) fn order(account: &str, order: &str) -> Key {
    key(format!("{account}/order/{order}"), "progress")
}

pub(super) fn alone(window: &FoldWindow, turn: usize) -> Key {
    key(window.partition(), format!("{ALONE}{turn:02}"))
}

pub(super) fn member(window: &FoldWindow, incident: &str) -> Key {
    key(window.partition(), format!("{MEMBER}{incident}"))
}

/// What the sort keys of what a provider was known by begin with.
pub(super) const METADATA: &str = "metadata/";

pub(super) fn provider(account: &str, name: &str, at: Timestamp, event: &str) -> Key {
    let second = at.as_second();
    key(
        format!("{account}/provider/{name}"),
        format!("{METADATA}{second:012}-{event}"),
    )
}

pub(super) fn sweep(account: &str) -> Key {
    key(format!("{account}/sweep"), "progress")
}

pub(super) fn sweep_request(account: &str) -> Key {
    key(sweep(account).pk, "request")
}

pub(super) fn swept(account: &str, role_id: &str) -> Key {
    key(sweep(account).pk, format!("{SWEPT}{role_id}"))
}

/// A partition of its own: the function that watches the guard writes nowhere else.
pub(super) fn watch(account: &str) -> Key {
    key(format!("{account}/heartbeat"), "watch")
}

pub(super) fn answer(account: &str, function: &str, call: &str) -> Key {
    key(watch(account).pk, format!("{ANSWER}{function}/{call}"))
}
