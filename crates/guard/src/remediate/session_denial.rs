//! The inline policy by which the remediator denies a role's older sessions: its name, what it
//! says, and how it is known again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::model::{LiveRole, document_digest};
use crate::order::{LiftOrder, RoleChange};
use crate::remediate::judged::judge_without_witnesses;
use crate::remediate::task::{Assignment, RoleTask};
use crate::rules::{Mode, RevokeSessions};
use crate::state::history::{OwnWrite, RoleHistory, WriteKind};

/// Its name. Not the console's (`AWSRevokeOlderSessions`): what a person put there is not ours to
/// move or take away.
pub const SESSION_DENIAL: &str = "TrustwardenDenyOlderSessions";

/// Denies everything to credentials issued before the moment. Credentials without an issue time
/// (a user's own keys) are not a role's sessions, so the plain operator is right.
pub fn session_denial(before: Timestamp) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": SESSION_DENIAL,
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": before.to_string() } }
        }]
    })
    .to_string()
}

/// The moment in such a policy; `None` for what has none.
pub fn denied_before(document: &str) -> Option<Timestamp> {
    let document: Value = serde_json::from_str(document).ok()?;
    document
        .get("Statement")?
        .get(0)?
        .get("Condition")?
        .get("DateLessThan")?
        .get("aws:TokenIssueTime")?
        .as_str()?
        .parse()
        .ok()
}

/// It says what the guard's own says, about some moment, and nothing else.
pub(crate) fn is_session_denial(document: &str) -> bool {
    denied_before(document)
        .is_some_and(|before| document_digest(document) == document_digest(&session_denial(before)))
}

/// A role's sessions last twelve hours at most (its `MaxSessionDuration`); five minutes more for
/// clocks that differ.
const SESSIONS_LAST: SignedDuration = SignedDuration::from_secs(12 * 3_600 + 300);

/// No session that was issued before the moment can be alive now.
pub(crate) fn expired(denied_before: Timestamp, now: Timestamp) -> bool {
    now.duration_since(denied_before) >= SESSIONS_LAST
}

/// Whether an own write is followed by a denial of older sessions; `old` is the document that it
/// replaced. Never on a role that services use: a service does not come back for a new session.
pub(crate) fn sessions_are_to_end(
    task: RoleTask<'_>,
    own: &OwnWrite,
    live: &LiveRole,
    old: Option<&str>,
) -> bool {
    let RoleTask {
        guard,
        about: role,
        now,
        ..
    } = task;
    let asked = match guard.rules.remediation().revoke_sessions {
        RevokeSessions::Never => false,
        RevokeSessions::OnNewRole => role.change == RoleChange::Created,
        RevokeSessions::Always => true,
    };
    let used_by_services = |document: &str| {
        judge_without_witnesses(guard, live, document, now)
            .analysis
            .is_none_or(|analysis| !analysis.services.is_empty())
    };
    asked
        && guard.revoke_sessions
        && own.kind != WriteKind::PutBack
        && !used_by_services(&live.document)
        && !old.is_some_and(used_by_services)
}

/// Whether the denial that an order names goes: it was not renewed since, and those sessions have
/// expired.
pub fn lift_is_due(task: Assignment<'_, LiftOrder>, history: Option<&RoleHistory>) -> bool {
    let renewed = history
        .and_then(|history| history.sessions_denied_at)
        .is_some_and(|at| !expired(at, task.now));
    !renewed && expired(task.about.denied_before, task.now) && task.guard.ceiling() == Mode::Enforce
}
