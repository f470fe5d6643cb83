//! External ids, over all roles: the same one twice, and those that anyone could guess.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use policy::external_id::quality;

use super::access::{Access, Party, RuleOfParty};
use super::{AccountFinding, ProofKind};
use crate::check::{Check, Finding};
use crate::detect::finding;
use crate::rules::Rules;

/// How many other holders of an id a message names.
const NAMED: usize = 3;

/// Who shares an id: indices of accesses, in their order.
type Holders = Vec<usize>;

/// `shared-external-id` and `weak-external-id` for what the judgement of single documents cannot
/// see: ids that several roles or third parties have, and guessable ids of parties without a rule.
/// Each is given to `take`, with the index of its access.
///
/// One pass: every id is looked up once in a table under a keyed hash, so that nobody can choose
/// ids that make it slow.
pub fn judge_external_ids(
    rules: &Rules,
    accesses: &[&Access],
    now: Timestamp,
    take: &mut dyn FnMut(usize, AccountFinding),
) {
    weak(rules, accesses, now, take);
    let mut holders: HashMap<&str, Holders> = HashMap::new();
    for (index, access) in accesses.iter().enumerate() {
        for id in access.external_ids() {
            let of_id = holders.entry(id).or_default();
            if of_id.last() != Some(&index) {
                of_id.push(index);
            }
        }
    }
    let mut shared: Vec<&Holders> = holders
        .values()
        .filter(|holders| holders.len() > 1 && !is_one_rule(accesses, holders))
        .collect();
    // The table's order is its key's.
    shared.sort();
    // Two ids may be shared by the same two.
    let mut reported: BTreeSet<(usize, &str)> = BTreeSet::new();
    for holders in shared {
        let of = |index: &usize| accesses.get(*index).copied();
        let group: Vec<&Access> = holders.iter().filter_map(of).collect();
        let mut sharing = Sharing::new(&group);
        let several = sharing.several;
        for &index in holders {
            let Some(access) = accesses.get(index) else {
                continue;
            };
            let key = if several { "parties" } else { "roles" };
            if already(access, Check::SharedExternalId)
                // Within one vendor, the role that its rule does not name is the one too many.
                || (!several && access.allowed)
                || !reported.insert((index, key))
            {
                continue;
            }
            let others = sharing
                .others_of(access)
                .filter(|_| !is_exempted(rules, access, Check::SharedExternalId, now));
            if let Some(others) = others {
                take(index, shared_finding(rules, access, &others, several));
            }
        }
    }
}

/// Who shares an id. One id may be on every role of an account, so what is said of the others is
/// not gathered for each holder anew.
struct Sharing<'a> {
    group: &'a [&'a Access],
    /// More than one third party.
    several: bool,
    /// By the account of the role that is told of.
    words: HashMap<&'a str, Words<'a>>,
}

/// How holders of an id read in a message.
#[derive(Default)]
struct Words<'a> {
    /// Sorted, each with its party.
    all: Vec<(String, &'a str)>,
    /// How many of them are a party's.
    of_party: HashMap<&'a str, usize>,
}

impl<'a> Sharing<'a> {
    fn new(group: &'a [&'a Access]) -> Self {
        let parties: BTreeSet<&str> = group.iter().map(|access| party_key(access)).collect();
        Self {
            group,
            several: parties.len() > 1,
            words: HashMap::new(),
        }
    }

    /// The first of the others, by their names, and how many more there are; of several parties,
    /// the others are those of other parties. `None`: there are none, since it is one role that a
    /// vendor enters from two accounts.
    fn others_of(&mut self, access: &'a Access) -> Option<String> {
        let account = access.role.role.account.as_str();
        let (group, several) = (self.group, self.several);
        let words = self
            .words
            .entry(account)
            .or_insert_with(|| Words::of(group, account, several));
        let party = party_key(access);
        let own = (!several).then(|| holder_words(access, account, several));
        let is_other = |(text, of): &&(String, &str)| match &own {
            Some(own) => text != own,
            None => *of != party,
        };
        let others = words.all.iter().filter(is_other);
        let mut named: Vec<&str> = others.map(|(text, _)| text.as_str()).take(NAMED).collect();
        let own = if several {
            words.of_party.get(party).copied().unwrap_or_default()
        } else {
            1
        };
        let more = words.all.len().saturating_sub(own + NAMED);
        let more = (more > 0).then(|| format!("{more} more"));
        named.extend(more.as_deref());
        (!named.is_empty()).then(|| named.join(", "))
    }
}

impl<'a> Words<'a> {
    fn of(group: &[&'a Access], account: &str, several: bool) -> Self {
        let mut words = Self::default();
        words.all.extend(group.iter().map(|holder| {
            let text = holder_words(holder, account, several);
            (text, party_key(holder))
        }));
        words.all.sort();
        words.all.dedup();
        for (_, party) in &words.all {
            *words.of_party.entry(party).or_default() += 1;
        }
        words
    }
}

/// How a holder reads in the message of a role of `account`.
fn holder_words(holder: &Access, account: &str, several: bool) -> String {
    let role = holder.role.role.name.as_deref().unwrap_or_default();
    let whose = &holder.role.role.account;
    let elsewhere = if whose == account {
        String::new()
    } else {
        format!(" of account {whose}")
    };
    if several {
        format!("{} on role {role}{elsewhere}", party_words(holder))
    } else {
        format!("role {role}{elsewhere}")
    }
}

/// One rule gives one id to one vendor for all these roles: so it was decided.
fn is_one_rule(accesses: &[&Access], holders: &Holders) -> bool {
    let mut names = holders.iter().map(|index| {
        accesses
            .get(*index)
            .and_then(|access| match (access.rule.as_deref(), access.allowed) {
                (Some(RuleOfParty::Vendor { name, .. }), true) => Some(name.as_str()),
                _ => None,
            })
    });
    let first = names.next().flatten();
    first.is_some() && names.all(|name| name == first)
}

/// Two accounts of one vendor are one party.
fn party_key(access: &Access) -> &str {
    match (&access.name, &access.party) {
        (Some(name), _) => name,
        (None, Party::Account { account }) => account,
        (None, Party::UniqueId { id }) => id,
        (None, _) => "",
    }
}

fn party_words(access: &Access) -> String {
    match (&access.name, &access.party) {
        (Some(name), Party::Account { account }) => format!("{name} ({account})"),
        (None, Party::Account { account }) => format!("account {account}"),
        (_, Party::UniqueId { id }) => id.clone(),
        _ => "anyone".to_owned(),
    }
}

fn shared_finding(rules: &Rules, access: &Access, others: &str, several: bool) -> AccountFinding {
    let own = party_words(access);
    let (message, fix) = if several {
        (
            format!("the external id of {own} is also used by another third party: {others}"),
            "give each third party an id of its own: anyone who knows one knows the other's",
        )
    } else {
        (
            format!("the external id of {own} also grants access to other roles: {others}"),
            "give each role an id of its own, or name these roles in one rule",
        )
    };
    AccountFinding {
        account: Some(access.role.role.account.clone()).filter(|account| !account.is_empty()),
        subject: access.role.subject(),
        finding: Finding {
            fix: Some(fix.to_owned()),
            ..about(rules, access, Check::SharedExternalId, message)
        },
    }
}

fn weak(
    rules: &Rules,
    accesses: &[&Access],
    now: Timestamp,
    take: &mut dyn FnMut(usize, AccountFinding),
) {
    for (index, access) in accesses.iter().enumerate() {
        if already(access, Check::WeakExternalId) {
            continue;
        }
        let role = &access.role.role;
        let context: Vec<&str> = [access.name.as_deref(), role.name.as_deref()]
            .into_iter()
            .flatten()
            .chain([role.account.as_str()])
            .collect();
        if access
            .external_ids()
            .all(|id| quality(id, &context).is_none())
            || is_exempted(rules, access, Check::WeakExternalId, now)
        {
            continue;
        }
        let message = format!(
            "the external id that {} must give can be guessed",
            party_words(access)
        );
        let fix = "use one random id, and name it in the rules";
        let found = AccountFinding {
            account: Some(role.account.clone()).filter(|account| !account.is_empty()),
            subject: access.role.subject(),
            finding: Finding {
                fix: Some(fix.to_owned()),
                ..about(rules, access, Check::WeakExternalId, message)
            },
        };
        take(index, found);
    }
}

/// The judgement of the document said it already.
fn already(access: &Access, check: Check) -> bool {
    access.findings.iter().any(|(_, found)| *found == check)
}

fn is_exempted(rules: &Rules, access: &Access, check: Check, now: Timestamp) -> bool {
    let role = &access.role.role;
    let (Party::Account { account }, Some(_)) = (&access.party, &role.name) else {
        return false;
    };
    rules.exemption(role, account, check, now).is_some()
}

fn about(rules: &Rules, access: &Access, check: Check, message: String) -> Finding {
    let third_party = match &access.party {
        Party::Account { account } => Some(account.clone()),
        _ => None,
    };
    let vendor = match access.rule.as_deref() {
        Some(RuleOfParty::Vendor { name, .. }) => Some(name.clone()),
        _ => None,
    };
    let statement = access.ways.iter().find(|way| {
        let mut proofs = way.proofs.iter();
        proofs.any(|proof| proof.kind == ProofKind::ExternalId)
    });
    Finding {
        statement: statement.map(|way| way.statement),
        third_party,
        vendor,
        ..finding(rules, check, message)
    }
}
