//! `*` is everyone: AWS principals, services, and users of identity providers.

use guard::detect::{Judgement, Verdict, judge_trust};
use guard::model::RoleRef;
use guard::rules::RulesFile;
use guard::{Check, Severity};
use trustwarden_guard as guard;

const OWN: &str = "111122223333";

fn judged(action: &str, condition: &str) -> Judgement {
    let file: RulesFile = serde_json::from_value(serde_json::json!({
        "version": 1,
        "organization": { "id": "o-own1234567" },
        "trusted_accounts": ["222233334444"],
    }))
    .unwrap();
    let rules = crate::loaded(&file);
    let document = format!(
        r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "*"}},
            "Action": "{action}", "Condition": {{{condition}}}}}]}}"#
    );
    let role = RoleRef {
        account: OWN.to_owned(),
        name: Some("Job".to_owned()),
        path: Some("/".to_owned()),
    };
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    judge_trust(&rules, &role, &document, now)
}

#[test]
fn what_everyone_means_is_judged_for_services_and_tokens() {
    let enter = "sts:AssumeRole";
    let token = "sts:AssumeRoleWithWebIdentity";
    for (action, condition, check) in [
        (
            enter,
            r#""StringEquals": {"aws:SourceAccount": "999900001111"}"#,
            Check::UnknownThirdParty,
        ),
        (
            enter,
            r#""ArnLike": {"aws:SourceArn": "arn:aws:states:*:999900001111:*"}"#,
            Check::UnknownThirdParty,
        ),
        (
            enter,
            r#""StringEquals": {"aws:SourceOrgID": "o-foreign123"}"#,
            Check::UnknownThirdParty,
        ),
        // Roles Anywhere acts for the own account, with anybody's trust anchor.
        (
            enter,
            r#""StringEquals": {"aws:SourceAccount": "111122223333"}"#,
            Check::UnknownIdentityProvider,
        ),
        (token, "", Check::OpenIdentityProvider),
        (
            token,
            r#""StringLike": {"gitlab.com:sub": "project_path:*"}"#,
            Check::OpenIdentityProvider,
        ),
        (
            token,
            r#""StringEquals": {"gitlab.com:sub": "project_path:acme/app:ref_type:branch:ref:main"}"#,
            Check::UnknownIdentityProvider,
        ),
        ("sts:AssumeRoleWithSAML", "", Check::UnknownIdentityProvider),
    ] {
        let judgement = judged(action, condition);
        assert_eq!(judgement.verdict, Verdict::Violation, "{condition}");
        let mut codes = judgement.findings.iter().map(|found| found.code);
        assert!(
            codes.any(|code| code == check),
            "{condition}: {judgement:?}"
        );
    }
}

#[test]
fn every_service_of_our_own_accounts_is_no_violation() {
    for source in [
        r#""ArnLike": {"aws:SourceArn": "arn:aws:states:*:111122223333:*"}"#,
        r#""ArnLike": {"aws:SourceArn": "arn:aws:states:*:222233334444:*"}"#,
        r#""StringEquals": {"aws:PrincipalServiceName": "states.amazonaws.com", "aws:SourceAccount": "111122223333"}"#,
    ] {
        let judgement = judged("sts:AssumeRole", source);
        assert_eq!(judgement.verdict, Verdict::Approved, "{source}");
        assert_eq!(judgement.findings, [], "{source}");
    }
    // Nothing limits for whom: nobody means every service there is, and who names one means that.
    for (operator, name, severity) in [
        ("StringLike", "states.*", Severity::Medium),
        (
            "StringEquals",
            "states.amazonaws.com",
            Severity::Informational,
        ),
    ] {
        let named = format!(r#""{operator}": {{"aws:PrincipalServiceName": "{name}"}}"#);
        let judgement = judged("sts:AssumeRole", &named);
        let found: Vec<_> = (judgement.findings.iter())
            .map(|found| (found.code, found.severity))
            .collect();
        let expected = (Check::ConfusedDeputyService, severity);
        assert_eq!(found, [expected], "{name}");
    }
}

/// Conditions are ANDed: one that cannot be decided takes no other with it.
#[test]
fn an_undecided_condition_leaves_the_others_standing() {
    let id = "7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4";
    let file: RulesFile = serde_json::from_value(serde_json::json!({
        "version": 1,
        "vendors": [{
            "name": "Example Observer", "accounts": ["444455556666"], "roles": ["Observer*"],
            "external_id": { "required": true, "values": [id] }
        }],
    }))
    .unwrap();
    let rules = crate::loaded(&file);
    let role = RoleRef {
        account: OWN.to_owned(),
        name: Some("ObserverProd".to_owned()),
        path: Some("/".to_owned()),
    };
    let open = r#""aws:PrincipalTag/team": "${acme:Team}""#;
    for (conditions, verdict) in [
        (
            format!(r#"{open}, "sts:ExternalId": "{id}""#),
            Verdict::Approved,
        ),
        (open.to_owned(), Verdict::Violation),
    ] {
        let document = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow",
                "Principal": {{"AWS": "444455556666"}}, "Action": "sts:AssumeRole",
                "Condition": {{"StringEquals": {{{conditions}}}}}}}]}}"#
        );
        let now = "2026-11-21T00:00:00Z".parse().unwrap();
        let judgement = judge_trust(&rules, &role, &document, now);
        let analysis = judgement.analysis.as_ref().unwrap();
        assert!(!analysis.grants[0].decided, "{document}");
        assert_eq!(judgement.verdict, verdict, "{document}");
    }
}

/// Roles Anywhere hands the role to whoever holds a certificate, however its name is picked.
#[test]
fn a_service_that_lends_the_role_is_found_by_a_pattern_too() {
    for name in [
        "rolesanywhere.amazonaws.com",
        "roles*",
        "*.amazonaws.com",
        "?olesanywhere.*",
    ] {
        let named = format!(r#""StringLike": {{"aws:PrincipalServiceName": "{name}"}}"#);
        let judgement = judged("sts:AssumeRole", &named);
        let codes: Vec<_> = judgement.findings.iter().map(|found| found.code).collect();
        assert!(
            codes.contains(&Check::UnknownIdentityProvider),
            "{name}: {codes:?}"
        );
    }
}
