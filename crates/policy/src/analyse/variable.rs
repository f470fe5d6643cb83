//! Policy variables, as far as a way fixes what they stand for.

use super::identity::{Account, LONG_TERM, Solved, account_of};
use super::literal::Literal;
use super::solve::{Present, Solver};
use super::way::{Class, Way};
use crate::keys::{self, Group, Presence, Role, Row};
use crate::sets::pattern::{Pattern, Token, Variable};
use crate::sets::test::Test;

/// What a variable stands for on one way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fill {
    /// This, for every request.
    Value(String),
    /// The key is in no request and there is no default, so the pattern fits nothing.
    Missing,
    /// It differs from request to request.
    Unknown,
}

/// What `variable` stands for in requests that go this way.
pub(crate) fn fill(solver: &Solver<'_>, way: &Way<'_>, variable: &Variable) -> Fill {
    let row = keys::find(&variable.key);
    let presence = match way.class {
        Class::Aws => row.aws,
        Class::Service(_) => row.service,
        Class::Federated(_) => row.federated,
    };
    let missing = || match &variable.default {
        Some(text) => Fill::Value(text.clone()),
        None => Fill::Missing,
    };
    if presence == Presence::Never {
        return missing();
    }
    if way.class == Class::Aws {
        match row.role {
            Role::PrincipalAccount => {
                if let Some(account) = one_account(way) {
                    return Fill::Value(account.to_owned());
                }
            }
            Role::Username => {
                if let Some(arn) = one_value(way, "aws:PrincipalArn") {
                    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
                    return match resource.strip_prefix("user/") {
                        Some(name) => {
                            Fill::Value(name.rsplit('/').next().unwrap_or(name).to_owned())
                        }
                        None => missing(),
                    };
                }
            }
            _ => {}
        }
    }
    let own = match row.role {
        Role::OwnAccount => solver.context.own_account,
        Role::OwnOrganization => solver.context.own_organization,
        _ => None,
    };
    if let Some(own) = own {
        return Fill::Value(own.to_owned());
    }
    if row.role == Role::Now {
        return Fill::Unknown;
    }
    if let Class::Service(name) = way.class
        && row.role == Role::ServiceName
    {
        return Fill::Value(name.to_owned());
    }
    match one_value(way, &variable.key) {
        Some(value) => Fill::Value(value.to_owned()),
        None => Fill::Unknown,
    }
}

/// A way on which every policy variable stands for one text: a caller and the values of his keys are
/// chosen. `None` where the choice met nobody, which does not mean that nobody could be met.
pub(crate) fn settled<'p>(
    way: &Way<'p>,
    account: Account<'_>,
    solver: &mut Solver<'_>,
) -> Option<Way<'p>> {
    let mut settled = way.clone();
    // Each round fixes one variable.
    loop {
        let open = settled
            .demands
            .iter()
            .find_map(|literal| match &*literal.test {
                Test::Text(patterns) => patterns
                    .iter()
                    .flat_map(|pattern| &pattern.variables)
                    .find(|variable| fill(solver, &settled, variable) == Fill::Unknown)
                    .cloned(),
                _ => None,
            });
        let Some(variable) = open else { break };
        let fixed = chosen(&settled, &variable, account, solver)?;
        let before = settled.demands.len();
        settled = settled.and(&fixed, solver)?;
        if settled.demands.len() == before {
            return None;
        }
    }
    // What the variables now say may have become impossible.
    let possible = settled
        .demands
        .iter()
        .filter(|literal| literal.test.has_variables())
        .all(|literal| solver.possible(&settled, literal) == Some(true));
    possible.then_some(settled)
}

/// Demands that fix what a variable stands for.
fn chosen<'p>(
    way: &Way<'p>,
    variable: &Variable,
    account: Account<'_>,
    solver: &mut Solver<'_>,
) -> Option<Vec<Literal<'p>>> {
    let row = keys::find(&variable.key);
    let exactly = |row: &'static Row, key: String, value: String| {
        Literal::passing(row, key, Test::Text(vec![Pattern::exact(value)]))
    };
    let of_role = |role: Role, value: String| {
        let row = keys::by_role(role);
        exactly(row, row.name.to_owned(), value)
    };
    if row.role.group() == Group::Identity && way.class == Class::Aws {
        // A user has all of these keys; any other caller where no user will do.
        let found = match solver.identity_of(way, &LONG_TERM, account, &[]) {
            Solved::Caller(caller) => Solved::Caller(caller),
            _ => solver.identity(way, account, &[]),
        };
        let Solved::Caller(caller) = found else {
            return None;
        };
        let mut fixed = vec![
            of_role(Role::PrincipalAccount, account_of(&caller.arn).to_owned()),
            of_role(Role::PrincipalArn, caller.arn.clone()),
        ];
        if matches!(row.role, Role::UserId) {
            fixed.push(of_role(Role::UserId, caller.user_id.clone()));
        }
        if matches!(row.role, Role::PrincipalType) {
            fixed.push(of_role(
                Role::PrincipalType,
                caller.kind.principal_type().to_owned(),
            ));
        }
        return Some(fixed);
    }
    if row.role.group() == Group::Organization && way.class == Class::Aws {
        let Present::Values(paths) = solver.organization(way, &[]).present else {
            return None;
        };
        let id = paths.first()?.split('/').next()?.to_owned();
        return Some(vec![of_role(Role::OrganizationId, id)]);
    }
    // Where another key is to equal the variable, what serves that key is what to choose.
    let equal = way.demands.iter().find(|literal| {
        literal.passes
            && literal.row.role.group() == Group::Alone
            && matches!(&*literal.test, Test::Text(patterns) if patterns.iter().any(|pattern| {
                pattern.tokens.as_deref() == Some(&[Token::Variable(0)])
                    && pattern.variables.first() == Some(variable)
            }))
    });
    let like = Literal::passing(row, variable.key.clone(), Test::Present);
    let wanted = equal.map(|literal| solver.key(way, literal, &[]).present);
    let values = match (wanted, solver.key(way, &like, &[]).present) {
        (Some(Present::Values(values)), _) | (_, Present::Values(values)) => values,
        _ => return None,
    };
    let key = if row.name.is_empty() || row.name.ends_with('/') {
        variable.key.clone()
    } else {
        row.name.to_owned()
    };
    Some(vec![exactly(row, key, values.first()?.clone())])
}

/// The only value that the demands on a key leave, where it has to be present.
fn one_value<'t>(way: &'t Way<'_>, key: &str) -> Option<&'t str> {
    way.demands
        .iter()
        .filter(|literal| literal.key.eq_ignore_ascii_case(key))
        .filter(|literal| {
            literal.passes && (!literal.absent || literal.row.aws == Presence::Always)
        })
        .find_map(|literal| match literal.test.fixed() {
            Some([only]) if !literal.row.many => Some(&*only.source),
            _ => None,
        })
}

/// The only account that the demands leave.
pub(crate) fn one_account<'t>(way: &'t Way<'_>) -> Option<&'t str> {
    one_value(way, "aws:PrincipalAccount").or_else(|| {
        let literals = way
            .of_role(Role::PrincipalArn)
            .filter(|literal| literal.passes);
        for literal in literals {
            let Test::Text(patterns) = &*literal.test else {
                continue;
            };
            let mut accounts = patterns.iter().map(|pattern| match &pattern.tokens {
                None => pattern.source.split(':').nth(4),
                Some(_) => {
                    let end = pattern.source.find(['*', '?', '$']).unwrap_or(0);
                    let fixed = pattern.source.get(..end).unwrap_or("");
                    (fixed.split(':').count() > 5)
                        .then(|| fixed.split(':').nth(4))
                        .flatten()
                }
            });
            if let Some(Some(first)) = accounts.next()
                && accounts.all(|other| other == Some(first))
            {
                return Some(first);
            }
        }
        None
    })
}
