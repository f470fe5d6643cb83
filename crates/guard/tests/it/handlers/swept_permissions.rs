//! What third parties may do by their roles, where the event of a change was lost.

use jiff::SignedDuration;
use serde_json::json;
use trustwarden_guard::alert::Alert;
use trustwarden_guard::handlers::{MOST_ROLES, PermissionsSwept, sweep_permissions};
use trustwarden_guard::model::HeldPolicy;
use trustwarden_guard::ports::World;
use trustwarden_guard::{Check, Severity};

use super::permissions::{ADMIN, READ, ROLE_ID, allowing, held, inline, managed, played};
use super::scene::{DETECTED, ROLE, Scene, good, stages};
use super::sweeping::{HOUR, watched_with};
use super::troubled::run;

fn reading() -> HeldPolicy {
    inline("Read", &allowing("ec2:DescribeInstances"))
}

fn admin() -> HeldPolicy {
    managed(ADMIN, "v1", &allowing("*"))
}

/// The vendor's role, which reads.
fn scene() -> Scene {
    let scene = watched_with(|_| {});
    holds(&scene, vec![reading()]);
    assert_eq!(look(&scene).1, []);
    scene
}

fn holds(scene: &Scene, policies: Vec<HeldPolicy>) {
    scene
        .world
        .inside
        .put_role_permissions(held(ROLE, policies));
}

fn look(scene: &Scene) -> (PermissionsSwept, Vec<Alert>) {
    let until = scene.now() + SignedDuration::from_secs(60);
    let swept = run(sweep_permissions(&scene.world.inside, &scene.guard, until));
    (swept.unwrap().unwrap(), scene.alerts())
}

#[test]
fn what_a_vendors_role_may_do_is_found_without_an_event_and_reported_once() {
    let scene = scene();
    holds(&scene, vec![reading(), admin()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, [], "its event may yet come");
    scene.pass(HOUR);
    let (swept, alerts) = look(&scene);
    assert_eq!((swept.reported, swept.left), (1, 0));
    assert_eq!(stages(&alerts), [DETECTED]);
    let alert = &alerts[0];
    assert_eq!(alert.subject, format!("role/{ROLE}"));
    assert_eq!(alert.findings[0].code, Check::AdminAccess);
    assert!(alert.severity >= Severity::High, "{alert:?}");
    assert!(alert.title.contains("no event reported it"), "{alert:?}");
    assert!(!alert.grantees.is_empty(), "{alert:?}");
    for _ in 0..3 {
        scene.pass(HOUR);
        assert_eq!(look(&scene).1, [], "once");
    }
    // Taken away, which is no news, and given again, which is.
    holds(&scene, vec![reading()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
    holds(&scene, vec![reading(), admin()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1.len(), 1);
}

#[test]
fn what_an_event_reported_is_not_reported_again() {
    let mut scene = scene();
    holds(&scene, vec![reading(), admin()]);
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    let alerts = played(&mut scene, "AttachRolePolicy", request);
    assert_eq!(stages(&alerts), [DETECTED]);
    for _ in 0..3 {
        scene.pass(HOUR);
        assert_eq!(look(&scene).1, []);
    }
}

#[test]
fn an_event_hides_nothing_but_what_it_reported() {
    let mut scene = scene();
    // One event comes, and says nothing of the other change, whose event was lost.
    let more = managed(READ, "v1", &allowing("ec2:DescribeInstances"));
    holds(&scene, vec![reading(), admin(), more]);
    let request = json!({ "roleName": ROLE, "policyArn": READ });
    assert_eq!(played(&mut scene, "AttachRolePolicy", request), []);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
    scene.pass(HOUR);
    let alerts = look(&scene).1;
    assert_eq!(alerts[0].findings[0].code, Check::AdminAccess);
}

#[test]
fn what_is_gone_at_the_second_look_was_no_more_than_a_moment() {
    let scene = scene();
    holds(&scene, vec![admin()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
    holds(&scene, vec![reading()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
}

#[test]
fn what_was_there_when_the_guard_began_is_no_news_and_what_a_new_role_may_do_is() {
    let scene = watched_with(|_| {});
    holds(&scene, vec![admin()]);
    for _ in 0..2 {
        assert_eq!(look(&scene).1, []);
        scene.pass(HOUR);
    }
    // Deleted and created again, and no event told of it.
    scene.put(ROLE, "AROAANOTHER0000000001", &good());
    holds(&scene, vec![admin()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1.len(), 1);
}

#[test]
fn a_role_that_no_third_party_can_assume_is_not_read() {
    let scene = scene();
    let ours = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    scene.put(ROLE, ROLE_ID, ours);
    holds(&scene, vec![admin()]);
    scene.pass(HOUR);
    let before = look(&scene).0.roles;
    assert_eq!(before, 0);
}

#[test]
fn reads_are_bounded_and_the_next_hour_goes_on() {
    let scene = watched_with(|_| {});
    for number in 0..MOST_ROLES + 10 {
        let id = format!("AROAMANY{number:013}");
        scene.put(&format!("{ROLE}{number}"), &id, &good());
    }
    let (swept, _) = look(&scene);
    assert_eq!(swept.roles, MOST_ROLES);
    assert!(swept.left >= 10, "{swept:?}");
    let known = |scene: &Scene| {
        let state = scene.world.inside.state();
        run(state.swept_permissions("111122223333"))
            .unwrap()
            .unwrap()
            .len()
    };
    assert_eq!(known(&scene), MOST_ROLES);
    scene.pass(HOUR);
    look(&scene);
    assert!(known(&scene) >= MOST_ROLES + 10);
}

/// A user whose keys the vendor holds, as IAM spells them; the rules say so in another case.
const USER: &str = "Observer-Legacy";

#[test]
fn what_a_user_may_do_whose_keys_a_vendor_holds_is_found_without_an_event() {
    let mut scene = watched_with(|rules| rules["vendors"][0]["users"] = json!(["observer-legacy"]));
    let holds = |scene: &Scene, name: &str, policies| {
        let user = held(name, policies);
        scene.world.inside.put_user_permissions(user);
    };
    // What stood there at the first look an audit reports.
    holds(&scene, USER, vec![reading()]);
    holds(&scene, "alice", vec![reading()]);
    assert_eq!(look(&scene).1, []);
    holds(&scene, USER, vec![reading(), admin()]);
    holds(&scene, "alice", vec![reading(), admin()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, [], "its event may yet come");
    scene.pass(HOUR);
    let (swept, alerts) = look(&scene);
    assert_eq!(swept.reported, 1);
    assert_eq!(alerts[0].subject, format!("user/{USER}"));
    assert_eq!(alerts[0].findings[0].code, Check::AdminAccess);
    assert!(alerts[0].grantees[0].text.contains("holds the user's keys"));
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, [], "once");
    // What an event reports is no news to the sweep.
    holds(&scene, USER, vec![reading()]);
    scene.pass(HOUR);
    assert_eq!(look(&scene).1, []);
    holds(&scene, USER, vec![reading(), admin()]);
    let request = json!({ "userName": USER, "policyArn": ADMIN });
    assert_eq!(
        stages(&played(&mut scene, "AttachUserPolicy", request)),
        [DETECTED]
    );
    for _ in 0..3 {
        scene.pass(HOUR);
        assert_eq!(look(&scene).1, []);
    }
}
