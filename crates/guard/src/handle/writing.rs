//! Writing to IAM: the intent first, then the comparison, the write, the record, the look back,
//! and at last the words. Each step finds out by itself whether it was done before.

use super::remediating::{
    Assignment, TRIES, approved, end, end_with, finish, judge, outcome_title, role_alert,
};
use super::story::seconds_between;
use super::{Guard, HandleError};
use crate::check::{Finding, Severity};
use crate::detect::{Judgement, RoleRef, Verdict};
use crate::history::{
    KeptDocument, OwnWrite, RoleHistory, WriteKind, WriteProgress, document_digest,
};
use crate::incident::Schema;
use crate::order::{Disposition, RoleChange};
use crate::remediate::{
    OutcomeKind, Plan, PlanKind, QUARANTINE, Reason, Situation, diff, fall_back, plan,
    without_principal,
};
use crate::rules::{Mode, RevokeSessions};
use crate::world::{Clock, Keys, LiveRole, Roles, State, World, WriteRoles, WriteTrustPolicyError};

/// For how long after an own write the document it replaced is taken for a stale read.
const STALE_SECONDS: i64 = 60;
/// How many documents are tried within one order: IAM names one dead principal at a time.
const DOCUMENTS: usize = 8;

/// The live role violates the rules: it is put right, or it is said why not.
pub(super) async fn put_right<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Result<Disposition, HandleError> {
    let Assignment {
        guard, role, now, ..
    } = task;
    let seen = Some((live, judgement));
    if may_be_stale(task, &history, live) {
        return Ok(Disposition::in_seconds(30));
    }
    if let Some(why) = untouchable(guard, live) {
        let text = format!("nothing: {why}; people have to act");
        return end(world, task, seen, OutcomeKind::NotTouched, text, true).await;
    }
    let lowered = |finding: &Finding| guard.rules.mode_for(finding) == Mode::Alert;
    let enforce =
        guard.mode == Mode::Enforce && judgement.violations().any(|finding| !lowered(finding));
    let tolerating = enforce && judgement.violations().any(lowered);
    let lawful = |document: &str| {
        let judged = judge(guard, live, document, now);
        match judged.verdict {
            Verdict::Approved => true,
            Verdict::Violation => tolerating && judged.violations().all(lowered),
            Verdict::Unreadable => false,
        }
    };
    let situation = Situation {
        live: &live.document,
        critical: judgement.violations().any(|finding| {
            finding.severity == Severity::Critical && (!enforce || !lowered(finding))
        }),
        tolerating,
        created: role.change == RoleChange::Created,
        history: &history,
        remediation: guard.rules.remediation(),
        writes_used: history.writes_within_the_hour(now),
    };
    let plan = match plan(&situation, lawful) {
        Ok(plan) => plan,
        Err(Reason::Off) => {
            let text = "nothing: the rules leave this to people (remediation)".to_owned();
            return end(world, task, seen, OutcomeKind::LeftAlone, text, true).await;
        }
        Err(Reason::BudgetSpent { used, most }) => {
            let text = format!(
                "nothing: {used} of {most} writes to this role within an hour are used, and what \
                 is left is kept for closing the door on something worse. Contain the actor: he \
                 will not stop"
            );
            return end(world, task, seen, OutcomeKind::BudgetSpent, text, true).await;
        }
    };
    if !enforce {
        return would(world, task, live, judgement, &plan).await;
    }
    let history = history.clone();
    write(
        world,
        task,
        history,
        live,
        Some(judgement),
        WritePlan::from(plan),
        lawful,
    )
    .await
}

/// An approved document that the guard ran over comes back.
pub(super) async fn put_back<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    history: RoleHistory,
    live: &LiveRole,
    digest: &str,
) -> Result<Disposition, HandleError> {
    let Assignment { guard, now, .. } = task;
    let baseline = history.approved.iter().find(|kept| kept.digest == digest);
    let Some(baseline) = baseline else {
        return finish(world, task).await;
    };
    let most = guard.rules.remediation().max_writes_per_role_per_hour;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let spent = history.writes_within_the_hour(now).saturating_add(1) >= most;
    if guard.ceiling() != Mode::Enforce || untouchable(guard, live).is_some() || spent {
        // The last write of the hour is kept for closing.
        let text = format!(
            "an approved trust policy, written at {}, was overwritten while the guard put the \
             role right, and the guard may not write now: put it back by hand",
            baseline.as_of()
        );
        let mut alert = role_alert(task, None, OutcomeKind::Failed, text, false);
        alert.severity = Severity::High;
        return end_with(world, task, &alert).await;
    }
    let plan = WritePlan {
        kind: WriteKind::PutBack,
        document: baseline.document.clone(),
        details: format!(
            "an approved trust policy of {}, which a write of the guard had run over",
            baseline.as_of()
        ),
        fallback: None,
    };
    let lawful = |document: &str| approved(guard, live, document, now);
    write(world, task, history, live, None, plan, lawful).await
}

/// The live document may be what the guard has just replaced, shown by a stale read: unless the
/// event is newer than that write.
fn may_be_stale(task: Assignment<'_>, history: &RoleHistory, live: &LiveRole) -> bool {
    let last = history
        .writes
        .iter()
        .rev()
        .find(|write| write.progress != WriteProgress::Refused);
    last.is_some_and(|last| {
        last.replaced == document_digest(&live.document)
            && seconds_between(last.at, task.now) < STALE_SECONDS
            && task.role.cause.event_time.as_second() <= last.at.as_second()
    })
}

/// Why a role is never written, if so.
fn untouchable(guard: &Guard, live: &LiveRole) -> Option<&'static str> {
    let role = RoleRef {
        account: guard.account.clone(),
        name: Some(live.name.clone()),
        path: Some(live.path.clone()),
    };
    if guard
        .own_roles
        .iter()
        .any(|own| own.eq_ignore_ascii_case(&live.arn) || role.is(own))
    {
        Some("it is one of the guard's own roles, which it never writes")
    } else if role.is_reserved() {
        Some("AWS keeps this role, and nobody else can write it")
    } else if guard.rules.protects(&role) {
        Some("the rules protect this role (remediation.protected_roles)")
    } else {
        None
    }
}

/// Mode alert: says what would have been done.
async fn would<W: World>(
    world: &W,
    task: Assignment<'_>,
    live: &LiveRole,
    judgement: &Judgement,
    plan: &Plan,
) -> Result<Disposition, HandleError> {
    let (kind, done) = match plan.kind {
        PlanKind::Revert => (OutcomeKind::WouldRevert, "put back"),
        PlanKind::Repair => (OutcomeKind::WouldRepair, "repaired it"),
        PlanKind::Quarantine | PlanKind::None | PlanKind::Deactivate => {
            (OutcomeKind::WouldQuarantine, "quarantined it")
        }
    };
    let mut text = format!(
        "nothing, in mode alert; in mode enforce it would have {done}: {}",
        plan.details
    );
    if let Some(why) = &plan.fallback {
        text += &format!(" ({why})");
    }
    let mut alert = role_alert(task, Some((live, judgement)), kind, text, true);
    alert.diff = diff(&live.document, &plan.document);
    if let Some(outcome) = &mut alert.outcome {
        outcome.document = Some(plan.document.clone());
    }
    end_with(world, task, &alert).await
}

/// What is about to be written.
struct WritePlan {
    kind: WriteKind,
    document: String,
    details: String,
    fallback: Option<String>,
}

impl From<Plan> for WritePlan {
    fn from(plan: Plan) -> Self {
        let kind = match plan.kind {
            PlanKind::Revert => WriteKind::Revert,
            PlanKind::Repair => WriteKind::Repair,
            PlanKind::Quarantine | PlanKind::None | PlanKind::Deactivate => WriteKind::Quarantine,
        };
        Self {
            kind,
            document: plan.document,
            details: plan.details,
            fallback: plan.fallback,
        }
    }
}

/// Writes a document, or the next best one if IAM does not take it.
async fn write<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: Option<&Judgement>,
    mut plan: WritePlan,
    lawful: impl Fn(&str) -> bool,
) -> Result<Disposition, HandleError> {
    let Assignment {
        guard,
        role,
        attempts,
        ..
    } = task;
    let (state, roles) = (world.state(), world.roles());
    let replaced = document_digest(&live.document);
    let seen = judgement.map(|judgement| (live, judgement));
    let mut dropped: Vec<String> = Vec::new();
    state
        .keep_document(&KeptDocument {
            schema: Schema,
            account: guard.account.clone(),
            role_id: live.role_id.clone(),
            role: live.name.clone(),
            incident: task.incident(),
            document: live.document.clone(),
            digest: replaced.clone(),
            kind: plan.kind,
            at: world.clock().now(),
        })
        .await?;
    for _ in 0..DOCUMENTS {
        // The proof: whatever the plan came from, this is what will stand in IAM.
        let proved = match plan.kind {
            WriteKind::Quarantine => plan.document == QUARANTINE,
            _ => lawful(&plan.document),
        };
        if !proved {
            let text = "nothing: what was to be written could not be shown to be lawful";
            return end(
                world,
                task,
                seen,
                OutcomeKind::Failed,
                text.to_owned(),
                true,
            )
            .await;
        }
        let own = OwnWrite {
            order: task.order_id(),
            incident: Some(task.incident()),
            kind: plan.kind,
            digest: document_digest(&plan.document),
            replaced: replaced.clone(),
            at: world.clock().now(),
            undoes: role.cause.event_time,
            progress: WriteProgress::Intended,
            details: plan.details.clone(),
            dropped: dropped.clone(),
            fallback: plan.fallback.clone(),
        };
        history.record_write(own.clone());
        history.version = state.save_role_history(&history).await?;
        let unchanged = match roles.read_role(&live.name).await {
            Ok(Some(now)) => {
                now.role_id == live.role_id && document_digest(&now.document) == replaced
            }
            _ => false,
        };
        if !unchanged {
            // Somebody changed it meanwhile: it is decided anew, from what is live then.
            not_written(world, &mut history).await?;
            return Ok(Disposition::in_seconds(5));
        }
        let error = match roles.write_trust_policy(&live.name, &plan.document).await {
            Ok(()) => return written(world, task, history, live).await,
            Err(error) => error,
        };
        match error {
            WriteTrustPolicyError::Other { .. } => {
                // It may have happened: what is live will tell.
                if attempts < TRIES {
                    return Ok(Disposition::after_attempt(attempts));
                }
                let text = format!("nothing that is certain: {error}; people have to act");
                return end(world, task, seen, OutcomeKind::Failed, text, true).await;
            }
            WriteTrustPolicyError::NoSuchRole { .. } => {
                not_written(world, &mut history).await?;
                return Ok(Disposition::after_attempt(attempts));
            }
            WriteTrustPolicyError::Throttled { .. } => {
                not_written(world, &mut history).await?;
                if attempts < TRIES {
                    return Ok(Disposition::after_attempt(attempts));
                }
                let text = format!("nothing: {error}, again and again; people have to act");
                return end(world, task, seen, OutcomeKind::Failed, text, true).await;
            }
            WriteTrustPolicyError::AccessDenied { .. } => {
                not_written(world, &mut history).await?;
                let text = format!(
                    "nothing: {error}. An SCP, a permissions boundary or a missing permission \
                     forbids it; it is not tried again, people have to act"
                );
                return end(world, task, seen, OutcomeKind::Refused, text, true).await;
            }
            WriteTrustPolicyError::RefusedPrincipal { ref principal, .. } => {
                not_written(world, &mut history).await?;
                match without_principal(&plan.document, principal, &lawful) {
                    Some((document, written)) => {
                        dropped.push(written);
                        plan.document = document;
                        continue;
                    }
                    None => {
                        plan.fallback = Some(format!("{error}, and nothing is left without it"))
                    }
                }
            }
            WriteTrustPolicyError::TooLong { .. } | WriteTrustPolicyError::Malformed { .. } => {
                not_written(world, &mut history).await?;
                plan.fallback = Some(error.to_string());
            }
        }
        let situation = Situation {
            live: &live.document,
            critical: true,
            tolerating: false,
            created: role.change == RoleChange::Created,
            history: &history,
            remediation: guard.rules.remediation(),
            writes_used: 0,
        };
        let why = plan.fallback.unwrap_or_default();
        let next = match plan.kind {
            // The live document is lawful: there is nothing worse to fall back from.
            WriteKind::PutBack => None,
            kind => fall_back(PlanKind::from(kind), &why, &situation, &lawful),
        };
        match next {
            Some(next) => plan = WritePlan::from(next),
            None => {
                let text = format!("nothing: {why}; people have to act");
                let open = judgement.is_some();
                return end(world, task, seen, OutcomeKind::Failed, text, open).await;
            }
        }
        dropped.clear();
    }
    let text = format!("nothing: IAM refused {DOCUMENTS} documents; people have to act");
    end(
        world,
        task,
        seen,
        OutcomeKind::Failed,
        text,
        judgement.is_some(),
    )
    .await
}

/// The last intent came to nothing: it does not count.
async fn not_written<W: World>(world: &W, history: &mut RoleHistory) -> Result<(), HandleError> {
    if let Some(last) = history.writes.last_mut() {
        last.progress = WriteProgress::Refused;
    }
    history.version = world.state().save_role_history(history).await?;
    Ok(())
}

/// IAM took it: that is recorded, and looked at.
async fn written<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
) -> Result<Disposition, HandleError> {
    let Some(last) = history.writes.last_mut() else {
        return finish(world, task).await;
    };
    last.progress = WriteProgress::Written;
    let own = last.clone();
    history.version = world.state().save_role_history(&history).await?;
    match world.roles().read_role(&live.name).await {
        Ok(Some(now)) if document_digest(&now.document) == own.digest => {
            conclude(world, task, history, &own, &now, None).await
        }
        // Stale, or changed again: the next look tells.
        _ => Ok(Disposition::after_attempt(task.attempts)),
    }
}

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
        .await?;
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
        text += "; sessions already issued live on for up to 12 hours";
    }
    let judgement = judge(guard, live, &live.document, now);
    let mut alert = role_alert(task, Some((live, &judgement)), kind, text, false);
    alert.title = format!("role {}: {}", role.role, outcome_title(kind));
    alert.open_seconds =
        (own.kind != WriteKind::PutBack).then(|| seconds_between(role.cause.event_time, own.at));
    if let Some(outcome) = &mut alert.outcome {
        outcome.dropped.clone_from(&own.dropped);
        outcome.document = Some(live.document.clone());
    }
    alert.diff = old.map_or_else(Vec::new, |old| diff(old, &live.document));
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
        judge(guard, live, document, now)
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
        Err(error) => Ok(format!("sessions already issued live on: {error}")),
    }
}
