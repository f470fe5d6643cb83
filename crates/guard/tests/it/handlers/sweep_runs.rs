//! The sweep's runs: interrupted, stopped, asked for, one at a time.

use jiff::SignedDuration;
use serde_json::json;
use trustwarden_guard::Severity;
use trustwarden_guard::handlers::{GRACE_SECONDS, Swept, sweep};
use trustwarden_guard::ports::{IamErrorKind, World as _};
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::state::incident::Stage;
use trustwarden_guard::state::sweep_state::SweepProgress;

use super::scene::{
    ACCOUNT, ALICE, DETECTED, ROLE, Scene, bad, careless, ended, good, own, stages,
};
use super::sweeping::{HOUR, watched};
use super::troubled::run;

#[test]
fn a_run_goes_on_where_the_time_was_up() {
    let scene = Scene::new();
    scene.world.inside.set_page(2);
    for n in 0..7 {
        scene.put(&format!("Role{n}"), &format!("AROA{n}"), &bad());
    }
    let mut calls = 0;
    loop {
        calls += 1;
        // One page, and then IAM asks to slow down.
        scene
            .world
            .refuse_the_second("list roles", IamErrorKind::Throttled);
        match scene.sweep() {
            Swept::Finished(finished) => {
                assert_eq!(finished.tally.roles, 7, "each counted once");
                break;
            }
            Swept::Unfinished => scene.pass(60),
            other => panic!("{other:?}"),
        }
        assert!(calls < 20, "it makes headway");
    }
    assert_eq!(calls, 4);
    assert_eq!(stages(&scene.alerts()).len(), 1, "still one digest");
    assert_eq!(scene.sweep(), Swept::NotDue);
}

#[test]
fn a_marker_that_iam_forgot_starts_the_list_again() {
    let scene = Scene::new();
    scene.world.inside.set_page(2);
    for n in 0..5 {
        scene.put(&format!("Role{n}"), &format!("AROA{n}"), &own());
    }
    scene
        .world
        .refuse_the_second("list roles", IamErrorKind::InvalidMarker);
    assert_eq!(scene.sweep(), Swept::Unfinished);
    let Swept::Finished(finished) = scene.sweep() else {
        panic!()
    };
    assert_eq!(finished.tally.roles, 5);
}

#[test]
fn only_one_invocation_sweeps() {
    let scene = Scene::new();
    scene.put(ROLE, "AROA1", &own());
    scene.world.stop_after(8);
    let until = scene.now() + SignedDuration::from_secs(240);
    assert!(run(sweep(&scene.world, &scene.guard, until)).is_none());
    scene.world.go_on();
    assert_eq!(scene.sweep(), Swept::Busy);
    scene.pass(241);
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
}

/// Attack B1: somebody writes into the table that a run is under way for ever.
#[test]
fn b1_a_hold_that_somebody_planted_stops_no_sweep() {
    let scene = watched();
    scene.pass(HOUR);
    let state = scene.world.state();
    let progress = run(state.sweep_progress(ACCOUNT)).unwrap().unwrap();
    let planted = SweepProgress {
        held_until: Some(scene.now() + SignedDuration::from_hours(9_000)),
        ..progress.unwrap()
    };
    run(state.save_sweep_progress(&planted)).unwrap().unwrap();
    assert!(matches!(scene.sweep(), Swept::Finished(_)));
}

#[test]
fn line_8_the_sweep_is_stopped_between_any_two_effects_and_loses_nothing() {
    for stop in 0.. {
        let mut scene = watched();
        scene.write_silently(ROLE, &bad());
        scene.put("ObserverSecond", "AROASECOND", &careless());
        scene.pass(HOUR);
        scene.sweep();
        scene.pass(GRACE_SECONDS);
        scene.world.stop_after(stop);
        let until = scene.now() + SignedDuration::from_secs(240);
        let stopped = run(sweep(&scene.world, &scene.guard, until)).is_none();
        scene.world.go_on();
        scene.pass(300);
        while !matches!(scene.sweep(), Swept::Finished(_) | Swept::NotDue) {
            scene.pass(60);
        }
        scene.drain();
        // What a crash left half-told is told by the run after, at the latest.
        scene.an_hour_later();
        assert_eq!(scene.live(), good(), "stopped at {stop}");
        let second = scene.world.inside.role("ObserverSecond").unwrap();
        assert_ne!(second.document, careless(), "stopped at {stop}");
        if !stopped {
            break;
        }
    }
}

#[test]
fn one_role_that_cannot_be_reported_does_not_hide_the_others() {
    let mut scene = watched();
    scene.write_silently(ROLE, &bad());
    scene.put("ObserverSecond", "AROASECOND", &bad());
    scene.pass(HOUR);
    scene.sweep();
    scene.pass(GRACE_SECONDS);
    scene.world.fail("publish alert", 1);
    assert!(scene.sweep_for(240).is_err(), "it is reported");
    assert_eq!(scene.alerts().len(), 1, "the other one is out");
    scene.pass(60);
    scene.swept();
    let incidents: std::collections::BTreeSet<String> = scene
        .alerts()
        .into_iter()
        .filter(|alert| alert.stage == Stage::Detected)
        .map(|alert| alert.incident)
        .collect();
    assert_eq!(incidents.len(), 1);
}

#[test]
fn without_state_nothing_is_reported_and_the_next_call_tries_again() {
    let mut scene = watched();
    scene.write_silently(ROLE, &bad());
    scene.pass(HOUR);
    scene.world.state_fails(1);
    assert!(scene.sweep_for(240).is_err());
    for method in [
        "read request for a sweep",
        "save the sweep's progress",
        "read swept roles",
        "read history",
    ] {
        scene.world.state_fails(0);
        scene.world.fail(method, 1);
        let _ = scene.sweep_for(240);
        scene.pass(300);
    }
    scene.world.state_fails(0);
    assert_eq!(stages(&scene.an_hour_later())[0], DETECTED);
    assert_eq!(scene.live(), good());
}

#[test]
fn a_hidden_role_makes_the_sweep_come_at_once() {
    let mut scene = watched();
    scene.pass(120);
    assert_eq!(scene.sweep(), Swept::NotDue);
    scene.write_silently(ROLE, &bad());
    let mut event = scene.event("UpdateAssumeRolePolicy", ROLE, None, ALICE);
    event["detail"]["requestParameters"] = json!({ "omitted": true });
    let alerts = scene.play(&event);
    assert_eq!(alerts[0].severity, Severity::Critical);
    scene.pass(60);
    scene.swept();
    ended(&scene.alerts(), OutcomeKind::Repaired);
}
