//! Policy variables, as far as a way fixes what they stand for.

use super::solve::Solver;
use super::way::{Class, Way};
use crate::keys::{self, Presence, Role};
use crate::sets::pattern::Variable;
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
        Class::Federated(_) if row.role == Role::Claim => Presence::Maybe,
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
                if let Some(arn) = one_value(way, |role| role == Role::PrincipalArn, None) {
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
    if row.role == Role::Now {
        return Fill::Unknown;
    }
    if let Class::Service(name) = way.class
        && row.role == Role::ServiceName
    {
        return Fill::Value(name.to_owned());
    }
    let _ = solver;
    let named = !row.name.is_empty() && !row.name.ends_with('/');
    let key = (!named).then_some(variable.key.as_str());
    match one_value(way, |role| role == row.role, key) {
        Some(value) => Fill::Value(value.to_owned()),
        None => Fill::Unknown,
    }
}

/// The only value that the demands on a key leave, where it has to be present.
fn one_value<'t>(
    way: &'t Way<'_>,
    of: impl Fn(Role) -> bool,
    key: Option<&str>,
) -> Option<&'t str> {
    way.demands
        .iter()
        .filter(|literal| of(literal.row.role))
        .filter(|literal| key.is_none_or(|key| literal.key.eq_ignore_ascii_case(key)))
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
    one_value(way, |role| role == Role::PrincipalAccount, None).or_else(|| {
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
