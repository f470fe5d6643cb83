//! The end of an order: its outcome is told, then it is done.

use crate::GuardConfig;
use crate::alert::Alert;
use crate::check::{Finding, Severity};
use crate::detect::Judgement;
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{Story, alert, grantees, tell_difference};
use crate::handlers::publish::{Delivery, publish_once};
use crate::handlers::remediator::later::again;
use crate::model::{Cause, LiveRole, Resource, seconds_between};
use crate::order::{Ack, Order};
use crate::ports::{Alerts, Clock, World};
use crate::remediate::task::{Assignment, RoleTask, STATE_SECONDS};
use crate::remediate::{Ending, Outcome, OutcomeKind};
use crate::state::incident::Stage;

/// What an attempt at an order came to.
pub(super) enum Ended {
    /// The order comes again after so many seconds.
    Again(u64),
    /// It is done, and there is nothing to report.
    Silently,
    /// It is done once this is out.
    Reported(Box<Alert>),
}

/// Publishes an outcome and marks the order done. While another delivery holds the lease the
/// order waits, since its end must not come before its outcome.
pub(super) async fn finish<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    ended: Ended,
) -> Result<Ack, HandleError> {
    let now = world.clock().now();
    let alert = match ended {
        Ended::Again(seconds) => return Ok(again(world, order, seconds).await),
        Ended::Silently => None,
        Ended::Reported(alert) => Some(alert),
    };
    if let Some(alert) = &alert {
        match publish_once(world, guard, alert).await {
            // After it went out somebody may have been called while state could not say that it
            // had: the last word is what is so.
            Ok(Delivery::Before) if seconds_between(order.issued_at, now) >= STATE_SECONDS => {
                world.alerts().publish_alert(alert).await?;
            }
            Ok(_) => {}
            Err(HandleError::InProgress { .. }) => return Ok(Ack::in_seconds(60)),
            Err(_) if skip!("publish-first") => {}
            Err(error) => return Err(error),
        }
    }
    let state = world.state();
    match state.finish_order(&order.account, &order.id(), now).await {
        Ok(()) => Ok(Ack::Done),
        // It is out. The order comes again and finds the same.
        Err(_) if alert.is_some() => Ok(Ack::in_seconds(60)),
        Err(error) => Err(error.into()),
    }
}

/// What an order was about, as its outcome shows it.
pub(super) struct About<'a> {
    pub(super) incident: &'a str,
    pub(super) resource: Resource,
    pub(super) cause: Option<&'a Cause>,
    pub(super) findings: &'a [Finding],
    pub(super) judgement: Option<&'a Judgement>,
}

/// The outcome of an order.
pub(super) fn outcome_alert<T>(
    task: Assignment<'_, T>,
    about: About<'_>,
    ending: &Ending,
) -> Alert {
    let Assignment { guard, now, .. } = task;
    let (kind, open) = (ending.kind, ending.open);
    let ended = match kind {
        OutcomeKind::Refused | OutcomeKind::Failed if !open => {
            "an approved trust policy was overwritten, and could not be restored"
        }
        _ => outcome_title(kind),
    };
    let resource = about.resource;
    let what = match (resource.kind.as_str(), &resource.id) {
        ("access-key", Some(id)) => format!("access key {id} of user {}", resource.name),
        (kind, _) => format!("{kind} {}", resource.name),
    };
    // How long it was open before the sweep came by, nobody knows.
    let cause = about.cause.filter(|cause| cause.is_event());
    let story = Story {
        stage: Stage::Outcome,
        incident: about.incident,
        title: format!("{what}: {ended}"),
        cause,
        resource: Some(resource),
        findings: about.findings,
        now,
    };
    let mut alert = alert(guard, story);
    alert.grantees = about.judgement.map(grantees).unwrap_or_default();
    if matches!(
        kind,
        OutcomeKind::Refused | OutcomeKind::Failed | OutcomeKind::BudgetSpent
    ) {
        alert.severity = Severity::Critical;
    }
    if let Some(severity) = ending.severity {
        alert.severity = severity;
    }
    alert.open_seconds = cause.map(|cause| seconds_between(cause.event_time, now));
    alert.outcome = Some(Outcome {
        kind,
        text: ending.text.clone(),
        open,
        dropped: Vec::new(),
        document: ending.would_write.clone(),
    });
    if task.skewed() {
        alert.notes.push(
            "the order was judged by other rules than these; after 10 minutes the remediator \
             used its own"
                .to_owned(),
        );
    }
    alert
}

/// The outcome of an order about a role.
pub(super) fn role_alert(
    task: RoleTask<'_>,
    live: Option<(&LiveRole, &Judgement)>,
    ending: &Ending,
) -> Alert {
    let live = live.filter(|_| ending.shows_live);
    let RoleTask {
        guard,
        about: role,
        now,
        ..
    } = task;
    // What the live document is found guilty of now, or else what the event was.
    let findings = match live {
        Some((_, judgement)) if ending.open && !judgement.findings.is_empty() => {
            &judgement.findings
        }
        _ => &role.findings,
    };
    let about = About {
        incident: &task.incident(),
        resource: Resource {
            kind: "role".to_owned(),
            name: live.map_or(&role.role, |(live, _)| &live.name).clone(),
            arn: live.map(|(live, _)| live.arn.clone()),
            id: live.map(|(live, _)| live.role_id.clone()),
        },
        cause: Some(&role.cause),
        findings,
        judgement: live.map(|(_, judgement)| judgement),
    };
    let mut alert = outcome_alert(task, about, ending);
    if let (Some((live, _)), Some(document)) = (live, &ending.would_write) {
        tell_difference(guard, &mut alert, &live.document, document, now);
    }
    alert
}

fn outcome_title(kind: OutcomeKind) -> &'static str {
    match kind {
        OutcomeKind::Ordered => "an order was sent",
        OutcomeKind::Reverted => "the approved trust policy is restored",
        OutcomeKind::Repaired => "the statements that violated the rules were removed",
        OutcomeKind::Quarantined => "quarantined, nobody can assume the role",
        OutcomeKind::Deactivated => "deactivated",
        OutcomeKind::Detached => "the change of permissions is undone",
        OutcomeKind::PutBack => "an approved trust policy that the guard overwrote is restored",
        OutcomeKind::WouldRevert => "mode alert, still exposed; would have been reverted",
        OutcomeKind::WouldRepair => "mode alert, still exposed; would have been repaired",
        OutcomeKind::WouldQuarantine => "mode alert, still exposed; would have been quarantined",
        OutcomeKind::WouldDeactivate => "mode alert, still active; would have been deactivated",
        OutcomeKind::WouldDetach => "mode alert, still in force; would have been undone",
        OutcomeKind::Superseded => "changed again, and compliant now",
        OutcomeKind::Gone => "gone",
        OutcomeKind::NotTouched => "STILL EXPOSED, the guard never writes here",
        OutcomeKind::LeftAlone => "STILL EXPOSED, the rules require manual action",
        OutcomeKind::Unjudged => "the trust policy cannot be judged, so nothing was done",
        OutcomeKind::Refused => "STILL EXPOSED, IAM refused the write",
        OutcomeKind::Failed => "STILL EXPOSED, remediation failed",
        OutcomeKind::BudgetSpent => "STILL EXPOSED, the hour's write limit is reached",
    }
}
