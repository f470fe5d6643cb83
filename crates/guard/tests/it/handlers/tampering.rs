//! The guard's watch over itself: each call that would take its eyes, hands or voice.

use serde_json::{Value, json};
use trustwarden_guard::alert::{Alert, DigestLine};
use trustwarden_guard::detect::{OwnStack, TamperingCall, tampering, tampering_calls};
use trustwarden_guard::handlers::guard_tamper;
use trustwarden_guard::ports::memory::InMemory;
use trustwarden_guard::state::incident::Stage;
use trustwarden_guard::{Check, Severity};

use super::scene::{ALICE, Scene, guard, rules};
use super::troubled::run;

const STACK: &str = "trustwarden";

/// What the examples name, as CloudFormation lists it.
const NAMES: [(&str, &str); 14] = [
    ("{trail}", "all-regions"),
    ("{rule}", "trustwarden-RoleTrustRule-1ABCDEFGHIJK"),
    ("{function}", "trustwarden-RoleTrust-2BCDEFGHIJKL"),
    ("{mapping}", "7c0ea3a5-9a3c-4d2f-8a35-3b1f0a7d9f11"),
    (
        "{topic}",
        "arn:aws:sns:us-east-1:111122223333:trustwarden-AlertTopic-3CDEFGHIJKLM",
    ),
    ("{queue name}", "trustwarden-Orders-4DEFGHIJKLMN.fifo"),
    (
        "{queue}",
        "https://sqs.us-east-1.amazonaws.com/111122223333/trustwarden-Orders-4DEFGHIJKLMN.fifo",
    ),
    ("{table}", "trustwarden-Table-5EFGHIJKLMNO"),
    ("{key}", "0d7f5f0e-93f5-4c73-9a57-b1f0a7d9f1e2"),
    ("{role}", "trustwarden-RemediatorRole-6FGHIJKLMNOP"),
    ("{log group}", "/trustwarden/trustwarden/role-trust"),
    ("{alarm}", "trustwarden-SweepMissing-7GHIJKLMNOPQ"),
    ("{dashboard}", "trustwarden-us-east-1"),
    (
        "{secret}",
        "arn:aws:secretsmanager:us-east-1:111122223333:secret:slack-AbCdEf",
    ),
];

fn own() -> OwnStack {
    let owned = NAMES
        .iter()
        .filter(|(name, _)| !["{trail}", "{queue name}"].contains(name));
    OwnStack::new(STACK, owned.map(|(_, id)| (*id).to_owned()), false)
}

/// The request of a call's example, about what is named so in place of the stack's.
fn request(call: &TamperingCall, names: impl Fn(&str) -> String) -> Value {
    let mut text = call.example.to_owned();
    for (name, id) in NAMES {
        text = text.replace(name, &names(id));
    }
    serde_json::from_str(&text.replace("{stack}", &names(STACK))).unwrap()
}

fn event(scene: &mut Scene, call: &TamperingCall, request: Value) -> Value {
    let source = format!("{}.amazonaws.com", call.service);
    let identity = super::scene::identity(ALICE);
    scene.raw_event(&source, call.event, request, identity)
}

fn reported(scene: &Scene, own: &OwnStack, events: &[Value]) -> Vec<Alert> {
    let topic = InMemory::default();
    let texts: Vec<String> = events.iter().map(Value::to_string).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let guard = guard(rules(|_| {}));
    run(guard_tamper(&topic, &guard, own, &texts, scene.now()))
        .unwrap()
        .unwrap();
    topic.take_alerts()
}

#[test]
fn each_call_on_what_the_stack_owns_is_reported() {
    let mut scene = Scene::new();
    let mut calls = 0;
    for call in tampering_calls() {
        calls += 1;
        let request = request(&call, str::to_owned);
        let event = event(&mut scene, &call, request);
        let alerts = reported(&scene, &own(), &[event]);
        let [alert] = alerts.as_slice() else {
            panic!("{call:?}: {alerts:#?}");
        };
        assert_eq!(alert.findings[0].code, Check::GuardTampered, "{call:?}");
        assert_eq!(alert.severity, Severity::Critical);
        let said = &alert.findings[0].message;
        assert!(
            said.starts_with(&format!("{}:{}", call.service, call.event)),
            "{said}"
        );
        assert!(said.ends_with(call.effect), "{said}");
        assert!(
            alert
                .cause
                .as_ref()
                .unwrap()
                .actor
                .arn
                .as_deref()
                .unwrap()
                .contains("alice")
        );
    }
    assert!(calls > 80, "{calls}");
}

#[test]
fn the_same_calls_on_what_others_own_are_not_reported() {
    let mut scene = Scene::new();
    let other = |id: &str| {
        id.replace("rustwarden", "hermostat")
            .replace(['0', '7'], "8")
            .replace("slack", "other")
    };
    for call in tampering_calls() {
        let request = request(&call, other);
        let event = event(&mut scene, &call, request);
        assert_eq!(
            reported(&scene, &own(), &[event]).len(),
            usize::from(call.any),
            "{call:?}"
        );
    }
}

/// A name that merely contains one of the stack's, or begins as it does, is another's.
#[test]
fn a_name_alike_is_another() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "DisableRule")
        .unwrap();
    for (name, count) in [
        ("trustwarden-RoleTrustRule-1ABCDEFGHIJK", 1),
        ("TRUSTWARDEN-roletrustrule-1abcdefghijk", 1),
        (
            "arn:aws:events:us-east-1:111122223333:rule/trustwarden-RoleTrustRule-1ABCDEFGHIJK",
            1,
        ),
        (
            "arn:aws:events:us-east-1:111122223333:rule/default/trustwarden-RoleTrustRule-1ABCDEFGHIJK",
            1,
        ),
        // A rule of another region's stack, which hands events on to this one.
        (
            "trustwarden-forward-root-5d0c8f3e-93f5-4c73-9a57-b1f0a7d9f1e2",
            1,
        ),
        ("trustwarden-RoleTrustRule-1ABCDEFGHIJKL", 0),
        ("a-trustwarden-RoleTrustRule-1ABCDEFGHIJK", 0),
        ("trustwarden-dev-RoleTrustRule-1ABCDEFGHIJK", 0),
    ] {
        let event = event(&mut scene, &call, json!({ "name": name }));
        assert_eq!(reported(&scene, &own(), &[event]).len(), count, "{name}");
    }
    let call = tampering_calls()
        .find(|call| call.event == "DeleteLogGroup")
        .unwrap();
    for (name, count) in [
        ("/trustwarden/trustwarden/role-trust", 1),
        (
            "arn:aws:logs:us-east-1:111122223333:log-group:/trustwarden/trustwarden/role-trust:*",
            1,
        ),
        ("role-trust", 0),
        ("/aws/lambda/role-trust", 0),
        (
            "arn:aws:logs:us-east-1:111122223333:log-group:/trustwarden/trustwarden/role-trust-2",
            0,
        ),
    ] {
        let event = event(&mut scene, &call, json!({ "logGroupIdentifier": name }));
        assert_eq!(reported(&scene, &own(), &[event]).len(), count, "{name}");
    }
}

#[test]
fn lambdas_names_carry_versions_and_the_response_may_name_the_function() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "UpdateEventSourceMapping")
        .unwrap();
    let mut event = event(
        &mut scene,
        &call,
        json!({ "uUID": "another", "enabled": false }),
    );
    event["detail"]["eventName"] = json!("UpdateEventSourceMapping20150331");
    assert_eq!(reported(&scene, &own(), &[event.clone()]), []);
    event["detail"]["responseElements"] = json!({
        "functionArn": "arn:aws:lambda:us-east-1:111122223333:function:trustwarden-RoleTrust-2BCDEFGHIJKL:live"
    });
    assert_eq!(reported(&scene, &own(), &[event.clone()]).len(), 1);
    event["detail"]["eventName"] = json!("UpdateEventSourceMappings");
    assert_eq!(reported(&scene, &own(), &[event]), []);
}

#[test]
fn a_failed_call_changed_nothing_and_a_hidden_request_may_have() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "PutRule")
        .unwrap();
    let whole = event(&mut scene, &call, request(&call, str::to_owned));
    let mut failed = whole.clone();
    failed["detail"]["errorCode"] = json!("AccessDenied");
    assert_eq!(reported(&scene, &own(), &[failed]), []);
    let mut hidden = whole;
    hidden["detail"]["requestParameters"] = Value::Null;
    assert_eq!(reported(&scene, &own(), &[hidden]).len(), 1);
}

/// A deploy is one call of a person's, which is reported, and a hundred of CloudFormation's.
#[test]
fn a_deploys_own_calls_do_not_count_and_those_of_another_stack_do() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "UpdateFunctionCode")
        .unwrap();
    let mut by_deploy = event(&mut scene, &call, request(&call, str::to_owned));
    by_deploy["detail"]["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
    let mut deploying = own();
    deploying.deploying = true;
    assert_eq!(reported(&scene, &deploying, &[by_deploy.clone()]), []);
    // No deploy of ours is under way: it is somebody else's stack.
    assert_eq!(reported(&scene, &own(), &[by_deploy]).len(), 1);
    let by_hand = event(&mut scene, &call, request(&call, str::to_owned));
    assert_eq!(reported(&scene, &deploying, &[by_hand]).len(), 1);
    let deploy = tampering_calls()
        .find(|call| call.event == "ExecuteChangeSet")
        .unwrap();
    let deploy = event(&mut scene, &deploy, request(&deploy, str::to_owned));
    assert_eq!(reported(&scene, &deploying, &[deploy]).len(), 1);
}

/// Who deploys another stack and hands it one of ours does nothing to the guard.
#[test]
fn a_deploy_is_about_the_stack_it_names() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "ExecuteChangeSet")
        .unwrap();
    let topic = "arn:aws:sns:us-east-1:111122223333:trustwarden-AlertTopic-3CDEFGHIJKLM";
    for (request, count) in [
        (
            json!({ "stackName": "trustwarden", "changeSetName": "x" }),
            1,
        ),
        (
            json!({ "stackName": "other", "parameters": [{ "parameterValue": topic }] }),
            0,
        ),
        (
            json!({ "stackName": "trustwarden-dev", "changeSetName": "trustwarden" }),
            0,
        ),
        // By its own ARN, which does not say whose it is.
        (
            json!({ "changeSetName": "arn:aws:cloudformation:us-east-1:111122223333:changeSet/x/y" }),
            1,
        ),
    ] {
        let mut event = event(&mut scene, &call, request);
        assert_eq!(
            reported(&scene, &own(), &[event.clone()]).len(),
            count,
            "{event}"
        );
        // A stack set deploys as CloudFormation itself.
        event["detail"]["userIdentity"]["invokedBy"] = json!("cloudformation.amazonaws.com");
        let mut deploying = own();
        deploying.deploying = true;
        assert_eq!(reported(&scene, &deploying, &[event]).len(), count);
    }
}

/// A policy for somebody else's role may speak of the guard's table.
#[test]
fn a_document_that_mentions_the_guard_is_no_change_of_it() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "PutRolePolicy")
        .unwrap();
    let table = "arn:aws:dynamodb:us-east-1:111122223333:table/trustwarden-Table-5EFGHIJKLMNO";
    let document = json!({ "Statement": [
        { "Effect": "Allow", "Action": "dynamodb:Query", "Resource": format!("{table}/index/*") },
        { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "arn:aws:iam::111122223333:root" },
    ]});
    // While a deploy is under way CloudFormation lists things without an id.
    let ids = [String::new(), table.to_owned()];
    let own = OwnStack::new(STACK, ids, true);
    let request = json!({ "roleName": "other", "policyDocument": document.to_string() });
    let event = event(&mut scene, &call, request);
    assert_eq!(reported(&scene, &own, &[event]), []);
}

#[test]
fn an_event_that_two_rules_hand_on_is_one_alert() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "DisableRule")
        .unwrap();
    let once = event(&mut scene, &call, request(&call, str::to_owned));
    let again = event(&mut scene, &call, request(&call, str::to_owned));
    assert_eq!(
        reported(&scene, &own(), &[once.clone(), once.clone()]).len(),
        1
    );
    assert_eq!(reported(&scene, &own(), &[once, again]).len(), 2);
}

#[test]
fn a_secret_may_be_named_without_the_end_of_its_arn() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "PutSecretValue")
        .unwrap();
    for (name, count) in [("slack", 1), ("slack-AbCdEf", 1), ("slack-other", 0)] {
        let event = event(&mut scene, &call, json!({ "secretId": name }));
        assert_eq!(reported(&scene, &own(), &[event]).len(), count, "{name}");
    }
}

#[test]
fn without_the_list_what_is_named_after_the_stack_counts() {
    let mut scene = Scene::new();
    let call = tampering_calls()
        .find(|call| call.event == "DisableRule")
        .unwrap();
    let own = OwnStack::unlisted("Trustwarden");
    for (name, count) in [
        ("trustwarden-RoleTrustRule-1ABCDEFGHIJK", 1),
        ("other-RoleTrustRule-1ABCDEFGHIJK", 0),
        ("trustwardens-rule", 0),
    ] {
        let event = event(&mut scene, &call, json!({ "name": name }));
        let alerts = reported(&scene, &own, &[event]);
        assert_eq!(alerts.len(), count, "{name}");
        for alert in alerts {
            assert!(alert.findings[0].message.contains("could not be listed"));
        }
    }
}

/// SNS suspends an e-mail subscription at ten messages a second.
#[test]
fn a_flood_is_few_messages_that_name_each() {
    let mut scene = Scene::new();
    let calls: Vec<TamperingCall> = tampering_calls().collect();
    let events: Vec<Value> = (calls.iter().cycle().take(100))
        .map(|call| event(&mut scene, call, request(call, str::to_owned)))
        .collect();
    let alerts = reported(&scene, &own(), &events);
    assert!(alerts.len() <= 3, "{} messages", alerts.len());
    let mut told = 0;
    let mut text = String::new();
    for alert in &alerts {
        assert_eq!(alert.stage, Stage::Digest);
        assert_eq!(alert.severity, Severity::Critical);
        let digest = alert.digest.as_ref().unwrap();
        assert_eq!(digest.count, 100);
        told += digest.lines.iter().map(DigestLine::count).sum::<u64>();
        text += &alert.bundle().message;
    }
    assert_eq!(told, 100);
    for call in &calls {
        assert!(
            text.contains(&format!("{}:{}", call.service, call.event)),
            "{call:?}"
        );
    }
    assert_eq!(
        reported(&scene, &own(), &events[..3]).len(),
        3,
        "few go out one by one"
    );
}

#[test]
fn what_is_no_event_is_reported() {
    let scene = Scene::new();
    let topic = InMemory::default();
    let guard = guard(rules(|_| {}));
    run(guard_tamper(&topic, &guard, &own(), &["{"], scene.now()))
        .unwrap()
        .unwrap();
    assert_eq!(topic.take_alerts().len(), 1);
}

#[test]
fn every_row_has_its_parts() {
    for call in tampering_calls() {
        assert!(
            serde_json::from_str::<Value>(call.example).is_ok(),
            "{call:?}"
        );
        let detail = json!({
            "eventSource": format!("{}.amazonaws.com", call.service),
            "eventName": call.event,
            "requestParameters": request(&call, str::to_owned),
        });
        assert_eq!(
            tampering(&detail, &own()).unwrap().effect,
            call.effect,
            "{call:?}"
        );
    }
}
