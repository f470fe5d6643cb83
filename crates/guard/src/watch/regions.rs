//! The account's other regions: each hands its events to the home region by rules of
//! `template-region.yaml`, and what is there is held against that.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Is, Line, rule_lines};
use super::deployed::Expected;
use super::found::{RuleState, Stack};
use crate::template::{FORWARDERS, Scope, deployed_resources};

/// The rules of `template-region.yaml`, in JSON. A test holds the two against each other.
const TEMPLATE: &str = include_str!("regions.json");

/// A region that is enabled in the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegionState {
    /// As `eu-west-1`.
    pub name: String,
    /// Its rules whose names begin as [`FORWARDERS`], by name, or why they are not known.
    pub rules: Result<BTreeMap<String, RuleState>, String>,
}

/// Whether any region hands something over.
pub fn forwards(regions: &[RegionState]) -> bool {
    let mut known = regions.iter().filter_map(|one| one.rules.as_ref().ok());
    known.any(|rules| !rules.is_empty())
}

/// Each region but the home region: it hands over what it should, or what is missing. `before`: some
/// region did once. Without that nobody took anything away where nothing is.
pub fn region_lines(stack: &Stack, regions: &[RegionState], before: bool) -> Vec<Line> {
    let (home, account) = stack.place();
    let missing = match before || forwards(regions) {
        true => Is::Other,
        false => Is::Unwell,
    };
    let others = regions.iter().filter(|region| region.name != home);
    others
        .flat_map(|region| match &region.rules {
            Err(why) => vec![Line::new("region", &region.name, why, Is::Other)],
            Ok(rules) if rules.is_empty() => {
                let how = "has no stack of template-region.yaml: root's calls there, and calls that stop \
                           a trail of it, are not seen";
                vec![Line::new("region", &region.name, how, missing)]
            }
            Ok(rules) => handed_over(home, account, &region.name, rules),
        })
        .collect()
}

/// Of several stacks in a region one must be whole: the best one counts.
fn handed_over(
    home: &str,
    account: &str,
    region: &str,
    rules: &BTreeMap<String, RuleState>,
) -> Vec<Line> {
    let stacks: BTreeSet<&str> = rules.keys().filter_map(|name| stack_of(name)).collect();
    let found = stacks.into_iter().flat_map(|id| {
        // Whether sessions are handed over, too, is each stack's own to say.
        ["false", "true"].map(|sessions| {
            let expected = expected(home, account, region, id, sessions);
            let lines = expected.iter().flat_map(|rule| match rule_of(rule, rules) {
                Some(there) => rule_lines(rule, there),
                None => vec![Line::new("rule", &rule.name, "is gone", Is::Other)],
            });
            let other = lines.filter(|line| line.is != Is::Good);
            other.collect::<Vec<Line>>()
        })
    });
    let best = found.min_by_key(Vec::len).unwrap_or_default();
    if best.is_empty() {
        let how = "hands its events to the home region";
        return vec![Line::new("region", region, how, Is::Good)];
    }
    best
}

fn stack_of(name: &str) -> Option<&str> {
    Some(name.strip_prefix(FORWARDERS)?.split_once('-')?.1)
}

fn rule_of<'a>(rule: &Expected, rules: &'a BTreeMap<String, RuleState>) -> Option<&'a RuleState> {
    rules.get(rule.id.as_deref()?)
}

fn expected(home: &str, account: &str, region: &str, id: &str, sessions: &str) -> Vec<Expected> {
    let given = [
        ("HomeRegion", home),
        ("ForwardSessions", sessions),
        ("AWS::StackId", &format!("stack/name/{id}")),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let scope = Scope::of(Some(account), region, &given);
    // It is our own text, and JSON.
    let resources = deployed_resources(TEMPLATE, &scope).unwrap_or_default();
    let resources = resources.into_iter();
    resources
        .map(|(name, kind, properties)| Expected {
            name: format!("{name} of {region}"),
            kind,
            id: properties
                .get("Name")
                .and_then(|name| name.as_str())
                .map(str::to_owned),
            properties,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const ID: &str = "5d0c8f3e-93f5-4c73-9a57-b1f0a7d9f1e2";

    fn stack() -> Stack {
        Stack {
            id: "arn:aws:cloudformation:us-east-1:111122223333:stack/guard/0a1b".to_owned(),
            status: String::new(),
            parameters: [].into(),
            outputs: [].into(),
            resources: [].into(),
            deployed: [].into(),
        }
    }

    /// The rules as the template says them.
    fn rules(sessions: &str) -> BTreeMap<String, RuleState> {
        let rules = expected("us-east-1", "111122223333", "eu-west-1", ID, sessions);
        let rules = rules.into_iter();
        rules
            .map(|rule| {
                let targets = rule.properties["Targets"].as_array().unwrap().clone();
                let state = RuleState {
                    state: rule.properties["State"]
                        .as_str()
                        .unwrap_or("ENABLED")
                        .to_owned(),
                    pattern: Some(rule.properties["EventPattern"].to_string()),
                    schedule: None,
                    targets,
                };
                (rule.id.unwrap(), state)
            })
            .collect()
    }

    fn said(rules: Vec<(&str, BTreeMap<String, RuleState>)>, before: bool) -> Vec<(Is, String)> {
        let regions: Vec<RegionState> = rules
            .into_iter()
            .map(|(name, rules)| RegionState {
                name: name.to_owned(),
                rules: Ok(rules),
            })
            .collect();
        let lines = region_lines(&stack(), &regions, before).into_iter();
        lines
            .map(|line| {
                (
                    line.is,
                    format!("{} {}: {}", line.what, line.which, line.how),
                )
            })
            .collect()
    }

    #[test]
    fn a_region_hands_over_what_its_template_says() {
        let whole = rules("false");
        assert_eq!(whole.len(), 5);
        for sessions in ["false", "true"] {
            let found = said(vec![("eu-west-1", rules(sessions))], false);
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].0, Is::Good, "{found:?}");
        }
        // What is left of an older stack does no harm.
        let mut two = whole.clone();
        let left = whole.first_key_value().unwrap();
        two.insert(left.0.replace(ID, "0a1b"), left.1.clone());
        assert_eq!(said(vec![("eu-west-1", two)], false)[0].0, Is::Good);
        type Change = fn(&mut RuleState);
        let changes: [Change; 4] = [
            |rule| rule.state = "DISABLED".to_owned(),
            |rule| rule.pattern = Some(r#"{"source":["aws.none"]}"#.to_owned()),
            |rule| rule.targets.clear(),
            |rule| {
                rule.targets[0]["Arn"] =
                    json!("arn:aws:events:us-east-1:999988887777:event-bus/default")
            },
        ];
        for name in whole.keys() {
            for change in changes {
                let mut other = whole.clone();
                change(other.get_mut(name).unwrap());
                let found = said(vec![("eu-west-1", other)], false);
                assert!(!found.is_empty());
                for (is, words) in found {
                    assert_eq!(is, Is::Other, "{words}");
                    assert!(words.contains("of eu-west-1: "), "{words}");
                }
            }
            let mut other = whole.clone();
            other.remove(name);
            let found = said(vec![("eu-west-1", other)], false);
            assert!(found[0].1.ends_with("is gone"), "{found:?}");
        }
    }

    #[test]
    fn a_region_without_a_stack_is_unwell_and_other_once_any_had_one() {
        let none = BTreeMap::new();
        let is = |rules, before| {
            let found = said(rules, before).into_iter();
            found.map(|(is, _)| is).collect::<Vec<_>>()
        };
        // At home are the guard's own rules.
        assert_eq!(is(vec![("us-east-1", none.clone())], true), []);
        let neither = vec![("eu-west-1", none.clone()), ("eu-west-2", none.clone())];
        assert_eq!(is(neither.clone(), false), [Is::Unwell, Is::Unwell]);
        assert_eq!(is(neither, true), [Is::Other, Is::Other]);
        let one = vec![("eu-west-1", rules("false")), ("eu-west-2", none)];
        assert_eq!(is(one, false), [Is::Good, Is::Other]);
        let unread = RegionState {
            name: "eu-west-1".to_owned(),
            rules: Err("AccessDenied".to_owned()),
        };
        let lines = region_lines(&stack(), &[unread], false);
        assert_eq!(lines[0].is, Is::Other);
    }
}
