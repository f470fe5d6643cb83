//! The Runtime API, against a small function that does as its event says.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use trustwarden_local::http;
use trustwarden_local::lambda::{Ending, Function, InvokeError, Lambda};

const FUNCTION: &str = r#"#!/usr/bin/env python3
import json, os, sys, time, urllib.request
api = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2018-06-01/runtime/"
def post(path, value):
    urllib.request.urlopen(urllib.request.Request(api + path, data=json.dumps(value).encode())).read()
if os.environ.get("START") == "refuses":
    post("init/error", {"errorType": "Rules", "errorMessage": "no rules"})
    sys.exit(1)
if os.environ.get("START") == "dies":
    print("cannot go on", flush=True)
    sys.exit(1)
count = 0
while True:
    with urllib.request.urlopen(api + "invocation/next") as answer:
        event, request = json.load(answer), answer.headers["Lambda-Runtime-Aws-Request-Id"]
    count += 1
    if event.get("do") == "die":
        print("going down", flush=True)
        os._exit(3)
    time.sleep(event.get("sleep", 0))
    if event.get("do") == "fail":
        post(f"invocation/{request}/error", {"errorType": "Oops", "errorMessage": "as asked"})
    else:
        post(f"invocation/{request}/response", {"count": count, "pid": os.getpid(), "env": os.environ.get("COLOUR")})
"#;

/// Written once, before anything is spawned: a file that another thread's fork still holds open
/// for writing cannot be run.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let written = PROGRAM.get_or_init(|| {
        let number = std::process::id();
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("function-{number}.py"));
        std::fs::write(&path, FUNCTION).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
        path
    });
    written.clone()
}

struct Bench {
    lambda: Lambda,
    folder: PathBuf,
}

impl Bench {
    fn new(name: &str, start: &str, timeout: Duration) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let program = program();
        let lambda = Lambda::start(&folder).unwrap();
        let path = std::env::var("PATH").unwrap();
        lambda.add(Function {
            arn: "arn:f".to_owned(),
            name: "f".to_owned(),
            program,
            environment: BTreeMap::from([
                ("COLOUR".to_owned(), "green".to_owned()),
                ("START".to_owned(), start.to_owned()),
                ("PATH".to_owned(), path),
            ]),
            timeout,
            memory: 128,
        });
        Self { lambda, folder }
    }

    fn invoke(&self, event: Value) -> Ending {
        self.lambda.invoke("arn:f", &event).unwrap()
    }
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn one_process_answers_many_times_and_knows_its_environment_alone() {
    let bench = Bench::new("many", "", LONG);
    let first = bench.invoke(json!({}));
    let first = first.answer().unwrap();
    assert_eq!(
        (first["count"].as_u64(), first["env"].as_str()),
        (Some(1), Some("green"))
    );
    assert_eq!(
        bench.invoke(json!({"do": "fail"})),
        Ending::Failed(json!({"errorType": "Oops", "errorMessage": "as asked"}))
    );
    let third = bench.invoke(json!({}));
    let third = third.answer().unwrap();
    assert_eq!((&third["count"], &third["pid"]), (&json!(3), &first["pid"]));
    assert_eq!(bench.lambda.invocations("arn:f"), 3);
}

#[test]
fn two_at_once_run_in_two_processes() {
    let bench = Bench::new("two", "", LONG);
    let pids: Vec<_> = std::thread::scope(|scope| {
        let invoke = || bench.invoke(json!({"sleep": 0.5})).answer().unwrap()["pid"].as_u64();
        let threads = [scope.spawn(invoke), scope.spawn(invoke)];
        threads.map(|thread| thread.join().unwrap()).into()
    });
    assert_ne!(pids[0], pids[1]);
}

#[test]
fn a_process_that_dies_is_replaced() {
    let bench = Bench::new("dies", "", LONG);
    let ending = bench.invoke(json!({"do": "die"}));
    assert!(
        matches!(&ending, Ending::Died(said) if said.contains("going down")),
        "{ending:?}"
    );
    assert_eq!(bench.invoke(json!({})).answer().unwrap()["count"], 1);
    assert!(bench.lambda.log("arn:f").contains("going down"));
}

#[test]
fn an_init_that_fails_is_reported_whether_reported_or_not() {
    let bench = Bench::new("refuses", "refuses", LONG);
    let ending = bench.invoke(json!({}));
    assert!(
        matches!(&ending, Ending::NotStarted(said) if said.contains("no rules")),
        "{ending:?}"
    );
    let bench = Bench::new("silent", "dies", LONG);
    let ending = bench.invoke(json!({}));
    assert!(
        matches!(&ending, Ending::NotStarted(said) if said.contains("cannot go on")),
        "{ending:?}"
    );
}

#[test]
fn too_long_is_ended() {
    let bench = Bench::new("long", "", Duration::from_millis(300));
    let started = Instant::now();
    assert_eq!(bench.invoke(json!({"sleep": 20})), Ending::TimedOut);
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[test]
fn kill_ends_what_runs() {
    let bench = Bench::new("killed", "", LONG);
    assert_eq!(bench.invoke(json!({})).answer().unwrap()["count"], 1);
    std::thread::scope(|scope| {
        let running = scope.spawn(|| bench.invoke(json!({"sleep": 20})));
        std::thread::sleep(Duration::from_millis(200));
        bench.lambda.kill("arn:f");
        assert!(matches!(running.join().unwrap(), Ending::Died(_)));
    });
}

#[test]
fn over_http_as_lambdas_own_api_answers() {
    let bench = Bench::new("http", "", LONG);
    let url = format!(
        "{}/2015-03-31/functions/arn%3Af/invocations",
        bench.lambda.url()
    );
    let answer = http::post(&url, b"{}", LONG).unwrap();
    assert_eq!(
        (answer.status, answer.value("x-amz-function-error")),
        (200, None)
    );
    let answer = http::post(&url, br#"{"do":"fail"}"#, LONG).unwrap();
    assert_eq!(answer.value("x-amz-function-error"), Some("Unhandled"));
    let unknown = url.replace("arn%3Af", "other");
    assert_eq!(http::post(&unknown, b"{}", LONG).unwrap().status, 404);
}

#[test]
fn a_binary_that_was_not_built_is_named() {
    let bench = Bench::new("absent", "", LONG);
    let mut function = bench.lambda.function("arn:f").unwrap();
    function.program = bench.folder.join("nothing-here");
    bench.lambda.add(function);
    let error = bench.lambda.invoke("arn:f", &json!({})).unwrap_err();
    assert!(matches!(error, InvokeError::NotBuilt { .. }), "{error}");
    assert!(error.to_string().contains("nothing-here"));
}
