//! What the remediator does next about a change of permissions: from what it has seen to one
//! action, as [`decide`](super::decide::decide) does for trust policies. Pure.

use crate::check::Finding;
use crate::model::{HeldPolicy, LivePermissions};
use crate::order::PermissionsOrder;
use crate::permissions::{Compliant, OwnUndo, PermissionsHistory, Undo, Undoable, narrows};
use crate::remediate::exposure::Exposure;
use crate::remediate::outcome::OutcomeKind;
use crate::remediate::step::{Action, Ending, Live};
use crate::remediate::task::{Assignment, TRIES, untouchable};
use crate::rules::{ExistingViolations, Mode, PermissionViolation};
use crate::state::history::WriteProgress;

/// What has been read about a role or user, for one order.
#[derive(Debug)]
pub struct SeenHolder<'a> {
    /// The order.
    pub task: Assignment<'a, PermissionsOrder>,
    /// What IAM shows.
    pub live: Live<&'a Exposure>,
    /// What is remembered of it.
    pub known: Option<&'a PermissionsHistory>,
    /// Writes to the role's trust policy within the hour: they count as well.
    pub trust_writes: usize,
    /// What the role held when the guard looked for the first time.
    pub first_held: &'a [String],
    /// What may undo the change, the best first.
    pub candidates: Vec<Candidate>,
}

/// What may undo a change.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The write.
    pub undo: Undo,
    /// The policy that would be in force again, where the write names one; none: it is not known.
    pub restored: Option<HeldPolicy>,
}

/// A write, and what the role or user holds once it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct UndoWrite {
    /// The write.
    pub undo: Undo,
    /// What is held then.
    pub after: LivePermissions,
    /// The text that it takes away, of which IAM keeps no other copy.
    pub removed: Option<String>,
}

const LEFT: &str = "nothing: it held just this before the guard's first sweep, so the event tells of no \
                    change; manual action required (remediation.existing_violations)";
const UNSURE: &str = "nothing: what violates the rules holds under conditions, and whether a third party \
                      can meet them is not known; manual action required";
const GONE: &str = "nothing: the role or user is gone";

/// Decides what is done next about the change of an order.
pub fn decide_undo(seen: &SeenHolder<'_>) -> Action<UndoWrite, OwnUndo> {
    let task = seen.task;
    let gone = || Action::Finish(Some(Ending::of(OutcomeKind::Gone, GONE, false)));
    let exposure = match &seen.live {
        Live::Unread(_) if task.attempts < TRIES => return Action::Wait(task.pause()),
        Live::Unread(error) => {
            let text = format!("nothing: {error}; manual action required");
            return Action::Finish(Some(Ending::of(OutcomeKind::Failed, text, true)));
        }
        Live::Absent if task.doubts() => return Action::Wait(task.pause()),
        Live::Absent => return gone(),
        Live::There(exposure) if exposure.live.id != task.about.id => return gone(),
        Live::There(exposure) => *exposure,
    };
    let stands = task.about.change.stands(&exposure.live);
    let own = seen
        .known
        .and_then(|known| known.write_of(&task.order_id()));
    if let Some(own) = own.filter(|own| own.progress == WriteProgress::Written || !stands) {
        // Done, before a crash or as a read shows late.
        if stands && task.doubts() {
            return Action::Wait(task.pause());
        }
        return Action::Conclude {
            own: own.clone(),
            note: stands.then_some("the change was made again since"),
        };
    }
    let findings = exposure.remediable(task.guard, &exposure.live);
    if stands && !findings.is_empty() {
        return violation(seen, exposure);
    }
    if task.doubts() {
        // It may be that IAM does not show it yet.
        return Action::Wait(task.pause());
    }
    let text = if stands {
        "nothing: it violates the rules no longer"
    } else {
        "nothing: what was changed is not so any more"
    };
    let open = !findings.is_empty();
    Action::Finish(Some(Ending::live(OutcomeKind::Superseded, text, open)))
}

fn violation(seen: &SeenHolder<'_>, exposure: &Exposure) -> Action<UndoWrite, OwnUndo> {
    let task = seen.task;
    let guard = task.guard;
    let end = |kind, text: String| Action::Finish(Some(Ending::live(kind, text, true)));
    let role = exposure.role.as_ref();
    if let Some(why) = role.and_then(|(role, _)| untouchable(guard, role)) {
        let text = format!("nothing: {why}; manual action required");
        return end(OutcomeKind::NotTouched, text);
    }
    if guard.rules.permissions().on_violation != PermissionViolation::Detach {
        let text = "nothing: the rules require manual action for permissions \
                    (permissions.on_violation)";
        return end(OutcomeKind::LeftAlone, text.to_owned());
    }
    let findings = exposure.certain(guard, &exposure.live);
    if findings.is_empty() {
        return end(OutcomeKind::LeftAlone, UNSURE.to_owned());
    }
    let existing = guard.rules.remediation().existing_violations;
    let undone_since = seen
        .known
        .is_some_and(|known| known.wrote(|undo| undo.undoes(&task.about.change)));
    if existing == ExistingViolations::Leave
        && !undone_since
        && task.about.change.was_there(&exposure.live, seen.first_held)
    {
        return end(OutcomeKind::LeftAlone, LEFT.to_owned());
    }
    let write = match first_that_narrows(seen, exposure, &findings) {
        Ok(write) => write,
        Err(why) => {
            let text = format!("nothing: {why}; manual action required");
            return end(OutcomeKind::Failed, text);
        }
    };
    let enforced = guard.mode == Mode::Enforce
        && findings
            .iter()
            .any(|found| exposure.mode_for(guard, found) == Mode::Enforce);
    if !enforced {
        let words = write.undo.words(task.about.kind, &task.about.name);
        let text = format!("nothing, in mode alert; in mode enforce: {words}");
        return end(OutcomeKind::WouldDetach, text);
    }
    if !guard.detach_policies {
        let text = "nothing: the stack's parameter DetachPolicies does not let the guard write \
                    policies";
        return end(OutcomeKind::LeftAlone, text.to_owned());
    }
    let most = guard.rules.remediation().max_writes_per_role_per_hour;
    let begun = seen
        .known
        .is_some_and(|known| known.write_of(&task.order_id()).is_some());
    let own = seen
        .known
        .map_or(0, |known| known.writes_within_the_hour(task.now));
    let used = own + seen.trust_writes;
    if !begun && used >= usize::try_from(most).unwrap_or(usize::MAX) {
        let text = format!(
            "nothing: {used} of {most} writes to this {} within an hour are used. Contain the \
             actor first, or the change will come back",
            task.about.kind.name()
        );
        return end(OutcomeKind::BudgetSpent, text);
    }
    Action::Write(write)
}

/// The best write that is shown to give nothing, or why there is none.
fn first_that_narrows(
    seen: &SeenHolder<'_>,
    exposure: &Exposure,
    findings: &[Finding],
) -> Result<UndoWrite, &'static str> {
    let live = &exposure.live;
    let mut why = match seen.task.about.change {
        Undoable::BoundaryPut { .. } | Undoable::BoundaryDeleted => {
            "what boundary there was before is not known"
        }
        _ => "it comes by a group, whose other users the guard does not judge",
    };
    let same =
        |one: &Finding, other: &Finding| (one.code, &one.message) == (other.code, &other.message);
    let still = |left: &[Finding]| {
        let mut findings = findings.iter();
        findings.all(|found| left.iter().any(|other| same(found, other)))
    };
    for Candidate { undo, restored } in &seen.candidates {
        if undo.names_a_policy().is_some() && restored.is_none() {
            why = "what was there before cannot be read";
            continue;
        }
        let after = undo.applied(live, restored.as_ref());
        let left = exposure.remediable(seen.task.guard, &after);
        if undo.restores() && !left.is_empty() {
            why = "what was there before violates the rules as well";
        } else if !undo.restores() && !narrows(undo, live, &after) {
            why = "the policy also denies something, which would be allowed without it";
        } else if !undo.restores() && still(&exposure.certain(seen.task.guard, &after)) {
            why = "taking the policy away would change nothing: others give the same";
        } else {
            return Ok(UndoWrite {
                removed: undo.text_taken_from(live),
                undo: undo.clone(),
                after,
            });
        }
    }
    Err(why)
}

/// What is remembered of a role or user, if it complies: what a later change replaces is restored
/// from it.
pub(crate) fn compliant_of(
    guard: &crate::GuardConfig,
    exposure: &Exposure,
    id: &str,
) -> Option<Compliant> {
    let compliant = exposure.live.id == id && exposure.remediable(guard, &exposure.live).is_empty();
    compliant.then(|| Compliant::of(&exposure.live, exposure.now))
}
