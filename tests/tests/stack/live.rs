//! `trustwarden status` and `test-alert`, asked about the deployed stack.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use local::Stack;
use local::cloudtrail::Actor;
use serde_json::json;
use trustwarden_tests::{OPEN, Operator, RULES, binaries, compiled, machine};

use crate::sweep::sweeps;

/// The account that an operator's key belongs to.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The tests here share an account and its trails: one at a time.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn trustwarden(stack: &Stack<'_>, words: &[&str]) -> Output {
    Command::new(binaries().join("trustwarden"))
        .args(words)
        .env_clear()
        .env("AWS_ENDPOINT_URL", stack.machine.account.endpoint())
        .env("AWS_ACCESS_KEY_ID", "AKIAOPERATOR00000000")
        .env("AWS_SECRET_ACCESS_KEY", "operator")
        .env("AWS_REGION", "us-east-1")
        // Nothing of this machine's own configuration.
        .env("HOME", Path::new("/nonexistent"))
        .output()
        .unwrap()
}

/// A trail as a person sets one up for the guard.
pub(crate) fn logs_everything(stack: &Stack<'_>, trail: &str) {
    // All tests here share the account.
    let bucket = json!({ "Bucket": format!("{trail}-files") });
    stack.call("s3", "create_bucket", &bucket).unwrap();
    let made = json!({
        "Name": trail, "S3BucketName": bucket["Bucket"],
        "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
    });
    stack.call("cloudtrail", "create_trail", &made).unwrap();
    let selectors = json!({
        "TrailName": trail,
        "EventSelectors": [{ "ReadWriteType": "All", "IncludeManagementEvents": true }],
    });
    stack
        .call("cloudtrail", "put_event_selectors", &selectors)
        .unwrap();
    let name = json!({ "Name": trail });
    stack.call("cloudtrail", "start_logging", &name).unwrap();
}

#[test]
fn the_guard_is_alive_and_a_test_alert_arrives() {
    let _turn = alone();
    let rules = compiled(ACCOUNT, RULES);
    let parameters = [
        ("Mode", "enforce"),
        ("AlertEmail", "oncall@example.com"),
        ("OperationsEmail", "operations@example.com"),
    ];
    let stack = machine()
        .deploy(ACCOUNT, "trustwarden", &parameters, &rules)
        .unwrap();

    logs_everything(&stack, "all-regions");
    let output = trustwarden(&stack, &["status", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("WRONG sweep last: no sweep has begun"),
        "{said}"
    );
    sweeps(&stack);

    let output = trustwarden(&stack, &["status", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{errors}");
    for word in [
        "RoleTrust",
        "RootCallRule",
        "oncall@example.com",
        "enforce",
        "ok    sweep last: ended",
        "ok    heartbeat last: none was sent",
        "ok    mode in force at the last sweep: enforce",
        "ok    policy all: ",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }

    let output = trustwarden(&stack, &["test-alert", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{errors}");
    let alerts = stack.alerts().unwrap();
    let incident = alerts[0]["incident"].as_str().unwrap();
    assert_eq!(alerts[0]["stage"], "test");
    // It goes where a CRITICAL alert goes: nothing lets that through and keeps this away.
    assert_eq!(alerts[0]["severity"], "CRITICAL");
    assert_eq!(stack.tampering_alerts().unwrap()[0]["incident"], incident);
    assert!(said.contains(incident), "{said}");
    let mut readers: Vec<_> = stack.mails().into_iter().map(|mail| mail.to).collect();
    readers.sort();
    // SNS delivers at least once, and so does who asks it again after a slow answer.
    readers.dedup();
    assert_eq!(readers, ["oncall@example.com", "operations@example.com"]);

    restores(&stack);

    // A rule that someone switched off is named.
    let rule = serde_json::json!({ "Name": stack.id_of("RoleTrustRule").unwrap() });
    stack.call("events", "disable_rule", &rule).unwrap();
    let output = trustwarden(&stack, &["status", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("WRONG rule RoleTrustRule"), "{said}");

    // So is a subscriber whom the parameters name and who is gone, while others remain.
    let topic = json!({ "TopicArn": stack.output("AlertTopic").unwrap() });
    let found = stack
        .call("sns", "list_subscriptions_by_topic", &topic)
        .unwrap();
    let subscriptions = found["Subscriptions"].as_array().unwrap();
    let of = |endpoint: &str| {
        let one = subscriptions.iter().find(|one| one["Endpoint"] == endpoint);
        json!({ "SubscriptionArn": one.unwrap()["SubscriptionArn"] })
    };
    assert!(subscriptions.len() > 1, "{subscriptions:?}");
    stack
        .call("sns", "unsubscribe", &of("oncall@example.com"))
        .unwrap();
    let output = trustwarden(&stack, &["status", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    let gone = "WRONG topic AlertTopic to oncall@example.com: NOT SUBSCRIBED";
    assert!(said.contains(gone), "{said}");
    assert!(!said.contains("operations@example.com: NOT"), "{said}");
}

/// What a partner's role was created with.
const PARTNER: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222233334444:root"},"Action":"sts:AssumeRole"}]}"#;

/// Quarantined roles get their trust policies back, if the rules allow them by now.
fn restores(stack: &Stack<'_>) {
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    stack.creates_role(Actor::Administrator, "partner", PARTNER);
    stack.settles();
    let closed = stack.live_trust("debug");
    assert!(closed.contains("TrustwardenQuarantine"), "{closed}");
    let folder = &machine().folder;
    let (old, new) = (
        folder.join("restore-old.yaml"),
        folder.join("restore-new.yaml"),
    );
    std::fs::write(&old, RULES).unwrap();
    let admitting = format!("{RULES}\ntrusted_accounts: [\"222233334444\"]\n");
    std::fs::write(&new, admitting).unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let restore = |rules: &str, more: &[&str]| {
        let words = [
            &["restore", "--region", "us-east-1", "--rules", rules],
            more,
        ]
        .concat();
        let output = trustwarden(stack, &words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said + &errors)
    };

    // What there is.
    let (status, said) = restore(old, &[]);
    assert_eq!(status, Some(0), "{said}");
    for word in [
        "role debug",
        "role partner",
        "violates the rules: public-trust",
        "2 roles are",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }

    // An uninstall would leave the quarantines behind, though nothing but a repair was meant.
    let uninstall = || {
        let output = trustwarden(stack, &["uninstall-check", "--region", "us-east-1"]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said + &errors)
    };
    let (status, said) = uninstall();
    assert_eq!(status, Some(1), "{said}");
    for word in [
        "quarantined: role debug since",
        "quarantined: role partner since",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }

    // Judged again: what violates stays out.
    let (status, said) = restore(old, &["partner"]);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("unknown-third-party"), "{said}");
    assert_eq!(stack.live_trust("partner"), closed);
    assert_eq!(restore(old, &["nobody"]).0, Some(2));
    assert_eq!(
        restore(old, &["partner", "--incident", "TW-NONE"]).0,
        Some(2)
    );
    assert_eq!(
        restore(old, &["partner", "--force"]).0,
        Some(2),
        "without a reason"
    );

    // By rules that know the partner it comes back, byte for byte.
    let (status, said) = restore(new, &["partner", "--dry-run"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(stack.live_trust("partner"), closed);
    let (status, said) = restore(new, &["partner"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(stack.live_trust("partner"), PARTNER);
    assert_eq!(
        restore(new, &["partner"]).0,
        Some(2),
        "not quarantined any more"
    );

    let (status, said) = uninstall();
    assert_eq!(status, Some(1), "{said}");
    assert!(!said.contains("role partner"), "{said}");

    // Forced, with a reason that CloudTrail records.
    let (status, said) = restore(old, &["debug", "--force", "--reason", "SEC-77, an hour"]);
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(stack.live_trust("debug"), OPEN);
    // The guard's own answer to it is over before the table is looked at again.
    stack.settles();
    forgotten(stack, restore, uninstall);
}

/// After a redeploy the table is another, and empty; the quarantines and denials stand in IAM.
fn forgotten(
    stack: &Stack<'_>,
    restore: impl Fn(&str, &[&str]) -> (Option<i32>, String),
    uninstall: impl Fn() -> (Option<i32>, String),
) {
    stack.creates_role(Actor::Intruder, "forgotten", OPEN);
    stack.settles();
    let closed = stack.live_trust("forgotten");
    assert!(closed.contains("TrustwardenQuarantine"), "{closed}");
    let denial = json!({
        "RoleName": "denied", "PolicyName": "TrustwardenDenyOlderSessions",
        "PolicyDocument": json!({ "Version": "2012-10-17", "Statement": [{
            "Sid": "TrustwardenDenyOlderSessions", "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": { "DateLessThan": { "aws:TokenIssueTime": "2026-11-21T10:00:00Z" } },
        }]}).to_string(),
    });
    stack.creates_role(Actor::Administrator, "denied", LAWFUL_ELSEWHERE);
    stack.call("iam", "put_role_policy", &denial).unwrap();
    stack.settles();

    let table = stack.output("Table").unwrap();
    let all = stack.call("dynamodb", "scan", &json!({ "TableName": table }));
    for item in all.unwrap()["Items"].as_array().unwrap() {
        let key = json!({ "pk": item["pk"], "sk": item["sk"] });
        let request = json!({ "TableName": table, "Key": key });
        stack.call("dynamodb", "delete_item", &request).unwrap();
    }
    let (status, said) = uninstall();
    assert_eq!(status, Some(1), "{said}");
    for words in [
        "quarantined: role forgotten\n  the document before is not known",
        "AttributeValue=forgotten",
        "sessions denied: role denied, those issued before 2026-11-21T10:00:00Z",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let rules = machine().folder.join("restore-old.yaml");
    let rules = rules.to_str().unwrap();
    let (status, said) = restore(rules, &[]);
    assert_eq!(status, Some(0), "{said}");
    let unknown = "role forgotten\n  the document before is not known";
    assert!(said.contains(unknown), "{said}");
    let (status, said) = restore(rules, &["forgotten"]);
    assert_eq!(status, Some(2), "{said}");
    assert!(said.contains("the document before is not known"), "{said}");
    assert_eq!(stack.live_trust("forgotten"), closed);

    // Its own advice, followed.
    let by_hand = json!({ "RoleName": "forgotten", "PolicyDocument": LAWFUL_ELSEWHERE });
    stack
        .call("iam", "update_assume_role_policy", &by_hand)
        .unwrap();
    let lifted = json!({ "RoleName": "denied", "PolicyName": "TrustwardenDenyOlderSessions" });
    stack.call("iam", "delete_role_policy", &lifted).unwrap();
    let (_, said) = uninstall();
    for role in ["role forgotten", "role denied"] {
        assert!(!said.contains(role), "{said}");
    }
}

/// A service of the account itself.
const LAWFUL_ELSEWHERE: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

#[test]
fn status_names_what_somebody_took_away() {
    let _turn = alone();
    let rules = compiled("taken", RULES);
    let parameters = [("AlertEmail", "oncall@example.com")];
    let stack = machine()
        .deploy(ACCOUNT, "taken", &parameters, &rules)
        .unwrap();
    let status = || {
        let output = trustwarden(
            &stack,
            &["status", "--region", "us-east-1", "--stack", "taken"],
        );
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = status();
    assert!(said.contains("ok    rule RoleTrustRule"), "{said}");
    let wrong_before = said.matches("WRONG").count();
    assert_eq!(code, Some(i32::from(wrong_before > 0)), "{said}");

    let rule = stack.id_of("RoleTrustRule").unwrap();
    let made = &stack.resources()["RoleTrustRule"].properties["Targets"];
    let targets: Vec<_> = made
        .as_array()
        .unwrap()
        .iter()
        .map(|made| &made["Id"])
        .collect();
    let request = json!({ "Rule": rule, "Ids": targets });
    stack.call("events", "remove_targets", &request).unwrap();
    stack
        .call("events", "delete_rule", &json!({ "Name": rule }))
        .unwrap();
    let topic = stack.output("AlertTopic").unwrap();
    let subscribed = stack
        .call(
            "sns",
            "list_subscriptions_by_topic",
            &json!({ "TopicArn": topic }),
        )
        .unwrap();
    for subscription in subscribed["Subscriptions"].as_array().unwrap() {
        let request = json!({ "SubscriptionArn": subscription["SubscriptionArn"] });
        stack.call("sns", "unsubscribe", &request).unwrap();
    }
    let function = &stack.function("access-key").unwrap().function_name;
    let request = json!({ "FunctionName": function });
    stack.call("lambda", "delete_function", &request).unwrap();
    let (code, said) = status();
    assert_eq!(code, Some(1), "{said}");
    for gone in [
        "WRONG rule RoleTrustRule",
        "WRONG topic AlertTopic: no subscription",
        "WRONG function AccessKey",
    ] {
        assert!(said.contains(gone), "{gone}: {said}");
    }
}

/// What `status` once did not see: each of these leaves everything in its place, and nobody hears.
#[test]
fn b3_status_fails_on_each_way_to_blind_the_guard_that_leaves_everything_in_place() {
    let _turn = alone();
    let rules = compiled("blinded", RULES);
    let parameters = [("AlertEmail", "oncall@example.com")];
    let stack = machine()
        .deploy(ACCOUNT, "blinded", &parameters, &rules)
        .unwrap();
    logs_everything(&stack, "for-blinded");
    sweeps(&stack);
    let status = || {
        let words = ["status", "--region", "us-east-1", "--stack", "blinded"];
        let output = trustwarden(&stack, &words);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said)
    };
    let (code, said) = status();
    // Nobody is subscribed to its operations topic.
    assert_eq!(
        (code, said.matches("WRONG").count()),
        (Some(1), 1),
        "{said}"
    );
    assert!(
        said.contains("WRONG topic OperationsTopic: no subscription"),
        "{said}"
    );

    let topic = json!({ "TopicArn": stack.output("AlertTopic").unwrap() });
    let found = stack.call("sns", "list_subscriptions_by_topic", &topic);
    let found = found.unwrap();
    let mut subscriptions = found["Subscriptions"].as_array().unwrap().iter();
    let mail = subscriptions
        .find(|one| one["Endpoint"] == "oncall@example.com")
        .unwrap();
    let function = &stack.function("access-key").unwrap();
    let mut environment = function.environment.clone();
    environment.insert("TRUSTWARDEN_ACCOUNT".to_owned(), "999999999999".to_owned());
    let alarms = stack.call("cloudwatch", "describe_alarms", &json!({}));
    let alarms = alarms.unwrap();
    let mut alarms = alarms["MetricAlarms"].as_array().unwrap().iter();
    let missing = alarms.find(|alarm| {
        let name = alarm["AlarmName"].as_str().unwrap();
        name.starts_with("blinded-SweepMissing")
    });
    let rule = stack.id_of("RoleTrustRule").unwrap();
    let pattern = json!({ "source": ["aws.iam"], "detail": { "eventName": ["DeleteRole"] } });
    let mapping = stack.call(
        "lambda",
        "list_event_source_mappings",
        &json!({
            "FunctionName": stack.function("remediator").unwrap().function_name,
        }),
    );
    let mapping = mapping.unwrap()["EventSourceMappings"][0]["UUID"].clone();
    let steps = [
        (
            ("events", "put_rule"),
            json!({ "Name": rule, "EventPattern": pattern.to_string(), "State": "ENABLED" }),
            "WRONG rule RoleTrustRule: EventPattern.detail.eventName: expected [\"CreateRole\"",
        ),
        (
            ("sns", "set_subscription_attributes"),
            json!({
                "SubscriptionArn": mail["SubscriptionArn"], "AttributeName": "FilterPolicy",
                "AttributeValue": r#"{"severity":["NONE"]}"#,
            }),
            "WRONG topic AlertTopic to email oncall@example.com: FILTERED",
        ),
        (
            ("lambda", "update_function_configuration"),
            json!({
                "FunctionName": function.function_name, "Environment": { "Variables": environment },
            }),
            "WRONG function AccessKey: Environment.TRUSTWARDEN_ACCOUNT: expected \"123456789012\"",
        ),
        (
            ("kms", "disable_key"),
            json!({ "KeyId": stack.id_of("Key").unwrap() }),
            "WRONG key Key: Disabled",
        ),
        (
            ("cloudwatch", "delete_alarms"),
            json!({ "AlarmNames": [missing.unwrap()["AlarmName"]] }),
            "WRONG alarm SweepMissing: is gone",
        ),
        // Five of one kind, and a few more.
        (
            ("lambda", "put_function_concurrency"),
            json!({
                "FunctionName": stack.function("remediator").unwrap().function_name,
                "ReservedConcurrentExecutions": 0,
            }),
            "WRONG function Remediator: ReservedConcurrentExecutions: expected none, there is 0",
        ),
        (
            ("lambda", "update_event_source_mapping"),
            json!({ "UUID": mapping, "Enabled": false }),
            "WRONG event source RemediatorOrders: Disabled",
        ),
        (
            ("sqs", "send_message"),
            json!({ "QueueUrl": stack.id_of("AsyncDeadLetters").unwrap(), "MessageBody": "{}" }),
            "WRONG queue AsyncDeadLetters: 1 message",
        ),
        (
            ("events", "put_targets"),
            json!({
                "Rule": stack.id_of("RootCallRule").unwrap(),
                "Targets": [{ "Id": "root-activity", "Arn": function.arn, "Input": "{}" }],
            }),
            "WRONG rule RootCallRule: Targets: expected",
        ),
    ];
    let mut wrong = 1;
    for ((service, operation), request, expected) in steps {
        stack.call(service, operation, &request).unwrap();
        let (code, said) = status();
        assert_eq!(code, Some(1), "{operation}: {said}");
        assert!(said.contains(expected), "{operation}: {said}");
        let now = said.matches("WRONG").count();
        assert!(now > wrong, "{operation}: {said}");
        wrong = now;
    }
    for trail in ["all-regions", "for-blinded"] {
        // The other is another test's, if that has come so far.
        let name = json!({ "Name": trail });
        drop(stack.call("cloudtrail", "stop_logging", &name));
    }
    let (_, said) = status();
    assert!(
        said.contains("WRONG trail for-blinded: does not log"),
        "{said}"
    );
    for trail in ["all-regions", "for-blinded"] {
        let name = json!({ "Name": trail });
        drop(stack.call("cloudtrail", "start_logging", &name));
    }
}
