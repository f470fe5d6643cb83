//! The heartbeat: real calls by the real function, through the rules of the template and back.

use std::collections::BTreeSet;
use std::time::Duration;

use local::Stack;
use serde_json::{Value, json};
use trustwarden_tests::{Operator, RULES};

use crate::live::logs_everything;
use crate::permissions::statements;
use crate::translated::{list, of_type, texts, translated};
use crate::{assert_untroubled, codes};

/// The rules that a heartbeat goes through, and the function behind each.
const PATHS: [(&str, &str); 8] = [
    ("RoleTrustRule", "role-trust"),
    ("AccessKeyRule", "access-key"),
    ("RolePermissionsRule", "role-permissions"),
    ("IdentityProviderRule", "identity-provider"),
    ("ResourceShareRule", "resource-share"),
    ("TamperedSourcesRule", "guard-tamper"),
    ("TamperedFunctionsRule", "guard-tamper"),
    ("TamperedResourcesRule", "guard-tamper"),
];

/// A stack in an account with a trail.
pub(crate) fn watched(parameters: &[(&str, &str)]) -> Stack<'static> {
    let stack = trustwarden_tests::deployed(parameters, RULES);
    logs_everything(&stack, &format!("trail-{}", stack.account));
    stack
}

/// The schedule's event, in the message of the queue that the rule hands it to.
fn tick(stack: &Stack<'_>) {
    let event = json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event", "source": "aws.events", "account": stack.account,
        "time": "2026-11-20T10:00:00Z", "region": "us-east-1",
        "resources": [stack.resources()["HeartbeatRule"].arn], "detail": {},
    });
    let message = json!({ "messageId": "1", "eventSource": "aws:sqs", "body": event.to_string() });
    let ending = stack
        .invoke("guard-tamper", &json!({ "Records": [message] }))
        .unwrap();
    assert!(ending.answer().is_some(), "{ending:?}");
    assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
}

/// A heartbeat goes out, and a quarter of an hour later the next one: what the second path says then.
fn heard(stack: &Stack<'_>) -> Vec<Value> {
    let before = stack.tampering_alerts().unwrap().len();
    stack.time_passes(900);
    tick(stack);
    stack.time_passes(900);
    tick(stack);
    stack.tampering_alerts().unwrap().split_off(before)
}

fn trail_stops(stack: &Stack<'_>, stopped: bool) {
    let question = json!({ "account": stack.account, "stopped": stopped });
    stack.machine.account.ask("/trail", &question).unwrap();
}

#[test]
fn a_heartbeat_comes_back_through_each_rule_and_nobody_hears_of_it() {
    let stack = watched(&[("AlertEmail", "oncall@example.com")]);
    assert_eq!(heard(&stack), Vec::<Value>::new());
    assert!(stack.alerts().unwrap().is_empty());
    assert!(stack.mails().is_empty());
    // Nothing was asked that the roles may not do; what was called for is not there.
    assert_untroubled(&stack);
    assert!(
        stack
            .log("guard-tamper")
            .unwrap()
            .contains("heartbeat sent")
    );
    for (_, function) in PATHS {
        let log = stack.log(function).unwrap();
        assert!(log.contains("\"HeartbeatDelay\":"), "{function}");
    }
}

#[test]
fn each_rule_that_is_narrowed_or_off_is_named_by_the_second_path() {
    let stack = watched(&[]);
    for (rule, function) in PATHS {
        let name = stack.id_of(rule).unwrap();
        let pattern = &stack.resources()[rule].properties["EventPattern"];
        let mut narrowed = pattern.clone();
        narrowed["detail"]["errorCode"] = json!([{ "exists": false }]);
        let put = |pattern: &Value, state: &str| {
            let request =
                json!({ "Name": name, "EventPattern": pattern.to_string(), "State": state });
            stack.call("events", "put_rule", &request).unwrap();
        };
        // One way is enough for the rest: what does not arrive does not come back.
        let off = (pattern, "DISABLED");
        let ways = [(&narrowed, "ENABLED"), off];
        for (pattern, state) in ways
            .into_iter()
            .take(if rule == PATHS[0].0 { 2 } else { 1 })
        {
            put(pattern, state);
            let said = heard(&stack);
            let names = format!("did not come back to {function} by {rule}");
            assert!(Value::from(said).to_string().contains(&names), "{rule}");
            put(
                &stack.resources()[rule].properties["EventPattern"],
                "ENABLED",
            );
            assert_eq!(heard(&stack), Vec::<Value>::new(), "{rule} is as it was");
        }
    }
    assert_untroubled(&stack);
}

#[test]
fn a_trail_that_stops_is_reported_by_the_second_path_alone_once_and_again_each_day() {
    let stack = watched(&[("AlertEmail", "oncall@example.com")]);
    trail_stops(&stack, true);
    let said = heard(&stack);
    assert_eq!(said.len(), 1, "{said:#?}");
    assert_eq!(codes(&said[0]), ["guard-blind"; PATHS.len()], "{said:#?}");
    for (rule, _) in PATHS {
        assert!(said[0].to_string().contains(rule), "{rule}");
    }
    assert_eq!(heard(&stack), Vec::<Value>::new(), "they have heard");
    stack.time_passes(24 * 3600);
    assert_eq!(heard(&stack).len(), 1, "a day later");
    trail_stops(&stack, false);
    assert_eq!(heard(&stack), Vec::<Value>::new());
    assert!(stack.alerts().unwrap().is_empty());
    let mails = stack.mails();
    assert!(mails.iter().all(|mail| mail.text.contains("guard-blind")));
    assert_eq!(mails.len(), 2);
}

#[test]
fn the_heartbeat_may_change_nothing_and_names_nothing_that_is_there() {
    let stack = translated(&[("Mode", "enforce")]);
    let all = statements(&stack);
    let of_it: Vec<_> = all["GuardTamperRole"]
        .iter()
        .filter(|statement| statement["Sid"] == "Heartbeat")
        .collect();
    assert_eq!(of_it.len(), 1);
    let function = stack.function("guard-tamper").unwrap();
    let name = &function.environment["TRUSTWARDEN_HEARTBEAT"];
    for resource in texts(&of_it[0]["Resource"]) {
        let end = resource.strip_suffix("/*").unwrap_or(&resource);
        assert!(end.ends_with(name.as_str()), "{resource}");
        assert!(!end.contains(['*', '?']), "{resource}");
    }
    // The template makes nothing of that name, but for the rule that asks for it.
    let made = stack.resources().iter();
    let of_that_name: BTreeSet<_> = made
        .filter(|(_, made)| made.id.as_deref() == Some(name))
        .map(|(logical, _)| logical.as_str())
        .collect();
    assert_eq!(of_that_name, BTreeSet::from(["HeartbeatRule"]));
    // What it compares it may read: each function, or it would report that it cannot.
    let reads = |sid: &str| {
        let mut statements = all["GuardTamperRole"].iter();
        texts(&statements.find(|one| one["Sid"] == sid).unwrap()["Resource"])
    };
    let functions = stack.functions().iter();
    let functions: BTreeSet<_> = functions.map(|function| function.arn.clone()).collect();
    assert_eq!(reads("ReadFunctions"), functions);
    let mappings = of_type(&stack, "AWS::Lambda::EventSourceMapping");
    for mapping in mappings.values() {
        let id = mapping.id.as_deref().unwrap();
        let mut readable = reads("ReadEventSources").into_iter();
        assert!(readable.any(|arn| arn.ends_with(id)), "{id}");
    }
    let rules = texts(&json!(reads("ReadRules"))).pop_first().unwrap();
    let (begin, end) = rules.split_once('*').unwrap();
    for (name, rule) in of_type(&stack, "AWS::Events::Rule") {
        let arn = rule.arn.as_deref().unwrap();
        assert!(arn.starts_with(begin) && arn.ends_with(end), "{name}");
    }
    // It keeps its own part of the table, and reads no other.
    let keeps = all["GuardTamperRole"]
        .iter()
        .find(|statement| statement["Sid"] == "KeepTheHeartbeat")
        .unwrap();
    assert_eq!(
        keeps["Condition"]["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"],
        json!([format!("{}/heartbeat", stack.account)])
    );
}

#[test]
fn whoever_stops_the_heartbeat_rings_an_alarm() {
    let stack = translated(&[]);
    let rule = &stack.resources()["HeartbeatRule"].properties;
    assert_eq!(rule["ScheduleExpression"], "rate(5 minutes)");
    let queue = stack.resources()["TamperEvents"].arn.clone().unwrap();
    assert_eq!(rule["Targets"][0]["Arn"], json!(queue));
    let alarm = &of_type(&stack, "AWS::CloudWatch::Alarm")["HeartbeatMissing"].properties;
    let filter = &stack.resources()["HeartbeatsSent"].properties;
    let metric = &filter["MetricTransformations"][0];
    assert_eq!(metric["MetricName"], alarm["MetricName"]);
    assert_eq!(metric["MetricNamespace"], alarm["Namespace"]);
    // Silence of the function makes the data insufficient, and that rings, too.
    assert_eq!(alarm["InsufficientDataActions"], alarm["AlarmActions"]);
    let log = filter["FilterPattern"].as_str().unwrap();
    let source = std::fs::read_to_string(
        stack
            .machine
            .root
            .join("functions/guard-tamper/src/main.rs"),
    );
    assert!(log.contains("heartbeat sent") && source.unwrap().contains("\"heartbeat sent\""));
}

/// What a look, and the next one, five minutes later, make the second path say.
pub(crate) fn compared(stack: &Stack<'_>) -> String {
    let before = stack.tampering_alerts().unwrap().len();
    for seconds in [900, 300] {
        stack.time_passes(seconds);
        tick(stack);
    }
    let said = stack.tampering_alerts().unwrap().split_off(before);
    for alert in &said {
        assert!(codes(alert).iter().all(|code| *code == "guard-blind"));
        assert_eq!(alert["severity"], "CRITICAL");
    }
    Value::from(said).to_string()
}

/// Each pattern takes what fails, as the heartbeat does, and drops each attack that succeeds.
#[test]
fn a_pattern_that_drops_real_attacks_alone_is_noticed_for_each_rule() {
    let stack = watched(&[]);
    assert_eq!(compared(&stack), "[]");
    let rules = of_type(&stack, "AWS::Events::Rule");
    let mut narrowed = BTreeSet::new();
    for (name, rule) in &rules {
        let mut pattern = rule.properties["EventPattern"].clone();
        if pattern.is_null() {
            continue;
        }
        pattern["detail"]["errorCode"] = json!([{ "exists": true }]);
        let state = rule.properties.get("State").cloned();
        let request = json!({
            "Name": rule.id, "EventPattern": pattern.to_string(),
            "State": state.unwrap_or(json!("ENABLED")),
        });
        stack.call("events", "put_rule", &request).unwrap();
        narrowed.insert(*name);
    }
    // Root's, which no heartbeat goes through, among them.
    assert_eq!(narrowed.len(), 11, "{narrowed:?}");
    let said = compared(&stack);
    assert!(!said.contains("did not come back"), "{said}");
    for name in narrowed {
        let differs = format!("rule {name}: EventPattern.detail.errorCode: expected none");
        assert!(said.contains(&differs), "{name}: {said}");
    }
}

#[test]
fn whatever_is_other_than_it_was_deployed_is_reported_by_the_second_path() {
    let stack = watched(&[("AlertEmail", "oncall@example.com")]);
    assert_eq!(compared(&stack), "[]");
    let topic = json!({ "TopicArn": stack.output("AlertTopic").unwrap() });
    let found = stack.call("sns", "list_subscriptions_by_topic", &topic);
    let found = found.unwrap();
    let mut subscriptions = list(&found["Subscriptions"]).into_iter();
    let mail = subscriptions.find(|one| one["Endpoint"] == "oncall@example.com");
    let mail = mail.unwrap()["SubscriptionArn"].clone();
    let function = stack.function("access-key").unwrap();
    let mut environment = function.environment.clone();
    environment.insert("TRUSTWARDEN_ACCOUNT".to_owned(), "999999999999".to_owned());
    let remediator = &stack.function("remediator").unwrap().function_name;
    let mappings = json!({ "FunctionName": remediator });
    let mapping = stack.call("lambda", "list_event_source_mappings", &mappings);
    let mapping = mapping.unwrap()["EventSourceMappings"][0]["UUID"].clone();
    let trail = format!("trail-{}", stack.account);
    let rule = &stack.resources()["RoleTrustRule"];
    let mut pattern = rule.properties["EventPattern"].clone();
    let events = pattern["detail"]["eventName"].as_array_mut().unwrap();
    events.retain(|event| event != "UpdateAssumeRolePolicy");
    let steps = [
        (
            ("events", "put_rule"),
            json!({ "Name": rule.id, "EventPattern": pattern.to_string(), "State": "ENABLED" }),
            "rule RoleTrustRule: EventPattern.detail.eventName: expected",
        ),
        (
            ("lambda", "update_function_configuration"),
            json!({
                "FunctionName": stack.function("role-trust").unwrap().function_name, "Layers": [],
            }),
            "function RoleTrust: Layers: expected",
        ),
        (
            ("events", "remove_targets"),
            json!({ "Rule": stack.id_of("RootCallRule").unwrap(), "Ids": ["root-activity"] }),
            "rule RootCallRule: Targets: expected",
        ),
        (
            ("sns", "set_subscription_attributes"),
            json!({
                "SubscriptionArn": mail, "AttributeName": "FilterPolicy",
                "AttributeValue": r#"{"severity":["NONE"]}"#,
            }),
            "topic AlertTopic to email oncall@example.com: FILTERED",
        ),
        (
            ("sns", "unsubscribe"),
            json!({ "SubscriptionArn": mail }),
            "topic AlertTopic to oncall@example.com: NOT SUBSCRIBED",
        ),
        (
            ("lambda", "update_function_configuration"),
            json!({
                "FunctionName": function.function_name, "Environment": { "Variables": environment },
            }),
            "function AccessKey: Environment.TRUSTWARDEN_ACCOUNT: expected",
        ),
        (
            ("lambda", "put_function_concurrency"),
            json!({ "FunctionName": remediator, "ReservedConcurrentExecutions": 0 }),
            "function Remediator: ReservedConcurrentExecutions: expected none, there is 0",
        ),
        (
            ("lambda", "update_event_source_mapping"),
            json!({ "UUID": mapping, "Enabled": false }),
            "event source RemediatorOrders: Disabled",
        ),
        (
            ("kms", "disable_key"),
            json!({ "KeyId": stack.id_of("Key").unwrap() }),
            "key Key: Disabled",
        ),
        (
            ("cloudwatch", "disable_alarm_actions"),
            json!({ "AlarmNames": [stack.id_of("SweepMissing").unwrap()] }),
            "alarm SweepMissing: ActionsEnabled: expected true, there is false",
        ),
        (
            ("cloudwatch", "delete_alarms"),
            json!({ "AlarmNames": [stack.id_of("OutcomeMissing").unwrap()] }),
            "alarm OutcomeMissing: is gone",
        ),
        (
            ("cloudtrail", "stop_logging"),
            json!({ "Name": trail }),
            "does not log",
        ),
    ];
    for ((service, operation), request, expected) in steps {
        stack.call(service, operation, &request).unwrap();
        let said = compared(&stack);
        assert!(said.contains(expected), "{operation}: {said}");
        assert_eq!(said.matches("\"code\"").count(), 1, "{operation}: {said}");
        assert_eq!(compared(&stack), "[]", "{operation}: they have heard");
    }
    // By the second path alone, with the permissions that the template gives it.
    assert!(stack.alerts().unwrap().is_empty());
    let seen = stack.seen().unwrap();
    assert!(seen.refusals.is_empty(), "{:#?}", seen.refusals);
}

/// Policies, and settings that leave everything in its place: what is other than the template says.
#[test]
fn a_policy_or_setting_that_silences_in_its_place_is_reported_by_the_second_path() {
    let stack = watched(&[]);
    assert_eq!(compared(&stack), "[]");
    let id = |name: &str| stack.id_of(name).unwrap().to_owned();
    let deny = |action: &str| {
        json!({ "Version": "2012-10-17", "Statement": [
            { "Effect": "Deny", "Principal": "*", "Action": action, "Resource": "*" },
        ] })
        .to_string()
    };
    let table = stack.resources()["Table"].arn.clone().unwrap();
    let judge = &stack.function("role-trust").unwrap().function_name;
    let target = &stack.resources()["AccessKeyRule"].properties["Targets"][0];
    let mut transformed = target.clone();
    transformed["InputTransformer"] = json!({
        "InputPathsMap": { "id": "$.id" }, "InputTemplate": "{\"id\": <id>}",
    });
    let queue = |name: &str, attribute: &str, value: &str| json!({ "QueueUrl": id(name), "Attributes": { attribute: value } });
    let steps = [
        (
            ("sqs", "set_queue_attributes"),
            queue("TamperEvents", "Policy", &deny("sqs:SendMessage")),
            vec![
                "queue TamperEvents: its policy lacks",
                "queue TamperEvents: its policy also says",
            ],
        ),
        (
            ("sqs", "set_queue_attributes"),
            queue("OrdersDeadLetters", "Policy", &deny("sqs:*")),
            vec!["queue OrdersDeadLetters: its policy also says"],
        ),
        (
            ("sqs", "set_queue_attributes"),
            queue("Orders", "MessageRetentionPeriod", "60"),
            vec!["queue Orders: MessageRetentionPeriod: expected 1209600"],
        ),
        (
            ("sqs", "set_queue_attributes"),
            queue("EventDeadLetters", "DelaySeconds", "900"),
            vec!["queue EventDeadLetters: DelaySeconds: expected none"],
        ),
        (
            ("sns", "set_topic_attributes"),
            json!({
                "TopicArn": id("AlertTopic"), "AttributeName": "Policy",
                "AttributeValue": deny("sns:Publish"),
            }),
            vec![
                "topic AlertTopic: its policy lacks",
                "topic AlertTopic: its policy also says",
            ],
        ),
        (
            ("dynamodb", "put_resource_policy"),
            json!({ "ResourceArn": table, "Policy": deny("dynamodb:PutItem") }),
            vec![
                "table Table: its policy lacks",
                "table Table: its policy also says",
            ],
        ),
        (
            ("dynamodb", "delete_resource_policy"),
            json!({ "ResourceArn": table }),
            vec![],
        ),
        (
            ("kms", "put_key_policy"),
            json!({ "KeyId": id("Key"), "PolicyName": "default", "Policy": deny("kms:Decrypt") }),
            vec!["key Key: its policy lacks", "key Key: its policy also says"],
        ),
        (
            ("lambda", "add_permission"),
            json!({
                "FunctionName": judge, "StatementId": "more", "Action": "lambda:InvokeFunction",
                "Principal": "sns.amazonaws.com",
            }),
            vec!["function RoleTrust: its policy also says"],
        ),
        (
            ("events", "put_targets"),
            json!({ "Rule": id("AccessKeyRule"), "Targets": [transformed] }),
            vec!["rule AccessKeyRule: Targets: expected"],
        ),
    ];
    for ((service, operation), request, expected) in steps {
        stack.call(service, operation, &request).unwrap();
        let said = compared(&stack);
        for words in &expected {
            assert!(said.contains(words), "{operation}: {words}: {said}");
        }
        // One that was reported in part before is no news.
        assert_eq!(said == "[]", expected.is_empty(), "{operation}: {said}");
        assert_eq!(compared(&stack), "[]", "{operation}: they have heard");
    }
    let seen = stack.seen().unwrap();
    assert!(seen.refusals.is_empty(), "{:#?}", seen.refusals);
}
