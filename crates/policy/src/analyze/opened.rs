//! The grants with the ways that they stand for, and the requests that prove them.

use super::admit::NamedAccounts;
use super::caller::Account;
use super::compiled::Compiled;
use super::grants::{self, Company, Entrant, entrants};
use super::known::Known;
use super::solver::Solver;
use super::variable;
use super::way::{Class, Way};
use super::witness;
use crate::answer::{Grant, Request, Who};
use crate::document::TrustPolicy;
use crate::evaluate::{EvaluationContext, evaluate};

/// The way with every policy variable fixed; `None` where that could not be done.
fn settled<'p>(
    who: &Who,
    way: &Way<'p>,
    named: &NamedAccounts<'_>,
    solver: &mut Solver<'_>,
) -> Option<Way<'p>> {
    match who {
        Who::Account { account } | Who::Principal { account, .. } => {
            variable::settled(way, Account::Is(account), solver)
        }
        _ => variable::settled(way, Account::NoneOf(&named.callers), solver)
            .or_else(|| variable::settled(way, Account::Any, solver)),
    }
}

/// A grant with its way, and with that way as a request can go it.
pub(super) struct Opened<'p> {
    pub(super) grant: Grant,
    pub(super) way: Way<'p>,
    /// Every policy variable fixed, where there are some and that could be done.
    settled: Option<Box<Way<'p>>>,
}

/// The grants of a document's ways, each said once.
pub(super) fn grants_of<'p>(
    statements: &[Compiled<'p>],
    known: Vec<Known<'p>>,
    named: &NamedAccounts<'_>,
    solver: &mut Solver<'_>,
) -> Vec<Opened<'p>> {
    let mut company = Company::all(statements);
    let mut opened: Vec<Opened<'p>> = Vec::with_capacity(known.len());
    for one in known {
        let service = matches!(one.way.class, Class::Service(_) | Class::AnyService);
        let anyone = || {
            if service {
                vec!["*".to_owned()]
            } else {
                Vec::new()
            }
        };
        let on_behalf_of = one.on_behalf_of.unwrap_or_else(anyone);
        for (who, way) in entrants(one.way, &one.admission, solver) {
            let mut demands = way.demands.iter();
            let varies = demands.any(|literal| literal.test.has_variables());
            let settled = if varies {
                settled(&who, &way, named, solver).map(Box::new)
            } else {
                None
            };
            let sid = statements
                .iter()
                .find(|statement| statement.index == way.statement)
                .and_then(|statement| statement.sid)
                .map(str::to_owned);
            let (restrictions, exact) =
                grants::restrictions(&who, &way, one.external_id.as_ref(), solver);
            let actions = grants::actions(&way, &mut company, solver);
            // What was worked out with nothing left to spend may be wider than the truth.
            let decided = way.decided && (settled.is_some() || !varies) && !solver.exhausted();
            let grant = Grant {
                principal: who,
                on_behalf_of: on_behalf_of.clone(),
                actions,
                restrictions,
                statement: way.statement,
                sid,
                decided,
                exact: exact && decided,
                witness: None,
            };
            opened.push(Opened {
                grant,
                way,
                settled,
            });
        }
    }
    fn place<'o>(Opened { grant, .. }: &'o Opened<'_>) -> (usize, &'o Who, &'o [String]) {
        (grant.statement, &grant.principal, &grant.actions)
    }
    opened.sort_by(|one, other| place(one).cmp(&place(other)));
    for alike in opened.chunk_by_mut(|one, other| place(one) == place(other)) {
        alike.sort_by_cached_key(|Opened { grant, .. }| {
            (format!("{:?}", grant.restrictions), !grant.decided)
        });
    }
    opened.dedup_by(|next, kept| {
        let (next, kept) = (&next.grant, &kept.grant);
        next.statement == kept.statement
            && next.principal == kept.principal
            && next.actions == kept.actions
            && next.restrictions == kept.restrictions
    });
    opened
}

/// Steps for the requests, where all the rest has left less.
const PROOF_STEPS: u64 = 800_000;

/// Finds a request for each grant, and keeps it if the evaluator lets it in. It comes last, so that
/// the other fields are the same whether requests are asked for or not.
pub(super) fn prove<'p>(
    opened: Vec<Opened<'p>>,
    policy: &TrustPolicy<'_>,
    statements: &[Compiled<'p>],
    named: &NamedAccounts<'_>,
    solver: &mut Solver<'_>,
) -> Vec<Grant> {
    let context = solver.context;
    if !context.witnesses {
        // Collected, they would keep the place of what they were taken from, four times their own.
        let mut grants = Vec::with_capacity(opened.len());
        grants.extend(opened.into_iter().map(|one| one.grant));
        return grants;
    }
    solver.fuel.top_up(PROOF_STEPS);
    let mentioned = witness::mentioned(statements);
    let evaluation = EvaluationContext {
        account: context.own_account,
        organization: context.own_organization,
        now: context.now,
        origin: context.origin,
    };
    let mut grants = Vec::with_capacity(opened.len());
    for one in opened {
        let mut grant = one.grant;
        let entrant: Entrant<'_> = (
            grant.principal.clone(),
            one.settled.map_or(one.way, |way| *way),
        );
        let found = witness::request(&entrant, &mentioned, &named.callers, solver);
        grant.witness = found.filter(|request| {
            let paid = solver.fuel.spend(price_of_trial(policy, request));
            let tried = paid.then(|| evaluate(policy, request, &evaluation));
            tried.is_some_and(|found| found.is_ok_and(|found| found.allowed))
        });
        grants.push(grant);
    }
    grants
}

/// Steps that it takes to try a request: each value that it carries is held against each of a
/// condition.
fn price_of_trial(policy: &TrustPolicy<'_>, request: &Request) -> u64 {
    let most = request.context.values().map(Vec::len).max().unwrap_or(1);
    let conditions = policy.statements.iter().flat_map(|one| &one.conditions);
    let pairs = conditions.map(|condition| {
        let carried = request.context.get(&*condition.key).map_or(most, Vec::len);
        1 + condition.values.len() * carried
    });
    16 * pairs.sum::<usize>() as u64
}
