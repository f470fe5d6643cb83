//! The built binaries, wired as `template.yaml` says, in an account of their own per test.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::path::Path;
use std::time::Duration;

use local::cloudtrail::{self, Actor};
use local::lambda::Ending;
use local::{Stack, event_of};
use serde_json::{Value, json};
use trustwarden_tests::{
    LAWFUL, OPEN, Operator, RULES, WITH_STRANGER, deployed, enforcing, fresh_account, machine,
};

const ROLE: &str = "DatadogIntegration";

fn codes(alert: &Value) -> Vec<&str> {
    let findings = alert["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

fn stages(alerts: &[Value]) -> Vec<&str> {
    alerts
        .iter()
        .map(|alert| alert["stage"].as_str().unwrap())
        .collect()
}

fn outcome(alert: &Value) -> &str {
    alert["outcome"]["kind"].as_str().unwrap_or_default()
}

/// The guard asked for nothing that its roles may not do, and nothing was delivered nowhere.
fn assert_untroubled(stack: &Stack<'_>) {
    let seen = stack.seen().unwrap();
    assert!(seen.refusals.is_empty(), "{:#?}", seen.refusals);
    assert!(seen.lost.is_empty(), "{:#?}", seen.lost);
    for queue in ["EventDeadLetters", "AsyncDeadLetters", "OrdersDeadLetters"] {
        let letters = stack.peek(stack.id_of(queue).unwrap()).unwrap();
        assert!(letters.is_empty(), "{queue}: {letters:#?}");
    }
}

fn delete_table(stack: &Stack<'_>) {
    let name = stack.output("Table").unwrap();
    let unprotected = json!({ "TableName": name, "DeletionProtectionEnabled": false });
    stack
        .call("dynamodb", "update_table", &unprotected)
        .unwrap();
    stack
        .call("dynamodb", "delete_table", &json!({ "TableName": name }))
        .unwrap();
}

// ---------------------------------------------------------------- role-trust and the remediator

#[test]
fn a_registered_vendors_role_wakes_nobody() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stack.invocations("role-trust").unwrap(), 1);
    assert_eq!(
        stack.invocations("remediator").unwrap(),
        1,
        "the baseline was kept"
    );
    assert_untroubled(&stack);
}

#[test]
fn a_stranger_is_put_out_again_byte_for_byte() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(codes(&alerts[0]), ["unknown-third-party"]);
    assert_eq!(alerts[0]["incident"], alerts[1]["incident"]);
    assert_eq!(outcome(&alerts[1]), "reverted");
    let mails = stack.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        let subject = mail.subject.unwrap();
        assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
        assert!(mail.text.contains("666677778888"), "{}", mail.text);
    }
    assert_untroubled(&stack);
}

#[test]
fn the_guards_own_write_comes_back_and_is_known() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    let mut own = cloudtrail::update_trust(&stack.account, Actor::Administrator, ROLE, LAWFUL);
    let role = &stack.function("remediator").unwrap().role;
    let name = role.rsplit('/').next().unwrap();
    own["userIdentity"] = json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{}:assumed-role/{name}/remediator", stack.account),
        "accountId": stack.account,
        "sessionContext": { "sessionIssuer": { "type": "Role", "arn": role, "userName": name } },
    });
    stack.put_record(&own).unwrap();
    stack.settles();
    assert_eq!(stack.alerts().unwrap().len(), 2, "no third alert");
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_untroubled(&stack);
}

#[test]
fn a_new_role_for_everyone_is_closed() {
    let stack = enforcing();
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    stack.settles();
    let live: Value = serde_json::from_str(&stack.live_trust("debug")).unwrap();
    assert_eq!(live["Statement"][0]["Effect"], "Deny");
    assert_eq!(live["Statement"][0]["Sid"], "TrustwardenQuarantine");
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["public-trust"]);
    assert_eq!(outcome(&alerts[1]), "quarantined");
    assert_untroubled(&stack);
}

#[test]
fn a_new_role_keeps_its_lawful_part() {
    let stack = enforcing();
    stack.creates_role(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    let live: Value = serde_json::from_str(&stack.live_trust(ROLE)).unwrap();
    let lawful: Value = serde_json::from_str(LAWFUL).unwrap();
    assert_eq!(live, lawful);
    assert_eq!(outcome(&stack.alerts().unwrap()[1]), "repaired");
    assert_untroubled(&stack);
}

#[test]
fn in_mode_alert_it_says_what_it_would_do() {
    let stack = deployed(&[("AlertEmail", "oncall@example.com")], RULES);
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcome(&alerts[1]), "would-revert");
    assert_untroubled(&stack);
}

#[test]
fn the_same_event_many_times_is_one_story() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let record = stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    for _ in 0..4 {
        stack.put_record(&record).unwrap();
    }
    stack.settles();
    stack.put_record(&record).unwrap();
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stages(&stack.alerts().unwrap()), ["detected", "outcome"]);
    // One that finds another delivery at work fails, and comes again.
    assert!(stack.invocations("role-trust").unwrap() >= 7);
    assert_untroubled(&stack);
}

#[test]
fn a_denied_call_changes_nothing_and_is_no_change() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, WITH_STRANGER);
    stack.put_record(&cloudtrail::denied(record)).unwrap();
    stack.settles();
    assert_eq!(stack.invocations("role-trust").unwrap(), 2, "it was seen");
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_untroubled(&stack);
}

#[test]
fn a_document_that_cannot_be_read_is_an_alert() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let mut record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, "{");
    record["requestParameters"]["policyDocument"] = json!("{\"Statement\": [ {\"Effect\": ");
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert!(
        alerts
            .iter()
            .any(|alert| codes(alert).contains(&"unreadable-policy")),
        "{alerts:#?}"
    );
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_untroubled(&stack);
}

#[test]
fn an_event_that_hides_the_role_is_critical() {
    let stack = enforcing();
    let mut record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, OPEN);
    record["requestParameters"] = json!({
        "omitted": true,
        "originalSize": 131_188,
        "reasonForOmission": "requestParameters exceeds the maximum size",
    });
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["unreadable-policy"]);
    assert_eq!(alerts[0]["severity"], "CRITICAL");
    assert_untroubled(&stack);
}

#[test]
fn an_event_without_the_document_is_read_from_iam() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let request = json!({ "RoleName": ROLE, "PolicyDocument": WITH_STRANGER });
    stack
        .call("iam", "update_assume_role_policy", &request)
        .unwrap();
    let mut record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, OPEN);
    record["requestParameters"] = json!({ "roleName": ROLE, "omitted": true });
    stack.put_record(&record).unwrap();
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0])[0], "unknown-third-party", "{alerts:#?}");
    assert_untroubled(&stack);
}

#[test]
fn a_padded_document_hides_nothing() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let padded = WITH_STRANGER.replacen("},{", &format!("}},{}{{", " ".repeat(60_000)), 1);
    assert_ne!(padded, WITH_STRANGER);
    stack.changes_trust(Actor::Intruder, ROLE, &padded);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stages(&stack.alerts().unwrap()), ["detected", "outcome"]);
    assert_untroubled(&stack);
}

#[test]
fn what_is_no_cloudtrail_record_ends_where_someone_sees_it() {
    let stack = enforcing();
    let event = json!({
        "version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": stack.account, "time": "2026-11-20T09:00:00Z", "region": "us-east-1",
        "resources": [], "detail": ["not a record"],
    });
    let ending = stack.invoke("role-trust", &event).unwrap();
    let alerts = stack.alerts().unwrap();
    let told = alerts
        .iter()
        .any(|alert| codes(alert).contains(&"unreadable-policy"));
    assert!(told || matches!(ending, Ending::Failed(_)), "{ending:?}");
}

#[test]
fn another_accounts_event_is_none_of_ours() {
    let stack = enforcing();
    let other = "999900001111";
    let record = cloudtrail::update_trust(other, Actor::Intruder, ROLE, OPEN);
    // Not over the bus …
    stack.put_record(&record).unwrap();
    stack.settles();
    assert_eq!(stack.invocations("role-trust").unwrap(), 0);
    // … and not by whoever may invoke the function, with either account forged.
    stack.invoke("role-trust", &event_of(&record)).unwrap();
    let mut forged = event_of(&record);
    forged["account"] = json!(stack.account);
    stack.invoke("role-trust", &forged).unwrap();
    stack.settles();
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_eq!(stack.invocations("remediator").unwrap(), 0);
}

// ---------------------------------------------------------------- when things around it fail

#[test]
fn without_its_topic_the_door_is_closed_and_the_event_kept() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let topic = stack.output("AlertTopic").unwrap().to_owned();
    stack
        .call("sns", "delete_topic", &json!({ "TopicArn": topic }))
        .unwrap();
    let record = stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    assert!(stack.wait_until_quiet(Duration::from_secs(120)).unwrap());
    assert_eq!(
        stack.live_trust(ROLE),
        LAWFUL,
        "closing the door does not wait for the topic"
    );
    assert_eq!(
        stack.invocations("role-trust").unwrap(),
        1 + 3,
        "tried three times"
    );
    let kept = stack
        .peek(stack.id_of("AsyncDeadLetters").unwrap())
        .unwrap();
    assert_eq!(kept.len(), 1);
    let kept: Value = serde_json::from_str(&kept[0]).unwrap();
    assert_eq!(
        kept["requestPayload"]["detail"]["eventID"],
        record["eventID"]
    );
    // The topic is back, and the letter delivered again: nothing is lost.
    let name = topic.rsplit(':').next().unwrap();
    stack
        .call("sns", "create_topic", &json!({ "Name": name }))
        .unwrap();
    let inbox = format!("arn:aws:sqs:us-east-1:{}:inbox", stack.account);
    let subscription = json!({
        "TopicArn": topic, "Protocol": "sqs", "Endpoint": inbox,
        "Attributes": { "RawMessageDelivery": "true" },
    });
    stack.call("sns", "subscribe", &subscription).unwrap();
    stack.invoke("role-trust", &kept["requestPayload"]).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert!(stages(&alerts).contains(&"detected"), "{alerts:#?}");
    assert!(stages(&alerts).contains(&"outcome"), "{alerts:#?}");
}

#[test]
fn without_its_table_it_alerts_and_writes_nothing() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    delete_table(&stack);
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    assert!(stack.wait_until_quiet(Duration::from_secs(120)).unwrap());
    let alerts = stack.alerts().unwrap();
    assert!(!alerts.is_empty(), "the alert goes out");
    assert_eq!(codes(&alerts[0]), ["unknown-third-party"]);
    assert_eq!(
        stack.live_trust(ROLE),
        WITH_STRANGER,
        "nothing is written from memory that is gone"
    );
}

#[test]
fn without_rules_no_function_starts_and_says_why() {
    let machine = machine();
    let missing = machine.folder.join("no-such-rules.json");
    let stack = machine
        .deploy(&fresh_account(), "guard", &[], &missing)
        .unwrap();
    let damaged = machine.folder.join("damaged.json");
    std::fs::write(&damaged, "{\"version\": 1").unwrap();
    let other = machine
        .deploy(&fresh_account(), "guard", &[], &damaged)
        .unwrap();
    for binary in ["role-trust", "access-key", "root-activity", "remediator"] {
        for (stack, name) in [(&stack, "no-such-rules.json"), (&other, "damaged.json")] {
            let ending = stack.invoke(binary, &json!({})).unwrap();
            let Ending::NotStarted(said) = ending else {
                panic!("{binary} started: {ending:?}");
            };
            let said = said + &stack.log(binary).unwrap();
            assert!(said.contains(name), "{binary}: {said}");
        }
    }
}

#[test]
fn a_remediator_that_dies_after_its_write_is_followed_by_one_that_knows() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack
        .crash_after("remediator", "iam:UpdateAssumeRolePolicy")
        .unwrap();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(alerts[0]["stage"], "detected");
    assert!(stages(&alerts[1..]).contains(&"outcome"), "{alerts:#?}");
    assert!(stack.invocations("remediator").unwrap() >= 3);
    assert_untroubled(&stack);
}

#[test]
fn a_judge_that_dies_after_its_alert_still_gets_its_order_through() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.crash_after("role-trust", "sns:Publish").unwrap();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert!(stages(&alerts).contains(&"detected") && stages(&alerts).contains(&"outcome"));
    let seen = stack.seen().unwrap();
    assert!(
        seen.refusals.is_empty() && seen.lost.is_empty(),
        "{seen:#?}"
    );
    // Whether the dead judge's alert went out it alone knew: until its lease is over, other
    // deliveries wait. AWS delivers again after one and two minutes, this machine at once, so here
    // the event may end among the letters; it is never lost.
    let letters = stack
        .peek(stack.id_of("AsyncDeadLetters").unwrap())
        .unwrap();
    assert!(letters.len() <= 1, "{letters:#?}");
}

#[test]
fn an_order_that_is_none_ends_among_the_dead_unread_by_nobody() {
    let stack = enforcing();
    let url = stack.output("OrdersUrl").unwrap();
    let order = json!({
        "QueueUrl": url, "MessageBody": "not an order",
        "MessageGroupId": "g", "MessageDeduplicationId": "d",
    });
    stack.call("sqs", "send_message", &order).unwrap();
    for _ in 0..40 {
        assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
        if stack.waiting_orders().unwrap() == 0 {
            break;
        }
        stack.hasten().unwrap();
    }
    let letters = stack
        .peek(stack.output("OrdersDeadLettersUrl").unwrap())
        .unwrap();
    assert_eq!(letters, ["not an order"]);
}

#[test]
fn two_roles_at_once_do_not_wait_for_each_other() {
    let stack = enforcing();
    for name in [
        "DatadogIntegrationA",
        "DatadogIntegrationB",
        "DatadogIntegrationC",
    ] {
        stack.creates_role(Actor::Intruder, name, WITH_STRANGER);
    }
    stack.settles();
    let lawful: Value = serde_json::from_str(LAWFUL).unwrap();
    for name in [
        "DatadogIntegrationA",
        "DatadogIntegrationB",
        "DatadogIntegrationC",
    ] {
        let live: Value = serde_json::from_str(&stack.live_trust(name)).unwrap();
        assert_eq!(live, lawful, "{name}");
    }
    let alerts = stack.alerts().unwrap();
    assert_eq!(alerts.len(), 6, "{alerts:#?}");
    assert_untroubled(&stack);
}

// ---------------------------------------------------------------- access-key

fn creates_key(stack: &Stack<'_>, user: &str) -> String {
    stack
        .call("iam", "create_user", &json!({ "UserName": user }))
        .unwrap();
    let made = stack
        .call("iam", "create_access_key", &json!({ "UserName": user }))
        .unwrap();
    let key = made["AccessKey"]["AccessKeyId"]
        .as_str()
        .unwrap()
        .to_owned();
    let record = cloudtrail::create_access_key(&stack.account, Actor::Intruder, user, &key);
    stack.put_record(&record).unwrap();
    key
}

fn key_status(stack: &Stack<'_>, user: &str) -> String {
    let keys = stack
        .call("iam", "list_access_keys", &json!({ "UserName": user }))
        .unwrap();
    keys["AccessKeyMetadata"][0]["Status"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_key_that_may_not_be_is_switched_off_and_others_are_left() {
    let stack = enforcing();
    creates_key(&stack, "reporting");
    creates_key(&stack, "ci-deploy");
    stack.settles();
    assert_eq!(key_status(&stack, "reporting"), "Inactive");
    assert_eq!(key_status(&stack, "ci-deploy"), "Active");
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(codes(&alerts[0]), ["access-key-created"]);
    assert_eq!(outcome(&alerts[1]), "deactivated");
    assert_untroubled(&stack);
}

#[test]
fn a_console_password_is_news() {
    let stack = enforcing();
    let request = json!({ "userName": "reporting", "passwordResetRequired": false });
    let answer = json!({ "loginProfile": { "userName": "reporting" } });
    let record = cloudtrail::record(
        &stack.account,
        Actor::Intruder,
        "iam",
        "CreateLoginProfile",
        &request,
        &answer,
    );
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["console-password-created"]);
    assert_untroubled(&stack);
}

#[test]
fn a_root_key_is_told_by_both_who_watch() {
    let stack = enforcing();
    let answer =
        json!({ "accessKey": { "accessKeyId": "AKIAEXAMPLEROOTKEY001", "status": "Active" } });
    let record = cloudtrail::record(
        &stack.account,
        Actor::Root,
        "iam",
        "CreateAccessKey",
        &Value::Null,
        &answer,
    );
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    let told: Vec<_> = alerts.iter().flat_map(codes).collect();
    assert!(
        told.contains(&"root-access-key") && told.contains(&"root-activity"),
        "{told:?}"
    );
    assert_untroubled(&stack);
}

// ---------------------------------------------------------------- root-activity

#[test]
fn root_signs_in_with_and_without_mfa() {
    let stack = enforcing();
    stack
        .put_record(&cloudtrail::root_sign_in(&stack.account, true, true))
        .unwrap();
    stack.settles();
    stack
        .put_record(&cloudtrail::root_sign_in(&stack.account, true, false))
        .unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["root-sign-in"]);
    assert!(codes(&alerts[1]).contains(&"root-without-mfa"));
    assert_untroubled(&stack);
}

#[test]
fn what_root_calls_is_told_reading_calls_too() {
    let stack = enforcing();
    let mut record = cloudtrail::record(
        &stack.account,
        Actor::Root,
        "secretsmanager",
        "GetSecretValue",
        &json!({ "secretId": "prod/db" }),
        &Value::Null,
    );
    record["readOnly"] = json!(true);
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["root-activity"]);
    assert_untroubled(&stack);
}

#[test]
fn a_storm_of_failed_sign_ins_does_not_hide_a_back_door() {
    let stack = enforcing();
    for _ in 0..40 {
        stack
            .put_record(&cloudtrail::root_sign_in(&stack.account, false, false))
            .unwrap();
    }
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    assert!(stack.wait_until_quiet(Duration::from_secs(120)).unwrap());
    let alerts = stack.alerts().unwrap();
    let door = alerts
        .iter()
        .filter(|alert| codes(alert).contains(&"public-trust"));
    assert_eq!(door.count(), 2, "detected and outcome: {alerts:#?}");
    let failed = alerts
        .iter()
        .filter(|alert| codes(alert).contains(&"root-sign-in-failed"));
    let failed = failed.count();
    assert!(
        (1..=2).contains(&failed),
        "{failed} alerts about failed sign-ins"
    );
    assert_untroubled(&stack);
}

// ---------------------------------------------------------------- who may do what, live

#[test]
fn nobody_but_the_remediator_writes_and_not_even_it_in_mode_alert() {
    let enforcing = enforcing();
    let alerting = deployed(&[], RULES);
    for (stack, writers) in [(&enforcing, &["remediator"][..]), (&alerting, &[][..])] {
        stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
        for function in stack.functions() {
            let request = json!({ "RoleName": ROLE, "PolicyDocument": LAWFUL });
            let account = &stack.machine.account;
            let answer =
                account.call_as(&function.role, "iam", "update_assume_role_policy", &request);
            let expected = writers.contains(&function.binary.as_str());
            assert_eq!(answer.is_ok(), expected, "{}: {answer:?}", function.binary);
            // Not even the remediator touches the guard's own roles.
            let own = function.role.rsplit('/').next().unwrap();
            let remediator = &stack.function("remediator").unwrap().role;
            let request = json!({ "RoleName": own, "PolicyDocument": OPEN });
            let answer = account.call_as(remediator, "iam", "update_assume_role_policy", &request);
            assert_eq!(answer.unwrap_err().code(), Some("AccessDenied"), "{own}");
        }
        stack.settles();
    }
}

#[test]
fn a_rule_that_may_not_invoke_leaves_a_letter() {
    // Delivery itself is checked here: what the template's permissions do not admit does not
    // arrive, and what they admit is not lost. Only a wrong template could show the former.
    let stack = enforcing();
    let rule = stack.id_of("RoleTrustRule").unwrap();
    let stranger = "arn:aws:lambda:us-east-1:111111111111:function:stranger";
    let letters = stack.resources()["EventDeadLetters"].arn.clone().unwrap();
    let target = json!({ "Rule": rule, "Targets": [
        { "Id": "stranger", "Arn": stranger, "DeadLetterConfig": { "Arn": letters } },
    ]});
    stack.call("events", "put_targets", &target).unwrap();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    assert_eq!(
        stack
            .peek(stack.id_of("EventDeadLetters").unwrap())
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_missing_binary_is_not_an_answer() {
    let machine = machine();
    let rules = Path::new("rules.json");
    let stack = machine
        .deploy(&fresh_account(), "guard", &[], rules)
        .unwrap();
    let arn = &stack.function("role-trust").unwrap().arn;
    let mut function = machine.lambda.function(arn).unwrap();
    function.program = machine.folder.join("not-built");
    machine.lambda.add(function);
    let error = stack.invoke("role-trust", &json!({})).unwrap_err();
    assert!(
        error.to_string().contains("cargo build --workspace"),
        "{error}"
    );
}
