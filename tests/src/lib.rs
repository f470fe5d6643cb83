//! End-to-end tests live in this package's `tests/` folder; here is what they share: one account
//! process per test binary, and in it one AWS account per test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed; this crate is never shipped"
)]

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use local::account::Mail;
use local::cloudtrail::{self, Actor};
use local::{Machine, Stack};
use serde_json::{Value, json};

/// The project's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .canonicalize()
        .unwrap()
}

/// Where cargo put the binaries of this build.
pub fn binaries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent()
        .and_then(Path::parent)
        .expect("a test lies in deps/")
        .to_owned()
}

/// Where tests may write: cargo's own folder for it, which `cargo clean` empties.
pub fn scratch() -> PathBuf {
    let binaries = binaries();
    binaries.parent().unwrap_or(&binaries).join("tmp")
}

/// The machine of this test binary, started at first use. Its account ends with this process,
/// whose end closes the account's standard input.
pub fn machine() -> &'static Machine {
    static MACHINE: OnceLock<Machine> = OnceLock::new();
    MACHINE.get_or_init(|| {
        let folder = scratch().join(format!("stack-{}", std::process::id()));
        let machine = Machine::start(&binaries(), &folder);
        machine.unwrap_or_else(|error| panic!("{error}: {:?}", std::error::Error::source(&error)))
    })
}

/// An account that no other test of this binary has.
pub fn fresh_account() -> String {
    static ACCOUNTS: AtomicU64 = AtomicU64::new(0);
    let number = ACCOUNTS.fetch_add(1, Ordering::Relaxed);
    format!("{:012}", 111_100_000_000 + number)
}

/// Rules for the tests: one vendor with an external id, one user who may have keys, everything
/// enforced. In YAML, as an operator writes them.
pub const RULES: &str = r#"
version: 1
mode: enforce
vendors:
  - name: Datadog
    accounts: ["464622532012"]
    roles: ["DatadogIntegration*"]
    external_id: { required: true, values: ["5b0c9f3de1a84c7b9d26f0a4c8e7135a"], owner: vendor }
access_keys: { allow_users: ["ci-*"], on_violation: deactivate }
remediation: { changed_role: revert, new_role: repair }
"#;

/// What the registered vendor's role is created with.
pub const LAWFUL: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Datadog","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::464622532012:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}}]}"#;

/// The same with an external account beside the vendor.
pub const WITH_STRANGER: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"Datadog","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::464622532012:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"5b0c9f3de1a84c7b9d26f0a4c8e7135a"}}},{"Sid":"Support","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::666677778888:root"},"Action":"sts:AssumeRole"}]}"#;

/// Everyone.
pub const OPEN: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}"#;

/// Rules in YAML as the functions load them.
pub fn compiled(name: &str, rules: &str) -> PathBuf {
    let machine = machine();
    let yaml = machine.folder.join(format!("access-{name}.yaml"));
    std::fs::write(&yaml, rules).unwrap();
    machine.compile_rules(&yaml, name).unwrap()
}

/// A stack of its own account, its rules compiled from YAML.
pub fn deployed(parameters: &[(&str, &str)], rules: &str) -> Stack<'static> {
    deployed_in(&fresh_account(), parameters, rules)
}

/// The same in an account that the rules know.
pub fn deployed_in(account: &str, parameters: &[(&str, &str)], rules: &str) -> Stack<'static> {
    let compiled = compiled(account, rules);
    machine()
        .deploy(account, "guard", parameters, &compiled)
        .unwrap()
}

/// As most tests want it: enforcing, with an inbox.
pub fn enforcing() -> Stack<'static> {
    deployed(
        &[("Mode", "enforce"), ("AlertEmail", "oncall@example.com")],
        RULES,
    )
}

/// What a person does in IAM, with the record that CloudTrail writes of it put on the bus.
pub trait Operator {
    /// Creates a role; returns IAM's answer.
    fn creates_role(&self, actor: Actor, name: &str, document: &str) -> Value;
    /// Changes its trust policy.
    fn changes_trust(&self, actor: Actor, name: &str, document: &str) -> Value;
    /// The trust policy that IAM holds now, byte for byte.
    fn live_trust(&self, name: &str) -> String;
    /// Waits until nothing is under way, ending all waiting for another look.
    fn settles(&self);
    /// Lets time pass that no test can wait for: the account's roles and all that the guard's table
    /// holds are so many seconds older afterwards.
    fn time_passes(&self, seconds: i64);
    /// E-mails so far.
    fn mails(&self) -> Vec<Mail>;
}

impl Operator for Stack<'_> {
    fn creates_role(&self, actor: Actor, name: &str, document: &str) -> Value {
        let request = json!({ "RoleName": name, "AssumeRolePolicyDocument": document });
        let answer = self.call("iam", "create_role", &request).unwrap();
        let role = answer.get("Role").unwrap().clone();
        let record = cloudtrail::create_role(&self.account, actor, name, document, &role);
        self.put_record(&record).unwrap();
        role
    }

    fn changes_trust(&self, actor: Actor, name: &str, document: &str) -> Value {
        let request = json!({ "RoleName": name, "PolicyDocument": document });
        self.call("iam", "update_assume_role_policy", &request)
            .unwrap();
        let record = cloudtrail::update_trust(&self.account, actor, name, document);
        self.put_record(&record).unwrap();
        record
    }

    fn live_trust(&self, name: &str) -> String {
        self.trust_of(name).unwrap()
    }

    fn settles(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            assert!(
                self.wait_until_quiet(Duration::from_secs(60)).unwrap(),
                "still busy after a minute"
            );
            if self.waiting_orders().unwrap() == 0 {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "orders still wait after a minute"
            );
            // The next look is one after a while, as it seems to the order.
            ages(self, "/order/", 60);
            self.hasten().unwrap();
        }
    }

    fn time_passes(&self, seconds: i64) {
        self.age_roles(seconds).unwrap();
        ages(self, "", seconds);
    }

    fn mails(&self) -> Vec<Mail> {
        self.seen().unwrap().mails
    }
}

/// Makes the items of the guard's table whose key holds a text so many seconds older.
fn ages(stack: &Stack<'_>, keyed: &str, seconds: i64) {
    let table = stack.output("Table").unwrap();
    let all = stack.call("dynamodb", "scan", &json!({ "TableName": table }));
    let mut all = all.unwrap();
    for item in all["Items"].as_array_mut().unwrap() {
        if item["pk"].to_string().contains(keyed) {
            grow_older(item, SignedDuration::from_secs(seconds));
            let request = json!({ "TableName": table, "Item": item });
            stack.call("dynamodb", "put_item", &request).unwrap();
        }
    }
}

/// Moves every moment in an item back: those in text, and those in nanoseconds.
fn grow_older(value: &mut Value, by: SignedDuration) {
    match value {
        Value::String(text) => {
            let nanoseconds = text
                .parse::<i128>()
                .ok()
                .filter(|&at| at > 1_000_000_000_000_000_000);
            if let Ok(at) = text.parse::<Timestamp>() {
                *text = (at - by).to_string();
            } else if let Some(at) = nanoseconds {
                *text = (at - by.as_nanos()).to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| grow_older(value, by)),
        Value::Object(fields) => fields.values_mut().for_each(|value| grow_older(value, by)),
        _ => {}
    }
}
