//! What comes from outside into the guard, as bytes, through the functions that take it: the fuzz
//! targets and a test of `crates/guard`, which replays the corpus, run the same code.
//!
//! Each of them panics where the guard breaks a promise that holds for any input: an order ends
//! within the receives that its queue allows, nothing is written that the rules do not cover, what
//! stays open is told as open, and an alert fits its channels.

use std::pin::pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, Waker};

use guard::GuardConfig;
use guard::account::{ChainLink, judge_links};
use guard::alert::{Alert, MESSAGE_BYTES, slack};
use guard::cloudtrail::{Activity, Document, Record};
use guard::detect::{KeySeen, UserChange, Verdict, judge_trust};
use guard::handlers::{
    HandleError, access_key, carry_out, identity_provider, role_permissions, role_trust,
    root_activity,
};
use guard::model::{LiveRole, RoleRef, sha256_hex};
use guard::order::{Ack, Order, Task};
use guard::ports::memory::InMemory;
use guard::ports::{Clock, World as _};
use guard::rules::{Mode, Rules, RulesFile, compile};
use guard::state::OrderProgress;
use guard::state::digest_window::FoldMember;
use guard::state::history::{KeptDocument, RoleHistory};
use guard::state::incident::{Incident, incident_id};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const ROLE: &str = "ObserverProd";
const ROLE_ID: &str = "AROAOBSERVERPROD0001";
const REMEDIATOR: &str = "arn:aws:iam::111122223333:role/trustwarden/remediator";
const NOW: &str = "2026-11-21T10:00:00Z";
const EVENT: &str = "00000000-0000-4000-8000-000000000001";
/// As the queue's redrive policy in `template.yaml` has it.
const RECEIVES: usize = 30;
/// More orders than any one event is good for: its digest, each further look, and an hour's wait for
/// the budget included.
const ORDERS: usize = 64;

const VENDOR: &str = r#"{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::444455556666:root"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4"}}}"#;
const STRANGER: &str =
    r#"{"Effect": "Allow", "Principal": {"AWS": "999988887777"}, "Action": "sts:AssumeRole"}"#;

fn violating() -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{VENDOR}, {STRANGER}]}}"#)
}

fn now() -> Timestamp {
    NOW.parse().expect("a moment")
}

fn guard() -> &'static GuardConfig {
    static GUARD: OnceLock<GuardConfig> = OnceLock::new();
    GUARD.get_or_init(|| {
        let file = json!({
            "version": 1,
            "mode": "enforce",
            "organization": { "id": "o-abc123example" },
            "vendors": [{
                "name": "Example Observer", "accounts": ["444455556666"], "roles": ["Observer*"],
                "external_id": { "required": true, "values": ["7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4"] },
                "users": ["observer-*"],
            }],
            "identity_providers": [{
                "provider": "token.actions.githubusercontent.com",
                "audiences": ["sts.amazonaws.com"], "subjects": ["repo:acme/*"],
            }],
            "networks": ["203.0.113.0/24"],
            "access_keys": { "on_violation": "deactivate", "allow_users": ["ci-*"] },
            "remediation": { "revoke_sessions": "always" },
            "exemptions": [{
                "role": "Legacy", "account": "333344445555", "check": "missing-external-id",
                "reason": "until it is replaced",
            }],
        });
        let file: RulesFile = serde_json::from_value(file).expect("a rules file");
        let compiled = compile(&file, &[]).expect("sound rules");
        GuardConfig {
            account: ACCOUNT.to_owned(),
            stack: "trustwarden".to_owned(),
            mode: Mode::Enforce,
            rules: Rules::load(compiled.bytes).expect("compiled rules"),
            own_roles: vec![REMEDIATOR.to_owned()],
            remediator_role: REMEDIATOR.to_owned(),
            revoke_sessions: true,
            detach_policies: true,
        }
    })
}

/// Nothing in memory ever waits.
fn run<F: Future>(handler: F) -> F::Output {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(handler).poll(&mut context) {
        Poll::Ready(done) => done,
        Poll::Pending => panic!("the world in memory made a handler wait"),
    }
}

fn put_role(world: &InMemory, name: &str, path: &str, document: &str) {
    world.put_role(LiveRole {
        name: name.to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:role{path}{name}"),
        path: path.to_owned(),
        role_id: ROLE_ID.to_owned(),
        document: document.to_owned(),
        created: Some(now()),
    });
}

fn violates(role: &LiveRole, document: &str) -> bool {
    let role = RoleRef {
        account: ACCOUNT.to_owned(),
        name: Some(role.name.clone()),
        path: Some(role.path.clone()),
    };
    judge_trust(&guard().rules, &role, document, now()).verdict == Verdict::Violation
}

/// Carries out an order as the queue would bring it: until it is done, or among the dead letters.
fn carry(world: &InMemory, order: &Order) {
    for _ in 0..RECEIVES {
        let wait = match run(carry_out(world, guard(), order)) {
            Ok(Ack::Done) => return,
            Ok(Ack::LookAgain { after }) => {
                assert!((1..=900).contains(&after.as_secs()), "{after:?}");
                SignedDuration::try_from(after).expect("minutes")
            }
            // In memory nothing fails but the order itself.
            Err(_) => return,
        };
        world.set_now(world.now() + wait);
    }
    panic!("after {RECEIVES} receives it is not done: {order:?}");
}

/// Carries out what is in the queue.
fn drain(world: &InMemory) {
    for _ in 0..ORDERS {
        match world.take_order() {
            Some(order) => {
                let body = serde_json::to_string(&order).expect("an order is JSON");
                assert!(
                    body.len() <= 256 * 1024,
                    "SQS takes no {} bytes",
                    body.len()
                );
                carry(world, &order);
            }
            None => return,
        }
    }
    panic!("one event made more than {ORDERS} orders");
}

/// Every channel takes the alert.
fn assert_fits(alert: &Alert) {
    let bundle = alert.bundle();
    assert!(
        bundle.message.len() <= MESSAGE_BYTES,
        "{}",
        bundle.message.len()
    );
    assert!(bundle.subject.len() < 100, "{}", bundle.subject);
    let printable = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
    assert!(bundle.subject.bytes().all(printable), "{}", bundle.subject);
    let slack = slack::message(alert);
    let blocks = slack["blocks"].as_array().expect("blocks");
    assert!(blocks.len() <= 50);
    for block in blocks {
        let text = block["text"]["text"].as_str().unwrap_or_default();
        assert!(text.chars().count() <= 3_000, "{text}");
    }
    assert!(slack.to_string().chars().count() <= 40_000);
}

/// What may be said of the end of a story, whatever it began with.
fn assert_sound(world: &InMemory, name: &str, before: &str) {
    let alerts = world.take_alerts();
    for alert in &alerts {
        assert_fits(alert);
    }
    let Some(live) = world.role(name) else {
        return;
    };
    if live.document == before {
        return;
    }
    assert!(
        !violates(&live, &live.document),
        "the guard wrote what its rules do not cover: {}",
        live.document
    );
}

/// An EventBridge event, handed to every function that takes one, and what follows from it. The
/// role that it names, if any, is there, with the document that the event says it has.
pub fn event(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // As the functions read it: whatever is no record is told, not refused.
    let mut record = Record::from_text(&text).unwrap_or_default();
    if record.event_id.is_empty() {
        record.event_id = format!("sha256-{}", sha256_hex(text.as_bytes()));
    }
    let world = InMemory::at(now());
    let change = match record.activity(&guard().watched()) {
        Activity::TrustChange(change) => Some(change),
        _ => None,
    };
    let before = match change.as_ref().map(|change| &change.document) {
        Some(Document::Present(sent)) => sent.clone(),
        _ => violating(),
    };
    let name = change.as_ref().map_or(ROLE, |change| &change.role);
    let path = change.as_ref().and_then(|change| change.path.as_deref());
    let path = path.filter(|path| path.starts_with('/') && path.ends_with('/'));
    put_role(&world, name, path.unwrap_or("/"), &before);
    // A second delivery of the same event finds everything said.
    let mut reported = Vec::new();
    for delivery in 0..2 {
        for function in 0..5 {
            let handled = match function {
                0 => run(role_trust(&world, guard(), &record)),
                1 => run(access_key(&world, guard(), &record)),
                2 => run(role_permissions(&world, guard(), &record)),
                3 => run(identity_provider(&world, guard(), &record)),
                _ => run(root_activity(&world, guard(), &record)),
            };
            match handled {
                // IAM may not show yet what the event tells of: it comes again.
                Ok(_) | Err(HandleError::NotSeenYet { .. }) => {}
                Err(error) => panic!("in memory nothing fails: {error}"),
            }
        }
        // Those of the second delivery, too: the queue may have forgotten the first.
        drain(&world);
        let alerts = world.take_alerts();
        assert!(alerts.len() <= 6, "{} alerts of one event", alerts.len());
        if delivery == 1 {
            assert!(alerts.is_empty(), "told again: {alerts:?}");
        }
        reported.extend(alerts);
    }
    for alert in &reported {
        assert_fits(alert);
    }
    let live = world.role(name).expect("nobody deletes it");
    let open = violates(&live, &live.document);
    if open && change.is_some() {
        let said = reported.iter().any(|alert| {
            let outcome = alert.outcome.as_ref();
            outcome.is_some_and(|outcome| outcome.open) || alert.stage.name() == "detected"
        });
        assert!(said, "the role is open and nobody was told: {live:?}");
    }
    if live.document != before {
        assert!(!open, "written and not covered: {live:?}");
    }
}

/// The body of a message in the orders queue: as it came, and as one of this account and these
/// rules would have it.
pub fn order(bytes: &[u8]) {
    let Ok(order) = serde_json::from_slice::<Order>(bytes) else {
        return;
    };
    let ours = Order {
        account: ACCOUNT.to_owned(),
        rules: guard().rules.hash().to_owned(),
        ..order.clone()
    };
    for order in [order, ours] {
        let world = InMemory::at(now());
        let name = match &order.task {
            Task::Observe(role) | Task::Remediate(role) => role.role.as_str(),
            Task::DeactivateKey(key) => {
                world.put_key(&key.user, &key.key_id);
                ROLE
            }
            _ => ROLE,
        };
        put_role(&world, name, "/", &violating());
        carry(&world, &order);
        drain(&world);
        assert_sound(&world, name, &violating());
    }
}

/// Items of the table, as the functions read them. A history and a kept document are those of a
/// role which violates the rules, and on which the remediator then acts.
pub fn state(bytes: &[u8]) {
    let Ok(item) = serde_json::from_slice::<Value>(bytes) else {
        return;
    };
    fn reads<T: for<'a> Deserialize<'a>>(item: &Value) -> Option<T> {
        T::deserialize(item).ok()
    }
    // Read and passed on as they are.
    let _ = reads::<OrderProgress>(&item);
    let _ = reads::<Incident>(&item);
    let _ = reads::<FoldMember>(&item);
    let _ = reads::<UserChange>(&item);
    let _ = reads::<KeySeen>(&item);
    if let Some(link) = reads::<ChainLink>(&item) {
        let _ = judge_links(&guard().rules, &[&link], now());
    }
    let history = reads::<RoleHistory>(&item);
    let kept = reads::<KeptDocument>(&item);
    if history.is_none() && kept.is_none() {
        return;
    }
    // What an item's key says is so: the table is asked by key.
    let world = InMemory::at(now());
    put_role(&world, ROLE, "/", &violating());
    if let Some(history) = history {
        let keyed = RoleHistory {
            account: ACCOUNT.to_owned(),
            name: ROLE.to_owned(),
            version: 0,
            ..history
        };
        run(world.state().save_role_history(&keyed)).expect("nothing is there yet");
    }
    if let Some(kept) = kept {
        let keyed = KeptDocument {
            account: ACCOUNT.to_owned(),
            incident: incident_id(ACCOUNT, EVENT),
            ..kept
        };
        run(world.state().keep_document(&keyed)).expect("in memory nothing fails");
    }
    let record = Record::from_value(&json!({
        "eventID": EVENT, "eventName": "UpdateAssumeRolePolicy", "eventTime": NOW,
        "eventSource": "iam.amazonaws.com", "recipientAccountId": ACCOUNT,
        "requestParameters": { "roleName": ROLE, "policyDocument": violating() },
    }));
    run(role_trust(&world, guard(), &record)).expect("in memory nothing fails");
    drain(&world);
    assert_sound(&world, ROLE, &violating());
}

/// A message of the alert topic, as the function for Slack reads it.
pub fn alert(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match serde_json::from_str::<Alert>(&text) {
        Ok(alert) => assert_fits(&alert),
        Err(_) => {
            slack::plain_message(None, &text);
            slack::plain_message(Some(&text), &text);
        }
    }
}

/// Compiled rules as they lie in the layer, and a rules file as JSON, compiled, loaded and asked.
pub fn compiled_rules(bytes: &[u8]) {
    if let Ok(rules) = Rules::load(bytes.to_vec()) {
        ask(&rules);
    }
    let Ok(file) = serde_json::from_slice::<RulesFile>(bytes) else {
        return;
    };
    file.problems(Some(now()));
    let Ok(compiled) = compile(&file, &[]) else {
        return;
    };
    let rules = Rules::load(compiled.bytes.clone()).expect("what was compiled can be loaded");
    ask(&rules);
    // One bit of them that is not as it was is noticed, wherever it matters.
    let bits = compiled.bytes.len() * 8;
    let at = bytes.iter().fold(7_usize, |at, byte| {
        at.wrapping_mul(31).wrapping_add((*byte).into())
    }) % bits;
    let mut damaged = compiled.bytes.clone();
    damaged[at / 8] ^= 1 << (at % 8);
    let first_line = compiled.bytes.iter().position(|byte| *byte == b'\n');
    if first_line.is_some_and(|end| at / 8 > end) {
        assert!(Rules::load(damaged).is_err(), "bit {at} is not noticed");
    } else if let Ok(rules) = Rules::load(damaged) {
        ask(&rules);
    }
}

fn ask(rules: &Rules) {
    for account in ["444455556666", "", "\"", "999999999999"] {
        rules.account(account);
    }
    for user in ["observer-1", "", "*", "\u{0}"] {
        rules.vendors_of_user(user);
    }
    rules.unique_id("AIDAEXAMPLE0000000001");
    let role = RoleRef::named(ACCOUNT, ROLE);
    judge_trust(rules, &role, &violating(), now());
}
