//! Chaining: a third party reaches a role through what it holds in the account.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::sync::Arc;

use guard::account::{AuditedRole, Held, LastUsed, Trusting, accesses, judge_chains};
use guard::detect::Judging;
use guard::model::RoleRef;
use serde_json::{Value, json};

const OWN: &str = "111122223333";

const RULES: &str = r#"
version: 1
vendors:
  - name: Acme
    accounts: ["444455556666"]
    roles: ["Acme*"]
    external_id: { values: [f3a81c5e9b] }
    users: [acme-sync]
identity_providers:
  - { provider: oidc.example.com, subjects: ["job-*"], roles: [Pipeline] }
exemptions:
  - { role: Accepted, check: reachable-through-role, reason: r, expires: 2027-01-31 }
"#;

fn own(resource: &str) -> Value {
    let service = if resource.starts_with("assumed") {
        "sts"
    } else {
        "iam"
    };
    json!({ "AWS": format!("arn:aws:{service}::{OWN}:{resource}") })
}

fn trust(principal: &Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole" }
    ] })
    .to_string()
}

fn of_acme() -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": "444455556666" }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": "f3a81c5e9b" } }
    }] })
    .to_string()
}

/// `NAME: MESSAGE` of each role that is reachable.
fn reachable(roles: &[(&str, String)], users: &[&str]) -> Vec<String> {
    let file = serde_saphyr::from_str(RULES).unwrap();
    let rules = crate::loaded(&file);
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    let mut judging = Judging::new(&rules, now);
    let (mut assumed, mut trusting) = (Vec::new(), Vec::new());
    for (name, text) in roles {
        let document = judging.read(OWN, text);
        trusting.push((*name, document.own_principals(OWN)));
        let role = Arc::new(AuditedRole {
            role: RoleRef::named(OWN, *name),
            arn: None,
            created: None,
            last_used: LastUsed::Unknown,
        });
        let judgement = judging.judge(&role.role, &document, text);
        assumed.extend(accesses(&rules, &role, &judgement));
    }
    let trusting: Vec<Trusting<'_>> = trusting
        .iter()
        .map(|(name, principals)| Trusting {
            account: OWN,
            name,
            principals,
        })
        .collect();
    let mut held = Held::among(&trusting);
    assumed.iter().for_each(|access| held.role(access));
    for user in users {
        for vendor in rules.vendors_of_user(user) {
            held.user(OWN, user, &vendor);
        }
    }
    judge_chains(&rules, &held, now)
        .into_iter()
        .map(|(index, found)| format!("{}: {}", roles[index].0, found.message))
        .collect()
}

#[test]
fn a6_a_role_of_a_third_party_carries_it_on() {
    let roles = [
        ("AcmeMonitor", of_acme()),
        ("Admin", trust(&own("role/path/acmemonitor"))),
        ("Next", trust(&own("assumed-role/Admin/any-session"))),
        // A circle, and a role that trusts itself.
        (
            "Last",
            trust(&json!({ "AWS": [own("role/Next")["AWS"], own("role/Last")["AWS"]] })),
        ),
        (
            "Build",
            trust(&json!({ "Service": "codebuild.amazonaws.com" })),
        ),
        ("Deploy", trust(&own("role/Build"))),
        ("Delegated", trust(&own("root"))),
        ("Accepted", trust(&own("role/AcmeMonitor"))),
    ];
    assert_eq!(
        reachable(&roles, &[]),
        [
            "Admin: Acme can assume it through role/AcmeMonitor",
            "Next: Acme can assume it through role/AcmeMonitor, then role/Admin",
            "Last: Acme can assume it through role/AcmeMonitor, then role/Admin, then role/Next",
        ]
    );
}

#[test]
fn a6_a_user_whose_keys_a_vendor_holds_carries_it_on() {
    let roles = [
        ("Export", trust(&own("user/Acme-Sync"))),
        ("Report", trust(&own("user/other"))),
    ];
    assert_eq!(
        reachable(&roles, &["acme-sync", "other"]),
        ["Export: Acme can assume it through user/acme-sync"]
    );
}

#[test]
fn a6_a_pattern_of_own_roles_carries_on_whom_it_fits() {
    let like = |pattern: &str| {
        json!({ "Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Principal": { "AWS": "*" }, "Action": "sts:AssumeRole",
            "Condition": { "ArnLike": { "aws:PrincipalArn": format!("arn:aws:iam::{OWN}:{pattern}") } }
        }] })
        .to_string()
    };
    let roles = [
        ("AcmeMonitor", of_acme()),
        ("ByPrefix", like("role/Acme*")),
        ("ByOther", like("role/Build*")),
    ];
    assert_eq!(
        reachable(&roles, &[]),
        ["ByPrefix: Acme can assume it through role/AcmeMonitor"]
    );
}

#[test]
fn whoever_is_in_directly_and_our_own_pipelines_are_no_news() {
    let pipeline = json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": { "Federated": format!("arn:aws:iam::{OWN}:oidc-provider/oidc.example.com") },
        "Condition": { "StringEquals": { "oidc.example.com:sub": "job-release" } }
    }] });
    let both = json!({ "Version": "2012-10-17", "Statement": [
        {
            "Effect": "Allow", "Principal": { "AWS": "444455556666" }, "Action": "sts:AssumeRole",
            "Condition": { "StringEquals": { "sts:ExternalId": "f3a81c5e9b" } }
        },
        { "Effect": "Allow", "Principal": own("role/AcmeMonitor"), "Action": "sts:AssumeRole" }
    ] });
    let roles = [
        ("AcmeMonitor", of_acme()),
        ("AcmeOther", both.to_string()),
        ("Pipeline", pipeline.to_string()),
        ("Deploy", trust(&own("role/Pipeline"))),
    ];
    assert_eq!(reachable(&roles, &[]), [""; 0]);
}
