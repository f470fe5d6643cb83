//! What an exemption covers: the judge and `rules check` say the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::sync::Arc;

use crate::now;

use guard::account::{
    Answer, AuditedRole, Credentials, Key, LastUsed, PolicyHolder, accesses, judge_credentials,
    judge_policy_holder, judge_use,
};
use guard::cloudtrail::{ConsolePassword, KeyChange};
use guard::detect::{judge_console_password, judge_key, judge_trust};
use guard::model::RoleRef;
use guard::rules::{Level, Rules, RulesFile, compile};
use guard::{Check, ExemptionOf};

const SHAPES: [(ExemptionOf, &str); 4] = [
    (
        ExemptionOf::RoleAndAccount,
        "role: Partner, account: \"444455556666\"",
    ),
    (ExemptionOf::Role, "role: Partner"),
    (ExemptionOf::User, "user: sync"),
    (
        ExemptionOf::ResourceAndAccount,
        "resource: \"arn:aws:s3:::site\", account: \"*\"",
    ),
];

fn file(yaml: &str) -> RulesFile {
    serde_saphyr::from_str(&format!("version: 1\n{yaml}")).unwrap()
}

fn load(yaml: &str) -> Rules {
    crate::loaded(&file(yaml))
}

#[test]
fn an_exemption_covers_what_rules_check_lets_it_name_and_nothing_else() {
    for check in Check::ALL {
        for (shape, names) in SHAPES {
            let yaml = format!(
                "exemptions: [{{ {names}, check: {check}, reason: r, expires: 2027-01-31 }}]"
            );
            let file = file(&yaml);
            let quiet = file.problems(Some(now())).is_empty();
            assert_eq!(quiet, check.exemption() == Some(shape), "{yaml}");
            let refused = file
                .problems(Some(now()))
                .iter()
                .any(|problem| problem.level == Level::Error);
            let Ok(compiled) = compile(&file, &[]) else {
                assert!(refused, "{yaml}");
                continue;
            };
            let rules = Rules::load(compiled.bytes).unwrap();
            let partner = RoleRef::named("111122223333", "Partner");
            let covers = |at| {
                [
                    rules
                        .exemption(&partner, "444455556666", *check, at)
                        .is_some(),
                    rules.exempts_role("Partner", *check, at),
                    rules.exempts_user("sync", *check, at),
                    rules.exempts_resource("111122223333", ("arn:aws:s3:::site", "*"), *check, at),
                ]
            };
            assert_eq!(covers(now()).contains(&true), quiet, "{yaml}");
            let over = "2027-02-01T00:00:00Z".parse().unwrap();
            assert_eq!(covers(over), [false; 4], "{yaml}");
        }
    }
}

#[test]
fn a_users_keys_and_password_may_be_exempted() {
    let old = Key {
        number: 1,
        active: true,
        rotated: Some("2024-01-01T00:00:00Z".parse().unwrap()),
        last_used: None,
    };
    let credentials = Credentials {
        password_used: None,
        password_set: None,
        more_keys: None,
        account: "111122223333".to_owned(),
        user: Some("sync".to_owned()),
        password: Answer::Yes,
        mfa: Answer::No,
        keys: vec![
            old.clone(),
            Key {
                number: 2,
                ..old.clone()
            },
        ],
    };
    let key = KeyChange {
        user: Some("sync".to_owned()),
        root: false,
        key_id: None,
    };
    let password = ConsolePassword {
        user: Some("sync".to_owned()),
        root: false,
        created: true,
    };
    let holder = PolicyHolder {
        account: "111122223333".to_owned(),
        user: "sync".to_owned(),
        policies: vec!["Inline".to_owned()],
    };
    let found = |rules: &Rules| {
        let mut found: Vec<Check> = judge_credentials(rules, &credentials, now())
            .into_iter()
            .chain(judge_policy_holder(rules, &holder, now()))
            .map(|found| found.finding.code)
            .collect();
        found.extend(
            judge_key(rules, &key, false, now())
                .iter()
                .chain(&judge_console_password(rules, &password, now()))
                .map(|found| found.code),
        );
        found.sort();
        found.dedup();
        found
    };
    let all = found(&load(""));
    assert_eq!(
        all,
        [
            Check::AccessKeyCreated,
            Check::ConsolePasswordCreated,
            Check::AccessKeyTooOld,
            Check::AccessKeyUnused,
            Check::TwoActiveKeys,
            Check::UserWithoutMfa,
            Check::PolicyOnUser,
        ]
    );
    for check in &all {
        let exempting = load(&format!(
            "exemptions: [{{ user: \"SYNC\", check: {check}, reason: r, expires: 2027-01-31 }}]"
        ));
        let rest = found(&exempting);
        assert!(
            !rest.contains(check) && rest.len() + 1 == all.len(),
            "{check}"
        );
    }
}

#[test]
fn a_role_that_nobody_uses_may_be_exempted() {
    let vendor = "vendors: [{ name: V, accounts: [\"444455556666\"], roles: [Partner], external_id: { values: [f3a81c5e9b] } }]";
    let document = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":"444455556666"},"Condition":{"StringEquals":{"sts:ExternalId":"f3a81c5e9b"}}}}"#;
    let unused = |yaml: &str| {
        let rules = load(yaml);
        let role = Arc::new(AuditedRole {
            role: RoleRef::named("111122223333", "Partner"),
            arn: None,
            created: None,
            last_used: LastUsed::Never,
        });
        let judgement = judge_trust(&rules, &role.role, document, now());
        judge_use(&rules, &accesses(&rules, &role, &judgement), now()).is_some()
    };
    assert!(unused(vendor));
    let exempting = "exemptions: [{ role: \"Part*\", check: unused-role, reason: for the next audit, expires: 2027-01-31 }]";
    assert!(!unused(&format!("{vendor}\n{exempting}")));
}
