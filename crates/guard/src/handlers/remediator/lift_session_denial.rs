//! Taking away the denial of a role's older sessions, once there are none left.

use crate::GuardConfig;
use crate::check::Severity;
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{Story, alert};
use crate::handlers::publish::tell;
use crate::handlers::session_denial::expired;
use crate::model::Resource;
use crate::order::{Disposition, LiftOrder, Order};
use crate::ports::{Clock, DenySessionsError, Keys, World, WriteRoles};
use crate::remediate::task::TRIES;
use crate::remediate::{Outcome, OutcomeKind};
use crate::rules::Mode;
use crate::state::history::RoleHistory;
use crate::state::incident::{Stage, incident_id};

/// Lifts the denial, unless it was renewed since.
pub(super) async fn lift_session_denial<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    lift: &LiftOrder,
    attempts: u32,
) -> Result<Disposition, HandleError> {
    let now = world.clock().now();
    let state = world.state();
    let history = state.role_history(&guard.account, &lift.role).await?;
    let renewed = history
        .as_ref()
        .and_then(|history| history.sessions_denied_at)
        .is_some_and(|at| !expired(at, now));
    if renewed || !expired(lift.denied_before, now) || guard.ceiling() != Mode::Enforce {
        state.finish_order(&order.account, &order.id(), now).await?;
        return Ok(Disposition::Done);
    }
    match world.roles().lift_session_denial(&lift.role).await {
        Ok(()) | Err(DenySessionsError::NoSuchRole { .. }) => {}
        Err(DenySessionsError::AccessDenied { .. } | DenySessionsError::QuotaExceeded { .. }) => {
            return refused(world, guard, order, lift).await;
        }
        Err(_) if attempts < TRIES => return Ok(Disposition::after_attempt(attempts)),
        Err(_) => return refused(world, guard, order, lift).await,
    }
    if let Some(history) = history
        && history.sessions_denied_at.is_some()
    {
        let lifted = RoleHistory {
            sessions_denied_at: None,
            ..history
        };
        state.save_role_history(&lifted).await?;
    }
    state.finish_order(&order.account, &order.id(), now).await?;
    Ok(Disposition::Done)
}

/// The denial stays. It harms nobody whose session is newer, so people have time.
async fn refused<W: World>(
    world: &W,
    guard: &GuardConfig,
    order: &Order,
    lift: &LiftOrder,
) -> Result<Disposition, HandleError> {
    let now = world.clock().now();
    let story = Story {
        stage: Stage::Outcome,
        incident: &incident_id(&guard.account, &order.id()),
        title: format!(
            "role {}: the deny for expired sessions could not be removed",
            lift.role
        ),
        cause: None,
        resource: Some(Resource {
            kind: "role".to_owned(),
            name: lift.role.clone(),
            arn: None,
            id: None,
        }),
        findings: &[],
        now,
    };
    let mut alert = alert(guard, story);
    alert.severity = Severity::Low;
    alert.outcome = Some(Outcome {
        kind: OutcomeKind::Refused,
        text: format!(
            "delete the role's inline policy TrustwardenDenyOlderSessions by hand: it denies \
             sessions issued before {}, and those have all expired",
            lift.denied_before
        ),
        open: false,
        dropped: Vec::new(),
        document: None,
    });
    match tell(world, guard, &alert).await {
        Ok(_) => {}
        Err(HandleError::InProgress { .. }) => return Ok(Disposition::in_seconds(60)),
        Err(error) => return Err(error),
    }
    let state = world.state();
    state.finish_order(&order.account, &order.id(), now).await?;
    Ok(Disposition::Done)
}
