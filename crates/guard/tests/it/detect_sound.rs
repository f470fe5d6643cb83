//! Approved means covered: whatever the document, nobody whom the rules keep out gets into an
//! approved role. The requests are decided by the policy crate's evaluator, which knows neither
//! the analysis nor the rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::cell::Cell;
use std::collections::BTreeMap;

use guard::detect::{Verdict, judge_trust};
use guard::model::RoleRef;
use guard::rules::Rules;
use policy::{EvaluationContext, Request, RequestPrincipal, TrustPolicy, evaluate};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

const OWN: &str = "111122223333";
const RIGHT: &str = "5b0c9f3de1a84c7b9d26f0a4c8e7135a";
const WRONG: &str = "e4d2b8f19a7c46e08d53c7b1f0a96e42";
const GITHUB: &str = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";

fn rules() -> Rules {
    let file = serde_saphyr::from_str(include_str!("../../testdata/judged/rules.yaml")).unwrap();
    crate::loaded(&file)
}

fn aws_principal() -> impl Strategy<Value = Value> {
    let names = prop::sample::select(vec![
        "arn:aws:iam::111122223333:root",
        "arn:aws:iam::111122223333:role/own",
        "999988887777",
        "arn:aws:iam::222233334444:root",
        "arn:aws:iam::464622532012:root",
        "arn:aws:iam::464622532012:role/agent",
        "666677778888",
        "arn:aws:iam::666677778888:role/stranger",
        "*",
    ]);
    prop::collection::vec(names, 1..3).prop_map(|names| json!({ "AWS": names }))
}

fn condition() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let of =
        |operators: &'static [&'static str], key: &'static str, values: &'static [&'static str]| {
            let values = prop::collection::vec(prop::sample::select(values), 1..3);
            (prop::sample::select(operators), values)
                .prop_map(move |(operator, values)| (operator, key, json!(values)))
        };
    const TEXT: &[&str] = &[
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIfExists",
        "ForAllValues:StringEquals",
        "ForAnyValue:StringEquals",
        "StringEqualsIgnoreCase",
    ];
    prop_oneof![
        6 => of(TEXT, "sts:ExternalId", &[RIGHT, WRONG, "*", "5b0c*"]),
        2 => of(&["Null"], "sts:ExternalId", &["true", "false"]),
        4 => of(TEXT, "aws:PrincipalOrgID", &["o-abc123example", "o-zzz999zzz9", "o-*"]),
        3 => of(TEXT, "aws:PrincipalAccount", &[OWN, "464622532012", "666677778888", "*"]),
        3 => of(
            &["ArnLike", "ArnEquals", "ArnNotLike", "StringLike"],
            "aws:PrincipalArn",
            &["arn:aws:iam::111122223333:*", "arn:aws:iam::*:role/agent", "*111122223333*"],
        ),
        3 => of(
            &["IpAddress", "NotIpAddress", "IpAddressIfExists"],
            "aws:SourceIp",
            &["192.0.2.0/25", "198.51.100.0/24", "192.0.0.0/8"],
        ),
        1 => of(&["Bool", "BoolIfExists"], "aws:MultiFactorAuthPresent", &["true", "false"]),
    ]
}

fn github_condition() -> impl Strategy<Value = (&'static str, &'static str, Value)> {
    let of = |key: &'static str, values: &'static [&'static str]| {
        let operators = &[
            "StringEquals",
            "StringLike",
            "StringNotLike",
            "StringLikeIfExists",
        ][..];
        let values = prop::collection::vec(prop::sample::select(values), 1..3);
        (prop::sample::select(operators), values)
            .prop_map(move |(operator, values)| (operator, key, json!(values)))
    };
    prop_oneof![
        3 => of(
            "token.actions.githubusercontent.com:sub",
            &[
                "repo:acme/web:ref:refs/heads/main", "repo:acme/*:ref:refs/heads/main",
                "repo:acme/*", "repo:acme*", "repo:*", "repo:mallory/x:*", "*:ref:refs/heads/main",
            ],
        ),
        2 => of(
            "token.actions.githubusercontent.com:aud",
            &["sts.amazonaws.com", "https://github.com/acme", "*"],
        ),
        1 => of("token.actions.githubusercontent.com:repository", &["acme/web", "acme/*", "*"]),
    ]
}

fn statement() -> impl Strategy<Value = Value> {
    let with = |principal: Value, action: Value, effect: &str, conditions: Vec<_>| {
        let mut statement = json!({ "Effect": effect, "Principal": principal, "Action": action });
        let mut operators: Map<String, Value> = Map::new();
        for (operator, key, values) in conditions {
            let operator: &str = operator;
            let keys = operators.entry(operator).or_insert_with(|| json!({}));
            keys[key as &str] = values;
        }
        if !operators.is_empty() {
            statement["Condition"] = Value::Object(operators);
        }
        statement
    };
    let effect = prop_oneof![4 => Just("Allow"), 1 => Just("Deny")];
    let aws = (
        aws_principal(),
        effect.clone(),
        prop::collection::vec(condition(), 0..4),
    )
        .prop_map(move |(principal, effect, conditions)| {
            with(principal, json!("sts:AssumeRole"), effect, conditions)
        });
    let github = (effect, prop::collection::vec(github_condition(), 0..4)).prop_map(
        move |(effect, conditions)| {
            let principal = json!({ "Federated": GITHUB });
            with(
                principal,
                json!("sts:AssumeRoleWithWebIdentity"),
                effect,
                conditions,
            )
        },
    );
    prop_oneof![3 => aws, 1 => github]
}

fn document() -> impl Strategy<Value = String> {
    prop::collection::vec(statement(), 1..4).prop_map(|statements| {
        json!({ "Version": "2012-10-17", "Statement": statements }).to_string()
    })
}

fn request(kind: &str, value: &str, action: &str, context: &[(&str, &str)]) -> Request {
    let context: BTreeMap<String, Vec<String>> = context
        .iter()
        .map(|(key, value)| ((*key).to_owned(), vec![(*value).to_owned()]))
        .collect();
    Request {
        principal: RequestPrincipal {
            kind: kind.to_owned(),
            value: value.to_owned(),
        },
        action: action.to_owned(),
        context,
    }
}

/// Whom the rules keep out of a role.
fn kept_out(role: &str) -> Vec<Request> {
    let mut requests = Vec::new();
    let mut assume = |arn: &str, id: Option<&str>, organization: Option<&str>, ip: &str| {
        let mut context = vec![("aws:SourceIp", ip), ("aws:MultiFactorAuthPresent", "true")];
        context.extend(id.map(|id| ("sts:ExternalId", id)));
        context.extend(organization.map(|id| ("aws:PrincipalOrgID", id)));
        requests.push(request("AWS", arn, "sts:AssumeRole", &context));
    };
    for ip in ["198.51.100.7", "203.0.113.66", "192.0.3.1"] {
        for id in [None, Some(RIGHT), Some(WRONG), Some("5b0c-mallory")] {
            for organization in [None, Some("o-zzz999zzz9")] {
                for external_account in
                    ["role/stranger", "role/agent", "role/111122223333", "user/m"]
                {
                    let arn = format!("arn:aws:iam::666677778888:{external_account}");
                    assume(&arn, id, organization, ip);
                    let arn = format!("arn:aws:iam::123123123123:{external_account}");
                    assume(&arn, id, organization, ip);
                }
                // The vendor: only with its id, and only where its rule lets it.
                if id != Some(RIGHT) || !role.starts_with("Datadog") {
                    for principal in ["role/agent", "user/m"] {
                        let arn = format!("arn:aws:iam::464622532012:{principal}");
                        assume(&arn, id, organization, ip);
                    }
                }
            }
        }
    }
    for (subject, repository) in [
        ("repo:mallory/x:ref:refs/heads/main", "mallory/x"),
        ("repo:acme-evil/x:ref:refs/heads/main", "acme-evil/x"),
        ("repo:acme/web:pull_request", "acme/web"),
        ("repo:acme/web:ref:refs/heads/main", "acme/web"),
    ] {
        for audience in ["sts.amazonaws.com", "https://github.com/acme", "other"] {
            let ours = role.starts_with("deploy-")
                && subject == "repo:acme/web:ref:refs/heads/main"
                && audience == "sts.amazonaws.com";
            if !ours {
                let key = |claim: &str| format!("token.actions.githubusercontent.com:{claim}");
                let (sub, aud, repo) = (key("sub"), key("aud"), key("repository"));
                let context = [
                    (sub.as_str(), subject),
                    (aud.as_str(), audience),
                    (repo.as_str(), repository),
                ];
                let action = "sts:AssumeRoleWithWebIdentity";
                requests.push(request("Federated", GITHUB, action, &context));
            }
        }
    }
    requests
}

#[test]
fn nobody_whom_the_rules_keep_out_gets_into_an_approved_role() {
    let rules = rules();
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let context = EvaluationContext {
        account: Some(OWN),
        organization: Some("o-abc123example"),
        now,
        origin: policy::Origin::Shown,
    };
    let names = ["DatadogIntegrationRole", "deploy-web", "orders"];
    let third_parties = names.map(kept_out);
    let (approved, entered, open) = (Cell::new(0), Cell::new(0), Cell::new(0));
    let count = |counter: &Cell<u32>, by: bool| counter.set(counter.get() + u32::from(by));
    let cases = crate::cases(1_000);
    let mut runner = TestRunner::new_with_rng(
        Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        },
        proptest::test_runner::TestRng::deterministic_rng(
            proptest::test_runner::RngAlgorithm::ChaCha,
        ),
    );
    let which = 0..names.len();
    runner
        .run(&(document(), which), |(document, which)| {
            let role = RoleRef::named(OWN, names[which]);
            let judgement = judge_trust(&rules, &role, &document, now);
            let policy = TrustPolicy::parse(&document).unwrap();
            let in_by = |request: &&Request| {
                evaluate(&policy, request, &context)
                    .expect("a possible request")
                    .allowed
            };
            let intruder = third_parties[which].iter().find(in_by);
            if judgement.verdict == Verdict::Approved {
                count(&approved, true);
                let grants = judgement.analysis.unwrap().grants.clone();
                count(&entered, !grants.iter().all(is_own));
                prop_assert!(intruder.is_none(), "{document}\nlets in {intruder:#?}");
            } else {
                count(&open, intruder.is_some());
            }
            Ok(())
        })
        .unwrap();
    let [approved, entered, open] = [approved, entered, open].map(Cell::into_inner);
    // What this proves depends on what was drawn.
    assert!(approved > cases / 10, "{approved} of {cases} were approved");
    assert!(
        entered > cases / 50,
        "{entered} of those approved let in others than ourselves"
    );
    assert!(open > cases / 4, "{open} of {cases} let an intruder in");
}

fn is_own(grant: &policy::Grant) -> bool {
    matches!(
        &grant.principal,
        policy::Who::Account { account } | policy::Who::Principal { account, .. }
            if account == OWN
    )
}
