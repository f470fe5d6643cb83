//! The outcome of an order, from what the remediator came to as people read it.

use crate::alert::build::{Story, alert, grantees, show_difference};
use crate::alert::document::Alert;
use crate::check::{Finding, Severity};
use crate::detect::Judgement;
use crate::model::{Cause, LiveRole, Resource, seconds_between};
use crate::order::{KeyOrder, LiftOrder, PermissionsOrder, RoleOrder};
use crate::permissions::OwnUndo;
use crate::remediate::judged::judge;
use crate::remediate::{Assignment, Ending, Exposure, Outcome, OutcomeKind, RoleTask};
use crate::state::history::{OwnWrite, WriteKind};
use crate::state::incident::{Stage, incident_id};

/// A text of a policy in a note, in characters.
const TEXT_SHOWN: usize = 4_000;

/// What an order was about, as its outcome shows it.
struct About<'a> {
    incident: &'a str,
    resource: Resource,
    cause: Option<&'a Cause>,
    findings: &'a [Finding],
    judgement: Option<&'a Judgement>,
}

/// The outcome of an order.
fn outcome_alert<T>(task: Assignment<'_, T>, about: About<'_>, ending: &Ending) -> Alert {
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
    alert.grantees = about
        .judgement
        .map(|judgement| grantees(&guard.rules, judgement))
        .unwrap_or_default();
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
pub(crate) fn role_alert(
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
        resource: Resource::new("role", live.map_or(&role.role, |(live, _)| &live.name)).known_as(
            live.map(|(live, _)| live.arn.clone()),
            live.map(|(live, _)| live.role_id.clone()),
        ),
        cause: Some(&role.cause),
        findings,
        judgement: live.map(|(_, judgement)| judgement),
    };
    let mut alert = outcome_alert(task, about, ending);
    if let Some((live, _)) = live.filter(|_| ending.open) {
        alert.judges(&live.document);
    }
    if let (Some((live, _)), Some(document)) = (live, &ending.would_write) {
        show_difference(guard, &mut alert, &live.document, document, now);
    }
    alert
}

/// The outcome of a write that is done and seen. `old`: the document that it replaced; `sessions`:
/// what became of sessions that were issued before it.
pub(crate) fn written_alert(
    task: RoleTask<'_>,
    own: &OwnWrite,
    live: &LiveRole,
    old: Option<&str>,
    sessions: Option<&str>,
    note: Option<&str>,
) -> Alert {
    let RoleTask {
        guard,
        about: role,
        now,
        ..
    } = task;
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
    if let Some(sessions) = sessions {
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
        alert.judges(old);
        show_difference(guard, &mut alert, old, &live.document, now);
    }
    alert.notes.extend(note.map(str::to_owned));
    alert
}

/// The outcome of an order about a key.
pub(crate) fn key_alert(task: Assignment<'_, KeyOrder>, ending: &Ending) -> Alert {
    let KeyOrder {
        user,
        key_id,
        cause,
        incident,
        findings,
        ..
    } = task.about;
    let resource = Resource::new("access-key", user).known_as(None, Some(key_id.clone()));
    let about = About {
        incident,
        resource,
        cause: Some(cause),
        findings,
        judgement: None,
    };
    outcome_alert(task, about, ending)
}

/// The outcome of an order about permissions.
pub(crate) fn permissions_alert(
    task: Assignment<'_, PermissionsOrder>,
    exposure: Option<&Exposure>,
    ending: &Ending,
) -> Alert {
    let PermissionsOrder {
        kind,
        name,
        arn,
        id,
        cause,
        incident,
        findings,
        severity,
        ..
    } = task.about;
    let shown = exposure.filter(|_| ending.shows_live);
    let found = shown.filter(|_| ending.open);
    let found = found.map(|exposure| exposure.remediable(task.guard, &exposure.live));
    let found = found.filter(|found| !found.is_empty());
    let resource = Resource::new(kind.name(), name).known_as(Some(arn.clone()), Some(id.clone()));
    let about = About {
        incident,
        resource,
        cause: Some(cause),
        findings: found.as_ref().unwrap_or(findings),
        judgement: shown
            .and_then(|shown| shown.role.as_ref())
            .map(|(_, judgement)| judgement),
    };
    let mut alert = outcome_alert(task, about, ending);
    if ending.open {
        // As it was reported first: what the change gave counts for more than what stands there.
        alert.severity = alert.severity.max(*severity);
    }
    alert
}

/// The outcome of a change that is undone, and seen to be.
pub(crate) fn undone_alert(
    task: Assignment<'_, PermissionsOrder>,
    own: &OwnUndo,
    exposure: &Exposure,
    note: Option<&str>,
) -> Alert {
    let open = !exposure.remediable(task.guard, &exposure.live).is_empty();
    let mut text = own.undo.words(task.about.kind, &task.about.name);
    if let Some(note) = note {
        text += &format!("; and {note}");
    }
    text += "; sessions already issued have what the policies say now";
    let ending = Ending::live(OutcomeKind::Detached, text, open);
    let mut alert = permissions_alert(task, Some(exposure), &ending);
    if let Some(removed) = &own.removed {
        let shown: String = removed.chars().take(TEXT_SHOWN).collect();
        alert
            .notes
            .push(format!("the text that was taken away: {shown}"));
    }
    if open {
        alert
            .notes
            .push("other policies still violate the rules".to_owned());
    }
    alert
}

/// The denial stays. It harms nobody whose session is newer, so people have time.
pub(crate) fn denial_stays(task: Assignment<'_, LiftOrder>) -> Alert {
    let LiftOrder {
        role,
        denied_before,
    } = task.about;
    let text = format!(
        "delete the role's inline policy TrustwardenDenyOlderSessions by hand: it denies sessions \
         issued before {denied_before}, and those have all expired"
    );
    let ending = Ending {
        severity: Some(Severity::Low),
        ..Ending::of(OutcomeKind::Refused, text, false)
    };
    let about = About {
        incident: &incident_id(&task.guard.account, &task.order_id()),
        resource: Resource::new("role", role),
        cause: None,
        findings: &[],
        judgement: None,
    };
    let mut alert = outcome_alert(task, about, &ending);
    alert.title = format!("role {role}: the deny for expired sessions could not be removed");
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
        OutcomeKind::Superseded => "compliant now",
        OutcomeKind::Gone => "gone",
        OutcomeKind::NotTouched => "STILL EXPOSED, the guard never writes here",
        OutcomeKind::LeftAlone => "STILL EXPOSED, the rules require manual action",
        OutcomeKind::Approved => "approved by a person for a while",
        OutcomeKind::Unjudged => "the trust policy cannot be judged, so nothing was done",
        OutcomeKind::Refused => "STILL EXPOSED, IAM refused the write",
        OutcomeKind::Failed => "STILL EXPOSED, remediation failed",
        OutcomeKind::BudgetSpent => "STILL EXPOSED, the hour's write limit is reached",
    }
}
