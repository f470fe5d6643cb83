//! The accounts of the organization.

use std::collections::BTreeMap;

use aws_sdk_organizations::Client;

use super::CallError;
use crate::cloud::SdkContext;
use crate::failure::Failure;

/// The organization that an account belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// As `o-abc123example`.
    pub id: String,
    /// The management account, 12 digits.
    pub management_account: String,
    /// Its accounts, in order of their ids. Suspended ones are among them: they can come back.
    pub accounts: Vec<OrganizationMember>,
}

/// One of its accounts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationMember {
    /// 12 digits.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// Why the accounts are not known.
#[derive(Debug, thiserror::Error)]
pub enum ListAccountsError {
    /// There is no organization to ask about.
    #[error("this account belongs to no organization")]
    NoOrganization,
    /// Only the management account and delegated administrators may ask.
    #[error(
        "this account may not list the organization's accounts: use the management account, or a delegated administrator"
    )]
    Denied {
        /// What AWS said.
        #[source]
        source: CallError,
    },
    /// Anything else.
    #[error("the organization's accounts could not be listed")]
    Call {
        /// What happened.
        #[source]
        source: CallError,
    },
}

fn failed(failure: Failure) -> ListAccountsError {
    let source = CallError::from(failure);
    match source.code() {
        "AWSOrganizationsNotInUseException" => ListAccountsError::NoOrganization,
        "AccessDeniedException" => ListAccountsError::Denied { source },
        _ => ListAccountsError::Call { source },
    }
}

/// Asks AWS Organizations (DescribeOrganization, ListAccounts).
///
/// # Errors
/// [`ListAccountsError`].
pub async fn list_accounts(cloud: &SdkContext) -> Result<Organization, ListAccountsError> {
    let client = Client::new(cloud.sdk());
    let answer = client.describe_organization().send().await;
    let answer = answer
        .map_err(|error| failed(Failure::of("organizations:DescribeOrganization", &error)))?;
    let organization = answer
        .organization
        .ok_or(ListAccountsError::NoOrganization)?;
    let mut accounts = Vec::new();
    let mut pages = client.list_accounts().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page =
            page.map_err(|error| failed(Failure::of("organizations:ListAccounts", &error)))?;
        for account in page.accounts.unwrap_or_default() {
            if let Some(id) = account.id {
                accounts.push(OrganizationMember {
                    id,
                    name: account.name.unwrap_or_default(),
                });
            }
        }
    }
    accounts.sort_by(|one, other| one.id.cmp(&other.id));
    Ok(Organization {
        id: organization.id.unwrap_or_default(),
        management_account: organization.master_account_id.unwrap_or_default(),
        accounts,
    })
}

/// The names of each account's organizational units from the root on, as `Workloads/Production`, by
/// its id (ListRoots, ListOrganizationalUnitsForParent, ListAccountsForParent).
///
/// # Errors
/// [`ListAccountsError`].
pub async fn list_account_paths(
    cloud: &SdkContext,
) -> Result<BTreeMap<String, String>, ListAccountsError> {
    let client = Client::new(cloud.sdk());
    let mut paths = BTreeMap::new();
    let mut parents: Vec<(String, String)> = Vec::new();
    let mut pages = client.list_roots().into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| failed(Failure::of("organizations:ListRoots", &error)))?;
        let roots = page.roots.unwrap_or_default().into_iter();
        parents.extend(roots.filter_map(|root| Some((root.id?, String::new()))));
    }
    while let Some((parent, path)) = parents.pop() {
        let listing = client.list_accounts_for_parent().parent_id(&parent);
        let mut pages = listing.into_paginator().send();
        while let Some(page) = pages.next().await {
            let call = "organizations:ListAccountsForParent";
            let page = page.map_err(|error| failed(Failure::of(call, &error)))?;
            let ids = page.accounts.unwrap_or_default().into_iter();
            paths.extend(ids.filter_map(|account| Some((account.id?, path.clone()))));
        }
        let listing = client.list_organizational_units_for_parent();
        let mut pages = listing.parent_id(&parent).into_paginator().send();
        while let Some(page) = pages.next().await {
            let call = "organizations:ListOrganizationalUnitsForParent";
            let page = page.map_err(|error| failed(Failure::of(call, &error)))?;
            let units = page.organizational_units.unwrap_or_default().into_iter();
            parents.extend(units.filter_map(|unit| {
                let name = unit.name.unwrap_or_default();
                let slash = if path.is_empty() { "" } else { "/" };
                Some((unit.id?, format!("{path}{slash}{name}")))
            }));
        }
    }
    Ok(paths)
}
