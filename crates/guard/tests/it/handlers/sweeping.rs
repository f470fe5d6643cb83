//! The sweep: what no event told, the first day, and what is never told twice.

use jiff::SignedDuration;
use serde_json::json;
use trustwarden_guard::alert::Alert;
use trustwarden_guard::handlers::{GRACE_SECONDS, HandleError, Swept, sweep};
use trustwarden_guard::model::{LiveRole, document_digest};
use trustwarden_guard::order::{Order, RoleChange, Task};
use trustwarden_guard::ports::{IamErrorKind, World as _};
use trustwarden_guard::remediate::{OutcomeKind, QUARANTINE};
use trustwarden_guard::rules::Mode;
use trustwarden_guard::state::incident::Stage;
use trustwarden_guard::state::sweep_state::SweepTally;
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ACCOUNT, ALICE, DETECTED, ROLE, Scene, bad, better, careless, document, ended,
    external_account, good, guard, outcome, own, rules, stages,
};
use super::troubled::run;

pub(crate) const HOUR: i64 = 3_600;

impl Scene {
    /// One invocation, with this many seconds to work.
    pub(crate) fn sweep_for(&self, seconds: i64) -> Result<Swept, HandleError> {
        let until = self.now() + SignedDuration::from_secs(seconds);
        run(sweep(&self.world, &self.guard, until)).expect("nothing stops it")
    }

    pub(crate) fn sweep(&self) -> Swept {
        self.sweep_for(240).unwrap()
    }

    /// A whole run, and what the remediator makes of its orders.
    pub(crate) fn swept(&mut self) -> SweepTally {
        let Swept::Finished(finished) = self.sweep() else {
            panic!("a run was due");
        };
        self.drain();
        finished.tally
    }

    /// The hour is over, and all that was in flux has settled.
    pub(crate) fn an_hour_later(&mut self) -> Vec<Alert> {
        self.pass(HOUR);
        self.swept();
        self.pass(GRACE_SECONDS);
        if let Swept::Finished(_) = self.sweep() {
            self.drain();
        }
        self.alerts()
    }

    /// A document changes, and nobody tells.
    pub(crate) fn write_silently(&self, name: &str, document: &str) {
        let live = self.world.inside.role(name).unwrap();
        self.world.inside.put_role(LiveRole {
            document: document.to_owned(),
            ..live
        });
    }

    pub(crate) fn orders(&self) -> Vec<Order> {
        std::iter::from_fn(|| self.world.inside.take_order()).collect()
    }
}

/// A guard that has looked before, and one role that complies and known.
pub(crate) fn watched() -> Scene {
    watched_with(|_| {})
}

pub(crate) fn watched_with(change: impl FnOnce(&mut serde_json::Value)) -> Scene {
    let mut scene = Scene::settled_by(change);
    scene.swept();
    assert_eq!(scene.alerts(), [], "a lawful account is no news");
    scene
}

#[test]
fn line_8_a_lost_event_is_found_reported_and_remediated() {
    let mut scene = watched();
    scene.write_silently(ROLE, &bad());
    let alerts = scene.an_hour_later();
    ended(&alerts, OutcomeKind::Repaired);
    let detected = &alerts[0];
    assert!(
        detected.title.contains("no event reported it"),
        "{detected:?}"
    );
    assert_eq!(detected.severity, Severity::Critical);
    assert_eq!(detected.cause, None, "nobody knows who");
    assert_eq!(detected.open_seconds, None, "nor for how long");
    assert_eq!(alerts[1].open_seconds, None);
    assert_eq!(alerts[1].incident, detected.incident);
    assert!(!detected.changes.is_empty(), "what changed is shown");
    assert_eq!(document_digest(&scene.live()), document_digest(&good()));
    assert_eq!(scene.an_hour_later(), []);
    assert_eq!(scene.an_hour_later(), []);
}

#[test]
fn what_was_reported_is_never_reported_again_however_often_it_is_seen() {
    let mut guarded = guard(rules(|_| {}));
    guarded.mode = Mode::Alert;
    let mut scene = Scene::settled_with(guarded);
    scene.swept();
    scene.write_silently(ROLE, &bad());
    ended(&scene.an_hour_later(), OutcomeKind::WouldRepair);
    for _ in 0..30 {
        assert_eq!(scene.an_hour_later(), []);
    }
    assert_eq!(scene.live(), bad(), "line 1: nothing is written");
    // Another document is another matter.
    scene.write_silently(ROLE, &careless());
    assert_eq!(scene.an_hour_later().len(), 2);
}

#[test]
fn what_an_event_reported_the_sweep_does_not_tell() {
    let mut guarded = guard(rules(|_| {}));
    guarded.mode = Mode::Alert;
    let mut scene = Scene::settled_with(guarded);
    scene.swept();
    let event = scene.write(&bad(), ALICE);
    assert_eq!(scene.play(&event).len(), 2);
    for _ in 0..5 {
        assert_eq!(scene.an_hour_later(), []);
    }
}

/// Where CloudTrail left the document out, an event that comes twice meets whatever is live by then:
/// its alert told of what stood the first time.
#[test]
fn what_an_event_without_a_document_met_when_it_came_again_is_reported() {
    let mut guarded = guard(rules(|_| {}));
    guarded.mode = Mode::Alert;
    let mut scene = Scene::settled_with(guarded);
    scene.swept();
    scene.write_silently(ROLE, &careless());
    let event = scene.event("UpdateAssumeRolePolicy", ROLE, None, ALICE);
    assert_eq!(scene.play(&event).len(), 2);
    scene.pass(60);
    // Its own event is lost.
    scene.write_silently(ROLE, &bad());
    scene.pass(60);
    assert_eq!(scene.play(&event), [], "the alert is out");
    let alerts = scene.an_hour_later();
    assert_eq!(
        stages(&alerts),
        [DETECTED, outcome(OutcomeKind::WouldRepair)]
    );
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(scene.an_hour_later(), []);
}

#[test]
fn a_late_event_is_waited_for() {
    let mut scene = watched();
    let event = scene.write(&bad(), ALICE);
    scene.pass(HOUR);
    scene.swept();
    assert_eq!(scene.alerts(), [], "its event tells who did it");
    let alerts = scene.play(&event);
    ended(&alerts, OutcomeKind::Reverted);
    scene.pass(GRACE_SECONDS);
    scene.swept();
    assert_eq!(scene.alerts(), []);
}

#[test]
fn the_same_document_once_more_is_news() {
    let mut scene = watched();
    let event = scene.write(&bad(), ALICE);
    assert_eq!(scene.play(&event).len(), 2);
    assert_eq!(scene.live(), good());
    scene.pass(600);
    // Again, within the hour, and this time the event is lost.
    scene.write_silently(ROLE, &bad());
    let alerts = scene.an_hour_later();
    ended(&alerts, OutcomeKind::Repaired);
    // And again after people put it right themselves.
    scene.guard.mode = Mode::Alert;
    scene.pass(7_200);
    scene.swept();
    scene.alerts();
    let event = scene.write(&bad(), ALICE);
    assert_eq!(scene.play(&event).len(), 2);
    scene.pass(600);
    let event = scene.write(&better(), ALICE);
    assert_eq!(scene.play(&event), []);
    scene.pass(600);
    scene.write_silently(ROLE, &bad());
    assert_eq!(stages(&scene.an_hour_later())[0], DETECTED);
}

#[test]
fn the_list_may_show_what_the_guard_has_just_remediated() {
    let mut scene = watched();
    let event = scene.write(&bad(), ALICE);
    assert_eq!(scene.play(&event).len(), 2);
    // Seconds after the guard's write IAM still lists what was there.
    scene.write_silently(ROLE, &bad());
    scene.pass(20);
    scene
        .world
        .inside
        .set_now(scene.history().writes[0].at + SignedDuration::from_secs(20));
    let state = &scene.world.inside;
    run(state.state().request_sweep(ACCOUNT, scene.now()))
        .unwrap()
        .unwrap();
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    assert_eq!(scene.orders(), []);
    assert_eq!(scene.alerts(), []);
    // It is looked at again soon, not after an hour.
    scene.write_silently(ROLE, &good());
    scene.pass(150);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
    assert_eq!(scene.alerts(), []);
}

#[test]
fn the_first_day_is_one_digest_and_nothing_is_written() {
    let mut scene = Scene::new();
    for n in 0..40 {
        let live = if n % 2 == 0 { bad() } else { careless() };
        scene.put(
            &format!("ObserverOld{n:02}"),
            &format!("AROAOLD{n:02}"),
            &live,
        );
    }
    scene.put("Lawful", "AROALAWFUL", &own());
    scene.put("Broken", "AROABROKEN", "{");
    let tally = scene.swept();
    assert_eq!(
        (tally.roles, tally.violating, tally.unreadable),
        (42, 40, 1)
    );
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 1, "one message for all of them");
    let alert = &alerts[0];
    assert_eq!(alert.stage, Stage::Digest);
    assert_eq!(alert.severity, Severity::Critical);
    let digest = alert.digest.as_ref().unwrap();
    assert_eq!((digest.count, digest.lines.len()), (41, 41));
    assert!(
        digest.lines[0].line.contains("ObserverOld00"),
        "worst first"
    );
    let codes: Vec<Check> = alert.findings.iter().map(|found| found.code).collect();
    assert!(codes.contains(&Check::UnknownThirdParty));
    assert!(codes.contains(&Check::UnreadablePolicy), "never skipped");
    assert_eq!(scene.written(), [] as [String; 0]);
    // Every existing compliant role has its baseline from the first day on.
    let history = scene.world.inside.history(ACCOUNT, "AROALAWFUL").unwrap();
    assert_eq!(history.approved[0].document, own());
    for _ in 0..30 {
        assert_eq!(scene.an_hour_later(), []);
    }
    assert_eq!(scene.written(), [] as [String; 0]);
}

#[test]
fn the_first_digest_waits_until_somebody_has_subscribed() {
    let mut scene = Scene::new();
    scene.put("ObserverOld", "AROAOLD", &bad());
    scene.world.inside.set_heard(false);
    assert_eq!(scene.swept().violating, 1);
    assert_eq!(scene.alerts(), [], "SNS would keep it for nobody");
    for _ in 0..3 {
        assert_eq!(scene.an_hour_later(), [], "nor an hour later");
    }
    // The first one confirms: the next call, a minute later, is a run.
    scene.world.inside.set_heard(true);
    scene.pass(60);
    scene.swept();
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [(Stage::Digest, None)]);
    let digest = alerts[0].digest.as_ref().unwrap();
    assert_eq!(digest.count, 1, "it says how many it holds");
    assert_eq!(digest.lines[0].subject, "role/ObserverOld");
    // Once.
    scene.world.inside.set_heard(false);
    scene.an_hour_later();
    scene.world.inside.set_heard(true);
    assert_eq!(scene.sweep(), Swept::NotDue);
    assert_eq!(scene.an_hour_later(), []);
}

#[test]
fn what_was_there_is_remediated_only_by_the_second_switch() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROAOBSERVERPROD0001", &bad());
    scene.swept();
    let digest = scene.alerts().remove(0).digest.unwrap();
    assert_eq!(scene.written(), [] as [String; 0]);
    scene.guard = guard(rules(|file| {
        file["remediation"] = json!({ "existing_violations": "remediate" });
    }));
    // Other rules: a run is due at once.
    scene.pass(60);
    scene.swept();
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Repaired)]);
    assert_eq!(alerts[0].incident, digest.lines[0].incident, "one story");
    assert_eq!(scene.live(), document(&[super::scene::vendor()]));
}

#[test]
fn a_role_that_was_there_and_is_changed_is_a_changed_role() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROAOBSERVERPROD0001", &careless());
    scene.swept();
    scene.alerts();
    scene.write_silently(ROLE, &bad());
    let alerts = scene.an_hour_later();
    ended(&alerts, OutcomeKind::Repaired);
}

#[test]
fn access_that_expires_is_found_without_an_event() {
    let mut scene = Scene::settled_by(|file| file["vendors"][0]["expires"] = json!("2026-11-21"));
    scene.swept();
    let codes: Vec<_> = scene
        .alerts()
        .iter()
        .map(|alert| alert.findings[0].code)
        .collect();
    assert_eq!(codes, [Check::ExpiresSoon], "it was announced");
    scene.pass(20 * HOUR);
    scene.swept();
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts)[0], DETECTED);
    assert_eq!(alerts[0].findings[0].code, Check::ExpiredAccess);
    assert!(!alerts[0].title.contains("no event"), "{}", alerts[0].title);
    assert_eq!(scene.live(), QUARANTINE, "nothing lawful was left of it");
    assert_eq!(scene.an_hour_later(), []);
}

#[test]
fn a_vendor_that_leaves_the_rules_is_found_by_the_sweep_after_the_deploy() {
    let mut scene = watched();
    let event = scene.write(&better(), ALICE);
    assert_eq!(scene.play(&event), []);
    scene.pass(120);
    assert_eq!(scene.sweep(), Swept::NotDue);
    scene.guard = guard(rules(|file| {
        file["vendors"].as_array_mut().unwrap().remove(1);
    }));
    scene.swept();
    let alerts = scene.alerts();
    ended(&alerts, OutcomeKind::Repaired);
    assert_eq!(document_digest(&scene.live()), document_digest(&good()));
}

/// What the guard wrote itself is no change that an event should have told of.
#[test]
fn what_the_guard_wrote_and_new_rules_forbid_is_reported_as_what_it_is() {
    let repairing = |file: &mut serde_json::Value| {
        file["remediation"] = json!({ "changed_role": "repair" });
    };
    let mut scene = watched_with(repairing);
    let opened = better().replace("]}", &format!(", {}]}}", external_account()));
    let alerts = scene.plays(&opened);
    ended(&alerts, OutcomeKind::Repaired);
    scene.pass(120);
    scene.guard = guard(rules(|file| {
        repairing(file);
        file["vendors"].as_array_mut().unwrap().remove(1);
    }));
    scene.swept();
    let alerts = scene.alerts();
    ended(&alerts, OutcomeKind::Repaired);
    let title = &alerts[0].title;
    assert!(title.starts_with("by the access rules of now"), "{title}");
}

#[test]
fn a_role_that_no_event_reported_of_is_a_new_one() {
    let scene = watched();
    scene.pass(60);
    scene.put("Backdoor", "AROABACKDOOR", &document(&[external_account()]));
    scene.pass(HOUR);
    scene.sweep();
    scene.pass(GRACE_SECONDS);
    scene.sweep();
    let alerts = scene.alerts();
    assert_eq!(stages(&alerts), [DETECTED]);
    assert!(
        alerts[0].title.contains("was created"),
        "{}",
        alerts[0].title
    );
    let orders = scene.orders();
    let [
        Order {
            task: Task::Remediate(order),
            ..
        },
    ] = orders.as_slice()
    else {
        panic!("one order to put it right: {orders:?}");
    };
    assert_eq!(order.change, RoleChange::Created);
    assert_eq!(order.document, None);
}

#[test]
fn an_exposure_that_stays_open_is_tried_again_ever_more_rarely() {
    let mut scene = watched();
    scene.write_silently(ROLE, &bad());
    let mut hours = Vec::new();
    for hour in 0..72 {
        scene
            .world
            .refuse("write trust policy", [IamErrorKind::AccessDenied]);
        if !scene.an_hour_later().is_empty() {
            hours.push(hour);
        }
        scene.world.accept("write trust policy");
    }
    assert!((5..10).contains(&hours.len()), "{hours:?}");
    assert_eq!(scene.live(), bad());
    for _ in 0..30 {
        scene.an_hour_later();
    }
    assert_eq!(scene.live(), good(), "as soon as IAM lets it");
}

#[test]
fn what_people_are_left_with_is_not_tried_again() {
    let protected = format!("arn:aws:iam::{ACCOUNT}:role/{ROLE}");
    for change in [
        json!({ "protected_roles": [protected] }),
        json!({ "changed_role": "off" }),
    ] {
        let mut scene = watched_with(|file| file["remediation"] = change.clone());
        scene.write_silently(ROLE, &bad());
        assert_eq!(scene.an_hour_later().len(), 2, "{change}");
        for _ in 0..30 {
            assert_eq!(scene.an_hour_later(), [], "{change}");
        }
        assert_eq!(scene.live(), bad());
    }
}

#[test]
fn enforcement_reaches_what_was_reported_in_mode_alert() {
    let mut scene = watched();
    scene.guard.mode = Mode::Alert;
    scene.plays(&bad());
    scene.pass(2 * HOUR);
    scene.swept();
    assert_eq!(scene.alerts(), []);
    scene.guard.mode = Mode::Enforce;
    scene.pass(60);
    scene.swept();
    let alerts = scene.alerts();
    ended(&alerts, OutcomeKind::Repaired);
    assert!(
        alerts[0].title.contains("still violates"),
        "{}",
        alerts[0].title
    );
}

#[test]
fn roles_that_are_gone_have_their_histories_closed() {
    let mut scene = watched();
    let role_id = scene.history().role_id;
    scene.world.inside.remove_role(ROLE);
    scene.pass(HOUR);
    assert_eq!(scene.swept().gone, 1);
    let history = scene.world.inside.history(ACCOUNT, &role_id).unwrap();
    assert!(history.closed.is_some());
    scene.pass(HOUR);
    assert_eq!(scene.swept().gone, 0, "once");
    assert_eq!(scene.alerts(), []);
    // Created again under its name, it is another role.
    scene.put(ROLE, "AROAOBSERVERPROD0002", &good());
    scene.pass(HOUR);
    scene.swept();
    assert_eq!(scene.history().role_id, "AROAOBSERVERPROD0002");
}

#[test]
fn compliant_changes_that_no_event_reported_of_become_baselines() {
    let mut scene = watched();
    scene.write_silently(ROLE, &better());
    assert_eq!(scene.an_hour_later(), []);
    assert_eq!(scene.history().newest().unwrap().document, better());
    let before = scene.world.called("send order");
    scene.an_hour_later();
    assert_eq!(
        scene.world.called("send order"),
        before,
        "one order for one change"
    );
}

/// What the guard could not end is repeated, and the message says whose change it is and when.
#[test]
fn b9_what_stays_exposed_is_repeated_with_the_actor_and_the_time() {
    let mut scene = watched();
    let refused = vec![IamErrorKind::AccessDenied; 50];
    scene.world.refuse("write trust policy", refused);
    let event = scene.write(&bad(), ALICE);
    let at = scene.now();
    let first = scene.play(&event);
    assert_eq!(stages(&first), [DETECTED, outcome(OutcomeKind::Refused)]);
    let mut repeated = 0;
    for _ in 0..8 {
        for alert in scene.an_hour_later() {
            if alert.stage == Stage::Detected {
                repeated += 1;
                assert!(alert.title.contains("still violates"), "{}", alert.title);
                let note = &alert.notes[0];
                let by = note.contains("IAM user alice") && note.contains(&first[0].incident);
                let when = note.contains(&at.to_string());
                assert!(by && when, "{note}");
            }
        }
    }
    assert!(repeated >= 3, "{repeated} times in eight hours");
}

#[test]
fn the_first_message_names_the_third_party_of_each_role() {
    let mut scene = Scene::new();
    scene.put(ROLE, "AROAOBSERVERPROD0001", &bad());
    scene.swept();
    let alerts = scene.alerts();
    let line = &alerts[0].digest.as_ref().unwrap().lines[0];
    assert_eq!(line.third_party.as_deref(), Some("999988887777"));
}
