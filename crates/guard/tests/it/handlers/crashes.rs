//! Safety line 8: a crash at any point loses nothing. The handler is stopped before and after
//! every single effect of a whole story, and what it was given comes again.

use serde_json::json;
use trustwarden_guard::handlers::carry_out;
use trustwarden_guard::ports::World as _;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::state::incident::Stage;

use super::scene::{ALICE, ROLE, Scene, bad, better, document, external_account, good, stages};
use super::troubled::run;

/// Plays a story with a crash at each gate in turn, and checks what must hold at the end.
fn at_every_gate(
    story: impl Fn() -> Scene,
    act: impl Fn(&mut Scene),
    check: impl Fn(&mut Scene, usize),
) {
    let mut gate = 0;
    loop {
        let mut scene = story();
        let from = scene.world.gates();
        scene.world.stop_after(gate);
        act(&mut scene);
        let passed = scene.world.gates() - from;
        check(&mut scene, gate);
        if passed <= gate {
            assert!(gate > 10, "the story has some effects: {passed}");
            return;
        }
        gate += 1;
    }
}

#[test]
fn line_8_a_crash_anywhere_in_a_revert_loses_nothing() {
    at_every_gate(
        Scene::settled,
        |scene| {
            let event = scene.write(&bad(), ALICE);
            scene.deliver(&event);
            scene.drain();
        },
        |scene, gate| {
            assert_eq!(scene.live(), good(), "gate {gate}");
            let alerts = scene.alerts();
            let count = |stage| alerts.iter().filter(|alert| alert.stage == stage).count();
            assert!(
                (1..=2).contains(&count(Stage::Detected)),
                "gate {gate}: {:?}",
                stages(&alerts)
            );
            assert!(
                (1..=2).contains(&count(Stage::Outcome)),
                "gate {gate}: {:?}",
                stages(&alerts)
            );
            for alert in alerts.iter().filter(|alert| alert.stage == Stage::Outcome) {
                assert_eq!(
                    alert.outcome.as_ref().unwrap().kind,
                    OutcomeKind::Reverted,
                    "gate {gate}"
                );
                assert_eq!(alert.diff.len(), 1, "gate {gate}");
            }
            assert!(
                scene.written().len() <= 1,
                "gate {gate}: one write is enough"
            );
            assert_eq!(scene.poisoned.len(), 0, "gate {gate}");
            let history = scene.history();
            let kept: Vec<_> = history.approved.iter().map(|kept| &kept.document).collect();
            assert_eq!(kept, [&good()], "gate {gate}");
        },
    );
}

#[test]
fn line_8_a_crash_anywhere_in_a_quarantine_with_sessions_loses_nothing() {
    at_every_gate(
        || {
            let scene = Scene::by(|rules| {
                rules["remediation"] = json!({ "revoke_sessions": "on_new_role" });
            });
            scene.put(ROLE, "AROANEW", &document(&[external_account()]));
            scene
        },
        |scene| {
            let event = scene.event(
                "CreateRole",
                ROLE,
                Some(&document(&[external_account()])),
                ALICE,
            );
            scene.deliver(&event);
            scene.drain();
        },
        |scene, gate| {
            assert_eq!(
                scene.live(),
                trustwarden_guard::remediate::QUARANTINE,
                "gate {gate}"
            );
            assert!(
                scene.world.inside.sessions_denied_before(ROLE).is_some(),
                "gate {gate}"
            );
            let alerts = scene.alerts();
            let last = alerts.last().unwrap().outcome.as_ref().unwrap();
            assert_eq!(last.kind, OutcomeKind::Quarantined, "gate {gate}");
            assert!(
                last.text.contains("are denied"),
                "gate {gate}: {}",
                last.text
            );
            let kept = super::troubled::run(
                scene
                    .world
                    .inside
                    .state()
                    .kept_document(super::scene::ACCOUNT, &alerts[0].incident),
            );
            let kept = kept.unwrap().unwrap().expect("the old document is kept");
            assert_eq!(
                kept.document,
                document(&[external_account()]),
                "gate {gate}"
            );
        },
    );
}

#[test]
fn line_8_a_crash_anywhere_in_observing_loses_nothing() {
    at_every_gate(
        Scene::settled,
        |scene| {
            let event = scene.write(&better(), "bob");
            scene.deliver(&event);
            scene.drain();
            // More effects, so that the loop above has something to stop.
            scene.pass(60);
            let event = scene.write(&good(), "bob");
            scene.deliver(&event);
            scene.drain();
        },
        |scene, gate| {
            assert_eq!(scene.alerts(), [], "gate {gate}");
            let history = scene.history();
            let kept: Vec<_> = history
                .approved
                .iter()
                .map(|kept| kept.document.clone())
                .collect();
            assert_eq!(kept, [better(), good()], "gate {gate}");
        },
    );
}

#[test]
fn line_2_a_crash_anywhere_in_putting_back_loses_nothing() {
    at_every_gate(
        || {
            // An intent that came to nothing counts as a write, since nobody can be sure of it.
            let mut scene = Scene::remediating(json!({ "max_writes_per_role_per_hour": 4 }));
            let event = scene.write(&bad(), ALICE);
            scene.pass(2);
            scene.meanwhile("write trust policy", 0, better());
            scene.play(&event);
            scene
        },
        |scene| {
            let mut lost = scene.event("UpdateAssumeRolePolicy", ROLE, Some(&better()), "bob");
            let write = scene.history().writes.last().unwrap().at;
            lost["detail"]["eventTime"] = json!(write.to_string());
            scene.deliver(&lost);
            scene.drain();
        },
        |scene, gate| {
            assert_eq!(scene.live(), better(), "gate {gate}");
            let alerts = scene.alerts();
            assert!(!alerts.is_empty(), "gate {gate}");
            assert!(scene.written().len() <= 2, "gate {gate}");
        },
    );
}

fn always_revoking() -> Scene {
    Scene::remediating(json!({ "revoke_sessions": "always" }))
}

/// The order was begun for the older role, and the newer one complies: nothing is told of it, and
/// above all its sessions are left alone.
#[test]
fn line_8_what_a_crash_left_undone_is_not_done_to_a_new_role_of_the_same_name() {
    at_every_gate(
        always_revoking,
        |scene| {
            let event = scene.write(&document(&[external_account()]), ALICE);
            scene.deliver(&event);
            let order = scene.take_order();
            let _ = run(carry_out(&scene.world, &scene.guard, &order));
            scene.pass(400);
            scene.world.inside.remove_role(ROLE);
            scene.put(ROLE, "AROAOBSERVERPROD0002", &good());
            scene.carry(&order);
        },
        |scene, gate| {
            assert_eq!(scene.live(), good(), "gate {gate}");
            let created = scene.role().unwrap().created;
            assert!(
                scene.world.inside.sessions_denied_before(ROLE) < created,
                "gate {gate}"
            );
        },
    );
}

/// The same, and the newer role was created within the second of the write: creation dates have
/// whole seconds, so it is the RoleId that tells the two apart.
#[test]
fn line_8_a_new_role_of_the_same_second_keeps_its_sessions() {
    at_every_gate(
        always_revoking,
        |scene| {
            let event = scene.write(&document(&[external_account()]), ALICE);
            scene.deliver(&event);
            let order = scene.take_order();
            let _ = run(carry_out(&scene.world, &scene.guard, &order));
            scene.world.inside.remove_role(ROLE);
            scene.put(ROLE, "AROAOBSERVERPROD0002", &good());
            let denied = scene.world.inside.sessions_denied_before(ROLE);
            scene.pass(400);
            scene.carry(&order);
            assert_eq!(scene.world.inside.sessions_denied_before(ROLE), denied);
        },
        |scene, gate| assert_eq!(scene.live(), good(), "gate {gate}"),
    );
}
