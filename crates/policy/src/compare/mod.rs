//! Questions about two documents, or about a document and what is allowed.
//!
//! What one document grants and another does not is found by subtraction, as a Deny is: each way in
//! by the first, less every way in by the second. Empty means included, and what is left brings a
//! request along that proves it.

mod allowance;
mod shared;
mod values;

pub use allowance::{Allowance, Allowed, AllowedValues, AllowedWho};
pub use shared::{SharedExternalId, shared_external_ids};

use crate::analyze::region::{RequestSpace, regions_of, remainder};
use crate::analyze::{self, AnalysisContext};
use crate::answer::Request;
use crate::document::TrustPolicy;
use crate::evaluate::{EvaluationContext, evaluate};

/// One document grants what the other (or the allowance) does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .what)]
pub struct Wider {
    /// What is granted beyond, in words.
    pub what: String,
    /// A request that the one allows and the other does not; `None` where it was too costly to
    /// decide, which counts as wider.
    pub witness: Option<Request>,
}

/// Whether every request that `narrow` allows is allowed by `wide` too. `context.witnesses` does not
/// matter.
///
/// # Errors
/// [`Wider`] with a request that only `narrow` allows, confirmed by [`evaluate`] for both
/// documents; or without one where the question was too costly to decide.
pub fn is_subset(
    narrow: &TrustPolicy<'_>,
    wide: &TrustPolicy<'_>,
    context: &AnalysisContext<'_>,
) -> Result<(), Wider> {
    let evaluation = evaluation(context);
    let only_narrow = |request: &Request| {
        evaluate(narrow, request, &evaluation).is_ok_and(|found| found.allowed)
            && evaluate(wide, request, &evaluation).is_ok_and(|found| !found.allowed)
    };
    let mut solver = analyze::solver(&[narrow, wide], context);
    let wide_regions = regions_of(wide, &mut solver);
    first_wider(narrow, &wide_regions, &only_narrow, context, &mut solver)
}

/// Whether everything that a document grants is allowed.
///
/// # Errors
/// [`Wider`] with a request that the document allows and the list does not, or without one where the question was
/// too costly to decide.
pub fn is_within_allowance(
    policy: &TrustPolicy<'_>,
    allowance: &Allowance,
    context: &AnalysisContext<'_>,
) -> Result<(), Wider> {
    let evaluation = evaluation(context);
    let gets_in =
        |request: &Request| evaluate(policy, request, &evaluation).is_ok_and(|found| found.allowed);
    let mut solver = analyze::solver(&[policy], context);
    let allowed = allowance.regions();
    first_wider(policy, &allowed, &gets_in, context, &mut solver)
}

/// The difference in words: what `after` grants and `before` did not ("now also …"), then what
/// `before` granted and `after` does not ("no longer …"). Empty where both grant the same.
pub fn difference(
    before: &TrustPolicy<'_>,
    after: &TrustPolicy<'_>,
    context: &AnalysisContext<'_>,
) -> Vec<String> {
    let mut said = Vec::new();
    for (from, to, words) in [(after, before, "now also"), (before, after, "no longer")] {
        let mut solver = analyze::solver(&[from, to], context);
        let known = regions_of(to, &mut solver);
        for (grant, region) in analyze::grants_with_regions(from, context) {
            if !remainder(region, &known, &mut solver).is_empty() {
                said.push(format!("{words} {}", crate::explain::describe(&grant)));
            }
        }
    }
    said.dedup();
    said
}

fn evaluation<'e>(context: &AnalysisContext<'e>) -> EvaluationContext<'e> {
    EvaluationContext {
        account: context.own_account,
        organization: context.own_organization,
        now: context.now,
        origin: context.origin,
    }
}

fn first_wider(
    policy: &TrustPolicy<'_>,
    known: &[RequestSpace<'_>],
    proves: &dyn Fn(&Request) -> bool,
    context: &AnalysisContext<'_>,
    solver: &mut analyze::Solver<'_>,
) -> Result<(), Wider> {
    for (grant, region) in analyze::grants_with_regions(policy, context) {
        let left = remainder(region, known, solver);
        if left.is_empty() {
            continue;
        }
        let witness = left
            .iter()
            .find_map(|rest| analyze::request_in(policy, rest, solver).filter(|one| proves(one)));
        return Err(Wider {
            what: crate::explain::describe(&grant),
            witness,
        });
    }
    Ok(())
}
