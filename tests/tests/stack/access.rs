//! `access-key` and `root-activity`; who may write, asked of the account itself.

use std::time::Duration;

use local::Stack;
use local::cloudtrail::{self, Actor};
use serde_json::{Value, json};
use trustwarden_tests::{LAWFUL, OPEN, Operator, RULES, deployed, enforcing};

use crate::{ROLE, assert_untroubled, codes, outcome, stages};

fn creates_key(stack: &Stack<'_>, user: &str) -> String {
    stack
        .call("iam", "create_user", &json!({ "UserName": user }))
        .unwrap();
    let made = stack
        .call("iam", "create_access_key", &json!({ "UserName": user }))
        .unwrap();
    let key = made["AccessKey"]["AccessKeyId"]
        .as_str()
        .unwrap()
        .to_owned();
    let record = cloudtrail::create_access_key(&stack.account, Actor::Intruder, user, &key);
    stack.put_record(&record).unwrap();
    key
}

fn key_status(stack: &Stack<'_>, user: &str) -> String {
    let keys = stack
        .call("iam", "list_access_keys", &json!({ "UserName": user }))
        .unwrap();
    keys["AccessKeyMetadata"][0]["Status"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn a_key_that_may_not_be_is_switched_off_and_others_are_left() {
    let stack = enforcing();
    creates_key(&stack, "reporting");
    creates_key(&stack, "ci-deploy");
    stack.settles();
    assert_eq!(key_status(&stack, "reporting"), "Inactive");
    assert_eq!(key_status(&stack, "ci-deploy"), "Active");
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(codes(&alerts[0]), ["access-key-created"]);
    assert_eq!(outcome(&alerts[1]), "deactivated");
    assert_untroubled(&stack);
}

/// Everything that the intruder does is in CloudTrail, and reaches two functions.
#[test]
fn a7_a_new_user_of_an_allowed_name_gets_no_key_in_silence() {
    let stack = enforcing();
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    for (operation, call, request) in [
        (
            "create_user",
            "CreateUser",
            json!({ "UserName": "ci-backdoor" }),
        ),
        (
            "attach_user_policy",
            "AttachUserPolicy",
            json!({ "UserName": "ci-backdoor", "PolicyArn": admin }),
        ),
    ] {
        stack.call("iam", operation, &request).unwrap();
        let sent = json!({ "userName": "ci-backdoor", "policyArn": admin });
        let (account, by) = (&stack.account, Actor::Intruder);
        let record = cloudtrail::record(account, by, "iam", call, &sent, &Value::Null);
        stack.put_record(&record).unwrap();
        stack.settles();
    }
    let made = stack
        .call(
            "iam",
            "create_access_key",
            &json!({ "UserName": "ci-backdoor" }),
        )
        .unwrap();
    let key = made["AccessKey"]["AccessKeyId"].as_str().unwrap();
    let record = cloudtrail::create_access_key(&stack.account, Actor::Intruder, "ci-backdoor", key);
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected"]);
    assert_eq!(codes(&alerts[0]), ["first-access-key"]);
    assert_eq!(key_status(&stack, "ci-backdoor"), "Active");
    assert_untroubled(&stack);
}

#[test]
fn a_console_password_is_news() {
    let stack = enforcing();
    let request = json!({ "userName": "reporting", "passwordResetRequired": false });
    let answer = json!({ "loginProfile": { "userName": "reporting" } });
    let record = cloudtrail::record(
        &stack.account,
        Actor::Intruder,
        "iam",
        "CreateLoginProfile",
        &request,
        &answer,
    );
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["console-password-created"]);
    assert_untroubled(&stack);
}

/// One event of each kind through the real function, and one that failed.
#[test]
fn other_credentials_devices_and_longer_sessions_are_reported() {
    let stack = enforcing();
    let device = format!("arn:aws:iam::{}:mfa/reporting", stack.account);
    let (user, nothing) = ("reporting", &Value::Null);
    for (call, request, code) in [
        (
            "CreateServiceSpecificCredential",
            json!({ "userName": user, "serviceName": "bedrock.amazonaws.com" }),
            "credential-created",
        ),
        (
            "DeactivateMFADevice",
            json!({ "userName": user, "serialNumber": device }),
            "mfa-removed",
        ),
        (
            "UpdateRole",
            json!({ "roleName": ROLE, "maxSessionDuration": 43_200 }),
            "session-lengthened",
        ),
    ] {
        let account = &stack.account;
        let mut record =
            cloudtrail::record(account, Actor::Intruder, "iam", call, &request, nothing);
        let before = stack.alerts().unwrap().len();
        stack.put_record(&record).unwrap();
        stack.settles();
        let alerts = stack.alerts().unwrap();
        assert_eq!(alerts.len(), before + 1, "{call}: {alerts:#?}");
        assert_eq!(codes(&alerts[before]), [code]);
        record["eventID"] = json!(format!("{call}-refused"));
        record["errorCode"] = json!("AccessDenied");
        stack.put_record(&record).unwrap();
        stack.settles();
        assert_eq!(
            stack.alerts().unwrap().len(),
            before + 1,
            "{call} was refused"
        );
    }
    assert_untroubled(&stack);
}

#[test]
fn a_root_key_is_reported_by_both_who_watch() {
    let stack = enforcing();
    let answer =
        json!({ "accessKey": { "accessKeyId": "AKIAEXAMPLEROOTKEY001", "status": "Active" } });
    let record = cloudtrail::record(
        &stack.account,
        Actor::Root,
        "iam",
        "CreateAccessKey",
        &Value::Null,
        &answer,
    );
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    let reported: Vec<_> = alerts.iter().flat_map(codes).collect();
    assert!(
        reported.contains(&"root-access-key") && reported.contains(&"root-activity"),
        "{reported:?}"
    );
    assert_untroubled(&stack);
}

#[test]
fn root_signs_in_with_and_without_mfa() {
    let stack = enforcing();
    stack
        .put_record(&cloudtrail::root_sign_in(&stack.account, true, true))
        .unwrap();
    stack.settles();
    stack
        .put_record(&cloudtrail::root_sign_in(&stack.account, true, false))
        .unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["root-sign-in"]);
    assert!(codes(&alerts[1]).contains(&"root-without-mfa"));
    assert_untroubled(&stack);
}

#[test]
fn what_root_calls_is_reported_reading_calls_too() {
    let stack = enforcing();
    let mut record = cloudtrail::record(
        &stack.account,
        Actor::Root,
        "secretsmanager",
        "GetSecretValue",
        &json!({ "secretId": "prod/db" }),
        &Value::Null,
    );
    record["readOnly"] = json!(true);
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["root-activity"]);
    assert_untroubled(&stack);
}

#[test]
fn a_storm_of_failed_sign_ins_does_not_hide_a_back_door() {
    let stack = enforcing();
    for _ in 0..40 {
        stack
            .put_record(&cloudtrail::root_sign_in(&stack.account, false, false))
            .unwrap();
    }
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    assert!(stack.wait_until_quiet(Duration::from_secs(120)).unwrap());
    let alerts = stack.alerts().unwrap();
    let exposure = alerts
        .iter()
        .filter(|alert| codes(alert).contains(&"public-trust"));
    assert_eq!(exposure.count(), 2, "detected and outcome: {alerts:#?}");
    let failed = alerts
        .iter()
        .filter(|alert| codes(alert).contains(&"root-sign-in-failed"));
    let failed = failed.count();
    assert!(
        (1..=2).contains(&failed),
        "{failed} alerts about failed sign-ins"
    );
    assert_untroubled(&stack);
}

#[test]
fn nobody_but_the_remediator_writes_and_not_even_it_in_mode_alert() {
    let enforcing = enforcing();
    let alerting = deployed(&[], RULES);
    for (stack, writers) in [(&enforcing, &["remediator"][..]), (&alerting, &[][..])] {
        stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
        for function in stack.functions() {
            let request = json!({ "RoleName": ROLE, "PolicyDocument": LAWFUL });
            let account = &stack.machine.account;
            let answer =
                account.call_as(&function.role, "iam", "update_assume_role_policy", &request);
            let expected = writers.contains(&function.binary.as_str());
            assert_eq!(answer.is_ok(), expected, "{}: {answer:?}", function.binary);
            // Not even the remediator touches the guard's own roles.
            let own = function.role.rsplit('/').next().unwrap();
            let remediator = &stack.function("remediator").unwrap().role;
            let request = json!({ "RoleName": own, "PolicyDocument": OPEN });
            let answer = account.call_as(remediator, "iam", "update_assume_role_policy", &request);
            assert_eq!(answer.unwrap_err().code(), Some("AccessDenied"), "{own}");
        }
        stack.settles();
    }
}
