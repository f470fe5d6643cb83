//! Records as they come: whole, cut, mistyped, forged. Nothing is dropped in silence, and what
//! failed is never a change.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use serde_json::{Value, json};
use trustwarden_guard::cloudtrail::{Activity, Document, Irrelevance, KeyChange, Record, Watched};

use crate::records::{OWN, activity, iam, root, watched, with};

fn document_of(record: &Value) -> Document {
    match activity(record) {
        Activity::TrustChange(change) => change.document,
        other => panic!("{other:?}"),
    }
}

fn sign_in(fields: &[(&str, Value)]) -> Activity {
    activity(&with(root("ConsoleLogin", "signin.amazonaws.com"), fields))
}

#[test]
fn a_trust_document_is_found_wherever_it_stands() {
    let plain = r#"{"Version":"2012-10-17","Statement":[]}"#;
    let encoded = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%5D%7D";
    let create = |request: Value, response: Value| {
        let fields = [
            ("requestParameters", request),
            ("responseElements", response),
        ];
        document_of(&with(iam("CreateRole"), &fields))
    };
    let present = Document::Present(plain.to_owned());
    let sent = json!({"roleName": "R", "assumeRolePolicyDocument": plain});
    let answer = |text: &str| json!({"role": {"roleName": "R", "assumeRolePolicyDocument": text}});
    assert_eq!(create(sent.clone(), Value::Null), present);
    assert_eq!(
        create(sent, answer("%7B%7D")),
        present,
        "what was sent comes first"
    );
    assert_eq!(create(json!({"roleName": "R"}), answer(encoded)), present);
    assert_eq!(
        create(json!({"roleName": "R"}), answer(plain)),
        present,
        "seen plain, too"
    );
    assert_eq!(create(Value::Null, answer(encoded)), present);
    assert_eq!(create(json!({"omitted": true}), answer(encoded)), present);

    let update = |request: Value| {
        document_of(&with(
            iam("UpdateAssumeRolePolicy"),
            &[("requestParameters", request)],
        ))
    };
    assert_eq!(
        update(json!({"roleName": "R", "policyDocument": plain})),
        present
    );
    assert_eq!(
        update(json!({"roleName": "R", "policyDocument": {"Statement": []}})),
        Document::Present(r#"{"Statement":[]}"#.to_owned()),
    );
    for cut in [
        json!({"roleName": "R", "omitted": true}),
        json!({"roleName": "R", "omitted": "true", "policyDocument": null}),
        json!({"roleName": "R", "policyDocument": {"omitted": true, "originalSize": 131072}}),
    ] {
        assert_eq!(update(cut.clone()), Document::Omitted, "{cut}");
    }
    for missing in [
        json!({"roleName": "R"}),
        json!({"roleName": "R", "policyDocument": null}),
        json!({"roleName": "R", "policyDocument": 7}),
        json!({"roleName": "R", "policyDocument": []}),
        json!({"roleName": "R", "omitted": false}),
    ] {
        assert_eq!(update(missing.clone()), Document::Missing, "{missing}");
    }
    // As it was sent, even if it is no document at all.
    assert_eq!(
        update(json!({"roleName": "R", "policyDocument": ""})),
        Document::Present(String::new())
    );
}

#[test]
fn a_new_role_tells_its_id_path_and_arn() {
    let role = json!({"role": {
        "roleName": "R", "roleId": "AROAEXAMPLE", "path": "/p/",
        "arn": "arn:aws:iam::111122223333:role/p/R"
    }});
    let fields = [
        ("responseElements", role),
        ("requestParameters", json!({"roleName": "R"})),
    ];
    let Activity::TrustChange(change) = activity(&with(iam("CreateRole"), &fields)) else {
        panic!("a change")
    };
    assert!(change.created);
    assert_eq!(change.role_id.as_deref(), Some("AROAEXAMPLE"));
    assert_eq!(change.path.as_deref(), Some("/p/"));
    assert_eq!(
        change.arn.as_deref(),
        Some("arn:aws:iam::111122223333:role/p/R")
    );
    assert_eq!(change.role, "R");
}

#[test]
fn a_change_of_an_unknown_role_is_never_dropped() {
    for event in ["CreateRole", "UpdateAssumeRolePolicy", "DeleteRole"] {
        for request in [
            Value::Null,
            json!({"omitted": true}),
            json!({"roleName": null}),
            json!({"roleName": ""}),
            json!({"roleName": ["R"]}),
            json!("R"),
            json!(7),
        ] {
            let record = with(iam(event), &[("requestParameters", request.clone())]);
            match activity(&record) {
                Activity::Unreadable(found) => assert!(found.role_hidden),
                other => panic!("{event} {request}: {other:?}"),
            }
        }
    }
}

#[test]
fn a_failed_call_is_never_a_change() {
    for event in [
        "CreateRole",
        "UpdateAssumeRolePolicy",
        "DeleteRole",
        "CreateAccessKey",
        "UpdateAccessKey",
        "CreateLoginProfile",
        "UpdateLoginProfile",
    ] {
        for request in [Value::Null, json!({"roleName": "R", "userName": "u"})] {
            let failure = [
                ("errorCode", json!("AccessDenied")),
                ("requestParameters", request),
            ];
            let record = with(iam(event), &failure);
            assert!(matches!(activity(&record), Activity::Failed(_)), "{event}");
            let by_root = with(root(event, "iam.amazonaws.com"), &failure);
            assert!(matches!(activity(&by_root), Activity::Failed(_)), "{event}");
        }
        for none in [Value::Null, json!(""), json!({})] {
            let request = json!({"roleName": "R", "userName": "u", "status": "Active"});
            let fields = [("errorCode", none), ("requestParameters", request)];
            let record = with(iam(event), &fields);
            assert!(!matches!(activity(&record), Activity::Failed(_)), "{event}");
        }
    }
}

#[test]
fn a_failed_sign_in_has_no_error_code() {
    let result = |text: &str| ("responseElements", json!({"ConsoleLogin": text}));
    let message = ("errorMessage", json!("Failed authentication"));
    for (fields, succeeded) in [
        (vec![result("Failure"), message.clone()], false),
        (vec![result("Failure")], false),
        (vec![result("failure")], false),
        (
            vec![("responseElements", Value::Null), message.clone()],
            false,
        ),
        (vec![message], false),
        (vec![result("Success")], true),
        (vec![result("SUCCESS")], true),
        // What does not say that it failed is taken for a success.
        (vec![], true),
        (vec![("responseElements", json!([]))], true),
    ] {
        match sign_in(&fields) {
            Activity::RootSignIn(found) => assert_eq!(found.succeeded, succeeded, "{fields:?}"),
            other => panic!("{fields:?}: {other:?}"),
        }
    }
}

#[test]
fn mfa_is_read_in_any_case_and_never_guessed() {
    for (used, mfa) in [
        (json!({"MFAUsed": "Yes"}), Some(true)),
        (json!({"MFAUsed": "YES"}), Some(true)),
        (json!({"MFAUsed": "No"}), Some(false)),
        (json!({"MFAUsed": "NO"}), Some(false)),
        (json!({"MFAUsed": true}), None),
        (json!({}), None),
        (Value::Null, None),
    ] {
        let Activity::RootSignIn(found) = sign_in(&[("additionalEventData", used.clone())]) else {
            panic!("a sign-in")
        };
        assert_eq!(found.mfa, mfa, "{used}");
    }
    for event_type in ["AwsConsoleSignIn", "AwsConsoleSignin"] {
        let found = sign_in(&[("eventType", json!(event_type))]);
        assert!(matches!(found, Activity::RootSignIn(_)));
    }
}

#[test]
fn whose_key_it_is() {
    let alice = json!({"type": "IAMUser", "userName": "alice"});
    let by_arn = json!({"type": "Root", "arn": "arn:aws:iam::111122223333:root"});
    let by_alias = json!({"type": "Root", "userName": "example-alias"});
    let no_type = json!({"arn": "arn:aws:iam::111122223333:root"});
    let role = json!({"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r/s"});
    let answer = json!({"accessKey": {"userName": "bob", "accessKeyId": "AKIAEXAMPLE"}});
    for (identity, request, response, user, is_root) in [
        (
            &alice,
            json!({"userName": "bob"}),
            Value::Null,
            Some("bob"),
            false,
        ),
        (&alice, Value::Null, Value::Null, Some("alice"), false),
        (&alice, json!({}), answer.clone(), Some("bob"), false),
        (&role, Value::Null, Value::Null, None, false),
        (
            &role,
            json!({"userName": "bob"}),
            Value::Null,
            Some("bob"),
            false,
        ),
        (&by_arn, Value::Null, Value::Null, None, true),
        (
            &by_arn,
            json!({"userName": "bob"}),
            Value::Null,
            Some("bob"),
            false,
        ),
        (
            &by_arn,
            json!({"userName": "root"}),
            Value::Null,
            None,
            true,
        ),
        (&no_type, Value::Null, Value::Null, None, true),
        // CloudTrail names the root user after the account's alias.
        (
            &by_alias,
            json!({"userName": "Example-Alias"}),
            Value::Null,
            None,
            true,
        ),
        (
            &by_alias,
            Value::Null,
            json!({"accessKey": {"userName": "example-alias"}}),
            None,
            true,
        ),
        (
            &by_alias,
            json!({"userName": "bob"}),
            Value::Null,
            Some("bob"),
            false,
        ),
        (
            &alice,
            json!({"userName": "arn:aws:iam::111122223333:root"}),
            Value::Null,
            None,
            true,
        ),
    ] {
        let fields = [
            ("userIdentity", identity.clone()),
            ("requestParameters", request.clone()),
            ("responseElements", response),
        ];
        match activity(&with(iam("CreateAccessKey"), &fields)) {
            Activity::AccessKeyCreated(KeyChange {
                user: found, root, ..
            }) => {
                assert_eq!(
                    (found.as_deref(), root),
                    (user, is_root),
                    "{identity} {request}"
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_key_is_closed_only_if_the_record_says_so() {
    for (status, closed) in [
        (json!("Inactive"), true),
        (json!("inactive"), true),
        (json!("Active"), false),
        (json!("Expired?"), false),
        (Value::Null, false),
    ] {
        let request = json!({"userName": "bob", "accessKeyId": "AKIAEXAMPLE", "status": status});
        let found = activity(&with(
            iam("UpdateAccessKey"),
            &[("requestParameters", request)],
        ));
        match found {
            Activity::Irrelevant(Irrelevance::KeyClosed) => assert!(closed, "{status}"),
            Activity::AccessKeyActivated(key) => {
                assert!(!closed, "{status}");
                assert_eq!(key.key_id.as_deref(), Some("AKIAEXAMPLE"));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_root_user_is_a_person_unless_aws_says_otherwise() {
    let call = root("ListUsers", "iam.amazonaws.com");
    assert_eq!(activity(&call), Activity::RootCall);
    for by_aws in [
        with(call.clone(), &[("eventType", json!("AwsServiceEvent"))]),
        with(
            call.clone(),
            &[(
                "userIdentity",
                json!({"type": "Root", "invokedBy": "s3.amazonaws.com"}),
            )],
        ),
    ] {
        assert_eq!(
            activity(&by_aws),
            Activity::Irrelevant(Irrelevance::DoneByAws)
        );
    }
    // An empty `invokedBy` names nobody.
    let nobody = json!({"type": "Root", "invokedBy": ""});
    assert_eq!(
        activity(&with(call, &[("userIdentity", nobody)])),
        Activity::RootCall
    );
    // A change is a change, whoever made it for the root user.
    let key = with(
        root("CreateAccessKey", "iam.amazonaws.com"),
        &[(
            "userIdentity",
            json!({"type": "Root", "invokedBy": "x.amazonaws.com"}),
        )],
    );
    assert!(matches!(activity(&key), Activity::AccessKeyCreated(_)));
    // A trust change by the root user is both.
    let change = with(
        root("UpdateAssumeRolePolicy", "iam.amazonaws.com"),
        &[(
            "requestParameters",
            json!({"roleName": "R", "policyDocument": "{}"}),
        )],
    );
    assert!(matches!(activity(&change), Activity::TrustChange(_)));
    assert_eq!(
        Record::from_value(&change).root_activity(&watched()),
        Activity::RootCall
    );
    // A step of a sign-in is none.
    let step = root("CheckMfa", "signin.amazonaws.com");
    assert!(matches!(activity(&step), Activity::Irrelevant(_)));
}

#[test]
fn only_our_own_events_count() {
    let change = json!({"roleName": "R", "policyDocument": "{}"});
    let ours = with(
        iam("UpdateAssumeRolePolicy"),
        &[("requestParameters", change)],
    );
    let theirs = with(
        ours.clone(),
        &[("recipientAccountId", json!("777788889999"))],
    );
    let event = |account: Value, detail: &Value| json!({"account": account, "detail": detail});
    let foreign = |found: Activity| {
        matches!(found, Activity::Irrelevant(Irrelevance::ForeignAccount { account })
            if account == "777788889999")
    };
    assert!(matches!(activity(&ours), Activity::TrustChange(_)));
    assert!(matches!(
        activity(&event(json!(OWN), &ours)),
        Activity::TrustChange(_)
    ));
    assert!(foreign(activity(&theirs)));
    assert!(foreign(activity(&event(json!(OWN), &theirs))));
    assert!(foreign(activity(&event(json!("777788889999"), &ours))));
    assert!(foreign(activity(&event(json!(777_788_889_999_u64), &ours))));
    let foreign_root = with(
        root("ConsoleLogin", "signin.amazonaws.com"),
        &[("recipientAccountId", json!("777788889999"))],
    );
    assert!(foreign(activity(&foreign_root)));
    // Nothing says that it is not ours.
    let unsaid = with(ours.clone(), &[("recipientAccountId", Value::Null)]);
    assert!(matches!(activity(&unsaid), Activity::TrustChange(_)));
    // In a log, each account is its own.
    let record = Record::from_value(&theirs);
    assert!(matches!(
        record.activity(&Watched::Any),
        Activity::TrustChange(_)
    ));
    assert_eq!(record.account(), "777788889999");
    let both = Watched::Accounts(vec![OWN.to_owned(), "777788889999".to_owned()]);
    assert!(matches!(record.activity(&both), Activity::TrustChange(_)));
}
