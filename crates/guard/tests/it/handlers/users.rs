//! Users that the rules allow an access key by their names: what they are when they get one.

use serde_json::{Value, json};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::model::HeldPolicy;
use trustwarden_guard::rules::Rules;
use trustwarden_guard::{Check, Severity};

use super::permissions::held;
use super::scene::{ALICE, Scene, guard, identity, rules};

const BACK_DOOR: &str = "ci-backdoor";
const FIRST: &str = "AKIAEXAMPLE00000001";
const SECOND: &str = "AKIAEXAMPLE00000002";
const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const DAY: i64 = 24 * 60 * 60;

fn event(scene: &mut Scene, name: &str, request: Value) -> Value {
    scene.raw_event("iam.amazonaws.com", name, request, identity(ALICE))
}

fn created(scene: &mut Scene, user: &str) -> Value {
    event(scene, "CreateUser", json!({ "userName": user }))
}

fn attached(scene: &mut Scene, user: &str) -> Value {
    let request = json!({ "userName": user, "policyArn": ADMIN });
    event(scene, "AttachUserPolicy", request)
}

fn key(scene: &mut Scene, user: &str, id: &str) -> Value {
    scene.world.inside.put_key(user, id);
    let mut event = event(scene, "CreateAccessKey", json!({ "userName": user }));
    event["detail"]["responseElements"] = json!({
        "accessKey": { "userName": user, "accessKeyId": id, "status": "Active" }
    });
    event
}

#[track_caller]
fn tells(alerts: &[Alert], user: &str, says: &str) {
    let [alert] = alerts else {
        panic!("one alert: {alerts:#?}")
    };
    assert_eq!(alert.subject, format!("user/{user}"));
    let [found] = alert.findings.as_slice() else {
        panic!("one finding: {alert:#?}")
    };
    assert_eq!(found.code, Check::FirstAccessKey);
    assert_eq!(found.severity, Severity::Medium);
    assert!(found.message.contains(says), "{}", found.message);
    assert!(alert.outcome.is_none(), "the rules allow the key: it stays");
}

#[test]
fn a7_a_new_user_of_an_allowed_name_gets_no_key_in_silence() {
    let mut scene = Scene::new();
    let events = [
        created(&mut scene, BACK_DOOR),
        attached(&mut scene, BACK_DOOR),
        key(&mut scene, BACK_DOOR, FIRST),
    ];
    assert_eq!(scene.play(&events[0]), []);
    assert_eq!(scene.play(&events[1]), []);
    tells(&scene.play(&events[2]), BACK_DOOR, "got an access key");
    assert_eq!(scene.play(&events[2]), [], "a duplicate is no news");
    assert_eq!(scene.world.inside.key_active(BACK_DOOR, FIRST), Some(true));
}

#[test]
fn a7_in_whichever_order_the_events_come_somebody_hears_once() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let mut scene = Scene::new();
        let events = [
            created(&mut scene, BACK_DOOR),
            attached(&mut scene, BACK_DOOR),
            key(&mut scene, BACK_DOOR, FIRST),
        ];
        let alerts: Vec<Alert> = order
            .iter()
            .flat_map(|event| scene.play(&events[*event]))
            .collect();
        tells(&alerts, BACK_DOOR, "got an access key");
    }
}

#[test]
fn a7_a_user_who_waits_is_new_until_the_first_key() {
    let mut scene = Scene::new();
    let event = created(&mut scene, BACK_DOOR);
    assert_eq!(scene.play(&event), []);
    scene.pass(400 * DAY);
    let event = key(&mut scene, BACK_DOOR, FIRST);
    tells(&scene.play(&event), BACK_DOOR, "who was created at");
    // A rotation long after is no news.
    scene.pass(90 * DAY);
    let event = key(&mut scene, BACK_DOOR, SECOND);
    assert_eq!(scene.play(&event), []);
}

#[test]
fn a7_an_old_user_whose_permissions_grew_gets_no_key_in_silence() {
    let mut scene = Scene::new();
    let first = key(&mut scene, "ci-old", FIRST);
    assert_eq!(scene.play(&first), [], "nothing of the user has changed");
    scene.pass(100 * DAY);
    for (name, request) in [
        ("AttachUserPolicy", json!({ "policyArn": ADMIN })),
        (
            "PutUserPolicy",
            json!({ "policyName": "all", "policyDocument": "{}" }),
        ),
        ("AddUserToGroup", json!({ "groupName": "Administrators" })),
        ("DeleteUserPermissionsBoundary", json!({})),
    ] {
        let mut request = request;
        request["userName"] = json!("ci-old");
        let grown = event(&mut scene, name, request);
        assert_eq!(scene.play(&grown), [], "{name}: no key yet");
        scene.pass(30 * DAY);
        let next = key(&mut scene, "ci-old", SECOND);
        tells(
            &scene.play(&next),
            "ci-old",
            "whose permissions were changed",
        );
        scene.pass(90 * DAY);
    }
}

#[test]
fn a7_permissions_that_come_by_a_group_or_a_policy_count_as_well() {
    let policy = "arn:aws:iam::111122223333:policy/ci";
    for (name, request) in [
        (
            "AttachGroupPolicy",
            json!({ "groupName": "builders", "policyArn": ADMIN }),
        ),
        (
            "SetDefaultPolicyVersion",
            json!({ "policyArn": policy, "versionId": "v2" }),
        ),
    ] {
        let mut scene = Scene::new();
        let inside = &scene.world.inside;
        for user in ["ci-old", "bob"] {
            inside.put_in_group("builders", user);
        }
        inside.put_user_permissions(held("ci-old", vec![HeldPolicy::managed(policy)]));
        let grown = event(&mut scene, name, request);
        assert_eq!(scene.play(&grown), []);
        let next = key(&mut scene, "ci-old", FIRST);
        tells(
            &scene.play(&next),
            "ci-old",
            "whose permissions were changed",
        );
    }
}

/// A forger who can invoke the function uses up no report: within a week every key is told of.
#[test]
fn a7_a_forged_key_does_not_hide_the_real_one() {
    let mut scene = Scene::new();
    let event = created(&mut scene, BACK_DOOR);
    assert_eq!(scene.play(&event), []);
    let forged = key(&mut scene, BACK_DOOR, "AKIAEXAMPLEFORGED0001");
    tells(&scene.play(&forged), BACK_DOOR, "got an access key");
    scene.pass(DAY);
    let real = key(&mut scene, BACK_DOOR, FIRST);
    tells(&scene.play(&real), BACK_DOOR, "got an access key");
}

#[test]
fn a7_undecided_is_open() {
    let mut scene = Scene::new();
    let event = key(&mut scene, "ci-old", FIRST);
    scene.world.fail("read user key", 100);
    let alerts = scene.play(&event);
    tells(&alerts, "ci-old", "it is not known whether the user is new");
}

#[test]
fn a7_who_may_have_no_key_is_reported_as_before_and_an_exemption_holds() {
    let exempting: Rules = rules(|rules| {
        rules["exemptions"] = json!([{
            "user": BACK_DOOR, "check": "first-access-key", "reason": "checked",
            "expires": "2027-11-01"
        }]);
    });
    let mut scene = Scene::with(guard(exempting));
    let event = created(&mut scene, BACK_DOOR);
    assert_eq!(scene.play(&event), []);
    let event = key(&mut scene, BACK_DOOR, FIRST);
    assert_eq!(scene.play(&event), []);
    let event = created(&mut scene, "mallory");
    assert_eq!(scene.play(&event), []);
    let event = key(&mut scene, "mallory", FIRST);
    let alerts = scene.play(&event);
    assert_eq!(alerts[0].findings[0].code, Check::AccessKeyCreated);
}

#[test]
fn a7_a_crash_anywhere_loses_no_report() {
    for gate in 0..30 {
        let mut scene = Scene::new();
        let event = created(&mut scene, BACK_DOOR);
        scene.play(&event);
        let event = key(&mut scene, BACK_DOOR, FIRST);
        scene.world.stop_after(gate);
        scene.deliver(&event);
        scene.drain();
        let alerts = scene.alerts();
        assert!(!alerts.is_empty(), "gate {gate}");
        for alert in alerts {
            assert_eq!(alert.findings[0].code, Check::FirstAccessKey);
        }
    }
}
