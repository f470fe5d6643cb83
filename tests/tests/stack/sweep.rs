//! The sweep, as a binary with the credentials of its own role: what no event told.

use local::cloudtrail::Actor;
use local::lambda::Ending;
use local::{Stack, event_of};
use serde_json::{Value, json};
use trustwarden_tests::{LAWFUL, OPEN, Operator, RULES, WITH_STRANGER, deployed, enforcing};

use crate::{ROLE, assert_untroubled, codes, outcome, stages};

/// What the schedule sends. On a busy machine the table may answer too late for a call; the schedule
/// comes again, and what a run held is free after some minutes.
pub(super) fn sweeps(stack: &Stack<'_>) {
    let tick = json!({
        "source": "aws.events", "detail-type": "Scheduled Event", "account": stack.account,
        "detail": {},
    });
    let mut ending = stack.invoke("sweep", &tick).unwrap();
    for _ in 0..2 {
        let Ending::Failed(error) = &ending else {
            break;
        };
        if !error.to_string().contains("state is unavailable") {
            break;
        }
        stack.time_passes(300);
        ending = stack.invoke("sweep", &tick).unwrap();
    }
    assert!(matches!(ending, Ending::Answer(_)), "{ending:?}");
    stack.settles();
}

/// IAM takes it, and no event comes.
fn changes_silently(stack: &Stack<'_>, name: &str, document: &str) {
    let request = json!({ "RoleName": name, "PolicyDocument": document });
    stack
        .call("iam", "update_assume_role_policy", &request)
        .unwrap();
}

fn creates_silently(stack: &Stack<'_>, name: &str, document: &str) {
    let request = json!({ "RoleName": name, "AssumeRolePolicyDocument": document });
    stack.call("iam", "create_role", &request).unwrap();
}

/// With the credentials of its role it reads the credential report, which takes AWS some seconds.
#[test]
fn keys_and_passwords_are_read_with_the_roles() {
    let stack = enforcing();
    let user = json!({ "UserName": "reporting" });
    stack.call("iam", "create_user", &user).unwrap();
    stack.call("iam", "create_access_key", &user).unwrap();
    for _ in 0..3 {
        sweeps(&stack);
        stack.time_passes(3_700);
    }
    let log = stack.log("sweep").unwrap();
    let lines = log
        .lines()
        .filter(|line| line.contains("credentials swept"));
    let lines = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let read: Vec<Value> = lines.collect();
    assert!(!read.is_empty(), "{log}");
    assert!(
        read.iter().all(|line| line["users"].as_u64() >= Some(1)),
        "{read:?}"
    );
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());

    // Created within the hour; its event is lost.
    let user = json!({ "UserName": "mallory" });
    stack.call("iam", "create_user", &user).unwrap();
    stack.call("iam", "create_access_key", &user).unwrap();
    stack.time_passes(3_700);
    sweeps(&stack);
    let alerts = stack.alerts().unwrap();
    assert_eq!(alerts.len(), 1, "{alerts:#?}");
    assert_eq!(alerts[0]["subject"], "user/mallory");
    assert_eq!(codes(&alerts[0]), ["access-key-created"]);
    let log = stack.log("sweep").unwrap();
    let hourly = log.lines().filter(|line| line.contains("keys swept"));
    let reported = hourly.filter(|line| line.contains("\"reported\":1"));
    assert_eq!(reported.count(), 1, "{log}");
    assert_untroubled(&stack);
}

/// With the credentials of its role it reads identity providers, and what a user may do whose keys a
/// third party holds by the rules.
#[test]
fn providers_and_a_vendors_users_are_read_with_the_roles() {
    let rules = RULES.replace("    accounts: [", "    users: [reporting]\n    accounts: [");
    let stack = deployed(&[("Mode", "enforce")], &rules);
    let call = |operation: &str, request: Value| {
        stack.call("iam", operation, &request).unwrap();
    };
    let arn = format!("arn:aws:iam::{}:oidc-provider/ci.example", stack.account);
    let thumbprints = |print: &str| vec![print.repeat(20)];
    call(
        "create_open_id_connect_provider",
        json!({
            "Url": "https://ci.example", "ClientIDList": ["sts.amazonaws.com"],
            "ThumbprintList": thumbprints("ab"),
        }),
    );
    let document = |entity: &str| {
        let body = "x".repeat(1_000);
        format!(
            "<EntityDescriptor entityID=\"https://{entity}.example\"><!-- {body} --></EntityDescriptor>"
        )
    };
    call(
        "create_saml_provider",
        json!({ "Name": "Directory", "SAMLMetadataDocument": document("ours") }),
    );
    call("create_user", json!({ "UserName": "reporting" }));
    sweeps(&stack);
    stack.time_passes(3_700);
    sweeps(&stack);
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());

    // The events of these are lost.
    call(
        "update_open_id_connect_provider_thumbprint",
        json!({ "OpenIDConnectProviderArn": arn, "ThumbprintList": thumbprints("cd") }),
    );
    let saml = format!("arn:aws:iam::{}:saml-provider/Directory", stack.account);
    call(
        "update_saml_provider",
        json!({ "SAMLProviderArn": saml, "SAMLMetadataDocument": document("theirs") }),
    );
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    call(
        "attach_user_policy",
        json!({ "UserName": "reporting", "PolicyArn": admin }),
    );
    for _ in 0..2 {
        stack.time_passes(3_700);
        sweeps(&stack);
    }
    let alerts = stack.alerts().unwrap();
    let found = |subject: &str| {
        let mut alerts = alerts.iter();
        let alert = alerts.find(|alert| alert["subject"] == subject);
        codes(alert.unwrap_or_else(|| panic!("{subject}: {alerts:#?}"))).join(" ")
    };
    assert_eq!(
        found(&format!("identity-provider/{arn}")),
        "identity-provider-changed"
    );
    assert_eq!(
        found(&format!("identity-provider/{saml}")),
        "identity-provider-changed"
    );
    assert!(found("user/reporting").contains("admin-access"));
    assert_untroubled(&stack);
}

#[test]
fn one_look_that_is_refused_keeps_no_other_from_looking() {
    let stack = enforcing();
    let denial = json!({
        "RoleName": stack.id_of("SweepRole").unwrap(), "PolicyName": "no-users",
        "PolicyDocument": json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Deny", "Action": "iam:ListUsers", "Resource": "*" }],
        }).to_string(),
    });
    let user = json!({ "UserName": "reporting" });
    stack.call("iam", "create_user", &user).unwrap();
    sweeps(&stack);
    stack.time_passes(3_700);
    sweeps(&stack);
    stack.call("iam", "put_role_policy", &denial).unwrap();
    let swept = |what: &str| stack.log("sweep").unwrap().matches(what).count();
    let before = (swept("permissions swept"), swept("credentials swept"));
    stack.time_passes(3_700);
    let ending = stack.invoke("sweep", &json!({})).unwrap();
    assert!(matches!(ending, Ending::Failed(_)), "{ending:?}");
    assert_eq!(swept("permissions swept"), before.0 + 1);
    assert_eq!(swept("credentials swept"), before.1 + 1);
}

#[test]
fn what_a_vendors_role_may_do_is_found_when_no_event_reports_it() {
    let stack = enforcing();
    creates_silently(&stack, ROLE, LAWFUL);
    sweeps(&stack);
    let admin = json!({
        "RoleName": ROLE, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
    });
    stack.call("iam", "attach_role_policy", &admin).unwrap();
    stack.time_passes(3_700);
    sweeps(&stack);
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    stack.time_passes(3_700);
    sweeps(&stack);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected"], "{alerts:#?}");
    assert_eq!(alerts[0]["subject"], format!("role/{ROLE}"));
    assert_eq!(codes(&alerts[0])[0], "admin-access");
    stack.settles();
    assert_untroubled(&stack);
}

#[test]
fn a_lost_event_is_found_and_remediated() {
    let stack = enforcing();
    creates_silently(&stack, ROLE, LAWFUL);
    sweeps(&stack);
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    // Changed within the hour; its event is lost.
    changes_silently(&stack, ROLE, WITH_STRANGER);
    sweeps(&stack);
    assert_eq!(
        stack.alerts().unwrap(),
        Vec::<Value>::new(),
        "it is not time"
    );
    stack.time_passes(3_700);
    sweeps(&stack);
    assert_eq!(
        stack.alerts().unwrap(),
        Vec::<Value>::new(),
        "its event may come yet"
    );
    stack.time_passes(400);
    sweeps(&stack);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(codes(&alerts[0]), ["unknown-third-party"]);
    // Nobody knows what was changed: what stands is repaired.
    assert_eq!(outcome(&alerts[1]), "repaired");
    assert_eq!(
        stack.live_trust(ROLE),
        LAWFUL,
        "what no rule covers is gone"
    );
    stack.time_passes(3_700);
    sweeps(&stack);
    assert_eq!(stack.alerts().unwrap().len(), 2, "told once");
    assert_untroubled(&stack);
}

fn trusting(stack: &Stack<'_>, role: &str) -> String {
    let principal = format!("arn:aws:iam::{}:role/{role}", stack.account);
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": { "AWS": principal }, "Action": "sts:AssumeRole"
    }] })
    .to_string()
}

#[test]
fn a6_a_role_that_a_vendor_reaches_through_its_own_is_reported_by_event_and_sweep() {
    let stack = enforcing();
    creates_silently(&stack, ROLE, LAWFUL);
    sweeps(&stack);
    stack.creates_role(Actor::Intruder, "Admin", &trusting(&stack, ROLE));
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected"]);
    assert_eq!(codes(&alerts[0]), ["reachable-through-role"]);
    let message = alerts[0]["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.ends_with(&format!("through role/{ROLE}")),
        "{message}"
    );
    // Of the next one no event tells.
    creates_silently(&stack, "Next", &trusting(&stack, "Admin"));
    stack.time_passes(3_700);
    sweeps(&stack);
    stack.time_passes(400);
    sweeps(&stack);
    let alerts = stack.alerts().unwrap();
    assert_eq!(
        stages(&alerts),
        ["detected", "detected"],
        "Admin is told once"
    );
    assert_eq!(codes(&alerts[1]), ["reachable-through-role"]);
    let message = alerts[1]["findings"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("then role/Admin"), "{message}");
    assert_untroubled(&stack);
}

#[test]
fn the_first_day_is_one_message_and_no_write() {
    let stack = enforcing();
    for n in 0..12 {
        creates_silently(&stack, &format!("legacy-{n}"), OPEN);
    }
    creates_silently(&stack, ROLE, LAWFUL);
    sweeps(&stack);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["digest"]);
    assert_eq!(alerts[0]["digest"]["lines"].as_array().unwrap().len(), 12);
    assert_eq!(stack.live_trust("legacy-0"), OPEN);
    stack.time_passes(3_700);
    sweeps(&stack);
    assert_eq!(stack.alerts().unwrap().len(), 1);
    assert_eq!(stack.live_trust("legacy-0"), OPEN);
    assert_untroubled(&stack);
}

#[test]
fn what_was_there_is_remediated_where_the_rules_say_so() {
    let both = "existing_violations: remediate, changed_role: revert";
    let rules = RULES.replace("changed_role: revert", both);
    let stack = deployed(&[("Mode", "enforce")], &rules);
    creates_silently(&stack, ROLE, WITH_STRANGER);
    sweeps(&stack);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["digest", "outcome"]);
    assert_eq!(outcome(&alerts[1]), "repaired");
    let live: Value = serde_json::from_str(&stack.live_trust(ROLE)).unwrap();
    assert_eq!(live, serde_json::from_str::<Value>(LAWFUL).unwrap());
    assert_untroubled(&stack);
}

#[test]
fn an_event_that_hides_its_role_brings_the_sweep() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    sweeps(&stack);
    stack.time_passes(120);
    changes_silently(&stack, ROLE, WITH_STRANGER);
    let mut record =
        local::cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, WITH_STRANGER);
    record["requestParameters"] = json!({ "omitted": true });
    let ending = stack.invoke("role-trust", &event_of(&record)).unwrap();
    assert!(matches!(ending, Ending::Answer(_)), "{ending:?}");
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["unreadable-policy"]);
    assert_eq!(alerts[0]["severity"], "CRITICAL");
    // No hour has passed.
    sweeps(&stack);
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_untroubled(&stack);
}

#[test]
fn the_sweep_may_write_nothing_to_iam() {
    let stack = enforcing();
    creates_silently(&stack, ROLE, LAWFUL);
    let role = &stack.function("sweep").unwrap().role;
    let request = json!({ "RoleName": ROLE, "PolicyDocument": OPEN });
    let refused = stack
        .machine
        .account
        .call_as(role, "iam", "update_assume_role_policy", &request)
        .unwrap_err();
    assert!(
        refused.code().unwrap().contains("AccessDenied"),
        "{refused}"
    );
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
}
