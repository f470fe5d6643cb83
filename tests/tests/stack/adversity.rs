//! What the remediator does when events come in the wrong order, principals die, roles are made
//! again under their names, attackers repeat themselves, and some roles are nobody's to touch.

use std::time::Duration;

use local::cloudtrail::{self, Actor};
use local::{Stack, event_of};
use serde_json::{Value, json};
use trustwarden_tests::{
    LAWFUL, OPEN, Operator, RULES, WITH_STRANGER, deployed, deployed_in, enforcing, fresh_account,
};

use crate::{ROLE, assert_untroubled, codes, outcome, stages};

/// Compliant, too: the vendor and the own account.
fn also_compliant(stack: &Stack<'_>) -> String {
    let own = format!(
        r#",{{"Sid":"Own","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole"}}]}}"#,
        stack.account
    );
    format!("{}{own}", LAWFUL.strip_suffix("]}").unwrap())
}

/// Compliant: the own account alone.
fn own_alone(stack: &Stack<'_>) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Sid":"Own","Effect":"Allow","Principal":{{"AWS":"arn:aws:iam::{}:root"}},"Action":"sts:AssumeRole"}}]}}"#,
        stack.account
    )
}

fn with_external_account(account: &str) -> String {
    WITH_STRANGER.replace("666677778888", account)
}

/// IAM takes a trust policy; the record is not delivered yet.
fn changes_quietly(stack: &Stack<'_>, name: &str, document: &str) {
    let request = json!({ "RoleName": name, "PolicyDocument": document });
    stack
        .call("iam", "update_assume_role_policy", &request)
        .unwrap();
}

fn deletes_role(stack: &Stack<'_>, name: &str) -> Value {
    let request = json!({ "RoleName": name });
    stack.call("iam", "delete_role", &request).unwrap();
    cloudtrail::delete_role(&stack.account, Actor::Administrator, name)
}

/// The record as if it had been written so many seconds ago.
fn older(mut record: Value, seconds: i64) -> Value {
    let at: jiff::Timestamp = record["eventTime"].as_str().unwrap().parse().unwrap();
    record["eventTime"] = json!((at - jiff::SignedDuration::from_secs(seconds)).to_string());
    record
}

fn outcomes(alerts: &[Value]) -> Vec<&str> {
    let reported = alerts.iter().filter(|alert| alert["stage"] == "outcome");
    reported.map(outcome).collect()
}

#[test]
fn a_late_event_of_a_violation_does_not_undo_its_correction() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    // The intruder's change, then the correction by hand; their events come the other way round.
    changes_quietly(&stack, ROLE, WITH_STRANGER);
    let late = cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, WITH_STRANGER);
    let corrected = also_compliant(&stack);
    stack.changes_trust(Actor::Administrator, ROLE, &corrected);
    stack.settles();
    stack.put_record(&late).unwrap();
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), corrected);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcomes(&alerts), ["superseded"]);
    // What is put back from now on is the correction.
    stack.changes_trust(Actor::Intruder, ROLE, OPEN);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), corrected);
    assert_untroubled(&stack);
}

#[test]
fn compliant_changes_in_the_wrong_order_leave_the_newest_to_be_put_back() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let first = own_alone(&stack);
    let newest = also_compliant(&stack);
    changes_quietly(&stack, ROLE, &first);
    changes_quietly(&stack, ROLE, &newest);
    let record = |document: &str| {
        cloudtrail::update_trust(&stack.account, Actor::Administrator, ROLE, document)
    };
    // Both are made before either is heard of, however long that takes.
    let (of_newest, of_first) = (record(&newest), older(record(&first), 1));
    stack.put_record(&of_newest).unwrap();
    stack.settles();
    stack.put_record(&of_first).unwrap();
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), newest);
    assert_untroubled(&stack);
}

#[test]
fn a_principal_that_died_is_left_out_of_what_is_put_back_and_named() {
    let stack = enforcing();
    let dead = "arn:aws:iam::464622532012:user/sync";
    let root = r#""arn:aws:iam::464622532012:root""#;
    let both = LAWFUL.replace(root, &format!(r#"[{root},"{dead}"]"#));
    stack.creates_role(Actor::Administrator, ROLE, &both);
    stack.settles();
    let id = stack.bury(dead).unwrap();
    assert!(stack.live_trust(ROLE).contains(&id));
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(
        stack.live_trust(ROLE),
        LAWFUL.replace(root, &format!("[{root}]")),
        "all of it but the dead"
    );
    let alerts = stack.alerts().unwrap();
    assert_eq!(outcomes(&alerts), ["reverted"]);
    assert_eq!(alerts[1]["outcome"]["dropped"], json!([dead]));
    assert!(stack.mails().last().unwrap().text.contains(dead));
    assert_untroubled(&stack);
}

#[test]
fn the_last_write_of_the_hour_closes_the_exposure_and_then_people_are_called() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let strike = |account: &str| {
        stack.changes_trust(Actor::Intruder, ROLE, &with_external_account(account));
        stack.settles();
        stack.live_trust(ROLE)
    };
    assert_eq!(strike("666677770001"), LAWFUL);
    assert_eq!(strike("666677770002"), LAWFUL);
    assert!(strike("666677770003").contains("TrustwardenQuarantine"));
    assert_eq!(
        strike("666677770004"),
        with_external_account("666677770004"),
        "nothing is written any more"
    );
    let alerts = stack.alerts().unwrap();
    assert_eq!(
        outcomes(&alerts),
        ["reverted", "reverted", "quarantined", "budget-spent"]
    );
    let last = alerts.last().unwrap();
    assert_eq!(last["severity"], "CRITICAL");
    assert_eq!(last["outcome"]["open"], true);
    // Neither a new role under the name nor anything but time brings writes back.
    deletes_role(&stack, ROLE);
    stack.creates_role(
        Actor::Intruder,
        ROLE,
        &with_external_account("666677770005"),
    );
    stack.settles();
    assert_eq!(outcomes(&stack.alerts().unwrap())[4], "budget-spent");
    stack.time_passes(3_600);
    assert_eq!(strike("666677770006"), LAWFUL, "repaired");
    assert_untroubled(&stack);
}

#[test]
fn a_protected_role_is_judged_harder_and_never_written() {
    let account = fresh_account();
    let rules = RULES.replace(
        "new_role: repair }",
        &format!(
            r#"new_role: repair, protected_roles: ["arn:aws:iam::{account}:role/BreakGlass"] }}"#
        ),
    );
    let stack = deployed_in(&account, &[("Mode", "enforce")], &rules);
    // The vendor is not registered for either role.
    stack.creates_role(Actor::Administrator, "BreakGlass", LAWFUL);
    stack.settles();
    stack.creates_role(Actor::Administrator, "BreakGlass2", LAWFUL);
    stack.settles();
    assert_eq!(stack.live_trust("BreakGlass"), LAWFUL);
    assert_ne!(stack.live_trust("BreakGlass2"), LAWFUL);
    let alerts = stack.alerts().unwrap();
    assert_eq!(outcomes(&alerts), ["not-touched", "quarantined"]);
    let severities: Vec<_> = alerts.iter().map(|alert| &alert["severity"]).collect();
    assert_eq!(severities[0], "CRITICAL");
    assert_eq!(severities[2], "HIGH");
    assert_eq!(codes(&alerts[0]), codes(&alerts[2]));
    assert_untroubled(&stack);
}

#[test]
fn a_role_made_again_under_its_name_inherits_nothing() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let gone = deletes_role(&stack, ROLE);
    stack.put_record(&gone).unwrap();
    stack.settles();
    // Its creation is an event that never arrives.
    let own = own_alone(&stack);
    let request = json!({ "RoleName": ROLE, "AssumeRolePolicyDocument": own });
    stack.call("iam", "create_role", &request).unwrap();
    let external_account = own.replace(
        r#""Action":"sts:AssumeRole"}]"#,
        r#""Action":"sts:AssumeRole"},{"Sid":"Support","Effect":"Allow","Principal":{"AWS":"666677778888"},"Action":"sts:AssumeRole"}]"#,
    );
    assert_ne!(external_account, own);
    stack.changes_trust(Actor::Intruder, ROLE, &external_account);
    stack.settles();
    assert_eq!(
        stack.live_trust(ROLE),
        own,
        "the vendor of the old role does not get into the new one"
    );
    assert_eq!(outcomes(&stack.alerts().unwrap()), ["repaired"]);
    assert_untroubled(&stack);
}

#[test]
fn a_late_event_of_a_role_that_is_gone_closes_nothing_of_its_successor() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, OPEN);
    stack.settles();
    // The guard's write of a minute ago makes no read doubtful.
    stack.time_passes(61);
    let gone = older(deletes_role(&stack, ROLE), 2);
    let compliant = also_compliant(&stack);
    stack.creates_role(Actor::Administrator, ROLE, &compliant);
    stack.settles();
    stack.put_record(&gone).unwrap();
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), compliant);
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), compliant, "its history is known");
    assert_untroubled(&stack);
}

#[test]
fn the_rules_mode_holds_below_the_stacks() {
    let rules = RULES.replace("mode: enforce", "mode: alert");
    let stack = deployed(&[("Mode", "enforce")], &rules);
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    assert_eq!(outcomes(&stack.alerts().unwrap()), ["would-revert"]);
    assert_untroubled(&stack);
}

#[test]
fn an_order_that_comes_again_when_it_is_done_does_nothing() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    stack.crash_after("remediator", "dynamodb:PutItem").unwrap();
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    assert!(stack.wait_until_quiet(Duration::from_secs(60)).unwrap());
    let waiting = stack.peek(stack.output("OrdersUrl").unwrap()).unwrap();
    assert_eq!(waiting.len(), 1);
    stack.settles();
    assert_eq!(stack.live_trust(ROLE), LAWFUL);
    let reported = stack.alerts().unwrap().len();
    // The role is opened again, and of that no event has told yet: the old order is no reason to
    // write.
    changes_quietly(&stack, ROLE, WITH_STRANGER);
    let again = json!({ "Records": [{
        "messageId": "again", "receiptHandle": "none", "body": waiting[0],
        "attributes": { "ApproximateReceiveCount": "2" }, "eventSource": "aws:sqs",
    }]});
    let ending = stack.invoke("remediator", &again).unwrap();
    assert_eq!(ending.answer().unwrap()["batchItemFailures"], json!([]));
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    assert_eq!(stack.alerts().unwrap().len(), reported);
    assert_untroubled(&stack);
}

#[test]
fn the_guards_role_in_other_hands_is_an_alarm() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let role = stack.function("remediator").unwrap().role.clone();
    let name = role.rsplit('/').next().unwrap();
    // Compliant by itself, so nothing else would be said of it.
    let planned_by_nobody = also_compliant(&stack);
    changes_quietly(&stack, ROLE, &planned_by_nobody);
    let mut record =
        cloudtrail::update_trust(&stack.account, Actor::Intruder, ROLE, &planned_by_nobody);
    record["userIdentity"] = json!({
        "type": "AssumedRole",
        "arn": format!("arn:aws:sts::{}:assumed-role/{name}/remediator", stack.account),
        "accountId": stack.account,
        "sessionContext": { "sessionIssuer": { "type": "Role", "arn": role, "userName": name } },
    });
    stack.put_record(&record).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["guard-tampered"]);
    assert_eq!(alerts[0]["severity"], "CRITICAL");
    assert_untroubled(&stack);
}

#[test]
fn identity_centers_own_update_of_its_role_wakes_nobody() {
    let stack = enforcing();
    let text = include_str!("../../../events/role-trust/update-trust-identity-center.json");
    let text = text.replace("111122223333", &stack.account);
    let mut event: Value = serde_json::from_str(&text).unwrap();
    let request = event["detail"]["requestParameters"].clone();
    let reserved = json!({
        "RoleName": request["roleName"], "Path": "/aws-reserved/sso.amazonaws.com/",
        "AssumeRolePolicyDocument": request["policyDocument"],
    });
    stack.call("iam", "create_role", &reserved).unwrap();
    stack.put_record(&event["detail"]).unwrap();
    stack.settles();
    assert_eq!(stack.invocations("role-trust").unwrap(), 1);
    assert_eq!(stack.alerts().unwrap(), Vec::<Value>::new());
    // Whoever uses its name for a role of their own has another path.
    let name = "AWSReservedSSO_Fake_0123456789abcdef";
    let borrowed = json!({
        "RoleName": name, "AssumeRolePolicyDocument": request["policyDocument"],
    });
    stack.call("iam", "create_role", &borrowed).unwrap();
    event["detail"]["requestParameters"]["roleName"] = json!(name);
    event["detail"]["eventID"] = json!("c7be2a8e-90d4-4e6f-8f4c-6a1f0e4c2b78");
    assert_eq!(
        stack.matches(&event_of(&event["detail"])).unwrap(),
        ["role-trust"]
    );
    stack.put_record(&event["detail"]).unwrap();
    stack.settles();
    let alerts = stack.alerts().unwrap();
    assert_eq!(codes(&alerts[0]), ["unknown-identity-provider"]);
    assert_untroubled(&stack);
}

/// Somebody who may write to the table changes what it holds of the role.
fn plants(stack: &Stack<'_>, change: impl Fn(&mut Value)) {
    let table = stack.output("Table").unwrap();
    let all = stack
        .call("dynamodb", "scan", &json!({ "TableName": table }))
        .unwrap();
    let items = all["Items"].as_array().unwrap();
    let history = items
        .iter()
        .find(|item| item["sk"]["S"] == "history" && item["data"]["M"]["name"]["S"] == ROLE);
    let mut planted = history.unwrap().clone();
    change(&mut planted);
    let request = json!({ "TableName": table, "Item": planted });
    stack.call("dynamodb", "put_item", &request).unwrap();
}

#[test]
fn a_planted_baseline_is_judged_and_not_believed() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    let planted = with_external_account("666677770000");
    plants(&stack, |item| {
        let baseline = &mut item["data"]["M"]["approved"]["L"][0]["M"];
        assert_eq!(baseline["document"]["S"], LAWFUL);
        baseline["document"]["S"] = json!(planted);
    });
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    stack.settles();
    let live: Value = serde_json::from_str(&stack.live_trust(ROLE)).unwrap();
    let compliant: Value = serde_json::from_str(LAWFUL).unwrap();
    assert_eq!(
        live, compliant,
        "repaired: no stranger got in by the history"
    );
    assert_eq!(outcomes(&stack.alerts().unwrap()), ["repaired"]);
    assert_untroubled(&stack);
}

#[test]
fn an_item_that_cannot_be_read_stops_the_writing_and_not_the_telling() {
    let stack = enforcing();
    stack.creates_role(Actor::Administrator, ROLE, LAWFUL);
    stack.settles();
    plants(&stack, |item| {
        item["data"]["M"]["schema"]["N"] = json!("99")
    });
    stack.changes_trust(Actor::Intruder, ROLE, WITH_STRANGER);
    assert!(stack.wait_until_quiet(Duration::from_secs(120)).unwrap());
    assert_eq!(stack.live_trust(ROLE), WITH_STRANGER);
    let alerts = stack.alerts().unwrap();
    assert_eq!(stages(&alerts), ["detected", "outcome"]);
    assert_eq!(outcomes(&alerts), ["failed"]);
    assert_eq!(alerts[1]["severity"], "CRITICAL");
}
