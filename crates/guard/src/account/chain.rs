//! Roles that a third party reaches through what it holds in the account: a role that it assumes, or
//! a user whose keys it has. A role that names another role of its account as principal lets it in
//! without any policy of that role's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::Timestamp;
use policy::glob::matches;

use super::access::{Access, Party};
use crate::check::{Check, Finding};
use crate::detect::finding;
use crate::rules::{Rules, is_pattern};

/// A role that names principals of its own account.
#[derive(Debug, Clone, Copy)]
pub struct Trusting<'a> {
    /// The account.
    pub account: &'a str,
    /// The role's name.
    pub name: &'a str,
    /// What [`TrustDocument::own_principals`](crate::detect::TrustDocument::own_principals) says.
    pub principals: &'a str,
}

/// Where third parties are in an account already, by `ACCOUNT/role/name` or `ACCOUNT/user/name` in
/// small letters.
#[derive(Debug, Default)]
pub struct Held(BTreeMap<String, Holding>);

#[derive(Debug, Default)]
struct Holding {
    /// `role/Name`, as it is spelled.
    shown: String,
    /// Who, as people know them.
    parties: BTreeSet<String>,
    vendor: Option<String>,
    third_party: Option<String>,
}

impl Held {
    /// A third party can assume a role. Whoever a registered identity provider lets in is of our own
    /// side, as a deployment of our own repository is.
    pub fn role(&mut self, access: &Access) {
        if access.allowed && matches!(access.party, Party::IdentityProvider { .. }) {
            return;
        }
        let role = &access.role.role;
        let name = role.name.as_deref().unwrap_or_default();
        let (account, party) = match &access.party {
            Party::Account { account } => (Some(account.clone()), account.clone()),
            Party::Anyone => (None, "anyone".to_owned()),
            Party::Organization { id } => (None, format!("organization {id}")),
            Party::UniqueId { id } => (None, id.clone()),
            Party::IdentityProvider { provider } => (None, format!("users of {provider}")),
        };
        let holding = self.holding(&role.account, "role", name);
        holding.parties.insert(access.name.clone().unwrap_or(party));
        holding.third_party = holding.third_party.take().or(account);
    }

    /// A vendor holds the keys of a user.
    pub fn user(&mut self, account: &str, name: &str, vendor: &str) {
        let holding = self.holding(account, "user", name);
        holding.parties.insert(vendor.to_owned());
        holding.vendor = Some(vendor.to_owned());
    }

    fn holding(&mut self, account: &str, kind: &str, name: &str) -> &mut Holding {
        let holding = self.0.entry(node(account, kind, name)).or_default();
        holding.shown = format!("{kind}/{name}");
        holding
    }
}

fn node(account: &str, kind: &str, name: &str) -> String {
    format!("{account}/{kind}/{name}").to_lowercase()
}

/// `reachable-through-role` for each of these roles that a third party reaches through what it
/// holds, however long the way; with the index of the role.
pub fn judge_chains(
    rules: &Rules,
    held: &Held,
    trusting: &[Trusting<'_>],
    now: Timestamp,
) -> Vec<(usize, Finding)> {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut by_pattern: Vec<(String, usize)> = Vec::new();
    for (index, role) in trusting.iter().enumerate() {
        for principal in role.principals.lines() {
            let named = format!("{}/{principal}", role.account);
            if is_pattern(principal) {
                by_pattern.push((named, index));
            } else {
                by_name.entry(named).or_default().push(index);
            }
        }
    }
    let mut findings = Vec::new();
    // Of each role the shortest way, from where somebody is.
    let mut ways: BTreeMap<usize, (&Holding, String)> = BTreeMap::new();
    let mut waiting: VecDeque<(String, &Holding, String)> = held
        .0
        .iter()
        .map(|(node, holding)| (node.clone(), holding, holding.shown.clone()))
        .collect();
    while let Some((at, holding, way)) = waiting.pop_front() {
        let fitting = by_pattern
            .iter()
            .filter(|(pattern, _)| matches(pattern, &at));
        let named = by_name.get(&at).into_iter().flatten().copied();
        let next: BTreeSet<usize> = named.chain(fitting.map(|(_, index)| *index)).collect();
        for index in next {
            let Some(role) = trusting.get(index) else {
                continue;
            };
            let to = node(role.account, "role", role.name);
            let direct = held.0.get(&to);
            let knows = direct.is_some_and(|direct| holding.parties.is_subset(&direct.parties));
            if to == at || knows || ways.contains_key(&index) {
                continue;
            }
            ways.insert(index, (holding, way.clone()));
            waiting.push_back((to, holding, format!("{way}, then role/{}", role.name)));
        }
    }
    for (index, (holding, way)) in ways {
        let name = trusting.get(index).map_or("", |role| role.name);
        if rules.exempts_role(name, Check::ReachableThroughRole, now) {
            continue;
        }
        let parties: Vec<&str> = holding.parties.iter().map(String::as_str).collect();
        let through = way.rsplit(", then ").next().unwrap_or(&way);
        let message = format!("{} can assume it through {way}", parties.join(" and "));
        let fix = format!(
            "take {through} out of the trust policy, or the third party out of {}",
            holding.shown
        );
        let found = Finding {
            vendor: holding.vendor.clone(),
            third_party: holding.third_party.clone(),
            fix: Some(fix),
            ..finding(rules, Check::ReachableThroughRole, message)
        };
        findings.push((index, found));
    }
    findings
}
