//! What the stack's own template says of each resource, with all names put in: what is held against
//! what is there.

use serde_json::{Map, Value};

use super::found::Stack;
use crate::ports::chain;
use crate::template::{Scope, deployed_resources, is_unknown};

/// A resource of the deployed stack.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// Its logical id.
    pub name: String,
    /// As `AWS::Lambda::Function`.
    pub kind: String,
    /// Its name, ARN or URL; `None` where CloudFormation lists none.
    pub id: Option<String>,
    /// As the template says it.
    pub properties: Value,
}

/// The resources of a stack whose conditions hold, by logical id.
///
/// # Errors
/// The template is not JSON: no macro of SAM made it. In words.
pub fn expected(template: &str, stack: &Stack) -> Result<Vec<Expected>, String> {
    let raw: Value = serde_json::from_str(template).map_err(|error| chain(&error))?;
    let (region, account) = stack.place();
    let partition = stack.id.split(':').nth(1).unwrap_or("aws");
    let mut names: Vec<(String, String)> = vec![
        ("AWS::StackId".to_owned(), stack.id.clone()),
        (
            "AWS::StackName".to_owned(),
            stack.id.split('/').nth(1).unwrap_or_default().to_owned(),
        ),
    ];
    names.extend(stack.parameters.clone());
    for (name, id) in &stack.resources {
        names.push((name.clone(), id.clone()));
        let text = |pointer: &str| {
            raw.pointer(&format!("/Resources/{name}/{pointer}"))?
                .as_str()
        };
        let end = id.rsplit([':', '/']).next().unwrap_or(id);
        let arn = |service: &str, rest: &str| {
            format!("arn:{partition}:{service}:{region}:{account}:{rest}{end}")
        };
        // By which an alarm's dimensions know it.
        for (kind, attribute) in [
            ("AWS::SQS::Queue", "QueueName"),
            ("AWS::SNS::Topic", "TopicName"),
        ] {
            if text("Type") == Some(kind) {
                names.push((format!("{name}.{attribute}"), end.to_owned()));
            }
        }
        let (attribute, value) = match text("Type").unwrap_or_default() {
            "AWS::IAM::Role" => {
                let path = text("Properties/Path").unwrap_or("/");
                (
                    "Arn",
                    format!("arn:{partition}:iam::{account}:role{path}{id}"),
                )
            }
            "AWS::Lambda::Function" => ("Arn", arn("lambda", "function:")),
            "AWS::SQS::Queue" => ("Arn", arn("sqs", "")),
            "AWS::DynamoDB::Table" => ("Arn", arn("dynamodb", "table/")),
            "AWS::KMS::Key" => ("Arn", arn("kms", "key/")),
            _ => continue,
        };
        names.push((format!("{name}.{attribute}"), value));
    }
    let scope = Scope::of(Some(account), region, &names);
    let resources = deployed_resources(template, &scope).map_err(|error| chain(&error))?;
    let resources = resources.into_iter();
    Ok(resources
        .map(|(name, kind, mut properties)| {
            // `scripts/pin_functions.py` writes it.
            let released = raw.pointer(&format!("/Metadata/ReleasedFunctions/{name}/SHA256"));
            if let (Some(code), Some(fields)) = (released, properties.as_object_mut()) {
                fields.insert("ReleasedCode".to_owned(), code.clone());
            }
            Expected {
                id: stack.resources.get(&name).cloned(),
                name,
                kind,
                properties,
            }
        })
        .collect())
}

/// In what something differs from what is expected of it, each as a sentence. A field of `there` that
/// nothing is expected of must be null; a field that `there` does not have is not compared.
pub(super) fn differences(expected: &Value, there: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let fields = there.as_object().into_iter().flatten();
    for (name, value) in fields {
        differ(
            name,
            expected.get(name).unwrap_or(&Value::Null),
            value,
            &mut found,
        );
    }
    found
}

fn differ(path: &str, expected: &Value, there: &Value, found: &mut Vec<String>) {
    match (expected, there) {
        (Value::Object(wanted), Value::Object(fields)) => {
            let mut names: Vec<&String> = wanted.keys().chain(fields.keys()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let of =
                    |fields: &Map<String, Value>| fields.get(name).cloned().unwrap_or_default();
                differ(&format!("{path}.{name}"), &of(wanted), &of(fields), found);
            }
        }
        _ if is_unknown(expected) || same(expected, there) => {}
        _ => found.push(format!(
            "{path}: expected {}, there is {}",
            words(expected),
            words(there)
        )),
    }
}

/// CloudFormation takes a number for its text, and an empty list or text for none.
fn same(one: &Value, other: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        value => value == "",
    };
    let number = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    match (one, other) {
        (Value::Array(ones), Value::Array(others)) => {
            ones.len() == others.len()
                && ones.iter().zip(others).all(|(one, other)| {
                    let mut found = Vec::new();
                    differ("", one, other, &mut found);
                    found.is_empty()
                })
        }
        _ => {
            one == other
                || (empty(one) && empty(other))
                || number(one).is_some_and(|value| number(other) == Some(value))
        }
    }
}

/// As JSON, cut where it is long.
pub(super) fn words(value: &Value) -> String {
    let text = match value {
        Value::Null => return "none".to_owned(),
        value => value.to_string(),
    };
    match text.char_indices().nth(160) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_differs_is_said_with_its_place() {
        let wanted = json!({
            "State": "ENABLED", "Limit": 5, "Actions": ["a"],
            "Pattern": { "source": ["aws.iam"], "detail": { "eventName": ["CreateRole", "DeleteRole"] } },
        });
        let mut there = wanted.clone();
        there["Limit"] = json!("5");
        there["Other"] = Value::Null;
        assert_eq!(differences(&wanted, &there), Vec::<String>::new());
        there["Pattern"]["detail"]["eventName"] = json!(["DeleteRole"]);
        there["Pattern"]["detail"]["more"] = json!([1]);
        there["Actions"] = Value::Null;
        there["Limit"] = json!(0);
        there["Other"] = json!("x");
        there["State"] = json!("DISABLED");
        assert_eq!(
            differences(&wanted, &there),
            [
                r#"Actions: expected ["a"], there is none"#,
                "Limit: expected 5, there is 0",
                r#"Other: expected none, there is "x""#,
                r#"Pattern.detail.eventName: expected ["CreateRole","DeleteRole"], there is ["DeleteRole"]"#,
                "Pattern.detail.more: expected none, there is [1]",
                r#"State: expected "ENABLED", there is "DISABLED""#,
            ]
        );
        let long = differences(&json!({}), &json!({ "Text": "x".repeat(1000) }));
        assert!(long[0].len() < 300, "{long:?}");
    }

    #[test]
    fn names_are_put_in_and_conditions_decided() {
        let template = json!({
            "Metadata": { "ReleasedFunctions": { "Judge": { "SHA256": "00ff" } } },
            "Conditions": { "Enforce": { "Fn::Equals": [{ "Ref": "Mode" }, "enforce"] } },
            "Resources": {
                "Role": { "Type": "AWS::IAM::Role", "Properties": { "Path": "/trustwarden/" } },
                "Orders": { "Type": "AWS::SQS::Queue" },
                "Writes": { "Type": "AWS::IAM::Policy", "Condition": "Enforce" },
                "Judge": { "Type": "AWS::Lambda::Function", "Properties": { "Environment": { "Variables": {
                    "ROLE": { "Fn::GetAtt": ["Role", "Arn"] },
                    "ORDERS": { "Ref": "Orders" },
                    "QUEUE": { "Fn::GetAtt": ["Orders", "Arn"] },
                    "STACK": { "Ref": "AWS::StackName" },
                    "UNKNOWN": { "Fn::GetAtt": ["Role", "RoleId"] },
                } } } },
            },
        });
        let url = "https://sqs.us-east-1.amazonaws.com/111122223333/orders.fifo";
        let stack = Stack {
            id: "arn:aws:cloudformation:us-east-1:111122223333:stack/guard/0a1b".to_owned(),
            status: "CREATE_COMPLETE".to_owned(),
            parameters: [("Mode".to_owned(), "alert".to_owned())].into(),
            outputs: [].into(),
            resources: [
                ("Role", "guard-Role-1"),
                ("Orders", url),
                ("Judge", "guard-Judge-2"),
            ]
            .map(|(name, id)| (name.to_owned(), id.to_owned()))
            .into(),
            deployed: [].into(),
        };
        let found = expected(&template.to_string(), &stack).unwrap();
        let names: Vec<&str> = found.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Judge", "Orders", "Role"]);
        let there = json!({
            "ROLE": "arn:aws:iam::111122223333:role/trustwarden/guard-Role-1",
            "ORDERS": url,
            "QUEUE": "arn:aws:sqs:us-east-1:111122223333:orders.fifo",
            "STACK": "guard",
            // What cannot be known is not compared.
            "UNKNOWN": "AROAEXAMPLE",
        });
        assert_eq!(found[0].properties["ReleasedCode"], "00ff");
        let variables = &found[0].properties["Environment"]["Variables"];
        assert_eq!(differences(variables, &there), Vec::<String>::new());
        let other = json!({ "ROLE": "arn:aws:iam::111122223333:role/other" });
        assert_eq!(differences(variables, &other).len(), 1);
    }
}
