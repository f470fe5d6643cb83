//! What is lawful is remembered; what the guard ran over comes back; an order to remediate that
//! finds the role lawful is told from a stale read.

use std::cmp::Ordering;

use jiff::Timestamp;

use crate::detect::{Judgement, Verdict};
use crate::handlers::alert_builder::seconds_between;
use crate::handlers::judged::approved;
use crate::handlers::remediator::conclude::conclude;
use crate::handlers::remediator::finish::{end, finish};
use crate::handlers::remediator::task::{Assignment, STALE_SECONDS};
use crate::handlers::remediator::violation::put_back;
use crate::handlers::{Guard, HandleError};
use crate::model::{LiveRole, document_digest};
use crate::order::{Disposition, RoleChange, RoleOrder};
use crate::ports::{Keys, State, World, WriteRoles};
use crate::remediate::OutcomeKind;
use crate::rules::ChangedRole;
use crate::state::history::{Baseline, OwnWrite, RoleHistory, WriteKind, WriteProgress};

/// A lawful change: what the event carried and what is live are remembered, if they are approved.
pub(super) async fn observe<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Result<Disposition, HandleError> {
    let Assignment {
        guard, role, now, ..
    } = task;
    let live_digest = document_digest(&live.document);
    let by_guard = role.cause.actor.issuer.as_deref() == Some(guard.remediator_role.as_str());
    let sent = role
        .document
        .as_deref()
        // An event older than the role is about another that had its name.
        .filter(|_| !of_another(role, &history, live.created))
        .filter(|sent| approved(guard, live, sent, now))
        .map(|sent| (sent, document_digest(sent)))
        // What the guard wrote itself is no baseline, nor is a quarantine, whoever wrote it.
        .filter(|(_, digest)| !quarantined(digest))
        .filter(|(_, digest)| !by_guard || !history.wrote(digest));
    let before = history.clone();
    let id = task.order_id();
    let earlier = history.writes.iter_mut().rev().find(|write| {
        write.order == id
            && write.progress != WriteProgress::Refused
            && write.digest == live_digest
            && of_this_role(write, live)
    });
    if earlier.as_ref().is_some_and(|write| uncertain(write, now)) {
        return Ok(Disposition::in_seconds(30));
    }
    let done = earlier.map(|write| {
        // An earlier attempt put it back and was stopped before it could say so.
        write.progress = WriteProgress::Written;
        write.done_at.get_or_insert(now);
        write.clone()
    });
    if let Some((document, digest)) = &sent {
        history.remember(Baseline {
            document: (*document).to_owned(),
            digest: digest.clone(),
            actor: role.cause.actor.arn.clone(),
            written_at: Some(role.cause.event_time),
            seen_at: now,
            seen_live: *digest == live_digest,
        });
    }
    let is_sent = sent
        .as_ref()
        .is_some_and(|(_, digest)| *digest == live_digest);
    // What was read may be what stood before the guard's own write, which then ran over it: it is no
    // newer than what the event tells of.
    let stale = stale_for(&history, &live_digest, now);
    if stale.is_none() {
        remember_live(&mut history, live, judgement, is_sent, now);
    }
    if history != before || history.version == 0 {
        history.version = world.state().save_role_history(&history).await?;
    }
    if let Some(own) = done {
        return conclude(world, task, history, &own, live, None).await;
    }
    if let Some(wait) = stale {
        return Ok(Disposition::in_seconds(wait));
    }
    let Some((_, digest)) = sent.filter(|_| !is_sent) else {
        return finish(world, task).await;
    };
    match history.own_write_of(&live.document) {
        Some(own) if run_over(guard, &history, own, &digest, role.cause.event_time) => {
            if task.attempts < 2 {
                // The read may be stale: perhaps the approved document is live already.
                return Ok(Disposition::after_attempt(task.attempts));
            }
            put_back(world, task, history, live, &digest).await
        }
        _ => finish(world, task).await,
    }
}

/// The event is about a role that had this one's name before. Times of events have whole seconds,
/// and it names no RoleId: a change within the very second in which the role was created again may
/// have been made to either, and is not believed to be this one's. If it is, it stands there.
fn of_another(role: &RoleOrder, history: &RoleHistory, created: Option<Timestamp>) -> bool {
    let (event, change) = (role.cause.event_time.as_second(), role.change);
    created.is_some_and(|created| match event.cmp(&created.as_second()) {
        Ordering::Less => true,
        Ordering::Equal => history.recreated && change != RoleChange::Created,
        Ordering::Greater => false,
    })
}

/// For how many seconds yet a read that does not show the guard's newest write may be stale.
fn stale_for(history: &RoleHistory, live: &str, now: Timestamp) -> Option<u64> {
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
fn uncertain(write: &OwnWrite, now: Timestamp) -> bool {
    write.progress == WriteProgress::Intended && seconds_between(write.at, now) < STALE_SECONDS
}

/// A history begins with what was written to an older role of the same name: that is no reason to
/// tell anything of this one, let alone to end its sessions.
fn of_this_role(write: &OwnWrite, live: &LiveRole) -> bool {
    match &write.role_id {
        Some(role_id) => *role_id == live.role_id,
        // As well as it can be told: creation dates have whole seconds.
        None => live
            .created
            .is_none_or(|created| write.at.as_second() >= created.as_second()),
    }
}

fn quarantined(digest: &str) -> bool {
    digest == document_digest(crate::remediate::QUARANTINE)
}

/// A live approved document of which no event told is remembered as of now, unless it is the
/// guard's own.
fn remember_live(
    history: &mut RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
    told_by_event: bool,
    now: Timestamp,
) {
    let digest = document_digest(&live.document);
    let known = history.approved.iter().any(|kept| kept.digest == digest);
    if judgement.verdict == Verdict::Approved
        && !told_by_event
        && !known
        && !history.wrote(&digest)
        && !quarantined(&digest)
        && !shows_the_dead(judgement)
    {
        history.remember(Baseline {
            document: live.document.clone(),
            digest,
            actor: None,
            written_at: None,
            seen_at: now,
            seen_live: true,
        });
    }
}

/// Baselines are kept as they were sent: IAM would not take back what it shows of the dead.
fn shows_the_dead(judgement: &Judgement) -> bool {
    let analysis = judgement.analysis.as_ref();
    analysis.is_some_and(|analysis| !analysis.orphaned.is_empty())
}

/// An approved document of which the event tells is not live, because the guard wrote over it or
/// did not know of it when it wrote: at rest the newest approved document is live.
fn run_over(
    guard: &Guard,
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

/// An order to remediate finds the role lawful.
pub(super) async fn settled<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: Assignment<'_>,
    mut history: RoleHistory,
    live: &LiveRole,
    judgement: &Judgement,
) -> Result<Disposition, HandleError> {
    let digest = document_digest(&live.document);
    let id = task.order_id();
    let own = history.writes.iter_mut().rev().find(|write| {
        // One that came to nothing says nothing, whatever a stale read shows.
        write.order == id && write.progress != WriteProgress::Refused && of_this_role(write, live)
    });
    match own {
        Some(own) if own.digest == digest && uncertain(own, task.now) => {
            return Ok(Disposition::in_seconds(30));
        }
        Some(own) if own.digest == digest => {
            // An earlier attempt wrote it and was stopped before it could say so.
            own.progress = WriteProgress::Written;
            own.done_at.get_or_insert(task.now);
            let own = own.clone();
            history.version = world.state().save_role_history(&history).await?;
            return conclude(world, task, history, &own, live, None).await;
        }
        Some(own) if own.progress == WriteProgress::Written => {
            let own = own.clone();
            let note = "the role has been changed since, and is compliant";
            return conclude(world, task, history, &own, live, Some(note)).await;
        }
        _ => {}
    }
    if task.doubts() {
        return Ok(Disposition::after_attempt(task.attempts));
    }
    let before = history.clone();
    if stale_for(&history, &digest, task.now).is_none() {
        remember_live(&mut history, live, judgement, false, task.now);
    }
    if history != before {
        world.state().save_role_history(&history).await?;
    }
    let text = if history.wrote(&digest) {
        "nothing more: an earlier write of the guard remediated the role, as reads over 90 \
         seconds confirmed"
    } else {
        "nothing: the role was changed again and is compliant now, as reads over 90 seconds \
         confirmed"
    };
    let live = Some((live, judgement));
    end(
        world,
        task,
        live,
        OutcomeKind::Superseded,
        text.to_owned(),
        false,
    )
    .await
}
