//! A request that goes a way: who calls, and each key with a value that serves.

use std::collections::BTreeMap;

use super::caller::{self, Account, Caller, Kind, account_of, name_of};
use super::clock::{self, When};
use super::compiled::Compiled;
use super::federated;
use super::grants::Entrant;
use super::identity::Solved;
use super::literal::Literal;
use super::mfa::Without;
use super::solver::{Present, Solver, State};
use super::way::{Class, Way};
use crate::answer::{Request, RequestPrincipal, Who};
use crate::arn;
use crate::keys::{self, Group, Presence, Role};
use crate::sets::test::Test;

/// One condition for each key that callers carry whenever they call, and of which the document
/// speaks: a request has to say it.
pub(crate) fn mentioned<'t, 'p>(statements: &'t [Compiled<'p>]) -> Vec<&'t Literal<'p>> {
    let mut keys: Vec<&Literal<'p>> = Vec::new();
    for literal in statements
        .iter()
        .flat_map(|statement| &statement.conditions)
    {
        let row = literal.row;
        // The own account is in the own organization, so its requests say so.
        let always = [row.aws, row.service, row.federated].contains(&Presence::Always)
            || row.role.group() == Group::Organization;
        if (always || row.role == Role::Claim) && !keys.iter().any(|one| one.same_key(literal)) {
            keys.push(literal);
        }
    }
    keys
}

/// Keys, and the values that a request carries for them.
type Said = Vec<(String, Vec<String>)>;

fn say(key: &str, values: Vec<String>) -> (String, Vec<String>) {
    (key.to_owned(), values)
}

/// A request that goes this way; `None` where none was found.
///
/// `mentioned` are all conditions of the document: a key that every such caller carries is said
/// wherever the document speaks of it.
pub(crate) fn request(
    (who, way): &Entrant<'_>,
    mentioned: &[&Literal<'_>],
    named_accounts: &[&str],
    solver: &mut Solver<'_>,
) -> Option<Request> {
    if solver.exhausted() {
        return None;
    }
    let mut context: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (kind, value) = match way.class {
        Class::Aws => {
            let caller = caller(who, way, named_accounts, solver)?;
            let (value, role_arn) = principal_value(&caller);
            context.extend(role_arn.map(|arn| say("aws:PrincipalArn", vec![arn])));
            let mut demands = way.demands.iter().chain(mentioned.iter().copied());
            if demands.any(|literal| literal.row.role == Role::UserId) {
                context.extend([say("aws:userid", vec![caller.user_id])]);
            }
            ("AWS", value)
        }
        Class::Service(service) => ("Service", service.to_owned()),
        Class::AnyService => ("Service", any_service(way, solver)?),
        Class::Federated(issuer) => {
            let spoken = |host: &str| {
                let mut claims = mentioned.iter().filter_map(|one| arn::cut_last(&one.key));
                claims.any(|(space, _)| space.eq_ignore_ascii_case(host))
            };
            let own = solver.context.own_account;
            ("Federated", federated::caller(way, issuer, spoken, own))
        }
    };
    let mut seen: Vec<&Literal<'_>> = Vec::new();
    for literal in way.demands.iter().chain(mentioned.iter().copied()) {
        if !seen.iter().any(|one| one.same_key(literal)) {
            seen.push(literal);
            context.extend(said(way, literal, solver)?);
        }
    }
    Some(Request {
        principal: RequestPrincipal {
            kind: kind.to_owned(),
            value,
        },
        action: way.class.way_in().name().to_owned(),
        context,
    })
}

/// What a request says of a key and of those that show the same fact.
fn said(way: &Way<'_>, literal: &Literal<'_>, solver: &mut Solver<'_>) -> Option<Said> {
    match literal.row.role.group() {
        Group::Identity => Some(Said::new()),
        Group::Organization => {
            let state = solver.organization(way, &[]);
            Some(organization(
                state,
                "aws:PrincipalOrgID",
                "aws:PrincipalOrgPaths",
            ))
        }
        Group::SourceOrganization => {
            let state = solver.source_organization(way, &[]);
            Some(organization(state, "aws:SourceOrgID", "aws:SourceOrgPaths"))
        }
        Group::Source => source(way, solver),
        Group::Mfa if way.class == Class::Aws => mfa(way, solver),
        Group::Moment => moment(way, solver),
        Group::Alone if literal.row.role == Role::Issued => issued(way, literal, solver),
        _ => alone(way, literal, solver),
    }
}

fn organization(state: State, id: &str, paths: &str) -> Said {
    let path = match state.present {
        Present::Values(values) if !state.absent => values.into_iter().next(),
        _ => None,
    };
    path.map_or_else(Said::new, |path| {
        let of_path = path.split('/').next().unwrap_or(&path).to_owned();
        vec![say(id, vec![of_path]), say(paths, vec![path])]
    })
}

fn source(way: &Way<'_>, solver: &mut Solver<'_>) -> Option<Said> {
    let any = solver.source(way, Account::Any).flatten()?;
    let own = solver.context.own_account;
    let source = match own {
        // Where something must be said, what the own account would say.
        Some(own) if any.arn.is_some() || any.account.is_some() => solver
            .source(way, Account::Is(own))
            .flatten()
            .unwrap_or(any),
        _ => any,
    };
    // The account of the ARN follows, unless the request goes without it.
    let follows = source.arn.as_deref().map_or("", account_of);
    let fits = way
        .of_role(Role::SourceAccount)
        .all(|demand| demand.test.passes(follows) == demand.passes);
    let account = match source.account {
        Some(account) => Some(vec![account]),
        None if !follows.is_empty() && !fits => Some(Vec::new()),
        None => None,
    };
    let account = account.map(|values| say("aws:SourceAccount", values));
    let arn = source.arn.map(|arn| say("aws:SourceArn", vec![arn]));
    Some(account.into_iter().chain(arn).collect())
}

/// The moment, where it is not now.
fn moment(way: &Way<'_>, solver: &mut Solver<'_>) -> Option<Said> {
    match solver.moment(way, None, &[]) {
        When::At(at) if at == solver.context.now => Some(Said::new()),
        When::At(at) => Some(vec![say("aws:CurrentTime", vec![at.to_string()])]),
        When::Never | When::Unknown => None,
    }
}

/// A service that the demands on its name let pass.
fn any_service(way: &Way<'_>, solver: &mut Solver<'_>) -> Option<String> {
    let row = keys::by_role(Role::ServiceName);
    let like = Literal::passing(row, row.name, Test::Present);
    let usual = ["events", "lambda", "states"].map(|name| format!("{name}.amazonaws.com"));
    let ready = solver.ready(way, |literal| literal.same_key(&like));
    let passes = |name: &String| {
        let mut asked = ready.iter();
        asked.all(|one| one.test.passes(name) == one.literal.passes)
    };
    if let Some(name) = usual.into_iter().find(passes) {
        return Some(name);
    }
    match solver.key(way, &like, &[]).present {
        Present::Values(values) => values.into_iter().next(),
        Present::Nothing | Present::Unknown => None,
    }
}

fn mfa(way: &Way<'_>, solver: &mut Solver<'_>) -> Option<Said> {
    let (present, ages) = match solver.mfa_without(way) {
        Some(Without::Unasked | Without::LongTermKeys) => return Some(Said::new()),
        Some(Without::SaidFalse) => ("false", None),
        None => match solver.mfa_with(way) {
            Present::Values(ages) => ("true", Some(ages)),
            Present::Nothing | Present::Unknown => return None,
        },
    };
    let mut said = vec![say("aws:MultiFactorAuthPresent", vec![present.to_owned()])];
    said.extend(ages.map(|ages| say("aws:MultiFactorAuthAge", ages)));
    Some(said)
}

/// Of a key that shows a fact of its own.
fn alone(way: &Way<'_>, literal: &Literal<'_>, solver: &mut Solver<'_>) -> Option<Said> {
    // What follows from the caller need not be said.
    let follows = match literal.row.role {
        Role::ServiceName | Role::OwnAccount | Role::OwnOrganization => true,
        Role::IsService => !matches!(way.class, Class::Federated(_)),
        _ => false,
    };
    if follows {
        return Some(Said::new());
    }
    let state = solver.key(way, literal, &[]);
    of_key(literal, state)
}

fn of_key(literal: &Literal<'_>, state: State) -> Option<Said> {
    match state.present {
        _ if state.absent => Some(Said::new()),
        Present::Values(values) => Some(vec![(key_name(literal), values)]),
        Present::Nothing | Present::Unknown => None,
    }
}

/// When the credentials were issued, and the moment at which they are used.
fn issued(way: &Way<'_>, literal: &Literal<'_>, solver: &mut Solver<'_>) -> Option<Said> {
    let When::At(at) = solver.moment(way, None, &[]) else {
        return None;
    };
    let before = clock::until(at);
    let state = solver.key(way, literal, &[(&before, true)]);
    let mut said = of_key(literal, state)?;
    said.extend(moment(way, solver)?);
    Some(said)
}

fn key_name(literal: &Literal<'_>) -> String {
    if literal.row.name.is_empty() || literal.row.name.ends_with('/') {
        literal.key.clone().into_owned()
    } else {
        literal.row.name.to_owned()
    }
}

fn caller(who: &Who, way: &Way<'_>, named: &[&str], solver: &mut Solver<'_>) -> Option<Caller> {
    // Who has access by saying nothing of multi-factor authentication has long-term keys.
    let kinds = match solver.mfa_without(way) {
        Some(Without::LongTermKeys) => &caller::LONG_TERM,
        _ => solver.kinds(way),
    };
    let solved = match who {
        Who::Account { account } | Who::Principal { account, .. } => {
            solver.identity_of(way, kinds, Account::Is(account), &[])
        }
        // Someone from an account that the document does not speak of.
        Who::Anyone | Who::Organization { .. } | Who::UniqueId { .. } => {
            let mut known = named.to_vec();
            known.extend(solver.context.own_account);
            match solver.identity_of(way, kinds, Account::NoneOf(&known), &[]) {
                Solved::Caller(caller) => Solved::Caller(caller),
                _ => solver.identity_of(way, kinds, Account::Any, &[]),
            }
        }
        Who::Service { .. } | Who::AnyService | Who::Federated { .. } => return None,
    };
    match solved {
        Solved::Caller(caller) => Some(caller),
        Solved::Nobody | Solved::Unknown => None,
    }
}

/// The caller's own ARN, and what `aws:PrincipalArn` says where that is another.
fn principal_value(caller: &Caller) -> (String, Option<String>) {
    if caller.kind != Kind::RoleSession {
        return (caller.arn.clone(), None);
    }
    let session = caller
        .user_id
        .split_once(':')
        .map_or("any-session", |(_, session)| session);
    let partition = arn::part(&caller.arn, 1).unwrap_or("aws");
    let account = super::caller::account_of(&caller.arn);
    let value = format!(
        "arn:{partition}:sts::{account}:assumed-role/{}/{session}",
        name_of(&caller.arn)
    );
    (value, Some(caller.arn.clone()))
}
