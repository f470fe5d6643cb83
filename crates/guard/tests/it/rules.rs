//! The rules file: what reads, what is refused, what is warned about, and what the functions load.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use guard::rules::{Level, OrganizationAccount, PathSegment, Rules, RulesFile, compile};
use guard::{Check, Severity};

use crate::now;

fn read(yaml: &str) -> RulesFile {
    serde_saphyr::from_str(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

fn load(yaml: &str) -> Rules {
    crate::loaded(&read(yaml))
}

fn path(segments: &[PathSegment]) -> String {
    let mut text = String::new();
    for segment in segments {
        match segment {
            PathSegment::Key(key) if text.is_empty() => text.push_str(key),
            PathSegment::Key(key) => text.push_str(&format!(".{key}")),
            PathSegment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

#[test]
fn the_rules_in_the_repository_hold_together() {
    let file = read(include_str!("../../../../rules/access.yaml"));
    assert_eq!(file.problems(Some(now())), []);
    let accounts: Vec<OrganizationAccount> =
        serde_json::from_str(include_str!("../../../../rules/accounts.json")).unwrap();
    let rules = crate::loaded_with(&file, &accounts);
    assert_eq!(rules.account("464622532012").vendors[0].name, "Datadog");
    assert_eq!(
        rules.account("111122223333").ours.as_deref(),
        Some("production")
    );
    assert_eq!(rules.account("222233334444").ours.as_deref(), Some(""));
    assert_eq!(rules.vendors_of_user("Backup-Legacy"), ["Example Backup"]);
}

#[test]
fn only_the_version_is_needed_and_the_rest_is_safe() {
    let file = read("version: 1");
    assert_eq!(file.problems(Some(now())), []);
    let sections = "trusted_accounts vendors identity_providers shared_providers networks access_keys root \
                    remediation checks exemptions organization";
    let empty: String = sections
        .split(' ')
        .map(|section| format!("\n{section}:"))
        .collect();
    assert_eq!(read(&format!("version: 1{empty}")), file);
    let rules = load("version: 1");
    assert_eq!(rules.mode(), guard::rules::Mode::Alert);
    assert_eq!(
        rules.access_keys().on_violation,
        guard::rules::KeyViolation::Alert
    );
    assert_eq!(rules.remediation().max_writes_per_role_per_hour, 3);
    assert_eq!(
        rules.remediation().revoke_sessions,
        guard::rules::RevokeSessions::Never
    );
    assert_eq!(rules.organization(), None);
    for check in Check::ALL {
        assert_eq!(rules.severity(*check), check.default_severity(), "{check}");
    }
}

#[test]
fn an_unquoted_account_id_keeps_its_leading_zero() {
    let file = read(
        "version: 1
trusted_accounts: [012345678901, 098765432109]
organization: { management_account: 001122334455 }
vendors:
  - { name: V, accounts: [000000000012], roles: [R], external_id: { values: [0123456789] } }
exemptions:
  - { role: R, account: 012345670123, check: public-trust, reason: r, expires: 2027-01-31 }
",
    );
    assert_eq!(file.trusted_accounts, ["012345678901", "098765432109"]);
    assert_eq!(
        file.organization.unwrap().management_account.unwrap(),
        "001122334455"
    );
    assert_eq!(file.vendors[0].accounts, ["000000000012"]);
    assert_eq!(file.vendors[0].external_id.values, ["0123456789"]);
    assert_eq!(file.exemptions[0].account.as_deref(), Some("012345670123"));
    assert_eq!(file.exemptions[0].expires.as_deref(), Some("2027-01-31"));
}

#[test]
fn what_cannot_be_read_says_what_was_meant() {
    for (yaml, says) in [
        ("version: 1\nvendor: []", "vendor"),
        (
            "version: 1\nvendors:\n  - { name: A, acounts: [] }",
            "acounts",
        ),
        ("version: 1\nmode: enforced", "alert"),
        (
            "version: 1\nroot: { sign_in: terrible }",
            "one of informational, low",
        ),
        (
            "version: 1\nvendors:\n  - { name: A, roles: [12345] }",
            "in quotes",
        ),
        (
            "version: 1\nvendors:\n  - { name: A, roles: [true] }",
            "in quotes",
        ),
        (
            "version: 1\nvendors:\n  - { name: A, roles: [{ name: R, externalid: x }] }",
            "externalid",
        ),
        (
            "version: 1\nvendors:\n  - { name: A, roles: [[R]] }",
            "role name or pattern",
        ),
        ("mode: alert", "version"),
    ] {
        let error = serde_saphyr::from_str::<RulesFile>(yaml)
            .unwrap_err()
            .to_string();
        assert!(error.contains(says), "{yaml}\nsays: {error}\nnot: {says}");
    }
}

#[test]
fn words_that_yaml_takes_for_others_are_read() {
    let file = read(
        "version: 1
remediation: { changed_role: off, new_role: off }
root: { sign_in: High, failed_sign_in: LOW, api_call: informational }
",
    );
    assert_eq!(
        file.remediation.changed_role,
        guard::rules::ChangedRole::Off
    );
    assert_eq!(file.remediation.new_role, guard::rules::NewRole::Off);
    assert_eq!(file.root.sign_in, Severity::High);
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Problematic {
    rules: String,
    level: String,
    at: String,
    says: String,
    #[serde(default)]
    suggests: String,
}

#[test]
fn what_does_not_hold_together_is_said_and_where() {
    let cases = [
        include_str!("../../testdata/rules/problems.yaml"),
        include_str!("../../testdata/rules/wide.yaml"),
    ];
    let cases: Vec<Problematic> = cases
        .iter()
        .flat_map(|yaml| serde_saphyr::from_str::<Vec<Problematic>>(yaml).unwrap())
        .collect();
    assert!(cases.len() > 60);
    for case in cases {
        let yaml = case.rules;
        let file = read(&format!("version: 1\n{yaml}"));
        let problems = file.problems(Some(now()));
        let [problem] = &problems[..] else {
            panic!("one problem in {yaml}: {problems:#?}")
        };
        assert_eq!(path(&problem.path), case.at, "{yaml}");
        let level = if problem.level == Level::Error {
            "error"
        } else {
            "warning"
        };
        assert_eq!(level, case.level, "{yaml}");
        assert!(
            problem.message.contains(&case.says),
            "{yaml}: {}",
            problem.message
        );
        let suggested = problem.suggestion.as_deref().unwrap_or_default();
        assert!(suggested.contains(&case.suggests), "{yaml}: {suggested}");
        assert_eq!(compile(&file, &[]).is_err(), level == "error", "{yaml}");
    }
    let problems = read("version: 2").problems(None);
    assert_eq!(path(&problems[0].path), "version");
}

#[test]
fn what_is_right_is_not_complained_about() {
    for yaml in [
        "networks: [\"192.0.2.0/24\", \"2001:db8::/32\", vpc-0123456789abcdef0, vpce-1a2b3c4d, \"198.51.100.7\"]",
        "vendors: [{ name: V, accounts: [\"444455556666\"], roles: [{ name: R, external_id: 6f1d83b2a94c }] }]",
        "vendors: [{ name: V, accounts: [\"444455556666\"], roles: [R], principals: [AROAEXAMPLEEXAMPLE123], external_id: { values: [f3a81c5e9b] } }]",
        "vendors: [{ name: V, accounts: [\"444455556666\"], roles: [R], external_id: { values: [f3a81c5e9b] }, expires: 2026-11-21 }]",
        "vendors: [{ name: V, users: [\"u-*\"], expires: \"2026-11-21T00:00:01Z\", permissions: { allow: [\"*\", \"s3:*\"] } }]",
        "identity_providers: [{ roles: [R], provider: token.actions.githubusercontent.com, subjects: [\"repo:acme@123/*\"] }]",
        "identity_providers: [{ roles: [R], kind: saml, provider: Okta }, { roles: [R], provider: oidc.example.com, subjects: [\"job-*\"] }]",
        "shared_providers: [{ issuer: ci.example.net, tenant_claims: [{ claim: sub, prefixes: [\"org:{}:\", \"team:{}/\"] }, { claim: org_id }] }, { issuer: \"login.example.net/t/*\", tenant_claims: [{ claim: aud }] }]\nidentity_providers: [{ roles: [R], provider: ci.example.net, claims: { org_id: [\"4711\"] } }, { roles: [R], provider: login.example.net/t/acme, audiences: [acme], subjects: [\"*\"] }, { roles: [R], provider: ci.example.net, subjects: [\"org:acme:*\", \"team:acme/x\"] }]",
        "identity_providers: [{ roles: [R], provider: gitlab.com, claims: { \"gitlab.com:namespace_id\": [\"4711\"] } }, { roles: [R], kind: ssm-hybrid }, { roles: [R], kind: roles-anywhere, trust_anchors: [\"arn:aws:rolesanywhere:eu-west-1:111122223333:trust-anchor/a\"] }, { roles: [R], kind: account-access, accounts: [\"444455556666\"] }]",
        "vendors: [{ name: V, accounts: [\"444455556666\"], roles: [\"*\"], external_id: { required: false }, accepted: theirs is the whole account }]",
        "networks: [{ network: 52.0.0.0/9, accepted: the office is in a cloud }, { network: \"192.0.2.0/24\" }]",
        "access_keys: { allow_users: [\"*\"], accepted: a sandbox }",
        "exemptions: [{ role: \"*\", account: \"444455556666\", check: over-ceiling, reason: r, accepted: until the merger }, { user: u, check: user-without-mfa, reason: r, expires: 2027-01-31 }, { role: R, check: unused-role, reason: r, expires: 2027-01-31 }]",
        "identity_providers: [{ provider: idp.example.com, accepted: it issues tokens for one service alone }]",
        "checks: { public-trust: { severity: low, accepted: a sandbox } }",
        "checks: { Missing-External-ID: { severity: Low, mode: alert } }",
    ] {
        assert_eq!(
            read(&format!("version: 1\n{yaml}")).problems(Some(now())),
            [],
            "{yaml}"
        );
    }
}

#[test]
fn an_expiry_is_the_end_of_its_day_or_a_moment() {
    let yaml = "version: 1
vendors:
  - { name: V, accounts: [\"444455556666\"], roles: [R], external_id: { values: [f3a81c5e9b] }, expires: 2027-03-31 }
  - { name: W, accounts: [\"777788889999\"], roles: [S], external_id: { values: [a94c6f1d83] }, expires: \"2027-03-31T12:00:00+02:00\" }
";
    let rules = load(yaml);
    let expires = |account: &str| {
        rules.account(account).vendors[0]
            .expires
            .unwrap()
            .to_string()
    };
    assert_eq!(expires("444455556666"), "2027-04-01T00:00:00Z");
    assert_eq!(expires("777788889999"), "2027-03-31T10:00:00Z");
}

#[test]
fn the_mode_of_a_vendor_or_check_only_lowers() {
    use guard::rules::Mode::{Alert, Enforce};
    let rules = |mode: &str| {
        load(&format!(
            "version: 1
mode: {mode}
checks: {{ expired-access: {{ mode: alert }}, public-trust: {{ mode: enforce }} }}
vendors:
  - {{ name: V, accounts: [\"444455556666\"], roles: [R], external_id: {{ values: [f3a81c5e9b] }}, mode: alert }}
"
        ))
    };
    let finding = |code, vendor: Option<&str>| guard::Finding {
        code,
        severity: Severity::High,
        message: String::new(),
        statement: None,
        third_party: vendor.map(|_| "444455556666".to_owned()),
        vendor: vendor.map(str::to_owned),
        witness: None,
        ways: Vec::new(),
        fix: None,
    };
    let enforce = rules("enforce");
    assert_eq!(
        enforce.mode_for(&finding(Check::UnknownThirdParty, None)),
        Enforce
    );
    assert_eq!(
        enforce.mode_for(&finding(Check::MissingExternalId, Some("V"))),
        Alert
    );
    assert_eq!(
        enforce.mode_for(&finding(Check::ExpiredAccess, None)),
        Alert
    );
    let alert = rules("alert");
    assert_eq!(alert.mode_for(&finding(Check::PublicTrust, None)), Alert);
}

#[test]
fn severities_are_as_the_rules_set_them() {
    let rules = load(
        "version: 1
root: { sign_in: high, failed_sign_in: low, api_call: medium }
checks: { weak-external-id: { severity: low }, root-activity: { severity: informational } }
",
    );
    assert_eq!(rules.severity(Check::RootSignIn), Severity::High);
    assert_eq!(rules.severity(Check::RootSignInFailed), Severity::Low);
    assert_eq!(rules.severity(Check::WeakExternalId), Severity::Low);
    assert_eq!(rules.severity(Check::RootActivity), Severity::Informational);
    assert_eq!(rules.severity(Check::PublicTrust), Severity::Critical);
}

/// A file of any length is read, if the reader is told that it may be long.
fn read_long(yaml: &str) -> RulesFile {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_nodes: 10_000_000, max_events: 40_000_000 },
    };
    serde_saphyr::from_str_with_options(yaml, options).unwrap_or_else(|error| panic!("{error}"))
}

fn many_vendors(count: usize) -> RulesFile {
    let mut yaml = String::from("version: 1\nvendors:\n");
    for n in 0..count {
        yaml.push_str(&format!(
            "  - {{ name: \"Vendor {n}\", accounts: [\"{:012}\"], roles: [\"Vendor{n}-*\"], \
             users: [\"user-{n}\"], external_id: {{ values: [\"{:032x}\"] }} }}\n",
            n * 37 + 5,
            (n as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835),
        ));
    }
    read_long(&yaml)
}

#[test]
fn every_account_and_user_is_found_among_many() {
    for count in [0, 1, 2, 3, 500] {
        let rules = crate::loaded(&many_vendors(count));
        for n in 0..count {
            let entry = rules.account(&format!("{:012}", n * 37 + 5));
            assert_eq!(entry.vendors.len(), 1, "{n} of {count}");
            assert_eq!(entry.vendors[0].name, format!("Vendor {n}"));
            assert_eq!(
                rules.vendors_of_user(&format!("USER-{n}")),
                [format!("Vendor {n}")]
            );
            assert!(
                rules
                    .account(&format!("{:012}", n * 37 + 6))
                    .vendors
                    .is_empty()
            );
        }
        for nothing in [
            "",
            "0",
            "999999999999",
            "00000000000",
            "account/",
            "\"",
            "\n",
        ] {
            assert_eq!(rules.account(nothing), Default::default(), "{nothing}");
            assert!(rules.vendors_of_user(nothing).is_empty());
        }
    }
}

#[test]
fn ten_thousand_vendors_are_read_and_found() {
    let rules = crate::loaded(&many_vendors(10_000));
    for n in (0..10_000).step_by(997) {
        let entry = rules.account(&format!("{:012}", n * 37 + 5));
        assert_eq!(entry.vendors[0].name, format!("Vendor {n}"));
    }
}

#[test]
fn the_same_rules_compile_to_the_same_bytes_and_others_to_another_hash() {
    let once = compile(&many_vendors(20), &[]).unwrap();
    let again = compile(&many_vendors(20), &[]).unwrap();
    assert_eq!(once, again);
    assert_eq!(Rules::load(once.bytes.clone()).unwrap().hash(), once.hash);
    assert_ne!(compile(&many_vendors(21), &[]).unwrap().hash, once.hash);
    serde_json::from_slice::<serde_json::Value>(&once.bytes).unwrap();
}

#[test]
fn damaged_rules_are_refused() {
    let good = compile(&many_vendors(5), &[]).unwrap().bytes;
    for cut in 0..good.len() {
        assert!(Rules::load(good[..cut].to_vec()).is_err(), "cut at {cut}");
    }
    for place in 0..good.len() {
        let mut bad = good.clone();
        bad[place] ^= 1;
        // What names the rules is not needed to read them, and is theirs to say.
        let hash = br#"{"schema":1,"hash":""#.len();
        if !(hash..hash + 64).contains(&place) {
            assert!(Rules::load(bad).is_err(), "changed at {place}");
        }
    }
    let mut longer = good.clone();
    longer.push(b'\n');
    assert!(Rules::load(longer).is_err());
    for other in [
        &b""[..],
        b"\n",
        b"{}",
        b"{}\n",
        b"version: 1\n",
        b"\xff\xfe\n",
    ] {
        assert!(Rules::load(other.to_vec()).is_err());
    }
    let newer = String::from_utf8(good)
        .unwrap()
        .replacen("\"schema\":1", "\"schema\":2", 1);
    let error = Rules::load(newer.into_bytes()).unwrap_err().to_string();
    assert!(error.contains("schema 2"), "{error}");
}

#[test]
fn an_accounts_file_with_a_wrong_id_is_refused() {
    let account = OrganizationAccount {
        id: "12345".to_owned(),
        name: String::new(),
        path: String::new(),
    };
    let error = compile(&read("version: 1"), &[account])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("entry 0") && error.contains("12345"),
        "{error}"
    );
}
