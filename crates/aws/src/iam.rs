//! Roles and access keys in IAM.
//!
//! IAM is one service per partition with one endpoint, which the SDK finds from the region
//! (`iam.amazonaws.com`, `iam.us-gov.amazonaws.com`, `iam.cn-north-1.amazonaws.com.cn`).

use std::sync::OnceLock;
use std::time::{Duration, Instant};

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
    started: Instant,
}

/// For so long after its start a function may meet an IAM that does not know what its deploy gave.
const SETTLING: Duration = Duration::from_secs(5 * 60);

/// A write that IAM refused, by a function that has run for so long. An explicit deny is no
/// permission that is missing.
fn refused_after(running: Duration, mut error: IamError) -> IamError {
    let said = error.source.to_string();
    let missing = said.contains("AccessDenied") && !said.contains("explicit deny");
    if error.kind == IamErrorKind::AccessDenied && missing && running < SETTLING {
        error.kind = IamErrorKind::DeniedAtStart;
    }
    error
}

impl IamWriter {
    /// Nothing is asked before the first call.
    pub fn new(cloud: &SdkContext) -> Self {
        Self {
            iam: Iam::new(cloud),
            started: Instant::now(),
        }
    }

    pub(crate) fn iam(&self) -> &Iam {
        &self.iam
    }

    pub(crate) fn refused(&self, error: IamError) -> IamError {
        refused_after(self.started.elapsed(), error)
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
        let error = failure.of_iam("write the trust policy of", format!("role {role}"));
        Err(self.refused(error))
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
        Err(self.refused(failure.of_iam("deactivate", key)))
    }
}

fn refused_denial(role: &str, failure: Failure) -> IamError {
    failure.of_iam("change the inline policies of", format!("role {role}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_permission_may_be_on_its_way_for_five_minutes() {
        let kind_after = |seconds, kind, said: &str| {
            let error = IamError::new("write", "role x", kind, said);
            refused_after(Duration::from_secs(seconds), error).kind
        };
        let missing = "AccessDenied: no identity-based policy allows it";
        let denied = IamErrorKind::AccessDenied;
        for (seconds, kind, said, expected) in [
            (0, denied.clone(), missing, IamErrorKind::DeniedAtStart),
            (299, denied.clone(), missing, IamErrorKind::DeniedAtStart),
            (300, denied.clone(), missing, denied.clone()),
            (
                0,
                denied.clone(),
                "AccessDenied: with an explicit deny",
                denied.clone(),
            ),
            (
                0,
                denied.clone(),
                "UnmodifiableEntity: protected",
                denied.clone(),
            ),
            (0, IamErrorKind::Other, missing, IamErrorKind::Other),
        ] {
            assert_eq!(
                kind_after(seconds, kind, said),
                expected,
                "{seconds} {said}"
            );
        }
    }
}
