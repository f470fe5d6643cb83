//! Writing a trust policy: the old one is kept, the intent recorded, the live one compared, the new
//! one written, read back and recorded. Each step finds out by itself whether it was done before.

use crate::handlers::HandleError;
use crate::model::{LiveRole, document_digest};
use crate::order::RoleChange;
use crate::ports::{Clock, Keys, Roles, World, WriteRoles, WriteTrustPolicyError};
use crate::remediate::judged::complies;
use crate::remediate::proof::proved;
use crate::remediate::task::{RoleTask, TRIES};
use crate::remediate::{
    Ending, OutcomeKind, PlanKind, Situation, Write, fall_back, without_principal,
};
use crate::state::history::{KeptDocument, OwnWrite, RoleHistory, WriteKind, WriteProgress};
use crate::state::incident::Schema;

/// How many documents are tried within one order: IAM names one dead principal at a time.
const DOCUMENTS: usize = 8;

/// What came of it.
pub(super) enum Written {
    /// Nothing is certain yet: the order comes again after so many seconds.
    Again(u64),
    /// Nothing was written, for good.
    Not(Ending),
    /// It is written and was read back.
    Stands(Box<OwnWrite>, Box<LiveRole>),
}

enum Answer {
    /// Written, or given up: the order's fate is settled for now.
    Settled(Box<Written>),
    /// A principal of it is dead: the document without it, and the principal.
    Without(String, String),
    /// IAM will not take it, for this reason.
    NotTaken(String),
}

/// Writes a document, or the next best one if IAM does not take it.
pub(super) async fn write<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
    live: &LiveRole,
    history: &mut RoleHistory,
    mut wanted: Write,
) -> Result<Written, HandleError> {
    let mut dropped: Vec<String> = Vec::new();
    let tolerating = wanted.tolerating;
    let lawful = |document: &str| complies(task.guard, live, document, tolerating, task.now);
    let kept = KeptDocument {
        schema: Schema,
        account: task.guard.account.clone(),
        role_id: live.role_id.clone(),
        role: live.name.clone(),
        incident: task.incident(),
        document: live.document.clone(),
        digest: document_digest(&live.document),
        kind: wanted.kind,
        at: world.clock().now(),
    };
    world.state().keep_document(&kept).await?;
    for _ in 0..DOCUMENTS {
        let why = if proved(task, live, &wanted) {
            match try_out(world, task, live, history, &wanted, &dropped).await? {
                Answer::Settled(written) => return Ok(*written),
                Answer::Without(document, principal) => {
                    wanted.document = document;
                    dropped.push(principal);
                    continue;
                }
                Answer::NotTaken(why) => why,
            }
        } else {
            "it could not be proved that what was to be written grants no more than it may"
                .to_owned()
        };
        let situation = Situation {
            live: &live.document,
            critical: true,
            tolerating: false,
            created: task.role.change == RoleChange::Created,
            history,
            remediation: task.guard.rules.remediation(),
            writes_used: 0,
        };
        let next = match wanted.kind {
            // The live document is lawful: there is nothing worse to fall back from.
            WriteKind::PutBack => None,
            kind => fall_back(PlanKind::from(kind), &why, &situation, lawful),
        };
        match next {
            Some(next) => wanted = Write::planned(next, tolerating),
            None => return Ok(given_up(&wanted, OutcomeKind::Failed, &why)),
        }
        dropped.clear();
    }
    let why = format!("IAM refused {DOCUMENTS} documents");
    Ok(given_up(&wanted, OutcomeKind::Failed, &why))
}

fn given_up(wanted: &Write, kind: OutcomeKind, why: &str) -> Written {
    let text = format!("nothing: {why}; manual action required");
    Written::Not(Ending {
        shows_live: wanted.exposed,
        ..Ending::live(kind, text, wanted.exposed)
    })
}

async fn try_out<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
    live: &LiveRole,
    history: &mut RoleHistory,
    wanted: &Write,
    dropped: &[String],
) -> Result<Answer, HandleError> {
    let replaced = document_digest(&live.document);
    let settled = |written| Ok(Answer::Settled(Box::new(written)));
    let again = || settled(Written::Again(task.pause()));
    let give_up = |kind, why: &str| settled(given_up(wanted, kind, why));
    let intent = OwnWrite {
        order: task.order_id(),
        role_id: Some(live.role_id.clone()),
        incident: Some(task.incident()),
        kind: wanted.kind,
        digest: document_digest(&wanted.document),
        replaced: replaced.clone(),
        at: world.clock().now(),
        done_at: None,
        undoes: task.role.cause.event_time,
        progress: WriteProgress::Intended,
        details: wanted.details.clone(),
        dropped: dropped.to_vec(),
        fallback: wanted.fallback.clone(),
    };
    history.record_write(intent, &wanted.document);
    history.version = world.state().save_role_history(history).await?;
    let unchanged = world.roles().read_role(&live.name).await.is_ok_and(|now| {
        now.is_some_and(|now| {
            now.role_id == live.role_id && document_digest(&now.document) == replaced
        })
    });
    if !unchanged {
        // Somebody changed it meanwhile: it is decided anew, from what is live then.
        not_written(world, history).await?;
        return settled(Written::Again(5));
    }
    let written = world
        .roles()
        .write_trust_policy(&live.name, &wanted.document)
        .await;
    let Err(error) = written else {
        return read_back(world, task, history, live)
            .await
            .and_then(settled);
    };
    if let WriteTrustPolicyError::Other { .. } = error {
        // It may have happened: what is live will tell.
        if task.attempts < TRIES {
            return again();
        }
        let why = format!("it is not certain what happened: {error}");
        return give_up(OutcomeKind::Failed, &why);
    }
    not_written(world, history).await?;
    match &error {
        WriteTrustPolicyError::RefusedPrincipal { principal, .. } => {
            let lawful =
                |document: &str| complies(task.guard, live, document, wanted.tolerating, task.now);
            match without_principal(&wanted.document, principal, lawful) {
                Some((document, written)) => Ok(Answer::Without(document, written)),
                None => Ok(Answer::NotTaken(format!(
                    "{error}, and nothing is left without it"
                ))),
            }
        }
        WriteTrustPolicyError::TooLong { .. } | WriteTrustPolicyError::Malformed { .. } => {
            Ok(Answer::NotTaken(error.to_string()))
        }
        WriteTrustPolicyError::AccessDenied { .. } => {
            let why = format!(
                "{error}. An SCP, a permissions boundary or a missing permission forbids it, \
                 and it is not tried again"
            );
            give_up(OutcomeKind::Refused, &why)
        }
        WriteTrustPolicyError::Throttled { .. } if task.attempts >= TRIES => {
            give_up(OutcomeKind::Failed, &format!("{error}, again and again"))
        }
        WriteTrustPolicyError::Throttled { .. }
        | WriteTrustPolicyError::NoSuchRole { .. }
        | WriteTrustPolicyError::Other { .. } => again(),
    }
}

/// The last intent came to nothing: it does not count.
async fn not_written<W: World>(world: &W, history: &mut RoleHistory) -> Result<(), HandleError> {
    if let Some(last) = history.writes.last_mut() {
        last.progress = WriteProgress::Refused;
    }
    history.version = world.state().save_role_history(history).await?;
    Ok(())
}

/// IAM took it: that is recorded, and read back.
async fn read_back<W: World<Roles: WriteRoles + Keys>>(
    world: &W,
    task: RoleTask<'_>,
    history: &mut RoleHistory,
    live: &LiveRole,
) -> Result<Written, HandleError> {
    let again = Written::Again(task.pause());
    let Some(last) = history.writes.last_mut() else {
        return Ok(again);
    };
    last.progress = WriteProgress::Written;
    last.done_at = Some(world.clock().now());
    let own = last.clone();
    history.version = world.state().save_role_history(history).await?;
    Ok(match world.roles().read_role(&live.name).await {
        Ok(Some(now)) if document_digest(&now.document) == own.digest => {
            Written::Stands(Box::new(own), Box::new(now))
        }
        // Stale, or changed again: the next look tells.
        _ => again,
    })
}
