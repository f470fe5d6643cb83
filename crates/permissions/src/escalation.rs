//! Permissions that together give more than they seem to: whoever holds all of a combination can
//! become somebody else.
//!
//! Facts about what AWS's APIs do, in our own words; each row names a page that tells of it or of
//! its like. A combination with `iam:PassRole` reaches the roles that may be passed and trust the service; the
//! others reach what is already there (a user, a function, an instance).

use std::sync::LazyLock;

use crate::action::Action;
use crate::amount::{Effective, Permit};
use crate::combinations::{COMBINATIONS, Combination};
use crate::resource::Scope;

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
    static ACTIONS: LazyLock<Vec<(&'static Combination, Vec<Action>)>> = LazyLock::new(|| {
        let rows = COMBINATIONS.iter().map(|combination| {
            let actions = combination.actions.iter();
            let actions: Vec<Action> = actions.filter_map(|name| Action::find(name)).collect();
            (combination, actions)
        });
        // One of an action that AWS took away is held by nobody.
        rows.filter(|(combination, actions)| actions.len() == combination.actions.len())
            .collect()
    });
    let all = effective.actions();
    let found: Vec<&(&Combination, Vec<Action>)> = ACTIONS
        .iter()
        .filter(|(_, actions)| actions.iter().all(|action| all.contains(*action)))
        .filter(|(combination, _)| passes(effective, combination))
        .collect();
    let needless = |wider: &[Action]| {
        found.iter().any(|(_, fewer)| {
            fewer.len() < wider.len() && fewer.iter().all(|action| wider.contains(action))
        })
    };
    found
        .iter()
        .filter(|(_, actions)| !needless(actions))
        .map(|(combination, actions)| {
            let permits: Vec<_> = actions
                .iter()
                .filter_map(|action| effective.permit_of(*action))
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

/// Where the combination passes a role, may it be passed to a service that the combination uses?
fn passes(effective: &Effective, combination: &Combination) -> bool {
    static PASS_ROLE: LazyLock<Option<Action>> = LazyLock::new(|| Action::find("iam:PassRole"));
    let services = combination.passed_to();
    let Some(pass_role) = PASS_ROLE.filter(|_| !services.is_empty()) else {
        return true;
    };
    let mut permits = effective.permits.iter();
    permits.any(|permit| permit.actions.contains(pass_role) && may_pass(permit, &services))
}

fn may_pass(permit: &Permit, services: &[&str]) -> bool {
    let to = |service: &str| {
        permit.passed_to.iter().all(|limit| {
            limit.iter().any(|pattern| {
                let pattern = pattern.to_ascii_lowercase();
                let abroad = format!("{service}.cn");
                policy::glob::matches(&pattern, service) || policy::glob::matches(&pattern, &abroad)
            })
        })
    };
    services.iter().any(|service| to(service))
}
