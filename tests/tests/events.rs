//! Every event under `events/` is handed to the function that it is filed under, and to no other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use trustwarden_tests::{machine, root};

/// The account of all events under `events/`.
const ACCOUNT: &str = "111122223333";

#[test]
fn each_event_goes_where_it_is_filed() {
    let stack = machine()
        .deploy(ACCOUNT, "guard", &[], Path::new("rules.json"))
        .unwrap();
    let mut seen = BTreeSet::new();
    for folder in std::fs::read_dir(root().join("events")).unwrap() {
        let folder = folder.unwrap();
        if !folder.file_type().unwrap().is_dir() {
            continue;
        }
        let function = folder.file_name().into_string().unwrap();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            let path = file.unwrap().path();
            let text = std::fs::read(&path).unwrap();
            let event: Value = serde_json::from_slice(&text).unwrap();
            let name = path.display();
            if ["remediator", "slack"].contains(&function.as_str()) {
                // Not EventBridge's: a queue's and a topic's.
                assert!(event.get("Records").is_some(), "{name}");
                continue;
            }
            let mut expected = BTreeSet::from([function.as_str()]);
            // What root does is news of its own, whatever the call.
            if event
                .pointer("/detail/userIdentity/type")
                .and_then(Value::as_str)
                == Some("Root")
            {
                expected.insert("root-activity");
            }
            let matches: BTreeSet<_> = stack.matches(&event).unwrap().into_iter().collect();
            assert_eq!(matches, expected, "{name}");
            seen.insert(function.clone());
        }
    }
    let all = ["access-key", "role-trust", "root-activity"].map(str::to_owned);
    assert_eq!(seen, BTreeSet::from(all));
}

#[test]
fn reading_calls_of_others_and_foreign_events_go_nowhere() {
    let stack = machine()
        .deploy("111122224444", "guard", &[], Path::new("rules.json"))
        .unwrap();
    let text = std::fs::read(root().join("events/role-trust/create-role-approved.json")).unwrap();
    let mut event: Value = serde_json::from_slice(&text).unwrap();
    // Filed under another account than this stack's.
    assert!(stack.matches(&event).unwrap().is_empty());
    let mut set = |pointer: &str, value: &str| *event.pointer_mut(pointer).unwrap() = value.into();
    set("/account", "111122224444");
    assert!(
        stack.matches(&event).unwrap().is_empty(),
        "the record is another account's"
    );
    let mut set = |pointer: &str, value: &str| *event.pointer_mut(pointer).unwrap() = value.into();
    set("/detail/recipientAccountId", "111122224444");
    assert_eq!(stack.matches(&event).unwrap(), ["role-trust"]);
    let mut set = |pointer: &str, value: &str| *event.pointer_mut(pointer).unwrap() = value.into();
    set("/detail/eventName", "GetRole");
    assert!(stack.matches(&event).unwrap().is_empty());
}
