//! Which roles' policies amount to the same.
//!
//! Accounts are built from modules: a hundred roles have the same policies but for the name of a
//! table. What is allowed depends on such a name only through its service, how much of the service
//! it covers, and where something is denied or bounded.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hash, Hasher};

use policy::IdentityPolicy;
use policy::document::{Condition, Effect, IdentityStatement, Version};

use crate::effective::{Policies, Policy};
use crate::holder::{Holder, fate, names_holder};
use crate::kinds::{are_mixed, are_whole, is_wide};
use crate::limits::{caveat, for_services, is_decided, passed_to};
use crate::needs::counting_kind;
use crate::resource::{Cover, Scope, cover};
use crate::together::whole_kind;

/// Tells which roles' policies amount to the same. Of one managed policy it knows one document: it
/// is made for one account at one time.
#[derive(Debug, Default)]
pub struct Likeness {
    keys: [RandomState; 2],
    /// By ARN: something is denied in it, or it cannot be read; and a condition names its holder.
    managed: HashMap<Box<str>, (bool, bool)>,
}

impl Likeness {
    /// A sum of 128 bits under keys that were drawn at random. Where it is equal, what
    /// [`effective`](crate::effective) says is equal, but for [`Permit::policy`] and
    /// [`Permit::resources`]. Not the other way round.
    ///
    /// [`Permit::policy`]: crate::Permit::policy
    /// [`Permit::resources`]: crate::Permit::resources
    pub fn of(&mut self, policies: &Policies<'_>) -> u128 {
        let Self { keys, managed } = self;
        let mut read: Vec<Option<IdentityPolicy<'_>>> = Vec::with_capacity(policies.policies.len());
        let mut verbatim = policies.boundary.is_some();
        let boundary = policies
            .boundary
            .as_ref()
            .and_then(|policy| policy.document);
        let bound = boundary.and_then(|text| IdentityPolicy::parse(text).ok());
        let mut named = bound.is_some_and(|policy| names(&policy));
        for policy in &policies.policies {
            match (policy.arn, policy.document) {
                (Some(arn), document) => {
                    let (denies, names) = match managed.get(arn) {
                        Some(found) => *found,
                        None => {
                            let found = document.map_or((false, false), |text| {
                                IdentityPolicy::parse(text)
                                    .map_or((true, false), |found| (denies(&found), names(&found)))
                            });
                            managed.insert(arn.into(), found);
                            found
                        }
                    };
                    verbatim |= denies;
                    named |= names;
                    read.push(None);
                }
                (None, document) => {
                    let parsed = document.and_then(|text| IdentityPolicy::parse(text).ok());
                    verbatim |= parsed.as_ref().is_none_or(denies);
                    named |= parsed.as_ref().is_some_and(names);
                    read.push(parsed);
                }
            }
        }
        // Written down once and summed twice: in pieces a sum takes thrice as long.
        let mut text = Written(Vec::with_capacity(512));
        let holder = Holder::of(policies.holder);
        // A boundary bounds what the same policy, held, would give.
        (verbatim, policies.boundary.is_some(), holder.kind()).hash(&mut text);
        policies.holder.filter(|_| named).hash(&mut text);
        for (policy, read) in policies.policies.iter().zip(&read) {
            let read = read.as_ref().filter(|_| !verbatim);
            of_policy(policy, read, holder, &mut text);
        }
        if let Some(boundary) = &policies.boundary {
            of_policy(boundary, None, holder, &mut text);
        }
        let [one, other] = keys.each_ref().map(|key| {
            let mut sum = key.build_hasher();
            sum.write(&text.0);
            sum.finish()
        });
        u128::from(one) << 64 | u128::from(other)
    }
}

/// What is to be hashed, as it is told to a hasher.
struct Written(Vec<u8>);

impl Hasher for Written {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// The sums are made of the whole.
    fn finish(&self) -> u64 {
        0
    }
}

fn denies(policy: &IdentityPolicy<'_>) -> bool {
    let mut statements = policy.statements.iter();
    // What IAM would refuse is told with its place in the text.
    !policy.errors.is_empty() || statements.any(|statement| statement.effect == Some(Effect::Deny))
}

fn names(policy: &IdentityPolicy<'_>) -> bool {
    let mut statements = policy.statements.iter();
    statements.any(|statement| statement.conditions.iter().any(names_holder))
}

/// Everything that counts of a policy; of one that could not be read, all of its text.
fn of_policy(
    policy: &Policy<'_>,
    read: Option<&IdentityPolicy<'_>>,
    holder: Holder<'_>,
    sum: &mut impl Hasher,
) {
    match (policy.arn, read) {
        (Some(arn), _) => (0_u8, arn, policy.name).hash(sum),
        (None, Some(read)) => {
            (1_u8, read.statements.len(), read.version).hash(sum);
            // Which statements name how much of it counts then.
            policy.document.filter(|_| may_join(read)).hash(sum);
            for statement in &read.statements {
                of_statement(statement, read.version, holder, sum);
            }
        }
        (None, None) => (2_u8, policy.name, policy.document).hash(sum),
    }
}

/// Whether several statements may name everything of a kind between them.
fn may_join(policy: &IdentityPolicy<'_>) -> bool {
    let mut services: HashMap<&str, Vec<[&str; 1]>> = HashMap::new();
    for resource in policy
        .statements
        .iter()
        .flat_map(|one| one.resource.iter().flatten())
    {
        let cover = cover(resource);
        if let (Some(service), Scope::Named) = (cover.service, cover.scope) {
            services.entry(service).or_default().push([&**resource]);
        }
    }
    let mut services = services.iter();
    policy.statements.len() > 1
        && services
            .any(|(service, lists)| are_whole(service, lists.iter().map(|one| one.as_slice())))
}

fn of_statement(
    statement: &IdentityStatement<'_>,
    version: Version,
    holder: Holder<'_>,
    sum: &mut impl Hasher,
) {
    (statement.index, statement.effect.is_some()).hash(sum);
    (&statement.action, &statement.not_action).hash(sum);
    match &statement.resource {
        None => 0_u8.hash(sum),
        Some(resources) => {
            (1_u8, resources.len()).hash(sum);
            for resource in resources {
                let cover = cover(resource);
                (cover.scope, cover.service).hash(sum);
                if cover.service == Some("iam") {
                    fate(resource, holder).hash(sum);
                }
                let kind = cover.service.and_then(|of| counting_kind(of, resource));
                kind.hash(sum);
                holder.can_name(resource, version).hash(sum);
            }
            let met = resources.iter().map(|one| &**one);
            let met = met.filter(|one| holder.can_name(one, version));
            let met: Vec<(Cover<'_>, &str)> = met.map(|one| (cover(one), one)).collect();
            let mut services: Vec<&str> = met.iter().filter_map(|(of, _)| of.service).collect();
            services.dedup();
            for service in services {
                let of_service = met.iter().filter(|(of, _)| of.service == Some(service));
                let named = of_service
                    .clone()
                    .filter(|(of, _)| of.scope == Scope::Named);
                whole_kind(service, named.map(|(_, one)| *one)).hash(sum);
                let all = of_service.map(|(_, one)| *one);
                if are_mixed(all.clone()) {
                    all.filter(|one| is_wide(one)).for_each(|one| one.hash(sum));
                }
            }
        }
    }
    statement.conditions.len().hash(sum);
    for condition in &statement.conditions {
        caveat(condition).hash(sum);
    }
    let conditions = &statement.conditions;
    let all = |of: &dyn Fn(&Condition<'_>) -> bool| conditions.iter().all(of);
    let (is_sure, is_met) = (all(&is_decided), all(&|one| holder.can_meet(one)));
    all(&|one| !holder.is_about_others(one)).hash(sum);
    (
        passed_to(conditions),
        for_services(conditions),
        is_sure,
        is_met,
    )
        .hash(sum);
}
