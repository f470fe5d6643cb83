//! `trustwarden status` and `test-alert`, asked about the deployed stack.

use std::path::Path;
use std::process::{Command, Output};

use local::Stack;
use local::cloudtrail::Actor;
use serde_json::json;
use trustwarden_tests::{OPEN, Operator, RULES, binaries, compiled, machine};

/// The account that an operator's key belongs to.
const ACCOUNT: &str = "123456789012";

fn trustwarden(stack: &Stack<'_>, words: &[&str]) -> Output {
    Command::new(binaries().join("trustwarden"))
        .args(words)
        .env_clear()
        .env("AWS_ENDPOINT_URL", stack.machine.account.endpoint())
        .env("AWS_ACCESS_KEY_ID", "AKIAOPERATOR00000000")
        .env("AWS_SECRET_ACCESS_KEY", "operator")
        // Nothing of this machine's own configuration.
        .env("HOME", Path::new("/nonexistent"))
        .output()
        .unwrap()
}

#[test]
fn the_guard_is_alive_and_a_test_alert_arrives() {
    let rules = compiled(ACCOUNT, RULES);
    let parameters = [
        ("Mode", "enforce"),
        ("AlertEmail", "oncall@example.com"),
        ("OperationsEmail", "operations@example.com"),
    ];
    let stack = machine()
        .deploy(ACCOUNT, "trustwarden", &parameters, &rules)
        .unwrap();

    let output = trustwarden(&stack, &["status", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("WRONG sweep last: no sweep has begun"),
        "{said}"
    );
    stack.invoke("sweep", &serde_json::json!({})).unwrap();

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
        (output.status.code(), said)
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
}

#[test]
fn status_names_what_somebody_took_away() {
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
