//! A whole account: its roles, users and policies, and its credential report.

use std::time::Duration;

use aws_sdk_iam::types::{
    AttachedPermissionsBoundary, AttachedPolicy, GroupDetail, ManagedPolicyDetail, PolicyDetail,
    RoleDetail, UserDetail,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::retry::RetryConfig;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::listing::credential_report_if_made;

/// How many objects stand on a page, at most. A role comes with all its inline policies.
const PAGE: i32 = 200;

/// IAM throttles per account, and other programs want their share: the client slows down by itself
/// when it is told to, and asks so often before it gives up.
const TRIES: u32 = 10;

/// How long to wait between two questions whether the credential report is ready, and how often.
const PAUSE: Duration = Duration::from_secs(2);
const QUESTIONS: usize = 60;

/// Why an account cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReadAccountError {
    /// A call failed.
    #[error(transparent)]
    Call(#[from] CallError),
    /// There is more, and no way to ask for it.
    #[error("IAM says that there are more pages, and not which")]
    NoMarker,
    /// IAM does not finish it.
    #[error("IAM did not finish the credential report within two minutes")]
    NoReport,
}

/// The account's roles, users and managed policies (GetAccountAuthorizationDetails), page by page.
#[derive(Debug)]
pub struct AuthorizationDetails {
    client: aws_sdk_iam::Client,
    marker: Option<String>,
    ended: bool,
}

fn client(cloud: &SdkContext) -> aws_sdk_iam::Client {
    let retry = RetryConfig::adaptive().with_max_attempts(TRIES);
    let configuration = aws_sdk_iam::config::Builder::from(cloud.sdk())
        .retry_config(retry)
        .build();
    aws_sdk_iam::Client::from_conf(configuration)
}

impl AuthorizationDetails {
    /// Nothing is asked before the first page.
    pub fn new(cloud: &SdkContext) -> Self {
        Self {
            client: client(cloud),
            marker: None,
            ended: false,
        }
    }

    /// The next page, as the AWS CLI prints it, as far as an audit reads it; `None` behind the last.
    /// A page may be empty and still not be the last.
    ///
    /// # Errors
    /// [`ReadAccountError`].
    pub async fn next_page(&mut self) -> Result<Option<Value>, ReadAccountError> {
        if self.ended {
            return Ok(None);
        }
        let call = self
            .client
            .get_account_authorization_details()
            .max_items(PAGE)
            .set_marker(self.marker.take());
        let answer = call
            .send()
            .await
            .map_err(|error| Failure::of("iam:GetAccountAuthorizationDetails", &error))
            .map_err(CallError::from)?;
        if answer.is_truncated {
            let marker = answer.marker.ok_or(ReadAccountError::NoMarker)?;
            self.marker = Some(marker);
        } else {
            self.ended = true;
        }
        let roles = answer.role_detail_list.unwrap_or_default();
        let users = answer.user_detail_list.unwrap_or_default();
        let groups = answer.group_detail_list.unwrap_or_default();
        let policies = answer.policies.unwrap_or_default();
        Ok(Some(json!({
            "RoleDetailList": roles.into_iter().map(role).collect::<Vec<_>>(),
            "UserDetailList": users.into_iter().map(user).collect::<Vec<_>>(),
            "GroupDetailList": groups.into_iter().map(group).collect::<Vec<_>>(),
            "Policies": policies.into_iter().map(policy).collect::<Vec<_>>(),
        })))
    }
}

/// The account's credential report as CSV (GenerateCredentialReport, GetCredentialReport): waits
/// until IAM has made one, which takes some seconds.
///
/// # Errors
/// [`ReadAccountError`].
pub async fn credential_report(cloud: &SdkContext) -> Result<Vec<u8>, ReadAccountError> {
    let client = client(cloud);
    for _ in 0..QUESTIONS {
        let made = credential_report_if_made(&client).await;
        if let Some(report) = made.map_err(CallError::from)? {
            return Ok(report);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(ReadAccountError::NoReport)
}

/// How long a session of a role may last, in seconds (GetRole): the account's details leave it out.
///
/// # Errors
/// [`CallError`].
pub async fn session_seconds(cloud: &SdkContext, role: &str) -> Result<Option<i32>, CallError> {
    let answer = client(cloud).get_role().role_name(role).send().await;
    let answer = answer.map_err(|error| Failure::of("iam:GetRole", &error))?;
    Ok(answer.role.and_then(|role| role.max_session_duration))
}

/// Fields that IAM left out are left out here: whoever reads the page says what is missing.
fn role(role: RoleDetail) -> Value {
    let mut object = json!({
        "InstanceProfileList": [],
        "RolePolicyList": inline(role.role_policy_list),
        "AttachedManagedPolicies": attached(role.attached_managed_policies),
    });
    set(&mut object, "RoleName", role.role_name);
    set(&mut object, "RoleId", role.role_id);
    set(&mut object, "Arn", role.arn);
    set(&mut object, "Path", role.path);
    set(
        &mut object,
        "AssumeRolePolicyDocument",
        role.assume_role_policy_document,
    );
    set(&mut object, "CreateDate", role.create_date.and_then(moment));
    set_boundary(&mut object, role.permissions_boundary);
    let tags = role.tags.unwrap_or_default().into_iter();
    let tags = tags.map(|tag| json!({ "Key": tag.key, "Value": tag.value }));
    set(&mut object, "Tags", Some(tags.collect::<Vec<_>>()));
    if let Some(used) = role.role_last_used {
        let mut last = json!({});
        set(
            &mut last,
            "LastUsedDate",
            used.last_used_date.and_then(moment),
        );
        set(&mut last, "Region", used.region);
        set(&mut object, "RoleLastUsed", Some(last));
    }
    object
}

fn user(user: UserDetail) -> Value {
    let mut object = json!({
        "UserPolicyList": inline(user.user_policy_list),
        "AttachedManagedPolicies": attached(user.attached_managed_policies),
        "GroupList": user.group_list.unwrap_or_default(),
    });
    set(&mut object, "UserName", user.user_name);
    set(&mut object, "Arn", user.arn);
    set_boundary(&mut object, user.permissions_boundary);
    object
}

fn group(group: GroupDetail) -> Value {
    let mut object = json!({
        "GroupPolicyList": inline(group.group_policy_list),
        "AttachedManagedPolicies": attached(group.attached_managed_policies),
    });
    set(&mut object, "GroupName", group.group_name);
    set(&mut object, "Arn", group.arn);
    object
}

fn set_boundary(object: &mut Value, boundary: Option<AttachedPermissionsBoundary>) {
    if let Some(boundary) = boundary {
        let arn = boundary.permissions_boundary_arn;
        let boundary = json!({ "PermissionsBoundaryArn": arn });
        set(object, "PermissionsBoundary", Some(boundary));
    }
}

fn policy(policy: ManagedPolicyDetail) -> Value {
    let versions = policy.policy_version_list.unwrap_or_default();
    let versions = versions
        .into_iter()
        .filter(|version| version.is_default_version);
    let versions = versions.map(|version| {
        json!({
            "Document": version.document,
            "VersionId": version.version_id,
            "IsDefaultVersion": true,
        })
    });
    let mut object = json!({ "PolicyVersionList": versions.collect::<Vec<_>>() });
    set(&mut object, "Arn", policy.arn);
    set(&mut object, "DefaultVersionId", policy.default_version_id);
    object
}

fn inline(policies: Option<Vec<PolicyDetail>>) -> Vec<Value> {
    let policies = policies.unwrap_or_default().into_iter();
    let shown = policies.map(|policy| {
        json!({ "PolicyName": policy.policy_name, "PolicyDocument": policy.policy_document })
    });
    shown.collect()
}

fn attached(policies: Option<Vec<AttachedPolicy>>) -> Vec<Value> {
    let policies = policies.unwrap_or_default().into_iter();
    let shown = policies
        .map(|policy| json!({ "PolicyName": policy.policy_name, "PolicyArn": policy.policy_arn }));
    shown.collect()
}

fn moment(at: DateTime) -> Option<String> {
    let moment = Timestamp::new(at.secs(), 0).ok()?;
    Some(moment.to_string())
}

fn set(object: &mut Value, key: &str, value: Option<impl Into<Value>>) {
    if let (Some(object), Some(value)) = (object.as_object_mut(), value) {
        object.insert(key.to_owned(), value.into());
    }
}
