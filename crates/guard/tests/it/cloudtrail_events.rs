//! Every event in `events/` is what its function acts on, and is judged as
//! `testdata/events.yaml` says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use guard::Finding;
use guard::cloudtrail::{Activity, Document, Irrelevance, KeyChange, Record, Watched};
use guard::detect::{
    Known, Verdict, judge_console_password, judge_credential, judge_key, judge_provider_change,
    judge_root, judge_session_length, judge_share, judge_trust, unreadable_event,
};
use guard::model::RoleRef;
use guard::rules::Rules;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    event: String,
    activity: String,
    path: Option<String>,
    verdict: Option<String>,
    #[serde(default)]
    findings: Vec<String>,
}

fn folders() -> [PathBuf; 2] {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    [here.join("../../events"), here.join("testdata/events")]
}

fn rules() -> Rules {
    let file = serde_saphyr::from_str(include_str!("../../../../rules/access.yaml")).unwrap();
    let accounts = serde_json::from_str(include_str!("../../../../rules/accounts.json")).unwrap();
    let accounts: Vec<guard::rules::OrganizationAccount> = accounts;
    crate::loaded_with(&file, &accounts)
}

fn key(words: &str, key: &KeyChange) -> String {
    let whose = if key.root {
        "the root user"
    } else {
        key.user.as_deref().unwrap_or("nobody")
    };
    format!("{words} of {whose}")
}

/// The activity in the words of the table.
fn words(activity: &Activity) -> String {
    match activity {
        Activity::TrustChange(change) => match change.document {
            Document::Present(_) => "trust-change".to_owned(),
            _ => "trust-change without its document".to_owned(),
        },
        Activity::RoleDeleted(_) => "role-deleted".to_owned(),
        Activity::UserCreated(created) => format!("user {}", created.user),
        Activity::AccessKeyCreated(change) => key("access-key", change),
        Activity::AccessKeyActivated(change) => key("active access-key", change),
        Activity::ConsolePasswordSet(set) => {
            format!(
                "console-password of {}",
                set.user.as_deref().unwrap_or("the root user")
            )
        }
        Activity::CredentialChanged(change) => {
            let whose = change.user.as_deref();
            let nobody = if change.root {
                "the root user"
            } else {
                "nobody"
            };
            let (kind, done) = (change.credential, change.done);
            format!(
                "credential {kind:?} {done:?} of {}",
                whose.unwrap_or(nobody)
            )
        }
        Activity::ProviderChanged(change) => {
            format!("{:?} {:?} {}", change.provider, change.done, change.name)
        }
        Activity::Shared(change) => format!("shared {}", change.resource),
        Activity::SessionLengthSet(set) => format!("sessions of {}", set.role),
        Activity::RootSignIn(sign_in) if sign_in.succeeded => "root sign-in".to_owned(),
        Activity::RootSignIn(_) => "failed root sign-in".to_owned(),
        Activity::RootCall => "root call".to_owned(),
        Activity::Failed(_) => "failed".to_owned(),
        Activity::Irrelevant(Irrelevance::ForeignAccount { account }) => {
            format!("irrelevant, of account {account}")
        }
        Activity::Irrelevant(_) => "irrelevant".to_owned(),
        Activity::Unreadable(found) if found.role_hidden => {
            "unreadable, which role is hidden".to_owned()
        }
        Activity::Unreadable(_) => "unreadable".to_owned(),
    }
}

fn judged(
    rules: &Rules,
    record: &Record,
    path: Option<&str>,
) -> (String, Option<Verdict>, Vec<Finding>) {
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let watched = Watched::only("111122223333");
    let activity = record.activity(&watched);
    let mut verdict = None;
    let mut findings = match &activity {
        Activity::TrustChange(change) => match &change.document {
            Document::Present(document) => {
                let role = match change.arn.as_deref().and_then(RoleRef::from_arn) {
                    Some(role) => role,
                    None => RoleRef::named(record.account(), &change.role),
                };
                let mut judgement = judge_trust(rules, &role, document, now);
                assert_eq!(judgement.depends_on_path(), path.is_some());
                if let Some(path) = path {
                    let path = Some(path.to_owned());
                    judgement = judge_trust(rules, &RoleRef { path, ..role }, document, now);
                }
                verdict = Some(judgement.verdict);
                judgement.findings
            }
            _ => Vec::new(),
        },
        Activity::AccessKeyCreated(change) => judge_key(rules, change, false, now),
        Activity::AccessKeyActivated(change) => judge_key(rules, change, true, now),
        Activity::ConsolePasswordSet(set) => judge_console_password(rules, set, now),
        Activity::CredentialChanged(change) => judge_credential(rules, change, now),
        // As if nothing was known of it, and no role named it.
        Activity::ProviderChanged(change) => {
            let unknown = Known::Not("nothing".to_owned());
            judge_provider_change(rules, change, &unknown, &Known::Is(Vec::new()))
        }
        Activity::Shared(change) => judge_share(rules, record.account(), change, now),
        Activity::SessionLengthSet(set) => judge_session_length(rules, set, now),
        Activity::Unreadable(found) => vec![unreadable_event(rules, found.why, found.role_hidden)],
        _ => Vec::new(),
    };
    findings.extend(judge_root(rules, record, &record.root_activity(&watched)));
    (words(&activity), verdict, findings)
}

#[test]
fn every_event_is_what_its_function_acts_on() {
    let rules = rules();
    let cases: Vec<Case> =
        serde_saphyr::from_str(include_str!("../../testdata/events.yaml")).unwrap();
    for case in &cases {
        let files = folders().map(|folder| folder.join(format!("{}.json", case.event)));
        let file = files.iter().find(|file| file.exists()).expect(&case.event);
        let text = std::fs::read_to_string(file).unwrap();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let record = Record::from_text(&text).unwrap();
        assert_eq!(record, Record::from_value(&value), "{}", case.event);
        assert_eq!(
            record.delivered_for.as_deref(),
            value["account"].as_str(),
            "{}",
            case.event
        );

        let (activity, verdict, findings) = judged(&rules, &record, case.path.as_deref());
        assert_eq!(activity, case.activity, "{}", case.event);
        let verdict = verdict.map(|verdict| serde_json::to_value(verdict).unwrap());
        let verdict = verdict.as_ref().and_then(|verdict| verdict.as_str());
        assert_eq!(
            verdict,
            case.verdict.as_deref(),
            "{}: {findings:#?}",
            case.event
        );
        let found: Vec<String> = findings
            .iter()
            .map(|found| format!("{} {}", found.code, found.severity))
            .collect();
        assert_eq!(found, case.findings, "{}: {findings:#?}", case.event);
    }
}

#[test]
fn every_event_has_its_line() {
    let cases: Vec<Case> =
        serde_saphyr::from_str(include_str!("../../testdata/events.yaml")).unwrap();
    let listed: BTreeSet<String> = cases.iter().map(|case| case.event.clone()).collect();
    assert_eq!(listed.len(), cases.len(), "no event is listed twice");
    let mut filed = BTreeSet::new();
    for folder in folders() {
        for function in [
            "role-trust",
            "access-key",
            "identity-provider",
            "resource-share",
            "root-activity",
        ] {
            // A folder that is missing is missed below.
            for file in std::fs::read_dir(folder.join(function))
                .into_iter()
                .flatten()
            {
                let file = file.unwrap().path();
                let case = file.file_stem().unwrap().to_str().unwrap();
                assert!(
                    filed.insert(format!("{function}/{case}")),
                    "one name, two events: {case}"
                );
            }
        }
    }
    assert_eq!(filed, listed);
}

#[test]
fn the_ids_of_events_differ() {
    let mut ids = BTreeSet::new();
    let cases: Vec<Case> =
        serde_saphyr::from_str(include_str!("../../testdata/events.yaml")).unwrap();
    for case in &cases {
        let files = folders().map(|folder| folder.join(format!("{}.json", case.event)));
        let file = files.iter().find(|file| file.exists()).unwrap();
        let record = Record::from_text(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert!(ids.insert(record.id().into_owned()), "{}", case.event);
    }
}
