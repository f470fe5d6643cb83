//! Roles that a third party reaches through what it holds in the account: a role that it assumes, or
//! a user whose keys it has. A role that names another role of its account as principal lets it in
//! without any policy of that role's.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use policy::glob::matches;
use serde::{Deserialize, Serialize};

use super::access::{Access, AuditedRole, LastUsed, Party, accesses};
use crate::check::{Check, Finding};
use crate::detect::{Judgement, finding};
use crate::model::RoleRef;
use crate::rules::{Rules, is_pattern};
use crate::state::incident::Schema;

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

/// Third parties, as chains carry them on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parties {
    /// Who, as people know them.
    pub names: BTreeSet<String>,
    /// A vendor among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// An account of one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub third_party: Option<String>,
}

impl Parties {
    /// A third party can assume a role. Whoever a registered identity provider lets in is of our own
    /// side, as a deployment of our own repository is.
    fn add(&mut self, access: &Access) {
        if access.allowed && matches!(access.party, Party::IdentityProvider { .. }) {
            return;
        }
        let (account, party) = match &access.party {
            Party::Account { account } => (Some(account.clone()), account.clone()),
            Party::Anyone => (None, "anyone".to_owned()),
            Party::Organization { id } => (None, format!("organization {id}")),
            Party::UniqueId { id } => (None, id.clone()),
            Party::IdentityProvider { provider } => (None, format!("users of {provider}")),
        };
        self.names.insert(access.name.clone().unwrap_or(party));
        self.third_party = self.third_party.take().or(account);
    }
}

/// What a role of the account has to do with chains, as it is remembered between events and sweeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainLink {
    /// Always there.
    pub schema: Schema,
    /// 12 digits.
    pub account: String,
    /// The role's name.
    pub role: String,
    /// `AROA…`, where whoever wrote this knew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    /// The principals of its own account that it names, as [`Trusting::principals`].
    pub principals: String,
    /// The third parties that can assume it directly.
    pub parties: Parties,
}

impl ChainLink {
    /// By the judgement of a role's trust policy.
    pub fn new(
        rules: &Rules,
        role: &RoleRef,
        role_id: Option<&str>,
        judgement: &Judgement,
    ) -> Self {
        let audited = Arc::new(AuditedRole {
            role: role.clone(),
            arn: None,
            created: None,
            last_used: LastUsed::Unknown,
        });
        let mut parties = Parties::default();
        for access in accesses(rules, &audited, judgement) {
            parties.add(&access);
        }
        Self {
            schema: Schema,
            account: role.account.clone(),
            role: role.name.clone().unwrap_or_default(),
            role_id: role_id.map(str::to_owned),
            principals: judgement.own_principals(&role.account).into(),
            parties,
        }
    }

    /// A role that is gone, or has nothing to do with chains.
    pub fn is_empty(&self) -> bool {
        self.principals.is_empty() && self.parties.names.is_empty()
    }

    /// Whether it names principals by a pattern: which these are, only all links say.
    pub fn names_by_pattern(&self) -> bool {
        self.principals.lines().any(is_pattern)
    }

    /// Whether it names a role, by name or by a pattern.
    pub fn trusts(&self, role: &str) -> bool {
        let role = format!("role/{role}").to_lowercase();
        let named = |principal: String| principal == role || matches(&principal, &role);
        self.principals.lines().map(str::to_lowercase).any(named)
    }
}

/// As [`judge_chains`], of the links of one account, with the users that they name and whose keys
/// vendors hold by the rules.
pub fn judge_links(rules: &Rules, links: &[&ChainLink], now: Timestamp) -> Vec<Reached> {
    let trusting: Vec<Trusting<'_>> = links
        .iter()
        .map(|link| Trusting {
            account: &link.account,
            name: &link.role,
            principals: &link.principals,
        })
        .collect();
    let mut held = Held::among(&trusting);
    for link in links {
        if !link.parties.names.is_empty()
            && let Some(holding) = held.holding(&link.account, "role", &link.role)
        {
            holding.parties = link.parties.clone();
        }
        let mut fitting = Vec::new();
        if link.principals.lines().any(is_pattern) {
            fitting = rules.users_of_vendors();
        }
        let users = link
            .principals
            .lines()
            .filter_map(|named| named.strip_prefix("user/"))
            .filter(|user| !is_pattern(user));
        for user in users.chain(fitting.iter().map(String::as_str)) {
            for vendor in rules.vendors_of_user(user) {
                held.user(&link.account, user, &vendor);
            }
        }
    }
    reached(rules, &held, now)
}

/// Where third parties are in an account already, so far as it matters to some roles that name
/// principals of their own account: of a hundred thousand roles that third parties assume few do.
#[derive(Debug)]
pub struct Held<'a> {
    trusting: &'a [Trusting<'a>],
    /// By `ACCOUNT/role/name` or `ACCOUNT/user/name` in small letters, each of `trusting` and each
    /// principal that one of them names: which of them name it.
    by_name: BTreeMap<String, Vec<usize>>,
    by_pattern: Vec<(String, usize)>,
    /// By the same names.
    holdings: BTreeMap<String, Holding>,
}

#[derive(Debug, Default)]
struct Holding {
    /// `role/Name`, as it is spelled.
    shown: String,
    parties: Parties,
}

impl<'a> Held<'a> {
    /// What third parties hold that matters to these roles; nothing yet.
    pub fn among(trusting: &'a [Trusting<'a>]) -> Self {
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut by_pattern: Vec<(String, usize)> = Vec::new();
        for (index, role) in trusting.iter().enumerate() {
            for principal in role.principals.lines() {
                let named = format!("{}/{principal}", role.account).to_lowercase();
                if is_pattern(principal) {
                    by_pattern.push((named, index));
                } else {
                    by_name.entry(named).or_default().push(index);
                }
            }
            let own = node(role.account, "role", role.name);
            by_name.entry(own).or_default();
        }
        Self {
            trusting,
            by_name,
            by_pattern,
            holdings: BTreeMap::new(),
        }
    }

    /// A third party can assume a role.
    pub fn role(&mut self, access: &Access) {
        let role = &access.role.role;
        let name = role.name.as_deref().unwrap_or_default();
        let mut parties = Parties::default();
        parties.add(access);
        if !parties.names.is_empty()
            && let Some(holding) = self.holding(&role.account, "role", name)
        {
            holding.parties.add(access);
        }
    }

    /// A vendor holds the keys of a user.
    pub fn user(&mut self, account: &str, name: &str, vendor: &str) {
        if let Some(Holding { parties, .. }) = self.holding(account, "user", name) {
            parties.names.insert(vendor.to_owned());
            parties.vendor = Some(vendor.to_owned());
        }
    }

    /// `None`: it matters to none of the roles.
    fn holding(&mut self, account: &str, kind: &str, name: &str) -> Option<&mut Holding> {
        let node = node(account, kind, name);
        let matters = self.by_name.contains_key(&node)
            || (self.by_pattern.iter()).any(|(pattern, _)| matches(pattern, &node));
        matters.then(|| {
            let holding = self.holdings.entry(node).or_default();
            holding.shown = format!("{kind}/{name}");
            holding
        })
    }

    /// The roles that name it.
    fn naming(&self, node: &str) -> BTreeSet<usize> {
        let fitting = (self.by_pattern.iter()).filter(|(pattern, _)| matches(pattern, node));
        let named = self.by_name.get(node).into_iter().flatten().copied();
        named.chain(fitting.map(|(_, index)| *index)).collect()
    }
}

fn node(account: &str, kind: &str, name: &str) -> String {
    format!("{account}/{kind}/{name}").to_lowercase()
}

/// `reachable-through-role` for each of the roles that a third party reaches through what it
/// holds, however long the way; with the index of the role.
pub fn judge_chains(rules: &Rules, held: &Held<'_>, now: Timestamp) -> Vec<(usize, Finding)> {
    let reached = reached(rules, held, now).into_iter();
    reached
        .map(|reached| (reached.index, reached.finding))
        .collect()
}

/// A role that third parties reach, and which: one for each way that lets in somebody else.
#[derive(Debug)]
pub struct Reached {
    /// Of the role, in the list that was judged.
    pub index: usize,
    /// Who reaches it by this way.
    pub parties: BTreeSet<String>,
    /// What is said of it.
    pub finding: Finding,
}

/// Of one role so many ways are followed: a circle of many third parties is not worth more.
const MOST_WAYS: usize = 4;

fn reached(rules: &Rules, held: &Held<'_>, now: Timestamp) -> Vec<Reached> {
    let mut findings = Vec::new();
    // Of each role the shortest way for each third party, from where somebody is.
    let mut ways: BTreeMap<usize, Vec<(&Holding, String)>> = BTreeMap::new();
    let mut waiting: VecDeque<(String, &Holding, String)> = held
        .holdings
        .iter()
        .map(|(node, holding)| (node.clone(), holding, holding.shown.clone()))
        .collect();
    while let Some((at, holding, way)) = waiting.pop_front() {
        for index in held.naming(&at) {
            let Some(role) = held.trusting.get(index) else {
                continue;
            };
            let to = node(role.account, "role", role.name);
            let ways = ways.entry(index).or_default();
            let there = held
                .holdings
                .get(&to)
                .into_iter()
                .chain(ways.iter().map(|way| way.0));
            let names = &holding.parties.names;
            let knows = there
                .into_iter()
                .any(|there| names.is_subset(&there.parties.names));
            if to == at || knows || ways.len() >= MOST_WAYS {
                continue;
            }
            ways.push((holding, way.clone()));
            waiting.push_back((to, holding, format!("{way}, then role/{}", role.name)));
        }
    }
    let ways = ways.into_iter().flat_map(|(index, ways)| {
        ways.into_iter()
            .map(move |(holding, way)| (index, holding, way))
    });
    for (index, holding, way) in ways {
        let name = held.trusting.get(index).map_or("", |role| role.name);
        if rules.exempts_role(name, Check::ReachableThroughRole, now) {
            continue;
        }
        let parties: Vec<&str> = holding.parties.names.iter().map(String::as_str).collect();
        let through = way.rsplit(", then ").next().unwrap_or(&way);
        let message = format!("{} can assume it through {way}", parties.join(" and "));
        let fix = format!(
            "take {through} out of the trust policy, or the third party out of {}",
            holding.shown
        );
        let found = Finding {
            vendor: holding.parties.vendor.clone(),
            third_party: holding.parties.third_party.clone(),
            fix: Some(fix),
            ..finding(rules, Check::ReachableThroughRole, message)
        };
        findings.push(Reached {
            index,
            parties: holding.parties.names.clone(),
            finding: found,
        });
    }
    findings
}
