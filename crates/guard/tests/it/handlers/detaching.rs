//! What a change gave to third parties is undone: the safety model's lines, for permissions.

use serde_json::{Value, json};
use trustwarden_guard::handlers::Handled;
use trustwarden_guard::model::{HeldPolicy, LivePermissions};
use trustwarden_guard::permissions::Undo;
use trustwarden_guard::ports::{IamErrorKind, ReadPermissions};
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::rules::{Mode, Rules};
use trustwarden_guard::{Check, Severity};

use super::permissions::{
    ADMIN, READ, ROLE_ID, USER, allowing, codes, denying, happens, held, inline, managed, played,
};
use super::scene::{
    ACCOUNT, ALICE, DETECTED, GUARD, REMEDIATOR, ROLE, Scene, ended, good, guard, outcome, own,
    rules as all_rules, stages,
};
use super::troubled::run;

const REGIONS: &str = "ec2:DescribeRegions";

fn rules(change: impl FnOnce(&mut Value)) -> Rules {
    all_rules(|rules| {
        rules["vendors"][0]["users"] = json!([USER]);
        rules["permissions"] = json!({ "on_violation": "detach" });
        change(rules);
    })
}

fn scene() -> Scene {
    scene_with(|_| {})
}

/// The vendor's role, which holds nothing yet.
fn scene_with(change: impl FnOnce(&mut Value)) -> Scene {
    let scene = Scene::with(guard(rules(change)));
    scene.put(ROLE, ROLE_ID, &good());
    hold(&scene, vec![]);
    scene
}

fn hold(scene: &Scene, policies: Vec<HeldPolicy>) {
    scene
        .world
        .inside
        .put_role_permissions(held(ROLE, policies));
}

fn live(scene: &Scene) -> LivePermissions {
    run(scene.world.inside.role_permissions(ROLE))
        .unwrap()
        .unwrap()
        .unwrap()
}

fn names(scene: &Scene) -> Vec<String> {
    let policies = live(scene).policies;
    policies.into_iter().map(|policy| policy.name).collect()
}

fn undone(scene: &Scene) -> Vec<Undo> {
    scene.world.undone()
}

fn attaches_admin(scene: &mut Scene) -> Value {
    let mut policies = live(scene).policies;
    policies.push(HeldPolicy::managed(ADMIN));
    hold(scene, policies);
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    happens(scene, "AttachRolePolicy", request, ALICE)
}

fn puts(scene: &mut Scene, name: &str, document: &str) -> Value {
    let mut policies = live(scene).policies;
    policies.retain(|policy| policy.name != name);
    policies.push(inline(name, document));
    hold(scene, policies);
    let request = json!({ "roleName": ROLE, "policyName": name, "policyDocument": document });
    happens(scene, "PutRolePolicy", request, ALICE)
}

fn new_version(scene: &mut Scene, version: &str, document: &str) -> Value {
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, version, document));
    let request = json!({ "policyArn": READ, "versionId": version });
    happens(scene, "SetDefaultPolicyVersion", request, ALICE)
}

#[test]
fn an_attachment_is_undone_and_reported() {
    let mut scene = scene();
    let event = attaches_admin(&mut scene);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Detached);
    assert_eq!(alerts[0].incident, alerts[1].incident);
    assert_eq!(alerts[0].severity, Severity::Critical);
    let result = alerts[1].outcome.as_ref().unwrap();
    assert!(!result.open);
    assert!(
        result
            .text
            .contains("to restore it: aws iam attach-role-policy"),
        "{}",
        result.text
    );
    assert_eq!(names(&scene), Vec::<String>::new());
    assert_eq!(
        scene.play(&event),
        [],
        "line 8: the same event twice does nothing twice"
    );
    assert_eq!(undone(&scene).len(), 1);
}

/// What rests on a condition that a third party may not meet is reported, and left to people; beside
/// what is certain it goes with it.
#[test]
fn what_is_not_certain_is_left_to_people() {
    let under = |condition: Value| {
        let statement =
            json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
        json!({"Version": "2012-10-17", "Statement": [statement]}).to_string()
    };
    let mfa = under(json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}));
    let region = under(json!({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}));
    for (document, expected) in [
        (mfa, OutcomeKind::LeftAlone),
        (region, OutcomeKind::Detached),
    ] {
        let mut scene = scene();
        hold(&scene, vec![inline("Access", &document)]);
        let request = json!({"roleName": ROLE, "policyName": "Access", "policyDocument": document});
        let event = happens(&mut scene, "PutRolePolicy", request, ALICE);
        let alerts = scene.play(&event);
        assert_eq!(codes(&alerts[0])[0].0, Check::AdminAccess, "{document}");
        ended(&alerts, expected);
        let left_alone = expected == OutcomeKind::LeftAlone;
        assert_eq!(undone(&scene).is_empty(), left_alone);
        assert_eq!(alerts[1].outcome.as_ref().unwrap().open, left_alone);
    }
}

#[test]
fn line_1_nothing_is_written_in_mode_alert() {
    for lower in [
        json!({ "mode": "alert" }),
        json!({ "checks": { "admin-access": { "mode": "alert" } } }),
    ] {
        let mut scene = scene_with(|rules| {
            for (key, value) in lower.as_object().unwrap() {
                rules[key] = value.clone();
            }
        });
        let event = attaches_admin(&mut scene);
        let alerts = scene.play(&event);
        ended(&alerts, OutcomeKind::WouldDetach);
        assert!(alerts[1].outcome.as_ref().unwrap().open);
        assert_eq!(undone(&scene), []);
    }
    let mut scene = scene();
    scene.guard.mode = Mode::Alert;
    let event = attaches_admin(&mut scene);
    ended(&scene.play(&event), OutcomeKind::WouldDetach);
    // The stack does not let it, and the rules do not ask for it.
    let mut scene = self::scene();
    scene.guard.detach_policies = false;
    let event = attaches_admin(&mut scene);
    ended(&scene.play(&event), OutcomeKind::LeftAlone);
    let mut scene = scene_with(|rules| rules["permissions"] = json!({}));
    let event = attaches_admin(&mut scene);
    assert_eq!(stages(&scene.play(&event)), [DETECTED]);
    assert_eq!(undone(&scene), []);
}

#[test]
fn line_2_a_text_that_was_compliant_comes_back_and_one_that_is_not_known_goes() {
    let mut scene = scene();
    let compliant = allowing(REGIONS);
    let event = puts(&mut scene, "Access", &compliant);
    assert_eq!(scene.play(&event), [], "remembered");
    let event = puts(&mut scene, "Access", &allowing("*"));
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Detached);
    assert_eq!(live(&scene).policies, [inline("Access", &compliant)]);
    assert!(
        alerts[1]
            .notes
            .iter()
            .any(|note| note.contains(r#""Action":"*""#)),
        "what went"
    );
    let event = puts(&mut scene, "Unknown", &allowing("iam:*"));
    scene.play(&event);
    assert_eq!(names(&scene), ["Access"]);
}

#[test]
fn line_2_a_newer_compliant_change_is_not_touched() {
    let mut scene = scene();
    let event = puts(&mut scene, "Access", &allowing("*"));
    scene.deliver(&event);
    let newer = allowing(REGIONS);
    puts(&mut scene, "Access", &newer);
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Superseded);
    assert_eq!(live(&scene).policies, [inline("Access", &newer)]);
    // Not even one that comes just before the write.
    let event = puts(&mut scene, "Access", &allowing("*"));
    scene.deliver(&event);
    let again = newer.clone();
    scene.world.before("read role", 1, move |world| {
        world.put_role_permissions(held(ROLE, vec![inline("Access", &again)]));
    });
    scene.drain();
    assert_eq!(undone(&scene), []);
    assert_eq!(live(&scene).policies, [inline("Access", &newer)]);
}

#[test]
fn line_4_what_denies_is_not_taken_away_and_nothing_violating_comes_back() {
    let mut scene = scene();
    hold(
        &scene,
        vec![
            inline("Wide", &allowing("*")),
            inline("NoWrites", &denying("*")),
        ],
    );
    // A policy that allows and denies: what it denies holds another one back.
    let both = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"s3:*","Resource":"*"},{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}"#;
    hold(&scene, vec![inline("Data", &allowing("s3:*"))]);
    let event = puts(&mut scene, "Both", both);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Failed);
    assert_eq!(alerts[1].severity, Severity::Critical);
    assert_eq!(undone(&scene), []);
    // By today's rules what was compliant then is not.
    let mut scene = self::scene();
    let event = puts(&mut scene, "Access", &allowing("ec2:DescribeVpcs"));
    scene.play(&event);
    scene.guard = guard(rules(|rules| {
        rules["vendors"][0]["permissions"] = json!({ "allow": [REGIONS] });
    }));
    let event = puts(&mut scene, "Access", &allowing("*"));
    scene.play(&event);
    let deleted = Undo::DeleteInline {
        name: "Access".to_owned(),
    };
    assert_eq!(undone(&scene), [deleted]);
    // Another one gives the same: taking one away would only look as if it helped.
    let mut scene = self::scene();
    hold(&scene, vec![inline("Wide", &allowing("*"))]);
    let event = puts(&mut scene, "Wider", &allowing("*"));
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Failed);
    assert_eq!(undone(&scene), []);
}

#[test]
fn a_version_goes_back_where_nobody_else_holds_the_policy() {
    let mut scene = scene();
    let request = json!({ "roleName": ROLE, "policyArn": READ });
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, "v1", &allowing(REGIONS)));
    hold(&scene, vec![HeldPolicy::managed(READ)]);
    assert_eq!(played(&mut scene, "AttachRolePolicy", request.clone()), []);
    let event = new_version(&mut scene, "v2", &allowing("*"));
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Detached);
    let back = Undo::SetDefaultVersion {
        arn: READ.to_owned(),
        version: "v1".to_owned(),
    };
    assert_eq!(undone(&scene), [back]);
    // A role of our own holds it, too: it keeps its version, and the vendor's role loses the policy.
    scene.put("Ours", "AROAOURS", &own());
    scene
        .world
        .inside
        .put_role_permissions(held("Ours", vec![HeldPolicy::managed(READ)]));
    let event = new_version(&mut scene, "v3", &allowing("*"));
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Detached);
    assert_eq!(
        undone(&scene)[1],
        Undo::Detach {
            arn: READ.to_owned()
        }
    );
    assert_eq!(names(&scene), Vec::<String>::new());
}

#[test]
fn a_boundary_that_is_known_comes_back() {
    let mut scene = scene();
    let boundary = "arn:aws:iam::111122223333:policy/VendorBoundary";
    scene
        .world
        .inside
        .put_managed_policy(managed(boundary, "v1", &allowing(REGIONS)));
    let bounded = |boundary: Option<HeldPolicy>| LivePermissions {
        boundary,
        ..held(ROLE, vec![inline("Wide", &allowing("*"))])
    };
    // Not known yet: people act.
    scene.world.inside.put_role_permissions(bounded(None));
    let gone = json!({ "roleName": ROLE });
    let alerts = played(&mut scene, "DeleteRolePermissionsBoundary", gone.clone());
    ended(&alerts, OutcomeKind::Failed);
    scene
        .world
        .inside
        .put_role_permissions(bounded(Some(HeldPolicy::managed(boundary))));
    let request = json!({ "roleName": ROLE, "permissionsBoundary": boundary });
    assert_eq!(
        played(&mut scene, "PutRolePermissionsBoundary", request),
        []
    );
    scene.world.inside.put_role_permissions(bounded(None));
    let alerts = played(&mut scene, "DeleteRolePermissionsBoundary", gone);
    ended(&alerts, OutcomeKind::Detached);
    assert_eq!(
        live(&scene).boundary.unwrap().arn.as_deref(),
        Some(boundary)
    );
    // Another one in its place.
    scene
        .world
        .inside
        .put_role_permissions(bounded(Some(HeldPolicy::managed(ADMIN))));
    let request = json!({ "roleName": ROLE, "permissionsBoundary": ADMIN });
    let alerts = played(&mut scene, "PutRolePermissionsBoundary", request);
    ended(&alerts, OutcomeKind::Detached);
}

#[test]
fn line_5_own_writes_are_known_and_the_actor_alone_proves_nothing() {
    let mut scene = scene();
    let event = attaches_admin(&mut scene);
    scene.play(&event);
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    let event = happens(&mut scene, "DetachRolePolicy", request.clone(), GUARD);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::OwnWrite);
    scene.pass(600);
    let event = happens(&mut scene, "DetachRolePolicy", request, GUARD);
    let again = scene.handle(&event).unwrap().unwrap();
    assert!(
        matches!(again, Handled::Alerted { .. }),
        "the guard did it once: {again:?}"
    );
    let _ = scene.alerts();
    let request = json!({ "roleName": ROLE, "policyName": "NoIam" });
    let event = happens(&mut scene, "DeleteRolePolicy", request.clone(), GUARD);
    let alerts = scene.play(&event);
    assert_eq!(
        codes(&alerts[0]),
        [(Check::GuardTampered, Severity::Critical)]
    );
    // Even on a role that nobody enters.
    scene.put(ROLE, ROLE_ID, &own());
    let event = happens(&mut scene, "DeleteRolePolicy", request, GUARD);
    assert_eq!(
        codes(&scene.play(&event)[0]),
        [(Check::GuardTampered, Severity::Critical)]
    );
}

#[test]
fn line_6_a_role_is_written_so_often_and_no_more() {
    let mut scene = scene();
    let mut reported = Vec::new();
    for _ in 0..4 {
        let event = attaches_admin(&mut scene);
        reported.extend(scene.play(&event));
        scene.pass(60);
    }
    let detached = outcome(OutcomeKind::Detached);
    let spent = outcome(OutcomeKind::BudgetSpent);
    let expected = [
        DETECTED, detached, DETECTED, detached, DETECTED, detached, DETECTED, spent,
    ];
    assert_eq!(stages(&reported), expected);
    assert_eq!(undone(&scene).len(), 3);
    scene.pass(3_600);
    let event = attaches_admin(&mut scene);
    assert_eq!(stages(&scene.play(&event)), [DETECTED, detached]);
}

#[test]
fn line_7_protected_roles_and_the_guards_own_are_never_written() {
    let mut scene = scene_with(|rules| {
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}");
        rules["remediation"] = json!({ "protected_roles": [arn] });
    });
    let event = attaches_admin(&mut scene);
    ended(&scene.play(&event), OutcomeKind::NotTouched);
    let mut scene = self::scene();
    scene.guard.own_roles = vec![
        REMEDIATOR.to_owned(),
        format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}"),
    ];
    let event = attaches_admin(&mut scene);
    ended(&scene.play(&event), OutcomeKind::NotTouched);
    assert_eq!(undone(&scene), []);
}

#[test]
fn line_8_a_crash_anywhere_loses_nothing_and_does_nothing_twice() {
    let gates = {
        let mut scene = scene();
        let event = attaches_admin(&mut scene);
        scene.play(&event);
        scene.world.gates()
    };
    for gate in 0..gates {
        let mut scene = scene();
        scene.world.stop_after(gate);
        let event = attaches_admin(&mut scene);
        assert!(scene.deliver(&event).is_some(), "gate {gate}");
        scene.drain();
        assert_eq!(scene.poisoned, [], "gate {gate}");
        let reported = stages(&scene.alerts());
        assert!(reported.contains(&DETECTED), "gate {gate}: {reported:?}");
        assert!(
            reported.contains(&outcome(OutcomeKind::Detached)),
            "gate {gate}: {reported:?}"
        );
        assert_eq!(names(&scene), Vec::<String>::new(), "gate {gate}");
    }
}

#[test]
fn line_9_a_write_that_is_refused_is_critical_and_not_tried_again() {
    let mut scene = scene();
    let denied = [IamErrorKind::AccessDenied];
    scene.world.refuse("undo permissions", denied);
    let event = attaches_admin(&mut scene);
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Refused);
    assert_eq!(alerts[1].severity, Severity::Critical);
    // What fails is tried again.
    let mut scene = self::scene();
    scene.world.fail("undo permissions", 2);
    let event = attaches_admin(&mut scene);
    ended(&scene.play(&event), OutcomeKind::Detached);
    // What cannot be read is told in the end.
    let mut scene = self::scene();
    let event = attaches_admin(&mut scene);
    scene.deliver(&event);
    scene.world.fail("read role permissions", 20);
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Failed);
    // Without state nothing is written, and that is told.
    let mut scene = self::scene();
    let event = attaches_admin(&mut scene);
    scene.deliver(&event);
    scene.world.state_fails(100);
    scene.drain();
    assert_eq!(undone(&scene), []);
    assert!(stages(&scene.alerts()).contains(&outcome(OutcomeKind::Failed)));
}

#[test]
fn gone_is_gone_and_another_role_of_that_name_is_none_of_it() {
    let mut scene = scene();
    let event = attaches_admin(&mut scene);
    scene.deliver(&event);
    scene.put(ROLE, "AROAANOTHER", &good());
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Gone);
    let event = attaches_admin(&mut scene);
    scene.deliver(&event);
    scene.world.inside.remove_role(ROLE);
    scene.drain();
    ended(&scene.alerts(), OutcomeKind::Gone);
    assert_eq!(undone(&scene), []);
}

#[test]
fn users_are_remediated_unless_their_vendor_is_left_to_people() {
    for (mode, expected) in [
        ("enforce", OutcomeKind::Detached),
        ("alert", OutcomeKind::WouldDetach),
    ] {
        let mut scene = scene_with(|rules| rules["vendors"][0]["mode"] = json!(mode));
        let user = held(USER, vec![HeldPolicy::managed(ADMIN)]);
        scene.world.inside.put_user_permissions(user);
        let request = json!({ "userName": USER, "policyArn": ADMIN });
        let alerts = played(&mut scene, "AttachUserPolicy", request);
        assert_eq!(stages(&alerts), [DETECTED, outcome(expected)], "{mode}");
    }
    // A group's policy concerns users that the guard does not judge: told, and left to people.
    let mut scene = scene();
    let mut user = held(USER, vec![]);
    user.groups = vec!["vendors".to_owned()];
    scene.world.inside.put_user_permissions(user);
    scene.world.inside.put_in_group("vendors", USER);
    let request = json!({ "groupName": "vendors", "policyArn": ADMIN });
    assert_eq!(
        stages(&played(&mut scene, "AttachGroupPolicy", request)),
        [DETECTED]
    );
}

/// An event that IAM never saw, about what the role held before the guard looked.
#[test]
fn b4_a_forged_event_about_permissions_of_before_takes_nothing_away() {
    let all = allowing("*");
    for (held, name, request) in [
        (
            HeldPolicy::managed(ADMIN),
            "AttachRolePolicy",
            json!({ "roleName": ROLE, "policyArn": ADMIN }),
        ),
        (
            inline("Access", &all),
            "PutRolePolicy",
            json!({ "roleName": ROLE, "policyName": "Access", "policyDocument": all }),
        ),
    ] {
        let mut scene = scene();
        hold(&scene, vec![held]);
        scene.swept();
        scene.pass(7_200);
        scene.swept();
        let before = names(&scene);
        let forged = happens(&mut scene, name, request, ALICE);
        let alerts = scene.play(&forged);
        assert_eq!(
            stages(&alerts),
            [DETECTED, outcome(OutcomeKind::LeftAlone)],
            "{name}"
        );
        assert_eq!(names(&scene), before);
        assert_eq!(undone(&scene), []);
    }
    // What is given later is taken away as ever.
    let mut scene = scene();
    scene.swept();
    let event = attaches_admin(&mut scene);
    let alerts = scene.play(&event);
    assert_eq!(stages(&alerts), [DETECTED, outcome(OutcomeKind::Detached)]);
}
