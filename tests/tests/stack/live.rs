//! `trustwarden status` and `test-alert`, asked about the deployed stack.

use std::path::Path;
use std::process::{Command, Output};

use local::Stack;
use trustwarden_tests::{Operator, RULES, binaries, compiled, machine};

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
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}{errors}");
    for word in ["RoleTrust", "RootCallRule", "oncall@example.com", "enforce"] {
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
    assert_eq!(readers, ["oncall@example.com", "operations@example.com"]);

    // A rule that someone switched off is named.
    let rule = serde_json::json!({ "Name": stack.id_of("RoleTrustRule").unwrap() });
    stack.call("events", "disable_rule", &rule).unwrap();
    let output = trustwarden(&stack, &["status", "--region", "us-east-1"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("WRONG rule RoleTrustRule"), "{said}");
}
