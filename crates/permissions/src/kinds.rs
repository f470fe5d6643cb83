//! What a statement allows, by the services and kinds of resources that it names.

use std::collections::BTreeMap;

use crate::action::Action;
use crate::amount::Permit;
use crate::holder::{Holder, keep_met};
use crate::resource::{Scope, cover, keep_acting_on};
use crate::set::ActionSet;
use crate::together::whole_kind;

/// A statement's permits: one for everything, or one for each service whose resources it names,
/// with the actions that can act on them.
pub(crate) fn by_service(whole: Permit, resources: Vec<String>, holder: Holder<'_>) -> Vec<Permit> {
    let open = |resource: &String| cover(resource).service.is_none();
    if resources.iter().any(open) {
        return vec![Permit { resources, ..whole }];
    }
    let mut services: BTreeMap<String, (Scope, Vec<String>)> = BTreeMap::new();
    for resource in resources {
        let found = cover(&resource);
        let service = found.service.unwrap_or_default().to_owned();
        let (scope, named) = services.entry(service).or_insert((found.scope, Vec::new()));
        *scope = found.scope.max(*scope);
        named.push(resource);
    }
    let permits = services
        .into_iter()
        .flat_map(|(service, (scope, resources))| {
            let mut actions = whole.actions.clone();
            keep_acting_on(&mut actions, &service);
            if service == "iam" {
                keep_met(&mut actions, &resources, holder);
            }
            // Whoever may do something to every key may do it to one alias, but not to every alias.
            let narrow = of_named_kinds(&actions, &resources);
            let on_named = Permit {
                actions: narrow.clone(),
                unknown: Vec::new(),
                scope: Scope::Named,
                resources: resources.clone(),
                ..whole.clone()
            };
            actions -= &narrow;
            let together = || whole_kind(&service, resources.iter().map(String::as_str));
            let wide = Permit {
                actions,
                scope: if scope == Scope::Named && together() {
                    Scope::Service
                } else {
                    scope
                },
                resources,
                ..whole.clone()
            };
            [wide, on_named]
        });
    permits
        .filter(|permit| !permit.actions.is_empty() || !permit.unknown.is_empty())
        .collect()
}

/// What several statements of a policy allow between them on everything of a kind: one names buckets from
/// a to m, and one the others.
pub(crate) fn joined(permits: &[Permit]) -> Vec<Permit> {
    let mut services: BTreeMap<&str, Vec<&Permit>> = BTreeMap::new();
    for permit in permits.iter().filter(|one| one.scope == Scope::Named) {
        let service = permit.resources.first().and_then(|one| cover(one).service);
        services
            .entry(service.unwrap_or_default())
            .or_default()
            .push(permit);
    }
    let mut joined = Vec::new();
    for (service, parts) in services {
        if !are_whole(service, parts.iter().map(|part| part.resources.as_slice())) {
            continue;
        }
        let mut all = ActionSet::new();
        parts.iter().for_each(|part| all |= &part.actions);
        let mut by_parts: BTreeMap<Vec<usize>, ActionSet> = BTreeMap::new();
        for action in all.iter() {
            let holding = parts.iter().enumerate();
            let holding = holding.filter(|(_, part)| part.actions.contains(action));
            let key = holding.map(|(index, _)| index).collect();
            by_parts.entry(key).or_default().insert(action);
        }
        for (key, actions) in by_parts {
            let parts: Vec<&&Permit> = key.iter().filter_map(|index| parts.get(*index)).collect();
            if are_whole(service, parts.iter().map(|part| part.resources.as_slice())) {
                joined.extend(join(&parts, actions));
            }
        }
    }
    joined
}

fn join(parts: &[&&Permit], actions: ActionSet) -> Option<Permit> {
    let (first, others) = parts.split_first()?;
    let mut whole = Permit {
        actions,
        unknown: Vec::new(),
        patterns: Vec::new(),
        all_but: false,
        scope: Scope::Service,
        ..(**first).clone()
    };
    for part in others {
        whole.resources.extend(part.resources.iter().cloned());
        whole.caveats.extend(part.caveats.iter().cloned());
        whole.passed_to.extend(part.passed_to.iter().cloned());
        whole.for_services &= part.for_services;
        whole.is_unsure |= part.is_unsure;
    }
    Some(whole)
}

/// Whether these lists of resources of a service, of several statements, name everything of a kind
/// between them.
pub(crate) fn are_whole<'r, T: AsRef<str> + 'r>(
    service: &str,
    lists: impl ExactSizeIterator<Item = &'r [T]>,
) -> bool {
    lists.len() > 1 && whole_kind(service, lists.flatten().map(AsRef::as_ref))
}

/// Whether a pattern names everything of a kind by itself.
pub(crate) fn is_wide(resource: &str) -> bool {
    let cover = cover(resource);
    cover.scope > Scope::Named
        || cover.service.is_some_and(|service| {
            resource.contains(['*', '?']) && whole_kind(service, std::iter::once(resource))
        })
}

/// Whether some of these resources, all of one service, are everything of a kind, and some are not.
pub(crate) fn are_mixed<'r>(mut resources: impl Iterator<Item = &'r str>) -> bool {
    let first = resources.next().map(is_wide);
    first.is_some_and(|first| resources.any(|other| is_wide(other) != first))
}

/// Of these actions those that act on none of the kinds that are named as a whole.
fn of_named_kinds(actions: &ActionSet, resources: &[String]) -> ActionSet {
    if !are_mixed(resources.iter().map(String::as_str)) {
        return ActionSet::new();
    }
    let wide: Vec<&String> = resources.iter().filter(|one| is_wide(one)).collect();
    let on_named = |action: &Action| {
        let mut kinds = action.resource_types().map(|acts_on| acts_on.resource_type);
        !kinds.any(|kind| wide.iter().any(|resource| kind.may_be(resource)))
    };
    actions.iter().filter(on_named).collect()
}
