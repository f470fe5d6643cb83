//! The detecting functions.

use serde_json::json;
use trustwarden_guard::handlers::{Delivery, HandleError, Handled};
use trustwarden_guard::model::LiveRole;
use trustwarden_guard::order::{Ack, Task};
use trustwarden_guard::ports::World as _;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::state::incident::{AlertKey, Stage};
use trustwarden_guard::{Check, Severity, incident_id};

use super::scene::{
    ACCOUNT, ALICE, DETECTED, GUARD, ROLE, Scene, bad, better, good, identity, outcome, stages,
};
use super::troubled::run;

#[test]
fn an_irrelevant_or_failed_or_foreign_event_asks_nothing_of_the_world() {
    let mut scene = Scene::new();
    let irrelevant = scene.raw_event(
        "s3.amazonaws.com",
        "CreateBucket",
        json!({}),
        identity(ALICE),
    );
    let mut failed = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&bad()), ALICE);
    failed["detail"]["errorCode"] = json!("AccessDenied");
    let mut foreign = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&bad()), ALICE);
    foreign["account"] = json!("123456789012");
    foreign["detail"]["recipientAccountId"] = json!("123456789012");
    for (event, expected) in [
        (irrelevant, Handled::Irrelevant),
        (failed, Handled::FailedCall),
        (foreign, Handled::Irrelevant),
    ] {
        assert_eq!(scene.handle(&event).unwrap().unwrap(), expected);
    }
    assert_eq!(scene.world.calls(), Vec::<&str>::new());
}

#[test]
fn a_compliant_change_sends_an_order_to_observe_and_no_alert() {
    let mut scene = Scene::new();
    let event = scene.event("CreateRole", ROLE, Some(&good()), ALICE);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Approved);
    // A vendor can assume it: which roles can be reached through it.
    let asked = [
        "save chain link",
        "save chain link",
        "read chain links",
        "send order",
    ];
    assert_eq!(scene.world.calls(), asked);
    let order = scene.take_order();
    let Task::Observe(role) = &order.task else {
        panic!("{order:?}")
    };
    assert_eq!(
        role.document.as_deref(),
        Some(good().as_str()),
        "byte for byte"
    );
    assert_eq!(order.group(), format!("{ACCOUNT}/role/observerprod"));
    assert_eq!(order.id(), "00000000-0000-4000-8000-000000000001-observe");
}

#[test]
fn a_violation_is_reported_at_once_and_ordered_to_be_remediated() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    let handled = scene.handle(&event).unwrap().unwrap();
    let incident = incident_id(ACCOUNT, event["detail"]["eventID"].as_str().unwrap());
    assert_eq!(
        handled,
        Handled::Alerted {
            incident: incident.clone(),
            reported: Delivery::Alone
        }
    );
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [DETECTED]);
    let alert = &alerts[0];
    assert_eq!(alert.incident, incident);
    assert_eq!(alert.severity, Severity::Critical);
    assert_eq!(alert.findings[0].code, Check::UnknownThirdParty);
    assert_eq!(alert.subject, format!("role/{ROLE}"));
    assert_eq!(
        alert.diff.len(),
        1,
        "the stranger's statement: {:?}",
        alert.diff
    );
    assert!(
        alert.grantees[0].text.contains("999988887777"),
        "{:?}",
        alert.grantees
    );
    assert_eq!(
        alert.grantees[1].vendor.as_deref(),
        Some("Example Observer")
    );
    let order = scene.take_order();
    assert!(matches!(order.task, Task::Remediate(_)), "{order:?}");
}

/// Safety line 8: delivery is at least once.
#[test]
fn line_8_a_duplicate_event_is_one_alert_and_one_order() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    for _ in 0..3 {
        scene.handle(&event).unwrap().unwrap();
        scene.pass(20);
    }
    assert_eq!(stages(&scene.alerts()), [DETECTED]);
    assert!(scene.next_order().is_some());
    assert!(scene.next_order().is_none());
}

/// Safety line 8: the alert goes out at least once; closing the door does not wait for it.
#[test]
fn line_8_a_failing_topic_is_tried_again_and_the_order_goes_out_all_the_same() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.fail("publish alert", 1);
    let failed = scene.handle(&event).unwrap();
    assert!(matches!(failed, Err(HandleError::Publish(_))), "{failed:?}");
    assert!(
        scene.next_order().is_some(),
        "the order does not wait for the topic"
    );
    assert_eq!(scene.alerts(), []);
    let handled = scene.handle(&event).unwrap().unwrap();
    assert!(
        matches!(
            handled,
            Handled::Alerted {
                reported: Delivery::Alone,
                ..
            }
        ),
        "{handled:?}"
    );
    assert_eq!(stages(&scene.alerts()), [DETECTED]);
}

/// Safety line 8: a lease whose holder died is taken over when it has run out, not before.
#[test]
fn line_8_a_lease_of_a_dead_holder_runs_out() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    let key = AlertKey {
        account: ACCOUNT.to_owned(),
        incident: incident_id(ACCOUNT, event["detail"]["eventID"].as_str().unwrap()),
        stage: Stage::Detected,
    };
    let now = scene.now();
    let until = now + jiff::SignedDuration::from_secs(50);
    run(scene.world.inside.state().acquire_alert(&key, now, until))
        .unwrap()
        .unwrap();
    scene.pass(1);
    let waiting = scene.handle(&event).unwrap();
    assert!(
        matches!(waiting, Err(HandleError::InProgress { .. })),
        "{waiting:?}"
    );
    assert_eq!(scene.alerts(), []);
    scene.pass(60);
    scene.handle(&event).unwrap().unwrap();
    assert_eq!(stages(&scene.alerts()), [DETECTED]);
    assert!(scene.world.inside.incident(&key).is_some());
}

/// State unavailable: alert anyway, duplicates accepted, never remediate.
#[test]
fn without_state_the_alert_goes_out_and_nothing_is_written() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.state_fails(1_000);
    for _ in 0..2 {
        let handled = scene.handle(&event).unwrap().unwrap();
        assert!(
            matches!(
                handled,
                Handled::Alerted {
                    reported: Delivery::Unleased,
                    ..
                }
            ),
            "{handled:?}"
        );
    }
    assert_eq!(stages(&scene.alerts()), [DETECTED, DETECTED]);
    scene.drain();
    assert_eq!(scene.written(), Vec::<String>::new());
    assert_eq!(scene.live(), bad());
    assert_eq!(
        scene.poisoned.len(),
        1,
        "the order is kept in the dead-letter queue"
    );
    let failed = scene.alerts();
    assert!(
        failed
            .iter()
            .all(|alert| alert.severity == Severity::Critical
                && alert.outcome.as_ref().unwrap().open)
    );
    assert!(
        !failed.is_empty(),
        "people hear that nothing will happen by itself"
    );
}

/// People were called since state was away, and the door is closed after all: they hear of that.
#[test]
fn whoever_was_called_while_state_was_away_hears_what_came_of_it() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.deliver(&event);
    let order = scene.take_order();
    // The order has waited: one failed call is enough to call people.
    scene.pass(900);
    scene.world.fail("read history", 1);
    assert!(scene.once(&order).is_err());
    let failed = outcome(OutcomeKind::Failed);
    assert_eq!(stages(&scene.alerts()), [DETECTED, failed]);
    // Called once is enough.
    scene.pass(60);
    scene.world.fail("read history", 1);
    assert!(scene.once(&order).is_err());
    assert_eq!(stages(&scene.alerts()), []);
    assert!(scene.carry(&order));
    assert_eq!(scene.live(), good());
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Reverted)]);
}

/// Nobody is called once the outcome is out, nor for a role that complies by now.
#[test]
fn nobody_is_called_for_an_exposure_that_is_closed() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.deliver(&event);
    let order = scene.take_order();
    scene.pass(900);
    scene.world.fail("finish order", 1);
    assert_eq!(
        scene.once(&order).unwrap(),
        Ack::in_seconds(60),
        "told, and not recorded"
    );
    let reverted = outcome(OutcomeKind::Reverted);
    assert_eq!(stages(&scene.alerts()), [DETECTED, reverted]);
    // State is away altogether, and nobody can tell that it was told.
    scene.world.state_fails(3);
    assert!(scene.once(&order).is_err());
    scene.world.state_fails(0);
    // Whatever is live: what came of it is out.
    let violating = scene.role().map(|live| LiveRole {
        document: bad(),
        ..live
    });
    scene.world.reads_show([violating]);
    scene.world.fail("begin order", 1);
    assert!(scene.once(&order).is_err());
    assert_eq!(stages(&scene.alerts()), []);
    // Had anybody been called, the last word were what is so.
    assert!(scene.carry(&order));
    assert_eq!(stages(&scene.alerts()), [reverted]);
}

/// Identity Center updates its own roles, and the event of it does not tell their path.
#[test]
fn identity_centers_own_role_is_known_by_the_path_that_iam_shows() {
    let name = "AWSReservedSSO_Platform_0123456789abcdef";
    let provider = format!(r#""arn:aws:iam::{ACCOUNT}:saml-provider/AWSSSO_1_DO_NOT_DELETE""#);
    let document = format!(
        r#"{{"Version": "2012-10-17", "Statement": {{"Effect": "Allow", "Principal": {{"Federated": {provider}}},
        "Action": "sts:AssumeRoleWithSAML",
        "Condition": {{"StringEquals": {{"SAML:aud": "https://signin.aws.amazon.com/saml"}}}}}}}}"#
    );
    for (path, reported) in [("/aws-reserved/sso.amazonaws.com/", 0), ("/", 1)] {
        let mut scene = Scene::new();
        scene.world.inside.put_role(LiveRole {
            name: name.to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"),
            path: path.to_owned(),
            role_id: "AROAPLATFORM00000001".to_owned(),
            document: document.clone(),
            created: None,
        });
        let event = scene.event("UpdateAssumeRolePolicy", name, Some(&document), ALICE);
        scene.handle(&event).unwrap().unwrap();
        assert_eq!(scene.alerts().len(), reported, "{path}");
        // Who cannot look takes nobody's word for it.
        let again = scene.event("UpdateAssumeRolePolicy", name, Some(&document), ALICE);
        scene.world.fail("read role", 1);
        scene.handle(&again).unwrap().unwrap();
        let alerts = scene.alerts();
        assert_eq!(alerts[0].findings[0].code, Check::UnknownIdentityProvider);
    }
    // Any other violation is told without asking IAM first.
    let mut scene = Scene::settled();
    let reads = scene.world.called("read role");
    let event = scene.write(&bad(), ALICE);
    scene.handle(&event).unwrap().unwrap();
    assert_eq!(scene.world.called("read role"), reads);
}

/// Safety line 9: what CloudTrail does not carry is read from IAM.
#[test]
fn line_9_a_document_that_was_cut_away_is_read_from_iam() {
    let mut scene = Scene::settled();
    scene.write(&bad(), ALICE);
    let mut event = scene.event("UpdateAssumeRolePolicy", ROLE, None, ALICE);
    event["detail"]["requestParameters"]["policyDocument"] = json!({ "omitted": true });
    scene.handle(&event).unwrap().unwrap();
    let alerts = scene.alerts();
    assert_eq!(alerts[0].findings[0].code, Check::UnknownThirdParty);
    assert!(
        alerts[0].notes[0].contains("read from IAM"),
        "{:?}",
        alerts[0].notes
    );
    scene.drain();
    assert_eq!(scene.live(), good(), "padding a document does not save it");
}

/// Safety line 9: unreadable is not safe.
#[test]
fn line_9_what_cannot_be_read_is_an_alert() {
    let mut scene = Scene::settled();
    // The role cannot be read either.
    let missing = scene.event("UpdateAssumeRolePolicy", ROLE, None, ALICE);
    scene.world.fail("read role", 1);
    scene.handle(&missing).unwrap().unwrap();
    let alerts = scene.alerts();
    assert_eq!(alerts[0].findings[0].code, Check::UnreadablePolicy);
    assert_eq!(alerts[0].severity, Severity::High);
    let order = scene.take_order();
    assert!(
        matches!(order.task, Task::Remediate(_)),
        "the remediator looks at it"
    );
    // Not even JSON.
    let garbage = scene.event("UpdateAssumeRolePolicy", ROLE, Some("{]"), ALICE);
    scene.handle(&garbage).unwrap().unwrap();
    assert_eq!(scene.alerts()[0].findings[0].code, Check::UnreadablePolicy);
    // The cut took the role's name along.
    let mut hidden = scene.event("UpdateAssumeRolePolicy", ROLE, None, ALICE);
    hidden["detail"]["requestParameters"] = json!({ "omitted": true });
    scene.handle(&hidden).unwrap().unwrap();
    let alerts = scene.alerts();
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(alerts[0].findings[0].code, Check::UnreadablePolicy);
}

/// Safety line 9: what IAM took and the guard cannot read is told, and not touched.
#[test]
fn line_9_a_live_document_that_cannot_be_judged_is_left_to_people() {
    let mut scene = Scene::settled();
    let alerts = scene.plays("{]");
    assert_eq!(
        stages(&alerts),
        [
            DETECTED,
            super::scene::outcome(trustwarden_guard::remediate::OutcomeKind::Unjudged)
        ]
    );
    assert!(alerts[1].outcome.as_ref().unwrap().open);
    assert_eq!(scene.written(), Vec::<String>::new());
    assert_eq!(scene.history().approved.len(), 1, "and it is no baseline");
}

#[test]
fn a_padded_document_does_not_burst_the_queue() {
    let mut scene = Scene::settled();
    let padded = format!("{}{}", " ".repeat(90_000), bad());
    let order = scene.ordered(&padded);
    assert!(serde_json::to_string(&order).unwrap().len() < 256 * 1024);
    assert!(scene.carry(&order));
    assert_eq!(scene.live(), good());
}

/// Safety line 5: own writes are known by actor and by content.
#[test]
fn line_5_an_own_write_comes_back_and_is_no_news() {
    let mut scene = Scene::settled();
    scene.plays(&bad());
    let written = scene.written();
    assert_eq!(written, [good()]);
    let echo = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&written[0]), GUARD);
    scene.world.forget_calls();
    assert_eq!(scene.handle(&echo).unwrap().unwrap(), Handled::OwnWrite);
    assert_eq!(scene.world.calls(), ["read history", "read history"]);
    assert!(scene.next_order().is_none());
}

/// Safety line 5: the actor alone proves nothing.
#[test]
fn line_5_the_guards_role_used_for_anything_else_is_tampering() {
    for document in [bad(), better()] {
        let mut scene = Scene::settled();
        let event = scene.write(&document, GUARD);
        scene.handle(&event).unwrap().unwrap();
        let alerts = scene.alerts();
        assert_eq!(alerts[0].severity, Severity::Critical);
        assert!(
            alerts[0]
                .findings
                .iter()
                .any(|finding| finding.code == Check::GuardTampered),
            "{:?}",
            alerts[0].findings
        );
    }
}

/// Safety line 5: nor do both, long before or after the guard wrote that.
#[test]
fn line_5_the_guards_role_used_for_what_the_guard_wrote_at_another_time_is_tampering() {
    let mut scene = Scene::settled();
    scene.pass(600);
    let early = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&good()), GUARD);
    scene.pass(600);
    scene.plays(&bad());
    scene.pass(600);
    let late = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&good()), GUARD);
    for event in [early, late] {
        scene.handle(&event).unwrap().unwrap();
        let alerts = scene.alerts();
        let alert = alerts.last().unwrap();
        assert_eq!(alert.findings[0].code, Check::GuardTampered);
    }
}

/// Safety line 5: the content alone proves nothing either.
#[test]
fn line_5_what_the_guard_once_wrote_is_judged_when_others_write_it() {
    let mut scene = Scene::settled();
    scene.plays(&bad());
    // The vendor is taken out of the rules: what the guard restored then violates now.
    scene.guard = super::scene::guard(super::scene::rules(|rules| rules["vendors"] = json!([])));
    let event = scene.write(&good(), ALICE);
    let handled = scene.handle(&event).unwrap().unwrap();
    assert!(matches!(handled, Handled::Alerted { .. }), "{handled:?}");
}
