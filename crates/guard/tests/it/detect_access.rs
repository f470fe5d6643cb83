//! Access keys, console passwords and the root user, judged.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use guard::cloudtrail::{Activity, ConsolePassword, KeyChange, Record, Watched};
use guard::detect::{
    Verdict, judge_console_password, judge_credential, judge_key, judge_root, judge_session_length,
    judge_trust, unreadable_event,
};
use guard::model::RoleRef;
use guard::rules::Rules;
use guard::{Finding, Remedy};
use serde_json::json;

use crate::now;

fn rules(yaml: &str) -> Rules {
    let file = serde_saphyr::from_str(&format!("version: 1\n{yaml}")).unwrap();
    crate::loaded(&file)
}

fn codes(findings: &[Finding]) -> Vec<String> {
    findings
        .iter()
        .map(|found| format!("{} {}", found.code, found.severity))
        .collect()
}

fn key(user: Option<&str>, root: bool) -> KeyChange {
    KeyChange {
        user: user.map(str::to_owned),
        root,
        key_id: Some("AKIAEXAMPLE".to_owned()),
    }
}

#[test]
fn a_key_needs_a_rule() {
    let rules = rules(
        "access_keys: { allow_users: [\"ci-*\", Allowed-Sync] }
vendors:
  - { name: Sync, users: [legacy-sync, allowed-sync] }
  - { name: Batch, users: [\"batch-*\"] }
",
    );
    for (user, root, expected, vendor) in [
        (Some("ci-build"), false, vec![], None),
        (Some("CI-BUILD"), false, vec![], None),
        (Some("allowed-sync"), false, vec![], None),
        (Some("bob"), false, vec!["access-key-created HIGH"], None),
        (
            Some("my-ci-build"),
            false,
            vec!["access-key-created HIGH"],
            None,
        ),
        (
            Some("Legacy-Sync"),
            false,
            vec!["third-party-access-key HIGH"],
            Some("Sync"),
        ),
        (
            Some("batch-7"),
            false,
            vec!["third-party-access-key HIGH"],
            Some("Batch"),
        ),
        (None, false, vec!["access-key-created HIGH"], None),
        (None, true, vec!["root-access-key CRITICAL"], None),
        // The root user is no pattern's.
        (
            Some("ci-build"),
            true,
            vec!["root-access-key CRITICAL"],
            None,
        ),
    ] {
        for activated in [false, true] {
            let found = judge_key(&rules, &key(user, root), activated, now());
            assert_eq!(codes(&found), expected, "{user:?} {root}");
            let of = found.first().and_then(|found| found.vendor.as_deref());
            assert_eq!(of, vendor, "{user:?}");
            for found in found {
                let says = if activated {
                    "was made active again"
                } else {
                    "was created"
                };
                assert!(found.message.contains(says), "{}", found.message);
                let undone = found.code.remedy() == Remedy::AccessKey;
                assert_eq!(undone, !root, "a key of the root user is left to people");
            }
        }
    }
}

#[test]
fn without_rules_no_user_may_have_a_key() {
    let found = judge_key(&rules(""), &key(Some("ci-build"), false), false, now());
    assert_eq!(codes(&found), ["access-key-created HIGH"]);
}

#[test]
fn a_console_password_is_always_said() {
    for (user, root, created, severity, says) in [
        (Some("bob"), false, true, "HIGH", "of user bob was created"),
        (
            Some("bob"),
            false,
            false,
            "HIGH",
            "of user bob was replaced",
        ),
        (None, false, false, "HIGH", "whom the record does not name"),
        (None, true, true, "CRITICAL", "of the root user was created"),
    ] {
        let set = ConsolePassword {
            user: user.map(str::to_owned),
            root,
            created,
        };
        let found = judge_console_password(&rules(""), &set, now());
        assert_eq!(
            codes(&found),
            [format!("console-password-created {severity}")]
        );
        assert!(found[0].message.contains(says), "{}", found[0].message);
    }
}

fn root(name: &str, source: &str, fields: serde_json::Value) -> Vec<Finding> {
    judged_root(&rules(""), name, source, fields)
}

fn judged_root(rules: &Rules, name: &str, source: &str, fields: serde_json::Value) -> Vec<Finding> {
    let mut record = json!({
        "eventID": "e", "eventName": name, "eventSource": source,
        "eventTime": "2026-11-20T09:00:00Z", "sourceIPAddress": "203.0.113.9",
        "userIdentity": {"type": "Root"}, "recipientAccountId": "111122223333"
    });
    for (field, value) in fields.as_object().unwrap() {
        record[field] = value.clone();
    }
    let record = Record::from_value(&record);
    judge_root(
        rules,
        &record,
        &record.root_activity(&Watched::only("111122223333")),
    )
}

#[test]
fn the_root_user_is_always_said() {
    let console = "signin.amazonaws.com";
    let sign_in = |mfa: &str, result: &str| {
        json!({
            "additionalEventData": {"MFAUsed": mfa}, "responseElements": {"ConsoleLogin": result}
        })
    };
    let login = |fields| codes(&root("ConsoleLogin", console, fields));
    assert_eq!(login(sign_in("Yes", "Success")), ["root-sign-in CRITICAL"]);
    let without = ["root-sign-in CRITICAL", "root-without-mfa CRITICAL"];
    assert_eq!(login(sign_in("No", "Success")), without);
    assert_eq!(
        login(json!({"responseElements": {"ConsoleLogin": "Success"}})),
        without
    );
    assert_eq!(
        login(sign_in("No", "Failure")),
        ["root-sign-in-failed MEDIUM"]
    );
    let call = root("CreateBucket", "s3.amazonaws.com", json!({}));
    assert_eq!(codes(&call), ["root-activity CRITICAL"]);
    assert!(
        call[0].message.contains("s3:CreateBucket from 203.0.113.9"),
        "{}",
        call[0].message
    );
    let reset = root("PasswordRecoveryCompleted", console, json!({}));
    assert_eq!(codes(&reset), ["root-activity CRITICAL"]);
    // Anybody can ask for a new password.
    for answer in ["Success", "Failure"] {
        let answer = json!({"responseElements": {"PasswordRecoveryRequested": answer}});
        let asked = root("PasswordRecoveryRequested", console, answer);
        assert_eq!(codes(&asked), ["root-sign-in-failed MEDIUM"]);
        assert!(
            asked[0]
                .message
                .starts_with("a new password of the root user was asked for")
        );
    }
    for (identity, who) in [
        (
            json!({"type": "Root", "sessionContext": {"assumedRoot": "true"}}),
            "an assumed-root session of the organization's management called s3:CreateBucket",
        ),
        (
            json!({"type": "Root", "invokedByDelegate": {"accountId": "444455556666"}}),
            "account 444455556666, by temporary delegation of the root user called s3:CreateBucket",
        ),
        (
            json!({"type": "Root", "invokedBy": "signin.amazonaws.com"}),
            "the root user called s3:CreateBucket",
        ),
    ] {
        let call = root(
            "CreateBucket",
            "s3.amazonaws.com",
            json!({"userIdentity": identity}),
        );
        assert!(call[0].message.starts_with(who), "{}", call[0].message);
    }
    for nothing in [
        json!({"userIdentity": {"type": "IAMUser"}}),
        json!({"userIdentity": {"type": "Root", "invokedBy": "s3.amazonaws.com"}}),
        json!({"errorCode": "AccessDenied"}),
        // Not every service writes a code.
        json!({"errorMessage": "Access Denied"}),
        json!({"recipientAccountId": "777788889999"}),
    ] {
        assert_eq!(root("CreateBucket", "s3.amazonaws.com", nothing), []);
    }
}

#[test]
fn the_rules_say_how_bad_it_is() {
    let rules = rules("root: { sign_in: high, failed_sign_in: low, api_call: medium }");
    let of = |name: &str, source: &str, fields| codes(&judged_root(&rules, name, source, fields));
    let failed = json!({"responseElements": {"ConsoleLogin": "Failure"}});
    assert_eq!(
        of("ConsoleLogin", "signin.amazonaws.com", failed),
        ["root-sign-in-failed LOW"]
    );
    let signed_in = json!({"additionalEventData": {"MFAUsed": "Yes"}});
    assert_eq!(
        of("ConsoleLogin", "signin.amazonaws.com", signed_in),
        ["root-sign-in HIGH"]
    );
    assert_eq!(
        of("ListUsers", "iam.amazonaws.com", json!({})),
        ["root-activity MEDIUM"]
    );
}

#[test]
fn a_hidden_role_is_critical_whatever_the_rules_say() {
    let rules = rules("checks: { unreadable-policy: { severity: low } }");
    let seen = unreadable_event(&rules, "the event lacks the trust policy", false);
    assert_eq!(codes(&[seen]), ["unreadable-policy LOW"]);
    let hidden = unreadable_event(&rules, "its name is missing", true);
    assert_eq!(codes(&[hidden]), ["unreadable-policy CRITICAL"]);
}

#[test]
fn a_role_is_known_by_its_arn() {
    for (arn, name, path) in [
        ("arn:aws:iam::111122223333:role/R", "R", "/"),
        ("arn:aws:iam::111122223333:role/a/b/R", "R", "/a/b/"),
        (
            "arn:aws-us-gov:iam::111122223333:role/aws-reserved/sso.amazonaws.com/R",
            "R",
            "/aws-reserved/sso.amazonaws.com/",
        ),
    ] {
        let role = RoleRef::from_arn(arn).unwrap();
        assert_eq!(
            (role.name.as_deref(), role.path.as_deref()),
            (Some(name), Some(path))
        );
        assert!(role.is(arn) && RoleRef::named("111122223333", name.to_lowercase()).is(arn));
        assert!(!RoleRef::named("444455556666", name).is(arn));
        assert_eq!(role.is_reserved(), path.starts_with("/aws-"), "{arn}");
    }
    for no_role in [
        "",
        "role/R",
        "arn:aws:iam::111122223333:user/R",
        "arn:aws:sts::1:role/R",
    ] {
        assert_eq!(RoleRef::from_arn(no_role), None, "{no_role}");
    }
    let elsewhere = RoleRef::from_arn("arn:aws:iam::111122223333:role/b/R").unwrap();
    assert!(!elsewhere.is("arn:aws:iam::111122223333:role/a/R"));
    let similar = RoleRef::from_arn("arn:aws:iam::111122223333:role/aws-reserved-not/R").unwrap();
    assert!(!similar.is_reserved());
}

#[test]
fn without_an_account_every_account_is_an_outside_one() {
    let role = RoleRef {
        account: String::new(),
        name: Some("R".to_owned()),
        path: None,
    };
    let document = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
        "Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}"#;
    let now = "2026-11-21T00:00:00Z".parse().unwrap();
    assert_eq!(
        judge_trust(&rules(""), &role, document, now).verdict,
        Verdict::Violation
    );
    let role = RoleRef::named("111122223333", "R");
    assert_eq!(
        judge_trust(&rules(""), &role, document, now).verdict,
        Verdict::Approved
    );
}

fn of_user(name: &str, request: serde_json::Value) -> Record {
    Record::from_value(&json!({
        "eventID": "e", "eventName": name, "eventSource": "iam.amazonaws.com",
        "eventTime": "2026-11-20T09:00:00Z", "recipientAccountId": "111122223333",
        "userIdentity": {"type": "IAMUser", "userName": "mallory"}, "requestParameters": request
    }))
}

#[test]
fn other_credentials_say_whose_they_are_and_when_they_end() {
    let rules = rules(
        "vendors: [{ name: Acme, accounts: [\"444455556666\"], roles: [A], external_id: { required: false }, users: [acme] }]\n\
         access_keys: { allow_users: [ci] }\n\
         exemptions: [{ user: spared, check: credential-created, reason: r, expires: 2027-01-01 }]",
    );
    let judged = |name: &str, request| match of_user(name, request)
        .activity(&Watched::only("111122223333"))
    {
        Activity::CredentialChanged(change) => judge_credential(&rules, &change, now()),
        other => panic!("{other:?}"),
    };
    let service = "CreateServiceSpecificCredential";
    let of = |user: &str| json!({"userName": user, "serviceName": "bedrock.amazonaws.com"});
    let found = judged(service, of("bob"));
    assert_eq!(
        found[0].message,
        "a credential of user bob for bedrock.amazonaws.com was created; it never expires"
    );
    let found = judged(service, of("acme"));
    assert_eq!(found[0].vendor.as_deref(), Some("Acme"));
    assert!(found[0].message.contains("which Acme holds"));
    let ends = json!({"userName": "bob", "credentialAgeDays": 30});
    let found = judged(service, ends);
    assert!(found[0].message.ends_with("it ends after 30 days"));
    // Who may have access keys may not have these for that.
    assert_eq!(
        codes(&judged(service, of("ci"))),
        ["credential-created HIGH"]
    );
    assert_eq!(judged(service, of("spared")), []);
    // The caller's own, where the call names nobody; of a device it names, nobody's.
    let found = judged("UploadSSHPublicKey", json!({}));
    assert!(found[0].message.contains("of user mallory"));
    let found = judged(
        "DeleteVirtualMFADevice",
        json!({"serialNumber": "arn:aws:iam::1:mfa/x"}),
    );
    assert!(
        found[0]
            .message
            .contains("of a user whom the record does not name")
    );
    assert_eq!(codes(&found), ["mfa-removed LOW"]);
    let root = json!({"serialNumber": "arn:aws:iam::1:mfa/root-account-mfa-device"});
    let found = judged("DeleteVirtualMFADevice", root);
    assert_eq!(codes(&found), ["mfa-removed CRITICAL"]);
}

#[test]
fn sessions_are_reported_that_last_longer_than_usual() {
    let rules = rules(
        "exemptions: [{ role: Spared, check: session-lengthened, reason: r, expires: 2027-01-01 }]",
    );
    let judged =
        |request| match of_user("UpdateRole", request).activity(&Watched::only("111122223333")) {
            Activity::SessionLengthSet(set) => judge_session_length(&rules, &set, now()),
            other => panic!("{other:?}"),
        };
    for (session, sign_in, message) in [
        (json!(3600), json!(null), None),
        (json!(null), json!(43_200), None),
        (
            json!(3601),
            json!(null),
            Some("sessions of role R may last 61 minutes"),
        ),
        (
            json!("43200"),
            json!(null),
            Some("sessions of role R may last 12 hours"),
        ),
        (
            json!(7200),
            json!(7_776_000),
            Some(
                "sessions of role R may last 2 hours; a sign-in as role R may be refreshed for 90 days",
            ),
        ),
    ] {
        let request = json!({
            "roleName": "R", "maxSessionDuration": session, "maxSigninSessionDuration": sign_in
        });
        let found = judged(request);
        assert_eq!(found.first().map(|found| found.message.as_str()), message);
    }
    assert_eq!(
        judged(json!({"roleName": "Spared", "maxSessionDuration": 43_200})),
        []
    );
}
