//! Access keys, console passwords, and the root user.

use serde_json::{Value, json};
use trustwarden_guard::handlers::Handled;
use trustwarden_guard::ports::IamErrorKind;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::rules::Mode;
use trustwarden_guard::{Check, Severity};

use super::scene::{ACCOUNT, ALICE, DETECTED, Scene, bad, ended, guard, identity, rules, stages};

const KEY: &str = "AKIAEXAMPLE00000001";

fn key_created(scene: &mut Scene, user: &str) -> Value {
    scene.world.inside.put_key(user, KEY);
    let request = json!({ "userName": user });
    let mut event = scene.raw_event(
        "iam.amazonaws.com",
        "CreateAccessKey",
        request,
        identity(ALICE),
    );
    event["detail"]["responseElements"] = json!({
        "accessKey": { "userName": user, "accessKeyId": KEY, "status": "Active" }
    });
    event
}

fn root() -> Value {
    json!({ "type": "Root", "arn": format!("arn:aws:iam::{ACCOUNT}:root"), "accountId": ACCOUNT })
}

#[test]
fn a_key_of_a_user_who_may_have_none_is_deactivated() {
    let mut scene = Scene::new();
    let event = key_created(&mut scene, "mallory");
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Deactivated);
    assert_eq!(alerts[0].incident, alerts[1].incident);
    assert_eq!(alerts[0].subject, "user/mallory");
    assert_eq!(scene.world.inside.key_active("mallory", KEY), Some(false));
    assert_eq!(scene.play(&event), [], "a duplicate does nothing twice");
    assert_eq!(scene.world.called("deactivate key"), 1);
}

#[test]
fn a_key_of_a_user_who_may_have_one_is_no_news() {
    let mut scene = Scene::new();
    let event = key_created(&mut scene, "ci-deploy");
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Approved);
    let asked = [
        "read user key",
        "save user key",
        "read user change",
        // So that the sweep does not find it again.
        "save credential event",
    ];
    assert_eq!(scene.world.calls(), asked);
}

#[test]
fn line_1_no_key_is_deactivated_in_mode_alert() {
    let mut stack = guard(rules(|_| {}));
    stack.mode = Mode::Alert;
    let the_rules = guard(rules(|rules| rules["mode"] = json!("alert")));
    for guard in [stack, the_rules] {
        let mut scene = Scene::with(guard);
        let event = key_created(&mut scene, "mallory");
        let alerts = scene.play(&event);
        ended(&alerts, OutcomeKind::WouldDeactivate);
        assert_eq!(scene.world.called("deactivate key"), 0);
    }
    // The rules do not ask for it at all: one message, no order.
    let mut scene = Scene::by(|rules| {
        rules["access_keys"] = json!({ "on_violation": "alert" });
    });
    let event = key_created(&mut scene, "mallory");
    assert_eq!(stages(&scene.play(&event)), [DETECTED]);
}

#[test]
fn line_9_a_key_that_may_not_be_deactivated_is_critical() {
    let mut scene = Scene::new();
    let event = key_created(&mut scene, "mallory");
    scene
        .world
        .refuse("deactivate key", [IamErrorKind::AccessDenied]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Refused);
    assert_eq!(alerts[1].severity, Severity::Critical);
}

#[test]
fn a_crash_between_deactivating_and_telling_tells() {
    for gate in 0..40 {
        let mut scene = Scene::new();
        let event = key_created(&mut scene, "mallory");
        scene.world.stop_after(gate);
        scene.deliver(&event);
        scene.drain();
        assert_eq!(
            scene.world.inside.key_active("mallory", KEY),
            Some(false),
            "gate {gate}"
        );
        let alerts = scene.alerts();
        let last = alerts.last().unwrap().outcome.as_ref().unwrap();
        assert_eq!(last.kind, OutcomeKind::Deactivated, "gate {gate}");
        assert_eq!(
            alerts[0].outcome.as_ref().unwrap().kind,
            OutcomeKind::Ordered,
            "gate {gate}"
        );
    }
}

#[test]
fn a_key_that_is_gone_is_gone() {
    let mut scene = Scene::new();
    let event = key_created(&mut scene, "mallory");
    // Another user's key stands there: this one cannot be found.
    let mut gone = event.clone();
    gone["detail"]["requestParameters"]["userName"] = json!("trudy");
    gone["detail"]["responseElements"]["accessKey"]["userName"] = json!("trudy");
    let alerts = scene.play(&gone);
    ended(&alerts, OutcomeKind::Gone);
}

#[test]
fn the_root_user_is_always_news_and_nothing_is_undone() {
    let mut scene = Scene::new();
    let mut sign_in = scene.raw_event("signin.amazonaws.com", "ConsoleLogin", Value::Null, root());
    sign_in["detail"]["responseElements"] = json!({ "ConsoleLogin": "Success" });
    sign_in["detail"]["additionalEventData"] = json!({ "MFAUsed": "No" });
    let alerts = scene.play(&sign_in);
    assert_eq!(stages(&alerts), [DETECTED]);
    let codes: Vec<_> = alerts[0]
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect();
    assert!(codes.contains(&Check::RootSignIn) && codes.contains(&Check::RootWithoutMfa));
    assert_eq!(alerts[0].severity, Severity::Critical);
    let call = scene.raw_event("ec2.amazonaws.com", "RunInstances", json!({}), root());
    let alerts = scene.play(&call);
    assert_eq!(alerts[0].findings[0].code, Check::RootActivity);
    assert!(scene.next_order().is_none());
}

/// Two functions see root's change of a role: neither's alert may pass for the other's.
#[test]
fn an_event_of_two_functions_is_two_incidents() {
    use trustwarden_guard::cloudtrail::Record;
    use trustwarden_guard::handlers::{role_trust, root_activity};
    let mut scene = Scene::settled();
    let mut event = scene.write(&bad(), ALICE);
    event["detail"]["userIdentity"] = root();
    let record = Record::from_value(&event);
    super::troubled::run(role_trust(&scene.world, &scene.guard, &record))
        .unwrap()
        .unwrap();
    super::troubled::run(root_activity(&scene.world, &scene.guard, &record))
        .unwrap()
        .unwrap();
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 2);
    assert_ne!(alerts[0].incident, alerts[1].incident);
}
