//! The second path: what changes the guard is reported by it, whatever becomes of the first.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use local::cloudtrail::{self, Actor};
use local::{Stack, event_of};
use serde_json::{Value, json};
use trustwarden_tests::{OPEN, Operator, RULES, deployed, fresh_account, machine, root};

use crate::permissions::admin;
use crate::translated::{list, of_type, translated};
use crate::{assert_untroubled, codes};

/// The table's rows: service, event, whether any counts.
fn calls() -> Vec<(String, String, bool)> {
    let path = root().join("crates/guard/src/detect/tampering.tsv");
    let table = std::fs::read_to_string(path).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#'));
    rows.map(|row| {
        let fields: Vec<_> = row.split('\t').collect();
        (fields[0].into(), fields[1].into(), fields[2] == "any")
    })
    .collect()
}

fn record(account: &str, service: &str, event: &str, request: &Value) -> Value {
    cloudtrail::record(
        account,
        Actor::Intruder,
        service,
        event,
        request,
        &Value::Null,
    )
}

#[test]
fn every_call_of_the_table_reaches_the_second_path() {
    let stack = translated(&[]);
    let queue = stack.resources()["TamperEvents"].arn.clone().unwrap();
    let reach = |service: &str, event: &str| {
        let event = event_of(&record(&stack.account, service, event, &Value::Null));
        let targets = stack.targets_of(&event).unwrap();
        targets.into_iter().filter(|arn| *arn == queue).count()
    };
    for (service, event, _) in calls() {
        // Each of two rules sees that the other is switched off.
        let by = if service == "events" { 2 } else { 1 };
        assert_eq!(reach(&service, &event), by, "{service}:{event}");
        if service == "lambda" {
            assert_eq!(reach("lambda", &format!("{event}20150331v2")), 1, "{event}");
        }
    }
    for (service, event) in [
        ("iam", "CreateRole"),
        ("sns", "Publish"),
        ("lambda", "Invoke"),
    ] {
        assert_eq!(reach(service, event), 0, "{service}:{event}");
    }
}

#[test]
fn the_second_paths_patterns_name_the_tables_calls_and_no_others() {
    let stack = translated(&[]);
    let calls = calls();
    for (name, rule) in of_type(&stack, "AWS::Events::Rule") {
        if !name.starts_with("Tampered") {
            continue;
        }
        let pattern = &rule.properties["EventPattern"];
        let sources: BTreeSet<_> = list(&pattern["source"])
            .into_iter()
            .map(|source| source.as_str().unwrap().strip_prefix("aws.").unwrap())
            .collect();
        let known = |fits: &dyn Fn(&str) -> bool| {
            let mut calls = calls.iter();
            calls.any(|(service, event, _)| sources.contains(service.as_str()) && fits(event))
        };
        for event in list(&pattern["detail"]["eventName"]) {
            let is_known = match (event.as_str(), event["prefix"].as_str()) {
                (Some(exact), _) => known(&|event| event == exact),
                (None, Some(prefix)) => known(&|event| event.starts_with(prefix)),
                (None, None) => false,
            };
            assert!(is_known, "{name}: {event}");
        }
    }
}

#[test]
fn calls_on_trails_of_other_regions_are_handed_over() {
    let account = fresh_account();
    let stack = machine()
        .deploy_file(
            "template-region.yaml",
            &account,
            "guard-region",
            &[("HomeRegion", "us-gov-west-1")],
            Path::new("rules.json"),
        )
        .unwrap();
    let handed = |service: &str, event: &str, request: &Value| {
        let event = event_of(&record(&account, service, event, request));
        !stack.targets_of(&event).unwrap().is_empty()
    };
    // Some calls that change the guard share a resource, too, wherever it is.
    let shares = &stack.resources()["ForwardSharesRule"].properties["EventPattern"]["detail"];
    let shares_by = |service: &str, event: &str| {
        let source = json!(format!("{service}.amazonaws.com"));
        list(&shares["eventSource"]).contains(&&source)
            && list(&shares["eventName"]).contains(&&json!(event))
    };
    for (service, event, any) in calls() {
        let expected = service == "cloudtrail" && any || shares_by(&service, &event);
        assert_eq!(
            handed(&service, &event, &Value::Null),
            expected,
            "{service}:{event}"
        );
    }
    // Its own rules are known to the home region's function by how they are named.
    for (name, rule) in of_type(&stack, "AWS::Events::Rule") {
        let rule = rule.properties["Name"].as_str().unwrap();
        assert!(rule.starts_with("trustwarden-forward-"), "{name}: {rule}");
        for (event, field) in [
            ("PutRule", "name"),
            ("DisableRule", "name"),
            ("DeleteRule", "name"),
            ("PutTargets", "rule"),
            ("RemoveTargets", "rule"),
        ] {
            assert!(
                handed("events", event, &json!({ field: rule })),
                "{event} on {rule}"
            );
            assert!(
                !handed("events", event, &json!({ field: "other" })),
                "{event}"
            );
        }
    }
}

/// What the alerts of the second path say so far.
fn said(stack: &Stack<'_>) -> String {
    let alerts = stack.tampering_alerts().unwrap();
    for alert in &alerts {
        assert_eq!(codes(alert), ["guard-tampered"]);
        assert_eq!(alert["severity"], "CRITICAL");
    }
    Value::from(alerts).to_string()
}

/// Makes a call and puts its record on the bus; what it names is said by the second path.
fn tampers(stack: &Stack<'_>, call: (&str, &str, &str, &str), request: &Value, trail: &Value) {
    let (service, operation, source, event) = call;
    stack.call(service, operation, request).unwrap();
    reported(stack, source, event, trail);
}

fn reported(stack: &Stack<'_>, source: &str, event: &str, request: &Value) {
    let before = said(stack);
    let record = record(&stack.account, source, event, request);
    stack.put_record(&record).unwrap();
    assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
    let after = said(stack);
    let call = format!("{source}:{event}");
    let (before, after) = (before.matches(&call).count(), after.matches(&call).count());
    assert!(after > before, "{call} on {request}");
}

/// Takes the first path away, call by call; the second reports each, to the last.
#[test]
fn each_blinding_call_is_reported_by_the_second_path_with_the_first_one_deleted() {
    let parameters = [("Mode", "enforce"), ("AlertEmail", "oncall@example.com")];
    let stack = deployed(&parameters, RULES);
    let alert_topic = stack.output("AlertTopic").unwrap();
    let first = |kind: &str| -> Vec<&str> {
        let made = of_type(&stack, kind).into_iter();
        made.filter(|(name, _)| !name.contains("Tamper"))
            .filter_map(|(_, resource)| resource.id.as_deref())
            .collect()
    };
    for rule in first("AWS::Events::Rule") {
        let name = json!({ "Name": rule });
        let trail = json!({ "name": rule });
        tampers(
            &stack,
            ("events", "disable_rule", "events", "DisableRule"),
            &name,
            &trail,
        );
        let targets = stack.call("events", "list_targets_by_rule", &json!({ "Rule": rule }));
        let targets: Vec<_> = list(&targets.unwrap()["Targets"])
            .into_iter()
            .map(|target| target["Id"].clone())
            .collect();
        tampers(
            &stack,
            ("events", "remove_targets", "events", "RemoveTargets"),
            &json!({ "Rule": rule, "Ids": targets }),
            &json!({ "rule": rule, "ids": targets }),
        );
        tampers(
            &stack,
            ("events", "delete_rule", "events", "DeleteRule"),
            &name,
            &trail,
        );
    }
    for function in first("AWS::Lambda::Function") {
        let trail = json!({ "functionName": function });
        tampers(
            &stack,
            (
                "lambda",
                "put_function_concurrency",
                "lambda",
                "PutFunctionConcurrency",
            ),
            &json!({ "FunctionName": function, "ReservedConcurrentExecutions": 0 }),
            &trail,
        );
        tampers(
            &stack,
            ("lambda", "delete_function", "lambda", "DeleteFunction"),
            &json!({ "FunctionName": function }),
            &trail,
        );
    }
    let topic = json!({ "TopicArn": alert_topic });
    let found = stack
        .call("sns", "list_subscriptions_by_topic", &topic)
        .unwrap();
    for subscription in list(&found["Subscriptions"]) {
        let arn = &subscription["SubscriptionArn"];
        tampers(
            &stack,
            ("sns", "unsubscribe", "sns", "Unsubscribe"),
            &json!({ "SubscriptionArn": arn }),
            &json!({ "subscriptionArn": arn }),
        );
    }
    for topic in first("AWS::SNS::Topic") {
        tampers(
            &stack,
            ("sns", "delete_topic", "sns", "DeleteTopic"),
            &json!({ "TopicArn": topic }),
            &json!({ "topicArn": topic }),
        );
    }
    for key in first("AWS::KMS::Key") {
        tampers(
            &stack,
            ("kms", "disable_key", "kms", "DisableKey"),
            &json!({ "KeyId": key }),
            &json!({ "keyId": key }),
        );
    }
    for queue in first("AWS::SQS::Queue") {
        tampers(
            &stack,
            ("sqs", "delete_queue", "sqs", "DeleteQueue"),
            &json!({ "QueueUrl": queue }),
            &json!({ "queueUrl": queue }),
        );
    }
    let table = stack.output("Table").unwrap();
    tampers(
        &stack,
        ("dynamodb", "update_table", "dynamodb", "UpdateTable"),
        &json!({ "TableName": table, "DeletionProtectionEnabled": false }),
        &json!({ "tableName": table, "deletionProtectionEnabled": false }),
    );
    tampers(
        &stack,
        ("dynamodb", "delete_table", "dynamodb", "DeleteTable"),
        &json!({ "TableName": table }),
        &json!({ "tableName": table }),
    );
    for role in first("AWS::IAM::Role") {
        let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
        tampers(
            &stack,
            ("iam", "attach_role_policy", "iam", "AttachRolePolicy"),
            &json!({ "RoleName": role, "PolicyArn": admin }),
            &json!({ "roleName": role, "policyArn": admin }),
        );
    }
    for group in first("AWS::Logs::LogGroup") {
        tampers(
            &stack,
            ("logs", "delete_log_group", "logs", "DeleteLogGroup"),
            &json!({ "logGroupName": group }),
            &json!({ "logGroupName": group }),
        );
    }
    let found = stack
        .call("cloudwatch", "describe_alarms", &json!({}))
        .unwrap();
    let alarms: Vec<_> = list(&found["MetricAlarms"])
        .into_iter()
        .map(|alarm| alarm["AlarmName"].clone())
        .collect();
    assert!(alarms.len() > 20, "{alarms:?}");
    tampers(
        &stack,
        ("cloudwatch", "delete_alarms", "monitoring", "DeleteAlarms"),
        &json!({ "AlarmNames": alarms }),
        &json!({ "alarmNames": alarms }),
    );
    // moto keeps no trail here.
    reported(
        &stack,
        "cloudtrail",
        "StopLogging",
        &json!({ "name": "all-regions" }),
    );

    // The first path is gone: nobody judges a back door.
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
    assert!(stack.alerts().unwrap().is_empty());
    assert_eq!(stack.live_trust("debug"), OPEN);
    // The second reached people, and asked for nothing that it may not do.
    assert!(
        stack
            .mails()
            .iter()
            .any(|mail| mail.text.contains("cloudtrail:StopLogging"))
    );
    let seen = stack.seen().unwrap();
    assert!(seen.refusals.is_empty(), "{:#?}", seen.refusals);
    let letters = stack
        .peek(stack.id_of("TamperDeadLetters").unwrap())
        .unwrap();
    assert!(letters.is_empty(), "{letters:#?}");
}

#[test]
fn a_deploy_is_no_tampering_and_neither_is_what_others_own() {
    let stack = deployed(&[], RULES);
    let function = &stack.function("role-trust").unwrap().function_name;
    let calls = |name: &str, by_deploy: bool| {
        let request = json!({ "functionName": name });
        let mut call = record(
            &stack.account,
            "lambda",
            "UpdateFunctionCode20150331v2",
            &request,
        );
        if by_deploy {
            call["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
        }
        stack.put_record(&call).unwrap();
        stack.settles();
        stack.tampering_alerts().unwrap().len()
    };
    assert_eq!(calls("others-function", false), 0);
    // The stack was made a moment ago.
    assert_eq!(calls(function, true), 0);
    assert_eq!(calls(function, false), 1);
    assert_untroubled(&stack);
}

#[test]
fn nobody_but_the_function_takes_what_waits_for_it() {
    let stack = translated(&[]);
    let role = &admin(&stack, "/", "sqs:*");
    let url = stack.id_of("TamperEvents").unwrap();
    for (operation, request) in [
        (
            "send_message",
            json!({ "QueueUrl": url, "MessageBody": "{}" }),
        ),
        ("receive_message", json!({ "QueueUrl": url })),
        ("purge_queue", json!({ "QueueUrl": url })),
    ] {
        let account = &stack.machine.account;
        let refused = account
            .call_as(role, "sqs", operation, &request)
            .unwrap_err();
        assert!(
            refused.code().unwrap().contains("AccessDenied"),
            "{operation}: {refused}"
        );
    }
}
