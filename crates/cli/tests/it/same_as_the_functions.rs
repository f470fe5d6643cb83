//! What `replay` says about a log is what the functions' own handlers say and plan, given the same
//! events one after the other in an account where the changes happen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;
use std::task::{Context, Poll, Waker};

use guard::GuardConfig;
use guard::cloudtrail::{Activity, Document, Record, Watched};
use guard::handlers::{access_key, carry_out, role_trust, root_activity};
use guard::model::LiveRole;
use guard::order::Ack;
use guard::ports::memory::InMemory;
use guard::remediate::OutcomeKind;
use guard::rules::{Mode, Rules};
use guard::state::incident::Stage;
use jiff::SignedDuration;
use serde_json::Value;

/// Codes with their severities, and the plan.
type Said = (BTreeSet<(String, String)>, String);

/// The world in memory never waits.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the world in memory waits"),
    }
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

fn by_replay() -> BTreeMap<String, Said> {
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .current_dir(testdata())
        .args([
            "replay",
            "--rules",
            "rules/access.yaml",
            "--format",
            "jsonl",
        ])
        .args(["logs/AWSLogs", "logs/later", "users"])
        .output()
        .unwrap();
    assert!(ran.status.success());
    let lines = String::from_utf8(ran.stdout).unwrap();
    lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["type"] == "alert")
        .map(|line| {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let findings = line["findings"].as_array().unwrap();
            let findings = findings
                .iter()
                .map(|found| (text(&found["code"]), text(&found["severity"])));
            (
                text(&line["event_id"]),
                (findings.collect(), text(&line["plan"]["action"])),
            )
        })
        .collect()
}

/// All records of the same files, each once, in order.
fn records() -> Vec<Record> {
    let mut texts = Vec::new();
    let mut folders = vec![
        testdata().join("logs/AWSLogs"),
        testdata().join("logs/later"),
        testdata().join("users"),
    ];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("CloudTrail-Digest") {
                continue;
            } else if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            match serde_json::from_str::<Value>(&text) {
                Ok(Value::Array(records)) => texts.extend(records.iter().map(Value::to_string)),
                Ok(file) => {
                    texts.extend(
                        file["Records"]
                            .as_array()
                            .unwrap()
                            .iter()
                            .map(Value::to_string),
                    );
                }
                Err(_) => texts.extend(text.lines().map(str::to_owned)),
            }
        }
    }
    let mut records: Vec<Record> = texts
        .iter()
        .map(|text| Record::from_text(text).unwrap())
        .collect();
    records.sort_by(|one, other| one.order_key().cmp(&other.order_key()));
    records.dedup_by(|one, other| one.id() == other.id());
    records
}

fn compiled() -> Rules {
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .current_dir(testdata())
        .args(["rules", "compile", "rules/access.yaml"])
        .output()
        .unwrap();
    Rules::load(ran.stdout).unwrap()
}

/// The change that a record tells of happens.
fn happen(world: &InMemory, record: &Record) {
    match record.activity(&Watched::Any) {
        Activity::TrustChange(change) => {
            let Document::Present(document) = change.document else {
                return;
            };
            let before = world.role(&change.role);
            let before = before.filter(|_| !change.created);
            let arn = format!("arn:aws:iam::111122223333:role/{}", change.role);
            world.put_role(LiveRole {
                arn: change.arn.unwrap_or(arn),
                path: change.path.unwrap_or_else(|| "/".to_owned()),
                role_id: match (change.role_id, before) {
                    (Some(id), _) => id,
                    (None, Some(before)) => before.role_id,
                    (None, None) => format!("AROAOLD{}", change.role.to_uppercase()),
                },
                name: change.role,
                document,
                created: None,
            });
        }
        Activity::RoleDeleted(deletion) => drop(world.remove_role(&deletion.role)),
        Activity::AccessKeyCreated(key) => {
            if let (Some(user), Some(id)) = (key.user, key.key_id) {
                world.put_key(&user, &id);
            }
        }
        _ => {}
    }
}

fn by_the_functions() -> BTreeMap<String, Said> {
    let guard = GuardConfig {
        account: "111122223333".to_owned(),
        stack: "trustwarden".to_owned(),
        mode: Mode::Alert,
        rules: compiled(),
        own_roles: Vec::new(),
        remediator_role: "arn:aws:iam::111122223333:role/trustwarden/remediator".to_owned(),
        revoke_sessions: false,
        detach_policies: false,
    };
    let world = InMemory::default();
    let mut said: BTreeMap<String, Said> = BTreeMap::new();
    for record in records() {
        let at = record.event_time.unwrap() + SignedDuration::from_secs(2);
        world.set_now(at);
        happen(&world, &record);
        now(role_trust(&world, &guard, &record)).unwrap();
        now(access_key(&world, &guard, &record)).unwrap();
        now(root_activity(&world, &guard, &record)).unwrap();
        while let Some(order) = world.take_order() {
            let mut clock = at;
            while let Ack::LookAgain { after } = now(carry_out(&world, &guard, &order)).unwrap() {
                clock += SignedDuration::try_from(after).unwrap();
                world.set_now(clock);
            }
        }
        for alert in world.take_alerts() {
            let cause = alert
                .cause
                .expect("every alert here has an event behind it");
            let (findings, plan) = said
                .entry(cause.event_id)
                .or_insert_with(|| (BTreeSet::new(), "none".to_owned()));
            if alert.stage == Stage::Detected {
                findings.extend(alert.findings.iter().map(|found| {
                    (
                        found.code.code().to_owned(),
                        found.severity.name().to_owned(),
                    )
                }));
            } else {
                match alert.outcome.expect("an outcome says what came of it").kind {
                    OutcomeKind::WouldRevert => *plan = "revert".to_owned(),
                    OutcomeKind::WouldRepair => *plan = "repair".to_owned(),
                    OutcomeKind::WouldQuarantine => *plan = "quarantine".to_owned(),
                    OutcomeKind::WouldDeactivate => *plan = "deactivate".to_owned(),
                    _ => {}
                }
            }
        }
    }
    said
}

#[test]
fn replay_says_what_the_functions_say() {
    let replayed = by_replay();
    assert_eq!(replayed, by_the_functions());
    for plan in ["none", "revert", "repair", "quarantine", "deactivate"] {
        assert!(
            replayed.values().any(|(_, planned)| planned == plan),
            "no {plan} was needed"
        );
    }
}
