//! What a Deny leaves of a way.

use super::compiled::{Compiled, not_being};
use super::listed::Listed;
use super::literal::Literal;
use super::solver::Solver;
use super::way::Way;

/// How callers of a way can fail to be those whom a Deny names: any of these lists of demands.
/// `None`: it names none of them.
fn unnamed<'p>(
    deny: &Compiled<'p>,
    way: &Way<'p>,
    solver: &Solver<'_>,
) -> Option<Vec<Vec<Literal<'p>>>> {
    let mut all = Vec::new();
    if let Some(list) = &deny.principals {
        match Listed::of(list, way.class, solver.context) {
            Listed::None => return None,
            Listed::Some(listed) => all.extend(not_being(&listed)),
            Listed::All | Listed::Perhaps => {}
        }
    }
    if let Some(list) = &deny.not_principals {
        match Listed::of(list, way.class, solver.context) {
            Listed::All | Listed::Perhaps => return None,
            Listed::Some(listed) => all.extend(listed),
            Listed::None => {}
        }
    }
    Some(all)
}

/// Adds what a Deny leaves of a way, at most so much as the budget allows.
pub(super) fn subtract<'p>(
    mut way: Way<'p>,
    deny: &Compiled<'p>,
    solver: &mut Solver<'_>,
    budget: &mut usize,
    into: &mut Vec<Way<'p>>,
) {
    let Some(mut escapes) = unnamed(deny, &way, solver) else {
        into.push(way);
        return;
    };
    let conditions = deny.conditions.iter();
    escapes.extend(conditions.map(|condition| vec![condition.denied()]));
    if *budget == 0 || solver.exhausted() {
        way.decided = false;
        into.push(way);
        return;
    }
    // A Deny that meets nobody of this way leaves it as it is.
    if !touches(&way, deny, solver) {
        into.push(way);
        return;
    }
    let principals = deny.principals.as_deref();
    if principals
        .is_some_and(|list| matches!(Listed::of(list, way.class, solver.context), Listed::Perhaps))
    {
        way.decided = false;
        into.push(way);
        return;
    }
    // Who is spared by `NotPrincipal` whatever else holds is not touched either.
    let spared = deny.not_principals.is_some()
        && escapes.iter().any(|escape| {
            escape
                .iter()
                .all(|literal| way.and(&[literal.denied()], solver).is_none())
        });
    if spared {
        into.push(way);
        return;
    }
    let before = into.len();
    for escape in &escapes {
        if let Some(rest) = way.and(escape, solver) {
            into.push(rest);
        }
    }
    *budget = budget.saturating_sub(into.len() - before);
}

/// Whether a Deny takes anything from a way.
fn touches<'p>(way: &Way<'p>, deny: &Compiled<'p>, solver: &mut Solver<'_>) -> bool {
    let listed = match (&deny.principals, &deny.not_principals) {
        (Some(list), None) => match Listed::of(list, way.class, solver.context) {
            Listed::Some(listed) => Some(listed),
            _ => None,
        },
        _ => None,
    };
    let lists = listed.unwrap_or_else(|| vec![Vec::new()]);
    lists.iter().any(|who| {
        way.and(who, solver)
            .is_some_and(|met| met.and(&deny.conditions, solver).is_some())
    })
}
