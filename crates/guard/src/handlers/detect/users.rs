//! Users that may have access keys by their names, and are new or changed: events of the change and
//! of the key come in any order, so each records what it tells before it reads the other.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::check::Finding;
use crate::cloudtrail::{KeyChange, Record};
use crate::detect::{
    KeySeen, UserChange, allowed_by_name, judge_change_of_user, judge_first_key,
    not_known_whether_new,
};
use crate::handlers::HandleError;
use crate::ports::{StateError, World};
use crate::state::incident::Schema;

/// What is wrong with a key that the rules allow by its user's name, and the key as it is recorded.
/// Without state it is not known whether the user is new, and so it is reported.
pub(super) async fn judge_allowed_key<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    user: &str,
    key: &KeyChange,
    now: Timestamp,
) -> (Vec<Finding>, Option<KeySeen>) {
    let seen = KeySeen {
        schema: Schema,
        key_id: key.key_id.clone(),
        at: record.event_time.unwrap_or(now),
        reported: false,
    };
    match first_key(world, guard, user, &seen, now).await {
        Ok(findings) => (findings, Some(seen)),
        Err(error) => {
            let why = error.to_string();
            (not_known_whether_new(&guard.rules, user, &why, now), None)
        }
    }
}

async fn first_key<W: World>(
    world: &W,
    guard: &GuardConfig,
    user: &str,
    seen: &KeySeen,
    now: Timestamp,
) -> Result<Vec<Finding>, StateError> {
    let (state, account) = (world.state(), &guard.account);
    let before = state.key_seen(account, user).await?;
    state.record_key_seen(account, user, seen).await?;
    let change = state.user_change(account, user).await?;
    let (rules, change, before) = (&guard.rules, change.as_ref(), before.as_ref());
    Ok(judge_first_key(rules, user, seen, change, before, now))
}

/// Records that a user was created or its permissions changed; and what is wrong with a key of it
/// whose event was handled before this one.
pub(super) async fn user_changed<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    user: &str,
    created: bool,
    now: Timestamp,
) -> Result<(Vec<Finding>, Option<KeySeen>), HandleError> {
    let (state, account) = (world.state(), &guard.account);
    let change = UserChange {
        schema: Schema,
        at: record.event_time.unwrap_or(now),
        created,
    };
    state.record_user_change(account, user, &change).await?;
    if !allowed_by_name(&guard.rules, user, now) {
        return Ok((Vec::new(), None));
    }
    Ok(match state.key_seen(account, user).await {
        Ok(key) => {
            let found = judge_change_of_user(&guard.rules, user, &change, key.as_ref(), now);
            (found, key)
        }
        // Somebody wrote it: it proves nothing, not even that there is no key.
        Err(StateError::Unreadable { .. }) => {
            let why = "what is recorded of its keys cannot be read";
            (not_known_whether_new(&guard.rules, user, why, now), None)
        }
        Err(error) => return Err(error.into()),
    })
}

/// Records that an alert told of a key, so that a change that comes later need not.
pub(super) async fn key_reported<W: World>(
    world: &W,
    guard: &GuardConfig,
    user: &str,
    seen: KeySeen,
) {
    let seen = KeySeen {
        reported: true,
        ..seen
    };
    // Without it the change tells once more.
    let _ = world
        .state()
        .record_key_seen(&guard.account, user, &seen)
        .await;
}
