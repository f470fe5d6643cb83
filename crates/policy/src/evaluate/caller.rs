//! Who calls, and which principals of a document name them.
//!
//! Source: IAM user guide, "AWS JSON policy elements: Principal". An account id and the account's
//! root ARN both mean the whole account. A role's ARN means each of its sessions, a session's ARN
//! that session alone. A unique id (`AROA…`, `AIDA…`) in a document as IAM shows it stands in place
//! of a principal that was deleted: nobody. As sent it names the living principal that has it.

use std::fmt;

use super::request::RequestError;
use crate::answer::RequestPrincipal;

/// The caller of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Caller {
    /// A principal of an account.
    Aws(AwsCaller),
    /// An AWS service, by name.
    Service(String),
    /// Someone whom an identity provider vouches for.
    Federated {
        /// As the document would name it.
        provider: String,
    },
}

/// A principal of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AwsCaller {
    pub(super) kind: AwsKind,
    /// As the request names them.
    pub(super) named: String,
    /// What `aws:PrincipalArn` says of them, where it is known: a session's is its role's.
    pub(super) arn: Option<String>,
    /// `aws`, `aws-cn` …, where known.
    pub(super) partition: Option<String>,
    /// 12 digits, where known.
    pub(super) account: Option<String>,
}

/// What kind of principal of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AwsKind {
    Root,
    User {
        name: String,
    },
    /// A session of a role; its name is unknown where the role's own ARN was given.
    Session {
        role: String,
        session: Option<String>,
    },
    FederatedUser {
        name: String,
    },
    /// Given by a unique id alone.
    ByUniqueId,
}

impl Caller {
    pub(super) fn of(principal: &RequestPrincipal) -> Result<Caller, RequestError> {
        let value = principal.value.as_str();
        let nobody = || RequestError::Principal {
            value: value.to_owned(),
        };
        match principal.kind.as_str() {
            "AWS" => AwsCaller::of(value).map(Caller::Aws).ok_or_else(nobody),
            "Service" if value.contains('.') && !value.contains(['*', '?']) => {
                Ok(Caller::Service(value.to_owned()))
            }
            "Federated" if value.contains('.') || value.starts_with("arn:") => {
                Ok(Caller::Federated {
                    provider: value.to_owned(),
                })
            }
            "Service" | "Federated" => Err(nobody()),
            other => Err(RequestError::PrincipalType {
                kind: other.to_owned(),
            }),
        }
    }

    pub(super) fn is_aws(&self) -> bool {
        matches!(self, Caller::Aws(_))
    }

    /// Their unique id, where they are given by that alone.
    pub(super) fn unique_id(&self) -> Option<&str> {
        match self {
            Caller::Aws(caller) if caller.kind == AwsKind::ByUniqueId => Some(&caller.named),
            _ => None,
        }
    }

    /// The root user, whose calls of AssumeRole STS refuses.
    pub(super) fn is_root(&self) -> bool {
        matches!(self, Caller::Aws(caller) if caller.kind == AwsKind::Root)
    }

    /// Whether this value under `AWS`, neither `*` nor a unique id, names the caller.
    pub(super) fn is_named(&self, value: &str) -> bool {
        let Caller::Aws(caller) = self else {
            return false;
        };
        if caller.account.as_deref() == Some(value) {
            return true;
        }
        if let Some(account) = value.strip_suffix(":root") {
            let root = (caller.partition.as_deref(), caller.account.as_deref());
            if let (Some(partition), Some(number)) = root {
                return account == format!("arn:{partition}:iam::{number}");
            }
            return false;
        }
        if value.starts_with("arn:") {
            return caller.arn.as_deref() == Some(value) || caller.named == value;
        }
        false
    }

    pub(super) fn is_service(&self, value: &str) -> bool {
        matches!(self, Caller::Service(name) if name == value)
    }

    pub(super) fn is_provider(&self, value: &str) -> bool {
        matches!(self, Caller::Federated { provider } if provider == value)
    }

    /// The operation by which this caller can enter a role, if the given one is that.
    pub(super) fn operation(&self, action: &str) -> Result<&'static str, String> {
        let fits = match self {
            Caller::Aws(_) | Caller::Service(_) => "sts:AssumeRole",
            Caller::Federated { .. } if self.is_saml() => "sts:AssumeRoleWithSAML",
            Caller::Federated { .. } => "sts:AssumeRoleWithWebIdentity",
        };
        if action.eq_ignore_ascii_case(fits) {
            return Ok(fits);
        }
        Err(format!(
            "{self} assumes a role by {fits}, never by {action}"
        ))
    }

    pub(super) fn is_saml(&self) -> bool {
        matches!(self, Caller::Federated { provider } if provider.contains(":saml-provider/"))
    }

    /// What stands before the colon in the keys of a web identity provider's claims; for a SAML
    /// provider, text with which no claim's key begins.
    pub(super) fn claim_prefix(&self) -> Option<&str> {
        match self {
            Caller::Federated { provider } => Some(
                provider
                    .split_once(":oidc-provider/")
                    .map_or(provider, |(_, host)| host),
            ),
            _ => None,
        }
    }

    /// What every token or assertion says. Sources: OpenID Connect Core, section 2; SAML 2.0
    /// profiles, section 4.1.4.2 (an audience restriction is required).
    pub(super) fn claims_of_every_token(&self) -> Vec<String> {
        if self.is_saml() {
            return vec!["saml:aud".to_owned()];
        }
        let claims = |prefix: &str| {
            ["sub", "aud"]
                .map(|claim| format!("{prefix}:{claim}"))
                .to_vec()
        };
        self.claim_prefix().map(claims).unwrap_or_default()
    }
}

impl AwsCaller {
    fn of(value: &str) -> Option<AwsCaller> {
        let caller = |kind, arn: &str, partition: &str, account: &str| AwsCaller {
            kind,
            named: value.to_owned(),
            arn: Some(arn.to_owned()),
            partition: Some(partition.to_owned()),
            account: Some(account.to_owned()),
        };
        if value.len() == 12 && value.bytes().all(|byte| byte.is_ascii_digit()) {
            let root = format!("arn:aws:iam::{value}:root");
            return Some(caller(AwsKind::Root, &root, "aws", value));
        }
        if value.starts_with("AROA") || value.starts_with("AIDA") {
            return Some(AwsCaller {
                kind: AwsKind::ByUniqueId,
                named: value.to_owned(),
                arn: None,
                partition: None,
                account: None,
            });
        }
        let mut parts = value.strip_prefix("arn:")?.splitn(5, ':');
        let (partition, service) = (parts.next()?, parts.next()?);
        let (region, account, resource) = (parts.next()?, parts.next()?, parts.next()?);
        let number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        if !region.is_empty() || !number || value.contains(['*', '?']) {
            return None;
        }
        if (service, resource) == ("iam", "root") {
            return Some(caller(AwsKind::Root, value, partition, account));
        }
        let (kind, name) = resource.split_once('/')?;
        if name.is_empty() {
            return None;
        }
        let last = name.rsplit('/').next().unwrap_or(name).to_owned();
        match (service, kind) {
            ("iam", "user") => Some(caller(
                AwsKind::User { name: last },
                value,
                partition,
                account,
            )),
            ("iam", "role") => Some(caller(
                AwsKind::Session {
                    role: last,
                    session: None,
                },
                value,
                partition,
                account,
            )),
            ("sts", "assumed-role") => {
                let (role, session) = name.split_once('/')?;
                let arn = format!("arn:{partition}:iam::{account}:role/{role}");
                let session = Some(session.to_owned());
                let kind = AwsKind::Session {
                    role: role.to_owned(),
                    session,
                };
                Some(caller(kind, &arn, partition, account))
            }
            ("sts", "federated-user") => {
                let kind = AwsKind::FederatedUser {
                    name: name.to_owned(),
                };
                Some(caller(kind, value, partition, account))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caller::Aws(caller) => f.write_str(&caller.named),
            Caller::Service(name) => f.write_str(name),
            Caller::Federated { provider } => f.write_str(provider),
        }
    }
}
