//! What is left of an answer when the budget runs empty: never narrower than the truth.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use super::compiled::Named;
use super::literal::Literal;
use super::region::{regions_of, remainder};
use super::way::{Class, Way};
use super::ways::without_covered;
use super::{AnalysisContext, Solver, analyze, summary};
use crate::answer::Analysis;
use crate::arn::is_account;
use crate::document::{Origin, TrustPolicy};
use crate::keys::{self, Role};
use crate::sets::Fuel;
use crate::sets::test::Test;
use crate::sets::universe::PARTITIONS;

fn context() -> AnalysisContext<'static> {
    AnalysisContext {
        own_account: Some("111122223333"),
        own_organization: Some("o-own1234567"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        origin: Origin::Sent,
        witnesses: false,
        providers: &[],
    }
}

/// The documents of `testdata/trust`, with their names.
fn documents() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/trust");
    let mut documents = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let cases: Vec<serde_json::Value> = serde_saphyr::from_str(&text).unwrap();
        let of_case =
            |case: serde_json::Value| (case["id"].to_string(), case["policy"].to_string());
        documents.extend(cases.into_iter().map(of_case));
    }
    documents.sort();
    documents
}

fn network_or_organization(answer: &Analysis) -> bool {
    answer.public
        || answer.any_account_from_network
        || answer.unknown_account
        || !answer.organizations.is_empty()
}

/// What an answer says less than another, as openness goes.
fn narrower(starved: &Analysis, whole: &Analysis) -> Vec<String> {
    let mut less = Vec::new();
    let mut says = |what: &str, less_open: bool| {
        if less_open {
            less.push(what.to_owned());
        }
    };
    says("public", whole.public && !starved.public);
    let network = starved.public || starved.any_account_from_network;
    says("network", whole.any_account_from_network && !network);
    says(
        "unknown account",
        whole.unknown_account && !(starved.unknown_account || network),
    );
    says("guarded", starved.guarded && !whole.guarded);
    let outside = network_or_organization(whole) || !whole.external_accounts.is_empty();
    says(
        "mfa",
        outside && starved.mfa_required && !whole.mfa_required,
    );
    says("any service", whole.any_service && !starved.any_service);
    says("external id", starved.external_id > whole.external_id);
    let ends = |answer: &Analysis| answer.expires.map_or((true, None), |at| (false, Some(at)));
    says("expires", outside && ends(starved) < ends(whole));
    let everyone = |list: &[String]| list == ["*"];
    for (name, fewer, more, covered) in [
        (
            "account",
            &starved.external_accounts,
            &whole.external_accounts,
            network,
        ),
        (
            "unguarded",
            &starved.unguarded_accounts,
            &whole.unguarded_accounts,
            network,
        ),
        (
            "organization",
            &starved.organizations,
            &whole.organizations,
            network,
        ),
        (
            "service",
            &starved.services,
            &whole.services,
            // Which may be any of them.
            starved.any_service,
        ),
        (
            "source",
            &starved.service_source_accounts,
            &whole.service_source_accounts,
            // Of any service only what limits it is told.
            everyone(&starved.service_source_accounts) || starved.any_service,
        ),
        ("provider", &starved.federated, &whole.federated, false),
        (
            "open provider",
            &starved.federated_open,
            &whole.federated_open,
            false,
        ),
    ] {
        let missing = more.iter().find(|one| !fewer.contains(one));
        if let (Some(missing), false) = (missing, covered) {
            says(&format!("{name} {missing}"), true);
        }
    }
    less
}

#[test]
fn with_less_to_spend_the_answer_is_wider_and_says_so() {
    let context = context();
    let mut wrong = Vec::new();
    let mut starved_ones = 0;
    for (id, document) in documents() {
        let Ok(policy) = TrustPolicy::parse(&document) else {
            continue;
        };
        let answer = |steps: u64| {
            let fuel = Fuel::new(steps);
            let context = &context;
            summary::analysis(&policy, context, Solver::with(context, fuel))
        };
        let whole = answer(10_000_000);
        for steps in [0, 60, 150, 400, 1_000, 2_500, 6_000] {
            let mut starved = answer(steps);
            let less = narrower(&starved, &whole);
            if !less.is_empty() {
                wrong.push(format!("{id} with {steps}: {less:?}\n   {document}"));
                break;
            }
            // That it may end sooner is not said; an end is what may be left out.
            starved.expires = whole.expires;
            if starved != whole {
                starved_ones += 1;
                if starved.grants.iter().all(|grant| grant.decided) {
                    wrong.push(format!("{id} with {steps}: silent\n   {document}"));
                    break;
                }
            }
        }
    }
    assert!(starved_ones > 1000, "{starved_ones}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}

/// With less to spend nothing counts as included that is not.
#[test]
fn with_less_to_spend_less_is_included() {
    let context = context();
    let documents = documents();
    let policies: Vec<_> = documents
        .iter()
        .filter_map(|(_, text)| TrustPolicy::parse(text).ok())
        .collect();
    let included = |narrow: &TrustPolicy<'_>, wide: &TrustPolicy<'_>, steps: u64| {
        let mut solver = Solver::with(&context, Fuel::new(steps));
        let known = regions_of(wide, &mut solver);
        regions_of(narrow, &mut solver)
            .into_iter()
            .all(|region| remainder(region, &known, &mut solver).is_empty())
    };
    let mut seen = (0, 0);
    for pair in policies.windows(2).step_by(3) {
        let [one, other] = pair else { continue };
        for (narrow, wide) in [(one, other), (one, one)] {
            let whole = included(narrow, wide, 10_000_000);
            for steps in [0, 150, 1_000, 4_000] {
                if included(narrow, wide, steps) {
                    seen.0 += 1;
                    assert!(whole, "{narrow}\nin {wide}");
                } else {
                    seen.1 += 1;
                }
            }
        }
    }
    assert!(seen.0 > 100 && seen.1 > 100, "{seen:?}");
}

#[test]
fn an_account_has_twelve_digits() {
    for (text, expected) in [
        ("464622532012", true),
        ("46462253201", false),
        ("4646225320121", false),
        ("abcdefghijkl", false),
        ("", false),
    ] {
        assert_eq!(is_account(text), expected, "{text}");
    }
}

/// Half of all addresses are few, one more is too many.
#[test]
fn networks_are_no_more_than_half_of_all() {
    let answer = |more: &str| {
        let half: Vec<String> = (0..128)
            .map(|first| format!("\"{first}.0.0.0/8\""))
            .collect();
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"*"}},"Action":"sts:AssumeRole","Condition":{{"IpAddress":{{"aws:SourceIp":[{}{more}]}}}}}}]}}"#,
            half.join(",")
        );
        let policy = TrustPolicy::parse(&document).unwrap();
        let found = analyze(&policy, &context());
        (found.public, found.any_account_from_network)
    };
    assert_eq!(answer(""), (false, true));
    assert_eq!(answer(r#","128.0.0.0""#), (true, false));
}

/// Which ways stay, of some on one principal.
#[test]
fn a_way_that_another_covers_is_left_out() {
    let literal = |role: Role| {
        let row = keys::by_role(role);
        Literal::passing(row, row.name, Test::Present)
    };
    let way = |statement: usize, demands: &[Role], decided: bool| Way {
        statement,
        named: Named::Everyone,
        class: Class::Aws,
        partitions: PARTITIONS,
        demands: demands.iter().map(|role| literal(*role)).collect(),
        decided,
    };
    let (id, tag) = (Role::ExternalId, Role::PrincipalTag);
    let kept = |ways: Vec<Way<'static>>, steps: u64| {
        let context = context();
        let mut solver = Solver::with(&context, Fuel::new(steps));
        let left = without_covered(ways, &mut solver);
        left.into_iter()
            .map(|way| (way.statement, way.demands.len(), way.decided))
            .collect::<Vec<_>>()
    };
    let open = || way(0, &[], true);
    let with_id = || way(0, &[id], true);
    for (ways, expected) in [
        (vec![], vec![]),
        (vec![open()], vec![(0, 0, true)]),
        (vec![open(), with_id()], vec![(0, 0, true)]),
        (vec![with_id(), open()], vec![(0, 0, true)]),
        (vec![with_id(), with_id()], vec![(0, 1, true)]),
        (
            vec![with_id(), way(0, &[tag], true)],
            vec![(0, 1, true), (0, 1, true)],
        ),
        (
            vec![way(0, &[tag, id], true), with_id()],
            vec![(0, 1, true)],
        ),
        (
            vec![way(0, &[tag, id], true), with_id(), way(0, &[tag], true)],
            vec![(0, 1, true), (0, 1, true)],
        ),
        // Another statement's, or another kind of caller's.
        (
            vec![open(), way(1, &[id], true)],
            vec![(0, 0, true), (1, 1, true)],
        ),
        (
            vec![
                open(),
                Way {
                    class: Class::Service("ec2.amazonaws.com"),
                    ..with_id()
                },
            ],
            vec![(0, 0, true), (0, 1, true)],
        ),
        (
            vec![
                open(),
                Way {
                    named: Named::Service("ec2.amazonaws.com"),
                    ..with_id()
                },
            ],
            vec![(0, 0, true), (0, 1, true)],
        ),
        // What is undecided stands for nothing decided, and what is decided for both.
        (
            vec![way(0, &[], false), with_id()],
            vec![(0, 0, false), (0, 1, true)],
        ),
        (vec![open(), way(0, &[id], false)], vec![(0, 0, true)]),
        (vec![way(0, &[id], false), with_id()], vec![(0, 1, true)]),
        (vec![with_id(), way(0, &[id], false)], vec![(0, 1, true)]),
        (
            vec![way(0, &[id], false), way(0, &[id], false)],
            vec![(0, 1, false)],
        ),
        (
            vec![way(0, &[id], false), way(0, &[], false)],
            vec![(0, 0, false)],
        ),
    ] {
        assert_eq!(kept(ways.clone(), 1_000), expected, "{ways:?}");
    }
    // It is paid for, if that is an eighth of what is left at most.
    let both = || vec![open(), with_id()];
    assert_eq!(kept(both(), 16).len(), 1);
    assert_eq!(kept(both(), 15).len(), 2);
}
