//! A role that was deleted, and one that was created again under its name.

use trustwarden_guard::order::Ack;
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};

use super::scene::{
    ACCOUNT, ALICE, DETECTED, ROLE, Scene, bad, better, careless, ended, good, outcome, stages,
};

#[test]
fn a_role_deleted_and_created_again_has_a_history_of_its_own() {
    let mut scene = Scene::settled();
    scene.world.inside.remove_role(ROLE);
    let deleted = scene.event("DeleteRole", ROLE, None, ALICE);
    assert_eq!(scene.play(&deleted), []);
    let closed = scene
        .world
        .inside
        .history(ACCOUNT, "AROAOBSERVERPROD0001")
        .unwrap();
    assert!(closed.closed.is_some());
    scene.pass(60);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &bad());
    let created = scene.event("CreateRole", ROLE, Some(&bad()), ALICE);
    let alerts = scene.play(&created);
    assert_eq!(
        stages(&alerts),
        [DETECTED, outcome(OutcomeKind::Repaired)],
        "not its predecessor's"
    );
    assert_eq!(scene.history().role_id, "AROAOBSERVERPROD0002");
    // A lost DeleteRole event: the new id alone closes the old history.
    let mut scene = Scene::settled();
    scene.pass(60);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &good());
    let created = scene.event("CreateRole", ROLE, Some(&good()), ALICE);
    scene.play(&created);
    let closed = scene
        .world
        .inside
        .history(ACCOUNT, "AROAOBSERVERPROD0001")
        .unwrap();
    assert!(closed.closed.is_some());
    // A late event of an own write to the first one is still known.
    assert_eq!(scene.history().writes, closed.writes);
}

#[test]
fn a_late_event_of_an_older_roles_deletion_does_not_hold_up_the_new_one() {
    let mut scene = Scene::settled();
    let deleted = scene.event("DeleteRole", ROLE, None, ALICE);
    scene.pass(60);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &good());
    let created = scene.event("CreateRole", ROLE, Some(&good()), ALICE);
    scene.play(&created);
    scene.handle(&deleted).unwrap().unwrap();
    let order = scene.take_order();
    assert_eq!(scene.once(&order).unwrap(), Ack::Done);
    assert_eq!(scene.history().closed, None);
}

#[test]
fn a_stale_read_of_the_deleted_role_does_not_reopen_it() {
    let mut scene = Scene::settled();
    let deleted = scene.role();
    scene.pass(60);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &good());
    let created = scene.event("CreateRole", ROLE, Some(&good()), ALICE);
    scene.play(&created);
    scene.pass(60);
    let event = scene.write(&bad(), ALICE);
    scene.world.reads_show([deleted]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    assert_eq!(scene.live(), good());
    assert_eq!(scene.history().closed, None);
}

#[test]
fn a_role_that_is_gone_is_gone_after_looking_again() {
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.inside.remove_role(ROLE);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Gone);
    // It was not to be seen yet.
    let mut scene = Scene::settled();
    let event = scene.write(&bad(), ALICE);
    scene.world.reads_show([None, None]);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
}

/// Event times have whole seconds, and the event of a change names no RoleId: what was saved in
/// the second in which the role was created again may have been saved to the one before.
#[test]
fn line_4_what_a_role_of_the_same_name_had_is_not_given_to_the_next_one() {
    let mut scene = Scene::settled();
    let earlier = scene.write(&better(), ALICE);
    let deleted = scene.event("DeleteRole", ROLE, None, ALICE);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &bad());
    let created = scene.event("CreateRole", ROLE, Some(&bad()), ALICE);
    let alerts = scene.play(&created);
    ended(&alerts, OutcomeKind::Repaired);
    let repaired = scene.live();
    assert_eq!(scene.play(&earlier), []);
    assert_eq!(scene.play(&deleted), []);
    assert_eq!(scene.live(), repaired);
    assert_eq!(scene.history().approved, []);
}

/// CreateRole's event is about the role that it created. What a stale read shows of the one before
/// is not remediated in its place.
#[test]
fn line_3_the_role_that_was_deleted_is_not_taken_for_the_one_that_was_created() {
    let mut scene = Scene::settled();
    scene.write(&bad(), ALICE);
    let stale = scene.role();
    scene.pass(20);
    scene.put(ROLE, "AROAOBSERVERPROD0002", &careless());
    let created = scene.event("CreateRole", ROLE, Some(&careless()), ALICE);
    scene.handle(&created).unwrap().unwrap();
    let order = scene.take_order();
    scene.world.reads_show([stale.clone(), stale]);
    assert_eq!(scene.comes_again(&order), Some(30));
    scene.world.reads_are_fresh();
    assert!(scene.carry(&order));
    assert_eq!(scene.live(), QUARANTINE);
    assert_eq!(scene.written(), [QUARANTINE], "not what the older one had");
}
