//! The account's other regions: who has a stack of `template-region.yaml`, and whether it hands over
//! what it should.

use std::path::PathBuf;

use local::Stack;
use serde_json::{Map, Value, json};
use trustwarden_tests::root;

use crate::heartbeat::{compared, watched};
use crate::live::{ACCOUNT, alone, logs_everything, trustwarden};
use crate::sweep::sweeps;

fn enables(stack: &Stack<'_>, regions: &[&str]) {
    let question = json!({ "account": stack.account, "regions": regions });
    stack.machine.account.ask("/regions", &question).unwrap();
}

fn call(stack: &Stack<'_>, region: &str, call: (&str, &str), parameters: &Value) -> Value {
    let question = json!({
        "account": stack.account, "region": region, "service": call.0, "operation": call.1,
        "parameters": parameters,
    });
    stack.machine.account.ask("/call", &question).unwrap()
}

/// Deploys `template-region.yaml`.
fn covers(stack: &Stack<'_>, region: &str) {
    let template = std::fs::read_to_string(root().join("template-region.yaml")).unwrap();
    let made = json!({
        "StackName": "trustwarden-region", "TemplateBody": template,
        "Capabilities": ["CAPABILITY_IAM"],
    });
    call(stack, region, ("cloudformation", "create_stack"), &made);
}

/// The rules of the template as CloudFormation has it: what the function is compiled with.
fn file() -> PathBuf {
    root().join("crates/guard/src/watch/regions.json")
}

#[test]
fn the_function_knows_the_rules_of_the_regional_template() {
    let stack = watched(&[]);
    covers(&stack, "eu-west-1");
    let name = json!({ "StackName": "trustwarden-region" });
    let made = call(
        &stack,
        "eu-west-1",
        ("cloudformation", "get_template"),
        &name,
    );
    let body = &made["TemplateBody"];
    let template: Value = match body.as_str() {
        Some(text) => serde_json::from_str(text).unwrap(),
        None => body.clone(),
    };
    let mut rules = Map::new();
    for (name, resource) in template["Resources"].as_object().unwrap() {
        if resource["Type"] == "AWS::Events::Rule" {
            let mut rule = resource.clone();
            let properties = rule["Properties"].as_object_mut().unwrap();
            properties.retain(|name, _| name != "Description" && name != "Tags");
            rules.insert(name.clone(), rule);
        }
    }
    let sessions = &template["Conditions"]["Sessions"];
    let wanted = json!({ "Conditions": { "Sessions": sessions }, "Resources": rules });
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        let text = serde_json::to_string_pretty(&wanted).unwrap();
        std::fs::write(file(), format!("{text}\n")).unwrap();
    }
    let known = std::fs::read_to_string(file()).unwrap();
    let known: Value = serde_json::from_str(&known).unwrap();
    assert_eq!(known, wanted, "(UPDATE_TRANSCRIPTS=1 writes it anew)");
}

#[test]
fn a_region_that_hands_nothing_over_is_named_from_inside_and_from_outside() {
    let _turn = alone();
    let rules = trustwarden_tests::compiled("regions", trustwarden_tests::RULES);
    let stack = trustwarden_tests::machine()
        .deploy(ACCOUNT, "regions", &[], &rules)
        .unwrap();
    logs_everything(&stack, "for-regions");
    sweeps(&stack);
    enables(&stack, &["eu-west-1", "eu-central-1"]);
    let status = || {
        let words = ["status", "--region", "us-east-1", "--stack", "regions"];
        let output = trustwarden(&stack, &words);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    // Where nobody ever deployed one, status alone says so.
    let said = status();
    for region in ["eu-west-1", "eu-central-1"] {
        let missing = format!("WRONG region {region}: has no stack of template-region.yaml");
        assert!(said.contains(&missing), "{said}");
    }
    assert!(!said.contains("region us-east-1"), "{said}");
    assert_eq!(compared(&stack), "[]");

    covers(&stack, "eu-west-1");
    let said = status();
    assert!(said.contains("ok    region eu-west-1"), "{said}");
    let said = compared(&stack);
    assert!(said.contains("region eu-central-1: has no stack"), "{said}");
    covers(&stack, "eu-central-1");
    assert_eq!(compared(&stack), "[]");

    let there = "eu-west-1";
    let listed = call(&stack, there, ("events", "list_rules"), &json!({}));
    let rules = listed["Rules"].as_array().unwrap();
    assert_eq!(rules.len(), 5, "{rules:#?}");
    let of = |kind: &str| {
        let mut rules = rules.iter();
        let begin = format!("trustwarden-forward-{kind}-");
        let named = |rule: &&Value| rule["Name"].as_str().unwrap().starts_with(&begin);
        rules.find(named).unwrap().clone()
    };
    let mut narrowed: Value =
        serde_json::from_str(of("root")["EventPattern"].as_str().unwrap()).unwrap();
    narrowed["detail"]["errorCode"] = json!([{ "exists": true }]);
    let steps = [
        (
            "put_rule",
            json!({
                "Name": of("root")["Name"], "EventPattern": narrowed.to_string(),
                "State": "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
            }),
            "rule ForwardRule of eu-west-1: EventPattern.detail.errorCode: expected none",
        ),
        (
            "disable_rule",
            json!({ "Name": of("tamper")["Name"] }),
            "rule ForwardTamperingRule of eu-west-1: State: expected",
        ),
        (
            "put_targets",
            json!({ "Rule": of("lending")["Name"], "Targets": [{
                "Id": "home", "Arn": "arn:aws:events:us-east-1:999988887777:event-bus/default",
            }] }),
            "rule ForwardProvidersRule of eu-west-1: Targets: expected",
        ),
        (
            "remove_targets",
            json!({ "Rule": of("alarm")["Name"], "Ids": ["home"] }),
            "rule AlarmRule of eu-west-1: Targets: expected",
        ),
        (
            "delete_rule",
            json!({ "Name": of("alarm")["Name"] }),
            "rule AlarmRule of eu-west-1: is gone",
        ),
    ];
    for (operation, request, expected) in steps {
        call(&stack, there, ("events", operation), &request);
        let said = status();
        assert!(
            said.contains(&format!("WRONG {expected}")),
            "{operation}: {said}"
        );
        let said = compared(&stack);
        assert!(
            said.contains(&expected.replace('"', "\\\"")),
            "{operation}: {said}"
        );
        assert_eq!(compared(&stack), "[]", "{operation}: they have heard");
    }
    // Whoever takes all of them away does not make the guard forget that they were there.
    for region in ["eu-west-1", "eu-central-1"] {
        let listed = call(&stack, region, ("events", "list_rules"), &json!({}));
        for rule in listed["Rules"].as_array().unwrap() {
            let name = json!({ "Rule": rule["Name"], "Ids": ["home"] });
            call(&stack, region, ("events", "remove_targets"), &name);
            call(
                &stack,
                region,
                ("events", "delete_rule"),
                &json!({ "Name": rule["Name"] }),
            );
        }
    }
    let said = compared(&stack);
    for region in ["eu-west-1", "eu-central-1"] {
        assert!(
            said.contains(&format!("region {region}: has no stack")),
            "{said}"
        );
    }
    let seen = stack.seen().unwrap();
    let refused = seen
        .refusals
        .iter()
        .filter(|one| one.principal.contains("GuardTamper"));
    assert_eq!(refused.count(), 0, "{:#?}", seen.refusals);
    enables(&stack, &[]);
}
