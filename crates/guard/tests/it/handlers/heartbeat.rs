//! The heartbeat: what does not come back is reported within twenty minutes, once and again each day,
//! and nothing passes for it that is not the call that was made.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use trustwarden_guard::alert::Alert;
use trustwarden_guard::cloudtrail::Record;
use trustwarden_guard::handlers::{Surroundings, Watched, answer_heartbeat, watch};
use trustwarden_guard::ports::memory::{InMemory, MemoryStore};
use trustwarden_guard::ports::{Deployed, Differences, Heartbeats, Source};
use trustwarden_guard::state::incident::Stage;
use trustwarden_guard::story::{Measured, measured};
use trustwarden_guard::watch::{HEARTBEATS, is_tick};
use trustwarden_guard::{Check, GuardConfig, Severity};

use super::scene::{ACCOUNT, REMEDIATOR, Scene, bad, guard, rules};
use super::troubled::run;

/// The role that makes the calls.
const OURS: &str = "arn:aws:iam::111122223333:role/trustwarden/guard-GuardTamperRole-1";

/// AWS, which gives each call an id.
#[derive(Default)]
struct Aws {
    made: Mutex<Vec<(String, String)>>,
    down: Mutex<BTreeSet<String>>,
}

impl Heartbeats for Aws {
    async fn beat(&self, call: &str) -> Result<String, Source> {
        if self.down.lock().unwrap().contains(call) {
            return Err(format!("{call}: no route").into());
        }
        let mut made = self.made.lock().unwrap();
        let id = format!("{:08x}-2222-4333-8444-555555555555", made.len());
        made.push((call.to_owned(), id.clone()));
        Ok(id)
    }
}

/// The stack: what is other than it was deployed, and how often somebody looked.
#[derive(Default)]
struct Compared {
    differences: Mutex<Vec<String>>,
    forwards: Mutex<bool>,
    looks: Mutex<usize>,
}

impl Deployed for Compared {
    async fn differences(&self, forwarded: bool) -> Differences {
        *self.looks.lock().unwrap() += 1;
        let mut found = self.differences.lock().unwrap().clone();
        let forwards = *self.forwards.lock().unwrap();
        if forwarded && !forwards {
            found.push("region eu-west-1: is gone".to_owned());
        }
        Differences { found, forwards }
    }
}

/// The watch in an account in which five minutes are one step.
struct Account {
    guard: GuardConfig,
    store: MemoryStore,
    topic: InMemory,
    aws: Aws,
    stack: Compared,
    deploying: Cell<bool>,
    now: Cell<Timestamp>,
    /// When the last heartbeat was sent, which its events say.
    sent: Cell<Timestamp>,
}

impl Account {
    fn new() -> Self {
        let mut guard = guard(rules(|_| {}));
        guard.own_roles.push(OURS.to_owned());
        Self {
            guard,
            store: MemoryStore::default(),
            topic: InMemory::default(),
            aws: Aws::default(),
            stack: Compared::default(),
            deploying: Cell::new(false),
            now: Cell::new("2026-11-20T10:00:07Z".parse().unwrap()),
            sent: Cell::default(),
        }
    }

    fn pass(&self, seconds: i64) {
        let later = self.now.get() + SignedDuration::from_secs(seconds);
        self.now.set(later);
    }

    /// What the schedule's event makes the function do.
    fn tick(&self) -> Watched {
        let around = Surroundings {
            store: &self.store,
            topic: &self.topic,
            heartbeats: &self.aws,
            deployed: &self.stack,
            deploying: self.deploying.get(),
        };
        let look = watch(&around, &self.guard, self.now.get());
        let watched = run(look).unwrap().unwrap();
        if watched.sent {
            self.sent.set(self.now.get());
        }
        watched
    }

    /// The calls of the last heartbeat.
    fn last_calls(&self) -> Vec<(String, String)> {
        let made = self.aws.made.lock().unwrap();
        made.iter().rev().take(HEARTBEATS.len()).cloned().collect()
    }

    /// What CloudTrail writes of a call, as EventBridge hands it on.
    fn event(&self, call: &str, request_id: &str, issuer: &str) -> Value {
        let (service, name) = call.split_once(':').unwrap();
        // Lambda's names go on with the date of its API.
        let date = if service == "lambda" { "20171031" } else { "" };
        let second = Timestamp::from_second(self.sent.get().as_second()).unwrap();
        json!({
            "detail-type": "AWS API Call via CloudTrail",
            "source": format!("aws.{service}"),
            "account": ACCOUNT,
            "detail": {
                "eventID": format!("event of {request_id}"),
                "eventTime": second.to_string(),
                "eventSource": format!("{service}.amazonaws.com"),
                "eventName": format!("{name}{date}"),
                "requestID": request_id,
                "recipientAccountId": ACCOUNT,
                "errorCode": "NoSuchEntityException",
                "userIdentity": {
                    "type": "AssumedRole",
                    "sessionContext": { "sessionIssuer": { "type": "Role", "arn": issuer } },
                },
            }
        })
    }

    fn comes_to(&self, function: &str, event: &Value) {
        let record = Record::from_value(event);
        let text = event.to_string();
        let now = self.now.get();
        run(answer_heartbeat(
            &self.store,
            &self.guard,
            function,
            &record,
            &text,
            now,
        ))
        .unwrap()
        .unwrap();
    }

    /// Brings the last heartbeat back to each function but those behind some rules.
    fn comes_back(&self, but: &[&str]) {
        for (call, id) in self.last_calls() {
            let event = self.event(&call, &id, OURS);
            let beat = HEARTBEATS.iter().find(|beat| beat.call == call).unwrap();
            for path in beat.paths {
                if !but.contains(&path.rule) {
                    self.comes_to(path.function, &event);
                }
            }
        }
    }

    fn differs(&self, differences: &[&str]) {
        let differences = differences.iter().map(|one| (*one).to_owned());
        *self.stack.differences.lock().unwrap() = differences.collect();
    }

    /// How many messages there are in so many looks, while all heartbeats come back.
    fn messages(&self, looks: usize) -> Vec<Alert> {
        let mut all = Vec::new();
        for _ in 0..looks {
            self.tick();
            self.comes_back(&[]);
            self.pass(300);
            all.extend(self.alerts());
        }
        all
    }

    fn alerts(&self) -> Vec<Alert> {
        self.topic.take_alerts()
    }
}

fn says(alert: &Alert, words: &str) -> bool {
    assert_eq!(alert.severity, Severity::Critical);
    assert!(
        alert
            .findings
            .iter()
            .all(|one| one.code == Check::GuardBlind)
    );
    alert.findings.iter().any(|one| one.message.contains(words))
}

#[test]
fn a_heartbeat_that_does_not_return_raises_guard_blind_within_20_minutes() {
    let account = Account::new();
    assert!(account.tick().sent);
    let sent = account.now.get();
    let alerts = loop {
        account.pass(300);
        account.tick();
        let alerts = account.alerts();
        if !alerts.is_empty() {
            break alerts;
        }
        assert!(account.now.get() < sent + SignedDuration::from_mins(20));
    };
    assert!(account.now.get() <= sent + SignedDuration::from_mins(20));
    let [alert] = alerts.as_slice() else {
        panic!("one message for all: {alerts:#?}");
    };
    for beat in HEARTBEATS {
        for path in beat.paths {
            assert!(says(alert, path.rule), "{}", path.rule);
        }
    }
}

#[test]
fn another_regions_stack_that_was_there_once_is_missed() {
    let account = Account::new();
    assert_eq!(account.messages(6).len(), 0, "there never was one");
    *account.stack.forwards.lock().unwrap() = true;
    assert_eq!(account.messages(6).len(), 0);
    *account.stack.forwards.lock().unwrap() = false;
    let alerts = account.messages(6);
    assert_eq!(alerts.len(), 1);
    assert!(says(&alerts[0], "region eu-west-1: is gone"));
}

#[test]
fn what_comes_back_is_reported_by_nobody_and_the_next_is_sent_after_a_quarter_of_an_hour() {
    let account = Account::new();
    let mut sent = 0;
    for minute in (0..24 * 60).step_by(5) {
        sent += usize::from(account.tick().sent);
        account.pass(20);
        account.comes_back(&[]);
        account.pass(280);
        assert_eq!(account.alerts().len(), 0, "minute {minute}");
    }
    assert_eq!(sent, 24 * 4);
}

#[test]
fn each_path_that_is_cut_is_named_alone() {
    for beat in HEARTBEATS {
        for path in beat.paths {
            let account = Account::new();
            account.tick();
            account.comes_back(&[path.rule]);
            account.pass(900);
            account.tick();
            let alerts = account.alerts();
            assert_eq!(alerts.len(), 1, "{}", path.rule);
            assert!(says(&alerts[0], path.rule) && says(&alerts[0], path.function));
            assert_eq!(alerts[0].findings.len(), 1, "{}", path.rule);
        }
    }
}

#[test]
fn what_stays_wrong_is_reported_once_and_again_each_day_and_what_returns_at_once() {
    let account = Account::new();
    let mut reported = 0;
    for _ in 0..(49 * 60 / 5) {
        account.tick();
        account.comes_back(&["AccessKeyRule"]);
        account.pass(300);
        reported += account.alerts().len();
    }
    assert_eq!(reported, 3, "in two days and an hour");
    let heals = |but: &[&str]| {
        for _ in 0..6 {
            account.tick();
            account.comes_back(but);
            account.pass(300);
        }
        account.alerts().len()
    };
    assert_eq!(heals(&[]), 0);
    assert_eq!(heals(&["AccessKeyRule"]), 1, "it broke once more");
}

#[test]
fn nothing_passes_for_the_heartbeat_but_the_call_that_was_made() {
    // What somebody hands to the function who may invoke it, and whether it counts.
    type Forgery = fn(&Account, &str, &str) -> Value;
    let forgeries: [(&str, Forgery); 6] = [
        ("a guessed id", |account, call, _| {
            account.event(call, "00000000-0000-4000-8000-000000000000", OURS)
        }),
        ("the call of somebody else", |account, call, id| {
            account.event(call, id, "arn:aws:iam::111122223333:role/mallory")
        }),
        ("a role of the same name elsewhere", |account, call, id| {
            let elsewhere = OURS.replace("111122223333", "999900001111");
            account.event(call, id, &elsewhere)
        }),
        (
            "the remediator's, which writes to IAM",
            |account, call, id| account.event(call, id, REMEDIATOR),
        ),
        ("one of an hour before", |account, call, id| {
            let mut event = account.event(call, id, OURS);
            event["detail"]["eventTime"] = json!("2026-11-20T09:00:07Z");
            event
        }),
        ("one of the future", |account, call, id| {
            let mut event = account.event(call, id, OURS);
            event["detail"]["eventTime"] = json!("2026-11-20T11:00:07Z");
            event
        }),
    ];
    for (what, forged) in forgeries {
        let account = Account::new();
        account.tick();
        account.comes_back(&["RoleTrustRule"]);
        let calls = account.last_calls();
        let (call, id) = calls
            .iter()
            .find(|(call, _)| call == "iam:DeleteRole")
            .unwrap();
        account.comes_to("role-trust", &forged(&account, call, id));
        account.pass(900);
        account.tick();
        let alerts = account.alerts();
        assert_eq!(alerts.len(), 1, "{what}");
        assert!(says(&alerts[0], "RoleTrustRule"), "{what}");
    }
}

#[test]
fn an_old_heartbeat_told_again_hides_no_new_one_and_neither_does_a_late_one() {
    let account = Account::new();
    account.tick();
    let old = account.last_calls();
    account.comes_back(&[]);
    let old: Vec<Value> = old
        .iter()
        .map(|(call, id)| account.event(call, id, OURS))
        .collect();
    account.pass(900);
    account.tick();
    // A replay of an archive: genuine events, a quarter of an hour old.
    for event in &old {
        account.comes_to("role-trust", event);
    }
    account.pass(660);
    account.comes_back(&[]);
    account.tick();
    let alerts = account.alerts();
    assert_eq!(alerts.len(), 1, "all came back, and too late");
    assert!(says(&alerts[0], "RoleTrustRule"));

    // An event that overtook a newer one does not take its place.
    let account = Account::new();
    account.tick();
    let old = account.last_calls();
    let old: Vec<Value> = old
        .iter()
        .map(|(call, id)| account.event(call, id, OURS))
        .collect();
    account.pass(900);
    account.tick();
    account.comes_back(&[]);
    for event in old {
        for function in [
            "role-trust",
            "access-key",
            "role-permissions",
            "guard-tamper",
        ] {
            account.comes_to(function, &event);
        }
    }
    drop(account.alerts());
    account.pass(660);
    account.tick();
    assert_eq!(account.alerts().len(), 0);
}

#[test]
fn a_call_that_cannot_be_made_does_not_come_back() {
    let account = Account::new();
    let down = "iam:UpdateAccessKey".to_owned();
    account.aws.down.lock().unwrap().insert(down);
    let watched = account.tick();
    assert!(watched.sent);
    assert_eq!(watched.unsent, ["iam:UpdateAccessKey: no route"]);
    let made: Vec<(String, String)> = account.aws.made.lock().unwrap().clone();
    for (call, id) in made {
        let event = account.event(&call, &id, OURS);
        let beat = HEARTBEATS.iter().find(|beat| beat.call == call).unwrap();
        for path in beat.paths {
            account.comes_to(path.function, &event);
        }
    }
    account.pass(900);
    account.tick();
    let alerts = account.alerts();
    assert_eq!(alerts.len(), 1);
    assert!(says(&alerts[0], "AccessKeyRule"));
    assert_eq!(alerts[0].findings.len(), 1);
}

#[test]
fn the_schedules_event_is_known_and_nothing_else_passes_for_it() {
    let tick = json!({
        "version": "0", "id": "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa",
        "detail-type": "Scheduled Event", "source": "aws.events", "account": ACCOUNT,
        "time": "2026-11-20T10:00:00Z", "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:111122223333:rule/trustwarden-heartbeat-1"],
        "detail": {},
    });
    assert!(is_tick(&tick.to_string()));
    let account = Account::new();
    assert!(!is_tick(
        &account.event("iam:DeleteRole", "1", OURS).to_string()
    ));
    assert!(!is_tick("{"));
}

#[test]
fn an_alert_is_measured_from_its_event_the_sweeps_are_counted_and_the_watchs_own_are_not() {
    let account = Account::new();
    let mut scene = Scene::settled();
    account.tick();
    account.pass(900);
    account.tick();
    let mut alert = account.alerts().remove(0);
    let now = alert.at;
    assert_eq!(measured(&alert, now), None, "the watch's");
    alert.resource.as_mut().unwrap().kind = "role".to_owned();
    assert_eq!(measured(&alert, now), Some(Measured::BySweep));
    let of_event = scene.plays(&bad()).remove(0);
    let event_time = of_event.cause.as_ref().unwrap().event_time;
    let later = event_time + SignedDuration::from_secs(42);
    assert_eq!(measured(&of_event, later), Some(Measured::Delay(42)));
    // What is done about it, and what waited for a digest, say nothing of the way.
    for stage in [Stage::Outcome, Stage::Digest, Stage::Test] {
        let other = Alert {
            stage,
            ..of_event.clone()
        };
        assert_eq!(measured(&other, later), None);
    }
}

const RULE: &str = "rule RoleTrustRule: State: expected \"ENABLED\", there is \"DISABLED\"";
const KEY: &str = "key Key: Disabled";

#[test]
fn what_is_other_than_it_was_deployed_is_reported_once_and_again_each_day() {
    let account = Account::new();
    assert_eq!(account.messages(6).len(), 0);
    account.differs(&[RULE]);
    let said = account.messages(6);
    assert_eq!(said.len(), 1);
    assert!(says(&said[0], RULE));
    account.differs(&[RULE, KEY]);
    let said = account.messages(6);
    assert_eq!(said.len(), 1, "what is new, and nothing else");
    assert_eq!(said[0].findings.len(), 1);
    assert!(says(&said[0], KEY));
    assert_eq!(
        account.messages(24 * 12).len(),
        2,
        "each once more after a day"
    );
    account.differs(&[]);
    assert_eq!(account.messages(6).len(), 0);
    account.differs(&[RULE]);
    assert_eq!(account.messages(6).len(), 1, "it is so again");
}

#[test]
fn what_one_look_finds_and_the_next_does_not_is_no_news() {
    let account = Account::new();
    // As a call that fails once.
    for _ in 0..20 {
        account.differs(&["rule RoleTrustRule: events:DescribeRule: throttled"]);
        account.tick();
        account.comes_back(&[]);
        account.pass(300);
        account.differs(&[]);
        account.tick();
        account.pass(300);
        account.tick();
        account.pass(300);
    }
    assert_eq!(account.alerts().len(), 0);
}

#[test]
fn the_stack_is_compared_with_each_heartbeat_and_once_more_where_something_is_found() {
    let account = Account::new();
    account.messages(12);
    assert_eq!(*account.stack.looks.lock().unwrap(), 4);
    account.differs(&[KEY]);
    account.messages(12);
    assert_eq!(*account.stack.looks.lock().unwrap(), 4 + 4 + 1);
}

#[test]
fn a_deploy_is_no_difference_and_hides_none_that_was_reported() {
    let account = Account::new();
    account.deploying.set(true);
    account.differs(&[RULE]);
    assert_eq!(account.messages(12).len(), 0);
    account.deploying.set(false);
    assert_eq!(account.messages(6).len(), 1);
    account.deploying.set(true);
    assert_eq!(account.messages(3).len(), 0);
    account.deploying.set(false);
    assert_eq!(account.messages(6).len(), 0, "they have heard");
}
