//! `rules diff`: what other rules say otherwise, and what that changes in a sample of logs.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use super::load::read;
use crate::args::{ReplayArgs, ReplayFormat, RulesArg, RulesDiffArgs};
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

/// Runs `rules diff`.
///
/// # Errors
///
/// Standard output does not take the difference.
pub(super) fn diff(arguments: &RulesDiffArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let old = read(&arguments.against, None, streams);
    let new = read(&arguments.file, None, streams);
    let (Some(old), Some(new)) = (old, new) else {
        return Ok(Status::Unreadable);
    };
    let mut found = Vec::new();
    let accounts = |read: &super::load::Read| serde_json::to_value(&read.accounts);
    differ(
        "",
        &serde_json::to_value(&old.file)?,
        &serde_json::to_value(&new.file)?,
        &mut found,
    );
    differ("accounts", &accounts(&old)?, &accounts(&new)?, &mut found);
    for line in &found {
        writeln!(streams.out, "{}", escaped(line))?;
    }
    if found.is_empty() {
        writeln!(streams.out, "both say the same")?;
    }
    let changed = arguments.fail_on_change && !found.is_empty();
    let own = if changed {
        Status::Findings
    } else {
        Status::Done
    };
    if arguments.sample.is_empty() {
        return Ok(own);
    }
    writeln!(streams.out)?;
    let replayed = ReplayArgs {
        rules: RulesArg {
            file: arguments.file.clone(),
        },
        against: Some(arguments.against.clone()),
        mode: arguments.mode,
        from: None,
        to: None,
        region: Vec::new(),
        jobs: None,
        fail_on: None,
        fail_on_change: arguments.fail_on_change,
        format: ReplayFormat::Human,
        output: None,
        paths: arguments.sample.clone(),
    };
    Ok(crate::replay::replay(&replayed, streams)?.max(own))
}

/// What is removed (`-`), added (`+`) and changed (`~`), each with its place.
fn differ(place: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    match (old, new) {
        (Value::Object(ones), Value::Object(others)) => {
            let named = |all: &serde_json::Map<String, Value>| {
                all.iter()
                    .map(|(key, value)| (key.clone(), value.clone()))
                    .collect()
            };
            each(place, ".", named(ones), named(others), found);
        }
        (Value::Array(ones), Value::Array(others)) => {
            each(place, "", items(ones), items(others), found);
        }
        _ if old == new => {}
        _ => found.push(format!("~ {place}: {old} → {new}")),
    }
}

fn each(
    place: &str,
    between: &str,
    old: BTreeMap<String, Value>,
    new: BTreeMap<String, Value>,
    found: &mut Vec<String>,
) {
    let at = |key: &str| match place {
        "" => key.to_owned(),
        place => format!("{place}{between}{key}"),
    };
    // What a rules file leaves out is null here.
    let says = |value: &&Value| **value != Value::Null && **value != Value::Array(Vec::new());
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        let (before, after) = (old.get(key).filter(says), new.get(key).filter(says));
        match (before, after) {
            (Some(before), Some(after)) => differ(&at(key), before, after, found),
            (Some(before), None) => found.push(format!("- {}: {before}", at(key))),
            (None, Some(after)) => found.push(format!("+ {}: {after}", at(key))),
            (None, None) => {}
        }
    }
}

/// Items of a list by what names them, else by what they are: their order says nothing.
fn items(list: &[Value]) -> BTreeMap<String, Value> {
    let mut items = BTreeMap::new();
    for item in list {
        let names = ["name", "provider", "id", "role"];
        let name = names.iter().find_map(|name| item.get(name)?.as_str());
        let key = match name {
            Some(name) => format!("[{name}]"),
            None => format!("[{item}]"),
        };
        let value = if name.is_some() {
            item.clone()
        } else {
            Value::Bool(true)
        };
        // Two of one name are distinguished by what they are.
        let twin = items.contains_key(&key);
        items.insert(if twin { format!("[{item}]") } else { key }, value);
    }
    items
}
