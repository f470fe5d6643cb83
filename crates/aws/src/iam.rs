//! Roles and access keys in IAM.
//!
//! IAM is one service per partition with one endpoint, which the SDK finds from the region
//! (`iam.amazonaws.com`, `iam.us-gov.amazonaws.com`, `iam.cn-north-1.amazonaws.com.cn`).

use std::sync::OnceLock;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::types::StatusType;
use guard::cloudtrail::percent_decoded;
use guard::handlers::session_denial;
use guard::model::LiveRole;
use guard::ports::{
    DeactivateKeyError, DenySessionsError, Keys, ReadRoleError, Roles, WriteRoles,
    WriteTrustPolicyError,
};
use jiff::Timestamp;

use crate::cloud::Cloud;
use crate::failure::{Failure, Kind};
use crate::network::Patience;

pub use guard::handlers::SESSION_DENIAL;

/// Reads roles. It has no way to write.
#[derive(Debug)]
pub struct Iam {
    cloud: Cloud,
    client: OnceLock<Client>,
}

impl Iam {
    /// Nothing is asked before the first call.
    pub fn new(cloud: &Cloud) -> Self {
        Self {
            cloud: cloud.clone(),
            client: OnceLock::new(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(Patience::IAM.retries())
                .timeout_config(Patience::IAM.timeouts());
            Client::from_conf(configuration.build())
        })
    }
}

impl Roles for Iam {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, ReadRoleError> {
        let role = name.to_owned();
        let answer = match self.client().get_role().role_name(name).send().await {
            Ok(answer) => answer,
            Err(error) => {
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_entity_exception())
                {
                    return Ok(None);
                }
                let failure = Failure::of("iam:GetRole", &error);
                return Err(match failure.kind() {
                    Kind::Denied => ReadRoleError::AccessDenied {
                        role,
                        source: failure.source(),
                    },
                    Kind::Throttled => ReadRoleError::Throttled {
                        source: failure.source(),
                    },
                    Kind::Other => ReadRoleError::Other {
                        role,
                        source: failure.source(),
                    },
                });
            }
        };
        let unreadable = |why: &'static str| ReadRoleError::Other {
            role: role.clone(),
            source: why.into(),
        };
        let live = answer
            .role
            .ok_or_else(|| unreadable("iam:GetRole: no role in the answer"))?;
        let document = live
            .assume_role_policy_document
            .ok_or_else(|| unreadable("iam:GetRole: no trust document in the answer"))?;
        Ok(Some(LiveRole {
            name: live.role_name,
            arn: live.arn,
            path: live.path,
            role_id: live.role_id,
            document: percent_decoded(&document),
            created: Timestamp::new(live.create_date.secs(), 0).ok(),
        }))
    }
}

/// Reads and writes roles, and deactivates access keys: for the remediator alone.
#[derive(Debug)]
pub struct IamWriter {
    iam: Iam,
}

impl IamWriter {
    /// Nothing is asked before the first call.
    pub fn new(cloud: &Cloud) -> Self {
        Self {
            iam: Iam::new(cloud),
        }
    }

    pub(crate) fn iam(&self) -> &Iam {
        &self.iam
    }
}

impl Roles for IamWriter {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, ReadRoleError> {
        self.iam.read_role(name).await
    }
}

impl WriteRoles for IamWriter {
    async fn write_trust_policy(
        &self,
        role: &str,
        document: &str,
    ) -> Result<(), WriteTrustPolicyError> {
        let call = self
            .iam
            .client()
            .update_assume_role_policy()
            .role_name(role);
        let Err(error) = call.policy_document(document).send().await else {
            return Ok(());
        };
        Err(refused_write(
            role.to_owned(),
            Failure::of("iam:UpdateAssumeRolePolicy", &error),
        ))
    }

    async fn deny_sessions_before(
        &self,
        role: &str,
        before: Timestamp,
    ) -> Result<(), DenySessionsError> {
        let call = self.iam.client().put_role_policy().role_name(role);
        let call = call
            .policy_name(SESSION_DENIAL)
            .policy_document(session_denial(before));
        let Err(error) = call.send().await else {
            return Ok(());
        };
        Err(refused_denial(
            role.to_owned(),
            Failure::of("iam:PutRolePolicy", &error),
        ))
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), DenySessionsError> {
        let call = self.iam.client().delete_role_policy().role_name(role);
        let Err(error) = call.policy_name(SESSION_DENIAL).send().await else {
            return Ok(());
        };
        let failure = Failure::of("iam:DeleteRolePolicy", &error);
        // One code for both: "The role policy with name … cannot be found", "The role with …".
        if failure.code == "NoSuchEntity" && !failure.message.starts_with("The role with") {
            return Ok(());
        }
        Err(refused_denial(role.to_owned(), failure))
    }
}

impl Keys for IamWriter {
    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), DeactivateKeyError> {
        let call = self
            .iam
            .client()
            .update_access_key()
            .user_name(user)
            .access_key_id(key_id);
        let Err(error) = call.status(StatusType::Inactive).send().await else {
            return Ok(());
        };
        let failure = Failure::of("iam:UpdateAccessKey", &error);
        let (user, key_id) = (user.to_owned(), key_id.to_owned());
        Err(match (failure.code.as_str(), failure.kind()) {
            ("NoSuchEntity", _) => DeactivateKeyError::NoSuchKey {
                user,
                key_id,
                source: failure.source(),
            },
            (_, Kind::Denied) => DeactivateKeyError::AccessDenied {
                user,
                source: failure.source(),
            },
            _ => DeactivateKeyError::Other {
                user,
                key_id,
                source: failure.source(),
            },
        })
    }
}

fn refused_write(role: String, failure: Failure) -> WriteTrustPolicyError {
    match (failure.code.as_str(), failure.kind()) {
        (_, Kind::Denied) => WriteTrustPolicyError::AccessDenied {
            role,
            source: failure.source(),
        },
        (_, Kind::Throttled) => WriteTrustPolicyError::Throttled {
            source: failure.source(),
        },
        ("NoSuchEntity", _) => WriteTrustPolicyError::NoSuchRole {
            role,
            source: failure.source(),
        },
        ("LimitExceeded", _) => WriteTrustPolicyError::TooLong {
            source: failure.source(),
        },
        // The API's own bound of 131,072 characters comes before the quota.
        ("ValidationError" | "InvalidInput", _) if failure.message.contains("length less than") => {
            WriteTrustPolicyError::TooLong {
                source: failure.source(),
            }
        }
        ("MalformedPolicyDocument", _) => match refused_principal(&failure.message) {
            Some(principal) => {
                let principal = principal.to_owned();
                WriteTrustPolicyError::RefusedPrincipal {
                    principal,
                    source: failure.source(),
                }
            }
            None => WriteTrustPolicyError::Malformed {
                source: failure.source(),
            },
        },
        ("ValidationError" | "InvalidInput", _) => WriteTrustPolicyError::Malformed {
            source: failure.source(),
        },
        _ => WriteTrustPolicyError::Other {
            role,
            source: failure.source(),
        },
    }
}

fn refused_denial(role: String, failure: Failure) -> DenySessionsError {
    match (failure.code.as_str(), failure.kind()) {
        (_, Kind::Denied) => DenySessionsError::AccessDenied {
            role,
            source: failure.source(),
        },
        ("NoSuchEntity", _) => DenySessionsError::NoSuchRole {
            role,
            source: failure.source(),
        },
        ("LimitExceeded", _) => DenySessionsError::QuotaExceeded {
            role,
            source: failure.source(),
        },
        _ => DenySessionsError::Other {
            role,
            source: failure.source(),
        },
    }
}

/// The principal in `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/gone"`.
fn refused_principal(message: &str) -> Option<&str> {
    let (_, named) = message.split_once("Invalid principal in policy: ")?;
    let (_, value) = named.split_once(':')?;
    let principal = value.trim().strip_prefix('"')?.split('"').next()?;
    (!principal.is_empty()).then_some(principal)
}
