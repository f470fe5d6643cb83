//! What the rules allow and what ends soon.

use serde_json::json;
use trustwarden_guard::rules::{Mode, Rules};
use trustwarden_guard::{Check, Severity};

use super::scene::{Scene, guard, rules};
use super::sweeping::HOUR;

/// What was announced since, as messages with their severity.
fn announced(scene: &mut Scene) -> Vec<(Severity, String)> {
    scene.swept();
    let alerts = scene.alerts();
    let findings = alerts.into_iter().flat_map(|alert| alert.findings);
    let soon = findings.filter(|found| found.code == Check::ExpiresSoon);
    soon.map(|found| (found.severity, found.message)).collect()
}

/// The scenes play on 2026-11-21 at ten.
fn ending() -> Rules {
    rules(|rules| {
        rules["vendors"][0]["expires"] = json!("2026-12-31");
        rules["vendors"][0]["owner"] = json!("platform@example.com");
        rules["exemptions"] = json!([{
            "role": "Legacy", "account": "333344445555", "check": "missing-external-id",
            "reason": "being replaced", "expires": "2027-11-01",
        }]);
    })
}

#[test]
fn owners_hear_thirty_seven_and_one_day_before_and_what_will_be_done() {
    let mut scene = Scene::with(guard(ending()));
    assert_eq!(announced(&mut scene), [], "forty days before");
    let mut heard = Vec::new();
    for _ in 0..90 {
        scene.pass(12 * HOUR);
        heard.extend(announced(&mut scene));
    }
    let said = |left: &str| {
        format!(
            "vendor Example Observer ends at 2027-01-01T00:00:00Z, within {left}; what it covers is \
             expired-access then, reported and remediated; its owner is platform@example.com"
        )
    };
    assert_eq!(
        heard,
        [
            (Severity::Low, said("30 days")),
            (Severity::Low, said("7 days")),
            (Severity::Medium, said("a day")),
        ]
    );
}

#[test]
fn an_exemption_that_ends_says_what_it_was_for_and_mode_alert_that_nothing_is_written() {
    let mut guard = guard(ending());
    guard.mode = Mode::Alert;
    let mut scene = Scene::with(guard);
    scene
        .world
        .inside
        .set_now("2027-10-31T12:00:00Z".parse().unwrap());
    assert_eq!(
        announced(&mut scene),
        [(
            Severity::Low,
            "the exemption of role Legacy, account 333344445555 from missing-external-id ends at \
             2027-11-02T00:00:00Z, within 7 days; what it covers is missing-external-id then, \
             reported; its reason is: being replaced"
                .to_owned()
        )]
    );
}
