//! What a record says of permissions: whose policy was given, changed or taken away.
//!
//! Apart from [`Record::activity`], because nothing in a log tells what else the role holds: only a
//! function that can read the account has an answer.

use serde_json::Value;

use super::activity::Activity;
use super::fields::{Document, Watched, omitted};
use super::meaning::{HolderKind, Means, PolicyMove};
use super::record::Record;
use super::row::Row;

/// A change of what a role, a user, or all that hold a policy may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PermissionsChange {
    /// Whose permissions.
    pub holder: Holder,
    /// What happened.
    pub change: PolicyChange,
}

/// Whose permissions a change concerns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// A role, by name.
    Role(String),
    /// A user, by name.
    User(String),
    /// The users of a group, by its name.
    Group(String),
    /// Whoever holds the managed policy of this ARN, or has it as boundary.
    HoldersOf(String),
}

/// What happened to a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyChange {
    /// A managed policy was attached.
    Attached {
        /// Its ARN.
        arn: String,
    },
    /// A managed policy was detached: if it denied something, that is allowed now.
    Detached {
        /// Its ARN.
        arn: String,
    },
    /// An inline policy was written.
    Put {
        /// Its name.
        name: String,
        /// Its document, as far as the record has it.
        document: Document,
    },
    /// An inline policy was deleted.
    Deleted {
        /// Its name.
        name: String,
    },
    /// Another version of a managed policy is in force.
    DefaultVersion {
        /// The policy's ARN.
        arn: String,
        /// As `v2`; `None` where the record does not tell.
        version: Option<String>,
        /// Its document, where it was created just now.
        document: Document,
    },
    /// A permissions boundary was put in the place of another, or of none.
    BoundaryPut {
        /// The ARN of the policy that is the boundary now.
        arn: String,
    },
    /// The permissions boundary was taken away.
    BoundaryDeleted,
    /// The user came into a group.
    Joined {
        /// Its name.
        group: String,
    },
    /// The user left a group.
    Left {
        /// Its name.
        group: String,
    },
}

impl Record {
    /// Whether this is a change of what somebody may do, and which. Anything else is irrelevant;
    /// `role_hidden` of what is unreadable is never set, since no trust policy is hidden by it.
    pub fn permissions_activity(&self, watched: &Watched) -> PermissionsActivity {
        let Some((row, holder, change)) = self.row().and_then(|row| match row.means {
            Means::Permissions(holder, change) => Some((row, holder, change)),
            _ => None,
        }) else {
            return PermissionsActivity::Irrelevant;
        };
        if change == PolicyMove::VersionCreated && !self.becomes_default() {
            return PermissionsActivity::Irrelevant;
        }
        let reported = self.holder(row, holder).zip(self.change(row, change));
        // Whose account it is, and whether it succeeded, is asked as for every other change.
        match self.not_done_here(watched) {
            Some(Activity::Failed(_)) => PermissionsActivity::Failed,
            Some(_) => PermissionsActivity::Irrelevant,
            None => match reported {
                Some((holder, change)) => {
                    PermissionsActivity::Changed(PermissionsChange { holder, change })
                }
                None if omitted(&self.request) => PermissionsActivity::Unreadable(
                    "cloudtrail cut the request away for its size, and with it whose permissions \
                     were changed",
                ),
                None => PermissionsActivity::Unreadable(
                    "the record does not say whose permissions were changed",
                ),
            },
        }
    }

    /// Anything but a stated "no" may have put the new version in force.
    fn becomes_default(&self) -> bool {
        let answered = self
            .response
            .get("policyVersion")
            .and_then(|version| version.get("isDefaultVersion"));
        let stated = match self.request.get("setAsDefault") {
            // The API's default is no.
            None if self.request.get("policyArn").is_some() => Some(false),
            stated => stated.and_then(flag),
        };
        answered.and_then(flag).or(stated).unwrap_or(true)
    }

    fn holder(&self, row: &Row, kind: HolderKind) -> Option<Holder> {
        let named = self.first(row.subject)?.to_owned();
        Some(match kind {
            HolderKind::Role => Holder::Role(named),
            HolderKind::User => Holder::User(named),
            HolderKind::Group => Holder::Group(named),
            HolderKind::Holders => Holder::HoldersOf(named),
        })
    }

    fn change(&self, row: &Row, change: PolicyMove) -> Option<PolicyChange> {
        let named = || self.first(row.what).map(str::to_owned);
        Some(match change {
            PolicyMove::Attached => PolicyChange::Attached { arn: named()? },
            PolicyMove::Detached => PolicyChange::Detached { arn: named()? },
            PolicyMove::Put => PolicyChange::Put {
                name: named()?,
                document: self.document(row.content),
            },
            PolicyMove::Deleted => PolicyChange::Deleted { name: named()? },
            PolicyMove::BoundaryPut => PolicyChange::BoundaryPut { arn: named()? },
            PolicyMove::BoundaryDeleted => PolicyChange::BoundaryDeleted,
            PolicyMove::Joined => PolicyChange::Joined { group: named()? },
            PolicyMove::Left => PolicyChange::Left { group: named()? },
            PolicyMove::VersionCreated | PolicyMove::VersionSet => PolicyChange::DefaultVersion {
                arn: self.first(row.subject)?.to_owned(),
                version: named(),
                document: self.document(row.content),
            },
        })
    }
}

fn flag(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(flag) => Some(*flag),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// What a record means for what roles and users may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PermissionsActivity {
    /// Somebody may do something else now.
    Changed(PermissionsChange),
    /// A call that did not succeed: nothing changed.
    Failed,
    /// No such call, or not in this account.
    Irrelevant,
    /// It is such a call, and cannot be read: why, in lower case and without a full stop.
    Unreadable(&'static str),
}
