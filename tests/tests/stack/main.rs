//! The built binaries, wired as `template.yaml` says: one account process for all of it, and in it
//! an AWS account of its own for each test.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod access;
mod adversity;
mod demo;
mod events;
mod failing;
mod heartbeat;
mod identity_provider;
mod incidents;
mod live;
mod log;
mod permissions;
mod regions;
mod resource_share;
mod resources;
mod role_permissions;
mod rules_apart;
mod runbooks;
mod slack;
mod sweep;
mod tampering;
mod translated;
mod trust;

use local::cloudtrail::{self, Actor};
use local::{Stack, event_of};
use serde_json::Value;
use trustwarden_tests::Operator;

const ROLE: &str = "DatadogIntegration";

fn codes(alert: &Value) -> Vec<&str> {
    let findings = alert["findings"].as_array().unwrap().iter();
    findings
        .map(|finding| finding["code"].as_str().unwrap())
        .collect()
}

fn stages(alerts: &[Value]) -> Vec<&str> {
    alerts
        .iter()
        .map(|alert| alert["stage"].as_str().unwrap())
        .collect()
}

fn outcome(alert: &Value) -> &str {
    alert["outcome"]["kind"].as_str().unwrap_or_default()
}

/// The alerts after somebody's call, whose event reaches this function alone.
fn alerts_of(
    stack: &Stack<'_>,
    function: &str,
    (service, call): (&str, &str),
    request: &Value,
) -> Vec<Value> {
    let before = stack.alerts().unwrap().len();
    let (account, nothing) = (&stack.account, Value::Null);
    let record = cloudtrail::record(account, Actor::Intruder, service, call, request, &nothing);
    assert_eq!(stack.matches(&event_of(&record)).unwrap(), [function]);
    stack.put_record(&record).unwrap();
    stack.settles();
    stack.alerts().unwrap().split_off(before)
}

/// The guard asked for nothing that its roles may not do, and nothing was delivered nowhere.
fn assert_untroubled(stack: &Stack<'_>) {
    let seen = stack.seen().unwrap();
    assert!(seen.refusals.is_empty(), "{:#?}", seen.refusals);
    assert!(seen.lost.is_empty(), "{:#?}", seen.lost);
    for queue in [
        "EventDeadLetters",
        "AsyncDeadLetters",
        "OrdersDeadLetters",
        "TamperDeadLetters",
    ] {
        let letters = stack.peek(stack.id_of(queue).unwrap()).unwrap();
        assert!(letters.is_empty(), "{queue}: {letters:#?}");
    }
}
