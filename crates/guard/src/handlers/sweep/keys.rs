//! Access keys that are newer than the credential report: an hourly look at those users whose keys
//! matter most. The report shows everybody's, within five hours.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use super::credentials::{Change, report_news};
use crate::GuardConfig;
use crate::account::{Answer, Credentials};
use crate::handlers::HandleError;
use crate::ports::{Clock, IamError, IamErrorKind, ReadCredentials, UserKey, World};
use crate::rules::Rules;
use crate::state::swept_users::{CredentialChange, SweptUser};

/// How many users' keys are read in an hour, at most: IAM throttles per account, and others in the
/// account want their share.
pub const MOST_USERS: usize = 100;

/// For so long a user whose credentials changed is looked at every hour.
const CHANGED_FOR: SignedDuration = SignedDuration::from_hours(24);

/// What became of one look.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeysSwept {
    /// Whose keys were read.
    pub users: usize,
    /// How many keys no event had reported.
    pub reported: usize,
    /// Whose keys were left to the credential report: over [`MOST_USERS`], or no time.
    pub left: usize,
}

/// Reads the keys of users that are new since the last credential report, whose credentials changed
/// within a day, or whom the rules name, and reports those that no event did, until the moment has
/// come. It remembers nothing: a key that is reported is reported once, and the credential report's
/// row of it is the same incident.
///
/// # Errors
/// [`HandleError`]: the users could not be listed, or some key not be read or reported.
pub async fn sweep_keys<W: World<Roles: ReadCredentials>>(
    world: &W,
    guard: &GuardConfig,
    until: Timestamp,
) -> Result<KeysSwept, HandleError> {
    let (state, now) = (world.state(), world.clock().now());
    let known = state.swept_users(&guard.account).await?;
    let begun = state.sweep_progress(&guard.account).await?;
    let begun = begun.and_then(|progress| progress.first_at).unwrap_or(now);
    let known: BTreeMap<&str, &SweptUser> = known
        .iter()
        .map(|user| (user.user.as_str(), user))
        .collect();
    let mut swept = KeysSwept::default();
    // Before the first report all users are new.
    if known.is_empty() {
        return Ok(swept);
    }
    let Some(users) = unthrottled(list(world, until).await)? else {
        return Ok(swept);
    };
    let worth = chosen(&guard.rules, &known, users, now);
    let mut failed = None;
    for (index, user) in worth.iter().enumerate() {
        swept.left = worth.len() - index;
        if index == MOST_USERS || world.clock().now() >= until {
            break;
        }
        let Some(keys) = unthrottled(world.roles().access_keys(user).await)? else {
            break;
        };
        swept.left -= 1;
        swept.users += 1;
        let before = known.get(user.as_str()).copied();
        let news = news(before, &keys, begun);
        match report_news(world, guard, &row(guard, user), before, &news).await {
            Ok(reported) => swept.reported += reported.unwrap_or_default(),
            // One user must not stand in the way of all others.
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(swept), Err)
}

/// IAM asks to slow down: the next hour goes on.
pub(super) fn unthrottled<T>(answer: Result<T, IamError>) -> Result<Option<T>, HandleError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.kind == IamErrorKind::Throttled => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) async fn list<W: World<Roles: ReadCredentials>>(
    world: &W,
    until: Timestamp,
) -> Result<Vec<String>, IamError> {
    let (mut users, mut marker) = (Vec::new(), None);
    while world.clock().now() < until {
        let page = world.roles().list_users(marker.as_deref()).await?;
        users.extend(page.users);
        marker = page.next;
        if marker.is_none() {
            break;
        }
    }
    Ok(users)
}

/// Those whom the rules name first, then those who are new, then those who changed.
fn chosen(
    rules: &Rules,
    known: &BTreeMap<&str, &SweptUser>,
    users: Vec<String>,
    now: Timestamp,
) -> Vec<String> {
    let allowed = rules.access_keys().allow_users.iter();
    let mut named: BTreeSet<String> = allowed.map(|user| user.to_lowercase()).collect();
    named.extend(rules.users_of_vendors());
    let rank = |user: &String| {
        let changed = |known: &&SweptUser| now.duration_since(known.seen_at) <= CHANGED_FOR;
        match known.get(user.as_str()) {
            _ if named.contains(&user.to_lowercase()) => Some(0),
            None => Some(1),
            Some(known) if changed(known) => Some(2),
            Some(_) => None,
        }
    };
    let mut worth: Vec<(u8, String)> = users
        .into_iter()
        .filter_map(|user| Some((rank(&user)?, user)))
        .collect();
    worth.sort();
    worth.into_iter().map(|(_, user)| user).collect()
}

/// Active keys that are younger than the guard, and that the credential report does not have yet.
fn news(before: Option<&SweptUser>, keys: &[UserKey], begun: Timestamp) -> Vec<Change> {
    let reported = |at: Timestamp| {
        before.is_some_and(|before| before.keys.iter().any(|(known, _)| *known == at))
    };
    let new = keys
        .iter()
        .filter(|key| key.active && key.created > begun && !reported(key.created));
    new.map(|key| Change {
        what: CredentialChange::Key,
        at: key.created,
        activated: false,
    })
    .collect()
}

fn row(guard: &GuardConfig, user: &str) -> Credentials {
    Credentials {
        account: guard.account.clone(),
        user: Some(user.to_owned()),
        password: Answer::No,
        password_used: None,
        password_set: None,
        mfa: Answer::No,
        keys: Vec::new(),
        more_keys: None,
    }
}
