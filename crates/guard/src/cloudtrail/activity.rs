//! What a record means to the guard.

use super::credential::{CredentialChange, SessionLength};
use super::fields::{Document, Unreadable, Watched, omitted, text};
use super::meaning::Means;
use super::provider_change::ProviderChange;
use super::record::Record;
use super::row::Row;
use super::share_change::ShareChange;

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Activity {
    /// A role was created, or its trust policy replaced.
    TrustChange(TrustChange),
    /// A role was deleted.
    RoleDeleted(RoleDeletion),
    /// A user was created.
    UserCreated(UserCreation),
    /// An access key was created.
    AccessKeyCreated(KeyChange),
    /// An access key was made active again.
    AccessKeyActivated(KeyChange),
    /// A console password was created or replaced.
    ConsolePasswordSet(ConsolePassword),
    /// A credential besides keys and passwords was opened, or an MFA device taken away.
    CredentialChanged(CredentialChange),
    /// It was set how long sessions of a role may last.
    SessionLengthSet(SessionLength),
    /// An identity provider was created, changed or deleted.
    ProviderChanged(Box<ProviderChange>),
    /// A resource was shared without a role.
    Shared(Box<ShareChange>),
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

/// A role was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleDeletion {
    /// The role's name.
    pub role: String,
}

/// A user was created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCreation {
    /// The user's name.
    pub user: String,
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
    /// As `AccessDenied`; the message where there is no code.
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
    /// An access key or another credential was made inactive.
    KeyClosed,
    /// A call that may share a resource, and shares none.
    NothingShared,
    /// A sign-in of someone other than the root user, or a step of one.
    OrdinarySignIn,
}

impl Record {
    /// What happened. A trust, key or password change by the root user is that change;
    /// [`Record::root_activity`] tells the root user's part of it.
    pub fn activity(&self, watched: &Watched) -> Activity {
        let row = self
            .row()
            .filter(|row| row.means.function() != Some("role-permissions"));
        let Some(row) = row.filter(|row| row.means.function() != Some("root-activity")) else {
            return self.root_activity(watched);
        };
        if let Some(other) = self.not_done_here(watched) {
            return other;
        }
        match row.means {
            Means::TrustChanged { created } => self.trust_change(row, created),
            Means::RoleDeleted => match self.role(row) {
                Ok(role) => Activity::RoleDeleted(RoleDeletion { role }),
                Err(unreadable) => Activity::Unreadable(unreadable),
            },
            Means::UserCreated => self.user_created(row),
            Means::KeyCreated => Activity::AccessKeyCreated(self.key_change(row)),
            Means::KeyUpdated => match text(&self.request, &["status"]) {
                Some(status) if status.eq_ignore_ascii_case("Inactive") => {
                    Activity::Irrelevant(Irrelevance::KeyClosed)
                }
                // Anything but a stated "inactive" may have opened the key.
                _ => Activity::AccessKeyActivated(self.key_change(row)),
            },
            Means::PasswordSet { created } => {
                let (user, root) = self.subject(row);
                Activity::ConsolePasswordSet(ConsolePassword {
                    user,
                    root,
                    created,
                })
            }
            Means::CredentialChanged(credential, done) => {
                match self.credential_change(row, credential, done) {
                    Some(change) => Activity::CredentialChanged(change),
                    None => Activity::Irrelevant(Irrelevance::KeyClosed),
                }
            }
            Means::SessionLengthSet => match self.session_length(row) {
                Some(set) => Activity::SessionLengthSet(set),
                None => unreadable("the record does not say which role's sessions may last longer"),
            },
            Means::ProviderChanged(provider, done) => {
                match self.provider_change(row, provider, done) {
                    Some(change) => Activity::ProviderChanged(Box::new(change)),
                    None => {
                        unreadable("the record does not say which identity provider it is about")
                    }
                }
            }
            Means::Shared(share) => match self.share_change(row, share) {
                Some(change) => Activity::Shared(Box::new(change)),
                None => Activity::Irrelevant(Irrelevance::NothingShared),
            },
            Means::Permissions(..)
            | Means::SignIn
            | Means::RecoveryRequested
            | Means::LeftOut(_) => Activity::Irrelevant(Irrelevance::OtherCall),
        }
    }

    /// What the root user did: a sign-in, a call (whatever the call), or nothing.
    pub fn root_activity(&self, watched: &Watched) -> Activity {
        if self.event_name.is_empty() || self.event_source.is_empty() {
            return unreadable("the record has no event name or no event source");
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
        let signed_in = |succeeded| {
            let mfa = self.actor().mfa;
            Activity::RootSignIn(SignIn { succeeded, mfa })
        };
        match Row::listed(&self.event_source, &self.event_name).map(|row| row.means) {
            Some(Means::SignIn) => return signed_in(!self.sign_in_failed()),
            // Whether it succeeded or not: nobody has signed in by it.
            Some(Means::RecoveryRequested) => return signed_in(false),
            Some(Means::LeftOut(_)) if sign_in => {
                return Activity::Irrelevant(Irrelevance::OrdinarySignIn);
            }
            // What the sign-in service refuses, it says as it says the failure of a sign-in.
            _ if sign_in && self.refused() => return signed_in(false),
            _ => {}
        }
        match self.failure() {
            Some(failure) => Activity::Failed(failure),
            None => Activity::RootCall,
        }
    }

    /// The answer of the sign-in service to another request than `ConsoleLogin`:
    /// `{"PasswordUpdated": "Failure"}`.
    fn refused(&self) -> bool {
        text(&self.response, &[self.event_name.as_str()])
            .is_some_and(|result| result.eq_ignore_ascii_case("Failure"))
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

    /// Some services write a message of an error and no code.
    fn failure(&self) -> Option<FailedCall> {
        let error = self.error_code.as_ref().or(self.error_message.as_ref());
        error.cloned().map(|error| FailedCall { error })
    }

    /// A failed sign-in has no `errorCode`.
    fn sign_in_failed(&self) -> bool {
        match text(&self.response, &["ConsoleLogin"]) {
            Some(result) => !result.eq_ignore_ascii_case("Success"),
            None => self.error_message.is_some() || self.error_code.is_some(),
        }
    }

    /// The role's name.
    fn role(&self, row: &Row) -> Result<String, Unreadable> {
        let named = self
            .first(row.subject)
            .and_then(|role| role.rsplit('/').next());
        let why = if omitted(&self.request) {
            "cloudtrail cut the request away for its size, and the role's name with it"
        } else {
            "the record does not say which role it is about"
        };
        let role = named.filter(|name| !name.is_empty());
        role.map(str::to_owned).ok_or(Unreadable {
            why,
            role_hidden: true,
        })
    }

    fn trust_change(&self, row: &Row, created: bool) -> Activity {
        let role = match self.role(row) {
            Ok(role) => role,
            Err(unreadable) => return Activity::Unreadable(unreadable),
        };
        let answer = |field: &str| text(&self.response, &["role", field]).map(str::to_owned);
        Activity::TrustChange(TrustChange {
            document: self.document(row.content),
            role_id: answer("roleId"),
            arn: answer("arn"),
            path: answer("path").or_else(|| text(&self.request, &["path"]).map(str::to_owned)),
            role,
            created,
        })
    }

    fn user_created(&self, row: &Row) -> Activity {
        match self.first(row.subject).map(str::to_owned) {
            Some(user) => Activity::UserCreated(UserCreation { user }),
            None => unreadable("the record does not say which user was created"),
        }
    }

    fn key_change(&self, row: &Row) -> KeyChange {
        let (user, root) = self.subject(row);
        let key_id = self.first(row.what).map(str::to_owned);
        KeyChange { user, root, key_id }
    }

    /// Whose key or password: `userName`, or the caller where the call names no user. The flag
    /// says that it is the root user's.
    pub(super) fn subject(&self, row: &Row) -> (Option<String>, bool) {
        let named = self.first(row.subject);
        if self.root_identity() {
            // A root caller who names no user, or names himself, means the root user.
            return match named {
                Some(user) if !self.is_root_name(user) => (Some(user.to_owned()), false),
                _ => (None, true),
            };
        }
        match named {
            Some(user) if user.starts_with("arn:") && user.ends_with(":root") => (None, true),
            Some(user) => (Some(user.to_owned()), false),
            None => (self.identity.user_name.clone(), false),
        }
    }

    /// Whether the root user, who is the caller, is called so: CloudTrail gives the root user the
    /// account's alias for a name.
    fn is_root_name(&self, user: &str) -> bool {
        let own = [&self.identity.arn, &self.identity.user_name];
        user.eq_ignore_ascii_case("root")
            || user == "<root_account>"
            || own
                .into_iter()
                .flatten()
                .any(|own| own.eq_ignore_ascii_case(user))
    }
}

fn unreadable(why: &'static str) -> Activity {
    Activity::Unreadable(Unreadable {
        why,
        role_hidden: false,
    })
}
