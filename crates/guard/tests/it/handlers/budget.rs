//! Safety line 6: one role is rewritten at most N times an hour, and the last write closes.

use trustwarden_guard::Severity;
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};

use super::scene::{
    ALICE, DETECTED, ROLE, Scene, bad, better, careless, ended, good, outcome, stages,
};

#[test]
fn line_6_the_last_write_of_the_hour_closes_and_then_it_pages() {
    let mut scene = Scene::settled();
    let mut outcomes = Vec::new();
    for _ in 0..5 {
        scene.pass(120);
        let alerts = scene.plays(&bad());
        assert_eq!(
            alerts[0].severity,
            Severity::Critical,
            "alerting never stops"
        );
        outcomes.push(alerts[1].outcome.as_ref().unwrap().kind);
        if outcomes.len() == 3 {
            assert_eq!(scene.live(), QUARANTINE);
        }
        if outcomes.len() == 4 {
            assert_eq!(alerts[1].severity, Severity::Critical, "it pages");
        }
    }
    use OutcomeKind::{BudgetSpent, Quarantined, Reverted};
    assert_eq!(
        outcomes,
        [Reverted, Reverted, Quarantined, BudgetSpent, BudgetSpent]
    );
    assert_eq!(scene.written().len(), 3);
    assert_eq!(scene.live(), bad());
}

/// The attack B9: the budget is free again within the hour, and no sweep has to come by for that.
#[test]
fn line_6_a_budget_that_is_free_again_is_used_at_once() {
    let mut scene = Scene::settled();
    let first = scene.now().as_second() + 120;
    for _ in 0..4 {
        scene.pass(120);
        scene.plays(&bad());
    }
    assert_eq!(scene.live(), bad());
    scene.pass(first + 3_590 - scene.now().as_second());
    scene.drain();
    assert_eq!(scene.live(), QUARANTINE, "the last write ends the exposure");
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Quarantined)]);
    assert!(scene.now().as_second() <= first + 3_610);
    // However many orders found it spent, one comes of it.
    scene.pass(7_200);
    scene.drain();
    assert_eq!(scene.alerts(), []);
    let alerts = scene.plays(&bad());
    assert_eq!(
        stages(&alerts),
        [DETECTED, outcome(OutcomeKind::Reverted)],
        "an hour later it writes again"
    );
}

#[test]
fn line_6_the_last_write_is_not_spent_on_anything_less() {
    let mut scene = Scene::settled();
    let mut outcomes = Vec::new();
    for document in [careless(), careless(), careless(), bad()] {
        scene.pass(120);
        let event = scene.write(&document, ALICE);
        outcomes.push(scene.play(&event)[1].outcome.as_ref().unwrap().kind);
    }
    use OutcomeKind::{BudgetSpent, Quarantined, Reverted};
    assert_eq!(outcomes, [Reverted, Reverted, BudgetSpent, Quarantined]);
}

#[test]
fn line_6_putting_back_does_not_take_the_last_write() {
    let mut scene = Scene::settled();
    scene.plays(&careless());
    scene.pass(120);
    let event = scene.write(&careless(), ALICE);
    scene.meanwhile("write trust policy", 0, better());
    scene.pass(2);
    let lost = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), "bob");
    scene.play(&event);
    let alerts = scene.play(&lost);
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Failed)]);
    assert!(alerts[0].outcome.as_ref().unwrap().text.contains("by hand"));
    assert_eq!(scene.live(), good());
}

#[test]
fn line_6_deleting_and_creating_the_role_does_not_renew_the_budget() {
    let mut scene = Scene::settled();
    for _ in 0..3 {
        scene.pass(120);
        scene.plays(&bad());
    }
    assert_eq!(scene.live(), QUARANTINE);
    scene.pass(60);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &bad());
    let event = scene.event("CreateRole", ROLE, Some(&bad()), ALICE);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::BudgetSpent);
}

/// Safety line 6: observing never stops.
#[test]
fn line_6_a_spent_budget_does_not_stop_observing() {
    let mut scene = Scene::settled();
    for _ in 0..4 {
        scene.pass(120);
        scene.plays(&bad());
    }
    scene.pass(5);
    let event = scene.write(&better(), "bob");
    assert_eq!(scene.play(&event), []);
    assert_eq!(scene.history().newest().unwrap().document, better());
}
