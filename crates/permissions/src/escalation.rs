//! Permissions that together give more than they seem to: whoever holds all of a combination can
//! become somebody else.
//!
//! Facts about what AWS's APIs do, in our own words; each row names a page that tells of it or of
//! its like. A combination with `iam:PassRole` reaches the roles that may be passed and trust the service; the
//! others reach what is already there (a user, a function, an instance).

use crate::action::Action;
use crate::combinations::COMBINATIONS;
use crate::effective::Effective;
use crate::resource::Scope;

/// A combination of permissions by which its holder gains others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Combination {
    /// Its name, which stays.
    pub name: &'static str,
    /// All of these are needed.
    pub actions: &'static [&'static str],
    /// What its holder does, to follow "the role".
    pub how: &'static str,
    /// A page that tells of it or of its like.
    pub source: &'static str,
}

/// A combination that somebody holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Escalation {
    /// Which.
    pub combination: &'static Combination,
    /// On how much, by the action that is allowed on least.
    pub scope: Scope,
    /// One of the actions is allowed under conditions only.
    pub conditional: bool,
}

/// The combinations that a role holds, in the table's order; one that needs more than another that
/// is held is left out.
pub fn escalations(effective: &Effective) -> Vec<Escalation> {
    let all = effective.actions();
    let held = |name: &&str| Action::find(name).is_some_and(|action| all.contains(action));
    let found: Vec<&Combination> = COMBINATIONS
        .iter()
        .filter(|combination| combination.actions.iter().all(held))
        .collect();
    let needless = |wider: &Combination| {
        found.iter().any(|other| {
            other.actions.len() < wider.actions.len()
                && other
                    .actions
                    .iter()
                    .all(|name| wider.actions.contains(name))
        })
    };
    found
        .iter()
        .filter(|combination| !needless(combination))
        .map(|combination| {
            let permits: Vec<_> = combination
                .actions
                .iter()
                .filter_map(|name| effective.permit_of(Action::find(name)?))
                .collect();
            Escalation {
                combination,
                scope: permits
                    .iter()
                    .map(|permit| permit.scope)
                    .min()
                    .unwrap_or(Scope::Everything),
                conditional: permits.iter().any(|permit| !permit.caveats.is_empty()),
            }
        })
        .collect()
}
