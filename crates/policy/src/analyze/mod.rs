//! All requests at once: who can assume the role by a trust document, decided.
//!
//! The crate's README explains the procedure. In short: every Allow statement opens ways in (one
//! for each principal, as demands on the keys of a request); every Deny is subtracted, which leaves
//! more ways with more demands; a way whose demands nobody can meet is dropped ([`solve`], exactly);
//! the answer's fields are read off what is left.

mod admit;
mod caller;
mod clock;
mod compiled;
mod context;
mod federated;
mod fill;
mod grants;
mod guess;
mod identity;
mod known;
mod listed;
mod literal;
mod mfa;
mod network;
mod offer;
mod opened;
mod organization;
pub(crate) mod region;
mod restrict;
mod solve;
mod solver;
mod source;
mod subtract;
mod summary;
mod variable;
pub(crate) mod way;
mod ways;
mod witness;

pub(crate) use self::compiled::Named;
pub use self::context::AnalysisContext;
pub(crate) use self::literal::Literal;
use self::region::{Calls, RequestSpace};
pub(crate) use self::solver::Solver;
use self::way::Way;
use crate::answer::{Analysis, Grant, Request, Who};
use crate::document::TrustPolicy;

/// Who can assume the role by this document.
///
/// What could not be decided within the bounds is reported as open, in a grant whose `decided` is
/// `false`.
pub fn analyze(policy: &TrustPolicy<'_>, context: &AnalysisContext<'_>) -> Analysis {
    let solver = Solver::new(context, summary::length(policy));
    summary::analysis(policy, context, solver)
}

/// The same by the full procedure alone: no text is guessed and no list tried out before the walk
/// through the automata. Slow, and for the proofs, which hold that the answer is the same but for
/// the texts of the witnesses.
#[doc(hidden)]
pub fn analyze_without_guesses(
    policy: &TrustPolicy<'_>,
    context: &AnalysisContext<'_>,
) -> Analysis {
    let solver = Solver::without_guesses(context, summary::length(policy));
    summary::analysis(policy, context, solver)
}

/// A solver for questions about these documents.
pub(crate) fn solver<'c>(
    policies: &[&TrustPolicy<'_>],
    context: &'c AnalysisContext<'c>,
) -> Solver<'c> {
    Solver::new(
        context,
        policies.iter().map(|policy| summary::length(policy)).sum(),
    )
}

/// Each grant with the calls that it allows.
pub(crate) fn grants_with_regions<'p>(
    policy: &'p TrustPolicy<'p>,
    context: &AnalysisContext<'_>,
) -> Vec<(Grant, RequestSpace<'p>)> {
    let mut solver = solver(&[policy], context);
    let mut all = Vec::new();
    for (grant, way) in summary::grants(policy, &mut solver) {
        for region in region::carrying(&way, policy, &mut solver) {
            all.push((grant.clone(), region));
        }
        all.push((
            grant,
            RequestSpace {
                way,
                calls: Calls::Plain,
            },
        ));
    }
    all
}

/// A request that goes a way of a document; `None` where none was found.
pub(crate) fn request_in<'p>(
    policy: &'p TrustPolicy<'p>,
    way: &Way<'p>,
    solver: &mut Solver<'_>,
) -> Option<Request> {
    let statements = compiled::compile(policy, solver.context.origin);
    let mentioned = witness::mentioned(&statements);
    let named = admit::NamedAccounts::of(policy);
    witness::request(
        &(Who::Anyone, way.clone()),
        &mentioned,
        &named.callers,
        solver,
    )
}

#[cfg(test)]
mod tests;
