//! Passwords and access keys as they stand, as opposed to those that an event tells of.

use jiff::Timestamp;

use super::AccountFinding;
use crate::check::{Check, Finding};
use crate::detect::{finding, judge_key_holder, not_exempted};
use crate::rules::Rules;

/// What nobody has used for so many days is unused.
pub const DAYS_UNUSED: i64 = 90;

/// So many days a new key may wait for its first use.
const DAYS_UNTRIED: i64 = 7;

/// What a report says where the answer is yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Yes,
    /// No.
    No,
    /// The report does not say: `N/A`, `not_supported`.
    Unknown,
}

/// An access key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Which of the user's two, from 1.
    pub number: usize,
    /// It works.
    pub active: bool,
    /// When it was created, or last changed.
    pub rotated: Option<Timestamp>,
    /// When it was last used; `None`: never, as far as IAM knows.
    pub last_used: Option<Timestamp>,
}

/// What one user can sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// 12 digits; empty where not known.
    pub account: String,
    /// The user's name; `None` for the root user.
    pub user: Option<String>,
    /// There is a console password.
    pub password: Answer,
    /// When it was last used; `None`: never, as far as IAM knows.
    pub password_used: Option<Timestamp>,
    /// When it was set.
    pub password_set: Option<Timestamp>,
    /// There is an MFA device.
    pub mfa: Answer,
    /// Its access keys, active or not.
    pub keys: Vec<Key>,
    /// It has more than two keys: of the others the report says how many there are, and nothing else.
    pub more_keys: Option<String>,
}

impl Credentials {
    /// `user/NAME` or `root`.
    pub fn subject(&self) -> String {
        match &self.user {
            Some(user) => format!("user/{user}"),
            None => "root".to_owned(),
        }
    }
}

impl Credentials {
    /// What is wrong with a user's password that nobody uses.
    fn unused_password(&self, now: Timestamp) -> Option<String> {
        let user = self
            .user
            .as_ref()
            .filter(|_| self.password == Answer::Yes)?;
        let since = self.password_used.max(self.password_set)?;
        let idle = days_between(since, now);
        (idle >= DAYS_UNUSED).then(|| match self.password_used {
            Some(_) => format!("user {user} has not signed in for {idle} days"),
            None => format!("user {user} has had a password for {idle} days, and never used it"),
        })
    }
}

impl Key {
    /// What is wrong with an active key, of which the rules allow so many days: the check, a sentence,
    /// the fix.
    fn wrong(&self, limit: i64, now: Timestamp) -> Vec<(Check, String, &'static str)> {
        let number = self.number;
        let mut wrong = Vec::new();
        let age = self.rotated.map(|rotated| days_between(rotated, now));
        if let Some(age) = age.filter(|age| *age > limit) {
            wrong.push((
                Check::AccessKeyTooOld,
                format!("access key {number} is {age} days old, and the rules allow {limit}"),
                "replace it by a role, or make a new key, move to it, and delete this one",
            ));
        }
        let unused = match self.last_used.map(|used| days_between(used, now)) {
            Some(idle) if idle >= DAYS_UNUSED => Some(format!(
                "access key {number} has not been used for {idle} days"
            )),
            Some(_) => None,
            None if age.is_some_and(|age| age < DAYS_UNTRIED) => None,
            None => Some(match age {
                Some(age) => format!("access key {number} is {age} days old and was never used"),
                None => format!("access key {number} was never used"),
            }),
        };
        if let Some(message) = unused {
            let fix = "deactivate it, wait two weeks, then delete it";
            wrong.push((Check::AccessKeyUnused, message, fix));
        }
        wrong
    }
}

/// Judges what a user can sign in with.
pub fn judge_credentials(
    rules: &Rules,
    credentials: &Credentials,
    now: Timestamp,
) -> Vec<AccountFinding> {
    let mut findings = Vec::new();
    let mut active: Vec<&Key> = credentials.keys.iter().filter(|key| key.active).collect();
    let held = match (active.is_empty(), &credentials.more_keys) {
        (false, _) => Some("is active"),
        (true, Some(_)) => Some("is there, and may be active"),
        (true, None) => None,
    };
    if let Some(is) = held {
        let of = (credentials.user.as_deref(), credentials.user.is_none());
        findings.extend(judge_key_holder(rules, of.0, of.1, is));
    }
    let mut found = |check, message: String, fix: &str| {
        findings.push(Finding {
            fix: Some(fix.to_owned()),
            ..finding(rules, check, message)
        });
    };
    match (&credentials.user, credentials.mfa) {
        // Where it has neither a password nor a key, nobody can sign in as root.
        (None, Answer::No) if credentials.password == Answer::No && held.is_none() => {}
        (None, Answer::No) => found(
            Check::RootMfaMissing,
            "the root user has no MFA device".to_owned(),
            "register two hardware or passkey devices for it, or have the organization delete its \
             password",
        ),
        (Some(user), Answer::No) if credentials.password == Answer::Yes => found(
            Check::UserWithoutMfa,
            format!("user {user} signs in to the console with a password alone"),
            "have the user register an MFA device, or delete the password; better: give people \
             access by IAM Identity Center",
        ),
        _ => {}
    }
    if let Some(unused) = credentials.unused_password(now) {
        found(
            Check::PasswordUnused,
            unused,
            "delete the login profile; better: give people access by IAM Identity Center",
        );
    }
    if let Some(more) = &credentials.more_keys {
        found(
            Check::TwoActiveKeys,
            format!("there are more access keys than the report describes: {more}"),
            "list them with aws iam list-access-keys, and delete those that nothing uses",
        );
    }
    // A key of the root user is deleted, whatever its age.
    if credentials.user.is_none() {
        active.clear();
    }
    let limit = i64::from(rules.access_keys().max_age_days);
    for (check, message, fix) in active.iter().flat_map(|key| key.wrong(limit, now)) {
        found(check, message, fix);
    }
    if active.len() > 1 {
        found(
            Check::TwoActiveKeys,
            "two access keys are active at the same time".to_owned(),
            "finish the change from one to the other: delete the one that was used longer ago",
        );
    }
    let findings = not_exempted(rules, credentials.user.as_deref(), now, findings);
    let account = Some(credentials.account.clone()).filter(|account| !account.is_empty());
    let subject = credentials.subject();
    findings
        .into_iter()
        .map(|finding| AccountFinding {
            account: account.clone(),
            subject: subject.clone(),
            finding,
        })
        .collect()
}

/// A user who has policies of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyHolder {
    /// 12 digits; empty where not known.
    pub account: String,
    /// The user's name.
    pub user: String,
    /// Names of their inline and their attached policies.
    pub policies: Vec<String>,
}

/// `policy-on-user` for a user with policies of their own.
pub fn judge_policy_holder(
    rules: &Rules,
    holder: &PolicyHolder,
    now: Timestamp,
) -> Option<AccountFinding> {
    if rules.exempts_user(&holder.user, Check::PolicyOnUser, now) {
        return None;
    }
    let named = match holder.policies.as_slice() {
        [] => return None,
        [one] => format!("policy {one} is"),
        [one, rest @ ..] => format!("policy {one} and {} more are", rest.len()),
    };
    let message = format!("{named} attached to user {}, not to a group", holder.user);
    let fix = "attach it to a group that the user is in; better: to a role that the user assumes";
    Some(AccountFinding {
        account: Some(holder.account.clone()).filter(|account| !account.is_empty()),
        subject: format!("user/{}", holder.user),
        finding: Finding {
            fix: Some(fix.to_owned()),
            ..finding(rules, Check::PolicyOnUser, message)
        },
    })
}

/// Whole days from one moment to a later one; 0 where it is not later.
pub(super) fn days_between(from: Timestamp, to: Timestamp) -> i64 {
    (to.as_second() - from.as_second()).max(0) / 86_400
}
