//! From ways to the grants of the answer.

use super::admit::{Admission, Unnamed, source_organizations};
use super::compiled::{Actions, Compiled, Named};
use super::federated;
use super::literal::Literal;
use super::offer::offers;
use super::restrict::{restriction, says_all};
use super::solver::Solver;
use super::way::{Class, Way};
use super::ways::ways;
use crate::answer::{Restriction, Who};
use crate::arn;
use crate::document::Effect;
use crate::keys::{self, Group, Role};
use crate::sets::pattern::{Pattern, Token};
use crate::sets::test::Test;

/// Whom a way admits, and the way narrowed to just them.
pub(crate) type Entrant<'p> = (Who, Way<'p>);

/// One entry for each kind of caller that a way admits.
pub(crate) fn entrants<'p>(
    way: Way<'p>,
    admission: &Admission,
    solver: &mut Solver<'_>,
) -> Vec<Entrant<'p>> {
    match way.class {
        Class::Service(service) => {
            let service = service.to_owned();
            return vec![(Who::Service { service }, way)];
        }
        Class::AnyService => return vec![(Who::AnyService, way)],
        Class::Federated(issuer) => {
            let open = federated::is_open(&way, issuer, solver);
            let (provider, account) = federated::named(&way, issuer, solver.context.own_account);
            let who = Who::Federated {
                provider,
                account,
                open,
            };
            return vec![(who, way)];
        }
        Class::Aws => {}
    }
    let mut entrants = Vec::with_capacity(admission.accounts.len());
    match &admission.external_accounts {
        Unnamed::Nobody => {}
        Unnamed::UniqueIds(ids) => {
            for id in ids {
                entrants.push((Who::UniqueId { id: id.clone() }, narrowed_to_id(&way, id)));
            }
        }
        Unnamed::OfOrganizations => {
            for one in admission.organizations.iter().flatten() {
                let Some(narrow) = narrowed_to_organization(&way, one, solver) else {
                    continue;
                };
                let who = Who::Organization {
                    id: one.id.clone(),
                    path: one.path.clone(),
                };
                entrants.push((who, narrow));
            }
        }
        // Named accounts are among them.
        Unnamed::OfManagementAccount | Unnamed::FromNetwork | Unnamed::Anyone => {
            return vec![(Who::Anyone, way)];
        }
    }
    for account in &admission.accounts {
        of_account(&way, account, solver, &mut entrants);
    }
    entrants
}

fn with<'p>(way: &Way<'p>, role: Role, patterns: Vec<Pattern<'p>>) -> Way<'p> {
    let row = keys::by_role(role);
    let mut demands = Vec::with_capacity(way.demands.len() + 1);
    demands.extend_from_slice(&way.demands);
    demands.push(Literal::passing(row, row.name, Test::Text(patterns)));
    Way { demands, ..*way }
}

fn narrowed_to_id<'p>(way: &Way<'p>, id: &str) -> Way<'p> {
    let patterns = vec![
        Pattern::exact(id.to_owned()),
        Pattern::wild(format!("{id}*")),
    ];
    with(way, Role::UserId, patterns)
}

fn narrowed_to_organization<'p>(
    way: &Way<'p>,
    one: &super::admit::Organization,
    solver: &mut Solver<'_>,
) -> Option<Way<'p>> {
    let demand = |role: Role, pattern: Pattern<'p>| {
        let row = keys::by_role(role);
        Literal::passing(row, row.name, Test::Text(vec![pattern]))
    };
    let mut only = vec![demand(Role::OrganizationId, Pattern::exact(one.id.clone()))];
    if let Some(path) = &one.path {
        only.push(demand(Role::OrganizationPaths, Pattern::wild(path.clone())));
    }
    way.and(&only, solver)
}

/// The principals of one account that a way admits: by ARN where it asks for some.
fn of_account<'p>(
    way: &Way<'p>,
    account: &str,
    solver: &mut Solver<'_>,
    entrants: &mut Vec<Entrant<'p>>,
) {
    if let Named::Session { arn, .. } = way.named {
        let who = Who::Principal {
            account: account.to_owned(),
            arn: arn.to_owned(),
        };
        entrants.push((who, way.clone()));
        return;
    }
    let arns = way
        .of_role(Role::PrincipalArn)
        .filter(|literal| literal.passes)
        .filter_map(|literal| match &*literal.test {
            Test::Text(patterns) => Some(patterns),
            _ => None,
        })
        // Fixed ARNs say more than patterns.
        .max_by_key(|patterns| patterns.iter().all(|pattern| pattern.tokens.is_none()));
    let pinned = || {
        let only = vec![Pattern::exact(account.to_owned())];
        with(way, Role::PrincipalAccount, only)
    };
    if let Some(patterns) = arns {
        let pinned = pinned();
        let before = entrants.len();
        let mut exact = true;
        for pattern in patterns {
            let Some(arn) = arn_within(pattern, account) else {
                exact = false;
                continue;
            };
            let row = keys::by_role(Role::PrincipalArn);
            let only = Literal::passing(row, row.name, Test::Text(vec![pattern.clone()]));
            if let Some(narrow) = pinned.and(&[only], solver) {
                let account = account.to_owned();
                entrants.push((Who::Principal { account, arn }, narrow));
            }
        }
        if exact && entrants.len() > before {
            return;
        }
        entrants.truncate(before);
    }
    let who = Who::Account {
        account: account.to_owned(),
    };
    // Where the account follows from the principal itself nothing has to be added.
    let way = if matches!(way.named, Named::Account { .. }) {
        way.clone()
    } else {
        pinned()
    };
    entrants.push((who, way));
}

/// The pattern, if what it says beyond the account can be said of this account alone. A star that
/// is no ARN's runs over colons: `arn:aws:iam::*:user/alice` fits a role whose path ends in `:user`.
fn arn_within(pattern: &Pattern<'_>, account: &str) -> Option<String> {
    let by_segment = pattern
        .tokens
        .iter()
        .flatten()
        .all(|token| !matches!(token, Token::Many | Token::One));
    let shown = pattern.shown();
    let part = arn::part(&shown, 4)?;
    if part == "*" || part == "????????????" {
        if !by_segment {
            return None;
        }
        let mut parts: Vec<&str> = shown.splitn(6, ':').collect();
        *parts.get_mut(4)? = account;
        return Some(parts.join(":"));
    }
    let fits = part == account || Pattern::wild(part).matches(account);
    fits.then(|| shown.into_owned())
}

/// What a way demands besides what its principal already says; and whether that and the principal
/// say all there is. What it demands of the external id is known already.
pub(crate) fn restrictions(
    who: &Who,
    way: &Way<'_>,
    external_id: Option<&Restriction>,
    solver: &mut Solver<'_>,
) -> (Vec<Restriction>, bool) {
    // An ARN that is compared without case is shown in one spelling, so the others are said besides.
    let spelled = way
        .of_role(Role::PrincipalArn)
        .all(|literal| !literal.passes || !literal.test.ignores_case());
    let said = |role: Role| match who {
        Who::Account { .. } => role == Role::PrincipalAccount,
        Who::Principal { .. } => {
            role == Role::PrincipalAccount || (role == Role::PrincipalArn && spelled)
        }
        Who::Organization { .. } => role.group() == Group::Organization,
        Who::UniqueId { .. } => role == Role::UserId,
        Who::Service { .. } => role == Role::ServiceName,
        Who::Anyone | Who::AnyService | Who::Federated { .. } => false,
    };
    let mut found = Vec::new();
    let mut exact = true;
    for (place, literal) in way.demands.iter().enumerate() {
        let role = literal.row.role;
        if said(role) || role == Role::SessionName {
            exact &= says(who, way, literal);
            continue;
        }
        let mut before = way.demands.iter().take(place);
        if before.any(|one| one.same_key(literal)) {
            continue;
        }
        let one = match role.group() {
            Group::Organization | Group::SourceOrganization => on_path(way, literal, solver),
            // Who goes the way counts only for what a variable stands for.
            _ if role == Role::ExternalId && !way.has_variables(role) => external_id.cloned(),
            _ => restriction(way, literal, solver),
        };
        exact &= says_all(way, literal, one.as_ref());
        found.extend(one);
    }
    found.sort_by(|left: &Restriction, right: &Restriction| left.key.cmp(&right.key));
    (found, exact)
}

/// Whether a demand holds for everyone whom `who` describes.
fn says(who: &Who, way: &Way<'_>, literal: &Literal<'_>) -> bool {
    let Test::Text(patterns) = &*literal.test else {
        return *literal.test == Test::Present;
    };
    // What a variable stands for differs from caller to caller.
    if literal.test.has_variables() {
        return false;
    }
    let role = literal.row.role;
    let holds =
        |value: &str| patterns.iter().any(|pattern| pattern.matches(value)) == literal.passes;
    match who {
        Who::Account { account } => role == Role::PrincipalAccount && holds(account),
        Who::Principal { account, arn } => match (role, way.named) {
            (Role::PrincipalAccount, _) => holds(account),
            // A session is named whole, but for the path of its role.
            (Role::SessionName, Named::Session { .. }) => true,
            (Role::PrincipalArn, Named::Session { .. }) => {
                way.of_role(Role::PrincipalArn).nth(1).is_none()
            }
            (Role::PrincipalArn, _) if !arn.contains(['*', '?']) => holds(arn),
            (Role::PrincipalArn, _) => {
                literal.passes
                    && patterns
                        .iter()
                        .any(|one| arn_within(one, account).as_ref() == Some(arn))
            }
            _ => false,
        },
        Who::Organization { id, path } => match role {
            Role::OrganizationId => holds(id),
            Role::OrganizationPaths => {
                let whole = path.clone().unwrap_or_else(|| format!("{id}/*"));
                let fits = |one: &Pattern<'_>| {
                    let shown = one.shown();
                    let same = shown == whole || one.fold && shown.eq_ignore_ascii_case(&whole);
                    same && (path.is_some() || one.tokens.is_some())
                };
                literal.passes && patterns.iter().any(fits)
            }
            _ => false,
        },
        Who::UniqueId { id } => {
            let open = [format!("{id}*"), format!("{id}:*")];
            let whole = |one: &Pattern<'_>| match one.tokens {
                Some(_) => open.iter().any(|open| *open == one.shown()),
                None => one.source == *id,
            };
            literal.passes && patterns.iter().any(whole)
        }
        // The way is one service's, whose name the demand lets pass.
        Who::Service { .. } => true,
        Who::Anyone | Who::AnyService | Who::Federated { .. } => false,
    }
}

/// Ids and paths are solved on the path as a whole, but each is shown as it was asked for.
fn on_path(way: &Way<'_>, literal: &Literal<'_>, solver: &mut Solver<'_>) -> Option<Restriction> {
    let state = match literal.row.role.group() {
        Group::Organization => solver.organization(way, &[]),
        _ => solver.source_organization(way, &[]),
    };
    let possible = state.present != super::solver::Present::Nothing;
    super::restrict::restriction_on_text(way, literal, possible, solver)
}

/// An action that a call may need besides the one that gets it in.
pub(crate) struct Company<'s, 'p> {
    action: Actions,
    statements: &'s [Compiled<'p>],
    /// Its ways, once something has to be held against them.
    ways: Option<Vec<Way<'p>>>,
}

impl<'s, 'p> Company<'s, 'p> {
    /// Those that a document allows somebody.
    pub(crate) fn all(statements: &'s [Compiled<'p>]) -> Vec<Self> {
        let actions = [
            Actions::SET_CONTEXT,
            Actions::SET_SOURCE_IDENTITY,
            Actions::TAG_SESSION,
        ];
        let company = actions.map(|action| Self {
            action,
            statements,
            ways: None,
        });
        let allowed =
            (company.into_iter()).filter(|one| one.spoken(Effect::Allow).next().is_some());
        allowed.collect()
    }

    /// Statements of this effect that speak of it.
    fn spoken(&self, effect: Effect) -> impl Iterator<Item = &'s Compiled<'p>> {
        let action = self.action;
        (self.statements.iter()).filter(move |one| one.effect == effect && one.actions.has(action))
    }

    /// Whether somebody who goes the way is allowed it.
    fn joins(&mut self, way: &Way<'p>, solver: &mut Solver<'_>) -> bool {
        let whole = self.spoken(Effect::Deny).next().is_none();
        // The same statement, and nothing taken from it: no need to solve.
        if whole
            && self
                .spoken(Effect::Allow)
                .any(|one| one.index == way.statement)
        {
            return true;
        }
        let speaks_of = |one: &Compiled<'p>| {
            let listed = one.principals.as_ref();
            listed.is_none_or(|list| list.iter().any(|named| !named.is_apart(way.named)))
        };
        if !self.spoken(Effect::Allow).any(speaks_of) {
            return false;
        }
        let ways = self.ways.get_or_insert_with(|| {
            if whole {
                offers(self.statements, Some(self.action), solver)
            } else {
                ways(self.statements, Some(self.action), solver)
            }
        });
        ways.iter()
            .filter(|other| !other.named.is_apart(way.named))
            .filter_map(|other| Some((other, way.class.along(other.class)?)))
            .any(|(other, asked)| {
                let demands = || {
                    other
                        .demands
                        .iter()
                        .cloned()
                        .chain(asked)
                        .collect::<Vec<_>>()
                };
                other.demands_within(way)
                    || solver.exhausted()
                    || way.and(&demands(), solver).is_some()
            })
    }
}

/// The actions that a caller who goes this way is allowed.
pub(crate) fn actions<'p>(
    way: &Way<'p>,
    company: &mut [Company<'_, 'p>],
    solver: &mut Solver<'_>,
) -> Vec<String> {
    let mut names = Vec::with_capacity(1 + company.len());
    names.push(way.class.way_in().name().to_owned());
    for one in company {
        if one.joins(way, solver) {
            names.push(one.action.name().to_owned());
        }
    }
    names.sort_unstable();
    names
}

/// Accounts on whose behalf a service may act by this way: `None` where nothing limits that.
pub(crate) fn source_accounts(
    way: &Way<'_>,
    named: &[&str],
    solver: &mut Solver<'_>,
) -> Option<Vec<String>> {
    use super::caller::Account;
    if way
        .demands
        .iter()
        .all(|literal| literal.row.role.group() != Group::Source)
    {
        return if source_organizations(way, solver).is_some() {
            Some(Vec::new())
        } else {
            None
        };
    }
    let mut known: Vec<&str> = named.to_vec();
    known.extend(solver.context.own_account);
    known.sort_unstable();
    known.dedup();
    let external_account = solver.source(way, Account::NoneOf(&known));
    if external_account != Some(None) {
        return if source_organizations(way, solver).is_some() {
            Some(Vec::new())
        } else {
            None
        };
    }
    let mut accounts = Vec::new();
    for account in known {
        let found = solver.source(way, Account::Is(account));
        if found != Some(None) {
            accounts.push(account.to_owned());
        }
    }
    Some(accounts)
}
