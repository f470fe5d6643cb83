//! What follows when IAM does not take a write, whatever was to be written.

use crate::model::{LiveRole, document_digest};
use crate::order::RoleChange;
use crate::ports::{IamError, IamErrorKind};
use crate::remediate::judged::AsRole;
use crate::remediate::outcome::{OutcomeKind, PlanKind};
use crate::remediate::plan::{Judging, Situation, fall_back};
use crate::remediate::repair::without_principal;
use crate::remediate::step::{Action, Ending, Write};
use crate::remediate::task::{RoleTask, TRIES};
use crate::state::history::{OwnWrite, RoleHistory, WriteKind};

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The order comes again.
    Again,
    /// Nothing else may be tried: the outcome, and why.
    GivenUp(OutcomeKind, String),
    /// IAM will not take this document, for this reason; another one may do.
    NotTaken(String),
    /// A principal of the document is dead.
    Dead(String),
}

/// A permission that a deploy gives is in force everywhere after some seconds: the second try comes
/// half a minute after the first, the third a minute later.
const STARTING_TRIES: u32 = 3;

/// What follows from IAM's answer to an attempt.
pub fn refusal(error: &IamError, attempts: u32) -> Refusal {
    let failed = |why| Refusal::GivenUp(OutcomeKind::Failed, why);
    match &error.kind {
        IamErrorKind::RefusedPrincipal(principal) => Refusal::Dead(principal.clone()),
        IamErrorKind::LimitExceeded | IamErrorKind::Malformed => {
            Refusal::NotTaken(error.to_string())
        }
        IamErrorKind::DeniedAtStart if attempts < STARTING_TRIES => Refusal::Again,
        IamErrorKind::AccessDenied | IamErrorKind::DeniedAtStart => Refusal::GivenUp(
            OutcomeKind::Refused,
            format!(
                "{error}. An SCP, a permissions boundary or a missing permission forbids it, and \
                 it is not tried again"
            ),
        ),
        IamErrorKind::Throttled if attempts >= TRIES => failed(format!("{error}, again and again")),
        IamErrorKind::Other | IamErrorKind::InvalidMarker if attempts >= TRIES => {
            failed(format!("it is not certain what happened: {error}"))
        }
        IamErrorKind::Throttled
        | IamErrorKind::NoSuchEntity
        | IamErrorKind::InvalidMarker
        | IamErrorKind::Other => Refusal::Again,
    }
}

/// The ending of a write in whose place nothing else can be written; `None`: the order comes again.
pub(crate) fn given_up(error: &IamError, attempts: u32) -> Option<Ending> {
    let (kind, why) = match refusal(error, attempts) {
        Refusal::Again => return None,
        Refusal::GivenUp(kind, why) => (kind, why),
        Refusal::NotTaken(_) | Refusal::Dead(_) => (OutcomeKind::Failed, error.to_string()),
    };
    let text = format!("nothing: {why}; manual action required");
    Some(Ending::live(kind, text, true))
}

/// What follows where a trust policy was not written: another one is, the order comes again, or it
/// is over. `error`: IAM's; none where it could not be proved that the document may be written.
pub(crate) fn instead(
    task: RoleTask<'_>,
    live: &LiveRole,
    history: &RoleHistory,
    mut refused: Write,
    error: Option<&IamError>,
) -> Action<Write, OwnWrite> {
    let tolerating = refused.tolerating;
    let judging = AsRole::live(task, live, tolerating);
    let why = match error.map(|error| (error, refusal(error, task.attempts))) {
        None => "it could not be proved that what was to be written grants no more than it may"
            .to_owned(),
        Some((_, Refusal::Again)) => return Action::Wait(task.pause()),
        Some((_, Refusal::GivenUp(..))) if skip!("give-up") => return Action::Wait(task.pause()),
        Some((_, Refusal::GivenUp(kind, why))) => return not_written(&refused, kind, &why),
        Some((_, Refusal::NotTaken(why))) => why,
        Some((error, Refusal::Dead(named))) => {
            let complies = |document: &str| judging.complies(document);
            match without_principal(&refused.document, &named, complies) {
                // As much of it as IAM takes is live already.
                Some((document, _))
                    if refused.kind == WriteKind::PutBack
                        && document_digest(&document) == document_digest(&live.document) =>
                {
                    return Action::Finish(None);
                }
                Some((document, principal)) => {
                    refused.document = document;
                    refused.dropped.push(principal);
                    return Action::Write(refused);
                }
                None => format!("{error}, and nothing is left without it"),
            }
        }
    };
    let situation = Situation {
        live: &live.document,
        critical: true,
        tolerating,
        created: task.about.change == RoleChange::Created,
        changed: task.about.cause.is_event(),
        history,
        remediation: task.guard.rules.remediation(),
        writes_used: 0,
    };
    let next = match refused.kind {
        // The live document complies: there is nothing worse to fall back from.
        WriteKind::PutBack => None,
        kind => fall_back(PlanKind::from(kind), &why, &situation, &judging),
    };
    match next {
        Some(next) => Action::Write(Write::planned(next, tolerating)),
        None => not_written(&refused, OutcomeKind::Failed, &why),
    }
}

/// Nothing was written, for good.
pub(crate) fn not_written(wanted: &Write, kind: OutcomeKind, why: &str) -> Action<Write, OwnWrite> {
    let text = format!("nothing: {why}; manual action required");
    Action::Finish(Some(Ending {
        shows_live: wanted.exposed,
        ..Ending::live(kind, text, wanted.exposed)
    }))
}
