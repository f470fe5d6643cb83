//! The detecting functions for access keys, console passwords and the root user.

use crate::GuardConfig;
use crate::alert::build::cause;
use crate::check::{Finding, Remedy};
use crate::cloudtrail::{Activity, KeyChange, Record, SignIn};
use crate::detect::{
    judge_console_password, judge_credential, judge_key, judge_root, judge_session_length,
};
use crate::handlers::detect::alert::{alerted, event_alert, unreadable_record};
use crate::handlers::detect::users::{judge_allowed_key, key_reported, user_changed};
use crate::handlers::{HandleError, Handled};
use crate::model::Resource;
use crate::order::{KeyOrder, Order, Task};
use crate::ports::{Clock, World};
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::{KeyViolation, Mode};
use crate::state::incident::Schema;
use crate::state::swept_users::{CredentialChange, CredentialEvent, ROOT as ROOT_USER};

/// Handles an event of `access-key`: access keys and console passwords.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn access_key<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
) -> Result<Handled, HandleError> {
    match record.activity(&guard.watched()) {
        Activity::AccessKeyCreated(key) => key_event(world, guard, record, &key, false).await,
        Activity::AccessKeyActivated(key) => key_event(world, guard, record, &key, true).await,
        Activity::UserCreated(created) => user_created(world, guard, record, &created.user).await,
        Activity::ConsolePasswordSet(set) => {
            let findings = judge_console_password(&guard.rules, &set, world.clock().now());
            let subject = of_user(set.user.as_deref(), set.root);
            let handled = reported(world, guard, record, subject, &findings).await?;
            let whose = whose(set.user.as_deref(), set.root);
            credential_handled(world, guard, record, whose, CredentialChange::Password).await;
            Ok(handled)
        }
        Activity::CredentialChanged(change) => {
            let findings = judge_credential(&guard.rules, &change, world.clock().now());
            let subject = of_user(change.user.as_deref(), change.root);
            let subject = subject.known_as(None, change.id);
            reported(world, guard, record, subject, &findings).await
        }
        Activity::SessionLengthSet(set) => {
            let findings = judge_session_length(&guard.rules, &set, world.clock().now());
            reported(
                world,
                guard,
                record,
                Resource::new("role", &set.role),
                &findings,
            )
            .await
        }
        Activity::Failed(_) => Ok(Handled::FailedCall),
        Activity::Unreadable(unreadable) => {
            unreadable_record(world, guard, record, &unreadable, "").await
        }
        _ => Ok(Handled::Irrelevant),
    }
}

/// Handles an event of `root-activity`: sign-ins and calls of the root user, whatever the call.
///
/// # Errors
/// [`HandleError`]: the event has to come again; what was done is not done twice.
pub async fn root_activity<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
) -> Result<Handled, HandleError> {
    let activity = record.root_activity(&guard.watched());
    match &activity {
        Activity::RootSignIn(_) | Activity::RootCall => {}
        Activity::Failed(_) => return Ok(Handled::FailedCall),
        Activity::Unreadable(unreadable) => {
            return unreadable_record(world, guard, record, unreadable, ROOT).await;
        }
        _ => return Ok(Handled::Irrelevant),
    }
    let now = world.clock().now();
    let findings = judge_root(&guard.rules, record, &activity);
    let Some(worst) = findings.first() else {
        return Ok(Handled::Approved);
    };
    let title = worst.code.title().to_owned();
    let reported = Resource::new("root", "root");
    let alert = event_alert(guard, record, reported, title, &findings, ROOT, now);
    let handled = alerted(world, guard, alert, None).await?;
    if let Activity::RootSignIn(SignIn {
        succeeded: true, ..
    }) = activity
    {
        credential_handled(
            world,
            guard,
            record,
            Some(ROOT_USER),
            CredentialChange::SignIn,
        )
        .await;
    }
    Ok(handled)
}

/// Records that an event was handled, so that the sweep does not report what the credential report
/// shows of it. Without state it does, once more.
async fn credential_handled<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    whose: Option<&str>,
    change: CredentialChange,
) {
    let Some((user, at)) = whose.zip(record.event_time) else {
        return;
    };
    let event = CredentialEvent {
        schema: Schema,
        change,
        at,
    };
    let state = world.state();
    let _ = state
        .record_credential_event(&guard.account, user, event)
        .await;
}

/// Root's calls also are events of the other functions: their incidents must not be one.
const ROOT: &str = "/root";

/// As the credential report names it; `None` where the record does not say whose it is.
fn whose(user: Option<&str>, root: bool) -> Option<&str> {
    if root { Some(ROOT_USER) } else { user }
}

async fn key_event<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    key: &KeyChange,
    activated: bool,
) -> Result<Handled, HandleError> {
    let handled = key_opened(world, guard, record, key, activated).await?;
    let whose = whose(key.user.as_deref(), key.root);
    credential_handled(world, guard, record, whose, CredentialChange::Key).await;
    Ok(handled)
}

async fn key_opened<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    key: &KeyChange,
    activated: bool,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let mut findings = judge_key(&guard.rules, key, activated, now);
    let mut seen = None;
    if let (true, false, Some(user)) = (findings.is_empty(), key.root, &key.user) {
        (findings, seen) = judge_allowed_key(world, guard, record, user, key, now).await;
    }
    let Some(worst) = findings.first() else {
        return Ok(Handled::Approved);
    };
    let title = match (&key.user, &key.key_id) {
        (Some(user), Some(id)) => format!("{}: {id} of user {user}", worst.code.title()),
        (Some(user), None) => format!("{}: user {user}", worst.code.title()),
        _ => worst.code.title().to_owned(),
    };
    let (kind, unnamed) = match key.root {
        true => ("root", "root"),
        false => ("access-key", ""),
    };
    let subject = Resource::new(kind, key.user.as_deref().unwrap_or(unnamed))
        .known_as(None, key.key_id.clone());
    let mut alert = event_alert(guard, record, subject, title, &findings, "", now);
    let closes = findings
        .iter()
        .any(|finding| finding.code.remedy() == Remedy::AccessKey)
        && guard.rules.access_keys().on_violation == KeyViolation::Deactivate;
    let order = match (&key.user, &key.key_id) {
        (Some(user), Some(key_id)) if closes && !key.root => {
            let text = match guard.ceiling() {
                Mode::Enforce => {
                    "an order to deactivate the key was sent; a second message gives the outcome"
                }
                Mode::Alert => {
                    "mode alert: the key stays active; a second message says what enforce would \
                     have done"
                }
            };
            alert.outcome = Some(Outcome::open(OutcomeKind::Ordered, text));
            let task = Task::DeactivateKey(KeyOrder {
                user: user.clone(),
                key_id: key_id.clone(),
                cause: cause(record, now),
                incident: alert.incident.clone(),
                findings: findings.clone(),
                severity: alert.severity,
            });
            Some(Order::new(guard, task, now))
        }
        _ => None,
    };
    let handled = alerted(world, guard, alert, order).await?;
    if let Some((user, seen)) = key.user.as_ref().zip(seen) {
        key_reported(world, guard, user, seen).await;
    }
    Ok(handled)
}

/// A user is new: nobody has looked at what it may do. That is recorded whatever the
/// rules say of the user: by the time it gets a key they may allow one.
async fn user_created<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    user: &str,
) -> Result<Handled, HandleError> {
    let now = world.clock().now();
    let (findings, seen) = user_changed(world, guard, record, user, true, now).await?;
    let Some(worst) = findings.first() else {
        return Ok(Handled::Approved);
    };
    let title = format!("{}: user {user}", worst.code.title());
    let subject = Resource::new("user", user);
    let alert = event_alert(guard, record, subject, title, &findings, "", now);
    let handled = alerted(world, guard, alert, None).await?;
    if let Some(seen) = seen {
        key_reported(world, guard, user, seen).await;
    }
    Ok(handled)
}

fn of_user(name: Option<&str>, root: bool) -> Resource {
    let kind = if root { "root" } else { "user" };
    Resource::new(kind, name.unwrap_or(if root { "root" } else { "" }))
}

/// Reports what a person has to undo.
async fn reported<W: World>(
    world: &W,
    guard: &GuardConfig,
    record: &Record,
    subject: Resource,
    findings: &[Finding],
) -> Result<Handled, HandleError> {
    let Some(worst) = findings.first() else {
        return Ok(Handled::Approved);
    };
    let title = format!("{}: {}", worst.code.title(), subject.name);
    let now = world.clock().now();
    let alert = event_alert(guard, record, subject, title, findings, "", now);
    alerted(world, guard, alert, None).await
}
