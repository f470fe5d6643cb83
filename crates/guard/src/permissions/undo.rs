//! What the guard may do about permissions that violate the rules: it takes away what a change gave,
//! or restores what was there, and it never gives more than was compliant before.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use permissions::{Effective, Scope, effective};
use serde::{Deserialize, Serialize};

use super::change::denies_nothing;
use crate::model::{HeldPolicy, HolderKind, LivePermissions, document_digest, sha256_hex};
use crate::state::history::{WriteProgress, written_about};
use crate::state::incident::Schema;

/// How many own writes are remembered of one role or user: events may be a day late.
const WRITES_KEPT: usize = 50;

/// A change that can be undone, as an order says it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Undoable {
    /// This managed policy was attached.
    Attached {
        /// Its ARN.
        arn: String,
    },
    /// This inline policy was written.
    Put {
        /// Its name.
        name: String,
        /// [`document_digest`] of what was written, where it is known.
        digest: Option<String>,
    },
    /// Another version of this managed policy came into force.
    DefaultVersion {
        /// Its ARN.
        arn: String,
        /// Which, where it is known.
        version: Option<String>,
    },
    /// This managed policy was made the permissions boundary.
    BoundaryPut {
        /// Its ARN.
        arn: String,
    },
    /// The permissions boundary was taken away.
    BoundaryDeleted,
}

/// One write of the guard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Undo {
    /// A managed policy is detached.
    Detach {
        /// Its ARN.
        arn: String,
    },
    /// An inline policy is deleted.
    DeleteInline {
        /// Its name.
        name: String,
    },
    /// An inline policy gets its former text back.
    PutInline {
        /// Its name.
        name: String,
        /// The text.
        document: String,
    },
    /// A managed policy that nobody else holds gets its former version back.
    SetDefaultVersion {
        /// Its ARN.
        arn: String,
        /// As `v1`.
        version: String,
    },
    /// The former permissions boundary is restored.
    PutBoundary {
        /// Its ARN.
        arn: String,
    },
}

impl Undo {
    /// What it does, and how a person takes it back, in one sentence.
    pub fn words(&self, kind: HolderKind, name: &str) -> String {
        let noun = kind.name();
        let flag = format!("--{noun}-name {name}");
        match self {
            Self::Detach { arn } => format!(
                "policy {arn} was detached; to restore it: aws iam attach-{noun}-policy {flag} \
                 --policy-arn {arn}"
            ),
            Self::DeleteInline { name: policy } => format!(
                "inline policy {policy} was deleted; to restore it: aws iam put-{noun}-policy {flag} \
                 --policy-name {policy}, with the text below"
            ),
            Self::PutInline { name: policy, .. } => format!(
                "inline policy {policy} has its compliant text again; to restore what was \
                 written: aws iam put-{noun}-policy {flag} --policy-name {policy}, with the text \
                 below"
            ),
            Self::SetDefaultVersion { arn, version } => format!(
                "version {version} of policy {arn} is in force again, which nobody else holds; to \
                 restore the other: aws iam set-default-policy-version --policy-arn {arn}"
            ),
            Self::PutBoundary { arn } => format!(
                "{arn} is the permissions boundary again; to restore what was done: aws iam \
                 delete-{noun}-permissions-boundary {flag}"
            ),
        }
    }

    /// What the role or user holds once it is done; `document` is the text of the version or
    /// boundary that comes back.
    pub fn applied(
        &self,
        live: &LivePermissions,
        document: Option<&HeldPolicy>,
    ) -> LivePermissions {
        let mut after = live.clone();
        match self {
            Self::Detach { arn } => after
                .policies
                .retain(|policy| policy.arn.as_ref() != Some(arn) || policy.group.is_some()),
            Self::DeleteInline { name } => after.policies.retain(|policy| !inline(policy, name)),
            Self::PutInline { name, document } => {
                for policy in after
                    .policies
                    .iter_mut()
                    .filter(|policy| inline(policy, name))
                {
                    policy.document = Some(document.clone());
                }
            }
            Self::SetDefaultVersion { arn, .. } => {
                let all = after.policies.iter_mut().chain(&mut after.boundary);
                for policy in all.filter(|policy| policy.arn.as_ref() == Some(arn)) {
                    policy.document = document.and_then(|policy| policy.document.clone());
                    policy.version = document.and_then(|policy| policy.version.clone());
                }
            }
            Self::PutBoundary { arn } => {
                let known = document.cloned();
                after.boundary = Some(known.unwrap_or_else(|| HeldPolicy::managed(arn)));
            }
        }
        after
    }
}

impl Undo {
    /// The managed policy that the write puts in force, and in which version: `None` for the one
    /// that is in force.
    pub(crate) fn names_a_policy(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::SetDefaultVersion { arn, version } => Some((arn, Some(version))),
            Self::PutBoundary { arn } => Some((arn, None)),
            Self::Detach { .. } | Self::DeleteInline { .. } | Self::PutInline { .. } => None,
        }
    }

    /// It is what undoes this change.
    pub(crate) fn undoes(&self, change: &Undoable) -> bool {
        match (self, change) {
            (Self::Detach { arn }, Undoable::Attached { arn: other }) => arn == other,
            (
                Self::DeleteInline { name } | Self::PutInline { name, .. },
                Undoable::Put { name: other, .. },
            ) => name == other,
            _ => false,
        }
    }

    /// It brings back what was there, rather than only taking away.
    pub(crate) fn restores(&self) -> bool {
        self.names_a_policy().is_some() || matches!(self, Self::PutInline { .. })
    }

    /// The text of the inline policy that the write takes away.
    pub(crate) fn text_taken_from(&self, live: &LivePermissions) -> Option<String> {
        let (Self::DeleteInline { name } | Self::PutInline { name, .. }) = self else {
            return None;
        };
        let mut all = live.policies.iter();
        let policy = all.find(|policy| inline(policy, name))?;
        policy.document.clone()
    }
}

fn inline(policy: &HeldPolicy, name: &str) -> bool {
    policy.arn.is_none() && policy.group.is_none() && policy.name == name
}

/// A policy as the sweep remembers it: a managed one by its ARN, an inline one by its name and text.
pub fn held_mark(policy: &HeldPolicy) -> String {
    let what = match (&policy.arn, &policy.document) {
        (Some(arn), _) => arn.clone(),
        (None, document) => {
            let digest = document.as_deref().map(document_digest);
            format!("{} {}", policy.name, digest.unwrap_or_default())
        }
    };
    sha256_hex(what.as_bytes()).chars().take(16).collect()
}

impl Undoable {
    /// The role held just this when the guard looked for the first time, by the marks of then: what
    /// an event tells of it, whoever copies what is live tells as well. Another version of a policy
    /// is no such thing.
    pub fn was_there(&self, live: &LivePermissions, marks: &[String]) -> bool {
        let is_meant = |policy: &&HeldPolicy| match self {
            Self::Attached { arn } => policy.arn.as_ref() == Some(arn) && policy.group.is_none(),
            Self::Put { name, .. } => inline(policy, name),
            Self::DefaultVersion { .. } | Self::BoundaryPut { .. } | Self::BoundaryDeleted => false,
        };
        let meant = live.policies.iter().find(is_meant);
        meant.is_some_and(|policy| marks.contains(&held_mark(policy)))
    }

    /// The change is still to be seen in what is live.
    pub fn stands(&self, live: &LivePermissions) -> bool {
        let managed = |arn: &String| {
            let mut all = live.policies.iter();
            all.find(|policy| policy.arn.as_ref() == Some(arn) && policy.group.is_none())
        };
        match self {
            Self::Attached { arn } => managed(arn).is_some(),
            Self::Put { name, digest } => live
                .policies
                .iter()
                .find(|policy| inline(policy, name))
                .is_some_and(|policy| {
                    let now = policy.document.as_deref().map(document_digest);
                    digest.is_none() || now.is_none() || now == *digest
                }),
            Self::DefaultVersion { arn, version } => managed(arn)
                .or(live.boundary.as_ref())
                .filter(|policy| policy.arn.as_ref() == Some(arn))
                .is_some_and(|policy| version.is_none() || policy.version == *version),
            Self::BoundaryPut { arn } => {
                let boundary = live.boundary.as_ref();
                boundary.is_some_and(|policy| policy.arn.as_ref() == Some(arn))
            }
            Self::BoundaryDeleted => live.boundary.is_none(),
        }
    }

    /// What may undo it, the best first. `alone`: nobody else holds the policy in question.
    pub fn undone_by(
        &self,
        live: &LivePermissions,
        compliant: Option<&Compliant>,
        alone: bool,
    ) -> Vec<Undo> {
        let mut ways = Vec::new();
        match self {
            Self::Attached { arn } => ways.push(Undo::Detach { arn: arn.clone() }),
            Self::Put { name, .. } => {
                if let Some(document) = compliant.and_then(|compliant| compliant.inline.get(name)) {
                    ways.push(Undo::PutInline {
                        name: name.clone(),
                        document: document.clone(),
                    });
                }
                ways.push(Undo::DeleteInline { name: name.clone() });
            }
            Self::DefaultVersion { arn, version } => {
                let former = compliant.and_then(|compliant| compliant.versions.get(arn));
                if let Some(former) = former.filter(|former| Some(*former) != version.as_ref())
                    && alone
                {
                    ways.push(Undo::SetDefaultVersion {
                        arn: arn.clone(),
                        version: former.clone(),
                    });
                }
                let attached = |policy: &HeldPolicy| {
                    policy.arn.as_ref() == Some(arn) && policy.group.is_none()
                };
                if live.policies.iter().any(attached) {
                    ways.push(Undo::Detach { arn: arn.clone() });
                }
            }
            Self::BoundaryPut { .. } | Self::BoundaryDeleted => {
                if let Some(arn) = compliant.and_then(|compliant| compliant.boundary.clone()) {
                    ways.push(Undo::PutBoundary { arn });
                }
            }
        }
        ways
    }
}

/// Shows that a write widens nothing: either it takes away a policy that denies nothing, or nothing
/// that the role or user can do afterwards is more than it can do now.
pub fn narrows(undo: &Undo, live: &LivePermissions, after: &LivePermissions) -> bool {
    let removed = |is: &dyn Fn(&HeldPolicy) -> bool| {
        let mut gone = live.policies.iter().filter(|policy| is(policy));
        gone.all(|policy| denies_nothing(Some(policy)))
    };
    let plainly = match undo {
        Undo::Detach { arn } => {
            removed(&|policy| policy.arn.as_ref() == Some(arn) && policy.group.is_none())
        }
        Undo::DeleteInline { name } => removed(&|policy| inline(policy, name)),
        _ => false,
    };
    plainly || no_more(&effective(&after.policies()), &effective(&live.policies()))
}

/// The one allows nothing that the other does not, on no more, and is known as well.
fn no_more(one: &Effective, other: &Effective) -> bool {
    let partial = |of: &Effective| of.partial_denies.len();
    let known = one.unreadable.is_empty() && partial(one) >= partial(other);
    known
        && [Scope::Everything, Scope::Service, Scope::Named]
            .into_iter()
            .all(|scope| {
                let mut more = one.on(scope);
                more -= &other.on(scope);
                more.is_empty()
            })
}

/// What a role or user held when it was found compliant last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compliant {
    /// Inline policies: their texts by name.
    pub inline: BTreeMap<String, String>,
    /// Managed policies: the version in force by ARN.
    pub versions: BTreeMap<String, String>,
    /// The permissions boundary's ARN.
    pub boundary: Option<String>,
    /// When.
    pub at: Timestamp,
}

impl Compliant {
    /// As it is live.
    pub fn of(live: &LivePermissions, at: Timestamp) -> Self {
        let own = || live.policies.iter().filter(|policy| policy.group.is_none());
        let inline = own().filter(|policy| policy.arn.is_none());
        let boundary = live.boundary.as_ref();
        Self {
            inline: inline
                .filter_map(|policy| Some((policy.name.clone(), policy.document.clone()?)))
                .collect(),
            versions: own()
                .chain(boundary)
                .filter_map(|policy| Some((policy.arn.clone()?, policy.version.clone()?)))
                .collect(),
            boundary: boundary.and_then(|policy| policy.arn.clone()),
            at,
        }
    }
}

/// What the guard remembers of what a role or user may do. One item, saved whole under an optimistic
/// version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PermissionsHistory {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// `AROA…` or `AIDA…`.
    pub id: String,
    /// A role or a user.
    pub kind: HolderKind,
    /// Its name.
    pub name: String,
    /// When it was found compliant last, and what it held then.
    pub compliant: Option<Compliant>,
    /// Own writes, oldest first, each from its intent on.
    pub writes: Vec<OwnUndo>,
    /// Optimistic version: 0 for one that was never saved. The state raises it with each save.
    pub version: u64,
}

/// One write of the guard, recorded before it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnUndo {
    /// Of the order that asked for it.
    pub order: String,
    /// The incident it belongs to.
    pub incident: String,
    /// What is done.
    pub undo: Undo,
    /// The text that it takes away, of an inline policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed: Option<String>,
    /// When the intent was recorded; the hourly budget counts from here.
    pub at: Timestamp,
    /// How far it came.
    pub progress: WriteProgress,
}

impl PermissionsHistory {
    /// Of a role or user that the guard has not met yet.
    pub fn new(account: &str, kind: HolderKind, live: &LivePermissions) -> Self {
        Self {
            schema: Schema,
            account: account.to_owned(),
            id: live.id.clone(),
            kind,
            name: live.name.clone(),
            compliant: None,
            writes: Vec::new(),
            version: 0,
        }
    }

    /// Own writes within the hour before `now`, refused ones not counted.
    pub fn writes_within_the_hour(&self, now: Timestamp) -> usize {
        let Ok(from) = now.checked_sub(SignedDuration::from_hours(1)) else {
            return self.writes.len();
        };
        let counted = self
            .writes
            .iter()
            .filter(|write| write.progress != WriteProgress::Refused && write.at > from);
        counted.count()
    }

    /// Records the intent to write.
    pub fn record_write(&mut self, write: OwnUndo) {
        self.writes.push(write);
        while self.writes.len() > WRITES_KEPT {
            self.writes.remove(0);
        }
    }

    /// What the guard wrote, or was about to, for an order.
    pub fn write_of(&self, order: &str) -> Option<&OwnUndo> {
        self.writes
            .iter()
            .rev()
            .find(|write| write.order == order && write.progress != WriteProgress::Refused)
    }

    /// Records how far the write for an order has come.
    pub(crate) fn progressed(&mut self, order: &str, progress: WriteProgress) {
        let mut writes = self.writes.iter_mut().rev();
        let refused = |write: &OwnUndo| write.progress == WriteProgress::Refused;
        if let Some(write) = writes.find(|write| write.order == order && !refused(write)) {
            write.progress = progress;
        }
    }

    /// The guard wrote exactly this at about the time of an event.
    pub fn wrote_about(&self, is: impl Fn(&Undo) -> bool, event_time: Timestamp) -> bool {
        self.writes.iter().any(|write| {
            write.progress != WriteProgress::Refused
                && is(&write.undo)
                && written_about(write.at, event_time)
        })
    }

    /// Whether the guard wrote (or was about to write) exactly this.
    pub fn wrote(&self, is: impl Fn(&Undo) -> bool) -> bool {
        self.writes
            .iter()
            .any(|write| write.progress != WriteProgress::Refused && is(&write.undo))
    }
}
