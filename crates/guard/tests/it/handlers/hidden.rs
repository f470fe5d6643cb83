//! Grants that hide from a judgement of this very moment: behind the clock, or behind an id.

use trustwarden_guard::model::LiveRole;
use trustwarden_guard::remediate::OutcomeKind;
use trustwarden_guard::{Check, Severity};

use super::scene::{
    ALICE, DETECTED, ROLE, STRANGER, Scene, document, good, outcome, stages, statement, vendor,
};

/// A statement for the external account, under a condition.
fn external_account_if(condition: &str) -> String {
    let principal = format!(r#""arn:aws:iam::{STRANGER}:root""#);
    statement(&principal, &format!(r#", "Condition": {{{condition}}}"#))
}

/// The change is told as CRITICAL at once, put back, and no baseline.
fn is_found_and_undone(document: &str) {
    let mut scene = Scene::settled();
    let event = scene.write(document, ALICE);
    scene.pass(4);
    let alerts = scene.play(&event);
    assert_eq!(
        stages(&alerts),
        [DETECTED, outcome(OutcomeKind::Reverted)],
        "{document}"
    );
    assert_eq!(alerts[0].severity, Severity::Critical, "{document}");
    assert_eq!(scene.live(), good(), "{document}");
    let history = scene.history();
    assert!(
        history.approved.iter().all(|kept| kept.document == good()),
        "{document}"
    );
}

#[test]
fn a1_a_window_that_opens_between_two_sweeps_is_found_when_it_is_written() {
    is_found_and_undone(&document(&[
        vendor(),
        external_account_if(
            r#""DateGreaterThan": {"aws:CurrentTime": "2026-11-21T10:20:00Z"},
               "DateLessThan": {"aws:CurrentTime": "2026-11-21T10:55:00Z"}"#,
        ),
    ]));
}

#[test]
fn a1_a_window_that_ended_before_its_event_came_is_reported_all_the_same() {
    let mut scene = Scene::settled();
    let ends = scene.now() + jiff::SignedDuration::from_secs(8);
    let brief = document(&[
        vendor(),
        external_account_if(&format!(
            r#""DateLessThan": {{"aws:CurrentTime": "{ends}"}}"#
        )),
    ]);
    let event = scene.write(&brief, ALICE);
    scene.pass(9);
    scene.deliver(&event);
    let alerts = scene.alerts();
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0].severity, Severity::Critical);
    assert_eq!(alerts[0].findings[0].code, Check::UnknownThirdParty);
}

#[test]
fn a1_a_deny_that_ends_an_epoch_a_token_and_a_text_hide_no_window() {
    let everyone = statement(r#""*""#, "");
    let until = everyone.replace("Allow", "Deny").replace(
        r#""Action""#,
        r#""Condition": {"DateLessThan": {"aws:CurrentTime": "2026-11-21T10:20:00Z"}}, "Action""#,
    );
    is_found_and_undone(&document(&[everyone, until]));
    is_found_and_undone(&document(&[
        vendor(),
        external_account_if(r#""NumericGreaterThan": {"aws:EpochTime": "1795257000"}"#),
    ]));
    is_found_and_undone(&document(&[
        vendor(),
        external_account_if(r#""DateGreaterThan": {"aws:CurrentTime": "2027-06-01T00:00:00Z"}"#),
    ]));
    is_found_and_undone(&document(&[
        vendor(),
        external_account_if(r#""StringLike": {"aws:CurrentTime": "*T??:1*"}"#),
    ]));
    let token = r#"{"Effect": "Allow",
        "Principal": {"Federated":
            "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"DateGreaterThan": {"aws:CurrentTime": "2026-11-21T10:20:00Z"}}}"#;
    is_found_and_undone(&document(&[vendor(), token.to_owned()]));
}

#[test]
fn a1_a_window_without_an_end_is_found_before_it_opens() {
    is_found_and_undone(&document(&[
        vendor(),
        external_account_if(r#""DateGreaterThan": {"aws:CurrentTime": "2026-11-21T10:20:00Z"}"#),
    ]));
}

/// IAM takes the id of a living role and shows its ARN from then on.
#[test]
fn a2_an_external_account_named_by_a_unique_id_is_found_and_undone() {
    for id in ["AROAEXAMPLE2222222222", "AIDAEXAMPLE3333333333"] {
        let mut scene = Scene::settled();
        let by_id = document(&[vendor(), statement(&format!("\"{id}\""), "")]);
        let event = scene.write(&by_id, ALICE);
        let arn = format!(r#""arn:aws:iam::{STRANGER}:role/any""#);
        let shown = document(&[vendor(), statement(&arn, "")]);
        let live = scene.role().unwrap();
        scene.world.inside.put_role(LiveRole {
            document: shown,
            ..live
        });
        scene.pass(4);
        let alerts = scene.play(&event);
        assert_eq!(
            stages(&alerts),
            [DETECTED, outcome(OutcomeKind::Reverted)],
            "{id}"
        );
        assert_eq!(alerts[0].severity, Severity::Critical, "{id}");
        assert_eq!(alerts[0].findings[0].code, Check::UnknownThirdParty, "{id}");
        assert_eq!(scene.live(), good(), "{id}");
        let mut kept = scene.history().approved.into_iter();
        assert!(kept.all(|one| one.document == good()), "{id}");
    }
}

/// Not even where a rule names the id: what IAM makes of it at another time nobody approved.
#[test]
fn a2_a_document_with_a_unique_id_is_never_a_baseline() {
    let id = "AROAEXAMPLE2222222222";
    let named = super::scene::rules(|file| {
        file["vendors"][0]["principals"] = serde_json::json!([id]);
    });
    let mut scene = Scene::with(super::scene::guard(named));
    let by_id = document(&[vendor()]).replace(
        &format!(r#""arn:aws:iam::{}:root""#, super::scene::VENDOR),
        &format!("\"{id}\""),
    );
    scene.put(ROLE, "AROAOBSERVERPROD0001", &by_id);
    let event = scene.event("CreateRole", ROLE, Some(&by_id), ALICE);
    scene.play(&event);
    assert_eq!(scene.history().approved, []);
}
