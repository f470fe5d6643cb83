//! What an operator does about an incident, from the command line to IAM and the topic: each with
//! keys of their own, over the function's URL.

use std::path::Path;
use std::process::Command;

use local::Stack;
use local::cloudtrail::Actor;
use serde_json::{Value, json};
use trustwarden_tests::{
    LAWFUL, Operator, RULES, WITH_STRANGER, binaries, deployed_in, fresh_account, machine,
};

const ROLE: &str = "DatadogIntegration";
const DAY: i64 = 86_400;

/// A person with keys, and what they hold of the stack's policies.
struct Person<'s> {
    stack: &'s Stack<'static>,
    key: String,
    secret: String,
}

impl<'s> Person<'s> {
    fn with(stack: &'s Stack<'static>, name: &str, policies: &[&str]) -> Self {
        let user = json!({ "UserName": name });
        stack.call("iam", "create_user", &user).unwrap();
        for policy in policies {
            let arn = stack.output(policy).unwrap();
            let attached = json!({ "UserName": name, "PolicyArn": arn });
            stack.call("iam", "attach_user_policy", &attached).unwrap();
        }
        let made = stack.call("iam", "create_access_key", &user).unwrap();
        let text = |name: &str| made["AccessKey"][name].as_str().unwrap().to_owned();
        Self {
            stack,
            key: text("AccessKeyId"),
            secret: text("SecretAccessKey"),
        }
    }

    fn says(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(binaries().join("trustwarden"))
            .args(words)
            .args(["--region", "us-east-1", "--stack", "guard"])
            .env_clear()
            .env("AWS_ENDPOINT_URL", self.stack.machine.account.endpoint())
            .env("AWS_ACCESS_KEY_ID", &self.key)
            .env("AWS_SECRET_ACCESS_KEY", &self.secret)
            .env("HOME", Path::new("/nonexistent"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), said + &errors)
    }

    #[track_caller]
    fn succeeds(&self, words: &[&str]) -> String {
        let (status, said) = self.says(words);
        assert_eq!(status, Some(0), "{words:?}: {said}");
        said
    }

    #[track_caller]
    fn fails(&self, words: &[&str], because: &str) {
        let (status, said) = self.says(words);
        assert_eq!(status, Some(2), "{words:?}: {said}");
        assert!(said.contains(because), "{because}: {said}");
    }
}

/// An account in which somebody gave an unknown account access, and the guard restored what was there.
fn remediated() -> (Stack<'static>, String) {
    let account = fresh_account();
    let rules = format!(
        "{RULES}\noperators: {{ approvers: [\"arn:aws:iam::{account}:user/bob\", \
         \"arn:aws:iam::{account}:user/ci-legacy\"] }}\n"
    );
    let parameters = [("Mode", "enforce"), ("AlertEmail", "oncall@example.com")];
    let stack = deployed_in(&account, &parameters, &rules);
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.time_passes(600);
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let incident = stack.alerts().unwrap()[0]["incident"]
        .as_str()
        .unwrap()
        .to_owned();
    (stack, incident)
}

fn titles(stack: &Stack<'_>) -> Vec<String> {
    let alerts = stack.alerts().unwrap().into_iter();
    alerts
        .map(|alert| alert["title"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn an_incident_is_listed_shown_approved_and_taken_back() {
    let (stack, incident) = remediated();
    let bob = Person::with(&stack, "bob", &["RestoreRolesPolicy"]);
    let said = bob.succeeds(&["incidents"]);
    assert!(
        said.contains(&incident) && said.contains("1 incident in the last 7 days"),
        "{said}"
    );
    let said = bob.succeeds(&["incidents", "show", &incident]);
    for word in [
        "who:",
        "unknown-third-party",
        "this request is allowed",
        "666677778888",
        "restored",
    ] {
        assert!(said.contains(word), "{word}: {said}");
    }
    let said = bob.succeeds(&["incidents", "show", &incident, "--format", "json"]);
    let shown: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(shown["document"], WITH_STRANGER);
    assert_eq!(shown["digest"].as_str().unwrap().len(), 64);

    // The rules do not allow it, and nobody has approved it.
    bob.fails(
        &["undo", &incident, "--reason", "SEC-77", "--yes"],
        "do not allow",
    );
    bob.fails(&["approve", &incident, "--reason", "SEC-77"], "say --yes");
    assert_eq!(titles(&stack).len(), 2, "nothing was announced");

    let said = bob.succeeds(&["approve", &incident, "--reason", "SEC-77", "--yes"]);
    assert!(said.contains("approved by"), "{said}");
    let alerts = stack.alerts().unwrap();
    assert_eq!(alerts[2]["outcome"]["kind"], "approved");
    let by = format!("arn:aws:iam::{}:user/bob", stack.account);
    assert!(
        alerts[2]["outcome"]["text"].as_str().unwrap().contains(&by),
        "{}",
        alerts[2]
    );

    // Taken back with Bob's own keys; the guard sees it, says so, and leaves it.
    bob.succeeds(&["undo", &incident, "--reason", "SEC-77", "--yes"]);
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    bob.fails(
        &["undo", &incident, "--reason", "SEC-77", "--yes"],
        "stands there already",
    );
    stack.changes_trust(Actor::Administrator, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    let alerts = stack.alerts().unwrap();
    let last = alerts.last().unwrap();
    assert_eq!(last["outcome"]["kind"], "approved", "{last}");

    // It ends by itself.
    stack.time_passes(8 * DAY);
    stack.changes_trust(Actor::Administrator, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stack.seen().unwrap().lost.len(), 0);
}

#[test]
fn whoever_made_the_change_or_holds_no_duty_decides_nothing() {
    let (stack, incident) = remediated();
    let own = &incident;
    let mut intruder = Person::with(&stack, "ci-legacy", &["ReadIncidentsPolicy"]);
    intruder.fails(
        &["approve", own, "--reason", "mine", "--yes"],
        "a second person",
    );
    intruder.succeeds(&["incidents", "show", own]);

    // Read, and no word in the rules: they see, and decide nothing.
    let carol = Person::with(&stack, "carol", &["ReadIncidentsPolicy"]);
    carol.succeeds(&["incidents"]);
    carol.fails(
        &["approve", own, "--reason", "please", "--yes"],
        "operators.approvers",
    );

    // No policy: not even that; nor with a key that is somebody else's secret's.
    let bob = Person::with(&stack, "bob", &["RestoreRolesPolicy"]);
    intruder.secret = bob.secret.clone();
    let before = titles(&stack).len();
    assert_eq!(intruder.says(&["incidents"]).0, Some(2));
    let dave = Person::with(&stack, "dave", &[]);
    assert_eq!(dave.says(&["incidents"]).0, Some(2));
    assert_eq!(titles(&stack).len(), before);
}

#[test]
fn a_lasting_approval_is_a_change_of_the_rules_with_all_comments_kept() {
    let (stack, incident) = remediated();
    let bob = Person::with(&stack, "bob", &["ReadIncidentsPolicy"]);
    let file = machine()
        .folder
        .join(format!("approved-{}.yaml", stack.account));
    let rules = RULES.replace("vendors:", "# who may\nvendors: # these");
    std::fs::write(&file, &rules).unwrap();
    let path = file.to_str().unwrap();
    let words = ["approve", &incident, "--write-rule", "--rules", path];
    let said = bob.succeeds(&words);
    assert!(said.contains("+    accounts: [\"666677778888\"]"), "{said}");
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        rules,
        "shown, and not written"
    );
    bob.succeeds(&[&words[..], &["--yes"]].concat());
    let after = std::fs::read_to_string(&file).unwrap();
    assert!(after.contains("# who may\nvendors: # these"), "{after}");
    let (status, said) = bob.says(&words);
    assert_eq!(status, Some(1), "{said}");
    assert!(said.contains("allow it already"), "{said}");
}
