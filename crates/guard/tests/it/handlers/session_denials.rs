//! The denial of a role's older sessions: taken away when it has done its work.

use jiff::Timestamp;
use serde_json::json;
use trustwarden_guard::Severity;
use trustwarden_guard::order::{Order, Task};
use trustwarden_guard::ports::IamErrorKind;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::rules::Mode;

use super::scene::{ACCOUNT, ROLE, bad, outcome, stages};
use super::sweeping::{HOUR, watched, watched_with};

#[test]
fn session_denials_that_have_done_their_work_are_taken_away() {
    let mut scene = watched_with(|file| {
        file["remediation"] = json!({ "revoke_sessions": "always" });
    });
    scene.plays(&bad());
    assert!(scene.world.inside.sessions_denied_before(ROLE).is_some());
    for _ in 0..11 {
        scene.an_hour_later();
    }
    assert!(scene.world.inside.sessions_denied_before(ROLE).is_some());
    for _ in 0..2 {
        assert_eq!(scene.an_hour_later(), []);
    }
    assert_eq!(scene.world.inside.sessions_denied_before(ROLE), None);
    assert_eq!(scene.history().sessions_denied_at, None);
}

#[test]
fn a_denial_that_may_not_be_taken_away_is_reported_once() {
    let mut scene = watched_with(|file| {
        file["remediation"] = json!({ "revoke_sessions": "always" });
    });
    scene.plays(&bad());
    let denied = vec![IamErrorKind::AccessDenied; 40];
    scene.world.refuse("lift session denial", denied);
    let mut alerts = Vec::new();
    for _ in 0..30 {
        alerts.extend(scene.an_hour_later());
    }
    assert_eq!(stages(&alerts), [outcome(OutcomeKind::Refused)]);
    assert_eq!(alerts[0].severity, Severity::Low);
}

#[test]
fn a_denial_is_not_lifted_in_mode_alert_nor_before_its_time() {
    let mut scene = watched();
    let denied_before = scene.now();
    let order = |issued_at: Timestamp| Order {
        schema: trustwarden_guard::state::incident::Schema,
        account: ACCOUNT.to_owned(),
        task: Task::LiftSessionDenial(trustwarden_guard::order::LiftOrder {
            role: ROLE.to_owned(),
            denied_before,
        }),
        rules: scene.guard.rules.hash().to_owned(),
        issued_at,
    };
    let early = order(scene.now());
    assert!(scene.carry(&early));
    assert_eq!(scene.world.called("lift session denial"), 0);
    scene.guard.mode = Mode::Alert;
    scene.pass(13 * HOUR);
    let late = Order {
        issued_at: scene.now(),
        ..early
    };
    assert!(scene.carry(&late));
    assert_eq!(scene.world.called("lift session denial"), 0);
}
