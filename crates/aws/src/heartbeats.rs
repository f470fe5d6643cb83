//! The heartbeat's calls. Each names something that does not exist and changes nothing.

use std::error::Error;

use aws_sdk_iam::operation::RequestId;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::ports::{Heartbeats, Source};

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::network::RetryPolicy;

/// A key that nobody has.
const NO_KEY: &str = "AKIA0000000000000000";

/// Makes the calls. Its clients are made anew for each heartbeat, four an hour.
#[derive(Debug)]
pub struct HeartbeatCalls {
    cloud: SdkContext,
    name: String,
    /// The ARN of a SAML provider of that name.
    provider: String,
    account: String,
}

impl HeartbeatCalls {
    /// On what would be called so, if there were anything of that name.
    pub fn new(cloud: &SdkContext, partition: &str, account: &str, name: &str) -> Self {
        Self {
            cloud: cloud.clone(),
            name: name.to_owned(),
            account: account.to_owned(),
            provider: format!("arn:{partition}:iam::{account}:saml-provider/{name}"),
        }
    }
}

impl Heartbeats for HeartbeatCalls {
    async fn beat(&self, call: &str) -> Result<String, Source> {
        let sdk = self.cloud.sdk();
        let (retries, timeouts) = (
            RetryPolicy::MESSAGE.retries(),
            RetryPolicy::MESSAGE.timeouts(),
        );
        let name = self.name.as_str();
        let iam = || {
            let builder = aws_sdk_iam::config::Builder::from(sdk);
            let builder = builder.retry_config(retries.clone());
            aws_sdk_iam::Client::from_conf(builder.timeout_config(timeouts.clone()).build())
        };
        match call {
            "iam:DeleteRole" => {
                let answer = iam().delete_role().role_name(name).send().await;
                request_id("iam:DeleteRole", &answer)
            }
            "iam:DeleteRolePolicy" => {
                let call = iam().delete_role_policy().role_name(name);
                request_id("iam:DeleteRolePolicy", &call.policy_name(name).send().await)
            }
            "iam:DeleteSAMLProvider" => {
                let call = iam()
                    .delete_saml_provider()
                    .saml_provider_arn(&self.provider);
                request_id("iam:DeleteSAMLProvider", &call.send().await)
            }
            "iam:UpdateAccessKey" => {
                let call = iam().update_access_key().user_name(name);
                let call = call.access_key_id(NO_KEY);
                let call = call.status(aws_sdk_iam::types::StatusType::Inactive);
                request_id("iam:UpdateAccessKey", &call.send().await)
            }
            "cloudformation:UpdateTerminationProtection" => {
                let builder = aws_sdk_cloudformation::config::Builder::from(sdk);
                let builder = builder.retry_config(retries).timeout_config(timeouts);
                let client = aws_sdk_cloudformation::Client::from_conf(builder.build());
                let call = client.update_termination_protection().stack_name(name);
                let answer = call.enable_termination_protection(true).send().await;
                request_id("cloudformation:UpdateTerminationProtection", &answer)
            }
            "lambda:AddPermission" => {
                let builder = aws_sdk_lambda::config::Builder::from(sdk);
                let builder = builder.retry_config(retries).timeout_config(timeouts);
                let client = aws_sdk_lambda::Client::from_conf(builder.build());
                let call = client.add_permission().function_name(name);
                // It would let nobody but this account in, if there were such a function.
                let call = call.statement_id("heartbeat").principal(&self.account);
                let answer = call.action("lambda:GetFunction").send().await;
                request_id("lambda:AddPermission", &answer)
            }
            other => Err(format!("there is no heartbeat {other}").into()),
        }
    }
}

/// The id of a call that AWS answered, with whatever.
fn request_id<O, E, R>(
    call: &'static str,
    answer: &Result<O, SdkError<E, R>>,
) -> Result<String, Source>
where
    O: RequestId,
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
    SdkError<E, R>: RequestId,
{
    let id = match answer {
        Ok(answer) => answer.request_id(),
        Err(error) => error.request_id(),
    };
    match (id, answer) {
        (Some(id), _) => Ok(id.to_owned()),
        (None, Err(error)) => Err(Failure::of(call, error).source()),
        (None, Ok(_)) => Err(format!("{call}: the answer bears no id").into()),
    }
}
