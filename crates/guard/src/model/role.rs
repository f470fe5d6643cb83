//! A role: which one it is, and as IAM has it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A role of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleRef {
    /// 12 digits; empty where it is not known, and then every account is an outside one.
    pub account: String,
    /// Its name; without one, rules that are bound to roles count as unmet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its path, as `/` or `/aws-reserved/`, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

impl RoleRef {
    /// A role by name, whose path is not known.
    pub fn named(account: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            name: Some(name.into()),
            path: None,
        }
    }

    /// A role by its ARN; `None` where it is none.
    pub fn from_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.splitn(6, ':');
        let (scheme, _partition, service) = (parts.next()?, parts.next()?, parts.next()?);
        let (_region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let path = resource
            .strip_prefix("role")
            .filter(|_| scheme == "arn" && service == "iam")?;
        let (path, name) = path.rsplit_once('/')?;
        Some(Self {
            account: account.to_owned(),
            name: Some(name.to_owned()),
            path: Some(format!("{path}/")),
        })
    }

    /// AWS keeps the role: it lies under a path that only AWS can create roles in, and nobody
    /// else can change it.
    pub fn is_reserved(&self) -> bool {
        self.path.as_deref().is_some_and(|path| {
            ["/aws-service-role/", "/aws-reserved/"]
                .iter()
                .any(|reserved| path.starts_with(reserved))
        })
    }

    /// Whether an ARN is this role's. Where the path is not known, any path will do: who asks
    /// wants to protect it.
    pub fn is(&self, arn: &str) -> bool {
        let Some(other) = Self::from_arn(arn) else {
            return false;
        };
        let same_name = match (&self.name, &other.name) {
            (Some(own), Some(other)) => own.eq_ignore_ascii_case(other),
            _ => false,
        };
        let same_path = self.path.is_none() || self.path == other.path;
        same_name && same_path && self.account == other.account
    }
}

/// A role as IAM has it now (or had it seconds ago: reads may be stale).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRole {
    /// Its name, in IAM's own spelling.
    pub name: String,
    /// Its ARN.
    pub arn: String,
    /// Its path, as `/` or `/aws-reserved/sso.amazonaws.com/`.
    pub path: String,
    /// `AROA…`.
    pub role_id: String,
    /// The trust document as text, percent-decoding already done.
    pub document: String,
    /// When it was created.
    pub created: Option<Timestamp>,
}
