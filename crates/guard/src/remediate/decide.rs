//! What the remediator does next about a role: from what it has seen to one step, as a value.
//!
//! Nothing here asks the world or changes it: the driver in `handlers::remediator` reads, saves
//! what a step says, acts, and publishes. So each line of the safety model is a row of cases.

use jiff::Timestamp;

use crate::check::{Finding, Severity};
use crate::detect::{Judgement, Verdict};
use crate::model::{LiveRole, document_digest, names_unique_id, seconds_between};
use crate::order::RoleChange;
use crate::remediate::judged::{AsRole, approved, judge};
use crate::remediate::outcome::OutcomeKind;
use crate::remediate::own_writes::{
    existing_since, has_deleted_principals, history_of, judged_since, may_be_stale, of_another,
    of_this_role, overwritten, quarantined, shows_the_predecessor, stale_for, unconfirmed,
};
use crate::remediate::plan::{Reason, Situation, lets_nobody_back_in, plan};
use crate::remediate::step::{Action, Ending, Live, Seen, Step, Write};
use crate::remediate::task::{RoleTask, STALE_SECONDS, TRIES, untouchable};
use crate::rules::{ExistingViolations, Mode};
use crate::state::approval::Approval;
use crate::state::history::{Baseline, OwnWrite, RoleHistory, WriteKind, WriteProgress};

type NextAction = Action<Write, OwnWrite>;

const CHANGED_SINCE: &str = "the role has been changed since, and is compliant";

/// What an action needs of the history, and whether that has to be saved first.
struct Next {
    history: RoleHistory,
    save: bool,
    action: NextAction,
}

impl Next {
    fn at_once(history: RoleHistory, action: NextAction) -> Self {
        Self {
            history,
            save: false,
            action,
        }
    }
}

/// Decides what is done next about the role of an order.
pub fn decide(seen: &Seen<'_>) -> Step {
    let task = seen.task;
    let live = match &seen.live {
        Live::Unread(_) if task.attempts < TRIES => return without_role(None, again(task)),
        Live::Unread(error) => {
            let ending = Ending::of(OutcomeKind::Failed, format!("nothing: {error}"), true);
            return without_role(None, Action::Finish(Some(ending)));
        }
        Live::Absent => return absent(task, seen.known.as_ref()),
        Live::There(live) => *live,
    };
    if shows_the_predecessor(task.about, live) && task.attempts < TRIES {
        return without_role(None, again(task));
    }
    let Some((close, history)) = history_of(task, live, seen.known.clone()) else {
        return without_role(None, again(task));
    };
    let judgement = judge(task.guard, live, &live.document, task.now);
    let swept = seen.swept.as_ref();
    let existing = task.guard.rules.remediation().existing_violations;
    let unchanged = if task.about.cause.is_event() {
        judged_since(&history, swept, live, task.now)
    } else if existing == ExistingViolations::Leave {
        // The sweep orders no such thing; whoever forges its orders does.
        existing_since(&history, swept, live, task.now)
    } else {
        None
    };
    let unchanged = unchanged.filter(|_| !skip!("left-as-judged"));
    let approval = seen.approval.as_ref().filter(|approval| {
        let digest = document_digest(&live.document);
        approval.covers(&live.role_id, &digest, &judgement.findings, task.now)
    });
    let next = match (task.remediates(), judgement.verdict) {
        (false, verdict) => {
            let acts = verdict == Verdict::Violation && unchanged.is_none() && approval.is_none();
            observe(task, history, live, &judgement, acts)
        }
        (true, Verdict::Approved) => already_compliant(task, history, live, &judgement),
        (true, Verdict::Violation) if let Some(approval) = approval => {
            stands_for_a_while(task, history, live, approval)
        }
        (true, Verdict::Violation) => match unchanged {
            Some(since) => no_change(task, history, live, since),
            None => violation(task, history, live, &judgement),
        },
        (true, Verdict::Unreadable) => {
            let text = "nothing: the live trust policy cannot be judged, so no document can be \
                        shown to be compliant; manual action required";
            let ending = Ending::live(OutcomeKind::Unjudged, text, true);
            Next::at_once(history, Action::Finish(Some(ending)))
        }
    };
    Step {
        close,
        history: Some(next.history),
        save: next.save,
        judgement: Some(judgement),
        action: next.action,
    }
}

fn without_role(close: Option<RoleHistory>, action: NextAction) -> Step {
    Step {
        close,
        history: None,
        save: false,
        judgement: None,
        action,
    }
}

/// The pause that the number of attempts asks for.
fn again(task: RoleTask<'_>) -> NextAction {
    Action::Wait(task.pause())
}

/// The role is not there, or cannot be seen yet.
fn absent(task: RoleTask<'_>, known: Option<&RoleHistory>) -> Step {
    if task.about.change != RoleChange::Deleted && task.doubts() {
        return without_role(None, again(task));
    }
    let close = known
        .filter(|known| known.closed.is_none())
        .map(|known| RoleHistory {
            closed: Some(task.now),
            ..known.clone()
        });
    let ending = task
        .remediates()
        .then(|| Ending::of(OutcomeKind::Gone, "nothing: the role is gone", false));
    without_role(close, Action::Finish(ending))
}

/// A change that looked compliant: what the event carried and what is live are remembered, if they
/// are approved; what the guard overwrote is restored.
fn observe(
    task: RoleTask<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
    acts: bool,
) -> Next {
    let RoleTask {
        guard,
        about: role,
        now,
        ..
    } = task;
    let live_digest = document_digest(&live.document);
    let by_guard = role.cause.actor.issuer.as_deref() == Some(guard.remediator_role.as_str());
    let sent = role
        .document
        .as_deref()
        // An event older than the role is about another that had its name.
        .filter(|_| !of_another(role, &history, live.created))
        .filter(|sent| approved(guard, live, sent, now) && !names_unique_id(sent))
        .map(|sent| (sent, document_digest(sent)))
        // What the guard wrote itself is no baseline, nor is a quarantine, whoever wrote it.
        .filter(|(_, digest)| !quarantined(digest))
        .filter(|(_, digest)| !by_guard || !history.wrote_about(digest, role.cause.event_time));
    let before = history.clone();
    let done = match written_before(task, &mut history, live, acts) {
        Ok(done) => done,
        Err(seconds) => return Next::at_once(history, Action::Wait(seconds)),
    };
    if let Some((document, digest)) = &sent {
        history.remember(Baseline {
            document: (*document).to_owned(),
            digest: digest.clone(),
            actor: role.cause.actor.arn.clone(),
            written_at: Some(role.cause.event_time),
            seen_at: now,
            stale_by: 0,
            seen_live: *digest == live_digest,
            live_again_at: None,
        });
    }
    let is_sent = sent
        .as_ref()
        .is_some_and(|(_, digest)| *digest == live_digest);
    // What was read may be what stood before the guard's own write, which then overwrote it: it is
    // no newer than what the event tells of.
    let stale = stale_for(&history, &live_digest, now);
    let unsure = !is_sent && shows_before(task, &history, live, judgement);
    if stale.is_none() && !unsure {
        remember_live(task, &mut history, live, judgement, is_sent);
    }
    let save = history != before || history.version == 0;
    let action = if let Some((own, note)) = done {
        Action::Conclude { own, note }
    } else if let Some(wait) = stale {
        Action::Wait(wait)
    } else if unsure {
        again(task)
    } else if let Some((_, digest)) = sent.filter(|_| !is_sent) {
        match history.own_write_of(&live.document) {
            Some(own) if overwritten(guard, &history, own, &digest, role.cause.event_time) => {
                if task.attempts < 2 {
                    // The read may be stale: perhaps the approved document is live already.
                    again(task)
                } else {
                    restore_overwritten(task, &history, live, &digest)
                }
            }
            _ if acts => return exposed(task, history, save, live, judgement),
            _ => Action::Finish(None),
        }
    } else if acts {
        return exposed(task, history, save, live, judgement);
    } else {
        Action::Finish(None)
    };
    Next {
        history,
        save,
        action,
    }
}

/// What an earlier attempt at an order to observe wrote, and what has happened since; `Err`: for
/// how long that is uncertain.
fn written_before(
    task: RoleTask<'_>,
    history: &mut RoleHistory,
    live: &LiveRole,
    acts: bool,
) -> Result<Option<(OwnWrite, Option<&'static str>)>, u64> {
    let (id, digest) = (task.order_id(), document_digest(&live.document));
    let mut writes = history.writes.iter_mut().rev();
    let of_order = |write: &&mut OwnWrite| {
        write.order == id && write.progress != WriteProgress::Refused && of_this_role(write, live)
    };
    let (mut stands, mut newest) = (None, None);
    for write in writes.by_ref().filter(of_order) {
        if write.digest == digest {
            stands = Some(write);
            break;
        }
        newest = newest.or(Some(write));
    }
    match (stands, newest) {
        (Some(write), _) if unconfirmed(write, task.now) => Err(30),
        (Some(write), _) => {
            // It was stopped before it could say so.
            write.progress = WriteProgress::Written;
            write.done_at.get_or_insert(task.now);
            Ok(Some((write.clone(), None)))
        }
        // It ended an exposure, and somebody has changed the role since.
        (None, Some(own))
            if own.progress == WriteProgress::Written
                && own.kind != WriteKind::PutBack
                && !acts =>
        {
            Ok(Some((own.clone(), Some(CHANGED_SINCE))))
        }
        (None, _) => Ok(None),
    }
}

/// An order to observe finds a live violation: it is not believed at once, since an event of its
/// own may be on its way, or the read be older than what the event told of; then it is acted on
/// like one to remediate.
fn exposed(
    task: RoleTask<'_>,
    history: RoleHistory,
    save: bool,
    live: &LiveRole,
    judgement: &Judgement,
) -> Next {
    let next = match task.doubts() {
        true => Next::at_once(history, again(task)),
        false => violation(task, history, live, judgement),
    };
    Next { save, ..next }
}

/// An event tells of a change, and the live trust policy is the one that was judged before it: what
/// an event says proves nothing by itself. A stale read is told from that by looking again.
fn no_change(task: RoleTask<'_>, history: RoleHistory, live: &LiveRole, since: Timestamp) -> Next {
    let digest = document_digest(&live.document);
    let sent = task.about.document.as_deref().map(document_digest);
    if sent.is_none_or(|sent| sent != digest) && task.doubts() {
        return Next::at_once(history, again(task));
    }
    let text = format!(
        "nothing: the live trust policy is the one that was judged at {since}, so this event changed \
         nothing; the sweep remediates what violates the rules since then, and the rules say what \
         becomes of what violated them before (remediation.existing_violations)"
    );
    let ending = Ending::live(OutcomeKind::LeftAlone, text, true);
    Next::at_once(history, Action::Finish(Some(ending)))
}

/// A person approved the live document for a while: it stays, and is no baseline. A stale read is told
/// from it by looking again.
fn stands_for_a_while(
    task: RoleTask<'_>,
    history: RoleHistory,
    live: &LiveRole,
    approval: &Approval,
) -> Next {
    let sent = task.about.document.as_deref().map(document_digest);
    if sent.is_some_and(|sent| sent != document_digest(&live.document)) && task.doubts() {
        return Next::at_once(history, again(task));
    }
    let text = format!("nothing: {}", approval.in_words());
    let ending = Ending::live(OutcomeKind::Approved, text, false);
    Next::at_once(history, Action::Finish(Some(ending)))
}

/// What is live beside an event was approved and not known: what the event's change replaced may show
/// yet, or what has replaced it already.
fn shows_before(
    task: RoleTask<'_>,
    history: &RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> bool {
    let digest = document_digest(&live.document);
    task.about.cause.is_event()
        && !is_all_that_is_known(task)
        && judgement.verdict == Verdict::Approved
        && seconds_between(task.about.cause.event_time, task.now) < STALE_SECONDS
        && !history.approved.iter().any(|kept| kept.digest == digest)
        && !history.wrote(&digest)
}

/// The event of a change did not carry its document: what is live is taken for that at once.
fn is_all_that_is_known(task: RoleTask<'_>) -> bool {
    let about = task.about;
    about.cause.is_event() && about.document.is_none() && about.change != RoleChange::Deleted
}

/// A live approved document that no event told of is remembered as of now, unless it is the
/// guard's own.
fn remember_live(
    task: RoleTask<'_>,
    history: &mut RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
    reported_by_event: bool,
) {
    let digest = document_digest(&live.document);
    if judgement.verdict != Verdict::Approved
        || reported_by_event
        || history.wrote(&digest)
        || quarantined(&digest)
        || has_deleted_principals(judgement)
    {
        return;
    }
    if history.approved.iter().any(|kept| kept.digest == digest) {
        history.live_again(&digest, task.now);
    } else {
        history.remember(Baseline {
            document: live.document.clone(),
            digest,
            actor: None,
            written_at: None,
            seen_at: task.now,
            // What the last change replaced may show; of a change that was reported without its
            // document no more is sure than that it was made.
            stale_by: match is_all_that_is_known(task) {
                true => {
                    seconds_between(task.about.cause.event_time, task.now).clamp(0, STALE_SECONDS)
                }
                false => STALE_SECONDS,
            },
            seen_live: true,
            live_again_at: None,
        });
    }
}

/// An approved document that the guard overwrote is restored.
fn restore_overwritten(
    task: RoleTask<'_>,
    history: &RoleHistory,
    live: &LiveRole,
    digest: &str,
) -> NextAction {
    let RoleTask { guard, now, .. } = task;
    let baseline = history.approved.iter().find(|kept| kept.digest == digest);
    let Some(baseline) = baseline else {
        return Action::Finish(None);
    };
    let most = guard.rules.remediation().max_writes_per_role_per_hour;
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let spent = history.writes_within_the_hour(now).saturating_add(1) >= most;
    let judging = AsRole::live(task, live, false);
    let lets_back_in = !lets_nobody_back_in(baseline, &live.document, history, &judging);
    let why = if guard.ceiling() != Mode::Enforce || untouchable(guard, live).is_some() || spent {
        // The last write of the hour is kept for ending an exposure.
        Some("the guard may not write now")
    } else if lets_back_in {
        Some("another trust policy, which may be newer, admits fewer third parties")
    } else {
        None
    };
    if let Some(why) = why {
        let text = format!(
            "an approved trust policy, written at {}, was overwritten while the guard remediated \
             the role, and {why}: restore it by hand",
            baseline.as_of()
        );
        return Action::Finish(Some(Ending {
            severity: Some(Severity::High),
            ..Ending::of(OutcomeKind::Failed, text, false)
        }));
    }
    Action::Write(Write {
        kind: WriteKind::PutBack,
        document: baseline.document.clone(),
        details: format!(
            "an approved trust policy of {}, which the guard overwrote",
            baseline.as_of()
        ),
        fallback: None,
        dropped: Vec::new(),
        tolerating: false,
        exposed: false,
    })
}

/// An order to remediate finds the role compliant: an own write is concluded, and a newer change is
/// told from a stale read by looking again.
fn already_compliant(
    task: RoleTask<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Next {
    let digest = document_digest(&live.document);
    let id = task.order_id();
    let own = history.writes.iter_mut().rev().find(|write| {
        // One that came to nothing says nothing, whatever a stale read shows.
        write.order == id && write.progress != WriteProgress::Refused && of_this_role(write, live)
    });
    match own {
        Some(own) if own.digest == digest && unconfirmed(own, task.now) => {
            return Next::at_once(history, Action::Wait(30));
        }
        Some(own) if own.digest == digest => {
            // An earlier attempt wrote it and was stopped before it could say so.
            own.progress = WriteProgress::Written;
            own.done_at.get_or_insert(task.now);
            let own = own.clone();
            return Next {
                history,
                save: true,
                action: Action::Conclude { own, note: None },
            };
        }
        Some(own) if own.progress == WriteProgress::Written => {
            let own = own.clone();
            let note = Some(CHANGED_SINCE);
            return Next::at_once(history, Action::Conclude { own, note });
        }
        _ => {}
    }
    if task.doubts() {
        return Next::at_once(history, again(task));
    }
    let before = history.clone();
    if stale_for(&history, &digest, task.now).is_none() {
        remember_live(task, &mut history, live, judgement, false);
    }
    let sent = task.about.document.as_deref().map(document_digest);
    let text = if sent.as_ref() == Some(&digest) {
        "nothing: the same trust policy complies by now, for what it allowed has ended or the rules \
         have changed; sessions issued meanwhile live on"
    } else if history.wrote(&digest) {
        "nothing more: an earlier write of the guard remediated the role, as reads over 90 \
         seconds confirmed"
    } else {
        "nothing: the role was changed again and is compliant now, as reads over 90 seconds \
         confirmed"
    };
    let ending = Ending::live(OutcomeKind::Superseded, text, false);
    Next {
        save: history != before,
        history,
        action: Action::Finish(Some(ending)),
    }
}

/// The live role violates the rules: what is written about it, or why nothing is.
fn violation(
    task: RoleTask<'_>,
    history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Next {
    let RoleTask {
        guard,
        about: role,
        now,
        ..
    } = task;
    if may_be_stale(task, &history, live) {
        return Next::at_once(history, Action::Wait(30));
    }
    let end = |history, ending| Next::at_once(history, Action::Finish(Some(ending)));
    if let Some(why) = untouchable(guard, live) {
        let text = format!("nothing: {why}; manual action required");
        return end(history, Ending::live(OutcomeKind::NotTouched, text, true));
    }
    let lowered = |finding: &Finding| guard.rules.mode_for(finding) == Mode::Alert;
    let enforce =
        guard.mode == Mode::Enforce && judgement.violations().any(|finding| !lowered(finding));
    let tolerating = enforce && judgement.violations().any(lowered);
    let situation = Situation {
        live: &live.document,
        critical: judgement.violations().any(|finding| {
            finding.severity == Severity::Critical && (!enforce || !lowered(finding))
        }),
        tolerating,
        created: role.change == RoleChange::Created,
        changed: role.cause.is_event(),
        history: &history,
        remediation: guard.rules.remediation(),
        writes_used: history.writes_within_the_hour(now),
    };
    let judging = AsRole::live(task, live, tolerating);
    let plan = match plan(&situation, &judging) {
        Ok(plan) => plan,
        Err(Reason::Off) => {
            let text = "nothing: the rules require manual action (remediation)";
            return end(history, Ending::live(OutcomeKind::LeftAlone, text, true));
        }
        Err(Reason::BudgetSpent { used, most }) => {
            let text = format!(
                "nothing: {used} of {most} writes to this role within an hour are used, and the \
                 rest is kept for a worse exposure. Contain the actor first, or the change will \
                 come back"
            );
            // The last write of the hour ends a critical exposure; a lesser one takes another.
            let needed = if situation.critical { 1 } else { 2 };
            let ending = Ending {
                again_at: enforce
                    .then(|| history.budget_free_at(most.saturating_sub(needed), now))
                    .flatten(),
                ..Ending::live(OutcomeKind::BudgetSpent, text, true)
            };
            return end(history, ending);
        }
    };
    if !enforce {
        return end(history, Ending::would(plan));
    }
    let write = Write::planned(plan, tolerating);
    Next::at_once(history, Action::Write(write))
}
