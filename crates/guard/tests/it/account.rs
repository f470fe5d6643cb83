//! What only a whole account shows.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::sync::Arc;

use crate::now;

use guard::Check;
use guard::account::{
    Access, AccountFinding, Answer, AuditedRole, Credentials, Key, LastUsed, Party, ProofKind,
    RuleOfParty, SeenByRules, accesses, judge_credentials, judge_external_ids, judge_rules,
    judge_use,
};
use guard::detect::judge_trust;
use guard::model::RoleRef;
use guard::rules::Rules;
use jiff::{SignedDuration, Timestamp};

const OWN: &str = "111122223333";
const UUID: &str = "0f2d6c1e-6a55-4d2b-9c63-7a1d6c7f1b21";
const OTHER: &str = "5b0c9f3de1a84c7b9d26f0a4c8e7135a";

fn days_ago(days: i64) -> Timestamp {
    now() - SignedDuration::from_hours(24 * days)
}

fn rules(more: &str) -> Rules {
    let yaml = format!(
        r#"
version: 1
vendors:
  - name: Globex
    accounts: ["444455556666", "444455557777"]
    roles: ["globex-*"]
    external_id: {{ required: true, values: ["{UUID}"] }}
    users: ["globex-sync", "globex-?"]
    owner: a@example.com
    expires: 2027-03-31
  - name: Initech
    accounts: ["555566667777"]
    roles: ["initech-*"]
    external_id: {{ required: true, values: ["{OTHER}"] }}
identity_providers:
  - {{ provider: token.actions.githubusercontent.com, subjects: ["repo:acme/*"] }}
  - {{ kind: eks, clusters: ["EXAMPLED539D4633E53DE1B71EXAMPLE"] }}
access_keys: {{ allow_users: ["ci-*"], max_age_days: 90 }}
{more}"#
    );
    let file = serde_saphyr::from_str(&yaml).unwrap();
    crate::loaded(&file)
}

fn trusting(account: &str, id: Option<&str>) -> String {
    let condition = id.map_or(String::new(), |id| {
        format!(r#","Condition":{{"StringEquals":{{"sts:ExternalId":"{id}"}}}}"#)
    });
    format!(
        r#"{{"Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{account}:root"}},"Action":"sts:AssumeRole"{condition}}}"#
    )
}

fn entered(rules: &Rules, name: &str, statements: &[String], last_used: LastUsed) -> Vec<Access> {
    let role = Arc::new(AuditedRole {
        role: RoleRef::named(OWN, name),
        arn: None,
        created: Some(days_ago(1_000)),
        last_used,
    });
    let document = format!(
        r#"{{"Version":"2012-10-17","Statement":[{}]}}"#,
        statements.join(",")
    );
    let judgement = judge_trust(rules, &role.role, &document, now());
    accesses(rules, &role, &judgement)
}

fn of(rules: &Rules, name: &str, statement: String) -> Vec<Access> {
    entered(rules, name, &[statement], LastUsed::Unknown)
}

#[test]
fn only_third_parties_are_third_parties_and_each_stands_once() {
    let rules = rules("trusted_accounts: [\"000011112222\"]");
    let statements = [
        trusting(OWN, None),
        trusting("000011112222", None),
        r#"{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}"#
            .to_owned(),
        trusting("444455556666", Some(UUID)),
        trusting("444455556666", None),
        trusting("999900001111", Some(OTHER)),
    ];
    let found = entered(&rules, "globex-x", &statements, LastUsed::Never);
    let account = |id: &str| Party::Account {
        account: id.to_owned(),
    };
    let parties: Vec<&Party> = found.iter().map(|access| &access.party).collect();
    assert_eq!(
        parties,
        [&account("444455556666"), &account("999900001111")]
    );

    let [globex, external_account] = &found[..] else {
        panic!("two")
    };
    assert_eq!(globex.name.as_deref(), Some("Globex"));
    let Some(RuleOfParty::Vendor { name, owner, .. }) = globex.rule.as_deref() else {
        panic!("{:?}", globex.rule)
    };
    assert_eq!(
        (name.as_str(), owner.as_deref()),
        ("Globex", Some("a@example.com"))
    );
    // By one of its ways it need prove nothing: that is what it must prove.
    assert!(!globex.allowed && globex.must_prove().is_empty());
    assert!(
        globex
            .findings
            .iter()
            .any(|(_, code)| *code == Check::MissingExternalId)
    );

    assert_eq!(
        (external_account.rule.as_deref(), external_account.allowed),
        (None, false)
    );
    assert_eq!(external_account.must_prove(), [ProofKind::ExternalId]);
    let codes: Vec<Check> = external_account
        .findings
        .iter()
        .map(|(_, code)| *code)
        .collect();
    assert_eq!(codes, [Check::UnknownThirdParty]);
}

/// Roles with who enters them by which id, and the subjects of what is found about ids.
#[test]
fn external_ids_are_shared_where_nobody_decided_it() {
    const WEAK: &str = "acme-111122223333";
    type Roles = &'static [(&'static str, &'static str, &'static str)];
    let table: &[(Roles, Check, &[&str])] = &[
        // One vendor, two accounts, two roles that its rule names.
        (
            &[
                ("globex-a", "444455556666", UUID),
                ("globex-b", "444455557777", UUID),
            ],
            Check::SharedExternalId,
            &[],
        ),
        // The role that its rule does not name is one too many.
        (
            &[
                ("globex-a", "444455556666", UUID),
                ("payroll", "444455556666", UUID),
            ],
            Check::SharedExternalId,
            &["role/payroll"],
        ),
        // An external account has the vendor's id.
        (
            &[
                ("globex-a", "444455556666", UUID),
                ("x", "999900001111", UUID),
            ],
            Check::SharedExternalId,
            &["role/globex-a", "role/x"],
        ),
        // Two external accounts, and one external account on two roles.
        (
            &[("x", "999900001111", UUID), ("y", "999900002222", UUID)],
            Check::SharedExternalId,
            &["role/x", "role/y"],
        ),
        (
            &[("x", "999900001111", UUID), ("y", "999900001111", UUID)],
            Check::SharedExternalId,
            &["role/x", "role/y"],
        ),
        // Everybody has an id of his own.
        (
            &[
                ("globex-a", "444455556666", UUID),
                ("initech-a", "555566667777", OTHER),
            ],
            Check::SharedExternalId,
            &[],
        ),
        (
            &[("x", "999900001111", WEAK)],
            Check::WeakExternalId,
            &["role/x"],
        ),
        (&[("x", "999900001111", OTHER)], Check::WeakExternalId, &[]),
    ];
    let rules = rules("");
    for (roles, check, expected) in table {
        let all: Vec<Access> = roles
            .iter()
            .flat_map(|(name, account, id)| of(&rules, name, trusting(account, Some(id))))
            .collect();
        let found = external_ids(&rules, &all);
        let mut subjects: Vec<&str> = found
            .iter()
            .filter(|found| found.finding.code == *check)
            .map(|found| found.subject.as_str())
            .collect();
        subjects.sort_unstable();
        assert_eq!(&subjects, expected, "{roles:?}");
        assert!(found.iter().all(|found| found.finding.fix.is_some()));
    }
}

/// What is found, and that it is about the role of the access whose index comes with it.
fn external_ids(rules: &Rules, accesses: &[Access]) -> Vec<AccountFinding> {
    let mut all = Vec::new();
    let accesses: Vec<&Access> = accesses.iter().collect();
    judge_external_ids(rules, &accesses, now(), &mut |index, found| {
        assert_eq!(found.subject, accesses[index].role.subject());
        all.push(found);
    });
    all
}

#[test]
fn an_exemption_covers_ids_too() {
    let exempted = rules(
        "exemptions:\n  - { role: x, account: \"999900001111\", check: weak-external-id, reason: r }\n  \
         - { role: x, account: \"999900001111\", check: shared-external-id, reason: r }\n",
    );
    let all: Vec<Access> = ["x", "y"]
        .iter()
        .flat_map(|name| of(&exempted, name, trusting("999900001111", Some("acme-2024"))))
        .collect();
    let found = external_ids(&exempted, &all);
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|found| found.subject == "role/y"));
}

#[test]
fn an_exemption_is_used_once_it_has_accepted_something() {
    let rules = rules(
        "exemptions:\n  - { role: legacy, account: \"999900001111\", check: unknown-third-party, reason: r }\n  \
         - { role: legacy, account: \"999900001111\", check: weak-external-id, reason: r }\n  \
         - { role: gone, account: \"999900001111\", check: unknown-third-party, reason: r, expires: 2026-06-30 }\n",
    );
    let mut seen = SeenByRules::default();
    seen.role(OWN, &[]);
    let unused = |seen: &SeenByRules| -> Vec<(String, String)> {
        let found = judge_rules(&rules, seen, now()).into_iter();
        found
            .filter(|found| found.subject.contains("999900001111"))
            .map(|found| (found.subject, found.finding.message))
            .collect()
    };
    assert_eq!(unused(&seen).len(), 3);
    // A random id is not one that anybody guesses, so nothing needs accepting there.
    let entered = of(&rules, "Legacy", trusting("999900001111", Some(OTHER)));
    assert!(entered[0].allowed);
    assert!(external_ids(&rules, &entered).is_empty());
    let left = unused(&seen);
    assert_eq!(
        left.iter()
            .map(|(_, message)| message.as_str())
            .collect::<Vec<_>>(),
        [
            "the exemption of account 999900001111 on role legacy from weak-external-id accepts \
             nothing in account 111122223333",
            "the exemption of account 999900001111 on role gone from unknown-third-party has expired",
        ]
    );
    assert_eq!(left[0].0, "rule/weak-external-id 999900001111 legacy");
    let guessed = of(
        &rules,
        "legacy",
        trusting("999900001111", Some("acme-2024")),
    );
    external_ids(&rules, &guessed);
    assert_eq!(unused(&seen).len(), 1);
}

#[test]
fn a_role_is_unused_after_ninety_days_and_not_before() {
    let rules = rules("");
    let used = |days| LastUsed::At {
        when: days_ago(days),
        region: None,
    };
    for (last_used, created, unused) in [
        (used(89), 1_000, false),
        (used(90), 1_000, true),
        (LastUsed::Never, 89, false),
        (LastUsed::Never, 90, true),
        (LastUsed::Unknown, 1_000, false),
    ] {
        let statement = trusting("999900001111", None);
        let mut found = entered(&rules, "x", &[statement], last_used.clone());
        let mut role = AuditedRole::clone(&found[0].role);
        role.created = Some(days_ago(created));
        found[0].role = Arc::new(role);
        let judged = judge_use(&rules, &found, now());
        assert_eq!(judged.is_some(), unused, "{last_used:?} {created}");
    }
    assert_eq!(judge_use(&rules, &[], now()), None);
}

#[test]
fn a_rule_is_used_by_a_role_or_by_a_user() {
    let rules = rules("");
    let unused = |seen: &SeenByRules| -> Vec<String> {
        let found = judge_rules(&rules, seen, now());
        found.into_iter().map(|found| found.subject).collect()
    };
    // Nothing was seen, so nothing can be said.
    assert_eq!(unused(&SeenByRules::default()), [""; 0]);

    let mut seen = SeenByRules::default();
    seen.role(OWN, &[]);
    let github = "rule/token.actions.githubusercontent.com";
    let eks = "rule/EXAMPLED539D4633E53DE1B71EXAMPLE";
    assert_eq!(unused(&seen), ["rule/Globex", "rule/Initech", github, eks]);
    // Though the access breaks its rule, the rule is why somebody thought it right.
    seen.role(OWN, &of(&rules, "payroll", trusting("555566667777", None)));
    assert_eq!(unused(&seen), ["rule/Globex", github, eks]);
    seen.user(rules.vendors_of_user("globex-1"));
    assert_eq!(unused(&seen), [github, eks]);
    let oidc = format!(
        r#"{{"Effect":"Allow","Principal":{{"Federated":"arn:aws:iam::{OWN}:oidc-provider/token.actions.githubusercontent.com"}},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{{"StringEquals":{{"token.actions.githubusercontent.com:aud":"sts.amazonaws.com","token.actions.githubusercontent.com:sub":"repo:acme/app:ref:refs/heads/main"}}}}}}"#
    );
    let deploy = of(&rules, "deploy", oidc);
    assert_eq!(
        deploy[0].must_prove(),
        [ProofKind::Subject, ProofKind::Audience]
    );
    seen.role(OWN, &deploy);
    assert_eq!(unused(&seen), [eks]);
}

#[test]
fn credentials_as_they_stand() {
    let rules = rules("");
    let key = |number, active, rotated: i64, used: Option<i64>| Key {
        number,
        active,
        rotated: Some(days_ago(rotated)),
        last_used: used.map(days_ago),
    };
    let person = |user: Option<&str>, password, mfa, keys: &[Key]| Credentials {
        password_used: None,
        password_set: None,
        more_keys: None,
        account: OWN.to_owned(),
        user: user.map(str::to_owned),
        password,
        mfa,
        keys: keys.to_vec(),
    };
    use Answer::{No, Unknown, Yes};
    for (credentials, expected) in [
        (person(None, Unknown, Yes, &[]), vec![]),
        (person(None, Unknown, Unknown, &[]), vec![]),
        (person(None, Unknown, No, &[]), vec![Check::RootMfaMissing]),
        (person(None, Yes, No, &[]), vec![Check::RootMfaMissing]),
        // Nobody can sign in as root without a password and a key.
        (person(None, No, No, &[]), vec![]),
        (
            person(None, No, No, &[key(1, true, 1, Some(0))]),
            vec![Check::RootAccessKey, Check::RootMfaMissing],
        ),
        (
            Credentials {
                password_set: Some(days_ago(90)),
                ..person(Some("jane"), Yes, Yes, &[])
            },
            vec![Check::PasswordUnused],
        ),
        (
            Credentials {
                password_set: Some(days_ago(400)),
                password_used: Some(days_ago(89)),
                ..person(Some("jane"), Yes, Yes, &[])
            },
            vec![],
        ),
        (
            Credentials {
                more_keys: Some("1 more access key".to_owned()),
                ..person(Some("jane"), No, No, &[])
            },
            vec![Check::AccessKeyCreated, Check::TwoActiveKeys],
        ),
        (
            person(None, Unknown, Yes, &[key(1, true, 2_000, None)]),
            vec![Check::RootAccessKey],
        ),
        (
            person(None, Unknown, Yes, &[key(1, false, 2_000, None)]),
            vec![],
        ),
        (person(Some("jane"), Yes, Yes, &[]), vec![]),
        (
            person(Some("jane"), Yes, No, &[]),
            vec![Check::UserWithoutMfa],
        ),
        (person(Some("jane"), No, No, &[]), vec![]),
        (
            person(Some("jane"), No, No, &[key(1, true, 10, Some(1))]),
            vec![Check::AccessKeyCreated],
        ),
        (
            person(Some("globex-sync"), No, No, &[key(1, true, 10, Some(1))]),
            vec![Check::ThirdPartyAccessKey],
        ),
        (
            person(Some("globex-sync"), No, No, &[key(1, false, 10, Some(1))]),
            vec![],
        ),
        (
            person(Some("ci-a"), No, No, &[key(1, true, 90, Some(89))]),
            vec![],
        ),
        (
            person(Some("ci-a"), No, No, &[key(1, true, 91, Some(1))]),
            vec![Check::AccessKeyTooOld],
        ),
        (
            person(Some("ci-a"), No, No, &[key(1, true, 90, Some(90))]),
            vec![Check::AccessKeyUnused],
        ),
        (
            person(Some("ci-a"), No, No, &[key(2, true, 6, None)]),
            vec![],
        ),
        (
            person(Some("ci-a"), No, No, &[key(2, true, 7, None)]),
            vec![Check::AccessKeyUnused],
        ),
        (
            person(
                Some("ci-a"),
                No,
                No,
                &[key(1, true, 1, Some(0)), key(2, true, 1, Some(0))],
            ),
            vec![Check::TwoActiveKeys],
        ),
    ] {
        let found = judge_credentials(&rules, &credentials, now());
        let codes: Vec<Check> = found.iter().map(|found| found.finding.code).collect();
        assert_eq!(codes, expected, "{credentials:?}");
        for found in found {
            assert_eq!(found.subject, credentials.subject());
            assert!(found.finding.fix.is_some());
        }
    }
}
