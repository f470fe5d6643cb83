//! What the policies of a role amount to.
//!
//! An upper bound, for an answer that may be relied on: what is said not to be allowed is not.
//! A conditional Allow counts as allowed, with its conditions as caveats; a Deny is subtracted only
//! where it holds for every request, and is named where it is not. Service and resource control
//! policies, session policies and the policies of resources are not seen.

use std::collections::BTreeMap;

use policy::IdentityPolicy;
use policy::document::{Effect, IdentityStatement, Version};

use crate::action::{Action, Service};
use crate::amount::{Effective, PartialDeny, PassedTo, Permit, Reason, Unreadable};
use crate::denial::Denial;
use crate::expand::{expand_counting, has_wildcard};
use crate::holder::Holder;
use crate::kinds::{by_service, joined};
use crate::limits::{
    caveat, for_services, is_chosen, is_decided, keep_asked, left_to_pass, passed_to,
};
use crate::needs::{lacking, refused};
use crate::resource::{Scope, cover};
use crate::set::ActionSet;
use crate::well_known;
use policy::patterns::{covers, meet};

/// One policy of a role or user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy<'a> {
    /// What it is called, for people.
    pub name: &'a str,
    /// Of a managed policy.
    pub arn: Option<&'a str>,
    /// Its plain JSON text; `None` where it is not at hand.
    pub document: Option<&'a str>,
}

/// All policies of a role or user; those of a user's groups are its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policies<'a> {
    /// Managed and inline.
    pub policies: Vec<Policy<'a>>,
    /// The permissions boundary.
    pub boundary: Option<Policy<'a>>,
    /// The ARN of the role or user, where it is known: what none of its requests can meet then gives
    /// nothing.
    pub holder: Option<&'a str>,
}

/// Names of actions that are tried, pattern by pattern, for one role: a tenth of a second's worth.
const MOST_TRIES: usize = 5_000_000;
/// Statements that are read of one role: IAM's quotas leave room for more only if each says next to
/// nothing.
const MOST_STATEMENTS: usize = 2_000;
/// Pairs of resource patterns that are compared; what lies beyond is not narrowed.
const MOST_PAIRS: usize = 1_000_000;

/// Works out what the policies of a role or user amount to.
pub fn effective(policies: &Policies<'_>) -> Effective {
    let mut work = Work {
        tries: MOST_TRIES,
        statements: MOST_STATEMENTS,
        pairs: MOST_PAIRS,
        holder: Holder::of(policies.holder),
    };
    let mut unreadable = Vec::new();
    let mut own = Side::default();
    for policy in &policies.policies {
        if let Err(reason) = work.read(policy, &mut own) {
            unreadable.push(Unreadable {
                policy: policy.name.to_owned(),
                reason,
                at_most: false,
            });
        }
    }
    let mut boundary = None;
    if let Some(policy) = &policies.boundary {
        let mut side = Side::default();
        match work.read(policy, &mut side) {
            Ok(()) => boundary = Some(side),
            Err(reason) => unreadable.push(Unreadable {
                policy: policy.name.to_owned(),
                at_most: reason == Reason::Missing,
                reason,
            }),
        }
    }
    let mut permits = own.permits;
    let mut denies = own.denies;
    if let Some(side) = boundary {
        permits = permits
            .iter()
            .flat_map(|permit| work.bound(permit, &side.permits))
            .collect();
        denies.extend(side.denies);
    }
    let (leaving, denies): (Vec<_>, Vec<_>) = denies.into_iter().partition(Denial::spares);
    for deny in &leaving {
        permits = work.leave(permits, deny);
    }
    let refused = refused(&permits, &denies, work.holder);
    let partial_denies = work.subtract(&mut permits, denies);
    let mut impossible = lacking(&permits);
    impossible |= &refused;
    let passing: ActionSet = Action::find("iam:PassRole").into_iter().collect();
    for permit in &mut permits {
        permit.actions -= &impossible;
        if !PassedTo::admit_any(&permit.passed_to) {
            permit.actions -= &passing;
        }
    }
    permits.retain(|permit| !permit.actions.is_empty() || !permit.unknown.is_empty());
    Effective {
        permits,
        unreadable,
        partial_denies,
    }
}

/// The statements of a role's policies, or of its boundary.
#[derive(Default)]
struct Side {
    permits: Vec<Permit>,
    denies: Vec<Denial>,
}

/// What may still be spent on one role.
struct Work<'h> {
    tries: usize,
    statements: usize,
    pairs: usize,
    holder: Holder<'h>,
}

impl Work<'_> {
    fn read(&mut self, policy: &Policy<'_>, side: &mut Side) -> Result<(), Reason> {
        let text = match (policy.document, policy.arn) {
            (Some(text), _) => text,
            (None, Some(arn)) => well_known::document(arn).ok_or(Reason::Missing)?,
            (None, None) => return Err(Reason::Missing),
        };
        let document = IdentityPolicy::parse(text).map_err(Reason::Parse)?;
        let before = side.permits.len();
        for statement in &document.statements {
            self.statements = self.statements.checked_sub(1).ok_or(Reason::TooMuch)?;
            self.statement(policy.name, statement, document.version, side)?;
        }
        let joined = joined(side.permits.get(before..).unwrap_or_default());
        side.permits.extend(joined);
        match document.errors.into_iter().next() {
            None => Ok(()),
            Some(first) => Err(Reason::Refused {
                line: first.line,
                column: first.column,
                message: first.message,
            }),
        }
    }

    fn statement(
        &mut self,
        policy: &str,
        statement: &IdentityStatement<'_>,
        version: Version,
        side: &mut Side,
    ) -> Result<(), Reason> {
        let Some(effect) = statement.effect else {
            return Ok(());
        };
        let (patterns, all_but) = match (&statement.action, &statement.not_action) {
            (Some(action), _) => (action, false),
            (None, Some(action)) => (action, true),
            (None, None) => return Ok(()),
        };
        let (mut actions, unknown) = self.actions(patterns.iter().map(AsRef::as_ref), all_but)?;
        keep_asked(&mut actions, &statement.conditions);
        let caveats: Vec<String> = statement.conditions.iter().map(caveat).collect();
        let patterns = || patterns.iter().map(|pattern| pattern.clone().into_owned());
        let all_but_resources = statement.resource.is_none();
        let named = statement
            .resource
            .as_ref()
            .or(statement.not_resource.as_ref());
        let named = named.into_iter().flat_map(|resources| resources.iter());
        let resources = named.map(|one| one.clone().into_owned()).collect();
        match effect {
            Effect::Deny => side.denies.push(Denial {
                policy: policy.to_owned(),
                statement: statement.index,
                actions,
                patterns: patterns().collect(),
                all_but,
                resources,
                all_but_resources,
                caveats,
                leaves: left_to_pass(&statement.conditions),
                is_avoidable: statement.conditions.iter().any(is_chosen),
            }),
            Effect::Allow => {
                let mut conditions = statement.conditions.iter();
                if !conditions.all(|condition| self.holder.can_meet(condition)) {
                    return Ok(());
                }
                let mut conditions = statement.conditions.iter();
                if conditions.any(|condition| self.holder.is_about_others(condition)) {
                    actions -= &Service::find("iam")
                        .map(ActionSet::of_service)
                        .unwrap_or_default();
                }
                let whole = Permit {
                    policy: policy.to_owned(),
                    statement: statement.index,
                    actions,
                    unknown,
                    patterns: if all_but {
                        Vec::new()
                    } else {
                        patterns().collect()
                    },
                    all_but,
                    scope: Scope::Everything,
                    resources: Vec::new(),
                    caveats,
                    passed_to: passed_to(&statement.conditions),
                    for_services: for_services(&statement.conditions),
                    is_unsure: !statement.conditions.iter().all(is_decided),
                    doubtful: ActionSet::new(),
                };
                // `NotResource` leaves out what is named, of everything.
                let mut resources = if all_but_resources {
                    vec!["*".to_owned()]
                } else {
                    resources
                };
                resources.retain(|one| self.holder.can_name(one, version));
                side.permits
                    .extend(by_service(whole, resources, self.holder));
            }
        }
        Ok(())
    }

    /// What patterns of actions stand for, and which of them stand for what the table does not know.
    fn actions<'p>(
        &mut self,
        patterns: impl Iterator<Item = &'p str>,
        all_but: bool,
    ) -> Result<(ActionSet, Vec<String>), Reason> {
        let mut named = ActionSet::new();
        let mut unknown = Vec::new();
        for pattern in patterns {
            let mut set = ActionSet::new();
            let tried = expand_counting(pattern, &mut set);
            self.tries = self.tries.checked_sub(tried).ok_or(Reason::TooMuch)?;
            if set.is_empty() && !all_but {
                unknown.push(pattern.to_owned());
            }
            named |= &set;
        }
        if all_but {
            let mut all = ActionSet::all();
            all -= &named;
            named = all;
        }
        Ok((named, unknown))
    }

    /// What a boundary leaves of a permit: as many permits as there are scopes and caveats.
    fn bound(&mut self, permit: &Permit, boundary: &[Permit]) -> Vec<Permit> {
        let mut left: BTreeMap<_, Permit> = BTreeMap::new();
        for within in boundary {
            let mut actions = permit.actions.clone();
            actions &= &within.actions;
            let unknown: Vec<String> = permit
                .unknown
                .iter()
                .filter(|unknown| {
                    let mut patterns = within.patterns.iter();
                    within.all_but
                        || patterns.any(|pattern| {
                            meet(&pattern.to_ascii_lowercase(), &unknown.to_ascii_lowercase())
                        })
                })
                .cloned()
                .collect();
            if actions.is_empty() && unknown.is_empty() {
                continue;
            }
            let Some((scope, resources)) = self.shared(permit, within) else {
                continue;
            };
            let mut caveats = permit.caveats.clone();
            caveats.extend(within.caveats.iter().cloned());
            let mut passed_to = permit.passed_to.clone();
            passed_to.extend(within.passed_to.iter().cloned());
            let key = (
                scope,
                within.caveats.clone(),
                within.passed_to.clone(),
                (within.for_services, within.is_unsure),
            );
            let found = left.entry(key).or_insert_with(|| Permit {
                policy: permit.policy.clone(),
                statement: permit.statement,
                actions: ActionSet::new(),
                unknown: Vec::new(),
                patterns: permit.patterns.clone(),
                all_but: permit.all_but,
                scope,
                resources: Vec::new(),
                caveats,
                passed_to,
                for_services: permit.for_services || within.for_services,
                is_unsure: permit.is_unsure || within.is_unsure,
                doubtful: ActionSet::new(),
            });
            found.actions |= &actions;
            add_new(&mut found.unknown, unknown);
            add_new(&mut found.resources, resources);
        }
        left.into_values().collect()
    }

    /// The resources that two permits share, and how much that is; `None` if there are none.
    fn shared(&mut self, permit: &Permit, within: &Permit) -> Option<(Scope, Vec<String>)> {
        let scope = permit.scope.min(within.scope);
        let pairs = permit
            .resources
            .len()
            .saturating_mul(within.resources.len());
        let Some(left) = self.pairs.checked_sub(pairs) else {
            return Some((scope, permit.resources.clone()));
        };
        self.pairs = left;
        let mut shared = Vec::new();
        for mine in &permit.resources {
            for theirs in &within.resources {
                if covers(mine, theirs) {
                    add_new(&mut shared, [theirs.clone()]);
                } else if meet(mine, theirs) {
                    add_new(&mut shared, [mine.clone()]);
                }
            }
        }
        let scope = shared
            .iter()
            .map(|resource| cover(resource).scope.min(scope))
            .max()?;
        Some((scope, shared))
    }

    /// What a Deny of all but some resources leaves: its actions on these alone, as a boundary would.
    fn leave(&mut self, permits: Vec<Permit>, deny: &Denial) -> Vec<Permit> {
        let spared = Permit {
            policy: deny.policy.clone(),
            statement: deny.statement,
            actions: deny.actions.clone(),
            unknown: Vec::new(),
            patterns: deny.patterns.clone(),
            all_but: deny.all_but,
            scope: Scope::Everything,
            resources: Vec::new(),
            caveats: Vec::new(),
            passed_to: Vec::new(),
            for_services: false,
            is_unsure: false,
            doubtful: ActionSet::new(),
        };
        let spared = by_service(spared, deny.resources.clone(), self.holder);
        let mut left = Vec::new();
        for permit in permits {
            let mut denied = permit.clone();
            denied.actions &= &deny.actions;
            denied
                .unknown
                .retain(|unknown| deny.denies_unknown(unknown));
            left.extend(self.bound(&denied, &spared));
            let mut rest = permit;
            rest.actions -= &deny.actions;
            rest.unknown.retain(|unknown| !deny.denies_unknown(unknown));
            left.push(rest);
        }
        left
    }

    /// Takes out what is denied to every request; gives back the Denies that deny some only.
    fn subtract(&mut self, permits: &mut [Permit], denies: Vec<Denial>) -> Vec<PartialDeny> {
        let mut partial = Vec::new();
        let passing = Action::find("iam:PassRole");
        let passes = |actions: &ActionSet| passing.is_some_and(|action| actions.contains(action));
        for deny in denies {
            let mut whole = deny.caveats.is_empty();
            for permit in &mut *permits {
                let meets = permit.actions.meets(&deny.actions);
                if !meets && permit.unknown.is_empty() {
                    continue;
                }
                if deny.caveats.is_empty() && self.all_denied(&permit.resources, &deny) {
                    permit.actions -= &deny.actions;
                    permit
                        .unknown
                        .retain(|unknown| !deny.denies_unknown(unknown));
                } else if meets {
                    whole = false;
                    if let Some(leaves) = &deny.leaves
                        && passes(&permit.actions)
                        && passes(&deny.actions)
                        && self.all_denied(&permit.resources, &deny)
                    {
                        permit.passed_to.push(leaves.clone());
                    } else if !deny.caveats.is_empty() && !deny.is_avoidable {
                        permit.doubtful |= &deny.actions;
                    }
                }
            }
            if !whole {
                partial.push(PartialDeny {
                    policy: deny.policy,
                    statement: deny.statement,
                    caveats: deny.caveats,
                });
            }
        }
        partial
    }

    fn all_denied(&mut self, resources: &[String], deny: &Denial) -> bool {
        if deny.all_but_resources {
            return false;
        }
        let denied = &deny.resources;
        if denied.iter().any(|denied| denied == "*") {
            return true;
        }
        let pairs = resources.len().saturating_mul(denied.len());
        let Some(left) = self.pairs.checked_sub(pairs) else {
            return false;
        };
        self.pairs = left;
        resources
            .iter()
            .all(|resource| denied.iter().any(|denied| covers(denied, resource)))
    }
}

fn add_new(list: &mut Vec<String>, more: impl IntoIterator<Item = String>) {
    for text in more {
        if !list.contains(&text) {
            list.push(text);
        }
    }
}

/// Whether a pattern of actions is covered by one of several, case not counting.
pub(crate) fn unknown_within(unknown: &str, patterns: &[&str]) -> bool {
    let unknown = unknown.to_ascii_lowercase();
    patterns.iter().any(|pattern| {
        let pattern = pattern.to_ascii_lowercase();
        if has_wildcard(&unknown) {
            covers(&pattern, &unknown)
        } else {
            policy::glob::matches(&pattern, &unknown)
        }
    })
}
