//! What is left of an answer when the purse runs empty: never narrower than the truth.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::path::Path;

use super::{AnalysisContext, Solver, summary};
use crate::answer::Analysis;
use crate::document::TrustPolicy;
use crate::sets::Fuel;

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
        ("service", &starved.services, &whole.services, false),
        (
            "source",
            &starved.service_source_accounts,
            &whole.service_source_accounts,
            everyone(&starved.service_source_accounts),
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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/trust");
    let mut wrong = Vec::new();
    let mut starved_ones = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        for line in text.lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let document = case["policy"].to_string();
            let Ok(policy) = TrustPolicy::parse(&document) else {
                continue;
            };
            let context = AnalysisContext {
                own_account: Some("111122223333"),
                own_organization: Some("o-own1234567"),
                now: "2026-11-21T00:00:00Z".parse().unwrap(),
                witnesses: false,
                providers: &[],
            };
            let answer = |steps: u64| {
                let fuel = Fuel::new(steps);
                summary::analysis(
                    &policy,
                    &context,
                    Solver {
                        context: &context,
                        fuel,
                    },
                )
            };
            let whole = answer(10_000_000);
            for steps in [0, 60, 150, 400, 1_000, 2_500, 6_000] {
                let mut starved = answer(steps);
                let decided = |answer: &Analysis| answer.grants.iter().all(|grant| grant.decided);
                let less = narrower(&starved, &whole);
                if !less.is_empty() {
                    wrong.push(format!(
                        "{} with {steps}: {less:?}\n   {document}",
                        case["id"]
                    ));
                    break;
                }
                starved.expires = whole.expires;
                if starved != whole {
                    starved_ones += 1;
                    if decided(&starved) {
                        wrong.push(format!(
                            "{} with {steps}: silent\n   {document}",
                            case["id"]
                        ));
                        break;
                    }
                }
            }
        }
    }
    assert!(starved_ones > 1000, "{starved_ones}");
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
}
