//! Who is outside, and which of them may enter: `sts:AssumeRole`.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::statement::{Denial, holds, values};
use crate::check::Check;
use crate::rules::{NetworkEntry, RulesFile, Vendor, expiry, is_pattern};

const ASSUME_ROLE: &str = "sts:AssumeRole";

pub(super) fn statements(
    file: &RulesFile,
    ours: &BTreeSet<&str>,
    organization: &str,
    now: Timestamp,
    denials: &mut Vec<Denial>,
    notes: &mut Vec<String>,
) {
    let exempted = exempted(file, now);
    let groups = groups(file, ours, &exempted, now);
    let exempted = exempted
        .into_iter()
        .filter(|(_, checks)| checks.contains(&Check::UnknownThirdParty));
    let spared: BTreeSet<&str> = groups
        .iter()
        .flat_map(|group| group.accounts.iter().copied())
        .chain(exempted.map(|(account, _)| account))
        .chain(file.trusted_accounts.iter().map(String::as_str))
        .collect();
    denials.push(third_parties(file, organization, spared));
    denials.extend(exemptions_that_end(file, organization, &groups, ours, now));

    for (index, group) in groups.iter().enumerate() {
        vendor_denials(file, organization, index, group, denials, notes);
    }
    if file.vendors.iter().any(|vendor| !vendor.roles.is_empty()) {
        notes.push(
            "they do not limit which role a vendor may assume (role-not-registered), nor which of \
             its external ids belongs to which role: IAM compares a role's ARN with case and with \
             its path, and the rules name roles without"
                .to_owned(),
        );
    }
    if !file.networks.is_empty() {
        notes.push(
            "requests from the rules' networks are exempt, whoever sends them: a trust policy may \
             allow them"
                .to_owned(),
        );
    }
}

/// Whom no rule names, from outside the organization.
fn third_parties(file: &RulesFile, organization: &str, spared: BTreeSet<&str>) -> Denial {
    let mut third_parties = Denial {
        sid: "Outsiders".to_owned(),
        action: ASSUME_ROLE,
        conditions: vec![(
            "StringNotEqualsIfExists",
            "aws:PrincipalOrgID".to_owned(),
            json!(organization),
        )],
        lists: "the accounts that may assume roles",
    };
    if !spared.is_empty() {
        third_parties.conditions.push((
            "StringNotEqualsIfExists",
            "aws:PrincipalAccount".to_owned(),
            values(spared),
        ));
    }
    // AWS's services enter by roles of this account, not from one of theirs.
    third_parties.conditions.push((
        "BoolIfExists",
        "aws:PrincipalIsAWSService".to_owned(),
        json!("false"),
    ));
    third_parties.conditions.extend(not_from(&file.networks));
    third_parties
}

/// Accounts that nothing but exemptions spares, from the end of the last of these on.
fn exemptions_that_end(
    file: &RulesFile,
    organization: &str,
    groups: &[Group<'_>],
    ours: &BTreeSet<&str>,
    now: Timestamp,
) -> Vec<Denial> {
    let named = |account: &str| {
        ours.contains(account) || groups.iter().any(|group| group.accounts.contains(&account))
    };
    let mut ends: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    for exemption in file
        .exemptions
        .iter()
        .filter(|exemption| holds(exemption, now))
    {
        let unknown = exemption.check.parse() == Ok(Check::UnknownThirdParty);
        let account = exemption
            .account
            .as_deref()
            .filter(|account| unknown && !named(account));
        let Some(account) = account else { continue };
        let end = exemption.expires.as_deref().and_then(expiry);
        ends.entry(account)
            // One without an end holds for ever.
            .and_modify(|last| *last = last.zip(end).map(|(last, end)| last.max(end)))
            .or_insert(end);
    }
    let mut by_end: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (account, end) in ends {
        let whole = end.and_then(|end| Timestamp::from_second(end.as_second()).ok());
        if let Some(end) = whole {
            by_end.entry(end.to_string()).or_default().push(account);
        }
    }
    let denials = by_end
        .into_iter()
        .enumerate()
        .map(|(index, (end, accounts))| {
            let mut conditions = vec![
                (
                    "StringEquals",
                    "aws:PrincipalAccount".to_owned(),
                    values(accounts),
                ),
                (
                    "StringNotEqualsIfExists",
                    "aws:PrincipalOrgID".to_owned(),
                    json!(organization),
                ),
                (
                    "DateGreaterThanEquals",
                    "aws:CurrentTime".to_owned(),
                    json!(end),
                ),
            ];
            conditions.extend(not_from(&file.networks));
            Denial {
                sid: format!("ExemptUntil{}", index + 1),
                action: ASSUME_ROLE,
                conditions,
                lists: "the exempted accounts",
            }
        });
    denials.collect()
}

/// What the rules ask of the accounts of a group of vendors.
fn vendor_denials(
    file: &RulesFile,
    organization: &str,
    index: usize,
    group: &Group<'_>,
    denials: &mut Vec<Denial>,
    notes: &mut Vec<String>,
) {
    let (accounts, vendors) = (&group.accounts, group.vendors.as_slice());
    let is_exempt = |checks: &[Check]| checks.iter().any(|one| group.exempted.contains(one));
    let mut deny = |name: &str, said: [Option<(&'static str, &str, Value)>; 2], lists| {
        let account = "aws:PrincipalAccount".to_owned();
        let these = values(accounts.iter().copied());
        let mut conditions = vec![("StringEquals", account, these)];
        // An account may belong to the organization and be a vendor's all the same.
        let ours = "aws:PrincipalOrgID".to_owned();
        conditions.push(("StringNotEqualsIfExists", ours, json!(organization)));
        let said = said.into_iter().flatten();
        conditions.extend(said.map(|(operator, key, wanted)| (operator, key.to_owned(), wanted)));
        conditions.extend(not_from(&file.networks));
        denials.push(Denial {
            sid: format!("{name}{}", index + 1),
            action: ASSUME_ROLE,
            conditions,
            lists,
        });
    };
    let may_lack = is_exempt(&[Check::MissingExternalId]);
    let may_err = is_exempt(&[Check::WrongExternalId]);
    let missing = ("Null", "sts:ExternalId", json!("true"));
    match external_ids(vendors) {
        Ids::OneOf(ids) if !may_err => {
            // An id that is missing is unequal, too.
            let unequal = match ids.iter().any(|id| is_pattern(id)) {
                true => "StringNotLike",
                false => "StringNotEquals",
            };
            let wrong = (unequal, "sts:ExternalId", values(ids));
            let there = ("Null", "sts:ExternalId", json!("false"));
            let there = may_lack.then_some(there);
            deny(
                "ExternalId",
                [Some(wrong), there],
                "the external ids of one vendor",
            );
        }
        Ids::OneOf(_) | Ids::Any if !may_lack => {
            deny("ExternalId", [Some(missing), None], "the vendor's accounts");
        }
        _ => {}
    }
    let principal_checks = [Check::BroadPrincipal, Check::UnknownThirdParty];
    if let Some(Principals { arns, ids }) = principals(vendors, notes)
        && !is_exempt(&principal_checks)
    {
        let arns = (!arns.is_empty()).then(|| ("ArnNotEquals", "aws:PrincipalArn", values(arns)));
        let ids: Vec<String> = ids.iter().map(|id| format!("{id}*")).collect();
        let ids = (!ids.is_empty()).then(|| {
            let ids = values(ids.iter().map(String::as_str));
            ("StringNotLike", "aws:userid", ids)
        });
        deny("Principal", [arns, ids], "the principals of one vendor");
    }
    if let Some(end) = last_day(vendors)
        && !is_exempt(&[Check::ExpiredAccess])
    {
        let over = ("DateGreaterThanEquals", "aws:CurrentTime", json!(end));
        deny("Until", [Some(over), None], "the vendor's accounts");
    }
}

/// The checks from which outside accounts are exempted for some role.
fn exempted(file: &RulesFile, now: Timestamp) -> BTreeMap<&str, BTreeSet<Check>> {
    let mut exempted: BTreeMap<&str, BTreeSet<Check>> = BTreeMap::new();
    for exemption in &file.exemptions {
        if let Ok(check) = exemption.check.parse::<Check>()
            && let Some(account) = &exemption.account
            && holds(exemption, now)
        {
            let checks = exempted.entry(account).or_default();
            checks.insert(check);
        }
    }
    exempted
}

/// Accounts that the same vendors come from, and to which the same exemptions apply.
struct Group<'f> {
    accounts: Vec<&'f str>,
    vendors: Vec<&'f Vendor>,
    exempted: BTreeSet<Check>,
}

/// The vendors' accounts, but those that are ours all the same. A vendor whose access is over is
/// nobody, unless an exemption keeps it.
fn groups<'f>(
    file: &'f RulesFile,
    ours: &BTreeSet<&str>,
    exempted: &BTreeMap<&str, BTreeSet<Check>>,
    now: Timestamp,
) -> Vec<Group<'f>> {
    let checks_of = |account: &str| exempted.get(account).cloned().unwrap_or_default();
    let mut vendors_of: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (index, vendor) in file.vendors.iter().enumerate() {
        let over = ends(vendor).is_some_and(|end| end <= now);
        for account in &vendor.accounts {
            let kept = !over || checks_of(account).contains(&Check::ExpiredAccess);
            if kept && !ours.contains(account.as_str()) {
                vendors_of.entry(account).or_default().push(index);
            }
        }
    }
    let mut groups: BTreeMap<(Vec<usize>, BTreeSet<Check>), Vec<&str>> = BTreeMap::new();
    for (account, vendors) in vendors_of {
        let key = (vendors, checks_of(account));
        groups.entry(key).or_default().push(account);
    }
    groups
        .into_iter()
        .map(|((indices, exempted), accounts)| Group {
            accounts,
            vendors: indices
                .iter()
                .filter_map(|index| file.vendors.get(*index))
                .collect(),
            exempted,
        })
        .collect()
}

fn ends(vendor: &Vendor) -> Option<Timestamp> {
    vendor.expires.as_deref().and_then(expiry)
}

/// The external ids with which an account may enter some role.
enum Ids<'v> {
    NotRequired,
    Any,
    OneOf(BTreeSet<&'v str>),
}

fn external_ids<'v>(vendors: &[&'v Vendor]) -> Ids<'v> {
    let mut ids = BTreeSet::new();
    let mut any = false;
    for vendor in vendors {
        let unbound =
            vendor.roles.is_empty() || vendor.roles.iter().any(|role| role.external_id.is_none());
        if unbound {
            if !vendor.external_id.required {
                return Ids::NotRequired;
            }
            any |= vendor.external_id.values.is_empty();
        }
        ids.extend(vendor.external_ids());
    }
    if any { Ids::Any } else { Ids::OneOf(ids) }
}

/// The principals as which an account may enter.
struct Principals<'v> {
    arns: BTreeSet<&'v str>,
    /// A user's id is all of `aws:userid`, a role's is followed by a session's name.
    ids: BTreeSet<&'v str>,
}

/// The principals of these vendors, where there is a list for all of them and the keys of a request
/// can say it.
fn principals<'v>(vendors: &[&'v Vendor], notes: &mut Vec<String>) -> Option<Principals<'v>> {
    let mut found = Principals {
        arns: BTreeSet::new(),
        ids: BTreeSet::new(),
    };
    for vendor in vendors {
        if vendor.principals.is_empty() {
            return None;
        }
        for principal in &vendor.principals {
            let resource = principal.splitn(6, ':').nth(5).unwrap_or_default();
            let iam = principal.split(':').nth(2) == Some("iam");
            if !principal.contains(':') {
                found.ids.insert(principal);
            } else if iam && (resource.starts_with("role/") || resource.starts_with("user/")) {
                found.arns.insert(principal);
            } else {
                notes.push(format!(
                    "that `{}` comes as `{principal}` alone is not in them: a request names the \
                     role or the user",
                    vendor.name
                ));
                return None;
            }
        }
    }
    Some(found)
}

/// The moment from which none of the vendors may enter.
fn last_day(vendors: &[&Vendor]) -> Option<String> {
    let mut last = None;
    for vendor in vendors {
        last = last.max(Some(ends(vendor)?));
    }
    let whole = Timestamp::from_second(last?.as_second()).ok()?;
    Some(whole.to_string())
}

/// Requests from the rules' networks are spared: by the public address, the VPC or the endpoint. The
/// address within a VPC (`aws:VpcSourceIp`) says nothing, since anybody's VPC may have it.
fn not_from(networks: &[NetworkEntry]) -> Vec<(&'static str, String, Value)> {
    let of = |prefix: &'static str| {
        let found = networks.iter().map(|entry| entry.network.as_str());
        found
            .filter(move |network| network.starts_with(prefix))
            .collect::<Vec<_>>()
    };
    let addresses: Vec<&str> = networks
        .iter()
        .map(|entry| entry.network.as_str())
        .filter(|network| !network.starts_with("vpc"))
        .collect();
    let lists = [
        ("NotIpAddressIfExists", "aws:SourceIp", addresses),
        ("StringNotEqualsIfExists", "aws:SourceVpc", of("vpc-")),
        ("StringNotEqualsIfExists", "aws:SourceVpce", of("vpce-")),
    ];
    lists
        .into_iter()
        .filter(|(_, _, found)| !found.is_empty())
        .map(|(operator, key, found)| (operator, key.to_owned(), values(found)))
        .collect()
}
