//! The ways in by a document: what its Allows offer and its Denies leave.

use std::borrow::Cow;

use super::compiled::{Actions, Compiled};
use super::literal::Literal;
use super::offer::offers;
use super::solver::Solver;
use super::subtract::subtract;
use super::variable;
use super::way::{Class, Way};
use crate::document::Effect;
use crate::keys::{Presence, Role};
use crate::sets::test::Test;

/// Ways that one document may be taken apart into. What is left to subtract beyond is not, and the
/// ways say that they are undecided: more is reported as open, never less.
pub(crate) const MOST_WAYS: usize = 512;

/// Leaves out the ways that others cover: several Denies, and company, spell many ways twice over.
pub(super) fn without_covered<'p>(ways: Vec<Way<'p>>, solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    if ways.len() < 2 {
        return ways;
    }
    let demands: usize = ways.iter().map(|way| 1 + way.demands.len()).sum();
    if !solver.fuel.invest((demands * demands / 4) as u64) {
        return ways;
    }
    // Of two that say the same the first stays; what is undecided stands for nothing decided.
    let covers = |(at, other): (usize, &Way<'p>), (place, way): (usize, &Way<'p>)| {
        at != place
            && (other.decided || !way.decided)
            && other.covers(way)
            && (at < place || !way.covers(other) || (other.decided && !way.decided))
    };
    // Only ways for one principal of one statement can cover one another.
    let kin = |(_, way): &(usize, &Way<'p>)| (way.statement, way.named);
    let mut order: Vec<(usize, &Way<'p>)> = ways.iter().enumerate().collect();
    order.sort_by_key(kin);
    let mut kept = vec![true; ways.len()];
    for alike in order.chunk_by(|one, other| kin(one) == kin(other)) {
        for one in alike {
            if alike.iter().any(|other| covers(*other, *one))
                && let Some(kept) = kept.get_mut(one.0)
            {
                *kept = false;
            }
        }
    }
    let kept = ways.into_iter().zip(kept);
    kept.filter_map(|(way, kept)| kept.then_some(way)).collect()
}

/// The ways in by one action (by default the one that fits each kind of caller), after every Deny.
pub(crate) fn ways<'p>(
    statements: &[Compiled<'p>],
    action: Option<Actions>,
    solver: &mut Solver<'_>,
) -> Vec<Way<'p>> {
    let mut left = offers(statements, action, solver);
    left.retain_mut(|way| way.is_possible(0, solver));
    let mut budget = MOST_WAYS.max(left.len());
    for deny in statements
        .iter()
        .filter(|statement| statement.effect == Effect::Deny)
    {
        let mut next = Vec::with_capacity(left.len());
        for way in left {
            let action = action.unwrap_or_else(|| way.class.way_in());
            if deny.actions.has(action) {
                subtract(way, deny, solver, &mut budget, &mut next);
            } else {
                next.push(way);
            }
        }
        left = without_covered(next, solver);
    }
    left
}

/// The ways in as whole calls go them.
pub(crate) fn ways_in<'p>(statements: &[Compiled<'p>], solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    // What a call carries may follow from what it has to say, and its company asks for more.
    let left = with_consequences(ways(statements, None, solver), solver);
    let left = with_company(left, statements, solver);
    by_name(with_consequences(left, solver), solver)
}

/// A way of any service that asks for one of a list of names is one way of each of them.
fn by_name<'p>(ways: Vec<Way<'p>>, solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    if !ways.iter().any(|way| listed_services(way).is_some()) {
        return ways;
    }
    let mut next = Vec::with_capacity(ways.len());
    for way in ways {
        match listed_services(&way) {
            Some((asked, names)) if next.len() + names.len() <= MOST_WAYS => {
                next.extend(names.into_iter().filter_map(|name| {
                    let class = Class::Service(name);
                    let demands = way.demands.clone();
                    let one = Way {
                        class,
                        demands,
                        ..way
                    };
                    (solver.possible(&one, asked) != Some(false)).then_some(one)
                }));
            }
            _ => next.push(way),
        }
    }
    next
}

/// The services to which a way of any service comes down, and the demand that lists them.
fn listed_services<'t, 'p>(way: &'t Way<'p>) -> Option<(&'t Literal<'p>, Vec<&'p str>)> {
    if way.class != Class::AnyService {
        return None;
    }
    let mut asked = way.of_role(Role::ServiceName).filter(|one| one.passes);
    asked.find_map(|literal| {
        let Test::Text(patterns) = &*literal.test else {
            return None;
        };
        let names = patterns.iter().map(|pattern| match &pattern.source {
            // A service's name has small letters only.
            Cow::Borrowed(name) if pattern.tokens.is_none() => {
                let other = pattern.fold && name.bytes().any(|byte| byte.is_ascii_uppercase());
                (!other).then_some(*name)
            }
            _ => None,
        });
        Some((literal, names.collect::<Option<Vec<_>>>()?))
    })
}

fn with_consequences<'p>(ways: Vec<Way<'p>>, solver: &mut Solver<'_>) -> Vec<Way<'p>> {
    let varies = |way: &Way<'p>| way.demands.iter().any(|one| one.test.has_variables());
    if !ways.iter().any(varies) {
        return ways;
    }
    ways.into_iter()
        .filter_map(|way| {
            let mut way = variable::without_excluded(way, solver)?;
            match variable::consequences(&way, solver) {
                Some(follow) if follow.is_empty() => Some(way),
                Some(follow) => way.and(&follow, solver),
                None => {
                    way.decided = false;
                    Some(way)
                }
            }
        })
        .collect()
}

/// Leaves of each way what a whole call can use: a call that carries session tags or a source
/// identity is checked for those actions too.
fn with_company<'p>(
    ways: Vec<Way<'p>>,
    statements: &[Compiled<'p>],
    solver: &mut Solver<'_>,
) -> Vec<Way<'p>> {
    const NEEDS: [(Role, Actions); 2] = [
        (Role::Tagging, Actions::TAG_SESSION),
        (Role::SourceIdentity, Actions::SET_SOURCE_IDENTITY),
    ];
    let mut left = without_covered(ways, solver);
    for (role, action) in NEEDS {
        let carries = |way: &Way<'p>, solver: &Solver<'_>| {
            way.of_role(role)
                .any(|literal| !literal.absent || solver.presence(way, literal) == Presence::Always)
        };
        if !left.iter().any(|way| carries(way, solver)) {
            continue;
        }
        let mut company: Option<Vec<Way<'p>>> = None;
        let mut next = Vec::with_capacity(left.len());
        for mut way in left {
            if !carries(&way, solver) {
                next.push(way);
                continue;
            }
            let company =
                company.get_or_insert_with(|| self::ways(statements, Some(action), solver));
            let class = way.class;
            let company = company
                .iter()
                .filter_map(|other| Some((other, class.along(other.class)?)));
            // All that the company demands is demanded already: most often the two are one statement.
            let met = |(other, asked): (&Way<'p>, Option<Literal<'p>>)| {
                asked.is_none() && other.decided && other.demands_within(&way)
            };
            if company.clone().any(met) {
                next.push(way);
                continue;
            }
            if next.len() >= MOST_WAYS {
                way.decided = false;
                next.push(way);
                continue;
            }
            for (other, asked) in company {
                let demands: Vec<_> = other.demands.iter().cloned().chain(asked).collect();
                if let Some(mut both) = way.and(&demands, solver) {
                    both.decided &= other.decided;
                    next.push(both);
                }
            }
        }
        left = without_covered(next, solver);
    }
    left
}
