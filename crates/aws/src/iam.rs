//! Roles and access keys in IAM.
//!
//! IAM is one service per partition with one endpoint, which the SDK finds from the region
//! (`iam.amazonaws.com`, `iam.us-gov.amazonaws.com`, `iam.cn-north-1.amazonaws.com.cn`).

use std::sync::OnceLock;

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::types::StatusType;
use guard::cloudtrail::percent_decoded;
use guard::model::LiveRole;
use guard::ports::{IamError, IamErrorKind, Keys, Roles, WriteRoles};
use guard::remediate::session_denial;
use jiff::Timestamp;

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

pub use guard::remediate::SESSION_DENIAL;

/// Reads roles. It has no way to write.
#[derive(Debug)]
pub struct Iam {
    cloud: SdkContext,
    client: OnceLock<Client>,
}

impl Iam {
    /// Nothing is asked before the first call.
    pub fn new(cloud: &SdkContext) -> Self {
        Self {
            cloud: cloud.clone(),
            client: OnceLock::new(),
        }
    }

    pub(crate) fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let configuration = Builder::from(self.cloud.sdk())
                .retry_config(RetryPolicy::IAM.retries())
                .timeout_config(RetryPolicy::IAM.timeouts());
            Client::from_conf(configuration.build())
        })
    }
}

impl Roles for Iam {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        let role = format!("role {name}");
        let answer = match self.client().get_role().role_name(name).send().await {
            Ok(answer) => answer,
            Err(error) => {
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_entity_exception())
                {
                    return Ok(None);
                }
                return Err(Failure::of("iam:GetRole", &error).of_iam("read", role));
            }
        };
        let unreadable = |why: &'static str| IamError::new("read", &role, IamErrorKind::Other, why);
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
    pub fn new(cloud: &SdkContext) -> Self {
        Self {
            iam: Iam::new(cloud),
        }
    }

    pub(crate) fn iam(&self) -> &Iam {
        &self.iam
    }
}

impl Roles for IamWriter {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        self.iam.read_role(name).await
    }
}

impl WriteRoles for IamWriter {
    async fn write_trust_policy(&self, role: &str, document: &str) -> Result<(), IamError> {
        let call = self
            .iam
            .client()
            .update_assume_role_policy()
            .role_name(role);
        let Err(error) = call.policy_document(document).send().await else {
            return Ok(());
        };
        let failure = Failure::of("iam:UpdateAssumeRolePolicy", &error);
        Err(failure.of_iam("write the trust policy of", format!("role {role}")))
    }

    async fn deny_sessions_before(&self, role: &str, before: Timestamp) -> Result<(), IamError> {
        let call = self.iam.client().put_role_policy().role_name(role);
        let call = call
            .policy_name(SESSION_DENIAL)
            .policy_document(session_denial(before));
        let Err(error) = call.send().await else {
            return Ok(());
        };
        Err(refused_denial(
            role,
            Failure::of("iam:PutRolePolicy", &error),
        ))
    }

    async fn lift_session_denial(&self, role: &str) -> Result<(), IamError> {
        let call = self.iam.client().delete_role_policy().role_name(role);
        let Err(error) = call.policy_name(SESSION_DENIAL).send().await else {
            return Ok(());
        };
        let failure = Failure::of("iam:DeleteRolePolicy", &error);
        // One code for both: "The role policy with name … cannot be found", "The role with …".
        if failure.code == "NoSuchEntity" && !failure.message.starts_with("The role with") {
            return Ok(());
        }
        Err(refused_denial(role, failure))
    }
}

impl Keys for IamWriter {
    async fn key_created(&self, user: &str, key_id: &str) -> Result<Option<Timestamp>, IamError> {
        // A user has two keys at most, so there is one page.
        let call = self.iam.client().list_access_keys().user_name(user);
        let answer = match call.send().await {
            Ok(answer) => answer,
            Err(error) => {
                let failure = Failure::of("iam:ListAccessKeys", &error);
                if failure.code == "NoSuchEntity" {
                    return Ok(None);
                }
                return Err(failure.of_iam("read", format!("the access keys of user {user}")));
            }
        };
        let mut keys = answer.access_key_metadata.into_iter();
        let key = keys.find(|key| key.access_key_id.as_deref() == Some(key_id));
        Ok(key.map(|key| {
            let created = key.create_date.map(|at| at.secs());
            // Of what has no date it is not shown that it is new.
            created.map_or(Timestamp::UNIX_EPOCH, |at| {
                Timestamp::new(at, 0).unwrap_or_default()
            })
        }))
    }

    async fn deactivate_key(&self, user: &str, key_id: &str) -> Result<(), IamError> {
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
        let key = format!("access key {key_id} of user {user}");
        Err(failure.of_iam("deactivate", key))
    }
}

fn refused_denial(role: &str, failure: Failure) -> IamError {
    failure.of_iam("change the inline policies of", format!("role {role}"))
}
