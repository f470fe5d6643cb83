//! Every event under `events/` is handed to the function that it is filed under, and to no other.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::path::Path;

use local::cloudtrail::{self, Actor};
use local::{Stack, event_of};
use serde_json::{Value, json};
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
    let all = [
        "access-key",
        "identity-provider",
        "resource-share",
        "role-permissions",
        "role-trust",
        "root-activity",
    ]
    .map(str::to_owned);
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

fn root_call(account: &str, service: &str, event: &str, reads: bool) -> Value {
    let mut record = cloudtrail::record(
        account,
        Actor::Root,
        service,
        event,
        &Value::Null,
        &Value::Null,
    );
    record["readOnly"] = json!(reads);
    record
}

/// Events that cross the account's border, for which there is no reader yet.
fn crossing(account: &str) -> [Value; 2] {
    let mut foreign = root_call(account, "sts", "AssumeRole", true);
    foreign["userIdentity"] = json!({ "type": "AWSAccount", "accountId": "666677778888" });
    let mut as_root = root_call(account, "sts", "AssumeRoot", false);
    as_root["userIdentity"]["type"] = json!("AssumedRole");
    [foreign, as_root]
}

fn other_region(account: &str, sessions: &str) -> Stack<'static> {
    let parameters = [
        ("HomeRegion", "us-gov-west-1"),
        ("ForwardSessions", sessions),
    ];
    machine()
        .deploy_file(
            "template-region.yaml",
            account,
            "guard-region",
            &parameters,
            Path::new("rules.json"),
        )
        .unwrap()
}

#[test]
fn other_regions_hand_over_what_something_reads() {
    let account = "111122225555";
    let stack = other_region(account, "false");
    let at_home = "111122225558";
    let home = machine()
        .deploy(at_home, "guard", &[], Path::new("rules.json"))
        .unwrap();
    let bus = format!("arn:aws:events:us-gov-west-1:{account}:event-bus/default");
    let mut action = root_call(account, "signin", "EmailUpdated", false);
    action["eventType"] = json!("AwsConsoleAction");
    for record in [
        root_call(account, "ec2", "RunInstances", false),
        root_call(account, "ec2", "DescribeInstances", true),
        cloudtrail::root_sign_in(account, true, true),
        action,
    ] {
        let event = event_of(&record);
        assert_eq!(
            stack.targets_of(&event).unwrap(),
            std::slice::from_ref(&bus),
            "{event:#}"
        );
        let event = event.to_string().replace(account, at_home);
        let event = serde_json::from_str(&event).unwrap();
        assert_eq!(home.matches(&event).unwrap(), ["root-activity"]);
    }
    let mut own_role = root_call(account, "sts", "AssumeRole", true);
    own_role["userIdentity"]["type"] = json!("AssumedRole");
    let mut ordinary = root_call(account, "ec2", "RunInstances", false);
    ordinary["userIdentity"]["type"] = json!("IAMUser");
    let mut other = root_call(account, "ec2", "RunInstances", false);
    other["recipientAccountId"] = json!("999900001111");
    let [foreign, as_root] = crossing(account);
    for record in [own_role, ordinary, other, foreign, as_root] {
        let event = event_of(&record);
        assert!(stack.targets_of(&event).unwrap().is_empty(), "{event:#}");
    }
    // The role may put events on that bus and do nothing else.
    let role = &stack.resources()["ForwardRole"].properties;
    assert_eq!(
        role["Policies"][0]["PolicyDocument"]["Statement"],
        json!([{
            "Sid": "HomeBusAlone", "Effect": "Allow", "Action": "events:PutEvents", "Resource": bus,
        }])
    );
    assert_eq!(role["Policies"].as_array().unwrap().len(), 1);
    let target = &stack.resources()["ForwardRule"].properties["Targets"][0];
    assert_eq!(
        target["RoleArn"],
        json!(stack.resources()["ForwardRole"].arn)
    );
    assert_eq!(
        target["DeadLetterConfig"]["Arn"],
        json!(stack.resources()["DeadLetters"].arn)
    );
}

#[test]
fn other_regions_hand_over_what_crosses_the_border_if_asked() {
    let account = "111122225556";
    let stack = other_region(account, "true");
    let mut records = crossing(account).to_vec();
    records.push(root_call(account, "ec2", "RunInstances", false));
    for record in records {
        let event = event_of(&record);
        assert_eq!(stack.targets_of(&event).unwrap().len(), 1, "{event:#}");
    }
}

/// What another region could not hand over rings at home, without a topic there.
#[test]
fn an_alarm_of_another_region_reaches_the_operations_topic() {
    let account = "111122225557";
    let (stack, home) = (
        other_region(account, "false"),
        machine()
            .deploy(account, "guard", &[], Path::new("rules.json"))
            .unwrap(),
    );
    let alarm = &stack.resources()["DeadLettersFilled"];
    let name = alarm.properties["AlarmName"].as_str().unwrap();
    let state = |value: &str| {
        json!({
            "version": "0", "id": "c4c1c1c9-6542-e61b-6ef0-8c4d36933a92",
            "detail-type": "CloudWatch Alarm State Change", "source": "aws.cloudwatch",
            "account": account, "time": "2026-11-20T09:01:33Z", "region": "eu-central-1",
            "resources": [alarm.arn],
            "detail": { "alarmName": name, "state": { "value": value } },
        })
    };
    let bus = &stack.resources()["AlarmRule"].properties["Targets"][0]["Arn"];
    let operations = home.output("OperationsTopic").unwrap();
    let targets = |event: &Value| {
        let targets = stack.targets_of(event).unwrap();
        targets.into_iter().collect::<BTreeSet<_>>()
    };
    let both = [bus.as_str().unwrap(), operations].map(str::to_owned);
    let mut rang = state("ALARM");
    assert_eq!(targets(&rang), BTreeSet::from(both));
    assert!(!targets(&state("OK")).contains(operations));
    // One that somebody names so at home is not believed.
    let mut at_home = rang.clone();
    at_home["region"] = json!("us-east-1");
    assert!(!targets(&at_home).contains(operations));
    rang["detail"]["alarmName"] = json!("somebody-elses");
    assert!(targets(&rang).is_empty());
}
