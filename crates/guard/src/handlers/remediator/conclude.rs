//! The end of a write: sessions are ended where the rules ask for it, and the outcome is told.

use crate::alert::Alert;
use crate::handlers::HandleError;
use crate::handlers::alert_builder::tell_difference;
use crate::handlers::remediator::finish::role_alert;
use crate::handlers::remediator::session_denial::deny_sessions;
use crate::model::{LiveRole, seconds_between};
use crate::order::RoleOrder;
use crate::ports::{Keys, World, WriteRoles};
use crate::remediate::judged::judge;
use crate::remediate::session_denial::sessions_are_to_end;
use crate::remediate::task::RoleTask;
use crate::remediate::{Ending, OutcomeKind};
use crate::state::history::{OwnWrite, RoleHistory, WriteKind};

/// A write is done and seen: sessions are ended where the rules ask for it, and the outcome is
/// told.
pub(super) async fn conclude<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
    history: &mut RoleHistory,
    own: &OwnWrite,
    live: &LiveRole,
    note: Option<&str>,
) -> Result<Alert, HandleError> {
    let RoleTask {
        guard,
        about: role,
        now,
        ..
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
            Some(deny_sessions(world, history, live).await?)
        }
    } else {
        None
    };
    let (kind, did) = match own.kind {
        WriteKind::Revert => (OutcomeKind::Reverted, "restored"),
        WriteKind::Repair => (OutcomeKind::Repaired, "repaired"),
        WriteKind::Quarantine => (OutcomeKind::Quarantined, "quarantined"),
        WriteKind::PutBack => (OutcomeKind::PutBack, "restored"),
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
    let ending = Ending::live(kind, text, false);
    // An order to observe did not know yet what it would find.
    let found = old.filter(|_| !task.remediates() && own.kind != WriteKind::PutBack);
    let found = found.map(|old| judge(guard, live, old, now).findings);
    let about = RoleOrder {
        findings: found.unwrap_or_else(|| role.findings.clone()),
        ..role.clone()
    };
    let task = RoleTask {
        about: &about,
        ..task
    };
    let mut alert = role_alert(task, Some((live, &judgement)), &ending);
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
    Ok(alert)
}
