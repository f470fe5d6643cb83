//! Keys and passwords whose events were lost: the credential report shows them, which AWS renews
//! every four hours.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::GRACE_SECONDS;
use crate::GuardConfig;
use crate::account::{Answer, Credentials};
use crate::alert::build::{Story, alert};
use crate::alert::one_line;
use crate::check::{Check, Finding};
use crate::cloudtrail::ConsolePassword;
use crate::detect::{finding, judge_console_password, judge_key_holder, not_exempted};
use crate::handlers::HandleError;
use crate::handlers::publish::publish_once;
use crate::model::{Resource, seconds_between};
use crate::ports::{Clock, ReadCredentials, World};
use crate::state::incident::{Schema, Stage, incident_id};
use crate::state::swept_users::{CredentialChange, CredentialEvent, ROOT, SweptUser};

/// The report and CloudTrail tell the time of one change within so many seconds of each other.
const CLOSE_SECONDS: i64 = 10;

/// A report is no older than this.
const REPORT_AGE: SignedDuration = SignedDuration::from_hours(5);

/// What became of one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CredentialsSwept {
    /// AWS is still making the report: the next run reads it.
    NotReady,
    /// It was read.
    Read {
        /// How many users, the root user among them.
        users: usize,
        /// How many changes no event had reported.
        reported: usize,
        /// Why some of its rows could not be read.
        unread: Vec<String>,
        /// Not all users were looked at: the time is up, and the next run goes on.
        unfinished: bool,
    },
}

/// Compares the credential report with what is remembered, and reports what changed since the guard
/// began and no event told, until the moment has come.
///
/// # Errors
/// [`HandleError`]: the report could not be read, or some change not be reported; the next run tries
/// again.
pub async fn sweep_credentials<W: World<Roles: ReadCredentials>>(
    world: &W,
    guard: &GuardConfig,
    until: Timestamp,
) -> Result<CredentialsSwept, HandleError> {
    let Some(report) = world.roles().credentials().await? else {
        return Ok(CredentialsSwept::NotReady);
    };
    let (state, now) = (world.state(), world.clock().now());
    let progress = state.sweep_progress(&guard.account).await?;
    let begun = progress
        .and_then(|progress| progress.first_at)
        .unwrap_or(now);
    let known = state.swept_users(&guard.account).await?;
    let known: BTreeMap<&str, &SweptUser> = known
        .iter()
        .map(|user| (user.user.as_str(), user))
        .collect();
    let (mut reported, mut failed, mut unfinished) = (0, None, false);
    for row in &report.rows {
        if world.clock().now() >= until {
            unfinished = true;
            break;
        }
        let seen = as_seen(guard, row, now);
        let before = known.get(seen.user.as_str()).copied();
        if before.is_some_and(|before| same(before, &seen)) {
            continue;
        }
        let news = changes(before, &seen, begun);
        match report_news(world, guard, row, before, &news).await {
            Ok(None) => {}
            Ok(Some(count)) => {
                reported += count;
                state.save_swept_user(&seen).await?;
            }
            // One user must not stand in the way of all others.
            Err(error) => failed = Some(error),
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(CredentialsSwept::Read {
            users: report.rows.len(),
            reported,
            unread: report.unread,
            unfinished,
        }),
    }
}

fn as_seen(guard: &GuardConfig, row: &Credentials, now: Timestamp) -> SweptUser {
    let keys = row.keys.iter();
    let has_password = row.password == Answer::Yes;
    SweptUser {
        schema: Schema,
        account: guard.account.clone(),
        user: row.user.clone().unwrap_or_else(|| ROOT.to_owned()),
        keys: keys
            .filter_map(|key| Some((key.rotated?, key.active)))
            .collect(),
        password: row.password_set.filter(|_| has_password),
        signed_in: row.password_used.filter(|_| row.user.is_none()),
        seen_at: now,
    }
}

fn same(before: &SweptUser, seen: &SweptUser) -> bool {
    (&before.keys, before.password, before.signed_in) == (&seen.keys, seen.password, seen.signed_in)
}

/// A change that the report shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) what: CredentialChange,
    pub(super) at: Timestamp,
    /// A key that was there, and not active: when it was made so nobody tells.
    pub(super) activated: bool,
}

/// What changed since it was seen before and since the guard began: what was there then is what an
/// audit reports.
fn changes(before: Option<&SweptUser>, seen: &SweptUser, begun: Timestamp) -> Vec<Change> {
    let known = |at: Timestamp| {
        let keys = before.map(|before| before.keys.iter());
        keys.and_then(|mut keys| keys.find(|(known, _)| *known == at))
            .map(|(_, active)| *active)
    };
    let change = |what, at| Change {
        what,
        at,
        activated: false,
    };
    let active = seen.keys.iter().filter(|(_, active)| *active);
    let mut changes: Vec<Change> = active
        .filter_map(|(at, _)| match known(*at) {
            Some(true) => None,
            Some(false) => Some(Change {
                activated: true,
                ..change(CredentialChange::Key, *at)
            }),
            None => (*at > begun).then(|| change(CredentialChange::Key, *at)),
        })
        .collect();
    // One in the place of another is most often the user's own doing, which is no news.
    let had_password = before.is_some_and(|before| before.password.is_some());
    let set = seen.password.filter(|at| *at > begun && !had_password);
    changes.extend(set.map(|at| change(CredentialChange::Password, at)));
    let used_before = before.and_then(|before| before.signed_in);
    let used = seen.signed_in;
    let used = used.filter(|at| *at > begun && used > used_before);
    changes.extend(used.map(|at| change(CredentialChange::SignIn, at)));
    changes
}

/// Reports those changes of a user that no event did; how many, or `None` where one is so new that its
/// event may yet come.
pub(super) async fn report_news<W: World>(
    world: &W,
    guard: &GuardConfig,
    row: &Credentials,
    before: Option<&SweptUser>,
    news: &[Change],
) -> Result<Option<usize>, HandleError> {
    if news.is_empty() {
        return Ok(Some(0));
    }
    let (state, now) = (world.state(), world.clock().now());
    if news
        .iter()
        .any(|change| seconds_between(change.at, now) < GRACE_SECONDS)
    {
        return Ok(None);
    }
    let user = row.user.as_deref().unwrap_or(ROOT);
    let events = state.credential_events(&guard.account, user).await?;
    let mut reported = 0;
    for change in news.iter().filter(|change| !told(change, &events, before)) {
        let findings = judged(guard, row, before, change, now);
        let Some(worst) = findings.first() else {
            continue;
        };
        let name = row.user.as_deref().unwrap_or("root");
        let kind = match (change.what, &row.user) {
            (_, None) => "root",
            (CredentialChange::Key, Some(_)) => "access-key",
            (CredentialChange::Password | CredentialChange::SignIn, Some(_)) => "user",
        };
        let event = format!(
            "sweep-{user}-{}-{}",
            change.what.word(),
            change.at.as_second()
        );
        let story = Story {
            stage: Stage::Detected,
            incident: &incident_id(&guard.account, &event),
            title: one_line(
                &format!("{}: {name}, and no event reported it", worst.code.title()),
                400,
            ),
            cause: None,
            resource: Some(Resource::new(kind, name)),
            findings: &findings,
            now,
        };
        let mut alert = alert(guard, story);
        alert
            .notes
            .insert(0, note(row.user.as_deref(), change.what));
        publish_once(world, guard, &alert).await?;
        reported += 1;
    }
    Ok(Some(reported))
}

/// What the report leaves out, and where that may stand.
fn note(user: Option<&str>, what: CredentialChange) -> String {
    let mut text = "the sweep found this in IAM, which does not say who did it; \
                    CloudTrail's event history may"
        .to_owned();
    if let (Some(user), CredentialChange::Key) = (user, what) {
        text += &format!(". The key's id: aws iam list-access-keys --user-name {user}");
    }
    one_line(&text, 400)
}

/// An event reported it.
fn told(change: &Change, events: &[CredentialEvent], before: Option<&SweptUser>) -> bool {
    let since = before.and_then(|before| before.seen_at.checked_sub(REPORT_AGE).ok());
    events
        .iter()
        .filter(|event| event.change == change.what)
        .any(|event| {
            let close = seconds_between(event.at, change.at).abs() <= CLOSE_SECONDS;
            close || change.activated && since.is_some_and(|since| event.at >= since)
        })
}

fn judged(
    guard: &GuardConfig,
    row: &Credentials,
    before: Option<&SweptUser>,
    change: &Change,
    now: Timestamp,
) -> Vec<Finding> {
    let (rules, user) = (&guard.rules, row.user.as_deref());
    let found = match change.what {
        CredentialChange::Key => {
            let done = match change.activated {
                true => "was made active again".to_owned(),
                // The report has one time for both.
                false => format!("was created or made active at {}", change.at),
            };
            let mut found = judge_key_holder(rules, user, user.is_none(), &done);
            if let (Some(name), true, None) = (user, found.is_empty(), before) {
                let message = format!(
                    "user {name}, who is new, got an access key at {}",
                    change.at
                );
                found.push(finding(rules, Check::FirstAccessKey, message));
            }
            found
        }
        CredentialChange::Password => {
            let password = ConsolePassword {
                user: row.user.clone(),
                root: user.is_none(),
                created: true,
            };
            return judge_console_password(rules, &password, now);
        }
        CredentialChange::SignIn => {
            let message = format!("the root user signed in at {}", change.at);
            vec![finding(rules, Check::RootSignIn, message)]
        }
    };
    not_exempted(rules, user, now, found)
}
