//! Orders about access keys.

use jiff::Timestamp;

use crate::GuardConfig;
use crate::alert::Alert;
use crate::check::{Remedy, Severity};
use crate::cloudtrail::KeyChange;
use crate::detect::judge_key;
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{Story, alert};
use crate::handlers::remediator::finish::{outcome_title, publish_and_finish};
use crate::model::{Resource, seconds_between};
use crate::order::{Disposition, KeyOrder, Order};
use crate::ports::{Clock, DeactivateKeyError, Keys, World, WriteRoles};
use crate::remediate::task::TRIES;
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::{KeyViolation, Mode};
use crate::state::incident::Stage;

/// Deactivates the key, if today's rules still ask for it.
pub(super) async fn deactivate<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    key: &KeyOrder,
    attempts: u32,
) -> Result<Disposition, HandleError> {
    let change = KeyChange {
        user: Some(key.user.clone()),
        root: false,
        key_id: Some(key.key_id.clone()),
    };
    let violations: Vec<_> = judge_key(&guard.rules, &change, false)
        .into_iter()
        .filter(|finding| finding.code.remedy() == Remedy::AccessKey)
        .collect();
    let asked = guard.rules.access_keys().on_violation == KeyViolation::Deactivate;
    let enforced = violations
        .iter()
        .any(|finding| guard.mode.min(guard.rules.mode_for(finding)) == Mode::Enforce);
    let (kind, text) = if violations.is_empty() {
        (
            OutcomeKind::Superseded,
            "nothing: the rules allow this user a key now".to_owned(),
        )
    } else if !asked {
        let text =
            "nothing: the rules require manual action for access keys (access_keys.on_violation)";
        (OutcomeKind::LeftAlone, text.to_owned())
    } else if !enforced {
        let text = format!(
            "nothing, in mode alert: {} would have been deactivated",
            key.key_id
        );
        (OutcomeKind::WouldDeactivate, text)
    } else {
        match world.roles().deactivate_key(&key.user, &key.key_id).await {
            Ok(()) => {
                let text = format!(
                    "access key {} of user {} is inactive; sessions issued from it stay valid for \
                     up to 36 hours",
                    key.key_id, key.user
                );
                (OutcomeKind::Deactivated, text)
            }
            Err(DeactivateKeyError::NoSuchKey { .. }) if attempts < 3 => {
                // A new key may not be there to see yet.
                return Ok(Disposition::after_attempt(attempts));
            }
            Err(DeactivateKeyError::NoSuchKey { .. }) => (
                OutcomeKind::Gone,
                "nothing: the key or its user is gone".to_owned(),
            ),
            Err(error @ DeactivateKeyError::AccessDenied { .. }) => (
                OutcomeKind::Refused,
                format!("nothing: {error}; manual action required"),
            ),
            Err(DeactivateKeyError::Other { .. }) if attempts < TRIES => {
                return Ok(Disposition::after_attempt(attempts));
            }
            Err(error) => (
                OutcomeKind::Failed,
                format!("nothing: {error}; manual action required"),
            ),
        }
    };
    let now = world.clock().now();
    let mut alert = key_alert(guard, key, kind, text, now);
    if order.rules != guard.rules.hash() {
        alert.notes.push(
            "the order was judged by other rules than these; after 10 minutes the remediator \
             used its own"
                .to_owned(),
        );
    }
    publish_and_finish(world, guard, order, &alert).await
}

/// The outcome of an order about a key.
pub(super) fn key_alert(
    guard: &GuardConfig,
    key: &KeyOrder,
    kind: OutcomeKind,
    text: String,
    now: Timestamp,
) -> Alert {
    let story = Story {
        stage: Stage::Outcome,
        incident: &key.incident,
        title: format!(
            "access key {} of user {}: {}",
            key.key_id,
            key.user,
            outcome_title(kind)
        ),
        cause: Some(&key.cause),
        resource: Some(Resource {
            kind: "access-key".to_owned(),
            name: key.user.clone(),
            arn: None,
            id: Some(key.key_id.clone()),
        }),
        findings: &key.findings,
        now,
    };
    let mut alert = alert(guard, story);
    let closed = matches!(
        kind,
        OutcomeKind::Deactivated | OutcomeKind::Superseded | OutcomeKind::Gone
    );
    if matches!(kind, OutcomeKind::Refused | OutcomeKind::Failed) {
        alert.severity = Severity::Critical;
    }
    alert.open_seconds = Some(seconds_between(key.cause.event_time, now));
    alert.outcome = Some(Outcome {
        kind,
        text,
        open: !closed,
        dropped: Vec::new(),
        document: None,
    });
    alert
}
