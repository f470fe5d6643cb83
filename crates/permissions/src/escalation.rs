//! Permissions that together give more than they seem to: whoever holds all of a combination can
//! become somebody else.
//!
//! Facts about what AWS's APIs do, in our own words; each row names a page that tells of it or of
//! its like. A way with `iam:PassRole` reaches the roles that may be passed and trust the service; the
//! others reach what is already there (a user, a function, an instance).

use std::cmp::Reverse;

use crate::amount::{Effective, Permit};
use crate::resource::Scope;
use crate::ways::{Way, ways};

/// A way that somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escalation {
    /// Which.
    pub way: &'static Way,
    /// On how much, by the action that is allowed on least.
    pub scope: Scope,
    /// One of the actions is allowed under conditions only.
    pub conditional: bool,
}

/// The ways that a role holds, the widest and least conditional first, then in the table's order; one
/// that needs more than another that is held is left out.
pub fn escalations(effective: &Effective) -> Vec<Escalation> {
    let all = effective.actions();
    let held: Vec<Escalation> = ways()
        .iter()
        .filter(|way| way.actions.iter().all(|action| all.contains(*action)))
        .filter_map(|way| held(effective, way))
        .collect();
    let needless = |wider: &Way| held.iter().any(|found| found.way.is_within(wider));
    let needed = held.iter().filter(|found| !needless(found.way));
    let mut needed: Vec<Escalation> = needed.copied().collect();
    needed.sort_by_key(|found| (Reverse(found.scope), found.conditional));
    needed
}

/// On how much, if at all, and whether always. A role is passed to a service that takes it, or not at
/// all.
fn held(effective: &Effective, way: &'static Way) -> Option<Escalation> {
    let mut scope = Scope::Everything;
    let mut conditional = false;
    for action in &way.actions {
        let passes = !way.passes_to.is_empty() && action.name() == "PassRole";
        let permits = effective.permits.iter();
        let best = permits
            .filter(|permit| permit.actions.contains(*action))
            .filter(|permit| !passes || may_pass(permit, &way.passes_to))
            .max_by_key(|permit| (permit.scope, permit.caveats.is_empty()))?;
        scope = scope.min(best.scope);
        conditional |= !best.caveats.is_empty();
    }
    (scope >= way.on_at_least).then_some(Escalation {
        way,
        scope,
        conditional,
    })
}

fn may_pass(permit: &Permit, services: &[&str]) -> bool {
    let to = |service: &&str| permit.passed_to.iter().all(|limit| limit.admits(service));
    services.iter().any(to)
}
