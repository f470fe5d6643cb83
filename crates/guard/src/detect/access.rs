//! Judging access keys, console passwords and the root user.

use super::fix::usual_fix;
use crate::check::{Check, Finding};
use crate::cloudtrail::{Activity, ConsolePassword, KeyChange, Record, SignIn};
use crate::rules::Rules;
use jiff::Timestamp;
use policy::glob::matches_ignoring_case;

/// A finding at the severity the rules give its check.
pub(crate) fn finding(rules: &Rules, code: Check, message: String) -> Finding {
    Finding {
        fix: Some(usual_fix(code).to_owned()),
        ..Finding::new(code, rules.severity(code), message)
    }
}

/// Judges an access key that was created, or made active again.
pub fn judge_key(rules: &Rules, key: &KeyChange, activated: bool, now: Timestamp) -> Vec<Finding> {
    let done = if activated {
        "was made active again"
    } else {
        "was created"
    };
    let found = judge_key_holder(rules, key.user.as_deref(), key.root, done);
    not_exempted(rules, key.user.as_deref(), now, found)
}

/// What is left of the findings about a user, once those are taken away that the rules accept.
pub(crate) fn not_exempted(
    rules: &Rules,
    user: Option<&str>,
    now: Timestamp,
    mut findings: Vec<Finding>,
) -> Vec<Finding> {
    if let Some(user) = user {
        findings.retain(|found| !rules.exempts_user(user, found.code, now));
    }
    findings
}

/// Judges that a user, or the root user, has an access key; `done` is what happened to the key, or
/// how it stands.
pub(crate) fn judge_key_holder(
    rules: &Rules,
    user: Option<&str>,
    root: bool,
    done: &str,
) -> Vec<Finding> {
    if root {
        let message = format!("an access key of the root user {done}");
        let fix = "delete it: the root user needs no access key, and nothing can limit one";
        let found = finding(rules, Check::RootAccessKey, message);
        return vec![Finding {
            fix: Some(fix.to_owned()),
            ..found
        }];
    }
    let Some(user) = user else {
        let message = format!("an access key {done}, and the record does not say whose");
        return vec![finding(rules, Check::AccessKeyCreated, message)];
    };
    let allowed = &rules.access_keys().allow_users;
    if allowed
        .iter()
        .any(|pattern| matches_ignoring_case(pattern, user))
    {
        return Vec::new();
    }
    match rules.vendors_of_user(user).into_iter().next() {
        Some(vendor) => {
            let message = format!("an access key of user {user}, which {vendor} holds, {done}");
            let fix = format!("delete it, and give {vendor} access by a role with an external id");
            let found = finding(rules, Check::ThirdPartyAccessKey, message);
            vec![Finding {
                vendor: Some(vendor),
                fix: Some(fix),
                ..found
            }]
        }
        None => {
            let message =
                format!("an access key of user {user}, who is not allowed to have one, {done}");
            let fix = format!("deactivate it, or add {user} to access_keys.allow_users");
            let found = finding(rules, Check::AccessKeyCreated, message);
            vec![Finding {
                fix: Some(fix),
                ..found
            }]
        }
    }
}

/// Judges a console password that was created or replaced.
pub fn judge_console_password(
    rules: &Rules,
    password: &ConsolePassword,
    now: Timestamp,
) -> Vec<Finding> {
    let done = if password.created {
        "was created"
    } else {
        "was replaced"
    };
    let whose = match (password.root, password.user.as_deref()) {
        (true, _) => "the root user".to_owned(),
        (false, Some(user)) => format!("user {user}"),
        (false, None) => "a user whom the record does not name".to_owned(),
    };
    let message = format!("a console password of {whose} {done}");
    let mut found = finding(rules, Check::ConsolePasswordCreated, message);
    if password.root {
        found.severity = found.severity.raised();
    }
    not_exempted(rules, password.user.as_deref(), now, vec![found])
}

/// Judges what the root user did: an activity that [`Record::root_activity`] gave.
pub fn judge_root(rules: &Rules, record: &Record, activity: &Activity) -> Vec<Finding> {
    let address = record.source_ip.as_deref().unwrap_or("an unknown address");
    match activity {
        Activity::RootSignIn(SignIn {
            succeeded: false, ..
        }) => {
            let message = match record.event_name.as_str() {
                "ConsoleLogin" => format!("a sign-in as the root user failed, from {address}"),
                "PasswordRecoveryRequested" => format!(
                    "a new password of the root user was asked for, from {address}: anybody can who \
                     knows its e-mail address, and only its mailbox gets it"
                ),
                refused => {
                    format!("the sign-in service refused the root user {refused}, from {address}")
                }
            };
            vec![finding(rules, Check::RootSignInFailed, message)]
        }
        Activity::RootSignIn(SignIn {
            succeeded: true,
            mfa,
        }) => {
            let message = format!("the root user signed in from {address}");
            let mut found = vec![finding(rules, Check::RootSignIn, message)];
            if *mfa != Some(true) {
                let message = match mfa {
                    Some(_) => "the root user signed in without MFA",
                    None => "the record does not say that the root user used MFA to sign in",
                };
                found.push(finding(rules, Check::RootWithoutMfa, message.to_owned()));
            }
            found
        }
        Activity::RootCall => {
            let service = record.event_source.trim_end_matches(".amazonaws.com");
            let who = record.actor().in_words();
            let message = format!(
                "{who} called {service}:{} from {address}",
                record.event_name
            );
            vec![finding(rules, Check::RootActivity, message)]
        }
        _ => Vec::new(),
    }
}
