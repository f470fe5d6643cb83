//! From a violation that is live to what is written about it, or to why nothing is.

use jiff::Timestamp;

use crate::check::{Finding, Severity};
use crate::detect::{Judgement, Verdict};
use crate::handlers::HandleError;
use crate::handlers::alert_builder::{seconds_between, tell_difference};
use crate::handlers::judged::{approved, weigh};
use crate::handlers::remediator::finish::{end, end_with, finish, role_alert};
use crate::handlers::remediator::task::{Assignment, STALE_SECONDS, untouchable};
use crate::handlers::remediator::write::{WritePlan, Writing, write};
use crate::model::{LiveRole, document_digest};
use crate::order::{Disposition, RoleChange};
use crate::ports::{Keys, World, WriteRoles};
use crate::remediate::{OutcomeKind, Plan, PlanKind, Reason, Situation, plan};
use crate::rules::Mode;
use crate::state::history::{Baseline, RoleHistory, WriteKind, WriteProgress};

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
        let text = format!("nothing: {why}; manual action required");
        return end(world, task, seen, OutcomeKind::NotTouched, text, true).await;
    }
    let lowered = |finding: &Finding| guard.rules.mode_for(finding) == Mode::Alert;
    let enforce =
        guard.mode == Mode::Enforce && judgement.violations().any(|finding| !lowered(finding));
    let tolerating = enforce && judgement.violations().any(lowered);
    let lawful = |document: &str| {
        let judged = weigh(guard, live, document, now);
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
            let text = "nothing: the rules require manual action (remediation)".to_owned();
            return end(world, task, seen, OutcomeKind::LeftAlone, text, true).await;
        }
        Err(Reason::BudgetSpent { used, most }) => {
            let text = format!(
                "nothing: {used} of {most} writes to this role within an hour are used, and the \
                 rest is kept for a worse exposure. Contain the actor first, or the change will \
                 come back"
            );
            return end(world, task, seen, OutcomeKind::BudgetSpent, text, true).await;
        }
    };
    if !enforce {
        return would(world, task, live, judgement, &plan).await;
    }
    let plan = WritePlan::from(plan);
    let history = history.clone();
    let writing = Writing {
        task,
        live,
        judgement: Some(judgement),
        lawful,
    };
    write(world, writing, history, plan).await
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
            "an approved trust policy, written at {}, was overwritten while the guard remediated \
             the role, and the guard may not write now: restore it by hand",
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
            "an approved trust policy of {}, which the guard overwrote",
            baseline.as_of()
        ),
        fallback: None,
    };
    let lawful = |document: &str| approved(guard, live, document, now);
    let writing = Writing {
        task,
        live,
        judgement: None,
        lawful,
    };
    write(world, writing, history, plan).await
}

/// The live document may be shown by a stale read: it is what the guard has just replaced, or what
/// the order is about, which stood before that write, too, whatever the guard had read by then; or
/// an approved one has just been saved, or was seen, that is not shown now. Unless the event is newer
/// than either.
fn may_be_stale(task: Assignment<'_>, history: &RoleHistory, live: &LiveRole) -> bool {
    let digest = document_digest(&live.document);
    let event = task.role.cause.event_time.as_second();
    let just = |at: Timestamp| seconds_between(at, task.now) < STALE_SECONDS;
    let last = history
        .writes
        .iter()
        .rev()
        .find(|write| write.progress != WriteProgress::Refused);
    let sent = task.role.document.as_deref().map(document_digest);
    // Where the event did not carry it, it may be any.
    let offending = sent.is_none_or(|sent| sent == digest);
    let replaced = last.is_some_and(|last| {
        // Times of events have whole seconds: one of the very second of the write may be newer, and
        // is put right without delay.
        let before = event < last.at.as_second();
        just(last.at)
            && (offending && before || last.replaced == digest && event <= last.at.as_second())
    });
    let saved = history.newest().map(Baseline::as_of);
    replaced || saved.is_some_and(|at| just(at) && event < at.as_second())
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
    tell_difference(
        task.guard,
        &mut alert,
        &live.document,
        &plan.document,
        task.now,
    );
    if let Some(outcome) = &mut alert.outcome {
        outcome.document = Some(plan.document.clone());
    }
    end_with(world, task, &alert).await
}
