//! What follows when IAM does not take a write, whatever was to be written.

use crate::ports::{IamError, IamErrorKind};
use crate::remediate::outcome::OutcomeKind;
use crate::remediate::step::Ending;
use crate::remediate::task::TRIES;

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

/// What follows from IAM's answer to an attempt.
pub fn refusal(error: &IamError, attempts: u32) -> Refusal {
    let failed = |why| Refusal::GivenUp(OutcomeKind::Failed, why);
    match &error.kind {
        IamErrorKind::RefusedPrincipal(principal) => Refusal::Dead(principal.clone()),
        IamErrorKind::LimitExceeded | IamErrorKind::Malformed => {
            Refusal::NotTaken(error.to_string())
        }
        IamErrorKind::AccessDenied => Refusal::GivenUp(
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
