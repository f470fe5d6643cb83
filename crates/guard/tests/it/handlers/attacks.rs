//! Attacks on the remediator, each by its name: what is done about them, from the event to IAM.

use serde_json::{Value, json};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::handlers::Swept;
use trustwarden_guard::model::LiveRole;
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ALICE, DETECTED, ROLE, STRANGER, Scene, bad, better, document, ended, external_account, good,
    guard, identity, outcome, own, rules, stages, statement, vendor,
};
use super::sweeping::{HOUR, watched};

const PARTNER: &str = "PartnerFeed";
const KEY: &str = "AKIAEXAMPLE00000001";

/// The document that the role of before the first sweep has: it violates the rules.
fn from_before() -> String {
    document(&[external_account()])
}

/// A guard that met a violating role in its first sweep, and whose rules leave that to people.
fn with_a_violation_of_before() -> Scene {
    let mut scene = Scene::new();
    scene.put(PARTNER, "AROAPARTNERFEED00001", &from_before());
    scene.pass(HOUR);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    scene.drain();
    assert_eq!(scene.alerts().len(), 1, "the first sweep's one message");
    scene.pass(HOUR);
    scene
}

fn partner(scene: &Scene) -> String {
    scene.world.inside.role(PARTNER).unwrap().document
}

/// An event that IAM never saw.
fn forged(scene: &mut Scene, document: &str) -> Vec<Alert> {
    let event = scene.event("UpdateAssumeRolePolicy", PARTNER, Some(document), ALICE);
    scene.play(&event)
}

fn text(alert: &Alert) -> &str {
    &alert.outcome.as_ref().unwrap().text
}

#[test]
fn b4_a_forged_event_that_copies_the_live_document_breaks_nothing() {
    let mut scene = with_a_violation_of_before();
    for copied in [from_before(), from_before().replace(", ", ",")] {
        let alerts = forged(&mut scene, &copied);
        ended(&alerts, OutcomeKind::LeftAlone);
        assert!(text(&alerts[1]).contains("changed nothing"));
    }
    assert_eq!(scene.written(), Vec::<String>::new());
    assert_eq!(partner(&scene), from_before());
}

#[test]
fn b4_a_forged_event_of_any_document_breaks_nothing() {
    let mut scene = with_a_violation_of_before();
    let alerts = forged(&mut scene, &bad());
    ended(&alerts, OutcomeKind::LeftAlone);
    // Nor one of a document that complies, by which the guard is only to observe.
    assert_eq!(forged(&mut scene, &own()), []);
    // Nor one that carries none.
    let event = scene.event("UpdateAssumeRolePolicy", PARTNER, None, ALICE);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::LeftAlone);
    assert_eq!(scene.written(), Vec::<String>::new());
    assert_eq!(partner(&scene), from_before());
}

#[test]
fn b4_a_violation_of_before_that_is_changed_is_remediated() {
    let mut scene = with_a_violation_of_before();
    let changed = document(&[external_account(), statement(r#""*""#, "")]);
    let live = scene.world.inside.role(PARTNER).unwrap();
    scene.world.inside.put_role(LiveRole {
        document: changed.clone(),
        ..live
    });
    let alerts = forged(&mut scene, &changed);
    ended(&alerts, OutcomeKind::Quarantined);
    // And once more after somebody put back what the guard had replaced.
    scene.pass(600);
    let live = scene.world.inside.role(PARTNER).unwrap();
    scene.world.inside.put_role(LiveRole {
        document: from_before(),
        ..live
    });
    let alerts = forged(&mut scene, &from_before());
    ended(&alerts, OutcomeKind::Quarantined);
}

fn key_event(scene: &mut Scene, name: &str, user: &str) -> Value {
    let mut request = json!({ "userName": user });
    if name == "UpdateAccessKey" {
        request = json!({ "userName": user, "accessKeyId": KEY, "status": "Active" });
    }
    let mut event = scene.raw_event("iam.amazonaws.com", name, request, identity(ALICE));
    event["detail"]["responseElements"] = json!({
        "accessKey": { "userName": user, "accessKeyId": KEY, "status": "Active" }
    });
    event
}

#[test]
fn b4_a_forged_event_about_an_old_key_switches_nothing_off() {
    let mut scene = Scene::new();
    scene.world.inside.put_key("payments", KEY);
    let long_ago = scene.now();
    scene.pass(100 * HOUR);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    scene.pass(HOUR);
    let mut events = vec![
        key_event(&mut scene, "CreateAccessKey", "payments"),
        key_event(&mut scene, "UpdateAccessKey", "payments"),
        key_event(&mut scene, "CreateAccessKey", "payments"),
    ];
    // As old as the key itself.
    events[2]["detail"]["eventTime"] = json!(long_ago.to_string());
    for event in &events {
        let alerts = scene.play(event);
        ended(&alerts, OutcomeKind::LeftAlone);
    }
    assert_eq!(scene.world.called("deactivate key"), 0);
    assert_eq!(scene.world.inside.key_active("payments", KEY), Some(true));
    // A key that is as new as its event is switched off.
    scene.world.inside.put_key("mallory", KEY);
    let event = key_event(&mut scene, "CreateAccessKey", "mallory");
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Deactivated);
}

/// The guard's own roles are for Lambda alone, whoever else is let in.
#[test]
fn b6_a_role_of_the_guard_that_is_opened_to_our_own_account_is_tampering() {
    let lambda = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    let mut scene = Scene::new();
    scene.put("remediator", "AROAREMEDIATOR000001", lambda);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    let event = scene.event("UpdateAssumeRolePolicy", "remediator", Some(lambda), ALICE);
    assert_eq!(scene.play(&event), [], "as it was deployed");
    let event = scene.event("UpdateAssumeRolePolicy", "remediator", Some(&own()), ALICE);
    let alerts = scene.play(&event);
    assert_eq!(alerts[0].findings[0].code, Check::GuardTampered);
    assert_eq!(alerts[0].severity, Severity::Critical);
    // And without an event.
    scene.write_silently("remediator", &own());
    let alerts = scene.an_hour_later();
    assert_eq!(alerts[0].findings[0].code, Check::GuardTampered);
    assert_eq!(scene.written(), Vec::<String>::new());
}

/// The role trusted one vendor, then another in its place; the other's rule goes.
#[test]
fn b5_a_revert_does_not_let_back_in_whom_people_had_taken_out() {
    let mut scene = Scene::settled();
    let auditor = better().replace(&format!("{}, ", vendor()), "");
    let event = scene.write(&auditor, ALICE);
    assert_eq!(scene.play(&event), []);
    scene.pass(24 * HOUR);
    let event = scene.write(&good(), ALICE);
    assert_eq!(scene.play(&event), []);
    scene.swept();
    scene.pass(HOUR / 2);
    scene.guard = guard(rules(|file| {
        file["vendors"].as_array_mut().unwrap().remove(0);
    }));
    scene.swept();
    let alerts = scene.alerts();
    assert_eq!(
        stages(&alerts),
        [DETECTED, outcome(OutcomeKind::Quarantined)],
        "the auditor's document complies, and is older than the auditor's removal"
    );
    assert_eq!(scene.live(), QUARANTINE);
    // Nor on a change.
    scene.pass(3 * HOUR);
    let alerts = scene.plays(&from_before());
    ended(&alerts, OutcomeKind::Quarantined);
    assert!(!scene.written().contains(&auditor));
}

/// IAM takes the unique id of a living role of any account, and shows its ARN from then on.
#[test]
fn a2_a_unique_id_that_stands_for_somebody_is_closed_and_never_a_baseline() {
    let mut scene = watched();
    let id = statement(r#""AROAEXAMPLE2222222222""#, "");
    let somebody = format!(r#""arn:aws:iam::{STRANGER}:role/attacker""#);
    let sent = document(&[vendor(), id]);
    let event = scene.write(&sent, ALICE);
    scene.write_silently(ROLE, &document(&[vendor(), statement(&somebody, "")]));
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(alerts[1].severity, Severity::Critical);
    assert_eq!(scene.live(), good());
    let known = scene.history().approved;
    assert!(known.iter().all(|kept| kept.document != sent), "{known:?}");
}

/// An event of a compliant change, and what is live is something else: it is not left to the sweep.
#[test]
fn a2_an_order_to_observe_that_finds_a_violation_remediates_it() {
    let mut scene = watched();
    let event = scene.write(&better(), ALICE);
    scene.write_silently(ROLE, &bad());
    let before = scene.now();
    let alerts = scene.play(&event);
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Reverted)]);
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(scene.live(), better());
    assert!(scene.now().duration_since(before).as_secs() <= 120);
}

/// Evil, compliant, evil: the first order finds the role compliant. What waits for a second look
/// holds up nothing.
#[test]
fn b7_a_flicker_is_closed_in_seconds() {
    let mut scene = watched();
    let first = scene.write(&bad(), ALICE);
    scene.handle(&first).unwrap().unwrap();
    scene.write(&good(), ALICE);
    let order = scene.take_order();
    assert_eq!(scene.comes_again(&order), Some(30));
    let third = scene.write(&bad(), ALICE);
    scene.handle(&third).unwrap().unwrap();
    let before = scene.now();
    let order = scene.take_order();
    assert!(scene.carry(&order));
    assert_eq!(scene.live(), good());
    assert!(scene.now().duration_since(before).as_secs() <= 5);
}

/// The attack A1 b: the window has ended when the event is handled, or when the remediator looks.
#[test]
fn a1_a_window_that_has_ended_when_the_remediator_looks_is_reported_and_left() {
    for late in [0, 20] {
        let mut scene = watched();
        let end = scene.now() + jiff::SignedDuration::from_secs(8);
        let condition =
            format!(r#", "Condition": {{"DateLessThan": {{"aws:CurrentTime": "{end}"}}}}"#);
        let open = statement(&format!(r#""arn:aws:iam::{STRANGER}:root""#), &condition);
        let event = scene.write(&document(&[vendor(), open]), ALICE);
        scene.pass(late);
        scene.handle(&event).unwrap().unwrap();
        scene.pass(20);
        scene.drain();
        let alerts = scene.alerts();
        assert_eq!(
            stages(&alerts),
            [DETECTED, outcome(OutcomeKind::Superseded)]
        );
        assert_eq!(alerts[0].severity, Severity::Critical);
        let said = &alerts[1].outcome.as_ref().unwrap().text;
        assert!(said.contains("what it allowed has ended"), "{said}");
        assert!(said.contains("sessions issued meanwhile"), "{said}");
        // Nobody hears of it again.
        assert_eq!(scene.an_hour_later(), []);
    }
}
