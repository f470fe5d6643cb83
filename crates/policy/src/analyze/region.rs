//! Sets of calls, for the questions about two documents.

use super::compiled::{Actions, compile};
use super::literal::Literal;
use super::solver::Solver;
use super::way::{Class, Way};
use super::ways::{MOST_WAYS, ways, ways_in};
use crate::document::{Effect, TrustPolicy};
use crate::keys;
use crate::sets::test::Test;

/// The calls that go one way.
#[derive(Debug, Clone)]
pub(crate) struct RequestSpace<'p> {
    pub(crate) way: Way<'p>,
    pub(crate) calls: Calls,
}

/// Which calls count: a call that carries more needs more actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// Those that carry nothing besides.
    Plain,
    /// Those that carry session tags.
    Tagged,
    /// Those that carry a source identity.
    WithSourceIdentity,
    /// All.
    All,
}

/// What calls carry, the action it needs, and a key that shows it.
const CARRIED: [(Calls, Actions, &str); 2] = [
    (Calls::Tagged, Actions::TAG_SESSION, "aws:TagKeys"),
    (
        Calls::WithSourceIdentity,
        Actions::SET_SOURCE_IDENTITY,
        "sts:SourceIdentity",
    ),
];

/// All calls that a document allows.
pub(crate) fn regions_of<'p>(
    policy: &'p TrustPolicy<'p>,
    solver: &mut Solver<'_>,
) -> Vec<RequestSpace<'p>> {
    let statements = compile(policy, solver.context.origin);
    let plain = ways_in(&statements, solver);
    let mut regions = Vec::new();
    for way in &plain {
        regions.extend(carrying(way, policy, solver));
    }
    let plain = plain.into_iter();
    regions.extend(plain.map(|way| RequestSpace {
        way,
        calls: Calls::Plain,
    }));
    regions
}

/// The calls of a way that carry more.
pub(crate) fn carrying<'p>(
    way: &Way<'p>,
    policy: &'p TrustPolicy<'p>,
    solver: &mut Solver<'_>,
) -> Vec<RequestSpace<'p>> {
    let statements = compile(policy, solver.context.origin);
    let mut regions = Vec::new();
    for (calls, action, key) in CARRIED {
        let allowed = statements
            .iter()
            .any(|one| one.effect == Effect::Allow && one.actions.has(action));
        if !allowed {
            continue;
        }
        let shows = Literal::passing(keys::find(key), key, Test::Present);
        let Some(carrier) = way.and(&[shows], solver) else {
            continue;
        };
        let mut company = ways(&statements, Some(action), solver);
        company.retain(|other| way.class.along(other.class).is_some());
        if company.len() > MOST_WAYS {
            // Too many to tell apart: all that carry it, perhaps more than are allowed.
            let mut way = carrier;
            way.decided = false;
            regions.push(RequestSpace { way, calls });
            continue;
        }
        for other in company {
            let asked = way.class.along(other.class).flatten();
            let demands: Vec<_> = other.demands.into_iter().chain(asked).collect();
            if let Some(mut way) = carrier.and(&demands, solver) {
                way.decided &= other.decided;
                regions.push(RequestSpace { way, calls });
            }
        }
    }
    regions
}

/// What is left of some calls without those of the known regions. Where that would cost too much,
/// what is left is too much, never too little.
pub(crate) fn remainder<'p>(
    region: RequestSpace<'p>,
    known: &[RequestSpace<'p>],
    solver: &mut Solver<'_>,
) -> Vec<Way<'p>> {
    let calls = region.calls;
    let mut left = vec![region.way];
    let mut budget = MOST_WAYS;
    for other in known {
        if other.calls != Calls::All && other.calls != calls {
            continue;
        }
        let mut next = Vec::new();
        for way in left {
            let same_class = other.way.class == way.class
                || (other.way.class == Class::AnyService && matches!(way.class, Class::Service(_)));
            // A region that may be too large can not prove that something is covered.
            let usable = other.way.decided && budget > 0 && !solver.exhausted();
            if !same_class || !usable || way.and(&other.way.demands, solver).is_none() {
                next.push(way);
                continue;
            }
            for literal in &other.way.demands {
                if let Some(rest) = way.and(&[literal.denied()], solver) {
                    next.push(rest);
                    budget = budget.saturating_sub(1);
                }
            }
        }
        left = next;
    }
    left
}
