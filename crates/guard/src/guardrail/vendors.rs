//! Which third parties the rules register, and what is asked of each account.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::statement::{holds, listed};
use crate::check::Check;
use crate::rules::{RulesFile, Vendor, expiry};

/// The checks from which outside accounts are exempted for some role.
pub(super) fn exempted(file: &RulesFile, now: Timestamp) -> BTreeMap<&str, BTreeSet<Check>> {
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
pub(super) struct Group<'f> {
    pub(super) accounts: Vec<&'f str>,
    pub(super) vendors: Vec<&'f Vendor>,
    pub(super) exempted: BTreeSet<Check>,
}

impl Group<'_> {
    /// The vendors by name, with an account.
    pub(super) fn names(&self) -> String {
        let names: Vec<&str> = self
            .vendors
            .iter()
            .map(|vendor| vendor.name.as_str())
            .collect();
        format!("{} ({})", listed(&names), listed(&self.accounts))
    }
}

/// The vendors' accounts, but those that are ours all the same. A vendor whose access is over is
/// nobody, unless an exemption keeps it.
pub(super) fn groups<'f>(
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

/// The external ids with which an account may assume some role.
pub(super) enum Ids<'v> {
    NotRequired,
    Any,
    OneOf(BTreeSet<&'v str>),
}

pub(super) fn external_ids<'v>(vendors: &[&'v Vendor]) -> Ids<'v> {
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

/// The principals as which an account may assume roles.
pub(super) struct Principals<'v> {
    pub(super) arns: BTreeSet<&'v str>,
    /// A user's id is all of `aws:userid`, a role's is followed by a session's name.
    pub(super) ids: BTreeSet<&'v str>,
}

/// The principals of these vendors, where there is a list for all of them and the keys of a request
/// can say it.
pub(super) fn principals<'v>(
    vendors: &[&'v Vendor],
    notes: &mut Vec<String>,
) -> Option<Principals<'v>> {
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

/// The moment from which none of the vendors may assume a role.
pub(super) fn last_day(vendors: &[&Vendor]) -> Option<Timestamp> {
    let mut last = None;
    for vendor in vendors {
        last = last.max(Some(ends(vendor)?));
    }
    last
}
