//! The runbooks, run as they are written: every shell block of docs/runbooks is taken from its page and
//! run by bash, with the AWS CLI of tests/runbooks/requirements.txt, on a deployed stack. A block that
//! cannot be run here stands in [`NOT_HERE`], with the reason; a new one is run.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use local::cloudtrail::{self, Actor};
use local::{Machine, Stack};
use serde_json::{Value, json};
use trustwarden_tests::{LAWFUL, OPEN, Operator, RULES, WITH_STRANGER, binaries, machine, root};

use crate::ROLE;
use crate::sweep::sweeps;

/// The account that an operator's key belongs to.
const ACCOUNT: &str = "123456789012";

/// What a block holds that is not run here, and why.
const NOT_HERE: [(&str, &str); 2] = [
    (
        "aws cloudtrail lookup-events",
        "the account here keeps no event history",
    ),
    (
        ".venv/bin/sam deploy",
        "tests/first_deploy runs it, over a build: test_from_alert_to_enforce_and_back_by_one_word",
    ),
];

/// Whose block ends with which status, if not 0: by its words.
const ENDS_WITH: [(&str, i32); 1] = [
    // Something is left behind, which is what the page is about.
    ("trustwarden uninstall-check --stack trustwarden", 1),
];

/// Whatever it says: the page is about its name.
const DENIAL: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

/// Alternatives: each line is run by itself, on a role that is quarantined.
const ALTERNATIVES: &str = "restore --rules rules/access.yaml ROLE --incident";

struct Walk<'a> {
    stack: &'a Stack<'a>,
    folder: PathBuf,
    /// What of [`NOT_HERE`] was met.
    passed_over: BTreeSet<&'static str>,
    walked: BTreeSet<String>,
}

/// The shell blocks of a page, in its order.
fn blocks(page: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/runbooks").join(page)).unwrap();
    let mut found = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (line.strip_prefix("```"), open.as_mut()) {
            (Some(marks), None) => {
                assert_eq!(
                    marks, "sh aws",
                    "{page}: a block of another kind is not run"
                );
                open = Some(String::new());
            }
            (Some(_), Some(_)) => found.extend(open.take()),
            (None, Some(block)) => *block += &format!("{line}\n"),
            (None, None) => {}
        }
    }
    assert!(!found.is_empty(), "{page} has no shell block");
    found
}

impl Walk<'_> {
    /// Runs the page's blocks in one shell, each as its table says, with the page's words for names
    /// replaced; each must stand there. Returns standard output.
    fn page(&mut self, page: &str, replaced: &[(&str, &str)]) -> String {
        self.blocks(page, &blocks(page), replaced)
    }

    fn blocks(&mut self, page: &str, blocks: &[String], replaced: &[(&str, &str)]) -> String {
        self.walked.insert(page.to_owned());
        let mut script = String::new();
        for block in blocks {
            if let Some((words, _)) = NOT_HERE.iter().find(|(words, _)| block.contains(words)) {
                self.passed_over.insert(words);
                continue;
            }
            let close = "close_again\n";
            let block = match block.contains(ALTERNATIVES) {
                true => block
                    .lines()
                    .map(|line| format!("{close}{line}\n"))
                    .collect(),
                false => block.clone(),
            };
            let expected = ENDS_WITH.iter().find(|(words, _)| block.contains(words));
            script += &match expected {
                Some((_, status)) => {
                    format!("status=0\n{{\n{block}}} || status=$?\n[ $status = {status} ]\n")
                }
                None => block,
            };
        }
        let closed = local_quarantine();
        std::fs::write(self.folder.join("closed.json"), closed).unwrap();
        let close = "close_again() { aws iam update-assume-role-policy --role-name ROLE \
                     --policy-document file://closed.json; }\n";
        let mut script = format!("{close}{script}");
        for (name, value) in replaced {
            let whole = blocks.concat();
            assert!(whole.contains(name), "{page} names no {name}: {whole}");
            script = script.replace(name, value);
        }
        let path = std::env::var("PATH").unwrap();
        let tools = [self.folder.join("bin"), binaries()];
        let tools: Vec<_> = tools.iter().map(|tool| tool.to_str().unwrap()).collect();
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &script])
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", format!("{}:{path}", tools.join(":")))
            .env("HOME", &self.folder)
            .envs(environment(self.stack.machine))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{page}: {script}\n{said}\n{errors}"
        );
        said
    }
}

fn environment(machine: &Machine) -> [(&'static str, String); 4] {
    [
        ("AWS_ENDPOINT_URL", machine.account.endpoint().to_owned()),
        ("AWS_ACCESS_KEY_ID", "AKIAOPERATOR00000000".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "operator".to_owned()),
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
    ]
}

/// As the guard writes it.
fn local_quarantine() -> String {
    let statement = json!({
        "Sid": "TrustwardenQuarantine", "Effect": "Deny", "Principal": { "AWS": "*" },
        "Action": ["sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"],
    });
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

/// A folder as a person works in: rules, a trust policy, files of the trail.
fn working_folder(path: &Path) {
    std::fs::create_dir_all(path.join("rules")).unwrap();
    std::fs::create_dir_all(path.join("trail-files")).unwrap();
    // The partner is known by now, so that what stood before may be restored.
    let rules = format!("{RULES}\ntrusted_accounts: [\"666677778888\"]\n");
    std::fs::write(path.join("rules/access.yaml"), rules).unwrap();
    std::fs::write(path.join("trust.json"), LAWFUL).unwrap();
    // Version 1 asks SQS at an address of its own unless the command names another.
    let aws = root().join(".venv/bin/aws");
    let aws = format!(
        "#!/bin/sh\nexec {} --endpoint-url \"$AWS_ENDPOINT_URL\" \"$@\"\n",
        aws.display()
    );
    std::fs::create_dir_all(path.join("bin")).unwrap();
    std::fs::write(path.join("bin/aws"), aws).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(path.join("bin/aws"), executable).unwrap();
    let record = cloudtrail::delete_role(ACCOUNT, Actor::Administrator, "gone");
    let file = json!({ "Records": [record] }).to_string();
    std::fs::write(path.join("trail-files/1.json"), file).unwrap();
}

fn call(stack: &Stack<'_>, service: &str, operation: &str, request: Value) -> Value {
    let answer = stack.call(service, operation, &request);
    answer.unwrap_or_else(|error| panic!("{operation}: {error}"))
}

fn count(stack: &Stack<'_>, queue: &str) -> usize {
    stack.peek(stack.id_of(queue).unwrap()).unwrap().len()
}

#[test]
fn the_runbooks_work_as_they_are_written() {
    let machine = Machine::start(&binaries(), &machine().folder.join("runbooks")).unwrap();
    let rules = machine.folder.join("access.yaml");
    std::fs::write(&rules, RULES).unwrap();
    let rules = machine.compile_rules(&rules, "runbooks").unwrap();
    let parameters = [
        ("Mode", "enforce"),
        ("AlertEmail", "oncall@example.com"),
        ("OperationsEmail", "operations@example.com"),
    ];
    let stack = machine
        .deploy(ACCOUNT, "trustwarden", &parameters, &rules)
        .unwrap();
    let stack = &stack;
    let folder = machine.folder.join("desk");
    working_folder(&folder);
    let mut walk = Walk {
        stack,
        folder,
        passed_over: BTreeSet::new(),
        walked: BTreeSet::new(),
    };
    call(stack, "s3", "create_bucket", json!({ "Bucket": "trail" }));
    let trail = json!({
        "Name": "main", "S3BucketName": "trail",
        "IsMultiRegionTrail": true, "IncludeGlobalServiceEvents": true,
    });
    call(stack, "cloudtrail", "create_trail", trail);
    let selectors = json!({
        "TrailName": "main",
        "EventSelectors": [{ "ReadWriteType": "All", "IncludeManagementEvents": true }],
    });
    call(stack, "cloudtrail", "put_event_selectors", selectors);
    call(
        stack,
        "cloudtrail",
        "start_logging",
        json!({ "Name": "main" }),
    );
    sweeps(stack);

    errors_and_blindness(&mut walk);
    dead_letters(&mut walk);
    roles(&mut walk);
    the_end(&mut walk);

    let pages = std::fs::read_dir(root().join("docs/runbooks")).unwrap();
    let pages = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    assert_eq!(
        pages.collect::<BTreeSet<_>>(),
        walk.walked,
        "a page that nobody walks"
    );
    let known: BTreeSet<&str> = NOT_HERE.iter().map(|(words, _)| *words).collect();
    assert_eq!(walk.passed_over, known, "what no page has any more");
}

fn errors_and_blindness(walk: &mut Walk<'_>) {
    let stack = walk.stack;
    let group = "/trustwarden/trustwarden/role-trust";
    let stream = json!({ "logGroupName": group, "logStreamName": "1" });
    call(stack, "logs", "create_log_stream", stream);
    let now = jiff::Timestamp::now().as_millisecond();
    let said = json!({ "timestamp": now, "message": r#"{"level":"ERROR","message":"broken"}"# });
    let events = json!({ "logGroupName": group, "logStreamName": "1", "logEvents": [said] });
    call(stack, "logs", "put_log_events", events);
    let said = walk.page("function-errors.md", &[]);
    assert!(said.contains("broken"), "{said}");

    call(
        stack,
        "cloudtrail",
        "stop_logging",
        json!({ "Name": "main" }),
    );
    let pages = blocks("guard-blind.md");
    // The page's first command is a question, and here its answer is the trail.
    let (asked, rest) = pages.split_first().unwrap();
    let sweeps = stack.invocations("sweep").unwrap();
    walk.blocks("guard-blind.md", rest, &[("TRAIL", "main")]);
    let logs = call(
        stack,
        "cloudtrail",
        "get_trail_status",
        json!({ "Name": "main" }),
    );
    assert_eq!(logs["IsLogging"], true);
    assert!(stack.invocations("sweep").unwrap() > sweeps);
    let said = walk.blocks("guard-blind.md", std::slice::from_ref(asked), &[]);
    assert!(said.contains("the guard is alive"), "{said}");
}

fn dead_letters(walk: &mut Walk<'_>) {
    let stack = walk.stack;
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let record = cloudtrail::update_trust(ACCOUNT, Actor::Administrator, ROLE, LAWFUL);
    let letter = json!({
        "requestContext": { "functionArn": stack.function("role-trust").unwrap().arn },
        "requestPayload": local::event_of(&record),
    });
    let queue = stack.id_of("AsyncDeadLetters").unwrap();
    let request = json!({ "QueueUrl": queue, "MessageBody": letter.to_string() });
    call(stack, "sqs", "send_message", request);
    let judged = stack.invocations("role-trust").unwrap();
    let said = walk.page(
        "dead-letters.md",
        &[
            ("--role-name ROLE", &format!("--role-name {ROLE}")),
            ("ACCOUNT", ACCOUNT),
        ],
    );
    assert!(said.contains("requestPayload"), "{said}");
    stack.settles();
    assert_eq!(stack.invocations("role-trust").unwrap(), judged + 1);
    assert_eq!(count(stack, "AsyncDeadLetters"), 0);

    // A queue in order deletes by no receipt whose time is over.
    let queue = stack.id_of("OrdersDeadLetters").unwrap();
    let request = json!({
        "QueueUrl": queue, "MessageBody": r#"{"letter":1}"#,
        "MessageGroupId": "role", "MessageDeduplicationId": "1",
    });
    call(stack, "sqs", "send_message", request);
    let pages = blocks("dead-letters.md");
    let of_queues = |block: &&String| block.contains("aws sqs");
    let of_queues: Vec<String> = pages.iter().filter(of_queues).cloned().collect();
    assert_eq!(of_queues.len(), 2);
    let replaced = [("AsyncDeadLetters", "OrdersDeadLetters")];
    let said = walk.blocks("dead-letters.md", &of_queues, &replaced);
    assert_eq!(said, "{\"letter\":1}\n".repeat(2));
    assert_eq!(count(stack, "OrdersDeadLetters"), 0);
    let request = json!({
        "QueueUrl": queue, "MessageBody": "{}",
        "MessageGroupId": "role", "MessageDeduplicationId": "2",
    });
    call(stack, "sqs", "send_message", request);
    let take = json!({ "QueueUrl": queue, "VisibilityTimeout": 0 });
    let taken = call(stack, "sqs", "receive_message", take);
    let receipt = &taken["Messages"][0]["ReceiptHandle"];
    let request = json!({ "QueueUrl": queue, "ReceiptHandle": receipt });
    let expired = stack.call("sqs", "delete_message", &request).unwrap_err();
    assert!(
        expired.to_string().contains("receipt handle has expired"),
        "{expired}"
    );
    call(stack, "sqs", "purge_queue", json!({ "QueueUrl": queue }));
}

fn roles(walk: &mut Walk<'_>) {
    let stack = walk.stack;
    let role = [("ROLE", ROLE), ("ACCOUNT", ACCOUNT)];
    walk.page("missing-outcome.md", &role);
    walk.page("refused-write.md", &[("ROLE", ROLE)]);
    assert_eq!(stack.live_trust(ROLE), LAWFUL);

    call(
        stack,
        "iam",
        "create_user",
        json!({ "UserName": "ci-legacy" }),
    );
    let user = json!({ "UserName": "ci-legacy" });
    let key = call(stack, "iam", "create_access_key", user.clone());
    let key = key["AccessKey"]["AccessKeyId"].as_str().unwrap();
    stack.creates_role(
        Actor::Administrator,
        "pipeline",
        LAWFUL.replace("Datadog", "Other").as_str(),
    );
    stack.settles();
    let actors = [
        ("ACTORS_ROLE", "pipeline"),
        ("ROLE", ROLE),
        ("USER", "ci-legacy"),
        ("KEY_ID", key),
    ];
    walk.page("budget-spent.md", &actors);
    let keys = call(stack, "iam", "list_access_keys", user);
    assert_eq!(keys["AccessKeyMetadata"][0]["Status"], "Inactive");
    let contained = json!({ "RoleName": "pipeline", "PolicyName": "AWSRevokeOlderSessions" });
    let contained = call(stack, "iam", "get_role_policy", contained);
    assert!(
        contained.to_string().contains("TokenIssueTime"),
        "{contained}"
    );

    // Until the guard closes it, and keeps what stood there: one to restore, one approved.
    while !stack.live_trust(ROLE).contains("TrustwardenQuarantine") {
        stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
        stack.settles();
    }
    let incident = stack.alerts().unwrap().pop().unwrap()["incident"].clone();
    let replaced = [
        ("ROLE", ROLE),
        ("INCIDENT", incident.as_str().unwrap()),
        ("ACCOUNT", ACCOUNT),
    ];
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    stack.settles();
    let said = walk.page("quarantined-role.md", &replaced);
    assert_eq!(
        said.matches(&format!("restored: role {ROLE}")).count(),
        3,
        "{said}"
    );
    assert!(said.contains("quarantined: role debug since"), "{said}");
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
}

fn the_end(walk: &mut Walk<'_>) {
    let stack = walk.stack;
    walk.page("stop-writes.md", &[]);
    let remediator = &stack.function("remediator").unwrap().function_name;
    let name = json!({ "FunctionName": remediator });
    let stopped = call(stack, "lambda", "get_function_concurrency", name.clone());
    assert_eq!(stopped["ReservedConcurrentExecutions"], 0);
    let mappings = call(stack, "lambda", "list_event_source_mappings", name);
    assert_eq!(mappings["EventSourceMappings"][0]["State"], "Disabled");

    let denial = json!({
        "RoleName": ROLE, "PolicyName": "TrustwardenDenyOlderSessions",
        "PolicyDocument": DENIAL,
    });
    call(stack, "iam", "put_role_policy", denial);
    let table = stack.output("Table").unwrap();
    walk.page("uninstall.md", &[("ROLE", ROLE), ("TABLE", table)]);
    let policies = call(
        stack,
        "iam",
        "list_role_policies",
        json!({ "RoleName": ROLE }),
    );
    assert_eq!(policies["PolicyNames"], json!([]));
    let stacks = call(stack, "cloudformation", "list_stacks", json!({}));
    let status = &stacks["StackSummaries"][0]["StackStatus"];
    assert_eq!(status, "DELETE_COMPLETE", "{stacks}");
    let tables = call(stack, "dynamodb", "list_tables", json!({}));
    assert_eq!(tables["TableNames"], json!([]));
    let history = std::fs::read_to_string(walk.folder.join("trustwarden-history.json")).unwrap();
    assert!(
        history.contains("TrustwardenQuarantine") || history.contains(ROLE),
        "{history}"
    );
}

#[test]
fn the_pages_name_the_command_line_they_are_tested_with() {
    let pinned = std::fs::read_to_string(root().join("tests/runbooks/requirements.txt")).unwrap();
    let mut pinned = pinned
        .lines()
        .filter_map(|line| line.strip_prefix("awscli=="));
    let pinned = pinned.next().unwrap();
    let operations = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    assert!(
        operations.contains(&format!("AWS CLI {pinned}")),
        "{pinned}"
    );
    let aws = root().join(".venv/bin/aws");
    let output = Command::new(aws).arg("--version").output();
    let said = output.expect("make setup installs the AWS CLI");
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.starts_with(&format!("aws-cli/{pinned} ")), "{said}");
}
