//! What third parties may do: `testdata/permissions/cases.yaml`, judged under its rules.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use guard::Check;
use guard::account::{Access, AuditedRole, LastUsed, accesses};
use guard::detect::judge_trust;
use guard::model::RoleRef;
use guard::permissions::{
    LastAccessed, LastAccessedError, PermissionJudging, Review, judge_unused, review,
};
use guard::rules::Rules;
use permissions::{Likeness, Policies, Policy, effective};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    enter: Vec<String>,
    #[serde(default)]
    policies: BTreeMap<String, Value>,
    #[serde(default)]
    attached: Vec<String>,
    boundary: Option<Value>,
    found: Vec<String>,
    says: Option<String>,
}

fn rules() -> Rules {
    let yaml = include_str!("../../testdata/permissions/rules.yaml");
    let file = serde_saphyr::from_str(yaml).unwrap();
    crate::loaded(&file)
}

fn cases() -> Vec<Case> {
    serde_saphyr::from_str(include_str!("../../testdata/permissions/cases.yaml")).unwrap()
}

/// The trust policy that lets these in.
fn trust(enter: &[String]) -> String {
    let statements: Vec<Value> = enter
        .iter()
        .map(|who| {
            if let Some(subject) = match who.as_str() {
                "own-ci" => Some("repo:acme/app:ref:refs/heads/main"),
                "any-ci" => Some("*"),
                _ => None,
            } {
                let issuer = "token.actions.githubusercontent.com";
                let provider = format!("arn:aws:iam::111122223333:oidc-provider/{issuer}");
                return serde_json::json!({
                    "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                    "Principal": {"Federated": provider},
                    "Condition": {
                        "StringEquals": {format!("{issuer}:aud"): "sts.amazonaws.com"},
                        "StringLike": {format!("{issuer}:sub"): subject},
                    },
                });
            }
            let (account, id) = match who.as_str() {
                "nobody" => ("111122223333", None),
                "stranger" => ("333300000001", None),
                "Bounded" => ("222200000001", Some("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed")),
                "Unbounded" => ("222200000002", Some("6c84fb90-12c4-11e1-840d-7b25c5ee775a")),
                "Writer" => ("222200000003", Some("110ec58a-a0f2-4ac4-8393-c866d813b8d1")),
                "Msp" => ("222200000004", Some("9a3b2f6e-0c1d-4e5f-8a7b-6c5d4e3f2a1b")),
                other => panic!("{other}"),
            };
            let mut statement = serde_json::json!({
                "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account},
            });
            if let Some(id) = id {
                statement["Condition"] =
                    serde_json::json!({"StringEquals": {"sts:ExternalId": id}});
            }
            statement
        })
        .collect();
    serde_json::json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn third_parties(rules: &Rules, enter: &[String]) -> Vec<Access> {
    let role = RoleRef::named("111122223333", "Vendor");
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let judgement = judge_trust(rules, &role, &trust(enter), now);
    let audited = AuditedRole {
        role,
        arn: None,
        created: None,
        last_used: LastUsed::Unknown,
    };
    accesses(rules, &Arc::new(audited), &judgement)
}

fn text(document: &Value) -> String {
    match document {
        Value::String(text) => text.clone(),
        document => document.to_string(),
    }
}

fn judge(rules: &Rules, case: &Case) -> Review {
    let third_parties = third_parties(rules, &case.enter);
    let third_parties: Vec<&Access> = third_parties.iter().collect();
    let documents: Vec<(&String, String)> = case
        .policies
        .iter()
        .map(|(name, document)| (name, text(document)))
        .collect();
    let own = documents.iter().map(|(name, document)| Policy {
        name,
        arn: None,
        document: Some(document),
    });
    let attached = case.attached.iter().map(|arn| Policy {
        name: arn,
        arn: Some(arn),
        document: None,
    });
    let boundary = case.boundary.as_ref().map(text);
    let policies = Policies {
        policies: own.chain(attached).collect(),
        boundary: boundary.as_deref().map(|document| Policy {
            name: "boundary",
            arn: None,
            document: Some(document),
        }),
        holder: Some("arn:aws:iam::111122223333:role/vendor"),
    };
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    let found = review(rules, &third_parties, &policies, now);
    // Whoever judges a whole account remembers: the same, the first time and the second.
    let likeness = Likeness::default().of(&policies);
    let mut judging = PermissionJudging::new(rules, now);
    for _ in 0..2 {
        let again = judging.judge(&third_parties, &found.effective, likeness);
        assert_eq!(again, found.findings);
    }
    found
}

#[test]
fn the_corpus_is_judged_as_it_says() {
    let rules = rules();
    let mut wrong = Vec::new();
    for case in cases() {
        let found = judge(&rules, &case).findings;
        let codes: Vec<&str> = found.iter().map(|found| found.code.code()).collect();
        if codes != case.found {
            wrong.push(format!("{}: {codes:?}", case.name));
        }
        if let Some(says) = &case.says
            && !found.iter().any(|found| found.message.contains(says))
        {
            let said: Vec<_> = found.iter().map(|found| &found.message).collect();
            wrong.push(format!("{}: says {said:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Deleting a check, or a case, breaks this.
#[test]
fn every_check_has_a_case_that_fails_and_one_that_passes() {
    let cases = cases();
    assert!(cases.len() > 50, "{}", cases.len());
    let found: BTreeSet<&str> = cases
        .iter()
        .flat_map(|case| case.found.iter().map(String::as_str))
        .collect();
    for check in [
        Check::AdminAccess,
        Check::IamAccess,
        Check::PrivilegeEscalation,
        Check::OverCeiling,
        Check::WriteWildcard,
        Check::DataAccess,
        Check::ResourceExposure,
        Check::UnreadablePermissions,
    ] {
        assert!(found.contains(check.code()), "{check}");
        let passes = cases
            .iter()
            .filter(|case| !case.found.contains(&check.code().to_owned()));
        assert!(passes.count() > 10, "{check}");
    }
}

#[test]
fn a_finding_names_the_only_third_party_that_enters() {
    let rules = rules();
    let mut case = cases()
        .into_iter()
        .find(|case| case.name == "a star")
        .unwrap();
    let of = |case: &Case| {
        let found = judge(&rules, case).findings;
        (found[0].vendor.clone(), found[0].third_party.clone())
    };
    case.enter = vec!["Unbounded".to_owned()];
    let both = (
        Some("Unbounded".to_owned()),
        Some("222200000002".to_owned()),
    );
    assert_eq!(of(&case), both);
    case.enter = vec!["stranger".to_owned()];
    assert_eq!(of(&case), (None, Some("333300000001".to_owned())));
    case.enter.push("Unbounded".to_owned());
    assert_eq!(of(&case), (None, None));
}

#[test]
fn an_answer_about_use_that_says_nothing_is_refused() {
    for (text, expected) in [
        ("{", "this is not an answer"),
        ("[]", "this is not an answer"),
        (
            r#"{"JobStatus":"IN_PROGRESS","ServicesLastAccessed":[]}"#,
            "IN_PROGRESS",
        ),
        (
            r#"{"JobStatus":"COMPLETED","ServicesLastAccessed":[],"IsTruncated":true}"#,
            "truncated",
        ),
    ] {
        let error: LastAccessedError = LastAccessed::parse(text).unwrap_err();
        assert!(error.to_string().contains(expected), "{text}: {error}");
    }
}

#[test]
fn use_is_compared_with_what_the_role_may_do() {
    let answer = r#"{"JobStatus":"COMPLETED","ServicesLastAccessed":[
        {"ServiceName":"EC2","ServiceNamespace":"ec2","LastAuthenticated":null},
        {"ServiceName":"SQS","ServiceNamespace":"sqs","LastAuthenticated":"2026-11-01T00:00:00Z",
         "TrackedActionsLastAccessed":[{"ActionName":"ListQueues","LastAccessedTime":"2026-11-01T00:00:00Z"},
          {"ActionName":"CreateQueue"},{"ActionName":"DeleteQueue"}]},
        {"ServiceName":"S3","ServiceNamespace":"s3"},
        {"ServiceName":"Nobody's","ServiceNamespace":"nosuch"}]}"#;
    let accessed = LastAccessed::parse(answer).unwrap();
    let rules = rules();
    let judged = |actions: &str| {
        let text =
            format!(r#"{{"Statement":{{"Effect":"Allow","Resource":"*","Action":{actions}}}}}"#);
        let role = effective(&Policies {
            policies: vec![Policy {
                name: "Access",
                arn: None,
                document: Some(&text),
            }],
            ..Policies::default()
        });
        judge_unused(&rules, &role, &accessed).map(|found| found.message)
    };
    assert_eq!(
        judged(r#"["ec2:Describe*","sqs:ListQueues","sqs:CreateQueue"]"#).unwrap(),
        "the role has permissions that it never used, as far as IAM looks back: of 1 service (ec2), \
         and of 1 action, as sqs:CreateQueue (sqs 1)"
    );
    assert_eq!(
        judged(r#"["sqs:ListQueues","nosuch:Thing","sns:Publish"]"#),
        None
    );
    assert_eq!(judged(r#"["sqs:SendMessage"]"#), None, "not tracked");
}

#[test]
fn a_finding_names_all_ways_and_tells_the_widest() {
    let mut case = cases()
        .into_iter()
        .find(|case| case.name == "a star")
        .unwrap();
    let policy = serde_json::json!({"Statement": [
        {"Effect": "Allow", "Action": ["ssm:SendCommand", "lambda:UpdateFunctionCode"],
         "Resource": ["arn:aws:ssm:*:*:document/x", "arn:aws:ec2:*:*:instance/x", "arn:aws:lambda:*:*:function:x"]},
        {"Effect": "Allow", "Action": "batch:SubmitJob", "Resource": "*"},
    ]});
    case.policies = BTreeMap::from([("own".to_owned(), policy)]);
    let found = judge(&rules(), &case).findings;
    let found = found
        .iter()
        .find(|found| found.code == Check::PrivilegeEscalation)
        .unwrap();
    assert_eq!(
        found.ways,
        ["batch-submit", "lambda-code", "ssm-send-command"]
    );
    assert!(
        found.message.contains("with batch:SubmitJob it runs"),
        "{}",
        found.message
    );
    assert!(
        found.message.ends_with("and there are 2 other ways"),
        "{}",
        found.message
    );
}
