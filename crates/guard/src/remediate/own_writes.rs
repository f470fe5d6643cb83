//! What the guard wrote itself, which history is a live role's, and what a read may not show yet.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::GuardConfig;
use crate::detect::Judgement;
use crate::model::{LiveRole, document_digest, names_unique_id, seconds_between};
use crate::order::{RoleChange, RoleOrder};
use crate::remediate::task::{RoleTask, STALE_SECONDS, TRIES};
use crate::rules::ChangedRole;
use crate::state::history::{Baseline, OwnWrite, RoleHistory, WriteKind, WriteProgress};
use crate::state::sweep_state::SweptRole;

/// The event is about a role that had this one's name before. Times of events have whole seconds,
/// and it names no RoleId: a change within the very second in which the role was created again may
/// have been made to either, and is not believed to be this one's. If it is, it stands there.
pub(crate) fn of_another(
    role: &RoleOrder,
    history: &RoleHistory,
    created: Option<Timestamp>,
) -> bool {
    let (event, change) = (role.cause.event_time.as_second(), role.change);
    created.is_some_and(|created| match event.cmp(&created.as_second()) {
        Ordering::Less => true,
        Ordering::Equal => history.recreated && change != RoleChange::Created,
        Ordering::Greater => false,
    })
}

/// For how many seconds yet a read that does not show the guard's newest write may be stale.
pub(crate) fn stale_for(history: &RoleHistory, live: &str, now: Timestamp) -> Option<u64> {
    let last = history
        .writes
        .iter()
        .rev()
        .find(|write| write.progress != WriteProgress::Refused)?;
    let left = STALE_SECONDS.saturating_sub(seconds_between(last.at, now));
    u64::try_from(left)
        .ok()
        .filter(|left| last.digest != live && *left > 0)
}

/// Whether a write happened that was only intended: what looks like it may be a stale read of the
/// same content, written before. After a minute it is believed.
pub(crate) fn unconfirmed(write: &OwnWrite, now: Timestamp) -> bool {
    write.progress == WriteProgress::Intended && seconds_between(write.at, now) < STALE_SECONDS
}

/// A history begins with what was written to an older role of the same name: that is no reason to
/// tell anything of this one, let alone to end its sessions.
pub(crate) fn of_this_role(write: &OwnWrite, live: &LiveRole) -> bool {
    match &write.role_id {
        Some(role_id) => *role_id == live.role_id,
        // As well as it can be told: creation dates have whole seconds.
        None => live
            .created
            .is_none_or(|created| write.at.as_second() >= created.as_second()),
    }
}

pub(crate) fn quarantined(digest: &str) -> bool {
    digest == document_digest(crate::remediate::QUARANTINE)
}

/// Baselines are kept as they were sent: IAM would not take back what it shows of the dead.
pub(crate) fn has_deleted_principals(judgement: &Judgement) -> bool {
    let analysis = judgement.analysis.as_ref();
    analysis.is_some_and(|analysis| !analysis.orphaned.is_empty())
}

/// An approved document of which the event tells is not live, because the guard wrote over it or
/// did not know of it when it wrote: at rest the newest approved document is live.
pub(crate) fn overwritten(
    guard: &GuardConfig,
    history: &RoleHistory,
    own: &OwnWrite,
    sent: &str,
    written_at: Timestamp,
) -> bool {
    let newest = history.newest().is_some_and(|newest| newest.digest == sent);
    // Which of two approved documents of one second is the newer one nobody can say: what is live
    // of them stays.
    let tied = |kept: &Baseline| {
        kept.digest == own.digest && kept.as_of().as_second() == written_at.as_second()
    };
    let tied = history.approved.iter().any(tied);
    // What was written after the guard's write was not run over by it: somebody else has written
    // since, and happens to say the same.
    let before = own
        .done_at
        .is_none_or(|done| written_at.as_second() <= done.as_second());
    newest
        && !tied
        && before
        && match own.kind {
            WriteKind::Revert | WriteKind::PutBack => true,
            // What was repaired is newer than what was there before the violation, unless the
            // rules would rather have had that.
            WriteKind::Repair | WriteKind::Quarantine => {
                // The sweep's orders tell the time to the millisecond, events to the second.
                written_at.as_second() >= history.first_undone(own).as_second()
                    || guard.rules.remediation().changed_role == ChangedRole::Revert
            }
        }
}

/// The live document may be shown by a stale read: it is what the guard has just replaced, or what
/// the order is about, which stood before that write, too, whatever the guard had read by then; or
/// an approved one has just been saved, or was seen, that is not shown now. Unless the event is
/// newer than either.
pub(crate) fn may_be_stale(task: RoleTask<'_>, history: &RoleHistory, live: &LiveRole) -> bool {
    let digest = document_digest(&live.document);
    let event = task.about.cause.event_time.as_second();
    let just = |at: Timestamp| seconds_between(at, task.now) < STALE_SECONDS;
    let last = history
        .writes
        .iter()
        .rev()
        .find(|write| write.progress != WriteProgress::Refused);
    let sent = task.about.document.as_deref();
    // Where the event did not carry it, it may be any; and so where IAM shows ARNs for the unique
    // ids that were sent.
    let sent = sent
        .filter(|sent| !names_unique_id(sent))
        .map(document_digest);
    let offending = sent.as_ref().is_none_or(|sent| *sent == digest);
    let replaced = last.is_some_and(|last| {
        // Times of events have whole seconds: one of the very second of the write may be newer, and
        // is remediated without delay. One that tells of something else does not say that what was
        // replaced is back.
        let before = event < last.at.as_second();
        let back = offending && event > last.at.as_second();
        just(last.at) && (offending && before || last.replaced == digest && !back)
    });
    let saved = history.newest().map(Baseline::as_of);
    replaced || saved.is_some_and(|at| just(at) && event < at.as_second())
}

/// Whether what was told has happened again.
pub(crate) enum Recurred {
    No,
    /// It was remediated in between.
    Yes,
    /// It was remediated just now: the list may show what was there before.
    InDoubt,
}

/// Whether the document was gone in between: the guard wrote over it, or an approved one was
/// seen, after the moment.
pub(crate) fn recurred(
    history: Option<&RoleHistory>,
    digest: &str,
    since: Timestamp,
    now: Timestamp,
) -> Recurred {
    let Some(history) = history else {
        return Recurred::No;
    };
    let overwritten = history
        .writes
        .iter()
        .filter(|write| write.progress != WriteProgress::Refused && write.digest != digest)
        .map(|write| write.at)
        // Event times have whole seconds, and the guard's write came after the event.
        .filter(|at| *at >= since);
    let approved = history
        .approved
        .iter()
        // What only an event told of may never have been there.
        .filter(|kept| kept.seen_live && kept.digest != digest)
        .map(Baseline::as_of)
        .filter(|at| *at > since);
    match overwritten.chain(approved).max() {
        None => Recurred::No,
        Some(at) if seconds_between(at, now) < STALE_SECONDS => Recurred::InDoubt,
        Some(_) => Recurred::Yes,
    }
}

/// Since when the live document is known as the one that the guard judged last: in the first sweep,
/// as a baseline, or because it wrote it; and it was not gone in between. An event then tells of no
/// change: what it says, whoever copied the live document into it says as well.
pub(crate) fn judged_since(
    history: &RoleHistory,
    swept: Option<&SweptRole>,
    live: &LiveRole,
    now: Timestamp,
) -> Option<Timestamp> {
    let digest = document_digest(&live.document);
    let newest = history.newest();
    let approved = newest.filter(|newest| newest.seen_live && newest.digest == digest);
    let written = history
        .writes
        .iter()
        .rev()
        .find(|write| write.progress != WriteProgress::Refused && of_this_role(write, live))
        .filter(|last| last.progress == WriteProgress::Written && last.digest == digest);
    let written = written.map(|last| last.done_at.unwrap_or(last.at));
    let known = approved.map(Baseline::as_of).max(written);
    let known = known.filter(|since| stood_since(history, &digest, *since, now));
    known.max(existing_since(history, swept, live, now))
}

/// Since when the live document is known as one that violated the rules in the first sweep.
pub(crate) fn existing_since(
    history: &RoleHistory,
    swept: Option<&SweptRole>,
    live: &LiveRole,
    now: Timestamp,
) -> Option<Timestamp> {
    let digest = document_digest(&live.document);
    swept
        .filter(|swept| swept.existing && swept.digest == digest)
        .map(|swept| swept.since)
        .filter(|since| stood_since(history, &digest, *since, now))
}

fn stood_since(history: &RoleHistory, digest: &str, since: Timestamp, now: Timestamp) -> bool {
    matches!(recurred(Some(history), digest, since, now), Recurred::No)
}

/// The event created a role, and IAM still shows the one that had its name before: it is older than
/// the event, by more than clocks differ.
pub(crate) fn shows_the_predecessor(role: &RoleOrder, live: &LiveRole) -> bool {
    let older = |created| seconds_between(created, role.cause.event_time) > 1;
    role.change == RoleChange::Created && role.cause.is_event() && live.created.is_some_and(older)
}

/// The live role's history, and that of an older role of the name if it has to be closed; none
/// where what was read is of a role that is gone.
pub(crate) fn history_of(
    task: RoleTask<'_>,
    live: &LiveRole,
    known: Option<RoleHistory>,
) -> Option<(Option<RoleHistory>, RoleHistory)> {
    let Some(known) = known else {
        return Some((None, RoleHistory::new(&task.guard.account, live)));
    };
    if known.role_id == live.role_id {
        // A late event of an older role of this name says nothing about this one.
        let older = live
            .created
            .is_some_and(|created| created > task.about.cause.event_time);
        if task.about.change == RoleChange::Deleted && !older && task.doubts() {
            // A role that is deleted does not come back under its id: the read is stale.
            return None;
        }
        // Thought to be gone by a stale read, if closed.
        let history = RoleHistory {
            closed: None,
            ..known
        };
        return Some((None, history));
    }
    let older = known
        .created
        .zip(live.created)
        .is_some_and(|(known, live)| live < known);
    if older && task.attempts < TRIES {
        // IAM still shows the role that was deleted before this one was created.
        return None;
    }
    let mut next = RoleHistory::new(&task.guard.account, live);
    // Late events of own writes are recognized, and the hour's writes count, for a role that was
    // deleted and created again under its name, too.
    next.recreated = true;
    next.writes.clone_from(&known.writes);
    next.written.clone_from(&known.written);
    let close = known.closed.is_none().then_some(RoleHistory {
        closed: Some(task.now),
        ..known
    });
    Some((close, next))
}
