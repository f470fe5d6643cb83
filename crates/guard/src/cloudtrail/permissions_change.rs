//! What a record says of permissions: which policy of whom was given, changed or taken away.
//!
//! Apart from [`Record::activity`], because nothing in a log tells what else the role holds: only a
//! function that can read the account has an answer.

use serde_json::Value;

use super::activity::Activity;
use super::fields::{Document, Watched, document_in, omitted, text};
use super::interest::changes_permissions;
use super::record::Record;

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
        let request = &self.request;
        let field = |key: &str| text(request, &[key]).map(str::to_owned);
        let role = || field("roleName").map(Holder::Role);
        let user = || field("userName").map(Holder::User);
        let group = || field("groupName").map(Holder::Group);
        let attached = || field("policyArn").map(|arn| PolicyChange::Attached { arn });
        let detached = || field("policyArn").map(|arn| PolicyChange::Detached { arn });
        let deleted = || field("policyName").map(|name| PolicyChange::Deleted { name });
        let put = || {
            field("policyName").map(|name| PolicyChange::Put {
                name,
                document: document_in(request, "policyDocument"),
            })
        };
        let bounded = || field("permissionsBoundary").map(|arn| PolicyChange::BoundaryPut { arn });
        if !changes_permissions(&self.event_source, &self.event_name) {
            return PermissionsActivity::Irrelevant;
        }
        let reported = match self.event_name.as_str() {
            "AttachRolePolicy" => role().zip(attached()),
            "DetachRolePolicy" => role().zip(detached()),
            "PutRolePolicy" => role().zip(put()),
            "DeleteRolePolicy" => role().zip(deleted()),
            "PutRolePermissionsBoundary" => role().zip(bounded()),
            "DeleteRolePermissionsBoundary" => role().zip(Some(PolicyChange::BoundaryDeleted)),
            "AttachUserPolicy" => user().zip(attached()),
            "DetachUserPolicy" => user().zip(detached()),
            "PutUserPolicy" => user().zip(put()),
            "DeleteUserPolicy" => user().zip(deleted()),
            "PutUserPermissionsBoundary" => user().zip(bounded()),
            "DeleteUserPermissionsBoundary" => user().zip(Some(PolicyChange::BoundaryDeleted)),
            "AddUserToGroup" => {
                user().zip(field("groupName").map(|group| PolicyChange::Joined { group }))
            }
            "RemoveUserFromGroup" => {
                user().zip(field("groupName").map(|group| PolicyChange::Left { group }))
            }
            "AttachGroupPolicy" => group().zip(attached()),
            "DetachGroupPolicy" => group().zip(detached()),
            "PutGroupPolicy" => group().zip(put()),
            "DeleteGroupPolicy" => group().zip(deleted()),
            "CreatePolicyVersion" if !self.becomes_default() => {
                return PermissionsActivity::Irrelevant;
            }
            "CreatePolicyVersion" | "SetDefaultPolicyVersion" => self.version(),
            _ => return PermissionsActivity::Irrelevant,
        };
        // Whose account it is, and whether it succeeded, is asked as for every other change.
        match self.not_done_here(watched) {
            Some(Activity::Failed(_)) => PermissionsActivity::Failed,
            Some(_) => PermissionsActivity::Irrelevant,
            None => match reported {
                Some((holder, change)) => {
                    PermissionsActivity::Changed(PermissionsChange { holder, change })
                }
                None if omitted(request) => PermissionsActivity::Unreadable(
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

    fn version(&self) -> Option<(Holder, PolicyChange)> {
        let arn = text(&self.request, &["policyArn"])?.to_owned();
        let version = text(&self.request, &["versionId"])
            .or_else(|| text(&self.response, &["policyVersion", "versionId"]))
            .map(str::to_owned);
        let change = PolicyChange::DefaultVersion {
            arn: arn.clone(),
            version,
            document: document_in(&self.request, "policyDocument"),
        };
        Some((Holder::HoldersOf(arn), change))
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
