//! The end of a write: sessions are ended where the rules ask for it, and the outcome is told.

use crate::handlers::HandleError;
use crate::handlers::alert_builder::{seconds_between, tell_difference};
use crate::handlers::judged::{judge, weigh};
use crate::handlers::remediator::finish::{end_with, outcome_title, role_alert};
use crate::handlers::remediator::task::Assignment;
use crate::model::LiveRole;
use crate::order::{Disposition, RoleChange};
use crate::ports::{Clock, Keys, State, World, WriteRoles};
use crate::remediate::OutcomeKind;
use crate::rules::RevokeSessions;
use crate::state::history::{OwnWrite, RoleHistory, WriteKind};

/// A write is done and seen: sessions are ended where the rules ask for it, and the outcome is
/// told.
pub(super) async fn conclude<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    own: &OwnWrite,
    live: &LiveRole,
    note: Option<&str>,
) -> Result<Disposition, HandleError> {
    let Assignment {
        guard, role, now, ..
    } = task;
    let kept = world
        .state()
        .kept_document(&guard.account, &task.incident())
        .await?
        // The first try may have met an older role of this name.
        .filter(|kept| kept.role_id == live.role_id);
    let old = kept.as_ref().map(|kept| kept.document.as_str());
    let sessions = if sessions_are_to_end(task, own, live, old) {
        if history.sessions_denied_at.is_some_and(|at| at >= own.at) {
            Some("sessions issued before the write are denied".to_owned())
        } else {
            Some(deny_sessions(world, &mut history, live).await?)
        }
    } else {
        None
    };
    let (kind, did) = match own.kind {
        WriteKind::Revert => (OutcomeKind::Reverted, "put back"),
        WriteKind::Repair => (OutcomeKind::Repaired, "repaired"),
        WriteKind::Quarantine => (OutcomeKind::Quarantined, "quarantined"),
        WriteKind::PutBack => (OutcomeKind::PutBack, "put back"),
    };
    let mut text = format!("{did}: {}", own.details);
    if let Some(why) = &own.fallback {
        text += &format!(" ({why})");
    }
    if let Some(sessions) = &sessions {
        text += &format!("; {sessions}");
    } else if own.kind != WriteKind::PutBack {
        text += "; sessions already issued stay valid for up to 12 hours";
    }
    let judgement = judge(guard, live, &live.document, now);
    let mut alert = role_alert(task, Some((live, &judgement)), kind, text, false);
    alert.title = format!("role {}: {}", role.role, outcome_title(kind));
    alert.open_seconds = (own.kind != WriteKind::PutBack && role.cause.is_event())
        .then(|| seconds_between(role.cause.event_time, own.at));
    if let Some(outcome) = &mut alert.outcome {
        outcome.dropped.clone_from(&own.dropped);
        outcome.document = Some(live.document.clone());
    }
    if let Some(old) = old {
        tell_difference(guard, &mut alert, old, &live.document, now);
    }
    alert.notes.extend(note.map(str::to_owned));
    end_with(world, task, &alert).await
}

/// Never on a role that services use: a service does not come back for a new session.
fn sessions_are_to_end(
    task: Assignment<'_>,
    own: &OwnWrite,
    live: &LiveRole,
    old: Option<&str>,
) -> bool {
    let Assignment {
        guard, role, now, ..
    } = task;
    let asked = match guard.rules.remediation().revoke_sessions {
        RevokeSessions::Never => false,
        RevokeSessions::OnNewRole => role.change == RoleChange::Created,
        RevokeSessions::Always => true,
    };
    let used_by_services = |document: &str| {
        weigh(guard, live, document, now)
            .analysis
            .is_none_or(|analysis| !analysis.services.is_empty())
    };
    asked
        && guard.revoke_sessions
        && own.kind != WriteKind::PutBack
        && !used_by_services(&live.document)
        && !old.is_some_and(used_by_services)
}

async fn deny_sessions<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    history: &mut RoleHistory,
    live: &LiveRole,
) -> Result<String, HandleError> {
    let before = world.clock().now();
    match world.roles().deny_sessions_before(&live.name, before).await {
        Ok(()) => {
            history.sessions_denied_at = Some(before);
            history.version = world.state().save_role_history(history).await?;
            Ok(format!("sessions issued before {before} are denied"))
        }
        Err(error) => Ok(format!("sessions already issued stay valid: {error}")),
    }
}
