//! All roles of the account, as the sweep reads them.

use aws_sdk_iam::Client;
use aws_sdk_iam::config::Builder;
use aws_sdk_iam::operation::get_account_authorization_details::GetAccountAuthorizationDetailsOutput;
use aws_sdk_iam::primitives::{Blob, DateTime};
use aws_sdk_iam::types::{
    AccessKeyMetadata, AttachedPolicy, EntityType, PolicyDetail, ReportStateType, RoleDetail,
    StatusType,
};
use guard::account::CredentialReport;
use guard::cloudtrail::{Metadata, ProviderType, percent_decoded};
use guard::model::{HeldPolicy, LiveRole};
use guard::ports::{
    IamError, IamErrorKind, ListProviders, ListRoles, ListedRole, LiveProvider, ReadCredentials,
    Roles, RolesPage, UserKey, UsersPage,
};
use jiff::Timestamp;

use crate::cloud::SdkContext;
use crate::failure::Failure;
use crate::iam::{Iam, SESSION_DENIAL};
use crate::network::RetryPolicy;

/// How many roles stand on a page: a role comes with all its inline policies, so a page of these
/// is a megabyte or two.
const PAGE: i32 = 100;

/// The most that IAM puts on a page.
const USERS: i32 = 1000;

/// Reads and lists roles: for the sweep alone. It has no way to write.
#[derive(Debug)]
pub struct IamLister {
    iam: Iam,
}

impl IamLister {
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

impl Roles for IamLister {
    async fn read_role(&self, name: &str) -> Result<Option<LiveRole>, IamError> {
        self.iam.read_role(name).await
    }
}

impl ListRoles for IamLister {
    async fn list_roles(&self, marker: Option<&str>) -> Result<RolesPage, IamError> {
        let call = self
            .iam
            .client()
            .get_account_authorization_details()
            .filter(EntityType::Role)
            .max_items(PAGE)
            .set_marker(marker.map(str::to_owned));
        let slow = Builder::default()
            .retry_config(RetryPolicy::LISTING.retries())
            .timeout_config(RetryPolicy::LISTING.timeouts());
        match call.customize().config_override(slow).send().await {
            Ok(answer) => Ok(page(answer)),
            Err(error) => {
                let failure = Failure::of("iam:GetAccountAuthorizationDetails", &error);
                Err(failure.of_iam("list", "the account's roles"))
            }
        }
    }
}

impl ListProviders for IamLister {
    async fn list_providers(&self) -> Result<Vec<LiveProvider>, IamError> {
        let (client, what) = (self.iam.client(), "the account's identity providers");
        let mut found = Vec::new();
        let listed = client.list_open_id_connect_providers().send().await;
        let listed = listed.map_err(|error| {
            Failure::of("iam:ListOpenIDConnectProviders", &error).of_iam("list", what)
        })?;
        let listed = listed.open_id_connect_provider_list.unwrap_or_default();
        for arn in listed.into_iter().filter_map(|one| one.arn) {
            let call = client.get_open_id_connect_provider();
            let read = call.open_id_connect_provider_arn(&arn).send().await;
            let read = read.map_err(|error| {
                Failure::of("iam:GetOpenIDConnectProvider", &error).of_iam("read", arn.clone())
            });
            let Some(read) = still_there(read)? else {
                continue;
            };
            let (mut audiences, mut certificates) = (
                read.client_id_list.unwrap_or_default(),
                read.thumbprint_list.unwrap_or_default(),
            );
            audiences.sort();
            certificates.sort();
            found.push(LiveProvider {
                provider: ProviderType::Oidc,
                arn,
                created: read.create_date.and_then(moment),
                metadata: Metadata {
                    issuer: read.url,
                    audiences,
                    certificates,
                    document: None,
                },
            });
        }
        let listed = client.list_saml_providers().send().await;
        let listed = listed
            .map_err(|error| Failure::of("iam:ListSAMLProviders", &error).of_iam("list", what))?;
        let listed = listed.saml_provider_list.unwrap_or_default();
        for arn in listed.into_iter().filter_map(|one| one.arn) {
            let read = client.get_saml_provider().saml_provider_arn(&arn).send();
            let read = read.await.map_err(|error| {
                Failure::of("iam:GetSAMLProvider", &error).of_iam("read", arn.clone())
            });
            let Some(read) = still_there(read)? else {
                continue;
            };
            let document = read.saml_metadata_document.unwrap_or_default();
            found.push(LiveProvider {
                provider: ProviderType::Saml,
                arn,
                created: read.create_date.and_then(moment),
                metadata: Metadata::of_saml(document),
            });
        }
        Ok(found)
    }
}

/// As IAM says it, in whole seconds.
fn moment(at: DateTime) -> Option<Timestamp> {
    Timestamp::new(at.secs(), 0).ok()
}

/// What was listed may be gone by now.
fn still_there<T>(read: Result<T, IamError>) -> Result<Option<T>, IamError> {
    match read {
        Err(error) if error.kind == IamErrorKind::NoSuchEntity => Ok(None),
        read => read.map(Some),
    }
}

impl ReadCredentials for IamLister {
    async fn credentials(&self) -> Result<Option<CredentialReport>, IamError> {
        let (read, what) = ("read", "the credential report");
        let made = credential_report_if_made(self.iam.client()).await;
        let Some(content) = made.map_err(|failure| failure.of_iam(read, what))? else {
            return Ok(None);
        };
        let report = CredentialReport::read(&String::from_utf8_lossy(&content));
        let report = report.map_err(|error| IamError::new(read, what, IamErrorKind::Other, error));
        report.map(Some)
    }

    async fn list_users(&self, marker: Option<&str>) -> Result<UsersPage, IamError> {
        let call = self.iam.client().list_users().max_items(USERS);
        let answer = call.set_marker(marker.map(str::to_owned)).send().await;
        let answer = answer.map_err(|error| {
            Failure::of("iam:ListUsers", &error).of_iam("list", "the account's users")
        })?;
        Ok(UsersPage {
            users: answer
                .users
                .into_iter()
                .map(|user| user.user_name)
                .collect(),
            next: answer.marker.filter(|_| answer.is_truncated),
        })
    }

    async fn access_keys(&self, user: &str) -> Result<Vec<UserKey>, IamError> {
        // IAM holds two for a user, so they are on one page.
        let answer = self.iam.client().list_access_keys().user_name(user).send();
        let keys = match answer.await {
            Ok(answer) => answer.access_key_metadata,
            Err(error) => {
                let error = Failure::of("iam:ListAccessKeys", &error);
                let error = error.of_iam("read", format!("the access keys of {user}"));
                return match error.kind {
                    IamErrorKind::NoSuchEntity => Ok(Vec::new()),
                    _ => Err(error),
                };
            }
        };
        let key = |key: AccessKeyMetadata| {
            Some(UserKey {
                created: moment(key.create_date?)?,
                active: key.status == Some(StatusType::Active),
            })
        };
        Ok(keys.into_iter().filter_map(key).collect())
    }
}

/// The account's credential report in CSV; `None` while AWS is making one.
pub(crate) async fn credential_report_if_made(client: &Client) -> Result<Option<Vec<u8>>, Failure> {
    let made = client.generate_credential_report().send().await;
    let made = made.map_err(|error| Failure::of("iam:GenerateCredentialReport", &error))?;
    if made.state != Some(ReportStateType::Complete) {
        return Ok(None);
    }
    let report = client.get_credential_report().send().await;
    let report = report.map_err(|error| Failure::of("iam:GetCredentialReport", &error))?;
    Ok(Some(
        report.content.map(Blob::into_inner).unwrap_or_default(),
    ))
}

fn page(answer: GetAccountAuthorizationDetailsOutput) -> RolesPage {
    RolesPage {
        roles: answer
            .role_detail_list
            .unwrap_or_default()
            .into_iter()
            .map(listed)
            .collect(),
        next: answer.marker.filter(|_| answer.is_truncated),
    }
}

/// What is missing becomes a text that cannot be judged, never a role that is left out.
fn listed(role: RoleDetail) -> ListedRole {
    let inline = role.role_policy_list.unwrap_or_default();
    ListedRole {
        sessions_denied_before: inline.iter().find_map(denied_before),
        policies: policies(inline, role.attached_managed_policies.unwrap_or_default()),
        role: LiveRole {
            name: role.role_name.unwrap_or_default(),
            arn: role.arn.unwrap_or_default(),
            path: role.path.unwrap_or_default(),
            role_id: role.role_id.unwrap_or_default(),
            document: percent_decoded(&role.assume_role_policy_document.unwrap_or_default()),
            created: role.create_date.and_then(moment),
        },
    }
}

fn policies(inline: Vec<PolicyDetail>, attached: Vec<AttachedPolicy>) -> Vec<HeldPolicy> {
    let inline = inline.into_iter().map(|policy| HeldPolicy {
        name: policy.policy_name.unwrap_or_default(),
        document: policy.policy_document.as_deref().map(percent_decoded),
        ..HeldPolicy::default()
    });
    let attached = attached.into_iter().filter_map(|policy| policy.policy_arn);
    inline
        .chain(attached.map(|arn| HeldPolicy::managed(&arn)))
        .collect()
}

/// The moment in the guard's own inline policy. A person who changed it is not contradicted:
/// what has no such moment is left alone.
fn denied_before(policy: &PolicyDetail) -> Option<Timestamp> {
    if policy.policy_name.as_deref() != Some(SESSION_DENIAL) {
        return None;
    }
    let document = percent_decoded(policy.policy_document.as_deref()?);
    guard::remediate::denied_before(&document)
}
