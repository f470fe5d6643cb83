//! `make demo`, as a person reads it, and `make smoke`, whose account is here on this machine.

use std::cell::OnceCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use local::account::AccountError;
use local::smoke::{Ground, Options, remove_smoke, smoke};
use local::{Machine, Stack, StoryError};
use serde_json::{Value, json};
use trustwarden_tests::{binaries, machine};

#[test]
fn the_demo_runs_to_its_end() {
    let transcript = machine().folder.join("demo.json");
    let mut reported = Vec::new();
    let ok = local::demo::demo(&binaries(), &transcript, &mut reported).unwrap();
    let reported = String::from_utf8(reported).unwrap();
    assert!(ok, "{reported}");
    let transcript: Value = serde_json::from_slice(&std::fs::read(transcript).unwrap()).unwrap();
    assert_eq!(transcript["ok"], true);
    let steps = transcript["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 6);
    for step in steps {
        for field in ["name", "call", "alerts", "iam_after", "seconds"] {
            assert!(step.get(field).is_some(), "{field}: {step}");
        }
    }
    // The steps, the e-mails, the end.
    for line in [
        "1. The platform team gives Datadog access",
        "\n   │ Subject: REMEDIATING ",
        "AccessDenied",
        "What IAM holds at the end",
        "All of it was seen",
    ] {
        assert!(reported.contains(line), "{line}: {reported}");
    }
}

/// The account on this machine for the smoke test, which refuses one where a guard is already.
struct Here<'a> {
    machine: &'a Machine,
    stack: OnceCell<Stack<'a>>,
    /// Whether events come through.
    records: bool,
    /// Set when the stack stands.
    stop: Option<&'a AtomicBool>,
}

impl Ground for Here<'_> {
    fn deploy(&self, _: &Options<'_>, stack: &str, _: &str) -> Result<(), StoryError> {
        let rules = self.machine.root.join("crates/local/demo/access.yaml");
        let rules = self.machine.compile_rules(&rules, "smoke")?;
        let parameters = [("Mode", "enforce")];
        let made = self.machine.deploy(ACCOUNT, stack, &parameters, &rules)?;
        made.invoke("sweep", &json!({}))?;
        drop(self.stack.set(made));
        if let Some(stop) = self.stop {
            stop.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn put_record(&self, record: &Value) -> Result<(), AccountError> {
        match self.stack.get() {
            Some(stack) if self.records => stack.put_record(record),
            _ => Ok(()),
        }
    }
}

/// The account that an operator's key belongs to.
const ACCOUNT: &str = "123456789012";

#[test]
fn the_smoke_test_plays_on_the_local_stack_and_removes_all_it_made() {
    let machine = Machine::start(&binaries(), &machine().folder.join("smoke")).unwrap();
    let call = |service: &str, operation: &str, request: Value| {
        let answer = machine.account.call(ACCOUNT, service, operation, &request);
        answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
    };
    let environment = [
        ("AWS_ENDPOINT_URL", machine.account.endpoint()),
        ("AWS_ACCESS_KEY_ID", "AKIAOPERATOR00000000"),
        ("AWS_SECRET_ACCESS_KEY", "operator"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
    ];
    let (never, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let binaries = binaries();
    let options = |stop, seconds| Options {
        root: &machine.root,
        binaries: &binaries,
        environment: &environment,
        patience: Duration::from_secs(seconds),
        pause: Duration::from_millis(20),
        stop,
    };
    let here = |records, stop| Here {
        machine: &machine,
        stack: OnceCell::new(),
        records,
        stop,
    };
    let run = |options: &Options<'_>, ground: &Here<'_>, answer: &str| {
        let mut reported = Vec::new();
        let mut asked = 0;
        let begun = || {
            asked += 1;
            Ok(())
        };
        let ended = smoke(
            options,
            ground,
            &mut answer.as_bytes(),
            begun,
            &mut reported,
        );
        (ended, String::from_utf8(reported).unwrap(), asked)
    };
    let names = |answer: &Value, list: &str, name: &str| -> Vec<String> {
        let all = answer[list].as_array().unwrap().iter();
        let name = |one: &Value| one[name].as_str().unwrap_or_default().to_owned();
        let mut all: Vec<String> = all.map(name).collect();
        all.sort_unstable();
        all
    };
    let everything = || {
        let list = |service, operation| call(service, operation, json!({}));
        let mut all = names(&list("iam", "list_roles"), "Roles", "RoleName");
        all.extend(names(&list("iam", "list_users"), "Users", "UserName"));
        all.extend(names(
            &list("lambda", "list_functions"),
            "Functions",
            "FunctionName",
        ));
        all.extend(names(&list("lambda", "list_layers"), "Layers", "LayerName"));
        all.extend(names(&list("sns", "list_topics"), "Topics", "TopicArn"));
        all.extend(names(&list("s3", "list_buckets"), "Buckets", "Name"));
        all.extend(names(&list("events", "list_rules"), "Rules", "Name"));
        all.extend(names(
            &list("logs", "describe_log_groups"),
            "logGroups",
            "logGroupName",
        ));
        let plain = [
            ("sqs", "list_queues", "QueueUrls"),
            ("dynamodb", "list_tables", "TableNames"),
        ];
        for (service, operation, list) in plain {
            let found = call(service, operation, json!({}));
            let found = found[list].as_array().cloned().unwrap_or_default();
            // The machine's own ears are no part of it.
            let others = found.iter().map(Value::to_string);
            all.extend(others.filter(|name| !name.ends_with("inbox\"")));
        }
        all
    };

    // Nothing would arrive: it does not even ask.
    let (ended, said, begun) = run(&options(&never, 20), &here(true, None), ACCOUNT);
    let refused = ended.unwrap_err().to_string();
    assert!(refused.contains("no trail"), "{refused}");
    assert_eq!((said.as_str(), begun), ("", 0));
    call("s3", "create_bucket", json!({ "Bucket": "trail" }));
    let trail = json!({
        "Name": "trail", "S3BucketName": "trail",
        "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
    });
    call("cloudtrail", "create_trail", trail);
    call("cloudtrail", "start_logging", json!({ "Name": "trail" }));
    let selectors = [json!({ "ReadWriteType": "All", "IncludeManagementEvents": true })];
    let selectors = json!({ "TrailName": "trail", "EventSelectors": selectors });
    call("cloudtrail", "put_event_selectors", selectors);
    let before = everything();

    // It asks, and any other answer is a no.
    let (ended, said, begun) = run(&options(&never, 20), &here(true, None), "yes\n");
    assert_eq!(ended.unwrap_err().to_string(), "nothing was done");
    assert!(
        said.contains("Type the account's number to go on"),
        "{said}"
    );
    assert_eq!((everything(), begun), (before.clone(), 0));

    // To its end.
    let ground = here(true, None);
    let (ended, said, begun) = run(&options(&never, 20), &ground, "123456789012\n");
    assert!(ended.unwrap(), "{said}");
    assert_eq!(begun, 1);
    for line in [
        " s  alert: unknown-third-party",
        " s  the key is deactivated",
        "What differed from the local stack\n   nothing",
        "trustwarden status: exit status: 0",
        "trustwarden-smoke: gone",
        "Nothing is left but",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert_eq!(everything(), before, "{said}");

    // Ctrl-C in the midst of a step, and one that sees nothing: both leave nothing, either.
    let (ended, said, _) = run(&options(&stop, 20), &here(true, Some(&stop)), ACCOUNT);
    assert_eq!(ended.unwrap_err().to_string(), "interrupted", "{said}");
    assert!(
        said.contains("Not played to its end: interrupted"),
        "{said}"
    );
    assert_eq!(everything(), before, "{said}");
    let (ended, said, _) = run(&options(&never, 0), &here(false, None), ACCOUNT);
    assert!(!ended.unwrap(), "{said}");
    assert!(
        said.contains("not seen: alert: unknown-third-party"),
        "{said}"
    );
    for differs in [
        "not here: outcome CRITICAL unknown-third-party reverted",
        "only here: trustwarden-smoke-reporting: [\"Active\"]",
    ] {
        assert!(said.contains(differs), "{differs}: {said}");
    }
    assert_eq!(everything(), before, "{said}");

    // Where a guard is at work already it does nothing, nor beside what an earlier run left.
    call(
        "iam",
        "create_user",
        json!({ "UserName": "trustwarden-smoke-reporting" }),
    );
    let (ended, _, _) = run(&options(&never, 20), &here(true, None), ACCOUNT);
    let refused = ended.unwrap_err().to_string();
    assert!(refused.contains("make smoke REMOVE=yes"), "{refused}");
    let mut reported = Vec::new();
    assert!(remove_smoke(&options(&never, 20), &mut reported).unwrap());
    assert_eq!(everything(), before);
    let rules = machine.folder.join("rules-smoke.json");
    let theirs = machine.deploy(ACCOUNT, "theirs", &[], &rules).unwrap();
    let all = everything();
    let (ended, said, _) = run(&options(&never, 20), &here(true, None), ACCOUNT);
    let refused = ended.unwrap_err().to_string();
    assert!(
        refused.contains("has Trustwarden already: stack theirs"),
        "{refused}"
    );
    assert_eq!((said.as_str(), everything()), ("", all));
    drop(theirs);
}
