//! Safety line 11: many become a digest, CRITICAL never among milder ones, nothing is lost.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use trustwarden_guard::Severity;
use trustwarden_guard::handlers::{Handled, Told};
use trustwarden_guard::order::Disposition;
use trustwarden_guard::state::incident::Stage;

use super::scene::{ACCOUNT, ALICE, ROLE, Scene, bad, careless};

fn root() -> Value {
    json!({ "type": "Root", "arn": format!("arn:aws:iam::{ACCOUNT}:root"), "accountId": ACCOUNT })
}

fn failed_root_sign_in(scene: &mut Scene) -> Value {
    let mut event = scene.raw_event("signin.amazonaws.com", "ConsoleLogin", Value::Null, root());
    event["detail"]["errorMessage"] = json!("Failed authentication");
    event["detail"]["responseElements"] = json!({ "ConsoleLogin": "Failure" });
    event
}

#[test]
fn line_11_five_thousand_failed_sign_ins_and_one_back_door() {
    let mut scene = Scene::settled();
    // Align with the beginning of a window, so that one window holds them all.
    scene.pass(900 - scene.now().as_second() % 900);
    for number in 0..5_000 {
        if number == 2_500 {
            let event = scene.write(&bad(), ALICE);
            let before = scene.alerts().len();
            assert_eq!(before, 1, "the first failed sign-in is told at once");
            let handled = scene.handle(&event).unwrap().unwrap();
            assert!(
                matches!(
                    handled,
                    Handled::Alerted {
                        told: Told::Alone,
                        ..
                    }
                ),
                "{handled:?}"
            );
            let alerts = scene.alerts();
            assert_eq!(alerts.len(), 1, "the back door arrives at once, alone");
            assert_eq!(alerts[0].severity, Severity::Critical);
            assert_eq!(alerts[0].subject, format!("role/{ROLE}"));
        }
        let event = failed_root_sign_in(&mut scene);
        scene.handle(&event).unwrap().unwrap();
    }
    assert_eq!(scene.alerts(), [], "no other is told by itself");
    scene.drain();
    let alerts = scene.alerts();
    let digests: Vec<_> = alerts
        .iter()
        .filter(|alert| alert.stage == Stage::Digest)
        .collect();
    assert_eq!(
        digests.len(),
        1,
        "one digest, and it needs no further event"
    );
    let digest = digests[0].digest.as_ref().unwrap();
    assert_eq!((digest.count, digest.folded), (5_000, 4_999));
    assert_eq!(digest.lines.len(), 4_999, "nothing is lost");
    assert_eq!(digests[0].severity, Severity::Medium);
    let bundle = digests[0].bundle();
    assert!(bundle.message.len() <= trustwarden_guard::alert::MESSAGE_BYTES);
    assert!(
        digests[0].text().contains("5000 alerts"),
        "{}",
        digests[0].text()
    );
}

#[test]
fn line_11_more_than_ten_of_a_class_become_a_digest_and_each_is_told() {
    let mut scene = Scene::settled();
    scene.pass(300 - scene.now().as_second() % 300);
    let mut incidents = BTreeSet::new();
    for number in 0..14 {
        let role = format!("Backdoor{number}");
        scene.put(&role, &format!("AROABACKDOOR{number}"), &bad());
        let event = scene.event("CreateRole", &role, Some(&bad()), ALICE);
        let handled = scene.handle(&event).unwrap().unwrap();
        let Handled::Alerted { incident, told } = handled else {
            panic!("{handled:?}")
        };
        assert_eq!(
            told,
            if number < 10 {
                Told::Alone
            } else {
                Told::InDigest
            },
            "{number}"
        );
        incidents.insert(incident);
        // A duplicate is not counted twice.
        scene.handle(&event).unwrap().unwrap();
    }
    scene.drain();
    let alerts = scene.alerts();
    let mut told: BTreeSet<String> = BTreeSet::new();
    for alert in &alerts {
        match (&alert.stage, &alert.digest) {
            (Stage::Detected, _) => assert!(told.insert(alert.incident.clone()), "told twice"),
            (Stage::Digest, Some(digest)) if digest.class.ends_with("detected") => {
                for line in &digest.lines {
                    assert!(told.insert(line.incident.clone()), "told twice");
                }
                assert_eq!((digest.count, digest.folded), (14, 4));
            }
            _ => {}
        }
    }
    assert_eq!(told, incidents);
    for number in 0..14 {
        let live = scene
            .world
            .inside
            .role(&format!("Backdoor{number}"))
            .unwrap()
            .document;
        assert!(
            !live.contains("999988887777"),
            "folding an alert does not fold the repair"
        );
    }
}

#[test]
fn line_11_classes_are_counted_apart() {
    let mut scene = Scene::settled();
    for number in 0..12 {
        let role = format!("Observer{number}");
        let event = scene.event("CreateRole", &role, Some(&careless()), ALICE);
        scene.handle(&event).unwrap().unwrap();
    }
    scene.alerts();
    // HIGH is folded by now; the first CRITICAL is not.
    let event = scene.event("CreateRole", "Observer99", Some(&bad()), ALICE);
    let handled = scene.handle(&event).unwrap().unwrap();
    assert!(
        matches!(
            handled,
            Handled::Alerted {
                told: Told::Alone,
                ..
            }
        ),
        "{handled:?}"
    );
}

#[test]
fn line_11_a_digest_order_that_was_lost_is_sent_again_by_the_next_one() {
    let mut scene = Scene::settled();
    scene.pass(900 - scene.now().as_second() % 900);
    let first = failed_root_sign_in(&mut scene);
    scene.handle(&first).unwrap().unwrap();
    let second = failed_root_sign_in(&mut scene);
    scene.world.fail("send_order", 1);
    assert!(scene.handle(&second).unwrap().is_err(), "it comes again");
    // The lease of the failed one is still held; another sign-in does it.
    let third = failed_root_sign_in(&mut scene);
    scene.handle(&third).unwrap().unwrap();
    scene.pass(60);
    scene.handle(&second).unwrap().unwrap();
    scene.drain();
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 2);
    assert_eq!(alerts[1].digest.as_ref().unwrap().folded, 2);
}

#[test]
fn line_11_the_digest_waits_for_the_end_of_its_window() {
    let mut scene = Scene::settled();
    scene.pass(900 - scene.now().as_second() % 900);
    for _ in 0..2 {
        let event = failed_root_sign_in(&mut scene);
        scene.handle(&event).unwrap().unwrap();
    }
    scene.alerts();
    // No message is older than the five minutes after which an order counts as late.
    let mut order = scene.world.inside.take_order().unwrap();
    let mut sent = scene.now();
    let start = sent;
    loop {
        let disposition = scene.once(&order).unwrap();
        let age = scene.now().as_second() - sent.as_second();
        assert!(age <= 210, "{age}");
        match disposition {
            Disposition::LookAgain { after } => {
                scene.pass(i64::try_from(after.as_secs()).unwrap());
            }
            Disposition::Done => match scene.world.inside.take_order() {
                Some(fresh) => (order, sent) = (fresh, scene.now()),
                None => break,
            },
        }
        let waited = scene.now().as_second() - start.as_second();
        assert!(waited <= 960, "{waited}");
        if waited < 960 {
            assert_eq!(scene.alerts(), [], "after {waited} s");
        }
    }
    assert_eq!(scene.alerts().len(), 1);
    assert!(scene.carry(&order), "and a second time it is out already");
    assert_eq!(scene.alerts(), []);
}
