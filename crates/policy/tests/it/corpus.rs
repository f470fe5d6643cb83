//! Every document of `testdata/trust`: with the fields that its author expects and why.
//!
//! Fields that `expect` does not name are not looked at; `grants`, where it is there, says all grants
//! in words. Every way in must be proved: with witnesses asked for, each decided grant carries one.
//! `undecided` says that what is asked is beyond the procedure, which must not hide it; `requests`,
//! where it is there, are those that prove the grants.

use std::fs;
use std::path::Path;

use serde_json::Value;
use trustwarden_policy::{
    Analysis, AnalysisContext, Grant, Origin, TrustPolicy, analyze, describe,
};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/trust")
}

fn cases() -> Vec<(String, Value)> {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let theme = file.file_stem().unwrap().to_string_lossy().into_owned();
        let of_theme: Vec<Value> = serde_saphyr::from_str(&fs::read_to_string(file).unwrap())
            .unwrap_or_else(|error| panic!("{theme}: {error}"));
        cases.extend(of_theme.into_iter().map(|case| (theme.clone(), case)));
    }
    cases
}

fn answer(case: &Value, witnesses: bool) -> Analysis {
    let text = case["policy"].to_string();
    let policy =
        TrustPolicy::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", case["id"]));
    let context = AnalysisContext {
        own_account: case
            .get("own_account")
            .map_or(Some("111122223333"), Value::as_str),
        own_organization: case
            .get("own_organization")
            .map_or(Some("o-own1234567"), Value::as_str),
        now: case
            .get("now")
            .and_then(Value::as_str)
            .unwrap_or("2026-11-21T00:00:00Z")
            .parse()
            .unwrap(),
        origin: match case.get("as").and_then(Value::as_str) {
            Some("shown") => Origin::Shown,
            _ => Origin::Sent,
        },
        witnesses,
        providers: &[],
    };
    analyze(&policy, &context)
}

/// A grant as `testdata/trust` says it: who and what must hold, the actions, and whether that is all
/// there is.
fn in_words(grant: &Grant) -> String {
    let exact = if grant.exact { "exact" } else { "at most" };
    format!("{}; {}; {exact}", describe(grant), grant.actions.join(" "))
}

#[test]
fn every_document_has_the_answer_its_author_expects() {
    let mut wrong = Vec::new();
    for (theme, case) in cases() {
        let id = case["id"].as_str().unwrap();
        assert!(
            case["note"].as_str().is_some_and(|note| !note.is_empty()),
            "{theme} {id}: no note"
        );
        let answer = answer(&case, false);
        if let Some(expected) = case.get("grants") {
            let found: Vec<String> = answer.grants.iter().map(in_words).collect();
            if serde_json::to_value(&found).unwrap() != *expected {
                wrong.push(format!(
                    "{theme} {id}: the grants are {found:#?}, expected {expected:#}\n    {}",
                    case["policy"],
                ));
            }
        }
        let found = serde_json::to_value(answer).unwrap();
        for (field, expected) in case["expect"].as_object().unwrap() {
            // What AWS's own texts leave open, said so by the author.
            if field == "doubtful" {
                continue;
            }
            if &found[field] != expected {
                wrong.push(format!(
                    "{theme} {id}: {field} is {}, expected {expected}\n    {}\n    {}",
                    found[field], case["note"], case["policy"],
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differences\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_decided_way_in_is_proved_by_a_request() {
    let mut unproved = Vec::new();
    let mut undecided = Vec::new();
    let mut other_requests = Vec::new();
    for (theme, case) in cases() {
        if let Some(expected) = case.get("requests") {
            let found = answer(&case, true).grants;
            let found: Vec<_> = found.iter().map(|grant| &grant.witness).collect();
            let found = serde_json::to_value(found).unwrap();
            if found != *expected {
                other_requests.push(format!("{theme} {}: {found}", case["id"]));
            }
        }
        if case["undecided"] == true {
            assert!(
                answer(&case, false).grants.iter().any(|one| !one.decided),
                "{theme} {}",
                case["id"]
            );
        }
        for grant in answer(&case, true).grants {
            let what = format!(
                "{theme} {}: {:?}\n    {}",
                case["id"], grant, case["policy"]
            );
            if !grant.decided {
                // Some are beyond the procedure, and their author says so.
                if case["undecided"] != true {
                    undecided.push(what);
                }
            } else if grant.witness.is_none() {
                unproved.push(what);
            }
        }
    }
    assert!(
        other_requests.is_empty(),
        "other requests prove it\n{}",
        other_requests.join("\n")
    );
    assert!(
        unproved.is_empty(),
        "{} unproved\n{}",
        unproved.len(),
        unproved.join("\n")
    );
    assert!(
        undecided.is_empty(),
        "{} undecided\n{}",
        undecided.len(),
        undecided.join("\n"),
    );
}

#[test]
fn witnesses_change_nothing_else() {
    for (theme, case) in cases() {
        let bare = answer(&case, false);
        let mut proved = answer(&case, true);
        for grant in &mut proved.grants {
            grant.witness = None;
        }
        assert_eq!(bare, proved, "{theme} {}", case["id"]);
    }
}
