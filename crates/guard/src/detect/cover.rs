//! Whether a rule covers a grant.

use jiff::Timestamp;
use policy::{Analysis, Grant, Values, Who};

use super::coverage::{Coverage, Uncovered, Unmet, account_of, listed, restriction};
use super::network::is_within_networks;
use super::provider::{ProviderContext, cover_provider};
use super::service::{cover_any_service, cover_service};
use super::vendor::vendor_violations;
use crate::check::Check;
use crate::known_accounts::known_account;
use crate::model::RoleRef;
use crate::rules::{CompiledVendor, Rules};

/// The rule that covers a grant, or what is wrong with it.
pub(super) fn cover(
    rules: &Rules,
    role: &RoleRef,
    analysis: &Analysis,
    grant: &Grant,
    now: Timestamp,
) -> Result<Coverage, Vec<Uncovered>> {
    match &grant.principal {
        Who::Service { service } => return cover_service(rules, role, service, grant),
        Who::AnyService => return cover_any_service(rules, role, grant),
        Who::Federated {
            provider,
            account,
            open,
        } => {
            let providing = ProviderContext {
                provider,
                account: account.as_deref(),
                open: *open,
            };
            return cover_provider(rules, role, &providing, grant);
        }
        _ => {}
    }
    if in_own_organization(rules, grant) {
        return Ok(Coverage::OwnOrganization);
    }
    let complaints = match cover_principal(rules, role, analysis, grant, now) {
        Ok(covered) => return Ok(covered),
        Err(complaints) => complaints,
    };
    if is_within_networks(grant, rules.networks()) {
        return Ok(Coverage::Network);
    }
    exempted(rules, role, grant, complaints, now)
}

/// What covers an AWS principal, networks and exemptions aside.
fn cover_principal(
    rules: &Rules,
    role: &RoleRef,
    analysis: &Analysis,
    grant: &Grant,
    now: Timestamp,
) -> Result<Coverage, Vec<Uncovered>> {
    let unknown = |message: String| Err(vec![Uncovered::new(Check::UnknownThirdParty, message)]);
    let account = account_of(&grant.principal);
    match (&grant.principal, account.as_deref()) {
        (_, Some(own)) if own == role.account => Ok(Coverage::OwnAccount),
        (_, Some(account)) => {
            let entry = rules.account(account);
            if let Some(name) = &entry.ours {
                return Ok(Coverage::OurAccount {
                    account: account.to_owned(),
                    name: name.clone(),
                });
            }
            nearest_vendor(&entry.vendors, account, role, grant, now)
                .unwrap_or_else(|| Err(vec![unknown_account(rules, account, &grant.principal)]))
        }
        (Who::UniqueId { id }, None) => {
            let entry = rules.unique_id(id);
            nearest_vendor(&entry.vendors, "", role, grant, now).unwrap_or_else(|| {
                unknown(format!(
                    "the principal with the unique id {id} can assume the role; its account is \
                     not known, and no rule names it"
                ))
            })
        }
        (Who::Organization { id, path }, None) => {
            let part = path
                .as_deref()
                .map(|path| format!(" below {path}"))
                .unwrap_or_default();
            let message = format!(
                "every account of organization {id}{part} can assume the role, and the \
                 organization is not ours"
            );
            let fix = "name the accounts that may assume the role, each with a rule of its own";
            Err(vec![Uncovered {
                fix: Some(fix.to_owned()),
                ..Uncovered::new(Check::UnknownThirdParty, message)
            }])
        }
        _ if analysis.public && !is_limited_to_a_network(grant) => {
            let message = "anyone with an AWS account can assume the role".to_owned();
            let fix = "name the accounts that may assume the role";
            Err(vec![Uncovered {
                fix: Some(fix.to_owned()),
                ..Uncovered::new(Check::PublicTrust, message)
            }])
        }
        _ if is_limited_to_a_network(grant) => {
            let message = "any AWS account can assume the role from a network that no rule names";
            let found = Uncovered::new(Check::UnknownThirdParty, message.to_owned());
            let fix = "name the accounts that may assume the role, or the network under `networks`";
            Err(vec![Uncovered {
                fix: Some(fix.to_owned()),
                unmet: other_network(rules, grant).into_iter().collect(),
                ..found
            }])
        }
        _ => unknown(
            "AWS accounts that the trust policy does not name can assume the role".to_owned(),
        ),
    }
}

/// What the vendor says whose rule comes nearest to what the document says; none where there is no
/// vendor.
fn nearest_vendor(
    vendors: &[CompiledVendor],
    account: &str,
    role: &RoleRef,
    grant: &Grant,
    now: Timestamp,
) -> Option<Result<Coverage, Vec<Uncovered>>> {
    let judged = vendors
        .iter()
        .map(|vendor| (vendor, vendor_violations(vendor, role, grant, now)));
    // Where one names the role, another's rule is not about it.
    let distance = |complaints: &[Uncovered]| {
        let of_others = |one: &Uncovered| one.check == Check::RoleNotRegistered;
        (complaints.iter().any(of_others), complaints.len())
    };
    let (vendor, complaints) = judged.min_by_key(|(_, complaints)| distance(complaints))?;
    Some(if complaints.is_empty() {
        let (name, account) = (vendor.name.clone(), account.to_owned());
        Ok(Coverage::Vendor { name, account })
    } else {
        Err(complaints)
    })
}

/// What is left once the exemptions of the role and the grant's account are taken away.
fn exempted(
    rules: &Rules,
    role: &RoleRef,
    grant: &Grant,
    mut complaints: Vec<Uncovered>,
    now: Timestamp,
) -> Result<Coverage, Vec<Uncovered>> {
    let (Some(account), Some(_)) = (account_of(&grant.principal), &role.name) else {
        return Err(complaints);
    };
    let mut reason = None;
    complaints.retain(|complaint| {
        let exempted = rules.exemption(role, &account, complaint.check, now);
        reason = reason.or(exempted);
        exempted.is_none()
    });
    match (complaints.is_empty(), reason) {
        (true, Some(reason)) => Ok(Coverage::Exempted {
            account,
            reason: reason.to_owned(),
        }),
        _ => Err(complaints),
    }
}

pub(super) fn in_own_organization(rules: &Rules, grant: &Grant) -> bool {
    let Some(own) = rules.organization() else {
        return false;
    };
    if let Who::Organization { id, .. } = &grant.principal {
        return id == own;
    }
    if listed(grant, "aws:PrincipalOrgID").is_some_and(|ids| ids.iter().all(|id| id == own)) {
        return true;
    }
    let below = |path: &String| {
        path.strip_prefix(own)
            .is_some_and(|rest| rest.starts_with('/'))
    };
    match restriction(grant, "aws:PrincipalOrgPaths").map(|found| &found.values) {
        Some(Values::OneOf(paths) | Values::Like(paths)) => {
            !paths.is_empty() && paths.iter().all(below)
        }
        _ => false,
    }
}

const NETWORK_KEYS: [&str; 4] = [
    "aws:SourceIp",
    "aws:VpcSourceIp",
    "aws:SourceVpc",
    "aws:SourceVpce",
];

fn limits_the_network(grant: &Grant, key: &str) -> bool {
    matches!(
        restriction(grant, key).map(|found| &found.values),
        Some(Values::Networks(_) | Values::OneOf(_))
    )
}

pub(super) fn is_limited_to_a_network(grant: &Grant) -> bool {
    NETWORK_KEYS
        .iter()
        .any(|key| limits_the_network(grant, key))
}

/// Another network than those of the rules.
fn other_network(rules: &Rules, grant: &Grant) -> Option<Unmet> {
    let mut keys = NETWORK_KEYS.iter();
    let key = keys.find(|key| limits_the_network(grant, key))?;
    Some(Unmet {
        key: (*key).to_owned(),
        admitted: rules.networks().to_vec(),
    })
}

fn unknown_account(rules: &Rules, account: &str, who: &Who) -> Uncovered {
    let subject = match who {
        Who::Principal { arn, .. } => format!("{arn} can assume the role"),
        _ => format!("account {account} can assume the role"),
    };
    let (message, fix) = match known_account(account) {
        Some(known) => (
            format!(
                "{subject}, which is known as {}, and no rule names it",
                known.name
            ),
            format!(
                "if {} should have access, register it as a vendor",
                known.name
            ),
        ),
        None if rules.organization().is_some() => (
            format!("{subject}, and no rule names it: perhaps a new account of yours"),
            format!(
                "if {account} is yours, renew the accounts file; otherwise remove it from the \
                 trust policy"
            ),
        ),
        None => (
            format!("{subject}, and no rule names it: perhaps a new account of yours"),
            format!(
                "if {account} is yours, add it to trusted_accounts; otherwise remove it from \
                 the trust policy"
            ),
        ),
    };
    Uncovered {
        fix: Some(fix),
        ..Uncovered::new(Check::UnknownThirdParty, message)
    }
}
