//! Judging credentials of users besides access keys and passwords, MFA devices that are taken away,
//! and how long the sessions of a role may last.

use jiff::Timestamp;

use super::access::{finding, not_exempted};
use crate::check::{Check, Finding, Severity};
use crate::cloudtrail::{Credential, CredentialChange, Done, SessionLength};
use crate::rules::Rules;

/// So long a session lasts where nobody asked for more, in seconds.
const USUAL_SESSION: u64 = 60 * 60;

/// So long a session could last at most before a sign-in could be refreshed, in seconds.
const LONGEST_SESSION: u64 = 12 * 60 * 60;

/// Judges a credential that was opened, or an MFA device that was taken away.
pub fn judge_credential(rules: &Rules, change: &CredentialChange, now: Timestamp) -> Vec<Finding> {
    let user = change.user.as_deref();
    let vendor = user.and_then(|user| rules.vendors_of_user(user).into_iter().next());
    let whose = match (change.root, user, &vendor) {
        (true, ..) => "of the root user".to_owned(),
        (false, Some(user), Some(vendor)) => format!("of user {user}, which {vendor} holds,"),
        (false, Some(user), None) => format!("of user {user}"),
        (false, None, _) => "of a user whom the record does not name".to_owned(),
    };
    let done = match change.done {
        Done::Created => "was created",
        Done::Reset => "was replaced",
        Done::Updated => "was switched on",
        Done::Deactivated => "was taken from its user",
        Done::Deleted => "was deleted",
    };
    let service = change.service.as_deref().unwrap_or("one service");
    let what = match change.credential {
        Credential::ServiceSpecific => format!("a credential {whose} for {service} {done}"),
        Credential::SigningCertificate => format!("a signing certificate {whose} {done}"),
        Credential::SshKey => format!("an SSH public key {whose} {done}"),
        Credential::Mfa => format!("an MFA device {whose} {done}"),
    };
    let end = match (change.credential, change.done, change.days) {
        (Credential::Mfa, ..) => String::new(),
        (_, _, Some(days)) => format!("; it ends after {days} days"),
        (_, Done::Created, None) => "; it never expires".to_owned(),
        _ => String::new(),
    };
    let code = match change.credential {
        Credential::Mfa => Check::MfaRemoved,
        _ => Check::CredentialCreated,
    };
    let mut found = Finding {
        vendor,
        ..finding(rules, code, what + &end)
    };
    if change.root {
        found.severity = found.severity.raised();
    } else if change.done == Done::Deleted {
        // IAM deletes only a device that was taken from its user before, which was reported.
        found.severity = found.severity.min(Severity::Low);
    }
    not_exempted(rules, user, now, vec![found])
}

/// Judges how long the sessions of a role may last now.
pub fn judge_session_length(rules: &Rules, set: &SessionLength, now: Timestamp) -> Vec<Finding> {
    let role = &set.role;
    let long = |seconds: Option<u64>, usual| seconds.filter(|seconds| *seconds > usual);
    let session = long(set.session_seconds, USUAL_SESSION)
        .map(|seconds| format!("sessions of role {role} may last {}", in_hours(seconds)));
    let sign_in = long(set.sign_in_seconds, LONGEST_SESSION).map(|seconds| {
        format!(
            "a sign-in as role {role} may be refreshed for {}",
            in_hours(seconds)
        )
    });
    let messages: Vec<String> = session.into_iter().chain(sign_in).collect();
    if messages.is_empty() || rules.exempts_role(role, Check::SessionLengthened, now) {
        return Vec::new();
    }
    vec![finding(
        rules,
        Check::SessionLengthened,
        messages.join("; "),
    )]
}

fn in_hours(seconds: u64) -> String {
    match (seconds / 3600, seconds % 3600) {
        (hours, 0) if hours % 24 == 0 && hours > 24 => format!("{} days", hours / 24),
        (1, 0) => "1 hour".to_owned(),
        (hours, 0) => format!("{hours} hours"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
