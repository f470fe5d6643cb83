//! What the remediator decides to do, and what it leaves alone.

use jiff::SignedDuration;
use serde_json::json;
use trustwarden_guard::handlers::HandleError;
use trustwarden_guard::model::LiveRole;
use trustwarden_guard::order::{Ack, Order, RefusedOrder, Task};
use trustwarden_guard::ports::World as _;
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};
use trustwarden_guard::rules::Mode;
use trustwarden_guard::state::digest_window::{FoldClass, FoldWindow};
use trustwarden_guard::state::history::WriteKind;
use trustwarden_guard::state::incident::Stage;
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ACCOUNT, ALICE, DETECTED, ROLE, STRANGER, Scene, VENDOR, bad, better, careless, document,
    ended, external_account, good, guard, outcome, own, rules, stages, statement, vendor,
};

#[test]
fn a_changed_role_is_put_back_as_it_was_sent() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.pass(4);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.live(), good(), "byte for byte");
    let reverted = &alerts[1];
    assert_eq!(reverted.incident, alerts[0].incident);
    assert_eq!(reverted.open_seconds, Some(4));
    assert_eq!(reverted.severity, Severity::Critical);
    assert!(!reverted.outcome.as_ref().unwrap().open);
    assert_eq!(reverted.diff.len(), 1);
    assert_eq!(
        reverted.grantees.len(),
        1,
        "only the vendor is left: {:?}",
        reverted.grantees
    );
    let history = scene.history();
    assert_eq!(history.approved.len(), 1);
    assert_eq!(history.writes.len(), 1);
    assert_eq!(history.writes[0].kind, WriteKind::Revert);
}

#[test]
fn a_new_role_keeps_its_compliant_grants() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROANEW", &bad());
    let event = scene.event("CreateRole", ROLE, Some(&bad()), ALICE);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Repaired);
    assert_eq!(
        scene.live(),
        document(&[vendor()]),
        "the rest byte for byte"
    );
    assert_eq!(
        scene.history().approved,
        [],
        "the guard's own documents are no baselines"
    );
}

#[test]
fn a_new_role_without_a_compliant_grant_is_quarantined() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROANEW", &document(&[external_account()]));
    let event = scene.event(
        "CreateRole",
        ROLE,
        Some(&document(&[external_account()])),
        ALICE,
    );
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Quarantined);
    assert_eq!(scene.live(), QUARANTINE);
    let kept = super::troubled::run(
        scene
            .world
            .inside
            .state()
            .kept_document(ACCOUNT, &alerts[0].incident),
    );
    assert_eq!(
        kept.unwrap().unwrap().unwrap().document,
        document(&[external_account()])
    );
}

#[test]
fn a_changed_role_without_a_baseline_is_repaired() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROAOLD", &good());
    let alerts = scene.plays(&bad());
    ended(&alerts, OutcomeKind::Repaired);
    let text = &alerts[1].outcome.as_ref().unwrap().text;
    assert!(
        text.contains("no approved trust policy of this role is known"),
        "{text}"
    );
}

/// Safety line 1.
#[test]
fn line_1_nothing_is_written_in_mode_alert() {
    let stack = || {
        let mut guard = guard(rules(|_| {}));
        guard.mode = Mode::Alert;
        guard
    };
    let the_rules = || guard(rules(|rules| rules["mode"] = json!("alert")));
    let the_check = || {
        guard(rules(|rules| {
            rules["checks"] = json!({ "unknown-third-party": { "mode": "alert" } });
        }))
    };
    for guard in [stack(), the_rules(), the_check()] {
        let mut scene = Scene::settled_with(guard);
        let alerts = scene.plays(&bad());
        ended(&alerts, OutcomeKind::WouldRevert);
        let would = alerts[1].outcome.as_ref().unwrap();
        assert_eq!(would.document.as_deref(), Some(good().as_str()));
        assert!(would.open);
        assert_eq!(scene.world.called("write trust policy"), 0);
        assert_eq!(scene.live(), bad());
        assert_eq!(scene.history().writes, []);
    }
}

#[test]
fn line_1_a_vendor_in_mode_alert_is_left_to_people_and_external_accounts_are_not() {
    let guard = || guard(rules(|rules| rules["vendors"][0]["mode"] = json!("alert")));
    let mut scene = Scene::settled_with(guard());
    let alerts = scene.plays(&careless());
    ended(&alerts, OutcomeKind::WouldRevert);
    assert_eq!(scene.live(), careless());
    // Beside an external account: the external account goes, the vendor stays as he is.
    let mut scene = Scene::settled_with(guard());
    let both = document(&[
        statement(&format!(r#""arn:aws:iam::{VENDOR}:root""#), ""),
        external_account(),
    ]);
    let alerts = scene.plays(&both);
    ended(&alerts, OutcomeKind::Repaired);
    assert_eq!(scene.live(), careless());
}

/// Safety line 4: every baseline is judged again before it is used.
#[test]
fn line_4_a_baseline_that_no_longer_complies_is_not_restored() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROAOBSERVERPROD0001", &own());
    let event = scene.event("CreateRole", ROLE, Some(&own()), ALICE);
    scene.play(&event);
    scene.pass(60);
    scene.plays(&good());
    scene.pass(60);
    // The vendor is taken out of the rules.
    scene.guard = guard(rules(|rules| rules["vendors"] = json!([])));
    let alerts = scene.plays(&bad());
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(
        scene.live(),
        own(),
        "the newest baseline that still complies"
    );
}

/// Safety line 4: quarantine is exactly one statement.
#[test]
fn line_4_quarantine_is_one_deny_for_everyone() {
    let quarantine: serde_json::Value = serde_json::from_str(QUARANTINE).unwrap();
    assert_eq!(
        quarantine,
        json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "TrustwardenQuarantine",
                "Effect": "Deny",
                "Principal": { "AWS": "*" },
                "Action": [
                    "sts:AssumeRole", "sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity"
                ],
            }]
        })
    );
    let policy = policy::TrustPolicy::parse(QUARANTINE).unwrap();
    assert_eq!(policy.errors, [], "IAM accepts it");
}

/// Safety line 7: never written, still judged and told.
#[test]
fn line_7_protected_reserved_and_own_roles_are_never_written() {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}");
    let protecting = guard(rules(|rules| {
        rules["remediation"] = json!({ "protected_roles": [arn] });
    }));
    let mut own = guard(rules(|_| {}));
    own.own_roles.push(arn.clone());
    let plain = || guard(rules(|_| {}));
    for (mut guard, path) in [
        (protecting, "/"),
        (own, "/"),
        (plain(), "/aws-service-role/"),
        (plain(), "/aws-reserved/sso.amazonaws.com/"),
    ] {
        let own_roles = std::mem::take(&mut guard.own_roles);
        let mut scene = Scene::settled_with(guard);
        scene.guard.own_roles = own_roles;
        let event = scene.write(&bad(), ALICE);
        let live = scene.role().unwrap();
        scene.world.inside.put_role(LiveRole {
            arn: format!("arn:aws:iam::{ACCOUNT}:role{path}{ROLE}"),
            path: path.to_owned(),
            ..live
        });
        let alerts = scene.play(&event);
        assert_eq!(
            stages(&alerts),
            [DETECTED, outcome(OutcomeKind::NotTouched)],
            "{path}"
        );
        assert_eq!(scene.world.called("write trust policy"), 0);
        assert!(alerts[1].outcome.as_ref().unwrap().open);
    }
}

#[test]
fn line_7_a_violation_on_a_protected_role_is_one_severity_higher() {
    let arn = format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}");
    let protecting = guard(rules(|rules| {
        rules["remediation"] = json!({ "protected_roles": [arn] });
    }));
    let mut scene = Scene::settled_with(protecting);
    let event = scene.write(&careless(), ALICE);
    assert_eq!(
        scene.play(&event)[0].severity,
        Severity::Critical,
        "HIGH, raised"
    );
}

/// Safety line 8: the same order twice does nothing twice.
/// Rules are deployed between two deliveries of an event: it violated the old ones, and complies with
/// the new ones. What is live by then is another story than the event's.
#[test]
fn line_8_an_event_that_is_judged_by_two_sets_of_rules_has_one_outcome() {
    let with_auditor = rules(|_| {});
    let without = rules(|file| {
        file["vendors"].as_array_mut().unwrap().remove(1);
    });
    let mut scene = Scene::settled_with(guard(without));
    scene.guard.mode = Mode::Alert;
    let event = scene.write(&better(), ALICE);
    let first = scene.play(&event);
    assert_eq!(
        stages(&first),
        [DETECTED, outcome(OutcomeKind::WouldRevert)]
    );
    scene.guard.rules = with_auditor;
    let live = scene.world.inside.role(ROLE).unwrap();
    let document = bad();
    scene.world.inside.put_role(LiveRole { document, ..live });
    // It waits for so long that an outcome which is out would be repeated.
    assert!(scene.deliver(&event).is_some());
    scene.pass(700);
    scene.drain();
    let second = scene.alerts();
    assert_eq!(stages(&second), [outcome(OutcomeKind::WouldRevert)]);
    assert_ne!(second[0].incident, first[0].incident);
    assert_eq!(second[0].severity, Severity::Critical);
}

#[test]
fn line_8_the_same_order_twice_does_nothing_twice() {
    let mut scene = Scene::settled();
    let order = scene.ordered(&bad());
    assert!(scene.carry(&order));
    let alerts = scene.alerts();
    // Somebody writes it again; this order is over, the new write has an event of its own.
    scene.write(&bad(), ALICE);
    scene.world.forget_calls();
    assert!(scene.carry(&order));
    assert_eq!(scene.world.calls(), ["begin order", "begin order"]);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.alerts(), []);
    assert_eq!(scene.written().len(), 1);
}

#[test]
fn line_8_orders_in_the_wrong_order_come_to_the_same() {
    let mut scene = Scene::settled();
    let first = scene.write(&bad(), ALICE);
    scene.pass(2);
    let second = scene.write(&better(), ALICE);
    scene.handle(&second).unwrap().unwrap();
    scene.handle(&first).unwrap().unwrap();
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Superseded);
    assert_eq!(scene.live(), better());
    assert_eq!(scene.history().newest().unwrap().document, better());
    assert_eq!(scene.written(), Vec::<String>::new());
}

/// Safety line 10.
#[test]
fn line_10_orders_of_other_rules_wait_ten_minutes_and_then_say_so() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.handle(&event).unwrap().unwrap();
    scene.alerts();
    let order = scene.take_order();
    // A deploy is on its way.
    scene.guard = guard(rules(|rules| {
        rules["trusted_accounts"] = json!(["101010101010"])
    }));
    let start = scene.now();
    scene.world.forget_calls();
    while scene.now().as_second() - start.as_second() < 600 {
        let Ack::LookAgain { after } = scene.once(&order).unwrap() else {
            panic!("it does not wait: {:?}", scene.alerts());
        };
        scene.pass(i64::try_from(after.as_secs()).unwrap());
    }
    assert_eq!(scene.world.calls(), Vec::<&str>::new());
    assert_eq!(scene.once(&order).unwrap(), Ack::Done);
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Reverted)]);
    assert!(
        alerts[0]
            .notes
            .iter()
            .any(|note| note.contains("other rules")),
        "{:?}",
        alerts[0].notes
    );
    assert_eq!(scene.live(), good());
}

#[test]
fn line_10_the_remediators_own_rules_decide_in_the_end() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.handle(&event).unwrap().unwrap();
    // The new rules know the external account.
    scene.guard = guard(rules(|rules| rules["trusted_accounts"] = json!([STRANGER])));
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Superseded);
    assert_eq!(scene.live(), bad());
}

#[test]
fn the_rules_may_leave_it_to_people() {
    let mut scene = Scene::remediating(json!({ "changed_role": "off" }));
    let alerts = scene.plays(&bad());
    ended(&alerts, OutcomeKind::LeftAlone);
}

/// Waiting for its time would never end; what clocks may differ by is no future.
#[test]
fn an_order_from_the_future_is_refused() {
    let mut scene = Scene::settled();
    let order = scene.ordered(&bad());
    for rules in [order.rules.clone(), "other".to_owned()] {
        let late = Order {
            issued_at: scene.now() + SignedDuration::from_secs(301),
            rules,
            ..order.clone()
        };
        let refused = scene.once(&late).unwrap_err();
        assert!(
            matches!(
                refused,
                HandleError::Refused(RefusedOrder::FromTheFuture { .. })
            ),
            "{refused}"
        );
    }
    let window = FoldWindow {
        account: ACCOUNT.to_owned(),
        class: FoldClass {
            check: Check::PublicTrust,
            severity: Severity::Critical,
            stage: Stage::Detected,
            needs_person: false,
        },
        start: i64::MAX,
    };
    let digest = Order {
        task: Task::Digest(window),
        ..order.clone()
    };
    let refused = scene.once(&digest).unwrap_err();
    assert!(
        matches!(
            refused,
            HandleError::Refused(RefusedOrder::FromTheFuture { .. })
        ),
        "{refused}"
    );
    let soon = Order {
        issued_at: scene.now() + SignedDuration::from_secs(300),
        ..order
    };
    assert_eq!(scene.once(&soon).unwrap(), Ack::Done);
    assert_eq!(scene.live(), good());
}

#[test]
fn an_order_for_another_account_is_refused_unread() {
    let mut scene = Scene::settled();
    let mut order = scene.ordered(&bad());
    order.account = "123456789012".to_owned();
    scene.world.forget_calls();
    assert!(scene.once(&order).is_err());
    assert_eq!(scene.world.calls(), Vec::<&str>::new());
}

#[test]
fn an_approved_document_that_a_quarantine_writer_wrote_is_no_baseline() {
    let mut scene = Scene::settled();
    scene.plays(QUARANTINE);
    let history = scene.history();
    assert_eq!(history.approved.len(), 1);
    assert_eq!(history.newest().unwrap().document, good());
}
