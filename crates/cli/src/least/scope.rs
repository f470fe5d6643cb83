//! Which of the actions can be held to which of the resources.

use std::collections::{BTreeMap, BTreeSet};

use permissions::{
    Action, ArnTemplate, Class, Policies, Policy, classes, data_read, effective, escalations,
    expand, needs,
};

use super::mapping::permissions_of;
use super::{Document, Least, Need, NeedError, Statement};
use crate::suggest::nearest;

/// The policy that allows `needs` and no more: each action on those resources that it can act on,
/// and on everything only where AWS knows no resource for it, or none was named.
///
/// # Errors
/// If an action is named together with resources of its service, none of which it can act on.
pub(crate) fn least_privilege(needs: &[Need]) -> Result<Least, NeedError> {
    let mut groups: BTreeMap<BTreeSet<String>, BTreeSet<String>> = BTreeMap::new();
    let mut notes = Vec::new();
    for need in needs {
        let mut asked: Vec<String> = need.actions.iter().rev().cloned().collect();
        while let Some(pattern) = asked.pop() {
            let pattern = pattern.as_str();
            let mut allow = |resources: BTreeSet<String>, action: String| {
                groups.entry(resources).or_default().insert(action);
            };
            let actions: Vec<Action> = expand(pattern).iter().collect();
            if actions.is_empty() {
                // What IAM does not know has no place in a policy.
                let instead = permissions_of(pattern).unwrap_or_default();
                notes.push(left_out(pattern, &instead));
                asked.extend(instead);
                continue;
            }
            if need.resources.is_empty() {
                allow(everything(), pattern.to_owned());
                continue;
            }
            let on_nothing: Vec<&Action> = actions
                .iter()
                .filter(|action| action.resource_types().next().is_none())
                .collect();
            if on_nothing.len() == actions.len() || reads_beyond(&actions, &need.resources) {
                allow(everything(), pattern.to_owned());
                continue;
            }
            let mut fitting: BTreeSet<String> = need
                .resources
                .iter()
                .filter(|resource| actions.iter().any(|action| acts_on(*action, resource)))
                .cloned()
                .collect();
            if !fitting.is_empty() {
                let more = also_needed(&actions, &fitting);
                notes.extend(added(pattern, &more));
                fitting.extend(more);
                allow(fitting, pattern.to_owned());
                // What a pattern holds and no resource can be named for.
                for action in on_nothing {
                    allow(everything(), action.to_string());
                }
                continue;
            }
            notes.extend(everywhere(need, pattern, &actions)?);
            allow(everything(), pattern.to_owned());
        }
    }
    let statement = groups
        .into_iter()
        .map(|(resources, actions)| Statement {
            effect: "Allow",
            action: actions.into_iter().collect(),
            resource: resources.into_iter().collect(),
        })
        .collect();
    notes.extend(of_partitions(needs));
    let version = "2012-10-17";
    let document = Document { version, statement };
    notes.extend(dangers(&document));
    Ok(Least { document, notes })
}

/// What to say of actions that none of the resources fits, and that are allowed on everything.
///
/// # Errors
/// If one of the resources is of their service, and so was meant for them.
fn everywhere(need: &Need, pattern: &str, actions: &[Action]) -> Result<Option<String>, NeedError> {
    let arn = actions.iter().find_map(|action| first_arn(*action));
    let arn = arn.map_or_else(String::new, |arn| arn.to_string());
    let of_service = |resource: &String| resource.split(':').nth(2) == arn.split(':').nth(2);
    if need.resources.iter().any(of_service) {
        let service = pattern.split(':').next().unwrap_or_default();
        return Err(NeedError::NoneFits {
            action: pattern.to_owned(),
            acts_on: arn,
            service: service.to_owned(),
        });
    }
    Ok(actions
        .iter()
        .any(|action| !reads_names(*action))
        .then(|| format!("`{pattern}` is allowed on everything: none of the resources is {arn}")))
}

/// It reads names alone, and may do so everywhere.
fn reads_names(action: Action) -> bool {
    !action.level().changes() && data_read(action).is_none()
}

/// Is it a pattern of `Describe…` that reads names alone, some of which none of the resources fits? Held
/// to the resources it would be written out to a hundred actions, and the rest refused. A list is another
/// matter: it shows what a bucket holds.
fn reads_beyond(actions: &[Action], resources: &[String]) -> bool {
    let fits = |action: &Action| resources.iter().any(|resource| acts_on(*action, resource));
    let describes = |action: &Action| action.name().starts_with("Describe");
    actions.len() > 1
        && actions
            .iter()
            .all(|action| describes(action) && reads_names(*action))
        && !actions.iter().all(fits)
}

/// What an action cannot do without and none of the resources is, in their partition, region and
/// account. Of a pattern of actions nobody can say it.
fn also_needed(actions: &[Action], given: &BTreeSet<String>) -> BTreeSet<String> {
    let ([action], Some(like)) = (actions, given.first()) else {
        return BTreeSet::new();
    };
    let like: Vec<&str> = like.splitn(6, ':').collect();
    let part = |index: usize| like.get(index).copied().filter(|part| !part.is_empty());
    let missing = needs(*action).iter().filter_map(|one_of| {
        let mut all = given.iter();
        if all.any(|given| one_of.iter().any(|kind| kind.may_be(given))) {
            return None;
        }
        let arn = one_of.first()?.arns().next()?;
        Some(arn.pattern([part(1), part(3), part(4)]))
    });
    missing.collect()
}

/// An account is of one partition, and its policies reach no other.
fn of_partitions(needs: &[Need]) -> Option<String> {
    let resources = needs.iter().flat_map(|need| &need.resources);
    let partitions = resources.filter_map(|resource| resource.split(':').nth(1));
    let plain = partitions.filter(|partition| !partition.contains('*'));
    let partitions: Vec<&str> = plain.collect::<BTreeSet<&str>>().into_iter().collect();
    let all = partitions.join(", ");
    (partitions.len() > 1).then(|| {
        format!(
            "the resources are of the partitions {all}: an account is of one, and reaches no other"
        )
    })
}

/// Permissions of the policy that a third party is rarely meant to have.
fn dangers(document: &Document) -> Vec<String> {
    let text = serde_json::to_string(document).unwrap_or_default();
    let held = effective(&Policies {
        policies: vec![Policy {
            name: "policy",
            arn: None,
            document: Some(&text),
        }],
        ..Policies::default()
    });
    let changes = [
        Class::Administrator,
        Class::IamWrite,
        Class::PermissionsManagement,
    ];
    let mut notes: Vec<String> = classes(&held)
        .into_iter()
        .filter(|held| changes.contains(&held.class))
        .map(|held| format!("this allows {}, as {}", held.class.words(), held.example))
        .collect();
    notes.extend(escalations(&held).into_iter().map(|found| {
        let way = found.way;
        format!("with {} the role {} ({})", way.with(), way.how, way.name)
    }));
    notes
}

fn everything() -> BTreeSet<String> {
    BTreeSet::from(["*".to_owned()])
}

fn added(pattern: &str, resources: &BTreeSet<String>) -> Option<String> {
    let all: Vec<&str> = resources.iter().map(String::as_str).collect();
    let all = all.join(", ");
    (!all.is_empty()).then(|| format!("`{pattern}` needs these as well, which were added: {all}"))
}

fn left_out(pattern: &str, instead: &[String]) -> String {
    if instead.is_empty() {
        return unknown(pattern);
    }
    let instead = instead.join(" and ");
    format!("`{pattern}` is an API call and no action of IAM: it needs {instead}")
}

fn unknown(pattern: &str) -> String {
    let service = pattern
        .split_once(':')
        .and_then(|(prefix, _)| permissions::Service::find(prefix));
    let Some(service) = service else {
        return format!("`{pattern}` is left out: no service with its prefix is known");
    };
    let names: Vec<String> = service.actions().map(|action| action.to_string()).collect();
    match nearest(pattern, names.iter().map(String::as_str)) {
        Some(near) => {
            format!("`{pattern}` is left out: it is no action that AWS has, and `{near}` is one")
        }
        None => format!("`{pattern}` is left out: it is no action that AWS has"),
    }
}

/// The plainest form of what an action acts on: what it cannot do without, and few holes.
fn first_arn(action: Action) -> Option<ArnTemplate> {
    let arns = action.resource_types().flat_map(|acts_on| {
        let arns: Vec<ArnTemplate> = acts_on.resource_type.arns().collect();
        arns.into_iter().map(move |arn| (acts_on.required, arn))
    });
    arns.min_by_key(|(required, arn)| (!required, arn.to_string().len()))
        .map(|(_, arn)| arn)
}

/// Can there be a resource on which the action acts and which the pattern names?
pub(crate) fn acts_on(action: Action, resource: &str) -> bool {
    let mut kinds = action.resource_types();
    kinds.any(|acts_on| acts_on.resource_type.may_be(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn need(actions: &[&str], resources: &[&str]) -> Need {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Need {
            actions: owned(actions),
            resources: owned(resources),
        }
    }

    fn said(needs: &[Need]) -> Vec<(String, String)> {
        let least = least_privilege(needs).unwrap();
        let statements = least.document.statement.iter();
        statements
            .map(|one| (one.resource.join(" "), one.action.join(" ")))
            .collect()
    }

    #[test]
    fn an_action_is_held_to_what_it_can_act_on() {
        let object = "arn:aws:s3:::logs/*";
        let bucket = "arn:aws:s3:::logs";
        let own = |resource: &str, actions: &str| (resource.to_owned(), actions.to_owned());
        assert_eq!(
            said(&[need(
                &[
                    "s3:GetObject",
                    "s3:ListBucket",
                    "ec2:Describe*",
                    "s3:ListAllMyBuckets"
                ],
                &[object, bucket]
            )]),
            [
                own("*", "ec2:Describe* s3:ListAllMyBuckets"),
                own(bucket, "s3:ListBucket"),
                own(object, "s3:GetObject"),
            ]
        );
        // What of a pattern takes no resource stays possible.
        let list = said(&[need(&["s3:List*"], &[bucket])]);
        assert!(
            list.iter()
                .any(|(on, actions)| on == "*" && actions.contains("s3:ListAllMyBuckets"))
        );
        assert!(list.contains(&own(bucket, "s3:List*")));
        // Descriptions are not written out, whatever a few of them could be held to.
        let instance = "arn:aws:ec2:us-east-1:111122223333:instance/i-0123456789abcdef0";
        let database = "arn:aws:rds:us-east-1:111122223333:db:orders";
        assert_eq!(
            said(&[need(
                &["ec2:Describe*", "rds:Describe*"],
                &[instance, database]
            )]),
            [own("*", "ec2:Describe* rds:Describe*")]
        );
    }

    #[test]
    fn what_does_not_fit_is_said() {
        let error =
            least_privilege(&[need(&["s3:GetObject"], &["arn:aws:s3:::logs"])]).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`s3:GetObject` acts on arn:${Partition}:s3:::${BucketName}/"),
            "{error}"
        );
        for (action, expected) in [
            (
                "s3:GetObjects",
                "`s3:GetObjects` is left out: it is no action that AWS has, and `s3:GetObject` is one",
            ),
            ("nothere:Get", "`nothere:Get` is left out: no service"),
            (
                "sqs:SendMessage",
                "`sqs:SendMessage` is allowed on everything: none of the resources is arn:${Partition}:sqs:",
            ),
        ] {
            let least = least_privilege(&[need(&[action], &["arn:aws:s3:::logs"])]).unwrap();
            assert!(least.notes[0].starts_with(expected), "{:?}", least.notes);
            let unknown = expected.contains("left out");
            assert_eq!(least.document.statement.is_empty(), unknown, "{action}");
        }
    }

    #[test]
    fn what_iam_does_not_know_is_left_out_and_what_it_needs_is_added() {
        for (action, resource, actions, resources) in [
            (
                "s3:CreateMultipartUpload",
                "arn:aws:s3:::b/*",
                "s3:PutObject",
                vec!["arn:aws:s3:::b/*"],
            ),
            (
                "s3:ListBuckets",
                "arn:aws:s3:::b",
                "s3:ListAllMyBuckets",
                vec!["*"],
            ),
            (
                "elbv2:DescribeTags",
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/a/1",
                "elasticloadbalancing:DescribeTags",
                vec!["*"],
            ),
            (
                "bedrock:Converse",
                "arn:aws:bedrock:eu-west-1::foundation-model/m",
                "bedrock:InvokeModel",
                vec!["arn:aws:bedrock:eu-west-1::foundation-model/m"],
            ),
            (
                "ec2:CreateSnapshot",
                "arn:aws:ec2:eu-west-1:111122223333:volume/*",
                "ec2:CreateSnapshot",
                vec![
                    "arn:aws:ec2:eu-west-1:111122223333:volume/*",
                    "arn:aws:ec2:eu-west-1::snapshot/*",
                ],
            ),
        ] {
            let least = least_privilege(&[need(&[action], &[resource])]).unwrap();
            let [statement] = least.document.statement.as_slice() else {
                panic!("{action}: {:?}", least.document);
            };
            assert_eq!(statement.action, [actions], "{action}");
            assert_eq!(statement.resource, resources, "{action}");
            let told = least.notes.iter().any(|note| note.contains(action));
            assert!(
                told || action == "bedrock:InvokeModel",
                "{action}: {:?}",
                least.notes
            );
        }
        let least = least_privilege(&[need(
            &["ec2:RunInstances"],
            &["arn:aws:ec2:eu-west-1:111122223333:instance/*"],
        )]);
        let resources = &least.unwrap().document.statement[0].resource;
        assert!(
            resources.iter().any(|arn| arn.contains(":subnet/*")),
            "{resources:?}"
        );
    }

    #[test]
    fn a_way_to_more_is_reported() {
        let needs = [need(&["iam:PassRole", "lambda:*Function"], &[])];
        let notes = least_privilege(&needs).unwrap().notes;
        assert!(
            notes.iter().any(|note| note.contains("IAM write")),
            "{notes:?}"
        );
        assert!(
            notes
                .iter()
                .any(|note| note.contains("lambda:CreateFunction")),
            "{notes:?}"
        );
        let needs = [need(&["ec2:Describe*", "s3:GetObject"], &[])];
        assert_eq!(least_privilege(&needs).unwrap().notes, Vec::<String>::new());
    }
}
