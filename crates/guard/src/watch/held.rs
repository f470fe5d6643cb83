//! What else a resource of the stack holds: who may use it by its own policy, and settings by which it
//! could be silenced in its place.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::compare::{Is, Line};
use super::deployed::{Expected, differences, words};
use crate::template::is_unknown;

/// What a resource holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Held {
    /// Its policy, as JSON; `None` where it has none.
    pub policy: Option<String>,
    /// Settings, as a template says them.
    pub settings: Value,
}

/// The resources that hold something, by logical id: what the template does not say of them.
pub fn held_lines(resources: &[Expected], there: &BTreeMap<String, Held>) -> Vec<Line> {
    let mut lines = Vec::new();
    for (resource, held) in resources
        .iter()
        .filter_map(|one| Some((one, there.get(&one.name)?)))
    {
        let mut found = differences(&resource.properties, &held.settings);
        found.extend(policy_differences(
            &statements_of(resource, resources),
            held.policy.as_deref(),
        ));
        let line = |how| Line::new(kind(resource), &resource.name, how, Is::Other);
        lines.extend(found.into_iter().map(line));
    }
    if lines.is_empty() {
        let how = format!(
            "{} resources have the policies and settings of the template",
            there.len()
        );
        lines.push(Line::new("policy", "all", how, Is::Good));
    }
    lines
}

fn kind(resource: &Expected) -> &'static str {
    match resource.kind.as_str() {
        "AWS::DynamoDB::Table" => "table",
        "AWS::KMS::Key" => "key",
        "AWS::Lambda::EventSourceMapping" => "event source",
        "AWS::Lambda::Function" => "function",
        "AWS::SNS::Topic" => "topic",
        _ => "queue",
    }
}

/// The statements of a resource's policy, which may be resources of their own.
fn statements_of(resource: &Expected, resources: &[Expected]) -> Vec<Value> {
    let listed = |document: Option<&Value>| {
        let statements = document.and_then(|document| document.get("Statement"));
        statements.map(list).unwrap_or_default()
    };
    let id = resource.id.as_deref();
    let about = |kind: &'static str, field: &'static str| {
        let all = resources.iter().filter(move |one| one.kind == kind);
        all.filter(move |one| {
            let named = one.properties.get(field).map(list).unwrap_or_default();
            named.iter().any(|name| name.as_str() == id)
        })
    };
    let policies = |kind, field| {
        let of_it = about(kind, field).map(|one| one.properties.get("PolicyDocument"));
        of_it.flat_map(listed).collect()
    };
    match resource.kind.as_str() {
        "AWS::DynamoDB::Table" => listed(
            resource
                .properties
                .pointer("/ResourcePolicy/PolicyDocument"),
        ),
        "AWS::KMS::Key" => listed(resource.properties.get("KeyPolicy")),
        "AWS::SNS::Topic" => policies("AWS::SNS::TopicPolicy", "Topics"),
        "AWS::SQS::Queue" => policies("AWS::SQS::QueuePolicy", "Queues"),
        "AWS::Lambda::Function" => about("AWS::Lambda::Permission", "FunctionName")
            .map(|one| permission(&one.properties))
            .collect(),
        _ => Vec::new(),
    }
}

/// As Lambda writes it down.
fn permission(properties: &Value) -> Value {
    let of = |name: &str| properties.get(name).cloned().unwrap_or_default();
    let mut condition = json!({});
    for (name, operator, key) in [
        ("SourceArn", "ArnLike", "AWS:SourceArn"),
        ("SourceAccount", "StringEquals", "AWS:SourceAccount"),
    ] {
        if let (value @ Value::String(_), Some(fields)) = (of(name), condition.as_object_mut()) {
            fields.insert(operator.to_owned(), json!({ key: value }));
        }
    }
    json!({
        "Effect": "Allow", "Principal": { "Service": of("Principal") },
        "Action": of("Action"), "Condition": condition,
    })
}

/// What one policy says and the other does not. Their order, their labels, and whether one value stands
/// in a list mean nothing.
fn policy_differences(expected: &[Value], there: Option<&str>) -> Vec<String> {
    let document: Value = match there.map(serde_json::from_str) {
        Some(Ok(document)) => document,
        Some(Err(_)) => return vec!["its policy is no JSON".to_owned()],
        None => Value::Null,
    };
    let mut left: Vec<Value> = document.get("Statement").map(list).unwrap_or_default();
    let mut found = Vec::new();
    for statement in expected {
        let wanted = normal(statement);
        match left.iter().position(|one| same(&wanted, &normal(one))) {
            Some(place) => drop(left.swap_remove(place)),
            None => found.push(format!("its policy lacks {}", words(statement))),
        }
    }
    let more = left.iter();
    found.extend(more.map(|statement| format!("its policy also says {}", words(statement))));
    found
}

/// A statement's parts, each with its values: as `Condition.StringEquals.aws:sourcearn`.
type Normal = BTreeMap<String, BTreeSet<String>>;

fn normal(statement: &Value) -> Normal {
    let mut parts = Normal::new();
    for (name, value) in statement.as_object().into_iter().flatten() {
        match name.as_str() {
            "Sid" => {}
            // Of a function's policy the resource is the function.
            "Resource" if is_function(value) => {}
            "Principal" | "NotPrincipal" if value == "*" => {
                parts.insert(format!("{name}.AWS"), texts(value));
            }
            "Action" | "NotAction" => {
                let actions = texts(value).into_iter();
                let lower = actions.map(|action| action.to_ascii_lowercase());
                parts.insert(name.clone(), lower.collect());
            }
            _ => gather(name, value, &mut parts),
        }
    }
    parts
}

fn is_function(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    text.split(':').nth(2) == Some("lambda")
}

fn gather(path: &str, value: &Value, parts: &mut Normal) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                // The names of keys are written in any case.
                let name = match path.starts_with("Condition.") {
                    true => name.to_ascii_lowercase(),
                    false => name.clone(),
                };
                gather(&format!("{path}.{name}"), value, parts);
            }
        }
        value => drop(parts.insert(path.to_owned(), texts(value))),
    }
}

fn list(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        value => vec![value.clone()],
    }
}

fn texts(value: &Value) -> BTreeSet<String> {
    let text = |value: Value| match value {
        Value::String(text) => account_of(text),
        other => other.to_string(),
    };
    list(value).into_iter().map(text).collect()
}

/// An account stands for its root, and the other way round.
fn account_of(text: String) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "iam", "", account, "root"] => (*account).to_owned(),
        _ => text,
    }
}

/// Whether two statements say the same, as far as it is known what is expected.
fn same(wanted: &Normal, there: &Normal) -> bool {
    wanted.len() == there.len()
        && wanted
            .iter()
            .zip(there)
            .all(|((name, values), (other, found))| {
                let mut known = values.iter().filter(|value| !is_unknown(&json!(value)));
                name == other
                    && values.len() == found.len()
                    && known.all(|value| found.contains(value))
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUEUE: &str = "https://sqs.us-east-1.amazonaws.com/111122223333/orders.fifo";

    fn resources() -> Vec<Expected> {
        let made = |name: &str, kind: &str, id: &str, properties: Value| Expected {
            name: name.to_owned(),
            kind: kind.to_owned(),
            id: Some(id.to_owned()),
            properties,
        };
        vec![
            made(
                "Orders",
                "AWS::SQS::Queue",
                QUEUE,
                json!({ "VisibilityTimeout": 360 }),
            ),
            made(
                "OrdersPolicy",
                "AWS::SQS::QueuePolicy",
                "p",
                json!({ "Queues": [QUEUE], "PolicyDocument": { "Statement": [
                    {
                        "Sid": "Ours", "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::111122223333:root" },
                        "Action": "sqs:SendMessage", "Resource": "q",
                        "Condition": { "Bool": { "aws:SecureTransport": "true" } },
                    },
                    { "Effect": "Deny", "Principal": "*", "Action": ["sqs:PurgeQueue", "sqs:DeleteMessage"], "Resource": "q" },
                ] } }),
            ),
            made("Judge", "AWS::Lambda::Function", "guard-Judge-1", json!({})),
            made(
                "JudgePermission",
                "AWS::Lambda::Permission",
                "s",
                json!({
                    "FunctionName": "guard-Judge-1", "Action": "lambda:InvokeFunction",
                    "Principal": "events.amazonaws.com", "SourceArn": "arn:aws:events:us-east-1:111122223333:rule/r",
                }),
            ),
        ]
    }

    fn said(name: &str, policy: Option<Value>, settings: Value) -> Vec<(Is, String)> {
        let policy = policy.map(|statements| json!({ "Statement": statements }).to_string());
        let there = [(name.to_owned(), Held { policy, settings })].into();
        let lines = held_lines(&resources(), &there).into_iter();
        lines.map(|line| (line.is, line.how)).collect()
    }

    fn queue() -> Value {
        json!([
            { "Effect": "Deny", "Principal": { "AWS": "*" }, "Action": ["sqs:DeleteMessage", "SQS:PurgeQueue"], "Resource": ["q"] },
            {
                "Effect": "Allow", "Principal": { "AWS": ["111122223333"] }, "Action": ["sqs:SendMessage"],
                "Resource": "q", "Condition": { "Bool": { "AWS:SecureTransport": [true] } },
            },
        ])
    }

    #[test]
    fn a_policy_is_the_same_in_any_order_and_spelling_and_no_other() {
        let settings = json!({ "VisibilityTimeout": "360", "DelaySeconds": null });
        let good = said("Orders", Some(queue()), settings.clone());
        assert_eq!((good.len(), good[0].0), (1, Is::Good), "{good:?}");
        type Change = fn(&mut Value);
        let changes: [(Change, usize); 6] = [
            // A Deny on the service itself.
            (
                |it| {
                    it.as_array_mut()
                        .unwrap()
                        .push(json!({ "Effect": "Deny", "Principal": "*", "Action": "sqs:*" }))
                },
                1,
            ),
            (|it| it[0]["Effect"] = json!("Allow"), 2),
            (|it| it[1]["Principal"]["AWS"] = json!("999988887777"), 2),
            (|it| it[1]["Condition"] = json!({}), 2),
            (
                |it| it[1]["Condition"]["Bool"]["AWS:SecureTransport"] = json!("false"),
                2,
            ),
            (|it| drop(it.as_array_mut().unwrap().remove(0)), 1),
        ];
        for (change, differences) in changes {
            let mut other = queue();
            change(&mut other);
            let found = said("Orders", Some(other.clone()), settings.clone());
            assert_eq!(found.len(), differences, "{other}: {found:?}");
            assert!(found.iter().all(|(is, _)| *is == Is::Other), "{found:?}");
        }
        assert_eq!(said("Orders", None, settings).len(), 2, "both are gone");
        let slow = said("Orders", Some(queue()), json!({ "VisibilityTimeout": "0" }));
        assert_eq!(slow[0].1, "VisibilityTimeout: expected 360, there is \"0\"");
    }

    #[test]
    fn a_function_is_invoked_by_whom_the_template_says_and_nobody_else() {
        let arn = "arn:aws:lambda:us-east-1:111122223333:function:guard-Judge-1";
        let ours = json!({
            "Sid": "guard-JudgePermission-1", "Effect": "Allow",
            "Principal": { "Service": "events.amazonaws.com" }, "Action": "lambda:InvokeFunction",
            "Resource": arn,
            "Condition": { "ArnLike": { "AWS:SourceArn": "arn:aws:events:us-east-1:111122223333:rule/r" } },
        });
        let is_good =
            |statements: Value| said("Judge", Some(statements), json!({}))[0].0 == Is::Good;
        assert!(is_good(json!([ours])));
        assert!(!is_good(json!([])));
        let theirs = json!({
            "Effect": "Allow", "Principal": { "AWS": "arn:aws:iam::999988887777:root" },
            "Action": "lambda:InvokeFunction", "Resource": arn,
        });
        assert!(!is_good(json!([ours, theirs])));
        let mut anywhere = ours;
        anywhere["Condition"] = json!({});
        assert!(!is_good(json!([anywhere])));
    }
}
