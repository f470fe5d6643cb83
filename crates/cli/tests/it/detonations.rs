//! Records of known attacks: what `replay` reports of each, and for every other record why not.
//! `docs/detonations.md` is made of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::process::Command;

use guard::cloudtrail::{Means, events};
use guard::detect::tampering_calls;
use serde_json::Value;

use crate::here;

/// The technique, and the checks that `replay` reports, all others nothing.
const REPORTED: [(&str, &[&str]); 8] = [
    ("persistence.iam-backdoor-role", &["unknown-third-party"]),
    ("persistence.iam-backdoor-user", &["access-key-created"]),
    ("persistence.iam-create-admin-user", &["access-key-created"]),
    (
        "persistence.iam-create-backdoor-role",
        &["unknown-third-party"],
    ),
    (
        "persistence.iam-create-user-login-profile",
        &["console-password-created"],
    ),
    (
        "persistence.rolesanywhere-create-trust-anchor",
        &["identity-provider-changed", "identity-provider-changed"],
    ),
    (
        "privilege-escalation.iam-update-user-login-profile",
        &["console-password-created"],
    ),
    // Root's sign-in would be reported; this one is a user's.
    ("initial-access.console-login-without-mfa", &[]),
];

const BEGINNING: &str = "\
# On records of known attacks

What `trustwarden replay` reports of the records that Stratus Red Team publishes of its techniques against AWS,
under the rules of `rules/access.yaml`, and for every other call why not. `role-permissions` and `guard-tamper`
are not part of a replay: a log does not tell what else a role holds, nor what belongs to the guard. No failed
call is reported as a change. `UPDATE_TRANSCRIPTS=1 cargo test --package trustwarden --test it -- detonations::`
makes this page.

| technique | reported | other calls, and why not |
|---|---|---|
";

/// What `replay` says of a file: event id and codes.
fn reported(path: &std::path::Path) -> Vec<(String, Vec<String>)> {
    let ran = Command::new(env!("CARGO_BIN_EXE_trustwarden"))
        .args(["replay", "--format", "jsonl", "--rules"])
        .arg(here().join("../../rules/access.yaml"))
        .arg(path)
        .output()
        .unwrap();
    let lines = String::from_utf8(ran.stdout).unwrap();
    let alerts = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let alerts = alerts.filter(|line| line["type"] == "alert").map(|line| {
        let findings = line["findings"].as_array().unwrap().iter();
        let codes = findings.map(|found| found["code"].as_str().unwrap().to_owned());
        (
            line["event_id"].as_str().unwrap().to_owned(),
            codes.collect(),
        )
    });
    alerts.collect()
}

/// Why a record is not reported; `None`: it is nowhere said.
fn why_not(record: &Value) -> Option<String> {
    let text = |key: &str| record[key].as_str().unwrap_or_default();
    if !record["errorCode"].is_null() || !record["errorMessage"].is_null() {
        return Some("it failed".to_owned());
    }
    let (source, name) = (text("eventSource"), text("eventName"));
    let service = source.trim_end_matches(".amazonaws.com");
    let row = events().find(|(of, row)| *of == source && row.name == name);
    if let Some(why) = row.and_then(|(_, row)| not_in_replay(row.means)) {
        return Some(why);
    }
    let mut tampering = tampering_calls();
    let tampers = tampering.find(|call| call.service == service && name.starts_with(call.event));
    match tampers {
        Some(call) if call.any => Some("`guard-tamper` reports it".to_owned()),
        Some(_) => Some("`guard-tamper` reports it on what is the stack's".to_owned()),
        None => (record["readOnly"] == true).then(|| "it only reads".to_owned()),
    }
}

/// Why an event of the table is none for `replay`.
fn not_in_replay(means: Means) -> Option<String> {
    match means {
        Means::LeftOut(why) => {
            let mut why = why.to_owned();
            why.get_mut(..1)?.make_ascii_lowercase();
            Some(why)
        }
        Means::Permissions(..) => Some("`role-permissions` judges it".to_owned()),
        Means::UserCreated => Some("a new user opens nothing without a key or password".to_owned()),
        Means::SignIn => Some("it is not the root user's".to_owned()),
        _ => None,
    }
}

#[test]
fn each_record_of_a_known_attack_is_reported_or_said_why_not() {
    let folder = here().join("testdata/detonations");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|end| end == "json"));
    files.sort();
    assert_eq!(files.len(), 35);
    let mut page = BEGINNING.to_owned();
    for path in files {
        let technique = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let log: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let alerts = reported(&path);
        let codes: Vec<&str> = alerts
            .iter()
            .flat_map(|(_, codes)| codes)
            .map(String::as_str)
            .collect();
        let expected = REPORTED.iter().find(|(name, _)| *name == technique);
        assert_eq!(
            codes,
            expected.map_or(&[][..], |(_, codes)| codes),
            "{technique}"
        );
        let (mut told, mut others) = (BTreeSet::new(), BTreeSet::new());
        for record in log["Records"].as_array().unwrap() {
            let id = record["eventID"].as_str().unwrap();
            let source = record["eventSource"].as_str().unwrap();
            let service = source.trim_end_matches(".amazonaws.com");
            let call = format!("`{service}:{}`", record["eventName"].as_str().unwrap());
            match alerts.iter().find(|(of, _)| of == id) {
                Some((_, codes)) => {
                    assert!(record["errorCode"].is_null(), "{technique}: {call} failed");
                    told.insert(format!("{call}: `{}`", codes.join("`, `")));
                }
                None => {
                    let why = why_not(record).unwrap_or_else(|| panic!("{technique}: {call}"));
                    others.insert(format!("{call}: {why}"));
                }
            }
        }
        let list = |lines: BTreeSet<String>| lines.into_iter().collect::<Vec<_>>().join("; ");
        writeln!(page, "| {technique} | {} | {} |", list(told), list(others)).unwrap();
    }
    let path = here().join("../../docs/detonations.md");
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "docs/detonations.md is stale");
}
