//! `role-trust` and the remediator: who may have access, and the trust policy as it was.

use local::cloudtrail::{self, Actor};
use local::event_of;
use local::lambda::Ending;
use serde_json::{Value, json};
use trustwarden_tests::{LAWFUL, OPEN, Operator, RULES, WITH_STRANGER, deployed, enforcing};

use crate::{ROLE, assert_untroubled, codes, outcome, stages};

#[test]
fn a_registered_vendors_role_wakes_nobody() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stack.invocations("role-trust").unwrap(), 1);
    assert_eq!(
        stack.invocations("remediator").unwrap(),
        1,
        "the baseline was kept"
    );
    assert_untroubled(&stack);
}

#[test]
fn an_unknown_account_is_removed_byte_for_byte() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(codes(&alerts[0]), ["unknown-third-party"]);
    assert_eq!(alerts[0]["incident"], alerts[1]["incident"]);
    assert_eq!(outcome(&alerts[1]), "reverted");
    assert_eq!(stack.tampering_alerts().unwrap(), Vec::<Value>::new());
    let mails = stack.mails();
    assert_eq!(mails.len(), 2);
    for mail in mails {
        let subject = mail.subject.unwrap();
        assert!(subject.is_ascii() && subject.len() < 100, "{subject}");
        assert!(mail.text.contains("666677778888"), "{}", mail.text);
    }
    assert_untroubled(&stack);
}

#[test]
fn the_guards_own_write_comes_back_and_is_known() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    let mut own = cloudtrail::update_trust(&stack.account, Actor::Administrator, ROLE, LAWFUL);
    let role = &stack.function("remediator").unwrap().role;
    let name = role.rsplit('/').next().unwrap();
    own["userIdentity"] = json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{}:assumed-role/{name}/remediator", stack.account),
        "accountId": stack.account,
        "sessionContext": { "sessionIssuer": { "type": "Role", "arn": role, "userName": name } },
    });
    stack.put_record(&own).unwrap();
    stack.settles();
    assert_eq!(stack.alerts().unwrap().len(), 2, "no third alert");
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_untroubled(&stack);
}

#[test]
fn a_new_role_for_everyone_is_closed() {
    let stack = enforcing();
    stack.creates_role(Actor::Intruder, "debug", OPEN);
    stack.settles();
    let live: Value = serde_json::from_str(&stack.live_trust("debug")).unwrap();
    assert_eq!(live["Statement"][0]["Effect"], "Deny");
    assert_eq!(live["Statement"][0]["Sid"], "TrustwardenQuarantine");
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["public-trust"]);
    assert_eq!(outcome(&alerts[1]), "quarantined");
    assert_untroubled(&stack);
}

#[test]
fn a_new_role_keeps_its_compliant_part() {
    let stack = enforcing();
    stack.creates_role(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    let live: Value = serde_json::from_str(&stack.live_trust(ROLE)).unwrap();
    let compliant: Value = serde_json::from_str(LAWFUL).unwrap();
    assert_eq!(live, compliant);
    assert_eq!(outcome(&stack.alerts().unwrap()[1]), "repaired");
    assert_untroubled(&stack);
}

#[test]
fn in_mode_alert_it_says_what_it_would_do() {
    let stack = deployed(&[("AlertEmail", "oncall@example.com")], RULES);
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcome(&alerts[1]), "would-revert");
    assert_untroubled(&stack);
}

#[test]
fn the_same_event_many_times_is_one_story() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let record = stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    for _ in 0..4 {
        stack.put_record(&record).unwrap();
    }
    stack.settles();
    stack.put_record(&record).unwrap();
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stages(&stack.alerts().unwrap()), ["detected", "outcome"]);
    // One that finds another delivery at work fails, and comes again.
    assert!(stack.invocations("role-trust").unwrap() >= 7);
    assert_untroubled(&stack);
}

#[test]
fn a_denied_call_changes_nothing_and_is_no_change() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, WITH_STRANGER);
    stack.put_record(&cloudtrail::denied(record)).unwrap();
    stack.settles();
    assert_eq!(stack.invocations("role-trust").unwrap(), 2, "it was seen");
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_untroubled(&stack);
}

#[test]
fn a_document_that_cannot_be_read_is_an_alert() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let mut record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, "{");
    record["requestParameters"]["policyDocument"] = json!("{\"Statement\": [ {\"Effect\": ");
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert!(
        alerts
            .iter()
            .any(|alert| codes(alert).contains(&"unreadable-policy")),
        "{alerts:#?}"
    );
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_untroubled(&stack);
}

#[test]
fn an_event_that_hides_the_role_is_critical() {
    let stack = enforcing();
    let mut record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, OPEN);
    record["requestParameters"] = json!({
        "omitted": true,
        "originalSize": 131_188,
        "reasonForOmission": "requestParameters exceeds the maximum size",
    });
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["unreadable-policy"]);
    assert_eq!(alerts[0]["severity"], "CRITICAL");
    assert_untroubled(&stack);
}

#[test]
fn an_event_without_the_document_is_read_from_iam() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let request = json!({ "RoleName": ROLE, "PolicyDocument": WITH_STRANGER });
    stack
        .call("iam", "update_assume_role_policy", &request)
        .unwrap();
    let mut record = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, OPEN);
    record["requestParameters"] = json!({ "roleName": ROLE, "omitted": true });
    stack.put_record(&record).unwrap();
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0])[0], "unknown-third-party", "{alerts:#?}");
    assert_untroubled(&stack);
}

#[test]
fn a_padded_document_hides_nothing() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let padded = WITH_STRANGER.replacen("},{", &format!("}},{}{{", " ".repeat(60_000)), 1);
    assert_ne!(padded, WITH_STRANGER);
    stack.changes_trust(Actor::Intruder, ROLE, &padded);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    assert_eq!(stages(&stack.alerts().unwrap()), ["detected", "outcome"]);
    assert_untroubled(&stack);
}

#[test]
fn what_is_no_cloudtrail_record_ends_where_someone_sees_it() {
    let stack = enforcing();
    let event = json!({
        "version": "0", "id": "x", "detail-type": "AWS API Call via CloudTrail", "source": "aws.iam",
        "account": stack.account, "time": "2026-11-20T09:00:00Z", "region": "us-east-1",
        "resources": [], "detail": ["not a record"],
    });
    let ending = stack.invoke("role-trust", &event).unwrap();
    let alerts = stack.alerts().unwrap();
    let reported = alerts
        .iter()
        .any(|alert| codes(alert).contains(&"unreadable-policy"));
    assert!(
        reported || matches!(ending, Ending::Failed(_)),
        "{ending:?}"
    );
}

#[test]
fn another_accounts_event_is_none_of_ours() {
    let stack = enforcing();
    let other = "999900001111";
    let record = cloudtrail::update_trust(other, Actor::Intruder, ROLE, OPEN);
    // Not over the bus …
    stack.put_record(&record).unwrap();
    stack.settles();
    assert_eq!(stack.invocations("role-trust").unwrap(), 0);
    // … and not by whoever may invoke the function, with either account forged.
    stack.invoke("role-trust", &event_of(&record)).unwrap();
    let mut forged = event_of(&record);
    forged["account"] = json!(stack.account);
    stack.invoke("role-trust", &forged).unwrap();
    stack.settles();
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    assert_eq!(stack.invocations("remediator").unwrap(), 0);
}

#[test]
fn two_roles_at_once_do_not_wait_for_each_other() {
    let stack = enforcing();
    for name in [
        "DatadogIntegrationA",
        "DatadogIntegrationB",
        "DatadogIntegrationC",
    ] {
        stack.creates_role(Actor::Intruder, name, WITH_STRANGER);
    }
    stack.settles();
    let compliant: Value = serde_json::from_str(LAWFUL).unwrap();
    for name in [
        "DatadogIntegrationA",
        "DatadogIntegrationB",
        "DatadogIntegrationC",
    ] {
        let live: Value = serde_json::from_str(&stack.live_trust(name)).unwrap();
        assert_eq!(live, compliant, "{name}");
    }
    let alerts = stack.alerts().unwrap();
    assert_eq!(alerts.len(), 6, "{alerts:#?}");
    assert_untroubled(&stack);
}
