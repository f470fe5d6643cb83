//! The corpus of judged trust documents in `testdata/judged/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::BTreeSet;

use crate::now;

use guard::detect::{Judgement, Judging, Verdict, judge_trust};
use guard::model::RoleRef;
use guard::rules::{OrganizationAccount, Rules};
use guard::{Check, Finding};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    role: Option<String>,
    path: Option<String>,
    /// The document, or its text.
    document: Option<serde_json::Value>,
    text: Option<String>,
    #[serde(default = "approved")]
    verdict: String,
    /// `CODE`, `CODE ACCOUNT` or `CODE ACCOUNT SEVERITY`, as they are sorted.
    #[serde(default)]
    findings: Vec<String>,
    /// One of these alone.
    #[serde(default)]
    anyone_of: Vec<String>,
    /// Part of a message.
    says: Option<String>,
}

fn approved() -> String {
    "approved".to_owned()
}

fn corpus() -> Vec<Case> {
    let files = [
        include_str!("../../testdata/judged/ordinary.yaml"),
        include_str!("../../testdata/judged/violations.yaml"),
    ];
    files
        .iter()
        .flat_map(|yaml| serde_saphyr::from_str::<Vec<Case>>(yaml).unwrap())
        .collect()
}

fn rules() -> Rules {
    let file = serde_saphyr::from_str(include_str!("../../testdata/judged/rules.yaml")).unwrap();
    let audit = OrganizationAccount {
        id: "555566667777".to_owned(),
        name: "audit".to_owned(),
        path: "Security".to_owned(),
    };
    crate::loaded_with(&file, &[audit])
}

fn judged(rules: &Rules, case: &Case) -> Judgement {
    let role = RoleRef {
        account: "111122223333".to_owned(),
        name: case.role.clone(),
        path: case.path.clone(),
    };
    judge_trust(rules, &role, &text(case), now())
}

fn text(case: &Case) -> String {
    match (&case.document, &case.text) {
        (Some(document), None) => document.to_string(),
        (None, Some(text)) => text.clone(),
        _ => panic!("{}: a document or a text", case.name),
    }
}

fn shown(found: &Finding, expected: &str) -> String {
    let words = [
        found.code.code(),
        found.third_party.as_deref().unwrap_or_default(),
        found.severity.name(),
    ];
    let said = words.iter().filter(|word| !word.is_empty());
    said.take(expected.split(' ').count())
        .copied()
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_document_is_judged_as_the_corpus_says() {
    let rules = rules();
    let mut wrong = Vec::new();
    for case in corpus() {
        let judgement = judged(&rules, &case);
        let verdict = serde_json::to_value(judgement.verdict).unwrap();
        let found = |expected: &[String]| {
            judgement.findings.len() == expected.len()
                && judgement
                    .findings
                    .iter()
                    .zip(expected)
                    .all(|(found, expected)| shown(found, expected) == *expected)
        };
        let as_expected = if case.anyone_of.is_empty() {
            found(&case.findings)
        } else {
            judgement
                .findings
                .iter()
                .any(|found| case.anyone_of.iter().any(|one| shown(found, one) == *one))
        };
        let says = case.says.as_ref().is_none_or(|says| {
            judgement
                .findings
                .iter()
                .any(|found| found.message.contains(says))
        });
        if verdict != case.verdict.as_str() || !as_expected || !says {
            wrong.push(format!(
                "{}: {verdict}, wanted {}\n  {:#?}\n  wanted {:?}",
                case.name, case.verdict, judgement.findings, case.findings
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_check_of_a_trust_policy_fails_somewhere_and_passes_elsewhere() {
    let rules = rules();
    let mut failing = BTreeSet::new();
    let mut approved = 0;
    for case in corpus() {
        let judgement = judged(&rules, &case);
        approved += usize::from(judgement.findings.is_empty());
        failing.extend(judgement.findings.iter().map(|found| found.code));
    }
    let of_documents = [
        Check::PublicTrust,
        Check::UnknownThirdParty,
        Check::OpenIdentityProvider,
        Check::UnknownIdentityProvider,
        Check::RoleNotRegistered,
        Check::MissingExternalId,
        Check::WrongExternalId,
        Check::ExpiredAccess,
        Check::BroadPrincipal,
        Check::WeakExternalId,
        Check::SharedExternalId,
        Check::ConfusedDeputyService,
        Check::OrphanedPrincipal,
        Check::UnreadablePolicy,
    ];
    assert_eq!(failing, BTreeSet::from(of_documents));
    assert!(approved > 30);
}

#[test]
fn a_violation_names_its_statement_and_shows_a_request_that_gets_in() {
    let rules = rules();
    for case in corpus() {
        let judgement = judged(&rules, &case);
        for found in judgement.violations() {
            assert!(found.statement.is_some(), "{}: {found:?}", case.name);
            assert!(found.witness.is_some(), "{}: {found:?}", case.name);
        }
        let uncovered = judgement.uncovered().count();
        assert_eq!(uncovered > 0, case.verdict == "violation", "{}", case.name);
    }
}

/// Whoever judges an account remembers what it found in a document: it must be what judging each
/// role alone finds, in whichever role the document stood first.
#[test]
fn a_whole_account_is_judged_as_its_roles_alone() {
    let rules = rules();
    let corpus = corpus();
    let mut judging = Judging::new(&rules, now());
    let (mut shared, mut others) = (0, 0);
    for (number, case) in corpus.iter().enumerate() {
        let text = text(case);
        // Its own role, and those of two other cases.
        for offset in [corpus.len() / 3, 0, corpus.len() / 2] {
            let other = &corpus[(number + offset) % corpus.len()];
            let role = RoleRef {
                account: ["111122223333", "555566667777"]
                    [usize::from(offset > 0 && number % 5 == 0)]
                .to_owned(),
                name: other.role.clone(),
                path: other.path.clone(),
            };
            let alone = judge_trust(&rules, &role, &text, now());
            let document = judging.read(&role.account, &text);
            assert_eq!(
                judging.judge(&role, &document, &text),
                alone,
                "{}",
                case.name
            );
            match document.of_any_role() {
                Some(findings) => {
                    assert_eq!(alone.verdict, Verdict::Approved, "{}", case.name);
                    assert_eq!(findings, alone.findings, "{}", case.name);
                    shared += 1;
                }
                None => others += 1,
            }
        }
    }
    assert!(shared > 30 && others > 100, "{shared} {others}");
}
