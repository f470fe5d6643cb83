//! A request that goes a way: who calls, and each key with a value that serves.

use std::collections::BTreeMap;

use super::compiled::Compiled;
use super::grants::Entrant;
use super::identity::{self, Account, Caller, Kind, Solved, name_of};
use super::literal::Literal;
use super::mfa::Without;
use super::solve::{Present, Solver};
use super::way::{Class, Way};
use crate::answer::{Request, RequestPrincipal, Who};
use crate::arn;
use crate::keys::{Group, Presence, Role};

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
    let principal = match way.class {
        Class::Aws => {
            let caller = caller(who, way, named_accounts, solver)?;
            let (value, role_arn) = principal_value(&caller);
            if let Some(arn) = role_arn {
                context.insert("aws:PrincipalArn".to_owned(), vec![arn]);
            }
            let speaks_of_id = |literal: &&Literal<'_>| literal.row.role == Role::UserId;
            if way.demands.iter().any(|literal| speaks_of_id(&literal))
                || mentioned.iter().any(speaks_of_id)
            {
                context.insert("aws:userid".to_owned(), vec![caller.user_id.clone()]);
            }
            RequestPrincipal {
                kind: "AWS".to_owned(),
                value,
            }
        }
        Class::Service(service) => RequestPrincipal {
            kind: "Service".to_owned(),
            value: service.to_owned(),
        },
        Class::Federated(issuer) => RequestPrincipal {
            kind: "Federated".to_owned(),
            value: issuer.provider.to_owned(),
        },
    };
    let mut seen: Vec<&Literal<'_>> = Vec::new();
    let all = way.demands.iter().chain(mentioned.iter().copied());
    for literal in all {
        if seen.iter().any(|one| one.same_key(literal)) {
            continue;
        }
        seen.push(literal);
        let key = key_name(literal);
        match literal.row.role.group() {
            Group::Identity => {}
            Group::Organization => {
                let state = solver.organization(way, &[]);
                if let (false, Present::Values(values)) = (state.absent, &state.present)
                    && let Some(path) = values.first()
                {
                    let id = path.split('/').next().unwrap_or(path).to_owned();
                    context.insert("aws:PrincipalOrgID".to_owned(), vec![id]);
                    context.insert("aws:PrincipalOrgPaths".to_owned(), vec![path.clone()]);
                }
            }
            Group::SourceOrganization => {
                let state = solver.source_organization(way, &[]);
                if let (false, Present::Values(values)) = (state.absent, &state.present)
                    && let Some(path) = values.first()
                {
                    let id = path.split('/').next().unwrap_or(path).to_owned();
                    context.insert("aws:SourceOrgID".to_owned(), vec![id]);
                    context.insert("aws:SourceOrgPaths".to_owned(), vec![path.clone()]);
                }
            }
            Group::Source => {
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
                let follows = source.arn.as_deref().map_or("", identity::account_of);
                let fits = way
                    .of_role(Role::SourceAccount)
                    .all(|demand| demand.test.passes(follows) == demand.passes);
                match source.account {
                    Some(account) => {
                        context.insert("aws:SourceAccount".to_owned(), vec![account]);
                    }
                    None if !follows.is_empty() && !fits => {
                        context.insert("aws:SourceAccount".to_owned(), Vec::new());
                    }
                    None => {}
                }
                if let Some(arn) = source.arn {
                    context.insert("aws:SourceArn".to_owned(), vec![arn]);
                }
            }
            Group::Mfa if way.class == Class::Aws => {
                let (said, ages) = match solver.mfa_without(way) {
                    Some(Without::Unasked | Without::LongTermKeys) => continue,
                    Some(Without::SaidFalse) => ("false", None),
                    None => match solver.mfa_with(way) {
                        Present::Values(ages) => ("true", Some(ages)),
                        Present::Nothing | Present::Unknown => return None,
                    },
                };
                context.insert(
                    "aws:MultiFactorAuthPresent".to_owned(),
                    vec![said.to_owned()],
                );
                if let Some(ages) = ages {
                    context.insert("aws:MultiFactorAuthAge".to_owned(), ages);
                }
            }
            _ => {
                // What follows from the caller and the clock need not be said.
                let follows = matches!(
                    literal.row.role,
                    Role::Now | Role::ServiceName | Role::OwnAccount | Role::OwnOrganization
                ) || matches!(literal.row.name, "aws:PrincipalIsAWSService");
                if follows {
                    continue;
                }
                let state = solver.key(way, literal, &[]);
                if state.absent {
                    continue;
                }
                match state.present {
                    Present::Values(values) => {
                        context.insert(key, values);
                    }
                    Present::Nothing | Present::Unknown => return None,
                }
            }
        }
    }
    Some(Request {
        principal,
        action: way.class.way_in().name().to_owned(),
        context,
    })
}

fn key_name(literal: &Literal<'_>) -> String {
    if literal.row.name.is_empty() || literal.row.name.ends_with('/') {
        literal.key.clone().into_owned()
    } else {
        literal.row.name.to_owned()
    }
}

fn caller(who: &Who, way: &Way<'_>, named: &[&str], solver: &mut Solver<'_>) -> Option<Caller> {
    // Who gets in by saying nothing of multi-factor authentication has long-term keys.
    let kinds = match solver.mfa_without(way) {
        Some(Without::LongTermKeys) => &identity::LONG_TERM,
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
        Who::Service { .. } | Who::Federated { .. } => return None,
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
    let account = super::identity::account_of(&caller.arn);
    let value = format!(
        "arn:{partition}:sts::{account}:assumed-role/{}/{session}",
        name_of(&caller.arn)
    );
    (value, Some(caller.arn.clone()))
}
