//! Safety line 11: many become a digest, CRITICAL never among milder ones, nothing is lost.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use serde_json::{Value, json};
use trustwarden_guard::alert::{Alert, slack};
use trustwarden_guard::handlers::{Delivery, Handled};
use trustwarden_guard::order::{Ack, Task};
use trustwarden_guard::ports::{Condition, Item, Key, Put, Store, World, moment};
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::rules::Mode;
use trustwarden_guard::state::digest_window::{FoldClass, FoldMember, FoldWindow};
use trustwarden_guard::state::incident::{AlertKey, Incident, Schema, Stage, incident_id};
use trustwarden_guard::state::{Lease, Ledger};
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ACCOUNT, ALICE, ROLE, STRANGER, Scene, bad, careless, document, guard, outcome, rules, stages,
    statement,
};
use super::troubled::run;

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
                        reported: Delivery::Alone,
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
    let incidents: BTreeSet<&str> = digest
        .lines
        .iter()
        .flat_map(|line| line.incidents())
        .collect();
    assert_eq!(incidents.len(), 4_999, "nothing is lost");
    assert_eq!(digest.lines.len(), 5, "and what is alike stands together");
    assert_eq!(digests[0].severity, Severity::Medium);
    let bundle = digests[0].bundle();
    assert!(!bundle.message.contains("too long for the topic"));
    assert!(bundle.message.len() <= trustwarden_guard::alert::MESSAGE_BYTES);
    assert!(
        digests[0].text().contains("5000 alerts"),
        "{}",
        digests[0].text()
    );
}

#[test]
fn all_classes_together_stay_below_what_an_address_takes_in_a_second() {
    let mut scene = Scene::settled();
    scene.pass(300 - scene.now().as_second() % 300);
    let mut incidents = BTreeSet::new();
    // Two classes, each third party a new one: 30 of each might go out alone, at one moment.
    for number in 0..35 {
        for (name, document) in [("Open", bad()), ("Careless", careless())] {
            let role = format!("{name}{number}");
            let account = format!("{:012}", 700_000_000_000_u64 + number);
            let document = document.replace(STRANGER, &account);
            scene.put(
                &role,
                &format!("AROA{}{number}", name.to_uppercase()),
                &document,
            );
            let event = scene.event("CreateRole", &role, Some(&document), ALICE);
            let Handled::Alerted { incident, .. } = scene.handle(&event).unwrap().unwrap() else {
                panic!("it violates the rules");
            };
            incidents.insert(incident);
        }
    }
    let mut named: BTreeSet<String> = BTreeSet::new();
    let alone = scene.alerts();
    named.extend(alone.iter().map(|alert| alert.incident.clone()));
    assert!(alone.len() > 11, "{}", alone.len());
    let mut waits = scene.world.inside.take_waits();
    assert_eq!(waits.len(), alone.len(), "each has its second");
    // The rest goes out in digests, whose messages have theirs as well.
    scene.drain();
    for alert in scene.alerts() {
        let lines = alert.digest.iter().flat_map(|digest| &digest.lines);
        named.extend(lines.flat_map(|line| line.incidents()).map(str::to_owned));
    }
    assert!(named.is_superset(&incidents), "nothing is lost");
    waits.extend(scene.world.inside.take_waits());
    let mut seconds: BTreeMap<i64, usize> = BTreeMap::new();
    for at in waits {
        *seconds.entry(at.as_second()).or_default() += 1;
    }
    // The clocks of two functions may differ: two seconds' messages still fit.
    assert!(seconds.values().all(|&count| count <= 5), "{seconds:?}");
}

#[test]
fn planted_messages_of_a_second_silence_nothing() {
    let mut scene = Scene::settled();
    scene.pass(300 - scene.now().as_second() % 300);
    let now = scene.now().as_second();
    for second in now..now + 900 {
        for slot in 0..10 {
            let state = scene.world.state();
            run(state.take_slot(ACCOUNT, second, slot))
                .unwrap()
                .unwrap();
        }
    }
    let event = scene.write(&bad(), ALICE);
    let Handled::Alerted { incident, reported } = scene.handle(&event).unwrap().unwrap() else {
        panic!("it violates the rules");
    };
    assert_eq!(reported, Delivery::InDigest, "as if there were many");
    scene.drain();
    let digests: Vec<Alert> = scene.alerts();
    let mut lines = digests
        .iter()
        .filter_map(|alert| alert.digest.as_ref())
        .flat_map(|digest| &digest.lines);
    assert!(lines.any(|line| line.incidents().any(|named| named == incident)));
}

#[test]
fn line_11_more_than_ten_of_a_class_become_a_digest_and_each_is_reported() {
    let mut scene = Scene::settled();
    scene.pass(300 - scene.now().as_second() % 300);
    let mut incidents = BTreeSet::new();
    for number in 0..14 {
        let role = format!("Backdoor{number}");
        scene.put(&role, &format!("AROABACKDOOR{number}"), &bad());
        let event = scene.event("CreateRole", &role, Some(&bad()), ALICE);
        let handled = scene.handle(&event).unwrap().unwrap();
        let Handled::Alerted { incident, reported } = handled else {
            panic!("{handled:?}")
        };
        assert_eq!(
            reported,
            if number < 10 {
                Delivery::Alone
            } else {
                Delivery::InDigest
            },
            "{number}"
        );
        incidents.insert(incident);
        // A duplicate is not counted twice.
        scene.handle(&event).unwrap().unwrap();
    }
    scene.drain();
    let alerts = scene.alerts();
    let mut reported: BTreeSet<String> = BTreeSet::new();
    for alert in &alerts {
        match (&alert.stage, &alert.digest) {
            (Stage::Detected, _) => assert!(reported.insert(alert.incident.clone()), "told twice"),
            (Stage::Digest, Some(digest)) if digest.class.ends_with("detected") => {
                for line in &digest.lines {
                    assert!(reported.insert(line.incident.clone()), "told twice");
                }
                assert_eq!((digest.count, digest.folded), (14, 4));
            }
            _ => {}
        }
    }
    assert_eq!(reported, incidents);
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
                reported: Delivery::Alone,
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
    scene.world.fail("send order", 1);
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
    let mut order = scene.take_order();
    let mut sent = scene.now();
    let start = sent;
    loop {
        let disposition = scene.once(&order).unwrap();
        let age = scene.now().as_second() - sent.as_second();
        assert!(age <= 210, "{age}");
        match disposition {
            Ack::LookAgain { after } => {
                scene.pass(i64::try_from(after.as_secs()).unwrap());
            }
            Ack::Done => match scene.next_order() {
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

/// A role of that name is created by somebody, for an account.
fn created(scene: &mut Scene, role: &str, account: &str, actor: &str) -> Handled {
    let document = document(&[statement(&format!(r#""arn:aws:iam::{account}:root""#), "")]);
    scene.put(role, &format!("AROA{}", role.to_uppercase()), &document);
    let event = scene.event("CreateRole", role, Some(&document), actor);
    scene.handle(&event).unwrap().unwrap()
}

fn delivery_of(handled: &Handled) -> Delivery {
    match handled {
        Handled::Alerted { reported, .. } => *reported,
        other => panic!("{other:?}"),
    }
}

fn digests_of(alerts: &[Alert], class: &str) -> Vec<Alert> {
    let digests = alerts.iter().filter(|alert| {
        let digest = alert.digest.as_ref();
        digest.is_some_and(|digest| digest.class == class)
    });
    digests.cloned().collect()
}

const DETECTED: &str = "unknown-third-party/CRITICAL/detected";
const OUTCOME: &str = "unknown-third-party/CRITICAL/outcome";

/// Attack B8 in mode alert, where nothing closes it: one back door for a third party of its own,
/// in the midst of 5,000 roles for another one.
#[test]
fn b8_one_back_door_among_five_thousand_decoys_is_named_at_once_and_in_the_first_message() {
    let mut watching = guard(rules(|_| {}));
    watching.mode = Mode::Alert;
    let mut scene = Scene::with(watching);
    scene.pass(300 - scene.now().as_second() % 300);
    for number in 0..5_000 {
        if number == 2_500 {
            let reported = created(&mut scene, "PayrollProduction", "555566667777", "mallory");
            assert_eq!(
                delivery_of(&reported),
                Delivery::Alone,
                "another third party is no decoy"
            );
        }
        created(&mut scene, &format!("Decoy{number}"), STRANGER, ALICE);
    }
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 11, "ten decoys, and the back door");
    assert_eq!(alerts[10].subject, "role/PayrollProduction");
    // The detected ones only: what came of each is not what this is about.
    while let Some(order) = scene.next_order() {
        if matches!(order.task, Task::Digest(_)) {
            assert!(scene.carry(&order));
        }
    }
    let pages = digests_of(&scene.alerts(), DETECTED);
    assert_eq!(pages.len(), 20);
    let first = &pages[0];
    assert!(
        first.text().contains("role/PayrollProduction"),
        "{}",
        first.text()
    );
    assert!(
        first
            .mail_subject()
            .starts_with("STILL EXPOSED 111122223333 ")
            && first
                .mail_subject()
                .contains(": CRITICAL digest 1 of 20 TW-"),
        "{}",
        first.mail_subject()
    );
    let in_slack = slack::message(first).to_string();
    assert!(in_slack.contains("role/PayrollProduction"), "{in_slack}");
    let mut named = BTreeSet::new();
    for (page, number) in pages.iter().zip(1..) {
        let digest = page.digest.as_ref().unwrap();
        assert_eq!(
            (digest.page, digest.pages, digest.count),
            (number, 20, 5_001)
        );
        assert_eq!(digest.left, 0, "each is named");
        let message = page.bundle().message;
        assert!(
            !message.contains("too long for the topic"),
            "{}",
            message.len()
        );
        assert!(page.text().len() < 100_000, "a mail program shows it whole");
        let in_slack = slack::message(page).to_string();
        let text = page.text();
        for line in &digest.lines {
            assert!(text.contains(&line.subject) && in_slack.contains(&line.subject));
            assert!(named.insert(line.subject.clone()), "named twice");
        }
    }
    assert_eq!(named.len(), 4_990, "nothing is lost");
}

/// Attack B8, and what the on-call reader met: ten decoys that the guard closes, then a protected
/// role that only a person can close.
#[test]
fn b8_what_needs_a_person_waits_behind_no_decoys() {
    let mut scene = Scene::by(|file| {
        file["remediation"] = json!({
            "protected_roles": [format!("arn:aws:iam::{ACCOUNT}:role/BreakGlass")]
        });
    });
    scene.pass(300 - scene.now().as_second() % 300);
    for number in 0..12 {
        created(&mut scene, &format!("Decoy{number}"), STRANGER, ALICE);
    }
    created(&mut scene, "BreakGlass", STRANGER, ALICE);
    let mut orders = Vec::new();
    while let Some(order) = scene.next_order() {
        match order.task {
            Task::Digest(_) => orders.push(order),
            _ => assert!(scene.carry(&order)),
        }
    }
    let alerts = scene.alerts();
    let open = alerts.iter().find(|alert| alert.needs_person());
    let open = open.expect("it goes out before any digest");
    assert_eq!(open.subject, "role/BreakGlass");
    assert!(open.mail_subject().contains("STILL EXPOSED"));
    for order in &orders {
        assert!(scene.carry(order));
    }
    scene.drain();
    let digests = digests_of(&scene.alerts(), OUTCOME);
    assert_eq!(digests.len(), 1);
    let digest = digests[0].digest.as_ref().unwrap();
    assert_eq!((digest.count, digest.folded, digest.open), (12, 2, 0));
    assert!(
        !digests[0].mail_subject().contains("EXPOSED"),
        "these are closed"
    );
}

/// A storm of what needs a person: the topic is spared, and people hear of it again each minute.
#[test]
fn b8_a_storm_of_what_needs_a_person_is_repeated_and_never_silent() {
    let mut watching = guard(rules(|_| {}));
    watching.mode = Mode::Alert;
    let mut scene = Scene::with(watching);
    scene.pass(300 - scene.now().as_second() % 300);
    let mut messages = Vec::new();
    for minute in 0..3 {
        for number in 0..100 {
            created(
                &mut scene,
                &format!("Decoy{minute}x{number}"),
                STRANGER,
                ALICE,
            );
        }
        let mut orders = Vec::new();
        while let Some(order) = scene.next_order() {
            match order.task {
                Task::Digest(_) => orders.push(order),
                _ => assert!(scene.carry(&order)),
            }
        }
        let alone = scene.alerts();
        let alone = alone.iter().filter(|alert| alert.needs_person());
        assert_eq!(alone.count(), 30, "in minute {minute}");
        for order in &orders {
            let Task::Digest(window) = &order.task else {
                continue;
            };
            if window.class.needs_person {
                assert!(scene.carry(order));
            }
        }
        messages.extend(digests_of(&scene.alerts(), OUTCOME));
    }
    assert_eq!(
        messages.len(),
        3,
        "one for each minute, at most two minutes later"
    );
    for message in &messages {
        let digest = message.digest.as_ref().unwrap();
        assert_eq!((digest.count, digest.folded, digest.open), (100, 70, 100));
        assert_eq!(digest.groups.len(), 1);
        assert!(
            message.title.contains("100 STILL EXPOSED"),
            "{}",
            message.title
        );
        assert!(
            message
                .mail_subject()
                .starts_with("STILL EXPOSED 111122223333 100 unk")
        );
    }
}

/// Attack B1: somebody writes into the table that an alert is out, or for ever about to go out.
#[test]
fn b1_a_lease_that_somebody_planted_silences_no_alert() {
    let year = 365 * 24 * 3_600;
    let published = |scene: &Scene, subject: &str, seconds: i64| {
        let key = AlertKey {
            account: ACCOUNT.to_owned(),
            incident: "TW-0".to_owned(),
            stage: Stage::Detected,
        };
        let incident = Incident {
            schema: Schema,
            key,
            subject: subject.to_owned(),
            severity: Severity::Critical,
            title: "it is out".to_owned(),
            published_at: scene.now() + SignedDuration::from_secs(seconds),
            open: false,
            alert: serde_json::Value::Null,
            document: None,
        };
        let item = Item::default().with("schema", 1).with("done", true);
        item.holding("it", &incident).unwrap()
    };
    type Planted = Box<dyn Fn(&Scene) -> Item>;
    let items: [Planted; 5] = [
        Box::new(|_| Item::default().with("schema", 1).with("done", true)),
        Box::new(move |scene| {
            let until = moment(scene.now() + SignedDuration::from_secs(year));
            let item = Item::default().with("schema", 1).with("done", false);
            item.with("lease_until", until)
        }),
        Box::new(move |scene| published(scene, "role/Another", 0)),
        Box::new(move |scene| published(scene, "role/ObserverProd", -5)),
        Box::new(move |scene| published(scene, "role/ObserverProd", year)),
    ];
    for plant in items {
        let mut scene = Scene::settled();
        let event = scene.write(&bad(), ALICE);
        let incident = incident_id(ACCOUNT, event["detail"]["eventID"].as_str().unwrap());
        for stage in ["detected", "outcome"] {
            let put = Put {
                key: Key {
                    pk: format!("{ACCOUNT}/incident/{incident}"),
                    sk: format!("alert/{stage}"),
                },
                item: plant(&scene),
                condition: Condition::Always,
            };
            run(scene.world.inside.store().put_if(put))
                .unwrap()
                .unwrap();
        }
        let alerts = scene.play(&event);
        let detected = (Stage::Detected, None);
        assert_eq!(stages(&alerts), [detected, outcome(OutcomeKind::Reverted)]);
    }
}

/// Attack B1: somebody writes into the table that the window is full and its digest ordered, as an
/// item of the count and as the alerts that were out.
#[test]
fn b1_a_count_that_somebody_planted_silences_no_alert() {
    for turns in [0, 100] {
        let mut scene = Scene::settled();
        scene.pass(300 - scene.now().as_second() % 300);
        for stage in [Stage::Detected, Stage::Outcome] {
            let class = FoldClass {
                check: Check::UnknownThirdParty,
                severity: Severity::Critical,
                stage,
                needs_person: false,
            };
            let window = FoldWindow::at(ACCOUNT, class, scene.now());
            let plant = |sk: String, item: Item| {
                let key = Key {
                    pk: window.partition(),
                    sk,
                };
                let put = Put {
                    key,
                    item,
                    condition: Condition::Always,
                };
                assert!(
                    run(scene.world.inside.store().put_if(put))
                        .unwrap()
                        .unwrap()
                );
            };
            let item = Item::default().with("schema", 1).with("drawn", 1000);
            plant("count".to_owned(), item.with("digest_ordered", true));
            for turn in 0..turns {
                let alert = FoldMember {
                    schema: Schema,
                    incident: format!("TW-{turn}"),
                    at: scene.now(),
                    subject: "role/Nothing".to_owned(),
                    line: "nothing".to_owned(),
                    third_party: Some(STRANGER.to_owned()),
                    actor: Some(format!("IAM user {ALICE}")),
                    open: false,
                };
                let item = Item::default().with("schema", 1);
                plant(
                    format!("alone/{turn:02}"),
                    item.holding("it", &alert).unwrap(),
                );
            }
            plant("member/TW-X".to_owned(), Item::default().with("schema", 7));
        }
        let reported = created(&mut scene, "BackDoor", STRANGER, ALICE);
        let expected = if turns == 0 {
            Delivery::Alone
        } else {
            Delivery::InDigest
        };
        assert_eq!(delivery_of(&reported), expected);
        scene.drain();
        assert_eq!(scene.poisoned, []);
        let alerts = scene.alerts();
        for class in [DETECTED, OUTCOME] {
            let named = |alert: &Alert| alert.text().contains("BackDoor");
            assert!(alerts.iter().any(named), "{class}: {alerts:?}");
            let digests = digests_of(&alerts, class);
            assert_eq!(
                digests.len(),
                usize::from(turns > 0),
                "only where one is due"
            );
            for digest in digests {
                assert!(named(&digest));
                assert!(
                    digest.text().contains("cannot be read"),
                    "{}",
                    digest.text()
                );
            }
        }
    }
}

/// Attack B1: both kinds of items together silenced everything, and left the role open.
#[test]
fn b1_planted_counts_and_a_planted_budget_together_silence_nothing() {
    let mut scene = Scene::settled();
    let plant = |scene: &Scene, pk: String, sk: &str, item: Item| {
        let put = Put {
            key: Key {
                pk,
                sk: sk.to_owned(),
            },
            item,
            condition: Condition::Always,
        };
        run(scene.world.inside.store().put_if(put))
            .unwrap()
            .unwrap();
    };
    // The hour's writes of a role of its own, spent for real, and borrowed for the one to come.
    for _ in 0..4 {
        let event = scene.write(&bad(), ALICE);
        scene.play(&event);
    }
    let ledger = Ledger::new(scene.world.inside.store());
    let spent = run(ledger.role_history(ACCOUNT, ROLE)).unwrap().unwrap();
    let mut spent = spent.unwrap();
    assert_eq!(spent.writes.len(), 3);
    spent.role_id = "AROABACKDOOR".to_owned();
    spent.name = "BackDoor".to_owned();
    spent.arn = format!("arn:aws:iam::{ACCOUNT}:role/BackDoor");
    spent.version = 0;
    run(ledger.save_role_history(&spent)).unwrap().unwrap();
    for stage in [Stage::Detected, Stage::Outcome] {
        for needs_person in [false, true] {
            let class = FoldClass {
                check: Check::UnknownThirdParty,
                severity: Severity::Critical,
                stage,
                needs_person,
            };
            for window in 0..3 {
                let at = scene.now() + SignedDuration::from_secs(300 * window);
                let full = Item::default().with("schema", 1).with("drawn", 1000);
                let partition = FoldWindow::at(ACCOUNT, class, at).partition();
                plant(
                    &scene,
                    partition,
                    "count",
                    full.with("digest_ordered", true),
                );
            }
        }
    }
    scene.alerts();
    created(&mut scene, "BackDoor", STRANGER, ALICE);
    scene.drain();
    let alerts = scene.alerts();
    let about = |stage: Stage| {
        let mut alerts = alerts.iter();
        alerts.find(|alert| alert.stage == stage && alert.subject == "role/BackDoor")
    };
    assert!(about(Stage::Detected).is_some(), "{alerts:?}");
    let outcome = about(Stage::Outcome).unwrap().outcome.as_ref().unwrap();
    assert_eq!(outcome.kind, OutcomeKind::BudgetSpent, "{outcome:?}");
}

/// Somebody stopped at the second message of a digest: the first is not published again, and nothing
/// is left out.
#[test]
fn line_11_a_digest_goes_on_where_it_stopped() {
    let mut scene = Scene::settled();
    scene.pass(300 - scene.now().as_second() % 300);
    for number in 0..600 {
        created(&mut scene, &format!("Decoy{number}"), STRANGER, ALICE);
    }
    scene.alerts();
    let mut digest = None;
    while let Some(order) = scene.next_order() {
        if matches!(order.task, Task::Digest(_)) {
            digest = Some(order);
        }
    }
    let digest = digest.unwrap();
    scene.pass(400);
    let Task::Digest(window) = &digest.task else {
        panic!("{digest:?}")
    };
    // Whoever had begun with the second message has stopped running.
    let second = AlertKey {
        account: ACCOUNT.to_owned(),
        incident: format!("{}-page-2", incident_id(ACCOUNT, &window.id())),
        stage: Stage::Digest,
    };
    let until = scene.now() + SignedDuration::from_secs(40);
    let lease = run(scene
        .world
        .state()
        .acquire_alert(&second, scene.now(), until));
    assert_eq!(lease.unwrap().unwrap(), Lease::Acquired);
    let disposition = scene.once(&digest).unwrap();
    let first = scene.alerts();
    assert_eq!(disposition, Ack::in_seconds(60));
    assert_eq!(first.len(), 1);
    scene.pass(60);
    assert!(scene.carry(&digest));
    let rest = scene.alerts();
    let pages: Vec<u64> = first
        .iter()
        .chain(&rest)
        .map(|page| page.digest.as_ref().unwrap().page)
        .collect();
    assert_eq!(pages, [1, 2, 3]);
    assert!(scene.carry(&digest), "and once more");
    assert_eq!(scene.alerts(), []);
}
