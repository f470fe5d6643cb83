//! The commands that talk to AWS, with a person's own credentials.

mod account;
mod approve;
mod function;
mod incidents;
mod publish;
mod restore;
mod sheet;
mod status;
mod test_alert;
mod uninstall;

use std::collections::BTreeMap;
use std::future::Future;
use std::io;

use aws::SdkContext;
use aws::live::{cloud, list_account_paths, list_accounts, list_roles};
use guard::rules::OrganizationAccount;

use crate::args::{LiveArgs, RulesAccountsArgs, RulesInitArgs};
use crate::rules::propose::{Account, propose};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

pub(crate) use account::LiveAccount;
pub(crate) use approve::{approve, undo};
pub(crate) use incidents::incidents;
pub(crate) use publish::publish;
pub(crate) use restore::restore;
pub(crate) use status::status;
pub(crate) use test_alert::test_alert;
pub(crate) use uninstall::uninstall_check;

/// Waits for what a command asks of AWS.
fn wait<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    Ok(runtime.block_on(future))
}

async fn of(arguments: &LiveArgs) -> SdkContext {
    cloud(arguments.profile.as_deref(), arguments.region.as_deref()).await
}

/// What a person can do about a quarantine of which the table holds nothing.
fn former_document_unknown(role: &str) -> String {
    let role = escaped(role);
    format!(
        "the document before is not known: the table holds none, as after a redeploy. CloudTrail's \
         event history may (aws cloudtrail lookup-events --lookup-attributes \
         AttributeKey=ResourceName,AttributeValue={role}), or an earlier stack's table. Write the one \
         you want: aws iam update-assume-role-policy --role-name {role} --policy-document file://trust.json"
    )
}

/// Prints the organization's accounts as the rules' accounts file holds them.
///
/// # Errors
///
/// Standard output does not take them.
pub(crate) fn accounts(
    arguments: &RulesAccountsArgs,
    streams: &mut Streams<'_>,
) -> io::Result<Status> {
    let (answer, paths) = wait(async {
        let cloud = cloud(arguments.profile.as_deref(), None).await;
        let answer = list_accounts(&cloud).await;
        let paths = match &answer {
            Ok(_) => Some(list_account_paths(&cloud).await),
            Err(_) => None,
        };
        (answer, paths)
    })?;
    let Some(organization) = streams.ok(answer) else {
        return Ok(Status::Unreadable);
    };
    let mut paths = match paths {
        Some(Err(error)) => {
            let why = crate::streams::chain(&error);
            streams.warning(format_args!("organizational units are left out: {why}"));
            BTreeMap::new()
        }
        paths => paths.and_then(Result::ok).unwrap_or_default(),
    };
    writeln!(streams.out, "[")?;
    let last = organization.accounts.len();
    for (index, account) in organization.accounts.iter().enumerate() {
        let entry = OrganizationAccount {
            path: paths.remove(&account.id).unwrap_or_default(),
            id: account.id.clone(),
            name: account.name.clone(),
        };
        let entry = serde_json::to_string(&entry)?;
        let comma = if index + 1 == last { "" } else { "," };
        writeln!(streams.out, "  {entry}{comma}")?;
    }
    writeln!(streams.out, "]")?;
    streams.remark(format_args!(
        "for access.yaml: organization: {{ id: {}, management_account: \"{}\", \
         accounts_file: accounts.json }}",
        organization.id, organization.management_account
    ));
    Ok(Status::Done)
}

/// Prints a first rules file with proposals from the account's own roles.
///
/// # Errors
///
/// Standard output does not take it.
pub(crate) fn init(arguments: &RulesInitArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let (roles, organization) = wait(async {
        let cloud = cloud(arguments.profile.as_deref(), None).await;
        (list_roles(&cloud).await, list_accounts(&cloud).await)
    })?;
    let Some(roles) = streams.ok(roles) else {
        return Ok(Status::Unreadable);
    };
    let organization = match organization {
        Ok(organization) => Some(organization),
        Err(error) => {
            streams.warning(crate::streams::chain(&error));
            None
        }
    };
    let account = Account {
        roles: &roles,
        organization: organization.as_ref().map(|own| own.id.as_str()),
        management_account: organization
            .as_ref()
            .map(|own| own.management_account.as_str()),
        members: organization
            .iter()
            .flat_map(|own| own.accounts.iter().map(|account| account.id.as_str()))
            .collect(),
    };
    streams
        .out
        .write_all(propose(&account, jiff::Timestamp::now()).as_bytes())?;
    Ok(Status::Done)
}
