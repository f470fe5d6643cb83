//! Policy variables, as far as a way fixes what they stand for.

use std::rc::Rc;

use super::caller::{Account, LONG_TERM, account_of};
use super::fill::{Fill, fill, presence};
use super::identity::Solved;
use super::literal::Literal;
use super::solver::{Present, Solver, required};
use super::way::{Class, Way};
use crate::keys::{self, Group, Presence, Role, Row};
use crate::sets::pattern::{Pattern, Token, Variable};
use crate::sets::test::Test;

/// Demands that follow from variables on one way. Where there are more the way is as wide as without
/// them, and says that it is undecided.
const MOST_CONSEQUENCES: usize = 64;

/// Variables of one way that are fixed by choice; a way with more is undecided.
const MOST_SETTLED: usize = 32;

/// A way on which every policy variable stands for one text: a caller and the values of their keys are
/// chosen. `None` where the choice met nobody, which does not mean that nobody could be met.
pub(crate) fn settled<'p>(
    way: &Way<'p>,
    account: Account<'_>,
    solver: &mut Solver<'_>,
) -> Option<Way<'p>> {
    let mut settled = way.clone();
    let mut rounds = 0..MOST_SETTLED;
    // Each round fixes one variable.
    loop {
        let texts = settled.demands.iter().filter_map(|one| match &*one.test {
            Test::Text(patterns) if one.test.has_variables() => Some(patterns),
            _ => None,
        });
        let variables = texts.flatten().flat_map(|pattern| &pattern.variables);
        let cost = variables.clone().count() * settled.demands.len();
        if !solver.fuel.spend(cost as u64) {
            return None;
        }
        let open = variables
            .into_iter()
            .find(|variable| fill(solver, &settled, variable) == Fill::Unknown)
            .cloned();
        let Some(variable) = open else { break };
        rounds.next()?;
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
    let like = Literal::passing(row, key_of(row, variable), Test::Present);
    // What a call may only carry in company it does without where it can.
    if matches!(row.role, Role::Tagging | Role::SourceIdentity) && !required(way, &like, solver) {
        return Some(vec![like.denied()]);
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
    let wanted = equal.map(|literal| solver.key(way, literal, &[]).present);
    let values = match (wanted, solver.key(way, &like, &[]).present) {
        (Some(Present::Values(values)), _) | (_, Present::Values(values)) => values,
        _ => return None,
    };
    let value = values.first()?.clone();
    Some(vec![exactly(row, key_of(row, variable), value)])
}

/// The way without the patterns that a text has to fit and must not fit as well: whatever their
/// variables stand for, nobody meets both. `None`: nobody is left.
pub(crate) fn without_excluded<'p>(mut way: Way<'p>, solver: &mut Solver<'_>) -> Option<Way<'p>> {
    let mut narrowed: Vec<(usize, Literal<'p>)> = Vec::new();
    for (place, literal) in way.demands.iter().enumerate() {
        let Test::Text(patterns) = &*literal.test else {
            continue;
        };
        if !literal.passes || !literal.test.has_variables() {
            continue;
        }
        let avoided = (way.demands.iter())
            .filter(|one| !one.passes && (one.each || !one.row.many) && one.same_key(literal));
        let avoided: Vec<&Pattern<'_>> = (avoided.filter_map(|one| match &*one.test {
            Test::Text(patterns) if one.test.has_variables() => Some(patterns),
            _ => None,
        }))
        .flatten()
        .collect();
        if avoided.is_empty() || !solver.fuel.invest((patterns.len() * avoided.len()) as u64) {
            continue;
        }
        let is_left = |one: &&Pattern<'_>| {
            !one.has_variables() || !avoided.iter().any(|other| other.is_as_wide_as(one))
        };
        let left: Vec<Pattern<'p>> = patterns.iter().filter(is_left).cloned().collect();
        if left.len() < patterns.len() {
            let test = Rc::new(Test::Text(left));
            narrowed.push((
                place,
                Literal {
                    test,
                    ..literal.clone()
                },
            ));
        }
    }
    if narrowed.is_empty() {
        return Some(way);
    }
    for (place, _) in narrowed.iter().rev() {
        way.demands.remove(*place);
    }
    let narrowed: Vec<Literal<'p>> = narrowed.into_iter().map(|(_, one)| one).collect();
    way.and(&narrowed, solver)
}

/// What follows for the keys of variables: where the text has to contain one, its key is present; and
/// where the text has to equal it, what is asked of the one value is asked of the other. `None`: too
/// much follows to look at.
pub(crate) fn consequences<'p>(way: &Way<'p>, solver: &mut Solver<'_>) -> Option<Vec<Literal<'p>>> {
    let mut follow: Vec<Literal<'p>> = Vec::new();
    for literal in &way.demands {
        let Test::Text(patterns) = &*literal.test else {
            continue;
        };
        if !literal.passes || !literal.test.has_variables() || !required(way, literal, solver) {
            continue;
        }
        let (first, others) = patterns.split_first()?;
        let weight = |pattern: &Pattern<'_>| 1 + pattern.variables.len();
        let all: usize = patterns.iter().map(weight).sum();
        let cost = weight(first) * (all + way.demands.len());
        if !solver.fuel.invest(cost as u64) {
            return None;
        }
        let in_all = |one: &&Variable| others.iter().all(|other| other.variables.contains(one));
        for variable in first.variables.iter().filter(in_all) {
            let row = keys::find(&variable.key);
            // Without the variable's key the default would stand there.
            let always = presence(way.class, row) == Presence::Always;
            let may_differ = variable.default.is_some() && !always;
            // A moment has more than one spelling.
            if row.many || may_differ || row.role == Role::Now {
                continue;
            }
            let present = Literal::passing(row, key_of(row, variable), Test::Present);
            let mirrored = mirrored(way, literal, &present);
            for one in mirrored.chain((!always).then_some(present.clone())) {
                if !follow.iter().any(|known| known.same(&one)) {
                    follow.push(one);
                }
            }
            if follow.len() > MOST_CONSEQUENCES {
                return None;
            }
        }
    }
    Some(follow)
}

/// What is asked of the key of `equal`, asked of the key of `like`, where the one has to equal the
/// other.
fn mirrored<'t, 'p>(
    way: &'t Way<'p>,
    equal: &'t Literal<'p>,
    like: &'t Literal<'p>,
) -> impl Iterator<Item = Literal<'p>> + use<'t, 'p> {
    let patterns: &[Pattern<'p>] = match &*equal.test {
        Test::Text(patterns) => patterns,
        _ => &[],
    };
    let is_all = |one: &Pattern<'_>| one.tokens.as_deref() == Some(&[Token::Variable(0)]);
    let equal_it = !equal.row.many && patterns.iter().all(is_all);
    let ignores_case = patterns.iter().any(|pattern| pattern.fold);
    way.demands
        .iter()
        .filter(move |other| {
            equal_it && other.same_key(equal) && !other.same(equal) && *other.test != Test::Present
        })
        .filter_map(move |other| {
            let test = if ignores_case {
                Rc::new(ignoring_case(other)?)
            } else {
                Rc::clone(&other.test)
            };
            Some(Literal {
                row: like.row,
                key: like.key.clone(),
                test,
                each: other.each,
                passes: other.passes,
                absent: false,
            })
        })
}

/// What a demand on one text asks of another that differs in case alone; `None`: nothing.
fn ignoring_case<'p>(demand: &Literal<'p>) -> Option<Test<'p>> {
    let Test::Text(patterns) = &*demand.test else {
        return None;
    };
    let has_letter = |text: &str| text.bytes().any(|byte| byte.is_ascii_alphabetic());
    let cased = |pattern: &Pattern<'_>| !pattern.fold && has_letter(&pattern.source);
    // To be unlike `a` in this very case says nothing of `A`.
    if !demand.passes && patterns.iter().any(cased) {
        return None;
    }
    let folded = patterns.iter().map(|pattern| Pattern {
        fold: has_letter(&pattern.source),
        ..pattern.clone()
    });
    Some(Test::Text(folded.collect()))
}

/// The key of a variable, as AWS spells it where it is one of a kind.
fn key_of(row: &Row, variable: &Variable) -> String {
    if row.name.is_empty() || row.name.ends_with('/') {
        variable.key.clone()
    } else {
        row.name.to_owned()
    }
}
