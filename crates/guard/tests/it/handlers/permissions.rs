//! What third parties may do: alerts about changes of policies, where a third party can enter the
//! role or holds the keys of the user, and nowhere else.

use serde_json::{Value, json};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::handlers::Handled;
use trustwarden_guard::model::{HeldPolicy, LivePermissions};
use trustwarden_guard::remediate::session_denial;
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ACCOUNT, ALICE, DETECTED, GUARD, ROLE, Scene, good, guard, identity, own, rules, stages,
};

pub(crate) const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
pub(crate) const READ: &str = "arn:aws:iam::111122223333:policy/VendorRead";
pub(crate) const ROLE_ID: &str = "AROAOBSERVERPROD0001";
pub(crate) const USER: &str = "observer-legacy";

pub(crate) fn allowing(action: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"{action}","Resource":"*"}}]}}"#
    )
}

pub(crate) fn denying(action: &str) -> String {
    allowing(action).replace("Allow", "Deny")
}

pub(crate) fn inline(name: &str, document: &str) -> HeldPolicy {
    HeldPolicy {
        name: name.to_owned(),
        document: Some(document.to_owned()),
        ..HeldPolicy::default()
    }
}

pub(crate) fn managed(arn: &str, version: &str, document: &str) -> HeldPolicy {
    HeldPolicy {
        version: Some(version.to_owned()),
        document: Some(document.to_owned()),
        ..HeldPolicy::managed(arn)
    }
}

pub(crate) fn held(name: &str, policies: Vec<HeldPolicy>) -> LivePermissions {
    LivePermissions {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/{name}"),
        id: "AIDAEXAMPLE0000000001".to_owned(),
        policies,
        ..LivePermissions::default()
    }
}

fn with_users() -> Scene {
    Scene::by(|rules| {
        rules["vendors"][0]["users"] = json!([USER]);
    })
}

/// The vendor's role, holding these policies.
fn vendors_role(policies: Vec<HeldPolicy>) -> Scene {
    let scene = with_users();
    scene.put(ROLE, ROLE_ID, &good());
    scene
        .world
        .inside
        .put_role_permissions(held(ROLE, policies));
    scene
}

pub(crate) fn happens(scene: &mut Scene, name: &str, request: Value, actor: &str) -> Value {
    scene.raw_event("iam.amazonaws.com", name, request, identity(actor))
}

pub(crate) fn played(scene: &mut Scene, name: &str, request: Value) -> Vec<Alert> {
    let event = happens(scene, name, request, ALICE);
    scene.play(&event)
}

pub(crate) fn codes(alert: &Alert) -> Vec<(Check, Severity)> {
    let findings = alert.findings.iter();
    findings.map(|found| (found.code, found.severity)).collect()
}

#[test]
fn administrator_access_on_a_vendors_role_is_critical_and_reported_once() {
    let mut scene = vendors_role(vec![]);
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    let event = happens(&mut scene, "AttachRolePolicy", request, ALICE);
    let alerts = scene.play(&event);
    assert_eq!(stages(&alerts), [DETECTED]);
    assert_eq!(alerts[0].subject, format!("role/{ROLE}"));
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(
        codes(&alerts[0]),
        [(Check::AdminAccess, Severity::Critical)]
    );
    assert!(alerts[0].grantees[0].text.contains("444455556666"));
    assert!(alerts[0].changes[0].contains("AdministratorAccess"));
    assert_eq!(scene.play(&event), [], "a duplicate is no news");
}

#[test]
fn a_role_that_no_third_party_can_enter_is_no_news() {
    let mut scene = with_users();
    scene.put(ROLE, ROLE_ID, &own());
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    let event = happens(&mut scene, "AttachRolePolicy", request, ALICE);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Approved);
    assert_eq!(scene.world.calls(), ["read role"]);
}

#[test]
fn users_and_groups_that_no_rule_names_cost_nothing() {
    for mut scene in [Scene::new(), with_users()] {
        for (name, request) in [
            (
                "AttachUserPolicy",
                json!({ "userName": "alice", "policyArn": ADMIN }),
            ),
            (
                "PutUserPolicy",
                json!({ "userName": "alice", "policyName": "p" }),
            ),
            (
                "AddUserToGroup",
                json!({ "userName": "alice", "groupName": "g" }),
            ),
        ] {
            let event = happens(&mut scene, name, request, ALICE);
            assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Irrelevant);
        }
        assert_eq!(scene.world.calls(), Vec::<&str>::new());
    }
    // Nor does a group, where no user may have a key by its name.
    let mut scene = Scene::with(guard(rules(|rules| {
        rules["access_keys"] = json!({});
    })));
    let request = json!({ "groupName": "g", "policyArn": ADMIN });
    let event = happens(&mut scene, "AttachGroupPolicy", request, ALICE);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Irrelevant);
    assert_eq!(scene.world.calls(), Vec::<&str>::new());
}

#[test]
fn calls_that_failed_changed_nothing() {
    let mut scene = vendors_role(vec![]);
    let mut event = happens(&mut scene, "AttachRolePolicy", Value::Null, ALICE);
    event["detail"]["errorCode"] = json!("AccessDenied");
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::FailedCall);
    assert_eq!(scene.world.calls(), Vec::<&str>::new());
}

#[test]
fn what_was_wrong_before_is_not_reported_again() {
    let standing = vec![inline("Old", &allowing("iam:*"))];
    let mut scene = vendors_role(standing);
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, "v1", &allowing("ec2:DescribeRegions")));
    let request = json!({ "roleName": ROLE, "policyArn": READ });
    assert_eq!(played(&mut scene, "AttachRolePolicy", request), []);
    // A text that is replaced may have denied something: told, as it may be older.
    let document = allowing("ec2:DescribeRegions");
    let request = json!({ "roleName": ROLE, "policyName": "New", "policyDocument": document });
    let alerts = played(&mut scene, "PutRolePolicy", request);
    assert_eq!(codes(&alerts[0]), [(Check::AdminAccess, Severity::High)]);
    assert!(alerts[0].notes[0].contains("may predate the change"));
}

#[test]
pub(crate) fn inline_policies_are_judged_as_the_event_has_them() {
    let mut scene = vendors_role(vec![]);
    // IAM does not show it yet.
    for (action, expected) in [
        ("ec2:DescribeRegions", vec![]),
        (
            "iam:CreateUser",
            vec![(Check::IamAccess, Severity::Critical)],
        ),
        (
            "secretsmanager:GetSecretValue",
            vec![(Check::DataAccess, Severity::High)],
        ),
        ("ec2:*", vec![(Check::WriteWildcard, Severity::Medium)]),
    ] {
        let document = allowing(action);
        let request = json!({ "roleName": ROLE, "policyName": "P", "policyDocument": document });
        let alerts = played(&mut scene, "PutRolePolicy", request);
        let found: Vec<_> = alerts.iter().flat_map(codes).collect();
        for finding in &expected {
            assert!(found.contains(finding), "{action}: {found:?}");
        }
        assert_eq!(found.is_empty(), expected.is_empty(), "{action}: {found:?}");
    }
    // Cut away, and IAM has none either: what it says is not known.
    let request =
        json!({ "roleName": ROLE, "policyName": "P", "policyDocument": { "omitted": true } });
    let alerts = played(&mut scene, "PutRolePolicy", request);
    assert_eq!(
        codes(&alerts[0]),
        [(Check::UnreadablePermissions, Severity::High)]
    );
}

#[test]
fn a_deny_that_is_lost_is_news_and_an_allow_is_not() {
    let wide = || inline("Wide", &allowing("*"));
    let mut scene = vendors_role(vec![wide()]);
    let deny = "arn:aws:iam::111122223333:policy/NoWrites";
    scene
        .world
        .inside
        .put_managed_policy(managed(deny, "v1", &denying("*")));
    let request = json!({ "roleName": ROLE, "policyArn": deny });
    let alerts = played(&mut scene, "DetachRolePolicy", request);
    assert_eq!(
        codes(&alerts[0]),
        [(Check::AdminAccess, Severity::Critical)]
    );
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, "v1", &allowing("s3:*")));
    let request = json!({ "roleName": ROLE, "policyArn": READ });
    assert_eq!(played(&mut scene, "DetachRolePolicy", request), []);
    // What an inline policy said is gone with it.
    let request = json!({ "roleName": ROLE, "policyName": "NoIam" });
    let alerts = played(&mut scene, "DeleteRolePolicy", request);
    assert_eq!(
        codes(&alerts[0]),
        [(Check::AdminAccess, Severity::Critical)]
    );
    // The policy that is deleted is still shown by a stale read.
    let request = json!({ "roleName": ROLE, "policyName": "Wide" });
    assert_eq!(played(&mut scene, "DeleteRolePolicy", request), []);
}

#[test]
fn a_boundary_that_goes_is_news() {
    let mut scene = vendors_role(vec![]);
    let mut bounded = held(ROLE, vec![inline("Wide", &allowing("*"))]);
    bounded.boundary = Some(managed(READ, "v1", &allowing("ec2:Describe*")));
    scene.world.inside.put_role_permissions(bounded);
    for (name, request) in [
        ("DeleteRolePermissionsBoundary", json!({ "roleName": ROLE })),
        (
            "PutRolePermissionsBoundary",
            json!({ "roleName": ROLE, "permissionsBoundary": ADMIN }),
        ),
    ] {
        let alerts = played(&mut scene, name, request);
        assert_eq!(
            codes(&alerts[0]),
            [(Check::AdminAccess, Severity::Critical)],
            "{name}"
        );
    }
    let request = json!({ "roleName": ROLE, "permissionsBoundary": READ });
    assert_eq!(
        played(&mut scene, "PutRolePermissionsBoundary", request),
        []
    );
}

#[test]
fn a_new_version_concerns_all_that_hold_the_policy_and_third_parties_enter() {
    let scene = &mut with_users();
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, "v1", &allowing("ec2:DescribeRegions")));
    for (role, document) in [
        ("ObserverProd", good()),
        ("ObserverTest", good()),
        ("Ours", own()),
    ] {
        scene.put(role, &format!("AROA{role}"), &document);
        scene
            .world
            .inside
            .put_role_permissions(held(role, vec![HeldPolicy::managed(READ)]));
    }
    scene
        .world
        .inside
        .put_user_permissions(held(USER, vec![HeldPolicy::managed(READ)]));
    scene
        .world
        .inside
        .put_user_permissions(held("alice", vec![HeldPolicy::managed(READ)]));
    let wide = allowing("*");
    let mut request = json!({ "policyArn": READ, "policyDocument": wide, "setAsDefault": false });
    assert_eq!(played(scene, "CreatePolicyVersion", request.clone()), []);
    request["setAsDefault"] = json!(true);
    let alerts = played(scene, "CreatePolicyVersion", request);
    let subjects: Vec<&str> = alerts.iter().map(|alert| alert.subject.as_str()).collect();
    let user = format!("user/{USER}");
    assert_eq!(subjects, ["role/ObserverProd", "role/ObserverTest", &user]);
    assert!(
        alerts
            .iter()
            .all(|alert| alert.severity == Severity::Critical)
    );
    // By its number alone, and IAM still shows the old one as default.
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, "v2", &wide));
    scene
        .world
        .inside
        .put_managed_policy(managed(READ, "v1", &allowing("ec2:DescribeRegions")));
    let request = json!({ "policyArn": READ, "versionId": "v2" });
    assert_eq!(played(scene, "SetDefaultPolicyVersion", request).len(), 3);
    let request = json!({ "policyArn": READ, "versionId": "v1" });
    assert_eq!(played(scene, "SetDefaultPolicyVersion", request), []);
}

#[test]
fn a_policy_of_hundreds_of_roles_makes_one_alert() {
    let mut scene = with_users();
    for number in 0..600 {
        let role = format!("Observer{number:03}");
        scene.put(&role, &format!("AROA{role}"), &good());
        scene
            .world
            .inside
            .put_role_permissions(held(&role, vec![HeldPolicy::managed(READ)]));
    }
    let request =
        json!({ "policyArn": READ, "policyDocument": allowing("*"), "setAsDefault": true });
    let alerts = played(&mut scene, "CreatePolicyVersion", request);
    assert_eq!(alerts.len(), 1);
    assert_eq!(alerts[0].subject, "policy/VendorRead");
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(alerts[0].findings.len(), 20);
    assert!(
        alerts[0]
            .notes
            .iter()
            .any(|note| note.contains("and 481 more")),
        "{:?}",
        alerts[0].notes
    );
    assert_eq!(
        scene.world.called("read role permissions"),
        500,
        "the rest was not looked at"
    );
}

#[test]
fn what_cannot_be_read_is_reported() {
    let attach = || json!({ "roleName": ROLE, "policyArn": READ });
    for failing in ["read role", "read role permissions"] {
        let mut scene = vendors_role(vec![]);
        scene.world.fail(failing, 1);
        let alerts = played(&mut scene, "AttachRolePolicy", attach());
        assert_eq!(
            codes(&alerts[0]),
            [(Check::UnreadablePermissions, Severity::High)],
            "{failing}"
        );
    }
    // A policy without a document that anyone could read.
    let mut scene = vendors_role(vec![]);
    scene.world.fail("read managed policy", 1);
    let alerts = played(&mut scene, "AttachRolePolicy", attach());
    assert_eq!(
        codes(&alerts[0]),
        [(Check::UnreadablePermissions, Severity::High)]
    );
    // Who holds it.
    let mut scene = vendors_role(vec![]);
    scene.world.fail("list holders", 1);
    let request = json!({ "policyArn": READ, "versionId": "v2" });
    let alerts = played(&mut scene, "SetDefaultPolicyVersion", request);
    assert_eq!(
        codes(&alerts[0]),
        [(Check::UnreadablePermissions, Severity::High)]
    );
    // A trust policy that makes no sense may let anyone in.
    let mut scene = with_users();
    scene.put(ROLE, ROLE_ID, "{");
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    let alerts = played(&mut scene, "AttachRolePolicy", request);
    assert!(codes(&alerts[0]).contains(&(Check::AdminAccess, Severity::Critical)));
    assert!(codes(&alerts[0]).contains(&(Check::UnreadablePermissions, Severity::High)));
    // A padded request hides everything.
    let mut scene = vendors_role(vec![]);
    let alerts = played(
        &mut scene,
        "CreatePolicyVersion",
        json!({ "omitted": true }),
    );
    assert_eq!(
        codes(&alerts[0]),
        [(Check::UnreadablePermissions, Severity::High)]
    );
    assert_eq!(alerts[0].subject, "event/unknown");
}

#[test]
fn a_role_that_iam_does_not_show_yet_is_asked_for_again() {
    let mut scene = with_users();
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    let event = happens(&mut scene, "AttachRolePolicy", request, ALICE);
    assert!(scene.handle(&event).unwrap().is_err());
    scene.put(ROLE, ROLE_ID, &good());
    assert_eq!(stages(&scene.play(&event)), [DETECTED]);
    // Gone for good, or taken away: nothing left to say.
    scene.world.inside.remove_role(ROLE);
    let request = json!({ "roleName": ROLE, "policyArn": READ });
    let event = happens(&mut scene, "DetachRolePolicy", request.clone(), ALICE);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Approved);
    let event = happens(&mut scene, "AttachRolePolicy", request, ALICE);
    scene.pass(600);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::Approved);
}

#[test]
fn users_whose_keys_a_vendor_holds_are_judged_and_their_groups() {
    let mut scene = with_users();
    let put = |scene: &Scene, policies| {
        let mut user = held(USER, policies);
        user.groups = vec!["vendors".to_owned()];
        scene.world.inside.put_user_permissions(user);
    };
    put(&scene, vec![]);
    scene.world.inside.put_in_group("vendors", USER);
    scene.world.inside.put_in_group("vendors", "alice");
    let wide = allowing("*");
    let of_group = HeldPolicy {
        group: Some("vendors".to_owned()),
        ..inline("Wide", &wide)
    };
    for (name, request) in [
        (
            "AttachUserPolicy",
            json!({ "userName": USER, "policyArn": ADMIN }),
        ),
        (
            "PutUserPolicy",
            json!({ "userName": USER, "policyName": "Wide", "policyDocument": wide }),
        ),
        (
            "AttachGroupPolicy",
            json!({ "groupName": "vendors", "policyArn": ADMIN }),
        ),
        (
            "PutGroupPolicy",
            json!({ "groupName": "vendors", "policyName": "W", "policyDocument": wide }),
        ),
    ] {
        let alerts = played(&mut scene, name, request);
        assert_eq!(alerts.len(), 1, "{name}");
        assert_eq!(alerts[0].subject, format!("user/{USER}"), "{name}");
        assert_eq!(
            codes(&alerts[0]),
            [(Check::AdminAccess, Severity::Critical)],
            "{name}"
        );
        assert_eq!(
            alerts[0].findings[0].vendor.as_deref(),
            Some("Example Observer")
        );
        assert!(
            alerts[0].title.contains("a user that a vendor holds"),
            "{}",
            alerts[0].title
        );
    }
    put(&scene, vec![of_group]);
    let request = json!({ "userName": USER, "groupName": "vendors" });
    let alerts = played(&mut scene, "AddUserToGroup", request.clone());
    assert_eq!(
        codes(&alerts[0]),
        [(Check::AdminAccess, Severity::Critical)]
    );
    // What he loses with the group is not what he has.
    assert_eq!(played(&mut scene, "RemoveUserFromGroup", request), []);
    let request = json!({ "userName": USER, "policyName": "NoIam" });
    assert_eq!(
        stages(&played(&mut scene, "DeleteUserPolicy", request)),
        [DETECTED]
    );
}

#[test]
fn a_vendors_ceiling_holds_for_its_users() {
    let mut scene = Scene::by(|rules| {
        rules["vendors"][0]["users"] = json!([USER, "observer-b*"]);
        rules["vendors"][0]["permissions"] = json!({ "allow": ["ec2:Describe*"] });
    });
    for user in [USER, "observer-batch"] {
        scene.world.inside.put_user_permissions(held(user, vec![]));
        for (action, findings) in [("ec2:Describe*", 0), ("s3:ListAllMyBuckets", 1)] {
            let document = allowing(action);
            let request =
                json!({ "userName": user, "policyName": "P", "policyDocument": document });
            let alerts = played(&mut scene, "PutUserPolicy", request);
            let found: Vec<_> = alerts.iter().flat_map(codes).collect();
            assert_eq!(found.len(), findings, "{user} {action}: {found:?}");
            assert!(
                found.iter().all(|found| found.0 == Check::OverCeiling),
                "{found:?}"
            );
        }
    }
}

#[test]
fn a_protected_role_is_one_step_worse() {
    let mut scene = Scene::by(|rules| {
        rules["remediation"] =
            json!({ "protected_roles": [format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}")] });
    });
    scene.put(ROLE, ROLE_ID, &good());
    let document = allowing("ec2:*");
    let request = json!({ "roleName": ROLE, "policyName": "P", "policyDocument": document });
    let alerts = played(&mut scene, "PutRolePolicy", request);
    assert!(
        codes(&alerts[0]).contains(&(Check::WriteWildcard, Severity::High)),
        "{alerts:?}"
    );
}

#[test]
fn the_guards_own_denial_of_sessions_is_no_news() {
    let mut scene = vendors_role(vec![inline("Wide", &allowing("*"))]);
    let name = "TrustwardenDenyOlderSessions";
    let request = json!({ "roleName": ROLE, "policyName": name });
    let event = happens(&mut scene, "DeleteRolePolicy", request.clone(), GUARD);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::OwnWrite);
    // Under that name anything may have stood that somebody else takes away.
    let alerts = played(&mut scene, "DeleteRolePolicy", request);
    assert_eq!(stages(&alerts), [DETECTED]);
    let put = |document: &str| json!({ "roleName": ROLE, "policyName": name, "policyDocument": document });
    let denial = session_denial(scene.now());
    let event = happens(&mut scene, "PutRolePolicy", put(&denial), GUARD);
    assert_eq!(scene.handle(&event).unwrap().unwrap(), Handled::OwnWrite);
    // Line 5: the actor alone proves nothing, nor does the name.
    for other in [
        allowing("*"),
        denying("*"),
        denial.replace(r#""*""#, r#""s3:*""#),
    ] {
        let event = happens(&mut scene, "PutRolePolicy", put(&other), GUARD);
        let alerts = scene.play(&event);
        assert!(
            codes(&alerts[0]).contains(&(Check::GuardTampered, Severity::Critical)),
            "{alerts:?}"
        );
    }
}

#[test]
fn without_state_the_alert_goes_out_all_the_same() {
    let mut scene = vendors_role(vec![]);
    scene.world.state_fails(20);
    let request = json!({ "roleName": ROLE, "policyArn": ADMIN });
    assert_eq!(
        stages(&played(&mut scene, "AttachRolePolicy", request)),
        [DETECTED]
    );
}
