//! What roles and users may do, read policy by policy.
//!
//! A document that cannot be read leaves its policy on the list without one: whoever judges then
//! knows that something is missing. A list that cannot be read is an error.

use aws_sdk_iam::operation::get_group::GetGroupError;
use aws_sdk_iam::operation::list_entities_for_policy::ListEntitiesForPolicyError;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use guard::cloudtrail::percent_decoded;
use guard::model::{HeldPolicy, LivePermissions};
use guard::ports::{HoldersPage, IamError, IamErrorKind, ListOf, ReadPermissions};

use crate::failure::Failure;
use crate::iam::{Iam, IamWriter};

/// Pages that are read of one list; IAM's quotas fill fewer.
const PAGES: usize = 50;

/// A failed call as the guard's error, or `None` where the thing is not there.
fn failed<E, R>(call: &'static str, what: &str, error: &SdkError<E, R>) -> Option<IamError>
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    R: std::fmt::Debug + 'static,
{
    let failure = Failure::of(call, error);
    (failure.code != "NoSuchEntity").then(|| failure.of_iam("read", what))
}

fn unreadable(what: &str, why: &'static str) -> IamError {
    IamError::new("read", what, IamErrorKind::Other, why)
}

/// All pages of a list of names or ARNs. `$page` takes the marker and gives the call's future;
/// `$names` takes an answer and gives the names.
macro_rules! all_pages {
    ($call:literal, $what:expr, $page:expr, $names:expr) => {{
        let mut all: Vec<String> = Vec::new();
        let mut marker: Option<String> = None;
        let mut pages = 0;
        loop {
            match $page(marker.take()).await {
                Ok(answer) => {
                    let next = answer.marker.clone().filter(|_| answer.is_truncated);
                    all.extend($names(answer));
                    pages += 1;
                    match next {
                        Some(next) if pages < PAGES => marker = Some(next),
                        Some(_) => {
                            return Err(unreadable(
                                $what,
                                concat!($call, ": the list does not end"),
                            ));
                        }
                        None => break Some(all),
                    }
                }
                Err(error) => match failed($call, $what, &error) {
                    Some(error) => return Err(error),
                    None => break None,
                },
            }
        }
    }};
}

impl Iam {
    /// A managed policy; the one that is in force where no version is named.
    async fn managed(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        let what = format!("policy {arn}");
        let version = match version {
            Some(version) => version.to_owned(),
            None => {
                let call = self.client().get_policy().policy_arn(arn);
                let answer = match call.send().await {
                    Ok(answer) => answer.policy.and_then(|policy| policy.default_version_id),
                    Err(error) => {
                        return failed("iam:GetPolicy", &what, &error).map_or(Ok(None), Err);
                    }
                };
                answer.ok_or_else(|| {
                    unreadable(&what, "iam:GetPolicy: no default version in the answer")
                })?
            }
        };
        let call = self.client().get_policy_version().policy_arn(arn);
        match call.version_id(&version).send().await {
            Ok(answer) => Ok(Some(HeldPolicy {
                version: Some(version),
                document: answer
                    .policy_version
                    .and_then(|version| version.document)
                    .map(|document| percent_decoded(&document)),
                ..HeldPolicy::managed(arn)
            })),
            Err(error) => failed("iam:GetPolicyVersion", &what, &error).map_or(Ok(None), Err),
        }
    }

    /// The same, for a policy that is held: one that cannot be read stays, without its document.
    async fn held(&self, arn: &str, group: Option<&str>) -> HeldPolicy {
        let read = self.managed(arn, None).await.ok().flatten();
        HeldPolicy {
            group: group.map(str::to_owned),
            ..read.unwrap_or_else(|| HeldPolicy::managed(arn))
        }
    }

    async fn boundary(&self, arn: Option<String>) -> Option<HeldPolicy> {
        match arn {
            Some(arn) => Some(self.held(&arn, None).await),
            None => None,
        }
    }

    /// An inline policy of a user; none where it is gone by now.
    async fn inline_of_user(&self, user: &str, name: String, what: &str) -> Option<HeldPolicy> {
        let client = self.client();
        let call = client.get_user_policy().user_name(user).policy_name(&name);
        let document = match call.send().await {
            Ok(answer) => Some(percent_decoded(&answer.policy_document)),
            Err(error) if failed("iam:GetUserPolicy", what, &error).is_none() => return None,
            Err(_) => None,
        };
        Some(HeldPolicy {
            name,
            document,
            ..HeldPolicy::default()
        })
    }

    async fn of_group(&self, group: &str, policies: &mut Vec<HeldPolicy>) -> Result<(), IamError> {
        let what = &format!("the policies of group {group}");
        let client = self.client();
        let attached = all_pages!(
            "iam:ListAttachedGroupPolicies",
            what,
            |marker| client
                .list_attached_group_policies()
                .group_name(group)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_attached_group_policies::ListAttachedGroupPoliciesOutput| {
                arns(answer.attached_policies)
            }
        );
        for arn in attached.unwrap_or_default() {
            policies.push(self.held(&arn, Some(group)).await);
        }
        let inline = all_pages!(
            "iam:ListGroupPolicies",
            what,
            |marker| client
                .list_group_policies()
                .group_name(group)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_group_policies::ListGroupPoliciesOutput| answer
                .policy_names
        );
        for name in inline.unwrap_or_default() {
            let call = client
                .get_group_policy()
                .group_name(group)
                .policy_name(&name);
            let document = match call.send().await {
                Ok(answer) => Some(percent_decoded(&answer.policy_document)),
                Err(error) if failed("iam:GetGroupPolicy", what, &error).is_none() => continue,
                Err(_) => None,
            };
            policies.push(HeldPolicy {
                name,
                group: Some(group.to_owned()),
                document,
                ..HeldPolicy::default()
            });
        }
        Ok(())
    }
}

fn arns(attached: Option<Vec<aws_sdk_iam::types::AttachedPolicy>>) -> Vec<String> {
    let attached = attached.unwrap_or_default().into_iter();
    attached.filter_map(|policy| policy.policy_arn).collect()
}

impl ReadPermissions for Iam {
    async fn role_permissions(&self, role: &str) -> Result<Option<LivePermissions>, IamError> {
        let what = &format!("the policies of role {role}");
        let client = self.client();
        let live = match client.get_role().role_name(role).send().await {
            Ok(answer) => answer.role,
            Err(error) => return failed("iam:GetRole", what, &error).map_or(Ok(None), Err),
        };
        let live = live.ok_or_else(|| unreadable(what, "iam:GetRole: no role in the answer"))?;
        let attached = all_pages!(
            "iam:ListAttachedRolePolicies",
            what,
            |marker| client
                .list_attached_role_policies()
                .role_name(role)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_attached_role_policies::ListAttachedRolePoliciesOutput| {
                arns(answer.attached_policies)
            }
        );
        let inline = all_pages!(
            "iam:ListRolePolicies",
            what,
            |marker| client
                .list_role_policies()
                .role_name(role)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_role_policies::ListRolePoliciesOutput| answer
                .policy_names
        );
        let (Some(attached), Some(inline)) = (attached, inline) else {
            return Ok(None);
        };
        let mut policies = Vec::with_capacity(attached.len() + inline.len());
        for arn in attached {
            policies.push(self.held(&arn, None).await);
        }
        for name in inline {
            let call = client.get_role_policy().role_name(role).policy_name(&name);
            let document = match call.send().await {
                Ok(answer) => Some(percent_decoded(&answer.policy_document)),
                Err(error) if failed("iam:GetRolePolicy", what, &error).is_none() => continue,
                Err(_) => None,
            };
            policies.push(HeldPolicy {
                name,
                document,
                ..HeldPolicy::default()
            });
        }
        let boundary = live
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn);
        Ok(Some(LivePermissions {
            name: live.role_name,
            arn: live.arn,
            id: live.role_id,
            policies,
            boundary: self.boundary(boundary).await,
            groups: Vec::new(),
        }))
    }

    async fn user_permissions(&self, user: &str) -> Result<Option<LivePermissions>, IamError> {
        let what = &format!("the policies of user {user}");
        let client = self.client();
        let live = match client.get_user().user_name(user).send().await {
            Ok(answer) => answer.user,
            Err(error) => return failed("iam:GetUser", what, &error).map_or(Ok(None), Err),
        };
        let live = live.ok_or_else(|| unreadable(what, "iam:GetUser: no user in the answer"))?;
        let attached = all_pages!(
            "iam:ListAttachedUserPolicies",
            what,
            |marker| client
                .list_attached_user_policies()
                .user_name(user)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_attached_user_policies::ListAttachedUserPoliciesOutput| {
                arns(answer.attached_policies)
            }
        );
        let inline = all_pages!(
            "iam:ListUserPolicies",
            what,
            |marker| client
                .list_user_policies()
                .user_name(user)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_user_policies::ListUserPoliciesOutput| answer
                .policy_names
        );
        let groups = all_pages!(
            "iam:ListGroupsForUser",
            what,
            |marker| client
                .list_groups_for_user()
                .user_name(user)
                .set_marker(marker)
                .send(),
            |answer: aws_sdk_iam::operation::list_groups_for_user::ListGroupsForUserOutput| answer
                .groups
                .into_iter()
                .map(|group| group.group_name)
        );
        let (Some(attached), Some(inline), Some(groups)) = (attached, inline, groups) else {
            return Ok(None);
        };
        let mut policies = Vec::with_capacity(attached.len() + inline.len());
        for arn in attached {
            policies.push(self.held(&arn, None).await);
        }
        for name in inline {
            policies.extend(self.inline_of_user(user, name, what).await);
        }
        for group in &groups {
            self.of_group(group, &mut policies).await?;
        }
        let boundary = live
            .permissions_boundary
            .and_then(|boundary| boundary.permissions_boundary_arn);
        Ok(Some(LivePermissions {
            name: live.user_name,
            arn: live.arn,
            id: live.user_id,
            policies,
            boundary: self.boundary(boundary).await,
            groups,
        }))
    }

    async fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        self.managed(arn, version).await
    }

    async fn holders(&self, of: ListOf<'_>, marker: Option<&str>) -> Result<HoldersPage, IamError> {
        let marker = marker.map(str::to_owned);
        match of {
            ListOf::HoldersOf(arn) => {
                let call = self.client().list_entities_for_policy().policy_arn(arn);
                match call.set_marker(marker).send().await {
                    Ok(answer) => Ok(HoldersPage {
                        next: answer.marker.filter(|_| answer.is_truncated),
                        roles: named(answer.policy_roles, |role| role.role_name),
                        users: named(answer.policy_users, |user| user.user_name),
                        groups: named(answer.policy_groups, |group| group.group_name),
                    }),
                    Err(error) => {
                        let what = format!("who holds policy {arn}");
                        let error: &SdkError<ListEntitiesForPolicyError, _> = &error;
                        failed("iam:ListEntitiesForPolicy", &what, error)
                            .map_or_else(|| Ok(HoldersPage::default()), Err)
                    }
                }
            }
            ListOf::UsersIn(group) => {
                let call = self.client().get_group().group_name(group);
                match call.set_marker(marker).send().await {
                    Ok(answer) => Ok(HoldersPage {
                        next: answer.marker.filter(|_| answer.is_truncated),
                        users: answer
                            .users
                            .into_iter()
                            .map(|user| user.user_name)
                            .collect(),
                        ..HoldersPage::default()
                    }),
                    Err(error) => {
                        let what = format!("who is in group {group}");
                        let error: &SdkError<GetGroupError, _> = &error;
                        failed("iam:GetGroup", &what, error)
                            .map_or_else(|| Ok(HoldersPage::default()), Err)
                    }
                }
            }
        }
    }
}

fn named<T>(all: Option<Vec<T>>, name: impl Fn(T) -> Option<String>) -> Vec<String> {
    all.unwrap_or_default()
        .into_iter()
        .filter_map(name)
        .collect()
}

impl ReadPermissions for IamWriter {
    async fn role_permissions(&self, role: &str) -> Result<Option<LivePermissions>, IamError> {
        self.iam().role_permissions(role).await
    }

    async fn user_permissions(&self, user: &str) -> Result<Option<LivePermissions>, IamError> {
        self.iam().user_permissions(user).await
    }

    async fn managed_policy(
        &self,
        arn: &str,
        version: Option<&str>,
    ) -> Result<Option<HeldPolicy>, IamError> {
        self.iam().managed_policy(arn, version).await
    }

    async fn holders(&self, of: ListOf<'_>, marker: Option<&str>) -> Result<HoldersPage, IamError> {
        self.iam().holders(of, marker).await
    }
}
