//! Whom a way admits, by account: the accounts that the document names, and whether external accounts get
//! in besides, and by what they are limited.

use std::rc::Rc;

use super::caller::Account;
use super::compiled::Named;
use super::fill::one_account;
use super::identity::Solved;
use super::literal::Literal;
use super::network;
use super::solver::{Present, Solver, required};
use super::way::{Class, Way};
use crate::arn::is_account;
use crate::glob::has_wildcard;
use crate::keys::{self, Group, Role};
use crate::sets::pattern::Pattern;
use crate::sets::test::Test;

/// Whom a way of AWS principals admits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Admission {
    /// Accounts that the document names and that the way admits, sorted. With `external_accounts` limited
    /// to ids or organizations, only those that need none of them.
    pub(crate) accounts: Vec<String>,
    /// Principals of accounts that the document does not name.
    pub(crate) external_accounts: Unnamed,
    /// The organizations that every admitted caller is in, where the way asks for one.
    pub(crate) organizations: Option<Vec<Organization>>,
    /// Every admitted caller comes through a network that is named positively and is not broad.
    pub(crate) network: bool,
}

/// An organization, or the part of one, by a pattern of paths.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) path: Option<String>,
}

/// Which principals of unnamed accounts have access.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Unnamed {
    /// None.
    #[default]
    Nobody,
    /// Those with one of these unique ids.
    UniqueIds(Vec<String>),
    /// Those of the organizations in [`Admission::organizations`].
    OfOrganizations,
    /// Those of an organization that is known only by its management account.
    OfManagementAccount,
    /// Those that come through a named network.
    FromNetwork,
    /// Anyone.
    Anyone,
}

/// The accounts that a document names, as principals or in conditions on who calls; those on whose
/// behalf services are told to call; and unique ids. Each list is sorted.
#[derive(Debug, Default)]
pub(crate) struct NamedAccounts<'p> {
    pub(crate) callers: Vec<&'p str>,
    pub(crate) sources: Vec<&'p str>,
    /// Unique ids under `Principal`.
    pub(crate) ids: Vec<&'p str>,
}

/// Runs of exactly 12 digits.
fn account_runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter(|run| is_account(run))
}

impl<'p> NamedAccounts<'p> {
    pub(crate) fn of(policy: &'p crate::TrustPolicy<'p>) -> Self {
        let mut named = Self::default();
        for statement in &policy.statements {
            let lists = [&statement.principal, &statement.not_principal];
            for principal in lists.into_iter().flatten().flatten() {
                match Named::read(principal) {
                    Some(Named::UniqueId(id)) => named.ids.push(id),
                    one => named.callers.extend(one.and_then(Named::account)),
                }
            }
            for condition in &statement.conditions {
                let row = keys::find(&condition.key);
                let list = match row.role {
                    Role::PrincipalArn | Role::PrincipalAccount | Role::UserId => {
                        &mut named.callers
                    }
                    Role::SourceArn | Role::SourceAccount => &mut named.sources,
                    _ => continue,
                };
                for value in &condition.values {
                    list.extend(account_runs(value));
                }
            }
        }
        for list in [&mut named.callers, &mut named.sources, &mut named.ids] {
            list.sort_unstable();
            list.dedup();
        }
        named
    }
}

/// Whom a way of AWS principals admits. Clears `decided` on the way where that could not be told.
pub(crate) fn admit<'p>(
    way: &mut Way<'p>,
    named: &NamedAccounts<'p>,
    solver: &mut Solver<'_>,
) -> Admission {
    let mut admission = Admission {
        organizations: organizations(way, solver),
        network: network::limits(way, solver),
        ..Admission::default()
    };
    if let Some(account) = one_account(way) {
        admission.accounts.push(account.to_owned());
        return admission;
    }
    let mut known: Vec<&str> = named.callers.clone();
    known.extend(solver.context.own_account);
    // An account may be named elsewhere, and the caller's be asked to equal it.
    let listed: Vec<Rc<Test<'p>>> = way
        .of_role(Role::PrincipalAccount)
        .filter(|literal| literal.passes)
        .map(|literal| Rc::clone(&literal.test))
        .collect();
    let listed = listed.iter().filter_map(|test| test.fixed()).flatten();
    known.extend(listed.map(|pattern| &*pattern.source));
    known.sort_unstable();
    known.dedup();
    let ids = unique_ids(way);
    let external_accounts = solver.identity(way, Account::NoneOf(&known), &[]);
    if external_accounts == Solved::Unknown {
        way.decided = false;
    }
    let mut others: &[Pattern<'_>] = &[];
    let id_patterns = id_patterns(&ids);
    if external_accounts != Solved::Nobody {
        if !ids.is_empty()
            && solver.identity(way, Account::NoneOf(&known), &id_patterns) == Solved::Nobody
        {
            let row = keys::by_role(Role::UserId);
            let live = ids
                .iter()
                .filter(|id| {
                    let test = Test::Text(self::id_patterns(std::slice::from_ref(*id)));
                    way.and(&[Literal::passing(row, row.name, test)], solver)
                        .is_some()
                })
                .cloned()
                .collect();
            admission.external_accounts = Unnamed::UniqueIds(live);
            others = &id_patterns;
        } else if admission.organizations.is_some() {
            admission.external_accounts = Unnamed::OfOrganizations;
            return admission;
        } else if management_account(way, solver) {
            admission.external_accounts = Unnamed::OfManagementAccount;
        } else if admission.network {
            admission.external_accounts = Unnamed::FromNetwork;
        } else {
            admission.external_accounts = Unnamed::Anyone;
        }
    }
    // "Anyone" says it all where nothing is left to tell who else.
    if solver.exhausted() && admission.external_accounts == Unnamed::Anyone {
        way.decided = false;
        return admission;
    }
    for account in known {
        // The own account is in the own organization, and the way may ask for another one.
        if Some(account) == solver.context.own_account && is_elsewhere(way, account, solver) {
            continue;
        }
        match solver.identity(way, Account::Is(account), others) {
            Solved::Nobody => {}
            Solved::Caller(_) => admission.accounts.push(account.to_owned()),
            Solved::Unknown => {
                way.decided = false;
                admission.accounts.push(account.to_owned());
            }
        }
    }
    admission
}

/// No principal of this account is in an organization that the way admits.
fn is_elsewhere(way: &Way<'_>, account: &str, solver: &mut Solver<'_>) -> bool {
    let mut of_account = way.clone();
    let row = keys::by_role(Role::PrincipalAccount);
    let only = Test::Text(vec![Pattern::exact(account.to_owned())]);
    let demand = Literal::passing(row, row.name, only);
    of_account.demands.push(demand);
    solver.organization(&of_account, &[]).possible() == Some(false)
}

/// The unique ids that positive demands on `aws:userid` spell out.
fn unique_ids(way: &Way<'_>) -> Vec<String> {
    let mut ids: Vec<String> = way
        .of_role(Role::UserId)
        .filter(|literal| literal.passes)
        .filter_map(|literal| match &*literal.test {
            Test::Text(patterns) => Some(patterns),
            _ => None,
        })
        .flatten()
        .filter_map(|pattern| {
            let prefix = pattern.literal_prefix();
            let id = prefix.split(':').next().unwrap_or_default();
            // Ids have 21 characters; a shorter text is one only where a colon or the end says so.
            let whole = prefix.contains(':') || pattern.tokens.is_none() || id.len() >= 20;
            let form = id.starts_with("AROA") || id.starts_with("AIDA");
            // In fixed text a star is a star, and in no id.
            (whole && form && id.bytes().all(|b| b.is_ascii_alphanumeric())).then(|| id.to_owned())
        })
        .collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn id_patterns(ids: &[String]) -> Vec<Pattern<'static>> {
    ids.iter()
        .flat_map(|id| {
            let open = if id.len() >= 20 {
                format!("{id}*")
            } else {
                format!("{id}:*")
            };
            [Pattern::exact(id.clone()), Pattern::wild(open)]
        })
        .collect()
}

/// A fixed management account fixes the organization.
fn management_account(way: &Way<'_>, solver: &Solver<'_>) -> bool {
    way.demands.iter().any(|literal| {
        literal.row.name == "aws:PrincipalOrgMasterAccount"
            && literal.passes
            && literal.test.fixed().is_some()
            && required(way, literal, solver)
    })
}

/// The organizations that the demands leave, if they leave only ones that they spell out.
fn organizations(way: &Way<'_>, solver: &mut Solver<'_>) -> Option<Vec<Organization>> {
    if way.class != Class::Aws {
        return None;
    }
    limited_to(way, solver, Group::Organization, Role::OrganizationId)
}

/// The organizations for which a service may call, likewise.
pub(crate) fn source_organizations(
    way: &Way<'_>,
    solver: &mut Solver<'_>,
) -> Option<Vec<Organization>> {
    limited_to(
        way,
        solver,
        Group::SourceOrganization,
        Role::SourceOrganizationId,
    )
}

fn limited_to(
    way: &Way<'_>,
    solver: &mut Solver<'_>,
    group: Group,
    id: Role,
) -> Option<Vec<Organization>> {
    let solve = |solver: &mut Solver<'_>, outside: &[Pattern<'_>]| match group {
        Group::Organization => solver.organization(way, outside),
        _ => solver.source_organization(way, outside),
    };
    let mut spelled: Vec<Organization> = Vec::new();
    // A variable may stand for the organization: that of the role itself.
    for one in solver.ready(way, |literal| {
        literal.row.role.group() == group && literal.passes
    }) {
        let Test::Text(patterns) = &*one.test else {
            continue;
        };
        for pattern in patterns {
            // Ids and paths have small letters only.
            let prefix = pattern.in_small_letters(pattern.literal_prefix());
            let is_id = one.literal.row.role == id;
            let head = prefix.split('/').next().unwrap_or_default();
            let whole = if is_id {
                pattern.tokens.is_none()
            } else {
                prefix.contains('/')
            };
            if !whole {
                continue;
            }
            let shown = pattern.in_small_letters(pattern.shown());
            // No path has a star in it: `StringEquals` with one is met by nobody.
            if pattern.tokens.is_none() && has_wildcard(&shown) {
                continue;
            }
            let part = !is_id && shown != format!("{head}/*");
            spelled.push(Organization {
                id: head.to_owned(),
                path: part.then(|| shown.into_owned()),
            });
        }
    }
    if spelled.is_empty() {
        return None;
    }
    spelled.sort_unstable();
    spelled.dedup();
    let heads: Vec<Pattern<'_>> = spelled
        .iter()
        .map(|one| Pattern::exact(one.id.clone()))
        .collect();
    let outside = solve(solver, &heads);
    if outside.absent || outside.present != Present::Nothing {
        return None;
    }
    // Paths say more than ids: where an id has a part, the bare id is left out.
    let parts: Vec<String> = spelled
        .iter()
        .filter(|one| one.path.is_some())
        .map(|one| one.id.clone())
        .collect();
    let ids: Vec<String> = spelled.iter().map(|one| one.id.clone()).collect();
    spelled.retain(|one| one.path.is_some() || !parts.contains(&one.id) || both(way, id, &one.id));
    // The only one is possible, since the way is.
    if spelled.len() == 1 {
        return Some(spelled);
    }
    spelled.retain(|one| {
        let others: Vec<Pattern<'_>> = ids
            .iter()
            .filter(|other| **other != one.id)
            .map(|other| Pattern::exact(other.clone()))
            .collect();
        // With every other id excluded, this one must still be possible.
        let state = solve(solver, &others);
        state.present != Present::Nothing
    });
    Some(spelled)
}

/// A path demand that admits the whole organization stands beside a part of it.
fn both(way: &Way<'_>, id: Role, organization: &str) -> bool {
    let whole = format!("{organization}/*");
    let paths = match id {
        Role::OrganizationId => Role::OrganizationPaths,
        _ => Role::SourceOrganizationPaths,
    };
    way.of_role(paths).any(|literal| {
        matches!(&*literal.test, Test::Text(patterns)
            if patterns.iter().any(|pattern| pattern.tokens.is_some() && pattern.shown() == whole))
    })
}
