//! What IAM says to a write, and what follows.

use serde_json::json;
use trustwarden_guard::Severity;
use trustwarden_guard::ports::IamErrorKind;
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};

use super::scene::{
    ACCOUNT, ALICE, ROLE, Scene, bad, document, ended, external_account, good, guard, rules,
    statement, vendor,
};

fn refused(principal: &str) -> IamErrorKind {
    IamErrorKind::RefusedPrincipal(principal.to_owned())
}

/// A baseline with a principal that has been deleted since.
fn with_a_dead_one() -> String {
    let dead = format!(r#"["arn:aws:iam::{ACCOUNT}:role/gone", "arn:aws:iam::{ACCOUNT}:root"]"#);
    document(&[statement(&dead, ""), vendor()])
}

fn without_the_dead_one() -> String {
    let left = format!(r#"["arn:aws:iam::{ACCOUNT}:root"]"#);
    document(&[statement(&left, ""), vendor()])
}

#[test]
fn a_dead_principal_is_dropped_and_named() {
    let mut scene = Scene::settled();
    scene.plays(&with_a_dead_one());
    scene.pass(60);
    let event = scene.write(&bad(), ALICE);
    let gone = format!("arn:aws:iam::{ACCOUNT}:role/gone");
    scene.world.refuse("write trust policy", [refused(&gone)]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.live(), without_the_dead_one());
    assert_eq!(alerts[1].outcome.as_ref().unwrap().dropped.join(" "), gone);
    assert!(
        alerts[1].text().contains(&format!("IAM refused {gone}")),
        "{}",
        alerts[1].text()
    );
    let history = scene.history();
    assert_eq!(
        history.newest().unwrap().document,
        with_a_dead_one(),
        "kept as it was sent"
    );
    assert_eq!(
        history.writes_within_the_hour(scene.now()),
        1,
        "a refused try does not count"
    );
}

/// What was overwritten is put back without its dead principal, once: as much of it as IAM takes is
/// live then.
#[test]
fn what_is_live_as_far_as_iam_takes_it_is_not_written_again() {
    let mut scene = Scene::remediating(json!({ "max_writes_per_role_per_hour": 10 }));
    let event = scene.write(&bad(), ALICE);
    scene.pass(2);
    scene.meanwhile("write trust policy", 0, with_a_dead_one());
    let lost = |scene: &mut Scene| {
        let sent = with_a_dead_one();
        scene.event("UpdateAssumeRolePolicy", ROLE, Some(&sent), "bob")
    };
    let (first, second) = (lost(&mut scene), lost(&mut scene));
    ended(&scene.play(&event), OutcomeKind::Reverted);
    let gone = format!("arn:aws:iam::{ACCOUNT}:role/gone");
    scene.world.refuse("write trust policy", [refused(&gone)]);
    let alerts = scene.play(&first);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(scene.live(), without_the_dead_one());
    let written = scene.written().len();
    scene.world.refuse("write trust policy", [refused(&gone)]);
    assert_eq!(scene.play(&second), []);
    assert_eq!(scene.written().len(), written);
    assert_eq!(scene.live(), without_the_dead_one());
}

#[test]
fn a_document_that_is_too_long_falls_back_and_says_so() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene
        .world
        .refuse("write trust policy", [IamErrorKind::LimitExceeded]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Repaired);
    assert!(
        alerts[1]
            .outcome
            .as_ref()
            .unwrap()
            .text
            .contains("quotas have no room")
    );
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.refuse(
        "write trust policy",
        [IamErrorKind::LimitExceeded, IamErrorKind::LimitExceeded],
    );
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Quarantined);
    assert_eq!(scene.live(), QUARANTINE);
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.refuse(
        "write trust policy",
        [
            IamErrorKind::LimitExceeded,
            IamErrorKind::LimitExceeded,
            IamErrorKind::LimitExceeded,
        ],
    );
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Failed);
}

/// Safety line 9: a write refused by an SCP or boundary is `Refused`: CRITICAL, no retry.
#[test]
fn line_9_a_denied_write_is_critical_and_not_tried_again() {
    let mut scene = Scene::settled();
    let event = scene.write(&super::scene::careless(), ALICE);
    scene
        .world
        .refuse("write trust policy", [IamErrorKind::AccessDenied]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Refused);
    assert_eq!(alerts[0].severity, Severity::High);
    assert_eq!(alerts[1].severity, Severity::Critical);
    assert!(alerts[1].outcome.as_ref().unwrap().open);
    assert_eq!(scene.world.called("write trust policy"), 1);
    assert_eq!(scene.history().writes_within_the_hour(scene.now()), 0);
}

#[test]
fn throttling_is_waited_out() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.refuse(
        "write trust policy",
        [IamErrorKind::Throttled, IamErrorKind::Throttled],
    );
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.refuse(
        "write trust policy",
        (0..20).map(|_| IamErrorKind::Throttled),
    );
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Failed);
    assert_eq!(scene.poisoned.len(), 0);
}

#[test]
fn a_write_of_unknown_fate_is_looked_at_before_it_is_repeated() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.fail("write trust policy", 1);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.live(), good());
}

#[test]
fn reads_that_fail_are_tried_again_and_then_reported() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.fail("read role", 3);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.fail("read role", 1_000);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Failed);
    assert_eq!(alerts[1].severity, Severity::Critical);
}

#[test]
fn sessions_are_ended_where_the_rules_ask_for_it_and_no_service_uses_the_role() {
    let service = r#"{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}"#;
    let plain = document(&[vendor(), external_account()]);
    let used = document(&[vendor(), external_account(), service.to_owned()]);
    let case = |mode: &str, allowed: bool, created: bool, document: &str| {
        let mut guard = guard(rules(|rules| {
            rules["remediation"] = json!({ "revoke_sessions": mode });
        }));
        guard.revoke_sessions = allowed;
        let mut scene = if created {
            let scene = Scene::with(guard);
            scene.put(ROLE, "AROANEW", document);
            scene
        } else {
            Scene::settled_with(guard)
        };
        let event = if created {
            scene.event("CreateRole", ROLE, Some(document), ALICE)
        } else {
            scene.write(document, ALICE)
        };
        let alerts = scene.play(&event);
        let text = alerts[1].outcome.as_ref().unwrap().text.clone();
        let denied = scene.world.inside.sessions_denied_before(ROLE).is_some();
        assert_eq!(scene.history().sessions_denied_at.is_some(), denied);
        assert_eq!(text.contains("are denied"), denied, "{text}");
        assert_eq!(
            text.contains("stay valid for up to 12 hours"),
            !denied,
            "{text}"
        );
        denied
    };
    assert!(!case("never", true, true, &plain));
    assert!(case("on_new_role", true, true, &plain));
    assert!(!case("on_new_role", true, false, &plain));
    assert!(case("always", true, false, &plain));
    assert!(
        !case("always", false, false, &plain),
        "the stack forbids it"
    );
    assert!(
        !case("always", true, false, &used),
        "a service uses the role"
    );
}

#[test]
fn sessions_that_cannot_be_ended_do_not_hold_up_the_outcome() {
    let mut scene = Scene::remediating(json!({ "revoke_sessions": "always" }));
    let event = scene.write(&bad(), ALICE);
    scene
        .world
        .refuse("deny sessions", [IamErrorKind::LimitExceeded]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    let text = &alerts[1].outcome.as_ref().unwrap().text;
    assert!(text.contains("no room for it in role"), "{text}");
}
