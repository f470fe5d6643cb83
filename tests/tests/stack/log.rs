//! An incident's story in the logs, read back by its id, as the saved query does.

use local::cloudtrail::Actor;
use serde_json::{Value, json};
use trustwarden_tests::{LAWFUL, Operator, WITH_STRANGER, enforcing, machine};

use crate::{ROLE, assert_untroubled};

#[test]
fn an_incident_is_read_from_its_event_to_its_outcome() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    let incident = &alerts[0]["incident"];
    let lines = |binary: &str| -> Vec<Value> {
        let log = stack.log(binary).unwrap();
        let lines = log.lines().filter(|line| line.starts_with('{'));
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let story = |binary: &str| -> Vec<Value> {
        let of_it = lines(binary).into_iter();
        let of_it = of_it.filter(|line| line["incident"] == *incident);
        let told = of_it.inspect(|line| {
            if line["message"] == "measured" {
                // How long it took from the event to the alert.
                assert!(
                    line["AlertDelay"].as_i64().is_some_and(|delay| delay < 120),
                    "{line}"
                );
                return;
            }
            assert_eq!(line["subject"], format!("role/{ROLE}"), "{line}");
            assert_eq!(line["event"], alerts[0]["cause"]["event_id"], "{line}");
        });
        told.map(|line| json!([line["message"], line["outcome"]]))
            .collect()
    };
    assert_eq!(
        story("role-trust"),
        [
            json!(["alert published", "ordered"]),
            json!(["measured", null]),
            json!(["order sent", "ordered"]),
            json!(["event handled", "alerted"]),
        ]
    );
    assert_eq!(
        story("remediator"),
        [
            json!(["order taken", null]),
            json!(["alert published", "reverted"]),
            json!(["order done", "done"]),
        ]
    );
    let of_the_outcome = lines("remediator").into_iter();
    let mut of_the_outcome = of_the_outcome.filter(|line| line["outcome"] == "reverted");
    let why = of_the_outcome.next().unwrap()["why"].clone();
    assert_eq!(why, alerts[1]["outcome"]["text"], "and why");
    // Nothing is said of no incident, but how often the sweep ran.
    for binary in ["role-trust", "remediator"] {
        for line in lines(binary) {
            assert!(line["incident"].is_string(), "{binary}: {line}");
        }
    }
    assert_untroubled(&stack);
}

#[test]
fn the_saved_query_reads_every_functions_log() {
    let template = std::fs::read_to_string(machine().root.join("template.yaml")).unwrap();
    let query = template.split("\n  IncidentQuery:\n").nth(1).unwrap();
    let query = query.split("\n\n").next().unwrap();
    for group in template
        .split("\n  ")
        .filter_map(|line| line.strip_suffix("Logs:"))
    {
        assert!(query.contains(&format!("!Ref {group}Logs")), "{group}");
    }
    for field in [
        "incident", "message", "outcome", "subject", "why", "event", "order_id",
    ] {
        assert!(query.contains(field), "{field}");
    }
}
