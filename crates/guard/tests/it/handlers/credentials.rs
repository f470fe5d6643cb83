//! Keys and passwords whose events were lost.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use trustwarden_guard::Check;
use trustwarden_guard::account::{Answer, CredentialReport, Credentials, Key};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::handlers::{
    CredentialsSwept, KeysSwept, MOST_USERS, sweep_credentials, sweep_keys,
};

use super::scene::{ALICE, DETECTED, Scene, identity, stages};
use super::sweeping::{HOUR, watched_with};
use super::troubled::run;

fn row(user: Option<&str>, keys: &[(Timestamp, bool)], password: Option<Timestamp>) -> Credentials {
    let keys = keys.iter().zip(1..).map(|((rotated, active), number)| Key {
        number,
        active: *active,
        rotated: Some(*rotated),
        last_used: None,
    });
    Credentials {
        account: "111122223333".to_owned(),
        user: user.map(str::to_owned),
        password: match password {
            Some(_) => Answer::Yes,
            None => Answer::No,
        },
        password_used: None,
        password_set: password,
        mfa: Answer::Yes,
        keys: keys.collect(),
        more_keys: None,
    }
}

/// `ci` may have keys, `bob` none.
fn scene() -> Scene {
    watched_with(|rules| rules["access_keys"] = json!({ "allow_users": ["ci"] }))
}

fn read(scene: &Scene, report: Option<CredentialReport>, seconds: i64) -> CredentialsSwept {
    scene.world.inside.put_credentials(report);
    let until = scene.now() + SignedDuration::from_secs(seconds);
    let swept = run(sweep_credentials(&scene.world.inside, &scene.guard, until));
    swept.unwrap().unwrap()
}

fn look(scene: &Scene, rows: Vec<Credentials>) -> Vec<Alert> {
    let unread = Vec::new();
    let swept = read(scene, Some(CredentialReport { rows, unread }), 60);
    assert!(
        matches!(
            swept,
            CredentialsSwept::Read {
                unfinished: false,
                ..
            }
        ),
        "{swept:?}"
    );
    scene.alerts()
}

fn codes(alerts: &[Alert]) -> Vec<Check> {
    let findings = alerts.iter().flat_map(|alert| &alert.findings);
    findings.map(|found| found.code).collect()
}

#[test]
fn what_was_there_when_the_guard_began_is_no_news() {
    let scene = scene();
    let long_ago = scene.now() - SignedDuration::from_hours(24 * 30);
    let rows = || {
        vec![
            row(None, &[(long_ago, true)], Some(long_ago)),
            row(Some("bob"), &[(long_ago, true)], Some(long_ago)),
        ]
    };
    assert_eq!(look(&scene, rows()), []);
    scene.pass(HOUR);
    assert_eq!(look(&scene, rows()), [], "nor later");
}

#[test]
fn a_key_whose_event_was_lost_is_reported_once() {
    let scene = scene();
    assert_eq!(look(&scene, vec![row(Some("bob"), &[], None)]), []);
    let made = scene.now() + SignedDuration::from_mins(20);
    scene.pass(HOUR);
    let alerts = look(&scene, vec![row(Some("bob"), &[(made, true)], None)]);
    assert_eq!(stages(&alerts), [DETECTED]);
    assert_eq!(codes(&alerts), [Check::AccessKeyCreated]);
    assert!(
        alerts[0].findings[0]
            .message
            .contains("was created or made active at"),
        "{alerts:?}"
    );
    assert!(alerts[0].notes[0].contains("list-access-keys"));
    scene.pass(HOUR);
    assert_eq!(
        look(&scene, vec![row(Some("bob"), &[(made, true)], None)]),
        []
    );
}

#[test]
fn a_key_whose_event_came_is_not_reported_again() {
    let mut scene = scene();
    assert_eq!(look(&scene, vec![row(Some("bob"), &[], None)]), []);
    let made = scene.now();
    let request = json!({ "userName": "bob" });
    let mut event = scene.raw_event(
        "iam.amazonaws.com",
        "CreateAccessKey",
        request,
        identity(ALICE),
    );
    event["detail"]["responseElements"] =
        json!({ "accessKey": { "userName": "bob", "accessKeyId": "AKIAEXAMPLE00000BOB1" } });
    assert_eq!(codes(&scene.play(&event)), [Check::AccessKeyCreated]);
    scene.pass(HOUR);
    assert_eq!(
        look(&scene, vec![row(Some("bob"), &[(made, true)], None)]),
        []
    );
}

#[test]
fn a_key_that_is_so_new_that_its_event_may_come_waits() {
    let scene = scene();
    assert_eq!(look(&scene, vec![row(Some("bob"), &[], None)]), []);
    scene.pass(HOUR);
    let made = scene.now() - SignedDuration::from_secs(60);
    let rows = || vec![row(Some("bob"), &[(made, true)], None)];
    assert_eq!(look(&scene, rows()), []);
    scene.pass(HOUR);
    assert_eq!(codes(&look(&scene, rows())), [Check::AccessKeyCreated]);
}

#[test]
fn a_key_that_was_made_active_again_is_reported() {
    let scene = scene();
    let long_ago = scene.now() - SignedDuration::from_hours(24 * 30);
    assert_eq!(
        look(&scene, vec![row(Some("bob"), &[(long_ago, false)], None)]),
        []
    );
    scene.pass(HOUR);
    let alerts = look(&scene, vec![row(Some("bob"), &[(long_ago, true)], None)]);
    assert_eq!(codes(&alerts), [Check::AccessKeyCreated]);
    assert!(alerts[0].findings[0].message.contains("active again"));
}

#[test]
fn a_password_and_roots_own_are_reported() {
    let scene = scene();
    let rows = vec![row(None, &[], None), row(Some("ci"), &[], None)];
    assert_eq!(look(&scene, rows), []);
    let at = scene.now() + SignedDuration::from_mins(20);
    scene.pass(HOUR);
    let mut root = row(None, &[(at, true)], None);
    root.password_used = Some(at);
    let alerts = look(&scene, vec![root, row(Some("ci"), &[(at, true)], Some(at))]);
    // The key of `ci` is allowed.
    assert_eq!(
        codes(&alerts),
        [
            Check::RootAccessKey,
            Check::RootSignIn,
            Check::ConsolePasswordCreated
        ]
    );
}

/// The report does not tell who replaced a password, and users change their own.
#[test]
fn a_password_in_the_place_of_another_is_no_news() {
    let scene = scene();
    let (first, second) = (
        scene.now() - SignedDuration::from_hours(24),
        scene.now() + SignedDuration::from_mins(20),
    );
    let look_at = |set| look(&scene, vec![row(Some("bob"), &[], Some(set))]);
    assert_eq!(look_at(first), []);
    scene.pass(HOUR);
    assert_eq!(look_at(second), []);
}

#[test]
fn an_allowed_key_of_a_new_user_is_reported() {
    let scene = scene();
    assert_eq!(look(&scene, vec![row(None, &[], None)]), []);
    let at = scene.now() + SignedDuration::from_mins(20);
    scene.pass(HOUR);
    let rows = vec![row(None, &[], None), row(Some("ci"), &[(at, true)], None)];
    assert_eq!(codes(&look(&scene, rows)), [Check::FirstAccessKey]);
}

#[test]
fn a_report_that_is_being_made_is_read_the_next_time() {
    assert_eq!(read(&scene(), None, 60), CredentialsSwept::NotReady);
}

/// The time is up: the next run looks at those that are left.
#[test]
fn what_one_run_does_not_get_to_the_next_one_does() {
    let scene = scene();
    assert_eq!(look(&scene, vec![row(Some("bob"), &[], None)]), []);
    let made = scene.now() + SignedDuration::from_mins(20);
    scene.pass(HOUR);
    let rows = || vec![row(Some("bob"), &[(made, true)], None)];
    let report = CredentialReport {
        rows: rows(),
        unread: Vec::new(),
    };
    let swept = read(&scene, Some(report), 0);
    assert!(
        matches!(
            swept,
            CredentialsSwept::Read {
                unfinished: true,
                reported: 0,
                ..
            }
        ),
        "{swept:?}"
    );
    assert_eq!(codes(&look(&scene, rows())), [Check::AccessKeyCreated]);
}

/// Names may hold a comma: such a row, if it is not quoted, hides nothing of the others.
#[test]
fn a_row_that_cannot_be_read_hides_no_other() {
    let scene = scene();
    assert_eq!(look(&scene, vec![row(Some("bob"), &[], None)]), []);
    let made = scene.now() + SignedDuration::from_mins(20);
    scene.pass(HOUR);
    let arn = "arn:aws:iam::111122223333:user";
    let text = format!(
        "user,arn,access_key_1_active,access_key_1_last_rotated\n\
         a,b,{arn}/a,b,false,N/A\nc,{arn}/c,perhaps,N/A\nbob,{arn}/bob,true,{made}\n"
    );
    let report = CredentialReport::read(&text).unwrap();
    let CredentialsSwept::Read { users, unread, .. } = read(&scene, Some(report), 60) else {
        panic!("it was read");
    };
    assert_eq!((users, unread.len()), (1, 2), "{unread:?}");
    assert_eq!(codes(&scene.alerts()), [Check::AccessKeyCreated]);
}

/// An event that does not say whose key it is says nothing of root's.
#[test]
fn a_key_of_nobody_known_hides_none_of_root() {
    let mut scene = scene();
    assert_eq!(look(&scene, vec![row(None, &[], None)]), []);
    scene.pass(60);
    let made = scene.now();
    let mut event = scene.raw_event(
        "iam.amazonaws.com",
        "UpdateAccessKey",
        json!({ "accessKeyId": "AKIAEXAMPLE000000001", "status": "Active" }),
        identity(ALICE),
    );
    event["detail"]["userIdentity"] = json!({ "type": "AssumedRole", "accountId": "111122223333" });
    assert_eq!(scene.play(&event).len(), 1, "it is reported for itself");
    scene.pass(HOUR);
    let alerts = look(&scene, vec![row(None, &[(made, true)], None)]);
    assert_eq!(codes(&alerts), [Check::RootAccessKey]);
}

fn hourly(scene: &Scene) -> (KeysSwept, Vec<Alert>) {
    let until = scene.now() + SignedDuration::from_secs(60);
    let swept = run(sweep_keys(&scene.world.inside, &scene.guard, until));
    (swept.unwrap().unwrap(), scene.alerts())
}

/// A key is created now; its event is lost.
fn creates_key(scene: &Scene, user: &str) {
    let key = format!("AKIA{user}");
    scene.world.inside.put_key(user, &key);
}

#[test]
fn a_key_that_is_newer_than_the_credential_report_is_found_within_the_hour() {
    let scene = scene();
    let rows = || vec![row(Some("ci"), &[], None), row(Some("old"), &[], None)];
    assert_eq!(look(&scene, rows()), []);
    // All of them are days old by now: but for the two below, the report will do.
    scene.pass(48 * HOUR);
    creates_key(&scene, "old");
    creates_key(&scene, "ci");
    creates_key(&scene, "mallory");
    scene.pass(60);
    let (swept, alerts) = hourly(&scene);
    assert_eq!((swept.users, swept.reported), (2, 0), "its event may come");
    assert_eq!(alerts, []);
    scene.pass(HOUR);
    let (swept, alerts) = hourly(&scene);
    // `ci`, whom the rules name, may have one; `mallory` is new since the report.
    assert_eq!((swept.users, swept.reported, swept.left), (2, 1, 0));
    assert_eq!(stages(&alerts), [DETECTED]);
    assert_eq!(alerts[0].subject, "user/mallory");
    scene.pass(HOUR);
    assert_eq!(hourly(&scene).1, [], "once");
    // The report comes with it: the same incident. It alone has the other's.
    let made = scene.now() - SignedDuration::from_secs(2 * HOUR + 60);
    let rows = vec![
        row(Some("mallory"), &[(made, true)], None),
        row(Some("old"), &[(made, true)], None),
    ];
    let alerts = look(&scene, rows);
    let subjects: Vec<&str> = alerts.iter().map(|alert| alert.subject.as_str()).collect();
    assert_eq!(subjects, ["user/old"]);
}

#[test]
fn a_key_whose_event_came_is_not_found_again_by_the_hourly_look() {
    let mut scene = scene();
    assert_eq!(look(&scene, vec![row(Some("ci"), &[], None)]), []);
    creates_key(&scene, "bob");
    let request = json!({ "userName": "bob" });
    let mut event = scene.raw_event(
        "iam.amazonaws.com",
        "CreateAccessKey",
        request,
        identity(ALICE),
    );
    event["detail"]["responseElements"] =
        json!({ "accessKey": { "userName": "bob", "accessKeyId": "AKIAbob" } });
    assert_eq!(codes(&scene.play(&event)), [Check::AccessKeyCreated]);
    scene.pass(HOUR);
    let (swept, alerts) = hourly(&scene);
    assert_eq!((swept.users, alerts), (1, vec![]));
}

#[test]
fn the_hourly_look_is_bounded_and_left_to_the_report_before_the_first_one() {
    let scene = scene();
    for user in 0..MOST_USERS + 20 {
        creates_key(&scene, &format!("user{user}"));
    }
    scene.pass(HOUR);
    assert_eq!(hourly(&scene).0, KeysSwept::default(), "no report was read");
    assert_eq!(look(&scene, vec![row(None, &[], None)]), []);
    let (swept, _) = hourly(&scene);
    assert_eq!((swept.users, swept.left), (MOST_USERS, 20));
}
