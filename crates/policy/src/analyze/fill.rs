//! What policy variables stand for on a way, and demands with that filled in.

use std::borrow::Cow;

use smallvec::SmallVec;

use super::caller::fixed_account;
use super::literal::Literal;
use super::solver::{Ready, Solver};
use super::way::{Class, Way};
use crate::keys::{self, Presence, Role, Row};
use crate::sets::pattern::{Pattern, Variable};
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
    let missing = || match &variable.default {
        Some(text) => Fill::Value(text.clone()),
        None => Fill::Missing,
    };
    let is_absent = |literal: &Literal<'_>| {
        !literal.passes
            && *literal.test == Test::Present
            && literal.key.eq_ignore_ascii_case(&variable.key)
    };
    if presence(way.class, row) == Presence::Never || way.demands.iter().any(is_absent) {
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

impl Solver<'_> {
    /// The demands for which `of` holds, ready to be solved.
    pub(crate) fn ready<'t, 'p>(
        &self,
        way: &'t Way<'p>,
        of: impl Fn(&Literal<'p>) -> bool,
    ) -> SmallVec<[Ready<'t, 'p>; 2]> {
        way.demands
            .iter()
            .filter(|literal| of(literal))
            .map(|literal| Ready {
                literal,
                test: self.filled(way, literal),
            })
            .collect()
    }

    fn filled<'t, 'p>(&self, way: &Way<'p>, literal: &'t Literal<'p>) -> Cow<'t, Test<'p>> {
        let Test::Text(patterns) = &*literal.test else {
            return Cow::Borrowed(&*literal.test);
        };
        if !literal.test.has_variables() {
            return Cow::Borrowed(&*literal.test);
        }
        let filled: Vec<Pattern<'p>> = patterns
            .iter()
            .filter_map(|pattern| {
                let mut lost = false;
                let mut open = false;
                for named in &pattern.variables {
                    match fill(self, way, named) {
                        Fill::Value(_) => {}
                        Fill::Missing => lost = true,
                        Fill::Unknown => open = true,
                    }
                }
                if lost || (open && !literal.passes) {
                    // What fits nothing, or what is left out so that less must be avoided.
                    return None;
                }
                let fill = |named: &crate::sets::pattern::Variable| match fill(self, way, named) {
                    Fill::Value(text) => Some(text),
                    Fill::Missing | Fill::Unknown => None,
                };
                Some(pattern.filled(&fill))
            })
            .collect();
        Cow::Owned(Test::Text(filled))
    }
}

/// Whether callers of a kind carry a key.
pub(super) fn presence(class: Class<'_>, row: &Row) -> Presence {
    match class {
        Class::Aws => row.aws,
        Class::Service(_) | Class::AnyService => row.service,
        Class::Federated(_) => row.federated,
    }
}

/// The only value that the demands on a key leave, where it has to be present.
fn one_value<'t>(way: &'t Way<'_>, key: &str) -> Option<&'t str> {
    way.demands
        .iter()
        .filter(|literal| literal.key.eq_ignore_ascii_case(key))
        .filter(|literal| {
            literal.passes && (!literal.absent || literal.row.aws == Presence::Always)
        })
        .filter(|literal| !literal.row.many)
        .find_map(|literal| {
            let mut values = literal.test.fixed()?.iter().map(|pattern| &*pattern.source);
            let only = values.find(|value| literal.admits(value))?;
            values.all(|other| !literal.admits(other)).then_some(only)
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
            let mut accounts = patterns.iter().map(fixed_account);
            if let Some(Some(first)) = accounts.next()
                && accounts.all(|other| other == Some(first))
            {
                return Some(first);
            }
        }
        None
    })
}
