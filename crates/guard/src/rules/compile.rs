//! From the rules as people write them to the file that the functions load.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::file::{OrganizationAccount, RulesFile};
use super::load::{
    AccountEntry, CompiledExemption, CompiledVendor, END, HEAD, Head, Label, SCHEMA, TABLE,
};
use super::names::{expiry, is_account_id, is_pattern, is_unique_id};
use super::ours::resolved;
use super::problems::{Level, RuleProblem};
use super::shared_provider::SharedProvider;
use super::sum::quick_sum;
use super::users::{UserEntry, UserPattern, UserVendor};

/// Compiled rules: the bytes of the file, and what names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompiledRules {
    /// The file's content: JSON, one line an account or user.
    pub bytes: Vec<u8>,
    /// SHA-256 of the content, as 64 hexadecimal digits.
    pub hash: String,
}

/// Rules that must not be deployed.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// They do not hold together.
    #[error("the rules have {} error{}", .0.len(), if .0.len() == 1 { "" } else { "s" })]
    Problems(Vec<RuleProblem>),
    /// An entry of the accounts file is no account.
    #[error("entry {index} of the accounts file has `{id}` for an account id, which is 12 digits")]
    Account {
        /// 0-based.
        index: usize,
        /// What stands there.
        id: String,
    },
    /// They cannot be written as JSON.
    #[error("the rules cannot be written")]
    Write(#[source] serde_json::Error),
}

/// Compiles the rules, with the accounts of the organization.
///
/// The result depends on nothing else: the same rules give the same bytes.
///
/// # Errors
/// If the rules have a problem of level [`Level::Error`], or an account is none.
pub fn compile(
    file: &RulesFile,
    accounts: &[OrganizationAccount],
) -> Result<CompiledRules, CompileError> {
    let mut problems = file.problems(None);
    problems.retain(|problem| problem.level == Level::Error);
    if !problems.is_empty() {
        return Err(CompileError::Problems(problems));
    }
    let table = table(file, accounts)?;
    let mut body = Vec::new();
    body.extend_from_slice(HEAD);
    body.extend_from_slice(&json(&head(file, accounts))?);
    body.extend_from_slice(b",\n");
    body.extend_from_slice(TABLE);
    for (index, (key, value)) in table.iter().enumerate() {
        body.extend_from_slice(if index == 0 { b"\"" } else { b",\n\"" });
        body.extend_from_slice(key.as_bytes());
        body.extend_from_slice(b"\":");
        body.extend_from_slice(value);
    }
    if !table.is_empty() {
        body.push(b'\n');
    }
    body.extend_from_slice(END);

    let hash: String = Sha256::digest(&body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let sum = format!("{:016x}", quick_sum(&body));
    let label = Label {
        schema: SCHEMA,
        hash: hash.clone(),
        sum,
        length: body.len(),
    };
    let mut bytes = json(&label)?;
    bytes.pop();
    bytes.extend_from_slice(b",\n");
    bytes.append(&mut body);
    Ok(CompiledRules { bytes, hash })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, CompileError> {
    serde_json::to_vec(value).map_err(CompileError::Write)
}

fn head(file: &RulesFile, accounts: &[OrganizationAccount]) -> Head {
    let checks = file
        .checks
        .iter()
        .filter_map(|(code, setting)| Some((code.parse().ok()?, setting.clone())));
    let exemptions = file.exemptions.iter().filter_map(|exemption| {
        Some(CompiledExemption {
            resource: exemption.resource.clone(),
            role: exemption.role.clone(),
            account: exemption.account.clone(),
            user: exemption.user.clone(),
            accounts_of_ours: resolved(&exemption.accounts_of_ours, accounts),
            check: exemption.check.parse().ok()?,
            reason: exemption.reason.clone(),
            expires: exemption.expires.as_deref().and_then(expiry),
        })
    });
    let user_patterns = file.vendors.iter().flat_map(|vendor| {
        vendor
            .users
            .iter()
            .filter(|user| is_pattern(user))
            .map(|pattern| UserPattern {
                pattern: pattern.clone(),
                vendor: vendor.name.clone(),
                permissions: vendor.permissions.clone(),
                mode: vendor.mode,
            })
    });
    let providers = file.identity_providers.iter().filter_map(|provider| {
        let mut provider = provider.clone();
        match resolved(&provider.accounts_of_ours, accounts) {
            // A rule about none of our accounts must not read as one about all.
            Some(ours) if ours.is_empty() => return None,
            Some(ours) => provider.accounts_of_ours = ours,
            None => {}
        }
        Some(provider)
    });
    Head {
        mode: file.mode,
        organization: file.organization.as_ref().and_then(|own| own.id.clone()),
        identity_providers: providers.collect(),
        shared_providers: file
            .shared_providers
            .iter()
            .map(SharedProvider::row)
            .collect(),
        networks: file
            .networks
            .iter()
            .map(|entry| entry.network.clone())
            .collect(),
        access_keys: file.access_keys.clone(),
        permissions: file.permissions.clone(),
        root: file.root.clone(),
        remediation: file.remediation.clone(),
        operators: file.operators.clone(),
        checks: checks.collect(),
        exemptions: exemptions.collect(),
        user_patterns: user_patterns.collect(),
    }
}

fn table(
    file: &RulesFile,
    accounts: &[OrganizationAccount],
) -> Result<BTreeMap<String, Vec<u8>>, CompileError> {
    let mut entries: BTreeMap<&str, AccountEntry> = BTreeMap::new();
    for (index, account) in accounts.iter().enumerate() {
        if !is_account_id(&account.id) {
            return Err(CompileError::Account {
                index,
                id: account.id.clone(),
            });
        }
        entries.entry(&account.id).or_default().ours = Some(account.name.clone());
    }
    let management = file
        .organization
        .as_ref()
        .and_then(|own| own.management_account.as_ref());
    for own in file.trusted_accounts.iter().chain(management) {
        entries.entry(own).or_default().ours.get_or_insert_default();
    }

    let mut ids: BTreeMap<&str, usize> = BTreeMap::new();
    for id in file.vendors.iter().flat_map(|vendor| vendor.external_ids()) {
        *ids.entry(id).or_default() += 1;
    }
    let mut ids_of_principals: BTreeMap<&str, AccountEntry> = BTreeMap::new();
    let mut users: BTreeMap<String, UserEntry> = BTreeMap::new();
    for vendor in &file.vendors {
        let shared = vendor.external_ids().into_iter();
        let shared = shared.filter(|id| ids.get(id).is_some_and(|&vendors| vendors > 1));
        let compiled = CompiledVendor {
            name: vendor.name.clone(),
            roles: vendor.roles.clone(),
            accounts_of_ours: resolved(&vendor.accounts_of_ours, accounts),
            principals: vendor.principals.clone(),
            external_id: vendor.external_id.clone(),
            shared_external_ids: shared.map(str::to_owned).collect(),
            permissions: vendor.permissions.clone(),
            owner: vendor.owner.clone(),
            ticket: vendor.ticket.clone(),
            expires: vendor.expires.as_deref().and_then(expiry),
            mode: vendor.mode,
        };
        for account in &vendor.accounts {
            let vendors = &mut entries.entry(account).or_default().vendors;
            if vendors.iter().all(|known| known.name != compiled.name) {
                vendors.push(compiled.clone());
            }
        }
        for id in vendor
            .principals
            .iter()
            .filter(|principal| is_unique_id(principal))
        {
            ids_of_principals
                .entry(id)
                .or_default()
                .vendors
                .push(compiled.clone());
        }
        for user in vendor.users.iter().filter(|user| !is_pattern(user)) {
            let entry = users.entry(user.to_lowercase()).or_default();
            entry.vendors.push(vendor.name.clone());
            if vendor.permissions.is_some() || vendor.mode.is_some() {
                entry.terms.push(UserVendor {
                    name: vendor.name.clone(),
                    permissions: vendor.permissions.clone(),
                    mode: vendor.mode,
                });
            }
        }
    }

    let mut table = BTreeMap::new();
    for (account, entry) in &entries {
        table.insert(format!("account/{account}"), json(entry)?);
    }
    for (id, entry) in &ids_of_principals {
        table.insert(format!("id/{id}"), json(entry)?);
    }
    for (user, entry) in &users {
        table.insert(format!("user/{user}"), json(entry)?);
    }
    Ok(table)
}
