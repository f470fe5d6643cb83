//! The first access key of a user that may have one by the rules, and that nobody has looked at as
//! it is now: it is new, or its permissions were changed. A name that the rules allow proves
//! nothing about what stands behind it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::access::{finding, judge_key, not_exempted};
use crate::check::{Check, Finding};
use crate::cloudtrail::KeyChange;
use crate::rules::Rules;
use crate::state::incident::Schema;

/// A key within so many seconds of a change is reported even if another key came between: events
/// come in any order, and a forged one must not use the report up.
const TOGETHER_SECONDS: i64 = 7 * 24 * 60 * 60;

/// The newest change of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserChange {
    /// Always there.
    pub schema: Schema,
    /// When.
    pub at: Timestamp,
    /// The user was created; else its permissions were changed.
    pub created: bool,
}

/// The newest access key of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySeen {
    /// Always there.
    pub schema: Schema,
    /// `AKIA…`, where the record told it.
    pub key_id: Option<String>,
    /// When it was created or made active.
    pub at: Timestamp,
    /// An alert told of it.
    pub reported: bool,
}

/// Judges a key that the rules allow by its user's name: `before` is the key that was seen before
/// it, `change` the newest change of the user.
pub fn judge_first_key(
    rules: &Rules,
    user: &str,
    key: &KeySeen,
    change: Option<&UserChange>,
    before: Option<&KeySeen>,
    now: Timestamp,
) -> Vec<Finding> {
    let news = change.filter(|change| {
        // A duplicate of the event is no other key.
        let another = before.filter(|before| (&before.key_id, before.at) != (&key.key_id, key.at));
        another.is_none_or(|before| before.at < change.at) || together(change, key)
    });
    let found = news.map(|change| found(rules, user, key, change));
    not_exempted(rules, Some(user), now, found.into_iter().collect())
}

/// Judges a change of a user whose key was seen before the change was, and not reported.
pub fn judge_change_of_user(
    rules: &Rules,
    user: &str,
    change: &UserChange,
    key: Option<&KeySeen>,
    now: Timestamp,
) -> Vec<Finding> {
    let key = key.filter(|key| !key.reported && (key.at >= change.at || together(change, key)));
    let found = key.map(|key| found(rules, user, key, change));
    not_exempted(rules, Some(user), now, found.into_iter().collect())
}

/// Whether a key of this user is approved by the user's name, or by an exemption, alone.
pub(crate) fn allowed_by_name(rules: &Rules, user: &str, now: Timestamp) -> bool {
    let key = KeyChange {
        user: Some(user.to_owned()),
        root: false,
        key_id: None,
    };
    judge_key(rules, &key, false, now).is_empty()
}

/// What is said where it is not known whether the user is new: undecided is open.
pub(crate) fn not_known_whether_new(
    rules: &Rules,
    user: &str,
    why: &str,
    now: Timestamp,
) -> Vec<Finding> {
    let message = format!(
        "user {user}, who is allowed one, got an access key, and it is not known whether the user \
         is new or its permissions were changed: {why}"
    );
    let found = finding(rules, Check::FirstAccessKey, message);
    not_exempted(rules, Some(user), now, vec![found])
}

fn together(change: &UserChange, key: &KeySeen) -> bool {
    let apart = key.at.as_second().saturating_sub(change.at.as_second());
    apart.abs() < TOGETHER_SECONDS
}

fn found(rules: &Rules, user: &str, key: &KeySeen, change: &UserChange) -> Finding {
    let (key_at, at) = (key.at, change.at);
    let message = if change.created {
        format!("user {user}, who was created at {at}, got an access key at {key_at}")
    } else {
        format!(
            "user {user}, whose permissions were changed at {at}, got an access key at {key_at}"
        )
    };
    finding(rules, Check::FirstAccessKey, message)
}
