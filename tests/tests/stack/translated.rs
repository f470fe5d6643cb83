//! `template.yaml` as CloudFormation would resolve it, and ways to look at it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use local::{MadeResource, Stack};
use serde_json::Value;
use trustwarden_tests::{fresh_account, machine};

pub(crate) const SLACK: &str = "arn:aws:secretsmanager:us-east-1:111122223333:secret:hook-AbCdEf";

pub(crate) fn translated(parameters: &[(&str, &str)]) -> Stack<'static> {
    let nothing_runs = Path::new("rules.json");
    machine()
        .deploy(&fresh_account(), "guard", parameters, nothing_runs)
        .unwrap()
}

pub(crate) fn list(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

pub(crate) fn texts(value: &Value) -> BTreeSet<String> {
    list(value)
        .into_iter()
        .map(|text| text.as_str().unwrap().to_owned())
        .collect()
}

/// The resources of a type.
pub(crate) fn of_type<'a>(stack: &'a Stack, kind: &str) -> BTreeMap<&'a str, &'a MadeResource> {
    let resources = stack.resources().iter();
    resources
        .filter(|(_, resource)| resource.kind == kind)
        .map(|(name, resource)| (name.as_str(), resource))
        .collect()
}

pub(crate) fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}
