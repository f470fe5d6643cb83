//! The promises of `State`, kept by the table as by the world in memory: the same story is told
//! to both. The table's part needs DynamoDB as moto plays it, and is run by `make test`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a broken test ends at its first surprise"
)]

mod permissions;
mod sweeping;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{Response, Server, account_at};
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use guard::model::{LiveRole, document_digest};
use guard::ports::memory::MemoryStore;
use guard::ports::{StateError, Store};
use guard::state::digest_window::{FoldClass, FoldMember, FoldWindow, Folded, TURNS};
use guard::state::history::{Baseline, KeptDocument, RoleHistory, WriteKind};
use guard::state::incident::{AlertKey, Incident, Schema, Stage};
use guard::state::{Lease, Ledger};
use guard::{Check, Severity};
use jiff::{SignedDuration, Timestamp};
use trustwarden_aws::Table;

const ACCOUNT: &str = "111122223333";

fn now() -> Timestamp {
    "2026-11-21T10:00:00.123456789Z".parse().unwrap()
}

fn role(name: &str, role_id: &str) -> LiveRole {
    LiveRole {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:role/{name}"),
        path: "/".to_owned(),
        role_id: role_id.to_owned(),
        document: "{}".to_owned(),
        created: Some(now()),
    }
}

fn baseline(document: &str) -> Baseline {
    Baseline {
        document: document.to_owned(),
        digest: document_digest(document),
        actor: None,
        written_at: Some(now()),
        seen_at: now(),
        stale_by: 0,
        seen_live: true,
        live_again_at: None,
    }
}

async fn histories(state: &Ledger<'_, impl Store>) {
    assert_eq!(state.role_history(ACCOUNT, "Datadog").await.unwrap(), None);
    let mut history = RoleHistory::new(ACCOUNT, &role("Datadog", "AROA1"));
    // As IAM accepts it: white space, quotes, letters of all kinds.
    history.remember(baseline(
        "{\n\t\"Version\": \"2012-10-17\",\n\t\"Id\": \"é \\\"x\\\" 漢\"\n}",
    ));
    history.remember(baseline(""));
    assert_eq!(state.save_role_history(&history).await.unwrap(), 1);
    history.version = 1;
    for spelling in ["Datadog", "DATADOG", "datadog"] {
        assert_eq!(
            state
                .role_history(ACCOUNT, spelling)
                .await
                .unwrap()
                .as_ref(),
            Some(&history)
        );
    }
    assert_eq!(
        state.role_history("444455556666", "Datadog").await.unwrap(),
        None
    );

    // Only who read the newest version may save.
    for version in [0, 2] {
        let stale = RoleHistory {
            version,
            ..history.clone()
        };
        let error = state.save_role_history(&stale).await.unwrap_err();
        assert!(matches!(error, StateError::Conflict { .. }), "{error:?}");
    }
    history.remember(baseline("{}"));
    assert_eq!(state.save_role_history(&history).await.unwrap(), 2);
    history.version = 2;
    assert_eq!(
        state
            .role_history(ACCOUNT, "datadog")
            .await
            .unwrap()
            .as_ref(),
        Some(&history)
    );

    // Deleted and created again under its name, in another spelling: the name points to the
    // incarnation saved last, closed or not.
    history.closed = Some(now());
    assert_eq!(state.save_role_history(&history).await.unwrap(), 3);
    history.version = 3;
    assert_eq!(
        state
            .role_history(ACCOUNT, "Datadog")
            .await
            .unwrap()
            .as_ref(),
        Some(&history)
    );
    let mut again = RoleHistory::new(ACCOUNT, &role("DataDog", "AROA2"));
    assert_eq!(state.save_role_history(&again).await.unwrap(), 1);
    again.version = 1;
    assert_eq!(
        state
            .role_history(ACCOUNT, "Datadog")
            .await
            .unwrap()
            .as_ref(),
        Some(&again)
    );
    // A save that is refused moves nothing.
    let stale = RoleHistory {
        version: 2,
        ..history.clone()
    };
    let error = state.save_role_history(&stale).await.unwrap_err();
    assert!(matches!(error, StateError::Conflict { .. }), "{error:?}");
    assert_eq!(
        state
            .role_history(ACCOUNT, "Datadog")
            .await
            .unwrap()
            .as_ref(),
        Some(&again)
    );
    assert_eq!(state.save_role_history(&history).await.unwrap(), 4);
    history.version = 4;
    assert_eq!(
        state
            .role_history(ACCOUNT, "Datadog")
            .await
            .unwrap()
            .as_ref(),
        Some(&history)
    );
}

/// The longest history there can be fits into an item, however its documents are padded.
async fn a_full_history(state: &Ledger<'_, impl Store>) {
    let mut history = RoleHistory::new(ACCOUNT, &role("Padded", "AROA9"));
    for number in 0..guard::state::history::BASELINES_KEPT {
        let padding = "\n\"".repeat(12_700);
        history.remember(baseline(&format!("{number}{padding}")));
    }
    for number in 0..guard::state::history::WRITES_KEPT {
        let write = guard::state::history::OwnWrite {
            order: format!("{number}-0f8fad5b-d9cb-469f-a165-70867728950e-remediate"),
            role_id: None,
            incident: Some("TW-ABCDEFGHJKMN".to_owned()),
            kind: WriteKind::Revert,
            digest: document_digest("{}"),
            replaced: document_digest("{}"),
            at: now(),
            done_at: None,
            undoes: now(),
            progress: guard::state::history::WriteProgress::Written,
            details: "of a day long ago".to_owned(),
            dropped: vec!["arn:aws:iam::444455556666:role/gone".to_owned()],
            fallback: None,
        };
        let padding = "\n\"".repeat(guard::state::history::WRITTEN_BYTES_KEPT / 2);
        history.record_write(write, &padding);
    }
    assert_eq!(state.save_role_history(&history).await.unwrap(), 1);
    history.version = 1;
    assert_eq!(
        state.role_history(ACCOUNT, "Padded").await.unwrap(),
        Some(history)
    );
}

async fn kept_documents(state: &Ledger<'_, impl Store>) {
    let kept = KeptDocument {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role_id: "AROA1".to_owned(),
        role: "Datadog".to_owned(),
        incident: "TW-1".to_owned(),
        document: "{\"Version\":\"2012-10-17\"}".to_owned(),
        digest: document_digest("{\"Version\":\"2012-10-17\"}"),
        kind: WriteKind::Quarantine,
        at: now(),
    };
    assert_eq!(state.kept_document(ACCOUNT, "TW-1").await.unwrap(), None);
    state.keep_document(&kept).await.unwrap();
    let later = KeptDocument {
        document: "{}".to_owned(),
        ..kept.clone()
    };
    state.keep_document(&later).await.unwrap();
    assert_eq!(
        state.kept_document(ACCOUNT, "TW-1").await.unwrap(),
        Some(kept)
    );
    assert_eq!(
        state.kept_document("444455556666", "TW-1").await.unwrap(),
        None
    );
}

async fn orders(state: &Ledger<'_, impl Store>) {
    let later = now() + SignedDuration::from_secs(60);
    for (attempts, at) in [(1, now()), (2, later), (3, later)] {
        let progress = state
            .begin_order(ACCOUNT, "e-1-remediate", at)
            .await
            .unwrap();
        assert_eq!((progress.attempts, progress.done), (attempts, false));
        assert_eq!(progress.first_at, now());
    }
    state
        .finish_order(ACCOUNT, "e-1-remediate", later)
        .await
        .unwrap();
    for _ in 0..2 {
        let progress = state
            .begin_order(ACCOUNT, "e-1-remediate", later)
            .await
            .unwrap();
        assert_eq!((progress.attempts, progress.done), (3, true));
        assert_eq!(progress.first_at, now());
    }
    assert_eq!(
        state
            .begin_order(ACCOUNT, "e-2-remediate", later)
            .await
            .unwrap()
            .attempts,
        1
    );
    // Finished by another before it was begun here.
    state
        .finish_order(ACCOUNT, "e-3-remediate", now())
        .await
        .unwrap();
    let progress = state
        .begin_order(ACCOUNT, "e-3-remediate", later)
        .await
        .unwrap();
    assert_eq!((progress.attempts, progress.done), (0, true));
}

async fn leases(state: &Ledger<'_, impl Store>) {
    let at = |seconds| now() + SignedDuration::from_secs(seconds);
    let key = |stage| AlertKey {
        account: ACCOUNT.to_owned(),
        incident: "TW-1".to_owned(),
        stage,
    };
    let detected = key(Stage::Detected);
    let acquire = async |key: &AlertKey, from, until| {
        state.acquire_alert(key, at(from), at(until)).await.unwrap()
    };
    assert_eq!(acquire(&detected, 0, 60).await, Lease::Acquired);
    assert_eq!(
        acquire(&detected, 1, 61).await,
        Lease::InProgress { until: at(60) }
    );
    assert_eq!(
        acquire(&key(Stage::Outcome), 1, 61).await,
        Lease::Acquired,
        "a lease of its own"
    );
    assert_eq!(
        acquire(&detected, 60, 120).await,
        Lease::Acquired,
        "it ran out"
    );
    state.release_alert(&detected).await.unwrap();
    assert_eq!(
        acquire(&detected, 61, 121).await,
        Lease::Acquired,
        "it was given back"
    );
    let incident = Incident {
        schema: Schema,
        key: detected.clone(),
        subject: "role/Datadog".to_owned(),
        severity: Severity::Critical,
        title: "anyone can get in".to_owned(),
        published_at: at(62),
        open: false,
        alert: serde_json::Value::Null,
        document: None,
    };
    state.finish_alert(&incident).await.unwrap();
    state.release_alert(&detected).await.unwrap();
    assert_eq!(
        acquire(&detected, 1_000, 1_060).await,
        Lease::Done,
        "for good"
    );
    // Giving back what nobody holds is no error, and makes nothing.
    let never = AlertKey {
        incident: "TW-2".to_owned(),
        ..detected
    };
    state.release_alert(&never).await.unwrap();
    assert_eq!(acquire(&never, 0, 60).await, Lease::Acquired);
}

async fn folding(state: &Ledger<'_, impl Store>) {
    let class = FoldClass {
        check: Check::RootSignInFailed,
        severity: Severity::Medium,
        stage: Stage::Detected,
        needs_person: false,
    };
    let window = FoldWindow::at(ACCOUNT, class, now());
    let other = FoldWindow {
        start: window.start + 900,
        ..window.clone()
    };
    let member = |number: usize| FoldMember {
        schema: Schema,
        incident: format!("TW-{number:04}"),
        at: now(),
        subject: "root".to_owned(),
        line: format!("attempt {number} {}", "x".repeat(380)),
        third_party: number.is_multiple_of(2).then(|| "999988887777".to_owned()),
        actor: None,
        open: number.is_multiple_of(3),
    };
    assert_eq!(state.folded(&window).await.unwrap(), Folded::default());
    // A turn is taken once, by whoever comes first.
    assert!(state.take_turn(&window, 0, &member(100)).await.unwrap());
    assert!(!state.take_turn(&window, 0, &member(101)).await.unwrap());
    assert!(state.take_turn(&window, 10, &member(101)).await.unwrap());
    assert!(state.take_turn(&other, 0, &member(101)).await.unwrap());
    for number in (0..40).rev() {
        state
            .keep_for_digest(&window, &member(number))
            .await
            .unwrap();
    }
    // The same alert again is the same.
    state.keep_for_digest(&window, &member(7)).await.unwrap();
    state.keep_for_digest(&other, &member(7)).await.unwrap();
    let expected = Folded {
        alone: vec![member(100), member(101)],
        together: (0..40).map(member).collect(),
        unreadable: 0,
    };
    assert_eq!(state.folded(&window).await.unwrap(), expected);
    assert_eq!(state.gone_out_alone(&window).await.unwrap(), expected.alone);
    // Whoever fills the table there keeps nobody reading.
    let full = FoldWindow {
        start: window.start + 1800,
        ..window
    };
    for turn in 0..=usize::from(TURNS) {
        assert!(state.take_turn(&full, turn, &member(turn)).await.unwrap());
    }
    let alone = state.gone_out_alone(&full).await.unwrap();
    assert_eq!(alone.len(), usize::from(TURNS));
}

async fn every_promise(state: &Ledger<'_, impl Store>) {
    histories(state).await;
    sweeping::sweeps(state).await;
    permissions::permissions(state).await;
    a_full_history(state).await;
    kept_documents(state).await;
    orders(state).await;
    leases(state).await;
    folding(state).await;
}

#[tokio::test]
async fn the_world_in_memory_keeps_them() {
    every_promise(&Ledger::new(&MemoryStore::default())).await;
}

struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    fn start() -> Self {
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/moto_server");
        let mut child = Command::new(&server)
            .args(["-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make setup`", server.display()));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = loop {
            let line = lines.next().unwrap().unwrap();
            if let Some((_, url)) = line.split_once("Running on ") {
                break url.trim().to_owned();
            }
        };
        // Its log must go somewhere, or it stops when the pipe is full.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, url }
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn create_table(url: &str) {
    let client = aws_sdk_dynamodb::Client::new(&crate::support::configuration_at(url));
    let mut call = client
        .create_table()
        .table_name("state")
        .billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let attribute = attribute
            .attribute_type(ScalarAttributeType::S)
            .build()
            .unwrap();
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind)
            .build()
            .unwrap();
        call = call.attribute_definitions(attribute).key_schema(key);
    }
    call.send().await.unwrap();
}

#[tokio::test]
#[ignore = "needs moto: `make test` sets it up"]
async fn the_table_keeps_them() {
    let moto = Moto::start();
    create_table(&moto.url).await;
    every_promise(&Ledger::new(&Table::new(&account_at(&moto.url), "state"))).await;
}

#[tokio::test]
#[ignore = "needs moto: `make test` sets it up"]
async fn every_item_names_its_account_and_its_schema_and_temporary_ones_expire() {
    let moto = Moto::start();
    create_table(&moto.url).await;
    every_promise(&Ledger::new(&Table::new(&account_at(&moto.url), "state"))).await;
    let client = aws_sdk_dynamodb::Client::new(&crate::support::configuration_at(&moto.url));
    let items = client
        .scan()
        .table_name("state")
        .send()
        .await
        .unwrap()
        .items
        .unwrap();
    assert!(items.len() > 50, "{}", items.len());
    for item in items {
        let (pk, sk) = (item["pk"].as_s().unwrap(), item["sk"].as_s().unwrap());
        assert!(pk.starts_with("111122223333/"), "{pk}");
        assert_eq!(
            item.get("schema").and_then(|s| s.as_n().ok()).unwrap(),
            "1",
            "{pk} {sk}"
        );
        let for_ever = if pk.ends_with("/sweep") {
            // A swept role goes when the role has gone; where the sweep stands, never.
            let role = item.get("data").and_then(|data| data.as_m().ok());
            role.and_then(|role| role.get("gone_at"))
                .is_none_or(|at| at.is_null())
        } else {
            matches!(
                sk.as_str(),
                "history" | "pointer" | "document" | "permissions"
            )
        };
        assert_eq!(item.contains_key("expires_at"), !for_ever, "{pk} {sk}");
    }
}

#[tokio::test]
async fn a_table_that_is_gone_or_busy_is_unavailable_within_seconds() {
    let cases = [
        (400, "ResourceNotFoundException", 1),
        (400, "AccessDeniedException", 1),
        (400, "ProvisionedThroughputExceededException", 3),
        (500, "InternalServerError", 3),
    ];
    for (status, code, tries) in cases {
        let server = Server::answering(move |_, _| Response::json_error(status, code, "no")).await;
        let table = Table::new(&account_at(&server.url()), "state");
        let table = Ledger::new(&table);
        let start = std::time::Instant::now();
        let error = table.role_history(ACCOUNT, "Datadog").await.unwrap_err();
        assert!(matches!(error, StateError::Unavailable { .. }), "{error:?}");
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert_eq!(cause, format!("dynamodb:GetItem: {code}: no"));
        assert_eq!(server.requests().len(), tries, "{code}");
        // Within the shortest time-out of a function, however busy the machine is.
        assert!(start.elapsed().as_secs() < 30);
    }
}

#[tokio::test]
async fn reads_are_consistent_and_what_cannot_be_read_is_not_taken_for_absent() {
    let newer = r#"{"Item":{"role_id":{"S":"AROA1"},"data":{"M":{"schema":{"N":"99"}}}}}"#;
    let damaged = r#"{"Item":{"role_id":{"S":"AROA1"}}}"#;
    for answer in [newer, damaged] {
        let server = Server::answering(move |_, _| Response::new(200, answer)).await;
        let table = Table::new(&account_at(&server.url()), "state");
        let table = Ledger::new(&table);
        let error = table.role_history(ACCOUNT, "Datadog").await.unwrap_err();
        assert!(matches!(error, StateError::Unreadable { .. }), "{error:?}");
        for request in server.requests() {
            assert_eq!(request.target(), "GetItem");
            assert_eq!(request.json()["ConsistentRead"], true);
        }
    }
}

#[tokio::test]
async fn a_lease_whose_answer_was_lost_is_still_ours() {
    let until = now() + SignedDuration::from_secs(60);
    let server = Server::answering(move |request, _| match request.target() {
        "UpdateItem" => Response::json_error(400, "ConditionalCheckFailedException", "no"),
        _ => {
            let held = until.as_nanosecond();
            let item =
                format!(r#"{{"Item":{{"done":{{"BOOL":false}},"lease_until":{{"N":"{held}"}}}}}}"#);
            Response::new(200, item)
        }
    })
    .await;
    let table = Table::new(&account_at(&server.url()), "state");
    let table = Ledger::new(&table);
    let key = AlertKey {
        account: ACCOUNT.to_owned(),
        incident: "TW-1".to_owned(),
        stage: Stage::Detected,
    };
    assert_eq!(
        table.acquire_alert(&key, now(), until).await.unwrap(),
        Lease::Acquired
    );
}
