//! What stays true when things around the guard fail.

use std::path::Path;
use std::time::Duration;

use local::Stack;
use local::cloudtrail::Actor;
use local::lambda::Ending;
use serde_json::{Value, json};
use trustwarden_tests::{
    LAWFUL, Operator, RULES, WITH_STRANGER, deployed, enforcing, fresh_account, machine,
};

use crate::{ROLE, assert_untroubled, codes, outcome, stages};

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

#[test]
fn without_its_topic_the_exposure_is_closed_and_the_event_kept() {
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
    for binary in [
        "role-trust",
        "access-key",
        "root-activity",
        "role-permissions",
        "identity-provider",
        "resource-share",
        "remediator",
        "guard-tamper",
        "incidents",
    ] {
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
    assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
    assert_eq!(stack.live_trust(ROLE), LAWFUL, "the write took effect");
    assert_eq!(
        stages(&stack.alerts().unwrap()),
        ["detected"],
        "and nobody lived to tell"
    );
    // Nobody heard whether the write took place, and a read may be stale: only after a minute is
    // what stands there believed.
    stack.time_passes(61);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcome(&alerts[1]), "reverted");
    assert_eq!(stack.invocations("remediator").unwrap(), 3);
    assert_untroubled(&stack);
}

#[test]
fn a_remediator_that_dies_before_its_write_is_followed_by_one_that_writes() {
    // After the old document is kept; after the intent is recorded.
    for last in ["dynamodb:PutItem", "dynamodb:TransactWriteItems"] {
        let stack = enforcing();
        stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
        stack.settles();
        stack.crash_after("remediator", last).unwrap();
        stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
        assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
        assert_eq!(stack.live_trust(ROLE), WITH_STRANGER, "{last}");
        // An intent may have been carried out, and the read be stale, for a minute.
        stack.time_passes(61);
        stack.settles();
        assert_eq!(stack.live_trust(ROLE), LAWFUL, "{last}");
        let alerts = stack.alerts().unwrap();
        assert_eq!(stages(&alerts), ["detected", "outcome"], "{last}");
        assert_eq!(outcome(&alerts[1]), "reverted", "{last}");
        assert_untroubled(&stack);
    }
}

#[test]
fn a_remediator_that_dies_after_telling_tells_twice_rather_than_never_and_writes_once() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.crash_after("remediator", "sns:Publish").unwrap();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
    assert_eq!(stages(&stack.alerts().unwrap()), ["detected", "outcome"]);
    // Whether its alert went out the dead one alone knew. Until its lease is over others wait.
    stack.time_passes(300);
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome", "outcome"]);
    assert_eq!(alerts[1]["incident"], alerts[2]["incident"]);
    assert_eq!(outcome(&alerts[2]), "reverted");
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
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
fn a_rule_that_may_not_invoke_leaves_a_letter() {
    // Delivery itself is checked here: what the template's permissions do not admit does not
    // arrive, and what they admit is not lost. Only a wrong template could show the former.
    let stack = enforcing();
    let rule = stack.id_of("RoleTrustRule").unwrap();
    let external_account = "arn:aws:lambda:us-east-1:111111111111:function:stranger";
    let letters = stack.resources()["EventDeadLetters"].arn.clone().unwrap();
    let target = json!({ "Rule": rule, "Targets": [
        { "Id": "stranger", "Arn": external_account, "DeadLetterConfig": { "Arn": letters } },
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

#[test]
fn what_the_alert_topic_refuses_goes_by_the_operations_topic() {
    let stack = deployed(
        &[("Mode", "enforce"), ("OperationsEmail", "ops@example.com")],
        RULES,
    );
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let topic = stack.output("AlertTopic").unwrap().to_owned();
    stack
        .call("sns", "delete_topic", &json!({ "TopicArn": topic }))
        .unwrap();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let mails = stack.mails();
    assert_eq!(mails.len(), 2, "{mails:#?}");
    assert!(mails.iter().all(|mail| mail.to == "ops@example.com"));
    assert!(mails[0].subject.as_deref().unwrap().contains("CRITICAL"));
    // The alarm ErrorsLogged rings.
    for function in ["role-trust", "remediator"] {
        let log = stack.log(function).unwrap();
        assert!(
            log.contains("the alert went by the operations topic"),
            "{log}"
        );
    }
    assert_untroubled(&stack);
}
