//! Whether an access key is deactivated. Pure.

use jiff::Timestamp;

use crate::check::Remedy;
use crate::cloudtrail::KeyChange;
use crate::detect::judge_key;
use crate::model::seconds_between;
use crate::order::KeyOrder;
use crate::ports::{IamError, IamErrorKind};
use crate::remediate::outcome::OutcomeKind;
use crate::remediate::refusal::given_up;
use crate::remediate::step::Ending;
use crate::remediate::task::Assignment;
use crate::rules::{KeyViolation, Mode};

/// How often a key that is not there may be one that cannot be seen yet.
const LOOKS: u32 = 3;
/// By how much a new key may be older than its event: times of events have whole seconds.
const OLDER_SECONDS: i64 = 60;
/// Before the first sweep a key counts as new for so long.
const NEW_SECONDS: i64 = 60 * 60;

/// `None`: today's rules ask for the key to be deactivated; else why nothing is done.
pub fn left_active(task: Assignment<'_, KeyOrder>) -> Option<Ending> {
    let Assignment {
        guard,
        about: key,
        now,
        ..
    } = task;
    let change = KeyChange {
        user: Some(key.user.clone()),
        root: false,
        key_id: Some(key.key_id.clone()),
    };
    let mut violations = judge_key(&guard.rules, &change, false, now);
    violations.retain(|finding| finding.code.remedy() == Remedy::AccessKey);
    if violations.is_empty() {
        let text = "nothing: the rules allow this user a key now";
        return Some(Ending::of(OutcomeKind::Superseded, text, false));
    }
    if guard.rules.access_keys().on_violation != KeyViolation::Deactivate {
        let text =
            "nothing: the rules require manual action for access keys (access_keys.on_violation)";
        return Some(Ending::of(OutcomeKind::LeftAlone, text, true));
    }
    let enforced = violations
        .iter()
        .any(|finding| guard.mode.min(guard.rules.mode_for(finding)) == Mode::Enforce);
    if !enforced {
        let text = format!(
            "nothing, in mode alert: {} would have been deactivated",
            key.key_id
        );
        return Some(Ending::of(OutcomeKind::WouldDeactivate, text, true));
    }
    None
}

/// An event proves nothing by itself: a key is deactivated only if it was created after the guard's
/// first sweep, and not before the event that tells of its creation. Else why nothing is done.
pub fn too_old(
    task: Assignment<'_, KeyOrder>,
    created: Timestamp,
    first_sweep: Option<Timestamp>,
) -> Option<Ending> {
    let cause = &task.about.cause;
    let reported = cause.event_name == "CreateAccessKey"
        && seconds_between(created, cause.event_time) > OLDER_SECONDS;
    let known = match first_sweep {
        Some(first) => created < first,
        None => seconds_between(created, task.now) > NEW_SECONDS,
    };
    let why = match (reported, known) {
        (false, false) => return None,
        (true, _) => "before the event that reports it",
        (false, true) => "before the guard first looked at the account",
    };
    let text = format!(
        "nothing: the key was created at {created}, {why}, so the event alone is no reason; manual \
         action required"
    );
    Some(Ending::of(OutcomeKind::LeftAlone, text, true))
}

/// What follows when the key is not there; `None`: the order comes again, for a new key may not be
/// there to see yet.
pub(crate) fn missing(attempts: u32) -> Option<Ending> {
    let text = "nothing: the key or its user is gone";
    (attempts >= LOOKS).then(|| Ending::of(OutcomeKind::Gone, text, false))
}

/// What follows when IAM does not deactivate it; `None`: the order comes again.
pub(crate) fn not_deactivated(error: &IamError, attempts: u32) -> Option<Ending> {
    match error.kind {
        IamErrorKind::NoSuchEntity => missing(attempts),
        _ => given_up(error, attempts),
    }
}
