//! All roles of an account, for a first draft of the rules.

use guard::cloudtrail::percent_decoded;
use guard::model::LiveRole;
use jiff::Timestamp;

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// Reads them (ListRoles), in order of their names. A role without a trust document is left out:
/// IAM has none such.
///
/// # Errors
/// [`CallError`].
pub async fn list_roles(cloud: &SdkContext) -> Result<Vec<LiveRole>, CallError> {
    let client = aws_sdk_iam::Client::new(cloud.sdk());
    let mut roles = Vec::new();
    let mut pages = client.list_roles().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| Failure::of("iam:ListRoles", &error))?;
        for role in page.roles {
            let Some(document) = role.assume_role_policy_document else {
                continue;
            };
            roles.push(LiveRole {
                name: role.role_name,
                arn: role.arn,
                path: role.path,
                role_id: role.role_id,
                document: percent_decoded(&document),
                created: Timestamp::new(role.create_date.secs(), 0).ok(),
            });
        }
    }
    roles.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(roles)
}
