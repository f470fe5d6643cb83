//! Every page in `docs/checks/` shows what fails its check and what passes it: so it is.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use trustwarden_guard as guard;

use guard::Check;
use guard::cloudtrail::{Activity, Document, Record, Watched};
use guard::detect::{
    RoleRef, judge_console_password, judge_key, judge_root, judge_trust, unreadable_event,
};
use guard::rules::{Rules, compile};

const OWN: &str = "111122223333";

/// Checks of what no single event or document shows; `audit` in crates/cli judges the examples of
/// those that it finds.
const OF_THE_ACCOUNT: [Check; 10] = [
    Check::AccessKeyTooOld,
    Check::AccessKeyUnused,
    Check::TwoActiveKeys,
    Check::UserWithoutMfa,
    Check::RootMfaMissing,
    Check::PolicyOnUser,
    Check::UnusedRole,
    Check::UnusedRule,
    Check::GuardTampered,
    Check::GuardBlind,
];

fn rules() -> Rules {
    let yaml = include_str!("../../../docs/checks/rules.yaml");
    Rules::load(
        compile(&serde_saphyr::from_str(yaml).unwrap(), &[])
            .unwrap()
            .bytes,
    )
    .unwrap()
}

fn page_of(check: Check) -> String {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/checks");
    std::fs::read_to_string(pages.join(format!("{check}.md")))
        .unwrap_or_else(|error| panic!("{check}: {error}"))
}

/// The blocks of a page that begin with this fence.
fn examples<'a>(page: &'a str, fence: &str) -> Vec<&'a str> {
    let blocks = page.split("\n```").skip(1).step_by(2);
    blocks
        .filter_map(|block| block.strip_prefix(fence)?.strip_prefix('\n'))
        .collect()
}

fn codes(rules: &Rules, example: &str) -> BTreeSet<Check> {
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let example: Value = serde_json::from_str(example).unwrap();
    let judged = |role: &RoleRef, document: &str| {
        judge_trust(rules, role, document, now)
            .findings
            .iter()
            .map(|found| found.code)
            .collect()
    };
    if let Some(role) = example.get("Role") {
        let document = match &role["AssumeRolePolicyDocument"] {
            Value::String(text) => text.clone(),
            document => document.to_string(),
        };
        return judged(
            &RoleRef::from_arn(role["Arn"].as_str().unwrap()).unwrap(),
            &document,
        );
    }
    let watched = Watched::only(OWN);
    let mut found = BTreeSet::new();
    for record in example["Records"].as_array().expect("a role or records") {
        let record = Record::from_value(record);
        let findings = match record.activity(&watched) {
            Activity::TrustChange(change) => {
                if let Document::Present(document) = &change.document {
                    found.append(&mut judged(&RoleRef::named(OWN, &change.role), document));
                }
                Vec::new()
            }
            Activity::AccessKeyCreated(key) => judge_key(rules, &key, false),
            Activity::AccessKeyActivated(key) => judge_key(rules, &key, true),
            Activity::ConsolePasswordSet(set) => judge_console_password(rules, &set),
            Activity::Unreadable(what) => {
                vec![unreadable_event(rules, what.why, what.role_hidden)]
            }
            _ => Vec::new(),
        };
        let of_root = judge_root(rules, &record, &record.root_activity(&watched));
        found.extend(findings.iter().chain(&of_root).map(|found| found.code));
    }
    found
}

#[test]
fn every_page_shows_what_fails_and_what_passes() {
    let rules = rules();
    let mut wrong = Vec::new();
    for check in Check::ALL
        .iter()
        .filter(|check| !OF_THE_ACCOUNT.contains(check))
    {
        let page = page_of(*check);
        let (fails, passes) = (
            examples(&page, "json fails"),
            examples(&page, "json passes"),
        );
        if fails.is_empty() || passes.is_empty() {
            wrong.push(format!("{check}: no example"));
        }
        for example in fails {
            let found = codes(&rules, example);
            if !found.contains(check) {
                wrong.push(format!("{check}: the failing example has {found:?}"));
            }
        }
        for example in passes {
            let found = codes(&rules, example);
            if !found.is_empty() {
                wrong.push(format!("{check}: the passing example has {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_page_says_its_title_and_severity() {
    for check in Check::ALL {
        let page = page_of(*check);
        assert!(page.starts_with(&format!("# {check}\n")), "{check}");
        assert!(page.contains(check.default_severity().name()), "{check}");
    }
}
