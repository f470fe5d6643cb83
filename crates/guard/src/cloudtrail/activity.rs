//! What a record means to the guard.

use serde_json::Value;

use super::actor::is_root_type;
use super::record::Record;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// A role was created, or its trust policy replaced.
    TrustChange(TrustChange),
    /// A role was deleted.
    RoleDeleted(RoleDeletion),
    /// An access key was created.
    AccessKeyCreated(KeyChange),
    /// An access key was made active again.
    AccessKeyActivated(KeyChange),
    /// A console password was created or replaced.
    ConsolePasswordSet(ConsolePassword),
    /// The root user signed in, or someone tried to.
    RootSignIn(SignIn),
    /// The root user called an API.
    RootCall,
    /// A call that would have mattered and did not succeed: nothing changed.
    Failed(FailedCall),
    /// Nothing for the guard.
    Irrelevant(Irrelevance),
    /// It may matter, and cannot be read: to be alerted, never to be dropped.
    Unreadable(Unreadable),
}

/// A role was created, or its trust policy replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustChange {
    /// The role's name.
    pub role: String,
    /// `RoleId` (`AROA…`): only `CreateRole` tells it.
    pub role_id: Option<String>,
    /// Only `CreateRole` tells it.
    pub arn: Option<String>,
    /// As `/aws-reserved/`; only `CreateRole` tells it.
    pub path: Option<String>,
    /// The trust document.
    pub document: Document,
    /// The role is new.
    pub created: bool,
}

/// A trust document, as far as the record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    /// Byte for byte as it was sent.
    Present(String),
    /// CloudTrail cut it away for its size: the live role must be read.
    Omitted,
    /// It is not there, and the record does not say why: the live role must be read.
    Missing,
}

/// A role was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDeletion {
    /// The role's name.
    pub role: String,
}

/// An access key was created or made active.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyChange {
    /// Whose key it is; `None` for the root user, or where the record does not tell.
    pub user: Option<String>,
    /// It is the root user's.
    pub root: bool,
    /// `AKIA…`.
    pub key_id: Option<String>,
}

/// A console password was created or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsolePassword {
    /// Whose password it is; `None` for the root user, or where the record does not tell.
    pub user: Option<String>,
    /// It is the root user's.
    pub root: bool,
    /// The user had none before.
    pub created: bool,
}

/// A sign-in of the root user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    /// Anything but a stated failure is taken for a success.
    pub succeeded: bool,
    /// `None` where the record does not tell.
    pub mfa: Option<bool>,
}

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCall {
    /// As `AccessDenied`.
    pub error: String,
}

/// Why a record is nothing for the guard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Irrelevance {
    /// No such call opens a door, and it was not the root user's.
    OtherCall,
    /// It happened in an account that is not watched.
    ForeignAccount {
        /// The account.
        account: String,
    },
    /// AWS did it in the root user's name.
    DoneByAws,
    /// An access key was made inactive.
    KeyClosed,
    /// A sign-in of someone other than the root user, or a step of one.
    OrdinarySignIn,
}

/// Something that may matter and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Why: lower case, no full stop.
    pub why: &'static str,
    /// It is a change of some role's trust policy, and which role is not told. Anyone can hide a
    /// change so, by a document that is padded until CloudTrail cuts the request away.
    pub role_hidden: bool,
}

/// The accounts whose events count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Watched {
    /// These.
    Accounts(Vec<String>),
    /// All: for logs, where each record's own account is the own one.
    Any,
}

impl Watched {
    /// One account alone: the stack's own.
    pub fn only(account: impl Into<String>) -> Self {
        Self::Accounts(vec![account.into()])
    }

    fn includes(&self, account: &str) -> bool {
        match self {
            Self::Accounts(accounts) => accounts.iter().any(|watched| watched == account),
            Self::Any => true,
        }
    }
}

/// The calls that can open a door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interest {
    CreateRole,
    UpdateAssumeRolePolicy,
    DeleteRole,
    CreateAccessKey,
    UpdateAccessKey,
    CreateLoginProfile,
    UpdateLoginProfile,
    ConsoleLogin,
}

impl Interest {
    /// The first question about any record, answered by two short comparisons.
    pub(super) fn of(source: &str, name: &str) -> Option<Self> {
        match source {
            "iam.amazonaws.com" => match name {
                "CreateRole" => Some(Self::CreateRole),
                "UpdateAssumeRolePolicy" => Some(Self::UpdateAssumeRolePolicy),
                "DeleteRole" => Some(Self::DeleteRole),
                "CreateAccessKey" => Some(Self::CreateAccessKey),
                "UpdateAccessKey" => Some(Self::UpdateAccessKey),
                "CreateLoginProfile" => Some(Self::CreateLoginProfile),
                "UpdateLoginProfile" => Some(Self::UpdateLoginProfile),
                _ => None,
            },
            "signin.amazonaws.com" if name == "ConsoleLogin" => Some(Self::ConsoleLogin),
            _ => None,
        }
    }

    fn changes_trust(self) -> bool {
        matches!(
            self,
            Self::CreateRole | Self::UpdateAssumeRolePolicy | Self::DeleteRole
        )
    }
}

/// Whether a record with this `eventSource`, `eventName` and `userIdentity.type`, all of them texts,
/// is irrelevant to every function whatever else it says: for bulk reading, which then needs no
/// more of it. `false` decides nothing.
pub fn is_ordinary(source: &str, name: &str, caller: &str) -> bool {
    !source.is_empty()
        && !name.is_empty()
        && !caller.is_empty()
        && Interest::of(source, name).is_none()
        && !is_root_type(caller)
}

impl Record {
    /// What happened. A trust, key or password change by the root user is that change;
    /// [`Record::root_activity`] tells the root user's part of it.
    pub fn activity(&self, watched: &Watched) -> Activity {
        let interest = Interest::of(&self.event_source, &self.event_name);
        match interest {
            None | Some(Interest::ConsoleLogin) => return self.root_activity(watched),
            Some(_) => {}
        }
        if let Some(other) = self.not_done_here(watched) {
            return other;
        }
        match interest {
            Some(interest) if interest.changes_trust() => self.role_change(interest),
            Some(Interest::CreateAccessKey) => Activity::AccessKeyCreated(self.key_change()),
            Some(Interest::UpdateAccessKey) => match text(&self.request, &["status"]) {
                Some(status) if status.eq_ignore_ascii_case("Inactive") => {
                    Activity::Irrelevant(Irrelevance::KeyClosed)
                }
                // Anything but a stated "inactive" may have opened the key.
                _ => Activity::AccessKeyActivated(self.key_change()),
            },
            Some(interest) => {
                let (user, root) = self.subject();
                let created = interest == Interest::CreateLoginProfile;
                Activity::ConsolePasswordSet(ConsolePassword {
                    user,
                    root,
                    created,
                })
            }
            None => Activity::Irrelevant(Irrelevance::OtherCall),
        }
    }

    /// What the root user did: a sign-in, a call (whatever the call), or nothing.
    pub fn root_activity(&self, watched: &Watched) -> Activity {
        if self.event_name.is_empty() || self.event_source.is_empty() {
            let why = "the record has no event name or no event source";
            return Activity::Unreadable(Unreadable {
                why,
                role_hidden: false,
            });
        }
        let sign_in = self.event_source == "signin.amazonaws.com";
        if !self.root_identity() {
            return Activity::Irrelevant(if sign_in {
                Irrelevance::OrdinarySignIn
            } else {
                Irrelevance::OtherCall
            });
        }
        if let Some(elsewhere) = self.elsewhere(watched) {
            return elsewhere;
        }
        if self.by_aws() {
            return Activity::Irrelevant(Irrelevance::DoneByAws);
        }
        if sign_in && self.event_name == "ConsoleLogin" {
            return Activity::RootSignIn(SignIn {
                succeeded: !self.sign_in_failed(),
                mfa: self.actor().mfa,
            });
        }
        // The question for a code comes before each sign-in, and says nothing that it does not.
        if sign_in && self.event_name == "CheckMfa" {
            return Activity::Irrelevant(Irrelevance::OrdinarySignIn);
        }
        match self.failure() {
            Some(failure) => Activity::Failed(failure),
            None => Activity::RootCall,
        }
    }

    /// A record of an account that is not ours: another account's genuine events can be
    /// forwarded here.
    fn elsewhere(&self, watched: &Watched) -> Option<Activity> {
        let named = [
            self.delivered_for.as_deref(),
            self.recipient_account.as_deref(),
        ];
        let foreign = named
            .into_iter()
            .flatten()
            .find(|account| !watched.includes(account))?;
        let account = foreign.to_owned();
        Some(Activity::Irrelevant(Irrelevance::ForeignAccount {
            account,
        }))
    }

    /// What the call is, if it did not succeed in a watched account.
    pub(super) fn not_done_here(&self, watched: &Watched) -> Option<Activity> {
        self.elsewhere(watched)
            .or_else(|| self.failure().map(Activity::Failed))
    }

    fn failure(&self) -> Option<FailedCall> {
        self.error_code.clone().map(|error| FailedCall { error })
    }

    /// A failed sign-in has no `errorCode`.
    fn sign_in_failed(&self) -> bool {
        match text(&self.response, &["ConsoleLogin"]) {
            Some(result) => !result.eq_ignore_ascii_case("Success"),
            None => self.error_message.is_some() || self.error_code.is_some(),
        }
    }

    fn role_change(&self, interest: Interest) -> Activity {
        let role = text(&self.request, &["roleName"])
            .or_else(|| text(&self.response, &["role", "roleName"]))
            .or_else(|| {
                text(&self.response, &["role", "arn"]).and_then(|arn| arn.rsplit('/').next())
            })
            .filter(|name| !name.is_empty());
        let Some(role) = role.map(str::to_owned) else {
            let why = if omitted(&self.request) {
                "cloudtrail cut the request away for its size, and the role's name with it"
            } else {
                "the record does not say which role it is about"
            };
            return Activity::Unreadable(Unreadable {
                why,
                role_hidden: true,
            });
        };
        if interest == Interest::DeleteRole {
            return Activity::RoleDeleted(RoleDeletion { role });
        }
        let created = interest == Interest::CreateRole;
        let answer = |field: &str| text(&self.response, &["role", field]).map(str::to_owned);
        let sent = if created {
            "assumeRolePolicyDocument"
        } else {
            "policyDocument"
        };
        Activity::TrustChange(TrustChange {
            document: self.document(sent),
            role_id: answer("roleId"),
            arn: answer("arn"),
            path: answer("path").or_else(|| text(&self.request, &["path"]).map(str::to_owned)),
            role,
            created,
        })
    }

    fn document(&self, sent: &str) -> Document {
        match document_in(&self.request, sent) {
            Document::Present(document) => Document::Present(document),
            cut => match text(&self.response, &["role", "assumeRolePolicyDocument"]) {
                Some(document) => Document::Present(percent_decoded(document)),
                None => cut,
            },
        }
    }

    fn key_change(&self) -> KeyChange {
        let (user, root) = self.subject();
        let key_id = text(&self.response, &["accessKey", "accessKeyId"])
            .or_else(|| text(&self.request, &["accessKeyId"]))
            .map(str::to_owned);
        KeyChange { user, root, key_id }
    }

    /// Whose key or password: `userName`, or the caller where the call names no user. The flag
    /// says that it is the root user's.
    fn subject(&self) -> (Option<String>, bool) {
        let named = text(&self.request, &["userName"])
            .or_else(|| text(&self.response, &["accessKey", "userName"]))
            .or_else(|| text(&self.response, &["loginProfile", "userName"]));
        if self.root_identity() {
            // A root caller who names no user, or names himself, means the root user.
            return match named {
                Some(user) if !is_root_name(user, &self.identity.arn) => {
                    (Some(user.to_owned()), false)
                }
                _ => (None, true),
            };
        }
        match named {
            Some(user) if user.starts_with("arn:") && user.ends_with(":root") => (None, true),
            Some(user) => (Some(user.to_owned()), false),
            None => (self.identity.user_name.clone(), false),
        }
    }
}

fn is_root_name(user: &str, arn: &Option<String>) -> bool {
    user.eq_ignore_ascii_case("root")
        || user == "<root_account>"
        || arn.as_deref().is_some_and(|arn| arn == user)
}

/// The policy document that a request carries under this key.
pub(super) fn document_in(request: &Value, sent: &str) -> Document {
    match request.get(sent) {
        Some(Value::String(document)) => Document::Present(document.clone()),
        Some(document @ Value::Object(fields)) if fields.contains_key("Statement") => {
            Document::Present(document.to_string())
        }
        Some(cut) if omitted(cut) => Document::Omitted,
        _ if omitted(request) => Document::Omitted,
        _ => Document::Missing,
    }
}

/// A non-empty text below a path of keys.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> Option<&'a str> {
    path.iter()
        .try_fold(value, |value, key| value.get(key))
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
}

/// CloudTrail writes `omitted: true` where it cut something away.
pub(super) fn omitted(value: &Value) -> bool {
    match value.get("omitted") {
        Some(Value::Bool(omitted)) => *omitted,
        Some(Value::String(omitted)) => omitted.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A trust document as response elements and IAM's `GetRole` bear it: percent-encoded, except where
/// they bear it plain (a JSON document never begins with `%`).
pub fn percent_decoded(text: &str) -> String {
    if !text.starts_with('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        let hex = |digit: u8| {
            char::from(digit)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        match (byte, tail) {
            (b'%', [high, low, after @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high * 16 + low);
                    rest = after;
                }
                _ => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}
