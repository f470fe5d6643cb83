//! Chains: third parties that reach a role through what they hold in the account.

use serde_json::json;
use trustwarden_guard::account::{ChainLink, Parties};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::handlers::{GRACE_SECONDS, Swept};
use trustwarden_guard::ports::World as _;
use trustwarden_guard::state::incident::Schema;
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ACCOUNT, ALICE, DETECTED, EXTERNAL_ID, ROLE, Scene, bad, document, good, guard, rules, stages,
    statement,
};
use super::sweeping::{HOUR, watched, watched_with};

const ADMIN: &str = "Admin";
const VIA: &str = "Example Observer can assume it through role/ObserverProd";

fn trusting(resource: &str) -> String {
    document(&[statement(
        &format!(r#""arn:aws:iam::{ACCOUNT}:{resource}""#),
        "",
    )])
}

fn id(role: &str) -> String {
    format!("AROA{:0<17}", role.to_uppercase())
}

/// Somebody creates a role, and CloudTrail says so.
fn creates(scene: &mut Scene, role: &str, document: &str) -> Vec<Alert> {
    scene.put(role, &id(role), document);
    let mut event = scene.event("CreateRole", role, Some(document), ALICE);
    event["detail"]["responseElements"] = json!({ "role": { "roleId": id(role) } });
    scene.play(&event)
}

#[track_caller]
fn tells(alerts: &[Alert], says: &[&str]) {
    let [alert] = alerts else {
        panic!("one alert: {alerts:#?}")
    };
    assert_eq!(stages(alerts), [DETECTED], "people act on it");
    let said: Vec<&str> = alert
        .findings
        .iter()
        .map(|found| {
            assert_eq!(found.code, Check::ReachableThroughRole);
            assert_eq!(found.severity, Severity::High);
            found.message.as_str()
        })
        .collect();
    assert_eq!(said, says);
}

fn hours(scene: &mut Scene, count: usize) {
    for _ in 0..count {
        assert_eq!(scene.an_hour_later(), []);
    }
}

#[test]
fn a6_a_role_that_names_a_vendors_role_is_reported_with_the_way() {
    let mut scene = watched();
    let alerts = creates(&mut scene, ADMIN, &trusting("role/ObserverProd"));
    tells(&alerts, &[VIA]);
    let admin = scene.world.inside.role(ADMIN).unwrap();
    assert_eq!(admin.document, trusting("role/ObserverProd"), "it stays");
    hours(&mut scene, 2);
}

#[test]
fn a6_everyone_who_is_the_vendors_role_is_that_role() {
    let mut scene = watched();
    for condition in [
        format!(
            r#""ArnEquals": {{"aws:PrincipalArn": "arn:aws:iam::{ACCOUNT}:role/ObserverProd"}}"#
        ),
        format!(r#""ArnLike": {{"aws:PrincipalArn": "arn:aws:iam::{ACCOUNT}:role/Observer*"}}"#),
    ] {
        let condition = format!(r#", "Condition": {{{condition}}}"#);
        let alerts = creates(
            &mut scene,
            ADMIN,
            &document(&[statement(r#""*""#, &condition)]),
        );
        let found = &alerts[0].findings;
        assert!(found.iter().any(|found| found.message == VIA), "{found:#?}");
    }
}

#[test]
fn a6_the_way_may_be_long_and_is_followed_both_ways() {
    let mut scene = watched();
    // From the end: nobody outside reaches these yet.
    assert_eq!(creates(&mut scene, ADMIN, &trusting("role/Third")), []);
    assert_eq!(creates(&mut scene, "Third", &trusting("role/Second")), []);
    assert_eq!(creates(&mut scene, "Second", &trusting("role/First")), []);
    let alerts = creates(&mut scene, "First", &trusting("role/ObserverProd"));
    let on = |then: &str| format!("{VIA}{then}");
    tells(
        &alerts,
        &[
            &format!(
                "role Admin: {}",
                on(", then role/First, then role/Second, then role/Third")
            ),
            VIA,
            &format!("role Second: {}", on(", then role/First")),
            &format!("role Third: {}", on(", then role/First, then role/Second")),
        ],
    );
    hours(&mut scene, 2);
}

#[test]
fn a6_a_role_that_is_opened_to_a_vendor_carries_it_on() {
    let mut scene = watched();
    assert_eq!(
        creates(&mut scene, "ObserverNew", &trusting("role/Build")),
        []
    );
    assert_eq!(
        creates(&mut scene, ADMIN, &trusting("role/ObserverNew")),
        []
    );
    scene.write_silently("ObserverNew", &good());
    let event = scene.event(
        "UpdateAssumeRolePolicy",
        "ObserverNew",
        Some(&good()),
        ALICE,
    );
    tells(
        &scene.play(&event),
        &["role Admin: Example Observer can assume it through role/ObserverNew"],
    );
    hours(&mut scene, 2);
}

#[test]
fn a6_a_user_whose_keys_a_vendor_holds_carries_it_on() {
    let held = |rules: &mut serde_json::Value| rules["vendors"][0]["users"] = json!(["sync"]);
    let mut scene = watched_with(held);
    let alerts = creates(&mut scene, ADMIN, &trusting("user/Sync"));
    tells(
        &alerts,
        &["Example Observer can assume it through user/Sync"],
    );
    assert_eq!(creates(&mut scene, "Other", &trusting("user/somebody")), []);
    // By a pattern of names.
    let condition = format!(
        r#", "Condition": {{"ArnLike": {{"aws:PrincipalArn": "arn:aws:iam::{ACCOUNT}:user/sy*"}}}}"#
    );
    let fitting = document(&[statement(r#""*""#, &condition)]);
    let alerts = creates(&mut scene, "Fitting", &fitting);
    let says = "Example Observer can assume it through user/sync";
    let found = &alerts[0].findings;
    assert!(
        found.iter().any(|found| found.message == says),
        "{found:#?}"
    );
    hours(&mut scene, 2);
}

#[test]
fn a6_the_sweep_finds_what_no_event_told_once() {
    let mut scene = watched();
    scene.put(ADMIN, &id(ADMIN), &trusting("role/ObserverProd"));
    tells(&scene.an_hour_later(), &[VIA]);
    hours(&mut scene, 2);
    // It is mended, and comes back.
    scene.write_silently(ADMIN, &trusting("role/Build"));
    hours(&mut scene, 1);
    scene.write_silently(ADMIN, &trusting("role/ObserverProd"));
    tells(&scene.an_hour_later(), &[VIA]);
    // Another role of this name is another one.
    scene.world.inside.remove_role(ADMIN);
    hours(&mut scene, 1);
    scene.put(
        ADMIN,
        "AROAANOTHERADMIN00001",
        &trusting("role/ObserverProd"),
    );
    tells(&scene.an_hour_later(), &[VIA]);
    hours(&mut scene, 2);
}

#[test]
fn a6_the_sweep_gives_the_event_time_to_come() {
    let mut scene = watched();
    scene.pass(HOUR - 30);
    scene.put(ADMIN, &id(ADMIN), &trusting("role/ObserverProd"));
    scene.pass(60);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    assert_eq!(scene.alerts(), []);
    let event = scene.event(
        "CreateRole",
        ADMIN,
        Some(&trusting("role/ObserverProd")),
        ALICE,
    );
    tells(&scene.play(&event), &[VIA]);
    scene.pass(GRACE_SECONDS);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    scene.drain();
    assert_eq!(scene.alerts(), []);
}

#[test]
fn a6_what_was_there_before_stands_in_the_first_message() {
    let mut scene = Scene::new();
    scene.put(ROLE, &id(ROLE), &good());
    scene.put(ADMIN, &id(ADMIN), &trusting("role/ObserverProd"));
    scene.swept();
    let alerts = scene.alerts();
    let [alert] = alerts.as_slice() else {
        panic!("{alerts:#?}")
    };
    let digest = alert.digest.as_ref().unwrap();
    assert_eq!(digest.count, 1);
    assert_eq!(digest.lines[0].line, format!("role Admin: {VIA}"));
    assert_eq!(alert.findings[0].code, Check::ReachableThroughRole);
    hours(&mut scene, 2);
}

#[test]
fn a6_an_exempted_role_is_no_news() {
    let mut scene = watched_with(|rules| {
        rules["exemptions"] = json!([{
            "role": ADMIN, "check": "reachable-through-role", "reason": "releases",
            "expires": "2027-11-01"
        }]);
    });
    assert_eq!(
        creates(&mut scene, ADMIN, &trusting("role/ObserverProd")),
        []
    );
    hours(&mut scene, 2);
}

/// Work on an event is bounded, and the sweep has no such bound.
#[test]
fn a6_a_chain_that_is_longer_than_an_event_reads_is_found_by_the_sweep_at_once() {
    let mut scene = watched();
    scene.put("R00", &id("R00"), &trusting("role/ObserverProd"));
    for n in 1..60 {
        let role = format!("R{n:02}");
        scene.put(&role, &id(&role), &trusting(&format!("role/R{:02}", n - 1)));
    }
    scene.pass(60);
    scene.world.forget_calls();
    let alerts = creates(&mut scene, ADMIN, &trusting("role/R59"));
    assert_eq!(alerts, [], "too far away to be seen");
    let reads = scene.world.called("read role");
    assert!(reads <= 30, "{reads} roles were read");
    let asked = super::troubled::run(scene.world.state().sweep_requested(ACCOUNT)).unwrap();
    assert!(asked.unwrap().is_some(), "a sweep was asked for");
    // It begins with the next minute.
    scene.pass(60);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    scene.drain();
    let alerts = scene.alerts();
    let says = |alert: &Alert| alert.subject == "role/Admin";
    assert!(alerts.iter().any(says) || alerts.len() > 10, "{alerts:#?}");
}

/// Nor is all read that somebody may have written into the table.
#[test]
fn a6_more_links_than_an_event_takes_are_the_sweeps() {
    let mut scene = watched();
    for n in 0..1_100 {
        let link = ChainLink {
            schema: Schema,
            account: ACCOUNT.to_owned(),
            role: format!("A{n:04}"),
            role_id: None,
            principals: "role/B".to_owned(),
            parties: Parties::default(),
        };
        let saved = super::troubled::run(scene.world.state().save_chain_link(&link));
        saved.unwrap().unwrap();
    }
    scene.pass(60);
    let alerts = creates(&mut scene, "Zed", &trusting("role/ObserverProd"));
    tells(&alerts, &[VIA]);
    let noted = |note: &String| note.contains("the sweep looks at all");
    assert!(alerts[0].notes.iter().any(noted));
    scene.pass(60);
    assert!(matches!(scene.sweep(), Swept::Finished(_)), "at once");
}

/// The alert is out, its order could not be sent, and by the second try another role leads on: the
/// alert did not say so.
#[test]
fn a6_what_an_alert_could_not_say_yet_is_said_by_the_sweep() {
    let mut scene = watched_with(|rules| rules["mode"] = json!("alert"));
    let event = scene.write(&bad(), ALICE);
    scene.world.fail("send order", 1);
    assert!(scene.handle(&event).unwrap().is_err());
    scene.put(ADMIN, &id(ADMIN), &trusting("role/ObserverProd"));
    let link = ChainLink {
        schema: Schema,
        account: ACCOUNT.to_owned(),
        role: ADMIN.to_owned(),
        role_id: Some(id(ADMIN)),
        principals: "role/ObserverProd".to_owned(),
        parties: Parties::default(),
    };
    let saved = super::troubled::run(scene.world.state().save_chain_link(&link));
    saved.unwrap().unwrap();
    scene.pass(60);
    scene.play(&event);
    let alerts = scene.an_hour_later();
    let of_admin = |alert: &&Alert| alert.subject == format!("role/{ADMIN}");
    let told = alerts.iter().find(of_admin).unwrap();
    assert_eq!(told.findings[0].code, Check::ReachableThroughRole);
}

#[test]
fn a6_without_state_what_stands_behind_is_read_all_the_same() {
    let mut scene = watched();
    scene.world.state_fails(1_000);
    scene.put(ADMIN, &id(ADMIN), &trusting("role/ObserverProd"));
    let event = scene.event(
        "CreateRole",
        ADMIN,
        Some(&trusting("role/ObserverProd")),
        ALICE,
    );
    scene.handle(&event);
    let alerts = scene.alerts();
    assert_eq!(alerts[0].findings[0].message, VIA);
}

#[test]
fn a6_a_role_that_has_to_do_with_no_chain_costs_nothing() {
    let mut scene = Scene::with(guard(rules(|_| {})));
    let service = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    for document in [service, &super::scene::own()] {
        let event = scene.event("CreateRole", "Plain", Some(document), ALICE);
        scene.handle(&event).unwrap().unwrap();
    }
    assert_eq!(scene.world.calls(), ["send order", "send order"]);
}

#[test]
fn a6_a_crash_anywhere_loses_no_report() {
    for gate in 0..40 {
        let mut scene = watched();
        scene.put(ADMIN, &id(ADMIN), &trusting("role/ObserverProd"));
        let event = scene.event(
            "CreateRole",
            ADMIN,
            Some(&trusting("role/ObserverProd")),
            ALICE,
        );
        scene.world.stop_after(gate);
        scene.deliver(&event);
        scene.drain();
        scene.world.go_on();
        let told = scene.alerts();
        let swept = scene.an_hour_later();
        let all: Vec<&Alert> = told.iter().chain(&swept).collect();
        assert!(!all.is_empty(), "gate {gate}");
        assert!(all.iter().all(|alert| alert.findings[0].message == VIA));
    }
}

/// That one third party reaches a role already is no reason to say nothing of the next one.
#[test]
fn a6_each_third_party_that_reaches_a_role_is_reported() {
    const AUDITOR: &str = "Example Auditor can assume it through role/ObserverAudit";
    let auditor = |scene: &mut Scene, by_event: bool| {
        let external_id = EXTERNAL_ID.replace('7', "8");
        let condition =
            format!(r#", "Condition": {{"StringEquals": {{"sts:ExternalId": "{external_id}"}}}}"#);
        let open = document(&[statement(r#""arn:aws:iam::777766665555:root""#, &condition)]);
        scene.write_silently("ObserverAudit", &open);
        if by_event {
            let event = scene.event(
                "UpdateAssumeRolePolicy",
                "ObserverAudit",
                Some(&open),
                ALICE,
            );
            scene.play(&event)
        } else {
            scene.an_hour_later()
        }
    };
    let both = document(
        &["ObserverProd", "ObserverAudit"]
            .map(|role| statement(&format!(r#""arn:aws:iam::{ACCOUNT}:role/{role}""#), "")),
    );
    for by_event in [true, false] {
        let mut scene = watched();
        assert_eq!(
            creates(&mut scene, "ObserverAudit", &trusting("role/Build")),
            []
        );
        tells(&creates(&mut scene, ADMIN, &both), &[VIA]);
        hours(&mut scene, 1);
        let alerts = auditor(&mut scene, by_event);
        if by_event {
            tells(&alerts, &[&format!("role Admin: {AUDITOR}")]);
        } else {
            tells(&alerts, &[AUDITOR, VIA]);
        }
        hours(&mut scene, 2);
    }
}
