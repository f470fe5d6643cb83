//! What a request must name: whoever may launch instances, but from no image, launches none.
//!
//! The service authorization reference marks the kinds of resources that an action needs, and a policy
//! that limits resources must name one of each kind. Outside of EC2 the marks often mean that one of them
//! is enough, so `data/needs.tsv` has the actions of which each is known to be needed.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use crate::action::{Action, ArnTemplate, ResourceType};
use crate::amount::Permit;
use crate::denial::Denial;
use crate::expand::expand;
use crate::holder::{Holder, begins_as, kind_of};
use crate::resource::{cover, keep_acting_on};
use crate::set::ActionSet;
use policy::patterns::covers;

const ROWS: &str = include_str!("../data/needs.tsv");

/// Kinds of resources, one of which a request names.
type OneOf = Vec<ResourceType>;

struct Needs {
    of: HashMap<Action, Vec<OneOf>>,
    actions: ActionSet,
    /// The services in the ARNs of what is needed.
    services: HashSet<&'static str>,
}

static NEEDS: LazyLock<Needs> = LazyLock::new(|| {
    let mut of = HashMap::new();
    for row in ROWS.lines().skip(1) {
        let mut columns = row.split('\t');
        let (Some(actions), Some(kinds)) = (columns.next(), columns.next()) else {
            continue;
        };
        for action in expand(actions).iter() {
            of.insert(action, read(action, kinds));
        }
    }
    let kinds = of.values().flatten().flatten();
    let arns = kinds.flat_map(|kind: &ResourceType| kind.arns());
    Needs {
        services: arns.map(ArnTemplate::service).collect(),
        actions: of.keys().copied().collect(),
        of,
    }
});

fn read(action: Action, kinds: &str) -> Vec<OneOf> {
    if kinds == "marked" {
        return marked(action).map(|kind| vec![kind]).collect();
    }
    let named = |name: &str| {
        let mut all = action.resource_types().map(|acts_on| acts_on.resource_type);
        all.find(|kind| kind.name() == name)
    };
    let one_of = |names: &str| names.split('|').filter_map(named).collect();
    kinds.split(' ').map(one_of).collect()
}

fn marked(action: Action) -> impl Iterator<Item = ResourceType> {
    let required = action.resource_types().filter(|acts_on| acts_on.required);
    required.map(|acts_on| acts_on.resource_type)
}

/// Of each of these lists every request of an action names a resource; none where that is not known.
pub fn needs(action: Action) -> &'static [Vec<ResourceType>] {
    NEEDS.of.get(&action).map_or(&[], Vec::as_slice)
}

/// What counts of a resource of a service beside how much it covers: its kind, where some action needs
/// several.
pub(crate) fn counting_kind<'r>(service: &str, resource: &'r str) -> Option<&'r str> {
    let counts = service == "iam" || NEEDS.services.contains(service);
    counts.then(|| kind_of(resource))
}

/// Actions that are allowed on some of the kinds that they need, and on others nowhere.
pub(crate) fn lacking(permits: &[Permit]) -> ActionSet {
    let mut some = ActionSet::new();
    let mut open = ActionSet::new();
    for permit in permits {
        let on_all = |resource: &String| cover(resource).service.is_none();
        if permit.resources.iter().any(on_all) {
            open |= &permit.actions;
        } else {
            some |= &permit.actions;
        }
    }
    some &= &NEEDS.actions;
    some -= &open;
    let lacks = |action: &Action| {
        let permits = || {
            permits
                .iter()
                .filter(|permit| permit.actions.contains(*action))
        };
        let held = |kind: &ResourceType| {
            let mut resources = permits().flat_map(|permit| &permit.resources);
            resources.any(|resource| begins_as(resource, *kind))
        };
        !needs(*action).iter().all(|one_of| one_of.iter().any(held))
    };
    some.iter().filter(lacks).collect()
}

/// Most pairs of an action and a resource that is denied to it, of one role.
const MOST_PAIRS: usize = 1_000_000;

/// Actions of which some needed kind of resources is denied throughout.
pub(crate) fn refused(permits: &[Permit], denies: &[Denial], holder: Holder<'_>) -> ActionSet {
    let denies = || denies.iter().filter(|deny| deny.names_resources());
    let mut held = ActionSet::new();
    for permit in permits {
        held |= &permit.actions;
    }
    let mut denied = ActionSet::new();
    for deny in denies() {
        for resource in &deny.resources {
            let mut actions = deny.actions.clone();
            if let Some(service) = cover(resource).service {
                keep_acting_on(&mut actions, service);
            }
            denied |= &actions;
        }
    }
    denied &= &held;
    let count: usize = denies().map(|deny| deny.resources.len()).sum();
    if denied.len().saturating_mul(count) > MOST_PAIRS {
        return ActionSet::new();
    }
    let refuses = |action: &Action| {
        let all = |kind: &ResourceType| {
            kind.arns().all(|arn| {
                let pattern = arn.pattern([holder.partition(), None, None]);
                let denies = denies().filter(|deny| deny.actions.contains(*action));
                let mut resources = denies.flat_map(|deny| &deny.resources);
                resources.any(|resource| covers(resource, &pattern))
            })
        };
        // Of several that are marked one may be enough.
        let one: OneOf = marked(*action).collect();
        let mut needed = needs(*action).iter().chain([&one]);
        needed.any(|one_of| !one_of.is_empty() && one_of.iter().all(all))
    };
    denied.iter().filter(refuses).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_names_actions_and_kinds_that_aws_has() {
        let mut rows = 0;
        for row in ROWS.lines().skip(1) {
            let columns: Vec<&str> = row.split('\t').collect();
            let [actions, kinds, source, day] = columns.as_slice() else {
                panic!("{row}");
            };
            assert!(source.starts_with("https://") && day.len() == 10, "{row}");
            let actions = expand(actions);
            assert!(!actions.is_empty(), "{row}");
            let groups = kinds.split(' ').count();
            for action in actions.iter().filter(|_| *kinds != "marked") {
                let read = read(action, kinds);
                let named = read.iter().map(Vec::len).sum::<usize>();
                assert_eq!(read.len(), groups, "{row}");
                assert_eq!(named, kinds.split([' ', '|']).count(), "{row}");
            }
            rows += 1;
        }
        assert!(rows > 5);
    }

    #[test]
    fn a_launch_needs_an_image_and_a_command_an_instance() {
        let names = |action: &str| -> Vec<String> {
            let needed = needs(Action::find(action).unwrap());
            let one_of = |kinds: &OneOf| {
                let names: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                names.join("|")
            };
            needed.iter().map(one_of).collect()
        };
        assert!(names("ec2:RunInstances").contains(&"image".to_owned()));
        assert_eq!(
            names("ssm:SendCommand"),
            ["document", "instance|managed-instance"]
        );
        assert_eq!(names("ec2:CreateFleet"), ["fleet"]);
        assert!(names("s3:GetObject").is_empty());
    }
}
