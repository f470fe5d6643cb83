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
use crate::listing::IamLister;

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

/// All pages of a list of names or ARNs; `None` where the role, user or group does not exist.
macro_rules! all_pages {
    ($call:literal, $what:expr, $request:expr, $answer:ident => $names:expr) => {{
        let mut all: Vec<String> = Vec::new();
        let mut marker: Option<String> = None;
        let mut pages = 0;
        loop {
            match $request.set_marker(marker.take()).send().await {
                Ok($answer) => {
                    let next = $answer.marker.clone().filter(|_| $answer.is_truncated);
                    all.extend($names);
                    pages += 1;
                    match next {
                        Some(next) if pages < PAGES => marker = Some(next),
                        Some(_) => {
                            let why = concat!($call, ": the list does not end");
                            return Err(unreadable($what, why));
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

/// The policies of a role, user or group, those attached to it and its own; `None` where it is gone.
/// The SDK has three calls for each of the three, and types of their own for every one.
macro_rules! policies_of {
    (
        $iam:ident, $what:ident, $by:ident($holder:expr), $group:expr;
        $list_attached:ident $listed_attached:literal,
        $list:ident $listed:literal,
        $get:ident $got:literal
    ) => {{
        let client = $iam.client();
        let attached = client.$list_attached().$by($holder);
        let attached = all_pages!($listed_attached, $what, attached.clone(), answer => {
            let attached = answer.attached_policies.unwrap_or_default().into_iter();
            attached.filter_map(|policy| policy.policy_arn)
        });
        let inline = client.$list().$by($holder);
        let inline = all_pages!($listed, $what, inline.clone(), answer => answer.policy_names);
        let group: Option<&str> = $group;
        match attached.zip(inline) {
            None => None,
            Some((attached, inline)) => {
                let mut policies = Vec::with_capacity(attached.len() + inline.len());
                for arn in attached {
                    policies.push($iam.held(&arn, group).await);
                }
                for name in inline {
                    let call = client.$get().$by($holder).policy_name(&name);
                    let document = match call.send().await {
                        Ok(answer) => Some(percent_decoded(&answer.policy_document)),
                        Err(error) if failed($got, $what, &error).is_none() => continue,
                        Err(_) => None,
                    };
                    policies.push(HeldPolicy {
                        name,
                        group: group.map(str::to_owned),
                        document,
                        ..HeldPolicy::default()
                    });
                }
                Some(policies)
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

    async fn of_group(&self, group: &str) -> Result<Option<Vec<HeldPolicy>>, IamError> {
        let what = &format!("the policies of group {group}");
        Ok(policies_of!(
            self, what, group_name(group), Some(group);
            list_attached_group_policies "iam:ListAttachedGroupPolicies",
            list_group_policies "iam:ListGroupPolicies",
            get_group_policy "iam:GetGroupPolicy"
        ))
    }
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
        let policies = policies_of!(
            self, what, role_name(role), None;
            list_attached_role_policies "iam:ListAttachedRolePolicies",
            list_role_policies "iam:ListRolePolicies",
            get_role_policy "iam:GetRolePolicy"
        );
        let Some(policies) = policies else {
            return Ok(None);
        };
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
        let policies = policies_of!(
            self, what, user_name(user), None;
            list_attached_user_policies "iam:ListAttachedUserPolicies",
            list_user_policies "iam:ListUserPolicies",
            get_user_policy "iam:GetUserPolicy"
        );
        let groups = client.list_groups_for_user().user_name(user);
        let groups = all_pages!("iam:ListGroupsForUser", what, groups.clone(), answer => {
            answer.groups.into_iter().map(|group| group.group_name)
        });
        let (Some(mut policies), Some(groups)) = (policies, groups) else {
            return Ok(None);
        };
        for group in &groups {
            policies.extend(self.of_group(group).await?.unwrap_or_default());
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

/// Reads as IAM's read-only client does.
macro_rules! reads_by_its_iam {
    ($reader:ty) => {
        impl ReadPermissions for $reader {
            async fn role_permissions(
                &self,
                role: &str,
            ) -> Result<Option<LivePermissions>, IamError> {
                self.iam().role_permissions(role).await
            }

            async fn user_permissions(
                &self,
                user: &str,
            ) -> Result<Option<LivePermissions>, IamError> {
                self.iam().user_permissions(user).await
            }

            async fn managed_policy(
                &self,
                arn: &str,
                version: Option<&str>,
            ) -> Result<Option<HeldPolicy>, IamError> {
                self.iam().managed_policy(arn, version).await
            }

            async fn holders(
                &self,
                of: ListOf<'_>,
                marker: Option<&str>,
            ) -> Result<HoldersPage, IamError> {
                self.iam().holders(of, marker).await
            }
        }
    };
}

reads_by_its_iam!(IamLister);
reads_by_its_iam!(IamWriter);
