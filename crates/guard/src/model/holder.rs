//! A role or user and the policies it holds, as IAM has them.

use permissions::{Policies, Policy};
use serde::{Deserialize, Serialize};

/// A role or a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A role.
    Role,
    /// A user.
    User,
}

impl HolderKind {
    /// `role` or `user`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Role => "role",
            Self::User => "user",
        }
    }
}

/// The policies of a role or user as IAM has them now (or had them seconds ago: reads may be
/// stale).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LivePermissions {
    /// The role's or user's name, in IAM's own spelling.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// `AROA…` or `AIDA…`.
    pub id: String,
    /// Managed and inline, those of a user's groups included.
    pub policies: Vec<HeldPolicy>,
    /// The permissions boundary.
    pub boundary: Option<HeldPolicy>,
    /// The groups that a user is in.
    pub groups: Vec<String>,
}

impl LivePermissions {
    /// As they are worked out.
    pub fn policies(&self) -> Policies<'_> {
        Policies {
            policies: self.policies.iter().map(HeldPolicy::as_policy).collect(),
            boundary: self.boundary.as_ref().map(HeldPolicy::as_policy),
            holder: Some(&self.arn),
        }
    }

    /// Of the same role or user, with the same policies: IAM lists them in no order that it
    /// promises.
    pub(crate) fn holds_the_same(&self, other: &Self) -> bool {
        let sorted = |live: &Self| {
            let mut policies = live.policies.clone();
            policies.sort_by(|a, b| (&a.arn, &a.name, &a.group).cmp(&(&b.arn, &b.name, &b.group)));
            policies
        };
        self.id == other.id && self.boundary == other.boundary && sorted(self) == sorted(other)
    }
}

/// One policy of a role or user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldPolicy {
    /// Its name.
    pub name: String,
    /// Of a managed policy.
    pub arn: Option<String>,
    /// The version in force of a managed policy, as `v2`, where it could be read.
    pub version: Option<String>,
    /// The group that it comes by.
    pub group: Option<String>,
    /// Its document, percent-decoding done; `None` where it could not be read.
    pub document: Option<String>,
}

impl HeldPolicy {
    /// A managed policy whose document is not known.
    pub fn managed(arn: &str) -> Self {
        Self {
            name: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            arn: Some(arn.to_owned()),
            ..Self::default()
        }
    }

    fn as_policy(&self) -> Policy<'_> {
        Policy {
            name: &self.name,
            arn: self.arn.as_deref(),
            document: self.document.as_deref(),
        }
    }
}
